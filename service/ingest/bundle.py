"""A request's pieces into a migration: the one way in for the service and the command line."""

from __future__ import annotations

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, BinaryIO

from service.core.deadline import check
from service.core.evidence import Origin, Problem, Role
from service.core.migration import DEFAULT_MAX_AGE_HOURS, Migration, Part, Requested
from service.core.resources import (
    CRD,
    MIG_PLAN,
    MIG_STORAGE,
    MIGRATION_CONTROLLER,
    Read,
    Resource,
)
from service.core.versions import parse_or_none
from service.ingest.archive import Format, Rejected, decompress, read_archive, sniff
from service.ingest.assemble import REMOTE, Assembly, assemble, now
from service.ingest.definitions import load_definition
from service.ingest.descriptor import (
    ENVELOPE_KEYS,
    Place,
    is_descriptor,
    is_envelope,
    read_probes,
    take_cluster,
    unknown_keys,
)
from service.ingest.errors import LimitExceeded, Unreadable
from service.ingest.gather import Gathering, is_mark, take_document, without_empty_list
from service.ingest.graphs import is_graph, read_graph
from service.ingest.layout import PLAIN, Hint, Wanted, hint_of
from service.ingest.limits import DEFAULT_LIMITS, Limits
from service.ingest.loaded import Loaded, gc_paused
from service.ingest.pieces import CLUSTER_PARTS, OBJECT_PARTS, PART_NAMES, BadInput, Piece
from service.ingest.sources import Media, Sources
from service.ingest.texts import load, media_of

ARCHIVES = (Format.TAR, Format.TAR_GZ, Format.TAR_XZ, Format.TAR_BZ2, Format.ZIP)
SNIFF = 1024 * 1024
_SHORT_FORMS: dict[str, tuple[Resource[Any], tuple[str, ...]]] = {
    "plan": (MIG_PLAN, ("namespaces", "persistentVolumes", "indirectImageMigration",
                        "indirectVolumeMigration", "srcMigClusterRef", "destMigClusterRef")),
    "storage": (MIG_STORAGE, ("backupStorageProvider", "backupStorageConfig")),
    "controller": (MIGRATION_CONTROLLER, ()),
}  # fmt: skip


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


@dataclass(slots=True)
class _Tally:
    """What one piece amounted to."""

    form: str = "text"
    documents: int = 0
    collected: datetime | None = None
    notes: list[str] = field(default_factory=list)


