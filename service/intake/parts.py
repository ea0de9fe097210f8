"""A request's pieces into a migration: the one way in for the service and the command line."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, BinaryIO

from service.core.deadline import check
from service.core.evidence import Problem
from service.core.migration import Part
from service.intake.archives.members import (
    SEPARATOR,
    Format,
    Member,
    Rejected,
    decompress,
    read_archive,
    sniff,
)
from service.intake.documents import take
from service.intake.errors import LimitExceeded, Unreadable
from service.intake.intake import Intake
from service.intake.layout import PLAIN, Hint, hint_of
from service.intake.limits import DEFAULT_LIMITS, Limits
from service.intake.masks import without_masks
from service.intake.options import moment
from service.intake.pieces import (
    CLUSTER_PARTS,
    OBJECT_PARTS,
    PART_NAMES,
    BadInput,
    Piece,
    nothing_given,
)
from service.intake.settle import settle
from service.intake.sources import Media
from service.intake.streams import peek, rest
from service.intake.texts.definitions import load_definition
from service.intake.texts.items import load_list
from service.intake.texts.load import load, media_of
from service.intake.texts.loaded import Loaded, gc_paused
from service.intake.texts.shell import without_shell
from service.intake.trees import Trees
from service.kinds.apis import CRD
from service.kinds.ref import Origin
from service.kinds.resource import Read

_STAMP = re.compile(rb"^([\d-]{10}) ([\d:]{8})(?:\.\d+)?(?: ([+-]\d{4}))?(?!\S)", re.MULTILINE)
"""A time as Go prints it: ``2026-01-02 10:00:00.1 -0500 EST m=+0.8``."""

ARCHIVES = (Format.TAR, Format.TAR_GZ, Format.TAR_XZ, Format.TAR_BZ2, Format.ZIP)


def read_pieces(
    pieces: Sequence[Piece],
    options: Mapping[str, Any],
    limits: Limits = DEFAULT_LIMITS,
    reads: Iterable[Read[Any]] | None = None,
) -> Intake:
    """Read the parts of a request; ``reads`` (the policies') keep everything else unparsed.

    ``options`` (as_of, target_ocp, target_mtc, max_age_hours, plan, host, role) come from the
    caller and win over those of an envelope. Raises BadInput, LimitExceeded. What is unreadable
    within a part becomes a problem of the migration; the rest counts.
    """
    if not pieces:
        raise BadInput("bad-request", nothing_given())
    with gc_paused():
        intake = Intake(dict(options), limits, None if reads is None else tuple(reads))
        for piece in sorted(pieces, key=lambda piece: piece.name in CLUSTER_PARTS):
            _part(intake, piece)
        settle(intake)
        return intake


def read_body(
    piece: Piece,
    options: Mapping[str, Any],
    limits: Limits = DEFAULT_LIMITS,
    reads: Iterable[Read[Any]] | None = None,
) -> Intake:
    """Read a single body: an envelope, or with option ``role`` the evidence of one cluster."""
    role = str(options.get("role") or "")
    if role:
        piece = Piece(role, piece.stream, piece.filename, piece.media_type)
    else:
        piece = Piece("envelope", piece.stream, piece.filename, piece.media_type)
    return read_pieces([piece], options, limits, reads)


def _part(intake: Intake, piece: Piece) -> None:
    """Read one piece."""
    if piece.name not in PART_NAMES:
        raise BadInput("bad-request", _unknown_part(piece.name))
    before = intake.objects
    intake.plan_given |= piece.name == "plan"
    part = Part(piece.name, piece.name if piece.name in CLUSTER_PARTS else "")
    head, stream = peek(piece.stream)
    if not head:
        intake.problem("empty-part", f"the part {part.name} is empty", Origin(part.name))
    else:
        _read(intake, part, piece, head, stream)
    part.objects = intake.objects - before
    intake.parts.append(part)


def _read(intake: Intake, part: Part, piece: Piece, head: bytes, stream: BinaryIO) -> None:
    found = sniff(head)
    part.form = found.name.lower().replace("_", ".")
    if found in ARCHIVES:
        _archive(intake, part, stream)
        return
    try:
        data = _whole(intake, stream, found)
    except LimitExceeded:
        raise
    except Unreadable as error:
        intake.unreadable(error, Origin(part.name))
        return
    part.form = media_of(data)
    claims = "yaml" in piece.media_type or piece.filename.endswith((".yaml", ".yml"))
    hint = hint_of(piece.filename, intake.wanted()) if "/" in piece.filename else PLAIN
    origin = Origin(part.name, _member(intake, piece))
    _text(intake, part, data, origin, hint or PLAIN, claims)


def _member(intake: Intake, piece: Piece) -> str:
    """ "" for the first file of a part; others of it are told apart by their names."""
    if (piece.name, "") not in intake.names:
        intake.names.add((piece.name, ""))
        return ""
    name = piece.filename[:200] or f"{piece.name} {len(intake.names) + 1}"
    while (piece.name, name) in intake.names:
        name += "'"
    intake.names.add((piece.name, name))
    return name


def _whole(intake: Intake, stream: BinaryIO, found: Format) -> bytes:
    """A single document, decompressed."""
    if found is Format.PLAIN:
        data = rest(stream, intake.limits.kept_bytes + 1)
    else:
        data = b"".join(decompress(stream, intake.limits))
    if len(data) > intake.limits.kept_bytes:
        raise LimitExceeded(
            "kept_bytes",
            f"a document is larger than {intake.limits.kept_bytes} bytes",
            hint="post an archive, of which only what is needed is kept, or split it",
        )
    return data


def _archive(intake: Intake, part: Part, stream: BinaryIO) -> None:
    if part.name in OBJECT_PARTS:
        raise BadInput("unprocessable", _archive_given(part.name))
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
    for cluster, resource in trees.whole():
        intake.gathering(part.name, cluster).covers(resource, set(), whole=True)
    return older


def _members(
    intake: Intake, part: Part, stream: BinaryIO, prefix: str, trees: Trees
) -> Member | None:
    held: list[Member] = []
    older: list[Member] = []
    for member in read_archive(
        stream, wanted=trees.wants, limits=intake.limits, enter=trees.enters
    ):
        hint = trees.hint(member.path)
        if isinstance(member, Rejected):
            if not trees.is_noise(member.path):
                intake.unreadable(member.error, Origin(part.name, prefix + member.path))
        elif hint.note == "insights":
            older = [max((member, *older), key=lambda item: item.path)]
        elif hint.note:
            trees.note(member.path, hint.note, member.data)
            _note(part, hint, prefix + member.path, member.data)
        elif hint.loose:
            held.append(member)
        else:
            _member_of(intake, part, member, prefix, hint, trees)
    for member in held:
        if not trees.is_noise(member.path):
            _member_of(intake, part, member, prefix, PLAIN, trees)
    if not trees.known:
        intake.problem(
            "nothing-known",
            f"the archive {part.name} holds no file that is known by its path",
            Origin(part.name),
            "post an archive of `oc adm must-gather` or `oc adm inspect`, or put `oc get` "
            "output as .yaml or .json files into its topmost folders",
        )
    return older[0] if older else None


def _member_of(
    intake: Intake, part: Part, member: Member, prefix: str, hint: Hint, trees: Trees
) -> None:
    """Read a file of objects, and note which tree it is of."""
    problems = len(intake.problems)
    _text(intake, part, member.data, Origin(part.name, prefix + member.path), hint, True)
    if hint.masked and member.modified:
        # The Insights operator writes the time of gathering into the header of each file.
        moment = datetime.fromtimestamp(member.modified, UTC)
        part.collected = max(moment, part.collected or moment)
    trees.took(member.path, hint, len(intake.problems) == problems)


def _note(part: Part, hint: Hint, path: str, data: bytes) -> None:
    if hint.note == "timestamp":
        part.collected = _collected(data) or part.collected
    elif hint.note == "login-error":
        where = f" of MigCluster {hint.cluster}" if hint.cluster else ""
        part.notes.append(f"{path}: the collection could not log in{where}")


def _text(
    intake: Intake, part: Part, data: bytes, origin: Origin, hint: Hint, claims_yaml: bool
) -> None:
    data, shell = without_shell(data)
    if shell:
        intake.problems.append(_left_out_shell(shell, origin))
    media = media_of(data)
    count = 0
    used = False
    for loaded in _documents(intake, data, origin, hint, claims_yaml):
        check()
        count += 1
        intake.documents += 1
        if intake.documents > intake.limits.documents:
            raise LimitExceeded(
                "documents", f"the request holds more than {intake.limits.documents} documents"
            )
        here = replace(origin, document=loaded.index)
        if loaded.error is not None:
            intake.unreadable(loaded.error, here)
            continue
        used = True
        masked = without_masks(loaded.value, hint.resource) if hint.masked else ""
        if masked and hint.resource:
            # A clear copy from elsewhere is still taken; without one this is why it is missing.
            intake.gathering(part.name, hint.cluster).deny(hint.resource, "", masked)
            continue
        take(intake, part, loaded.value, here, hint)
    part.documents += count
    if used or count:
        intake.sources.keep(origin, data, _media(media, count))
    elif (part.name, origin.member) in intake.names:
        intake.problem("no-document", f"the part {part.name} holds no document", origin)


def _documents(
    intake: Intake, data: bytes, origin: Origin, hint: Hint, claims_yaml: bool
) -> Iterable[Loaded]:
    if hint.resource is CRD:
        return load_definition(data, intake.limits)
    listed = load_list(data, intake.limits, origin)
    if listed is not None:
        return (Loaded(0, listed, None),)
    return load(data, intake.limits, yaml_claimed=claims_yaml)


def _left_out_shell(lines: Sequence[int], origin: Origin) -> Problem:
    named = ", ".join(map(str, lines[:5])) + " …" * (len(lines) > 5)
    those = f"lines {named} are prompts or commands" if len(lines) > 1 else "a prompt or command"
    return Problem(
        "pasted-prompt",
        f"{those} of a shell; the rest was read without them",
        part=origin.part,
        member=origin.member,
        line=lines[0],
        blocks=False,
    )


def _collected(data: bytes) -> datetime | None:
    """The last time of a must-gather's timestamp file, in the zone of who took it."""
    found = None
    for stamp in _STAMP.finditer(data[:10_000]):
        date, time, zone = (group.decode() for group in stamp.groups(b""))
        found = moment(f"{date}T{time}{zone}") or found
    return found


def _media(media: Media, count: int) -> Media:
    return "ndjson" if media == "json" and count > 1 else media


def _archive_given(name: str) -> Problem:
    return Problem(
        "archive-as-object",
        f"the part {name} is an archive or a directory; it takes one object as YAML or JSON",
        "give the archive as source, destination or host; of several plans in it, name one with "
        "the option plan",
        part=name,
    )


def _unknown_part(name: str) -> Problem:
    return Problem(
        "unknown-part",
        f"there is no part called {name[:60]!r}",
        f"parts are: {', '.join(PART_NAMES)}",
    )
