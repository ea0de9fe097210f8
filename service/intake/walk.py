"""An archive into the intake: which members are read, and what the archive as a whole shows."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, BinaryIO

from service.core.evidence import Unusable
from service.core.migration import Part
from service.intake.archives.members import SEPARATOR, Member, Rejected, read_archive
from service.intake.files import read_file
from service.intake.intake import Intake
from service.intake.intake_errors import LimitExceeded, Unreadable
from service.intake.layout import PLAIN, Hint, Holds
from service.intake.options import moment
from service.intake.trees import Trees
from service.kinds.health import CLUSTER_OPERATOR
from service.kinds.redact import redact
from service.kinds.ref import Origin, Pointer

_STAMP = re.compile(rb"^([\d-]{10}) ([\d:]{8})(?:\.\d+)?(?: ([+-]\d{4}))?(?!\S)", re.MULTILINE)
"""A time as Go prints it: ``2026-01-02 10:00:00.1 -0500 EST m=+0.8``."""


def walk(intake: Intake, part: Part, stream: BinaryIO) -> None:
    """Read an archive that is a part of a request."""
    before = intake.objects
    older = _walk(intake, part, stream)
    if older is not None and intake.objects == before:
        # Nothing else is there: then what the Insights operator wrote before is evidence.
        _walk(intake, part, io.BytesIO(older.data), older.path + SEPARATOR)


def _walk(intake: Intake, part: Part, stream: BinaryIO, prefix: str = "") -> Member | None:
    """Read an archive; the newest Insights archive within it is returned unread."""
    trees = Trees(intake.wanted())
    older: Member | None = None
    try:
        older = _members(intake, part, stream, prefix, trees)
    except LimitExceeded:
        raise
    except Unreadable as error:
        # The members before the damage are taken; nothing after them is known.
        trees.partial = True
        intake.unreadable(error, Origin(part.name))
        part.notes.append(f"{part.name}: {error.message}")
    for cluster, resource, folder in trees.whole(_operators(intake, part.name, prefix)):
        place = Pointer(Origin(part.name, prefix + folder), "")
        intake.gathering(part.name, cluster).covers(resource, ("",), place)
    if trees.obfuscated:
        intake.gathering(part.name).hide_addresses(prefix)
    for cluster in trees.own_clusters():
        intake.gathering(part.name, cluster).own = True
    part.notes += trees.failures()
    return older


def _operators(intake: Intake, part: str, prefix: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """The ClusterOperators of an archive, each with the path of its file."""
    for label, gathering in intake.gatherings.items():
        for entry in gathering.entries(CLUSTER_OPERATOR) if label.startswith(part) else ():
            with suppress(Unusable):
                yield (entry.origin.member or "").removeprefix(prefix), entry.value


def _members(
    intake: Intake, part: Part, stream: BinaryIO, prefix: str, trees: Trees
) -> Member | None:
    held: list[Member | Rejected] = []
    older: Member | None = None
    for member in read_archive(
        stream,
        wanted=trees.wants,
        limits=intake.limits,
        enter=trees.enters,
        passing=trees.is_passing,
    ):
        hint = trees.hint(member.path)
        if isinstance(member, Rejected):
            trees.lost(member.path)
            held.append(member)
        elif hint.holds is Holds.INSIGHTS:
            older = member  # the newest by its name so far
        elif hint.holds is Holds.NOTE:
            trees.note(member.path, member.data)
            _note(intake, part, hint, prefix + member.path, member.data)
        elif hint.holds in (Holds.LOOSE, Holds.TOOL):
            held.append(member)
        else:
            _member(intake, part, member, prefix, hint, trees)
    for member in held:
        if trees.is_nothing(member.path):
            continue
        if isinstance(member, Rejected):
            intake.unreadable(member.error, Origin(part.name, redact(prefix + member.path)))
        else:
            _member(intake, part, member, prefix, PLAIN, trees)
    if not (trees.has_objects or trees.logins_failed or held or older):
        _nothing_in(intake, part, trees)
    return older


def _nothing_in(intake: Intake, part: Part, trees: Trees) -> None:
    if trees.known:
        intake.problem(
            "must-gather-failed",
            f"the must-gather in {part.name} failed: it holds no object of a cluster",
            Origin(part.name),
            "read must-gather.logs, or what `oc adm must-gather` printed, and run it again",
        )
        return
    intake.problem(
        "nothing-known",
        f"the archive {part.name} holds no file that is known by its path",
        Origin(part.name),
        "post an archive of `oc adm must-gather` or `oc adm inspect`, or put `oc get` "
        "output as .yaml or .json files into its topmost folders",
    )


def _member(
    intake: Intake, part: Part, member: Member, prefix: str, hint: Hint, trees: Trees
) -> None:
    """Read a file of objects, and note what of its tree is lost."""
    origin = Origin(part.name, redact(prefix + member.path))
    if not read_file(intake, part, member.data, origin, hint, claims_yaml=True):
        trees.lost(member.path)
    if hint.holds is Holds.MASKED and member.modified:
        # The Insights operator writes the time of gathering into the header of each file.
        moment = datetime.fromtimestamp(member.modified, UTC)
        part.collected = max(moment, part.collected or moment)


def _note(intake: Intake, part: Part, hint: Hint, path: str, data: bytes) -> None:
    if path.endswith("timestamp"):
        found = _collected(data)
        part.collected = min(found, part.collected or found) if found else part.collected
    elif path.endswith("login_error.txt"):
        where = f" of MigCluster {hint.cluster}" if hint.cluster else ""
        part.notes.append(f"{path}: the collection could not log in{where}")
        if part.role:
            intake.gathering(part.name, hint.cluster)


def _collected(data: bytes) -> datetime | None:
    """The last time of a must-gather's timestamp file, in the zone of who took it."""
    found = None
    for stamp in _STAMP.finditer(data[:10_000]):
        date, time, zone = (group.decode() for group in stamp.groups(b""))
        found = moment(f"{date}T{time}{zone}") or found
    return found