class _Reader:
    """The state of reading one request."""

    def __init__(
        self, options: dict[str, Any], limits: Limits, reads: Iterable[Read[Any]] | None
    ) -> None:
        self.options = options
        self.limits = limits
        self.reads = None if reads is None else tuple(reads)
        self.assembly = Assembly()
        self.sources = Sources()
        self.waivers: Any = None
        self.baseline: Any = None
        self._documents = 0
        self._taken: set[tuple[str, str]] = set()

    def take(self, piece: Piece) -> None:
        """Read one piece."""
        if piece.name not in PART_NAMES:
            raise BadInput("bad-request", _unknown_part(piece.name))
        before = self.assembly.objects
        tally = _Tally()
        head, stream = _peek(piece.stream)
        if not head:
            self._problem("empty-part", f"the part {piece.name} is empty", Origin(piece.name))
        else:
            self._read(piece, head, stream, tally)
        self.assembly.parts.append(
            Part(
                name=piece.name,
                role=piece.name if piece.name in CLUSTER_PARTS else "",
                form=tally.form,
                documents=tally.documents,
                objects=self.assembly.objects - before,
                collected=tally.collected,
                notes=tuple(tally.notes),
            )
        )

    def _read(self, piece: Piece, head: bytes, stream: BinaryIO, tally: _Tally) -> None:
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
            data = _rest(stream, self.limits.kept_bytes + 1)
        else:
            data = b"".join(decompress(stream, self.limits))
        if len(data) > self.limits.kept_bytes:
            raise LimitExceeded(
                "kept_bytes",
                f"a document is larger than {self.limits.kept_bytes} bytes",
                hint="post an archive, of which only what is needed is kept, or split it",
            )
        return data

    def _archive(self, piece: Piece, stream: BinaryIO, tally: _Tally) -> None:
        wanted = self._wanted()
        hints: dict[str, Hint] = {}

        def is_wanted(path: str) -> bool:
            hint = hint_of(path, wanted)
            if hint is None:
                return False
            hints[path] = hint
            return True

        try:
            for member in read_archive(stream, wanted=is_wanted, limits=self.limits):
                if isinstance(member, Rejected):
                    self._unreadable(member.error, Origin(piece.name, member.path))
                    continue
                hint = hints.get(member.path, PLAIN)
                if hint.note:
                    self._note(hint, member.path, member.data, tally)
                    continue
                self._text(piece, member.data, member.path, hint, tally, True)
            if not hints:
                self._problem(
                    "nothing-known",
                    f"the archive {piece.name} holds no file that is known by its path",
                    Origin(piece.name),
                    "post an archive of `oc adm must-gather` or `oc adm inspect`, or put `oc get` "
                    "output as .yaml or .json files into its topmost folders",
                )
        except LimitExceeded:
            raise
        except Unreadable as error:
            # The members before the damage are taken; nothing after them is known.
            self._unreadable(error, Origin(piece.name))
            tally.notes.append(f"{piece.name}: {error.message}")

    def _note(self, hint: Hint, path: str, data: bytes, tally: _Tally) -> None:
        if hint.note == "timestamp":
            tally.collected = _collected(data) or tally.collected
            return
        where = f" of MigCluster {hint.cluster}" if hint.cluster else ""
        tally.notes.append(f"{path}: the collection could not log in{where}")

    def _text(
        self, piece: Piece, data: bytes, member: str, hint: Hint, tally: _Tally, claims_yaml: bool
    ) -> None:
        media = media_of(data)
        origin = Origin(piece.name, member)
        count = 0
        used = False
        if hint.resource is CRD:
            documents = load_definition(data, self.limits)
        else:
            documents = load(data, self.limits, yaml_claimed=claims_yaml)
        for loaded in documents:
            check()
            count += 1
            self._documents += 1
            if self._documents > self.limits.documents:
                raise LimitExceeded(
                    "documents", f"the request holds more than {self.limits.documents} documents"
                )
            here = Origin(piece.name, member, loaded.index)
            if loaded.error is not None:
                self._unreadable(loaded.error, here)
                continue
            used = True
            self._document(piece, loaded, here, hint, tally)
        tally.documents += count
        if used or count:
            self.sources.keep(origin, data, _media(media, count))
        elif (piece.name, member) in self._taken:
            self._problem("no-document", f"the part {piece.name} holds no document", origin)

    def _document(
        self, piece: Piece, loaded: Loaded, origin: Origin, hint: Hint, tally: _Tally
    ) -> None:
        value = loaded.value
        if piece.name == "waivers":
            self.waivers = value
        elif piece.name == "baseline":
            self.baseline = value
        elif piece.name == "options":
            self._options(value, Place(origin))
        elif piece.name == "probes":
            self._probes(value, Place(origin))
        elif piece.name == "graph" or is_graph(value):
            self._graph(value, origin)
        elif is_envelope(value):
            self._envelope(value, origin)
        elif piece.name in OBJECT_PARTS:
            self._loose(piece.name, value, Place(origin))
        elif piece.name == "envelope":
            raise BadInput("unprocessable", _no_role(origin))
        else:
            self._cluster_document(piece.name, value, origin, hint, tally)

    def _cluster_document(
        self, role: str, value: Any, origin: Origin, hint: Hint, tally: _Tally
    ) -> None:
        label = REMOTE + hint.cluster if hint.cluster else role
        gathering = self.assembly.gathering(label)
        if is_mark(value):
            above = replace(origin, document=origin.document - 1)
            self.assembly.problems = without_empty_list(self.assembly.problems, above)
        if hint is PLAIN and is_descriptor(value):
            self._take_cluster(gathering, value, Place(origin), role, tally)
            return
        before = len(gathering.notes)
        self.assembly.problems += take_document(gathering, value, origin, hint)
        tally.notes += gathering.notes[before:]

    def _take_cluster(
        self,
        gathering: Gathering,
        value: Mapping[str, Any],
        place: Place,
        role: str,
        tally: _Tally,
    ) -> None:
        before = len(gathering.notes)
        problems, probes = take_cluster(gathering, value, place, role)
        self.assembly.problems += problems
        self.assembly.probes += probes
        tally.notes += gathering.notes[before:]
        tally.collected = _moment(value.get("collectedAt")) or tally.collected

    def _envelope(self, value: Mapping[str, Any], origin: Origin) -> None:
        place = Place(origin)
        wrong = list(unknown_keys(value, ENVELOPE_KEYS, place))
        clusters = value.get("clusters")
        clusters = [] if clusters is None else clusters
        if not isinstance(clusters, list):
            wrong.append(place.down("clusters").problem("wrong-type", "clusters is not a list"))
            clusters = []
        for index, row in enumerate(clusters):
            wrong += _bad_cluster(row, place.down("clusters", index))
        if wrong:
            raise BadInput("unprocessable", *wrong)
        self._options(value.get("options"), place.down("options"))
        for index, row in enumerate(clusters):
            self._cluster_row(row, place.down("clusters", index))
        for name in OBJECT_PARTS:
            if value.get(name) is not None:
                self._loose(name, value[name], place.down(name))
        if value.get("probes") is not None:
            self._probes(value["probes"], place.down("probes"))
        if value.get("graph") is not None:
            self._graph(value["graph"], origin)
        self.waivers = value.get("waivers", self.waivers)
        self.baseline = value.get("baseline", self.baseline)

    def _cluster_row(self, row: Mapping[str, Any], place: Place) -> None:
        """A cluster of an envelope: a part of its own, with its own time and notes."""
        role, own, before = row["role"], _Tally("cluster", 1), self.assembly.objects
        self._take_cluster(self.assembly.gathering(role), row, place, role, own)
        objects = self.assembly.objects - before
        self.assembly.parts.append(
            Part(
                place.origin.part,
                role,
                own.form,
                own.documents,
                objects,
                own.collected,
                tuple(own.notes),
            )
        )

    def _loose(self, name: str, value: Any, place: Place) -> None:
        """A plan, storage or controller: a manifest, a list of them, or the spec in short."""
        resource, keys = _SHORT_FORMS[name]
        loose = self.assembly.loose
        if isinstance(value, dict) and "kind" not in value and any(key in value for key in keys):
            entry = {"metadata": {"name": ""}, "spec": value}
            loose.add(resource, entry, place.origin, place.base, flat=True)
            return
        before = len(loose.stack(resource).entries)
        self.assembly.problems += take_document(loose, value, place.origin, base=place.base)
        if is_mark(value):
            return  # the second document of a list
        if len(loose.stack(resource).entries) == before:
            self.assembly.problems.append(
                place.problem(
                    f"no-{name}",
                    f"the part {name} holds no {resource.kind}",
                    f"fetch it: oc get {resource.argument} -n openshift-migration -o yaml",
                )
            )

    def _probes(self, value: Any, place: Place) -> None:
        problems, probes = read_probes(value, place)
        self.assembly.problems += problems
        self.assembly.probes += probes

    def _graph(self, value: Any, origin: Origin) -> None:
        if is_graph(value):
            self.assembly.graphs.append(read_graph(value, origin))
            return
        self._problem("no-graph", "this is no update graph: it has no nodes and edges", origin)

    def _options(self, value: Any, place: Place) -> None:
        if value is None:
            return
        if not isinstance(value, dict):
            raise BadInput("unprocessable", place.problem("wrong-type", "options is no mapping"))
        wrong = list(unknown_keys(value, tuple(OPTIONS), place))
        if wrong:
            raise BadInput("unprocessable", *wrong)
        for key, item in value.items():
            if item is not None:
                self.options.setdefault(OPTIONS[key], item)

    def _wanted(self) -> Wanted:
        return Wanted.of(self.reads, self._plan_namespaces())

    def _plan_namespaces(self) -> list[str] | None:
        stack = self.assembly.loose.stacks.get(MIG_PLAN)
        if stack is None or len(stack.entries) != 1:
            return None
        spec = stack.entries[0].value.get("spec")
        names = spec.get("namespaces") if isinstance(spec, dict) else None
        if not isinstance(names, list):
            return None
        return [half for name in names for half in str(name).split(":")[:2]]

    def _unreadable(self, error: Unreadable, origin: Origin) -> None:
        self.assembly.problems.append(problem_of(error, origin))

    def _problem(self, code: str, message: str, origin: Origin, hint: str = "") -> None:
        self.assembly.problems.append(
            Problem(code, message, hint, origin.part, origin.member, origin.document)
        )

    def finish(self) -> Bundle:
        """Everything is read: build the migration."""
        assembly = self.assembly
        usable = assembly.objects or assembly.probes or assembly.gatherings or assembly.graphs
        if not usable:
            raise BadInput("unprocessable", *(assembly.problems or [_nothing_given()]))
        requested = _requested(self.options)
        migration = assemble(assembly, self.options, requested)
        return Bundle(
            migration, self.waivers, self.options, assembly.objects, self.sources, self.baseline
        )


