"""A request's pieces into a migration: the one way in for the service and the command line."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, BinaryIO

from service.core.deadline import check
from service.core.evidence import Problem
from service.core.migration import Migration
from service.intake.archives.members import (
    SEPARATOR,
    Format,
    Member,
    Rejected,
    decompress,
    read_archive,
    sniff,
)
from service.intake.assemble import assemble, is_about_the_plan
from service.intake.documents import Documents, Tally
from service.intake.errors import LimitExceeded, Unreadable, problem_of
from service.intake.limits import DEFAULT_LIMITS, Limits
from service.intake.layout import PLAIN, Hint, Wanted, hint_of
from service.intake.masks import without_masks
from service.intake.trees import Trees
from service.intake.options import moment, requested_by
from service.intake.pieces import CLUSTER_PARTS, OBJECT_PARTS, PART_NAMES, BadInput, Piece
from service.intake.sources import Media, Sources
from service.intake.streams import peek, rest
from service.intake.texts.definitions import load_definition
from service.intake.texts.items import load_list
from service.intake.texts.load import load, media_of
from service.intake.texts.loaded import Loaded, gc_paused
from service.intake.texts.shell import without_shell
from service.kinds.apis import CRD
from service.kinds.mtc import MIG_PLAN
from service.kinds.ref import Origin
from service.kinds.resource import Read

_STAMP = re.compile(rb"^([\d-]{10}) ([\d:]{8})(?:\.\d+)?(?: ([+-]\d{4}))?(?!\S)", re.MULTILINE)
"""A time as Go prints it: ``2026-01-02 10:00:00.1 -0500 EST m=+0.8``."""

ARCHIVES = (Format.TAR, Format.TAR_GZ, Format.TAR_XZ, Format.TAR_BZ2, Format.ZIP)


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a request asks: the migration, waivers and options as given, and where it all stood."""

    migration: Migration
    waivers: Any
    options: Mapping[str, Any]
    objects: int
    sources: Sources
    baseline: Any = None

    def release(self) -> None:
        """Let go of the evidence; to be called when the report and its lines are made."""
        self.migration.release()
        self.sources.files.clear()


def read_pieces(
    pieces: Sequence[Piece],
    options: Mapping[str, Any],
    limits: Limits = DEFAULT_LIMITS,
    reads: Iterable[Read[Any]] | None = None,
) -> Bundle:
    """Read the parts of a request; ``reads`` (the policies') keep everything else unparsed.

    ``options`` (as_of, target_ocp, target_mtc, max_age_hours, plan, host, role) come from the
    caller and win over those of an envelope. Raises BadInput, LimitExceeded. What is unreadable
    within a part becomes a problem of the migration; the rest counts.
    """
    if not pieces:
        raise BadInput("bad-request", _nothing_given())
    with gc_paused():
        reader = _Reader(dict(options), limits, reads)
        for piece in sorted(pieces, key=lambda piece: piece.name in CLUSTER_PARTS):
            reader.take(piece)
        return reader.finish()


def read_body(
    piece: Piece,
    options: Mapping[str, Any],
    limits: Limits = DEFAULT_LIMITS,
    reads: Iterable[Read[Any]] | None = None,
) -> Bundle:
    """Read a single body: an envelope, or with option ``role`` the evidence of one cluster."""
    role = str(options.get("role") or "")
    if role:
        piece = Piece(role, piece.stream, piece.filename, piece.media_type)
    else:
        piece = Piece("envelope", piece.stream, piece.filename, piece.media_type)
    return read_pieces([piece], options, limits, reads)


