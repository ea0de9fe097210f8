"""Operator Lifecycle Manager objects that tell which MTC is installed and which is newest."""

from __future__ import annotations

from dataclasses import dataclass

from service.core.evidence import Ref


@dataclass(frozen=True, slots=True)
class Subscription:
    """A Subscription; ``state`` is AtLatestKnown, UpgradeAvailable, UpgradePending …"""

    ref: Ref
    package: str
    channel: str
    installed_csv: str
    current_csv: str
    state: str
    approval: str


@dataclass(frozen=True, slots=True)
class ClusterServiceVersion:
    """A ClusterServiceVersion; ``copied`` marks OLM's copies into other namespaces."""

    ref: Ref
    version: str
    phase: str
    copied: bool


@dataclass(frozen=True, slots=True)
class PackageManifest:
    """A PackageManifest: the newest CSV of each channel of the catalog."""

    ref: Ref
    channels: tuple[tuple[str, str], ...]
    """Pairs of channel name and version of its newest CSV."""
    default_channel: str


@dataclass(frozen=True, slots=True)
class Deployment:
    """A Deployment's container images; tells the version of the legacy MTC operator."""

    ref: Ref
    images: tuple[str, ...]