OPTIONS = {
    "asOf": "as_of",
    "targetOpenshift": "target_ocp",
    "targetMtc": "target_mtc",
    "maxAgeHours": "max_age_hours",
    "plan": "plan",
    "host": "host",
}
"""Options of an envelope, and what the query calls them."""


MOST_HOURS = 1_000_000
"""More than a century: evidence of any age; dates cannot be reckoned with much more."""


def problem_of(error: Unreadable, origin: Origin) -> Problem:
    """An unreadable document as a problem of the report."""
    return Problem(
        code=error.code,
        message=error.message,
        hint=error.hint,
        part=origin.part,
        member=origin.member,
        document=origin.document,
        line=error.line,
        column=error.column,
        pointer=error.pointer or "",
    )


def _requested(options: Mapping[str, Any]) -> Requested:
    problems = []
    as_of = now()
    if options.get("as_of") is not None:
        given = _moment(options["as_of"])
        if given is None:
            problems.append(_bad_option("asOf", "an ISO 8601 date or time"))
        as_of = given or as_of
    versions = {}
    for key, name in (("target_ocp", "targetOpenshift"), ("target_mtc", "targetMtc")):
        text = options.get(key)
        versions[key] = parse_or_none(str(text)) if text is not None else None
        if text is not None and versions[key] is None:
            problems.append(_bad_option(name, "a version such as 4.14.9"))
    hours = options.get("max_age_hours", DEFAULT_MAX_AGE_HOURS)
    try:
        age = float(hours)
    except (TypeError, ValueError):
        age = -1.0
    if not 0 < age <= MOST_HOURS:
        problems.append(_bad_option("maxAgeHours", "a number of hours above 0, at most 1000000"))
    host = options.get("host")
    if host is not None and host not in tuple(Role):
        problems.append(_bad_option("host", "one of source, destination, host"))
    if problems:
        raise BadInput("bad-request", *problems)
    return Requested(as_of, versions["target_ocp"], versions["target_mtc"], age)