class _Reader:
    """The state of reading one request."""

    def __init__(
        self, options: dict[str, Any], limits: Limits, reads: Iterable[Read[Any]] | None
    ) -> None:
        self.limits = limits
        self.reads = None if reads is None else tuple(reads)
        self.documents = Documents(options)
        self.assembly = self.documents.assembly
        self.sources = Sources()
        self._count = 0
        self._taken: set[tuple[str, str]] = set()

    def take(self, piece: Piece) -> None:
        """Read one piece."""
        if piece.name not in PART_NAMES:
            raise BadInput("bad-request", _unknown_part(piece.name))
        before = self.assembly.objects
        self.assembly.plan_given |= piece.name == "plan"
        tally = Tally()
        head, stream = peek(piece.stream)
        if not head:
            self._problem("empty-part", f"the part {piece.name} is empty", Origin(piece.name))
        else:
            self._read(piece, head, stream, tally)
        role = piece.name if piece.name in CLUSTER_PARTS else ""
        objects = self.assembly.objects - before
        self.assembly.parts.append(tally.part(piece.name, role, objects))

    def _read(self, piece: Piece, head: bytes, stream: BinaryIO, tally: Tally) -> None:
        found = sniff(head)
        tally.form = found.name.lower().replace("_", ".")
        if found in ARCHIVES:
            self._archive(piece, stream, tally)
            return
        try:
            data = self._whole(stream, found)
        except LimitExceeded:
            raise
        except Unreadable as error:
            self._unreadable(error, Origin(piece.name))
            return
        tally.form = media_of(data)
        claims = "yaml" in piece.media_type or piece.filename.endswith((".yaml", ".yml"))
        hint = hint_of(piece.filename, self._wanted()) if "/" in piece.filename else PLAIN
        self._text(piece, data, self._member(piece), hint or PLAIN, tally, claims)

    def _member(self, piece: Piece) -> str:
        """ "" for the first file of a part; others of it are told apart by their names."""
        if (piece.name, "") not in self._taken:
            self._taken.add((piece.name, ""))
            return ""
        name = piece.filename[:200] or f"{piece.name} {len(self._taken) + 1}"
        while (piece.name, name) in self._taken:
            name += "'"
        self._taken.add((piece.name, name))
        return name

    def _whole(self, stream: BinaryIO, found: Format) -> bytes:
        """A single document, decompressed."""
        if found is Format.PLAIN:
            data = rest(stream, self.limits.kept_bytes + 1)
        else:
            data = b"".join(decompress(stream, self.limits))
        if len(data) > self.limits.kept_bytes:
            raise LimitExceeded(
                "kept_bytes",
                f"a document is larger than {self.limits.kept_bytes} bytes",
                hint="post an archive, of which only what is needed is kept, or split it",
            )
        return data

    def _archive(self, piece: Piece, stream: BinaryIO, tally: Tally) -> None:
        if piece.name in OBJECT_PARTS:
            raise BadInput("unprocessable", _archive_given(piece.name))
        before = self.assembly.objects
        older = self._walk(piece, stream, tally)
        if older is not None and self.assembly.objects == before:
            # Nothing else is there: then what the Insights operator wrote before is evidence.
            self._walk(piece, io.BytesIO(older.data), tally, older.path + SEPARATOR)

    def _walk(
        self, piece: Piece, stream: BinaryIO, tally: Tally, prefix: str = ""
    ) -> Member | None:
        """Read an archive; the newest Insights archive within it is returned unread."""
        trees = Trees(self._wanted())
        older: Member | None = None
        try:
            older = self._members(piece, stream, prefix, tally, trees)
        except LimitExceeded:
            raise
        except Unreadable as error:
            # The members before the damage are taken; nothing after them is known.
            trees.partial = True
            self._unreadable(error, Origin(piece.name))
            tally.notes.append(f"{piece.name}: {error.message}")
        for cluster, resource in trees.whole():
            self.documents.gathering(piece.name, cluster).covers(resource, set(), whole=True)
        return older

    def _members(
        self, piece: Piece, stream: BinaryIO, prefix: str, tally: Tally, trees: Trees
    ) -> Member | None:
        held: list[Member] = []
        older: list[Member] = []
        for member in read_archive(
            stream, wanted=trees.wants, limits=self.limits, enter=trees.enters
        ):
            hint = trees.hint(member.path)
            if isinstance(member, Rejected):
                if not trees.is_noise(member.path):
                    self._unreadable(member.error, Origin(piece.name, prefix + member.path))
            elif hint.note == "insights":
                older = [max((member, *older), key=lambda item: item.path)]
            elif hint.note:
                trees.note(member.path, hint.note, member.data)
                self._note(hint, prefix + member.path, member.data, tally)
            elif hint.loose:
                held.append(member)
            else:
                self._member_of(piece, member, prefix, hint, tally, trees)
        for member in held:
            if not trees.is_noise(member.path):
                self._member_of(piece, member, prefix, PLAIN, tally, trees)
        if not trees.known:
            self._problem(
                "nothing-known",
                f"the archive {piece.name} holds no file that is known by its path",
                Origin(piece.name),
                "post an archive of `oc adm must-gather` or `oc adm inspect`, or put `oc get` "
                "output as .yaml or .json files into its topmost folders",
            )
        return older[0] if older else None

    def _member_of(
        self, piece: Piece, member: Member, prefix: str, hint: Hint, tally: Tally, trees: Trees
    ) -> None:
        """Read a file of objects, and note which tree it is of."""
        problems = len(self.assembly.problems)
        self._text(piece, member.data, prefix + member.path, hint, tally, True)
        if hint.masked and member.modified:
            # The Insights operator writes the time of gathering into the header of each file.
            moment = datetime.fromtimestamp(member.modified, UTC)
            tally.collected = max(moment, tally.collected or moment)
        trees.took(member.path, hint, len(self.assembly.problems) == problems)

    def _note(self, hint: Hint, path: str, data: bytes, tally: Tally) -> None:
        if hint.note == "timestamp":
            tally.collected = _collected(data) or tally.collected
        elif hint.note == "login-error":
            where = f" of MigCluster {hint.cluster}" if hint.cluster else ""
            tally.notes.append(f"{path}: the collection could not log in{where}")

    def _text(
        self, piece: Piece, data: bytes, member: str, hint: Hint, tally: Tally, claims_yaml: bool
    ) -> None:
        origin = Origin(piece.name, member)
        data, shell = without_shell(data)
        if shell:
            self.assembly.problems.append(_left_out_shell(shell, origin))
        media = media_of(data)
        count = 0
        used = False
        for loaded in self._documents(data, origin, hint, claims_yaml):
            check()
            count += 1
            self._count += 1
            if self._count > self.limits.documents:
                raise LimitExceeded(
                    "documents", f"the request holds more than {self.limits.documents} documents"
                )
            here = Origin(piece.name, member, loaded.index)
            if loaded.error is not None:
                self._unreadable(loaded.error, here)
                continue
            used = True
            masked = without_masks(loaded.value, hint.resource) if hint.masked else ""
            if masked and hint.resource:
                # A clear copy from elsewhere is still taken; without one this is why it is missing.
                self.documents.gathering(piece.name, hint.cluster).deny(hint.resource, "", masked)
                continue
            self.documents.take(piece.name, loaded.value, here, hint, tally)
        tally.documents += count
        if used or count:
            self.sources.keep(origin, data, _media(media, count))
        elif (piece.name, member) in self._taken:
            self._problem("no-document", f"the part {piece.name} holds no document", origin)

    def _documents(
        self, data: bytes, origin: Origin, hint: Hint, claims_yaml: bool
    ) -> Iterable[Loaded]:
        if hint.resource is CRD:
            return load_definition(data, self.limits)
        listed = load_list(data, self.limits, origin)
        if listed is not None:
            return (Loaded(0, listed, None),)
        return load(data, self.limits, yaml_claimed=claims_yaml)

    def _wanted(self) -> Wanted:
        return Wanted.of(self.reads, self.documents.plan_namespaces())

    def _unreadable(self, error: Unreadable, origin: Origin) -> None:
        self.assembly.problems.append(problem_of(error, origin))

    def _problem(self, code: str, message: str, origin: Origin, hint: str = "") -> None:
        self.assembly.problems.append(
            Problem(code, message, hint, origin.part, origin.member, origin.document)
        )

    def finish(self) -> Bundle:
        """Everything is read: build the migration."""
        said, assembly = self.documents, self.assembly
        if assembly.plan_given and not assembly.loose.holds(MIG_PLAN):
            # Every verdict would be about something else.
            about = [item for item in assembly.problems if is_about_the_plan(item)]
            raise BadInput("unprocessable", *(about or assembly.problems))
        usable = assembly.objects or assembly.probes or assembly.gatherings or assembly.graphs
        if not usable:
            raise BadInput("unprocessable", *(assembly.problems or [_nothing_given()]))
        migration = assemble(assembly, said.options, requested_by(said.options))
        return Bundle(
            migration, said.waivers, said.options, assembly.objects, self.sources, said.baseline
        )


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


def _nothing_given() -> Problem:
    return Problem(
        "nothing-given",
        "there is nothing to evaluate",
        "post an envelope, or parts: curl -F source=@source.tar.gz -F destination=@destination.yaml"
        " -F plan=@plan.yaml",
    )


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
