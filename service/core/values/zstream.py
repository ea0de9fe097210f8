"""Is a version the newest of its z-stream? What several sources claim, weighed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from service.core.values.versions import Version
from service.kinds.ref import Pointer


@dataclass(frozen=True, slots=True)
class Claim:
    """What one source says is the newest release.

    ``settles`` says that the source would know of a newer one, so being level with it proves
    that there is none. ``advisory`` marks a release that is there, but not recommended.
    """

    newest: Version
    source: str
    settles: bool = False
    advisory: bool = False
    evidence: tuple[Pointer, ...] = ()


def beyond(current: Version, claims: Iterable[Claim]) -> Claim | None:
    """The claim of the newest release after this one; recommended ones go first."""
    newer = [claim for claim in claims if claim.newest > current]
    return max(newer, key=lambda claim: (not claim.advisory, claim.newest), default=None)


def settled(current: Version, claims: Iterable[Claim]) -> Claim | None:
    """A claim that proves this release to be the newest.

    A source that does not even know this release knows nothing of what came after it.
    """
    return next((item for item in claims if item.settles and item.newest == current), None)


def newest(versions: Iterable[Version], current: Version) -> Version:
    """The newest of these releases in the z-stream of this one, itself included."""
    stream = [version for version in versions if version.stream == current.stream]
    return max([*stream, current])
