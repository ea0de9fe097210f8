"""Image stream tags of namespace ``openshift`` that OpenShift 4 no longer ships."""

from __future__ import annotations

SOURCE = "openshift-docs modules/migration-prerequisites.adoc at commit 07671a4, 2020"

REMOVED: dict[str, dict[str, tuple[str, ...]]] = {
    "4.2": {
        "dotnet": ("1.0", "1.1", "2.0"),
        "dotnet-runtime": ("2.0",),
        "mariadb": ("10.1",),
        "mongodb": ("2.4", "2.6"),
        "mysql": ("5.5", "5.6"),
        "nginx": ("1.8",),
        "nodejs": ("0.10", "4", "6"),
        "perl": ("5.16", "5.20"),
        "php": ("5.5", "5.6"),
        "postgresql": ("9.2", "9.4", "9.5"),
        "python": ("3.3", "3.4"),
        "ruby": ("2.0", "2.2"),
    },
    "4.4": {
        "dotnet": ("2.2",),
        "dotnet-runtime": ("2.2",),
        "nginx": ("1.12",),
        "nodejs": ("8", "8-RHOAR", "10-SCL"),
        "perl": ("5.24",),
        "php": ("7.0", "7.1"),
        "redis": ("3.2",),
    },
}
"""Tags by stream, by the OpenShift release that removed them."""


def removed_in(stream: str, tag: str) -> str:
    """The OpenShift release that removed a tag, "" if none is known to have."""
    return next((release for release, gone in REMOVED.items() if tag in gone.get(stream, ())), "")