def _bad_option(name: str, wanted: str) -> Problem:
    return Problem("bad-option", f"{name} is not {wanted}", pointer=f"/options/{name}")


def _moment(value: Any) -> datetime | None:
    """An ISO 8601 date or time; without a zone it is UTC."""
    if not isinstance(value, str):
        return None
    try:
        found = datetime.fromisoformat(value)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _collected(data: bytes) -> datetime | None:
    """The last line of a must-gather's timestamp file (Go's time.Time format)."""
    found = None
    for line in data[:10_000].decode("utf-8", "replace").splitlines():
        found = _moment(line[:19].replace(" ", "T")) or found
    return found


def _peek(stream: BinaryIO) -> tuple[bytes, BinaryIO]:
    """The head of a stream, and a stream that still has it."""
    head = stream.read(SNIFF)
    if stream.seekable():
        stream.seek(-len(head), io.SEEK_CUR)
        return head, stream
    return head, io.BufferedReader(_Rejoined(head, stream))


def _rest(stream: BinaryIO, most: int) -> bytes:
    """What is left of a stream, at most so many bytes; of a body in memory without a copy."""
    if isinstance(stream, io.BytesIO) and stream.tell() == 0:
        return stream.getvalue()
    return stream.read(most)


class _Rejoined(io.RawIOBase):
    """A stream whose head has been read, put together again."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = io.BytesIO(head)
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._head.read(len(buffer)) or self._rest.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


def _media(media: Media, count: int) -> Media:
    return "ndjson" if media == "json" and count > 1 else media


def _bad_cluster(row: Any, place: Place) -> list[Problem]:
    if not isinstance(row, dict):
        return [place.problem("wrong-type", "a cluster is a mapping with role, facts and objects")]
    if row.get("role") not in CLUSTER_PARTS:
        roles = ", ".join(CLUSTER_PARTS)
        return [place.down("role").problem("wrong-value", f"role is not one of: {roles}")]
    if not isinstance(row.get("name", ""), str):
        return [place.down("name").problem("wrong-type", "name is not a string")]
    return []


def _nothing_given() -> Problem:
    return Problem(
        "nothing-given",
        "there is nothing to evaluate",
        "post an envelope, or parts: curl -F source=@source.tar.gz -F destination=@destination.yaml"
        " -F plan=@plan.yaml",
    )


def _no_role(origin: Origin) -> Problem:
    return Problem(
        "no-role",
        "these are objects of a cluster, and nothing says of which one",
        "add ?role=source or ?role=destination, or send an envelope or named parts",
        origin.part, origin.member, origin.document,
    )  # fmt: skip


def _unknown_part(name: str) -> Problem:
    return Problem(
        "unknown-part",
        f"there is no part called {name[:60]!r}",
        f"parts are: {', '.join(PART_NAMES)}",
    )
