"""Check the spec of a MigrationController against the table of settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from service.core.deadline import paced
from service.core.outcome import Severity
from service.core.settings.setting_model import Setting, SettingKind
from service.core.settings.table import SETTINGS, find, nearest, snake_case, spellings
from service.core.settings.values import value_remarks
from service.core.values import httpproxy
from service.core.values.stunnel_login import Remark
from service.core.values.versions import Version, parse_or_none
from service.kinds.redact import redact_value

MOST_GUESSES = 50
"""For how many unknown keys of one spec a likely name is looked for, which is dear."""


@dataclass(frozen=True, slots=True)
class SpecRemark:
    """A remark on one key of the spec.

    ``key`` is as written in the spec, ``setting`` the name in the table ("" if unknown). ``found``
    is fit to be shown: it contains no secret.
    """

    key: str
    setting: str
    remark: Remark
    found: str
    wanted: str


def check_spec(
    spec: Mapping[str, Any], installed: Version | None = None, *, whole: bool = True
) -> Iterator[SpecRemark]:
    """All remarks on a spec, in its order, the missing keys last.

    ``installed`` is the MTC release, None if not known. ``whole`` is False for a part of a spec,
    of which no key can be required.
    """
    unknown = 0
    for key, value in paced(spec.items()):
        setting = find(key)
        if setting is None:
            unknown += 1
            yield _unknown(key, guess=unknown <= MOST_GUESSES)
            continue
        twins = spellings(spec, setting.name)
        if len(twins) > 1 and key == twins[-1]:
            yield _twins(setting, twins)
        for remark in value_remarks(setting, value):
            yield SpecRemark(key, setting.name, remark, shown(setting, value), setting.wanted)
        yield from _about(setting, key, installed)
    if whole:
        yield from _missing(spec)


def shown(setting: Setting, value: object) -> str:
    """A value as text for people, without secrets."""
    if "secret" in setting.name or setting.kind is SettingKind.PROXY:
        return "(not shown)"
    if setting.kind is SettingKind.URL and isinstance(value, str):
        return httpproxy.read(value).shown or "(not shown: it may hold a password)"
    if isinstance(value, list | dict):
        return f"a {'list' if isinstance(value, list) else 'mapping'} of {len(value)}"
    text = f'"{redact_value(value)}"' if isinstance(value, str) else _scalar(value)
    return text[:80]


def _scalar(value: object) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _unknown(key: str, guess: bool) -> SpecRemark:
    likely = nearest(key[:60]) if guess else ""
    if likely:
        text = f"no release of the operator reads {key[:60]!r}; did you mean {likely}?"
        remark = Remark("unknown-key", Severity.BLOCKER, text)
        return SpecRemark(key, "", remark, key[:60], likely)
    text = f"no release of the operator reads {key[:60]!r}; it has no effect"
    return SpecRemark(
        key, "", Remark("unknown-key", Severity.WARNING, text), key[:60], "a known key"
    )


def _twins(setting: Setting, twins: tuple[str, ...]) -> SpecRemark:
    text = f"{' and '.join(twins)} are the same setting; it is not defined which one applies"
    remark = Remark("given-twice", Severity.BLOCKER, text)
    return SpecRemark(twins[-1], setting.name, remark, ", ".join(twins), f"only {setting.name}")


def _about(setting: Setting, key: str, installed: Version | None) -> Iterator[SpecRemark]:
    since, until = parse_or_none(setting.since), parse_or_none(setting.until)
    if installed and since and installed < since:
        text = f"the setting is read from {setting.since} on, but not by the installed {installed}"
        remark = Remark("too-new", Severity.WARNING, text)
        yield SpecRemark(key, setting.name, remark, str(installed), f"{setting.since} or newer")
    elif until and (installed is None or installed >= until):
        remark = Remark("former", Severity.INFO, f"not read since {setting.until}; remove it")
        yield SpecRemark(key, setting.name, remark, key, "no such key")
    if setting.unread:
        remark = Remark("no-effect", Severity.INFO, f"no effect today: {setting.unread}")
        yield SpecRemark(key, setting.name, remark, key, "no such key")
    if setting.internal:
        text = "a variable of the operator's own: a value in the spec overrides its logic"
        remark = Remark("internal", Severity.WARNING, text)
        yield SpecRemark(key, setting.name, remark, key, "no such key")


def _missing(spec: Mapping[str, Any]) -> Iterator[SpecRemark]:
    given = {snake_case(key): value for key, value in spec.items()}
    for setting in SETTINGS.values():
        if setting.name == "cluster_name" and not _makes_host(given):
            continue
        if setting.required and setting.name not in given:
            text = f"{setting.name} has no default: without it the operator cannot reconcile"
            remark = Remark("missing-key", Severity.BLOCKER, text)
            yield SpecRemark(setting.name, setting.name, remark, "nothing", setting.wanted)


def _makes_host(given: Mapping[str, Any]) -> bool:
    """Whether the operator makes the host's MigCluster, which alone takes cluster_name.

    Not where both switches are off, as on a remote cluster (roles/migrationcontroller/tasks).
    """
    return any(given.get(name) is not False for name in ("migration_controller", "migration_ui"))
