"""A request's pieces into a migration: the one way in for the service and the command line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, BinaryIO

from service.core.evidence import Problem
from service.core.migration import Part
from service.intake.archives.members import Compression, decompress, sniff
from service.intake.files import read_file
from service.intake.intake import Intake
from service.intake.intake_errors import LimitExceeded, Unreadable
from service.intake.layout import PLAIN, hint_of
from service.intake.limits import DEFAULT_LIMITS, Limits
from service.intake.pieces import (
    CLUSTER_PARTS,
    OBJECT_PARTS,
    PART_NAMES,
    BadInput,
    Piece,
    nothing_given,
)
from service.intake.settle import settle
from service.intake.streams import gathered, peek, rest
from service.intake.texts.load import media_of
from service.intake.texts.loaded import gc_paused
from service.intake.walk import walk
from service.kinds.redact import redact
from service.kinds.ref import Origin
from service.kinds.resource import Read

ARCHIVES = (
    Compression.TAR,
    Compression.TAR_GZ,
    Compression.TAR_XZ,
    Compression.TAR_BZ2,
    Compression.ZIP,
)


def read_pieces(
    pieces: Sequence[Piece],
    options: Mapping[str, Any],
    limits: Limits = DEFAULT_LIMITS,
    reads: Iterable[Read[Any]] | None = None,
) -> Intake:
    """Read the parts of a request; ``reads`` (the policies') keep everything else unparsed.

    ``options`` (as_of, target_openshift, target_mtc, max_age_hours, plan_name, controller_on,
    role) come from the caller and win over those of an envelope. Raises BadInput, LimitExceeded.
    What is unreadable within a part becomes a problem of the migration; the rest counts.
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
        if part.name in OBJECT_PARTS:
            raise BadInput("unprocessable", _archive_given(part.name))
        walk(intake, part, stream)
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
    hint = hint_of(piece.filename) if "/" in piece.filename else PLAIN
    hint = hint if hint.resource else PLAIN
    origin = Origin(part.name, _member(intake, piece))
    read_file(intake, part, data, origin, hint, claims_yaml=claims)


def _member(intake: Intake, piece: Piece) -> str:
    """ "" for the first file of a part; the others are distinguished by their names."""
    if (piece.name, "") not in intake.names:
        intake.names.add((piece.name, ""))
        return ""
    name = redact(piece.filename[:200]) or f"{piece.name} {len(intake.names) + 1}"
    while (piece.name, name) in intake.names:
        name += "'"
    intake.names.add((piece.name, name))
    return name


def _whole(intake: Intake, stream: BinaryIO, found: Compression) -> bytes:
    """A single document, decompressed."""
    most = intake.limits.kept_bytes
    if found is Compression.PLAIN:
        data = rest(stream, most + 1)
    else:
        data = gathered(decompress(stream, intake.limits), most)
    if len(data) > most:
        raise LimitExceeded(
            "kept_bytes",
            f"a document is larger than {most} bytes",
            hint="post an archive, of which only what is needed is kept, or split it",
        )
    return data


def _archive_given(name: str) -> Problem:
    return Problem(
        "archive-as-object",
        f"the part {name} is an archive or a directory; it takes one object as YAML or JSON",
        "give the archive as source, destination or host; of several plans in it, name one with "
        "plan_name",
        part=name,
    )


def _unknown_part(name: str) -> Problem:
    return Problem(
        "unknown-part",
        f"there is no part called {name[:60]!r}",
        f"parts are: {', '.join(PART_NAMES)}",
    )
