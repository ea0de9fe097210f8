"""The documents of a request, each to where it belongs by its part and its form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from service.core.evidence import Problem
from service.core.migration import Part
from service.intake.assemble import REMOTE, Assembly
from service.intake.graphs import is_graph, read_graph
from service.intake.complete import is_mark, without_empty_list
from service.intake.gathering import Gathering
from service.intake.layout import PLAIN, Hint
from service.intake.sorting import take_document
from service.intake.options import OPTIONS, moment
from service.intake.pieces import CLUSTER_PARTS, OBJECT_PARTS, BadInput
from service.intake.place import Place
from service.intake.written.descriptor import is_descriptor, take_cluster
from service.intake.written.envelope import ENVELOPE_KEYS, is_envelope
from service.intake.written.keys import unknown_keys
from service.intake.written.probes import read_probes
from service.kinds.mtc import MIG_PLAN, MIG_STORAGE, MIGRATION_CONTROLLER
from service.kinds.ref import Origin
from service.kinds.resource import Resource

_SHORT_FORMS: dict[str, tuple[Resource[Any], tuple[str, ...]]] = {
    "plan": (MIG_PLAN, ("namespaces", "persistentVolumes", "indirectImageMigration",
                        "indirectVolumeMigration", "srcMigClusterRef", "destMigClusterRef")),
    "storage": (MIG_STORAGE, ("backupStorageProvider", "backupStorageConfig")),
    "controller": (MIGRATION_CONTROLLER, ()),
}  # fmt: skip


@dataclass(slots=True)
class Tally:
    """What one piece amounted to."""

    form: str = "text"
    documents: int = 0
    collected: datetime | None = None
    notes: list[str] = field(default_factory=list)

    def part(self, name: str, role: str, objects: int) -> Part:
        """The same as a part of the migration."""
        notes = tuple(self.notes)
        return Part(name, role, self.form, self.documents, objects, self.collected, notes)


class Documents:
    """What the documents of one request held so far.

    ``options`` start as those of the caller; an envelope adds what these leave open.
    """

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.assembly = Assembly()
        self.waivers: Any = None
        self.baseline: Any = None

    def take(self, part: str, value: Any, origin: Origin, hint: Hint, tally: Tally) -> None:
        """Take one document of a part. Raises BadInput where the request is none with it."""
        if part == "waivers":
            self.waivers = value
        elif part == "baseline":
            self.baseline = value
        elif part == "options":
            self._options(value, Place(origin))
        elif part == "probes":
            self._probes(value, Place(origin))
        elif part == "graph" or is_graph(value):
            self._graph(value, Place(origin))
        elif is_envelope(value):
            self._envelope(value, origin)
        elif part in OBJECT_PARTS:
            self._loose(part, value, Place(origin))
        elif part == "envelope":
            raise BadInput("unprocessable", _no_role(Place(origin)))
        else:
            self._cluster_document(part, value, origin, hint, tally)

    def gathering(self, role: str, cluster: str) -> Gathering:
        """What was found of the cluster of a part, or of the one that its archive names."""
        return self.assembly.gathering(REMOTE + cluster if cluster else role)

    def _cluster_document(
        self, role: str, value: Any, origin: Origin, hint: Hint, tally: Tally
    ) -> None:
        gathering = self.gathering(role, hint.cluster)
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
        tally: Tally,
    ) -> None:
        before = len(gathering.notes)
        problems, probes = take_cluster(gathering, value, place, role)
        self.assembly.problems += problems
        self.assembly.probes += probes
        tally.notes += gathering.notes[before:]
        tally.collected = moment(value.get("collectedAt")) or tally.collected

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
            self._graph(value["graph"], place.down("graph"))
        self.waivers = value.get("waivers", self.waivers)
        self.baseline = value.get("baseline", self.baseline)

    def _cluster_row(self, row: Mapping[str, Any], place: Place) -> None:
        """A cluster of an envelope: a part of its own, with its own time and notes."""
        role, own, before = row["role"], Tally("cluster", 1), self.assembly.objects
        self._take_cluster(self.assembly.gathering(role), row, place, role, own)
        objects = self.assembly.objects - before
        self.assembly.parts.append(own.part(place.origin.part, role, objects))

    def _loose(self, name: str, value: Any, place: Place) -> None:
        """A plan, storage or controller: a manifest, a list of them, or the spec in short."""
        self.assembly.plan_given |= name == "plan"
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

    def _graph(self, value: Any, place: Place) -> None:
        if is_graph(value):
            self.assembly.graphs.append(read_graph(value, place.origin))
            return
        told = "this is no update graph: it has no nodes and edges"
        self.assembly.problems.append(place.problem("no-graph", told))

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

    def plan_namespaces(self) -> list[str] | None:
        """The namespaces of the one plan that came as such, on both sides; None without one."""
        stack = self.assembly.loose.stacks.get(MIG_PLAN)
        if stack is None or len(stack.entries) != 1:
            return None
        spec = stack.entries[0].value.get("spec")
        names = spec.get("namespaces") if isinstance(spec, dict) else None
        if not isinstance(names, list):
            return None
        return [half for name in names for half in str(name).split(":")[:2]]


def _bad_cluster(row: Any, place: Place) -> list[Problem]:
    if not isinstance(row, dict):
        return [place.problem("wrong-type", "a cluster is a mapping with role, facts and objects")]
    if row.get("role") not in CLUSTER_PARTS:
        roles = ", ".join(CLUSTER_PARTS)
        return [place.down("role").problem("wrong-value", f"role is not one of: {roles}")]
    if not isinstance(row.get("name", ""), str):
        return [place.down("name").problem("wrong-type", "name is not a string")]
    return []


def _no_role(place: Place) -> Problem:
    return place.problem(
        "no-role",
        "these are objects of a cluster, and nothing says of which one",
        "add ?role=source or ?role=destination, or send an envelope or named parts",
    )
