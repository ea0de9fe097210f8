"""The documents of a request, each to where it belongs by its part and its form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from service.core.evidence import Problem
from service.core.migration import Part
from service.intake.declared_lists import is_mark, without_empty_list
from service.intake.gathering import Gathering
from service.intake.graphs import is_graph, read_graph
from service.intake.input_place import Place
from service.intake.intake import Intake
from service.intake.layout import PLAIN, Hint
from service.intake.options import OPTIONS, moment
from service.intake.pieces import CLUSTER_PARTS, OBJECT_PARTS, BadInput
from service.intake.sorting import take_document
from service.intake.written.descriptor import is_descriptor, take_cluster
from service.intake.written.envelope import ENVELOPE_KEYS, is_envelope
from service.intake.written.keys import unknown_keys
from service.intake.written.probes import read_probes
from service.kinds.mtc import MIG_PLAN, MIG_STORAGE, MIGRATION_CONTROLLER
from service.kinds.near import nearest
from service.kinds.ref import Origin
from service.kinds.resource import Resource

_SHORT_FORMS: dict[str, tuple[Resource[Any], tuple[str, ...]]] = {
    "plan": (MIG_PLAN, ("namespaces", "persistentVolumes", "indirectImageMigration",
                        "indirectVolumeMigration", "srcMigClusterRef", "destMigClusterRef")),
    "storage": (MIG_STORAGE, ("backupStorageProvider", "backupStorageConfig")),
    "controller": (MIGRATION_CONTROLLER, ()),
}  # fmt: skip


def take(intake: Intake, part: Part, value: Any, origin: Origin, hint: Hint) -> None:
    """Take one document of a part. Raises BadInput where the request is none with it."""
    if part.name == "waivers":
        intake.waivers = _only(intake.waivers, value, Place(origin))
    elif part.name == "baseline":
        intake.baseline = _only(intake.baseline, value, Place(origin))
    elif part.name == "options":
        _options(intake, value, Place(origin))
    elif part.name == "probes":
        _probes(intake, value, Place(origin))
    elif is_cleaning_report(value):
        return
    elif part.name == "graph" or is_graph(value):
        _graph(intake, value, Place(origin))
    elif is_envelope(value):
        _envelope(intake, value, origin)
    elif part.name in OBJECT_PARTS:
        _loose(intake, part.name, value, Place(origin))
    elif part.name == "envelope":
        raise BadInput("unprocessable", *_misspelt_envelope(value, Place(origin)))
    else:
        _cluster_document(intake, part, value, origin, hint)


def is_cleaning_report(value: Any) -> bool:
    """Whether a document is the report of must-gather-clean, which lists what it hid."""
    return (
        type(value) is dict
        and {"replacements", "omissions"} <= value.keys()
        and "kind" not in value
    )


def _cluster_document(intake: Intake, part: Part, value: Any, origin: Origin, hint: Hint) -> None:
    gathering = intake.gathering(part.name, hint.cluster)
    if is_mark(value):
        above = replace(origin, document=origin.document - 1)
        intake.problems = without_empty_list(intake.problems, above)
    if hint is PLAIN and is_descriptor(value):
        _take_cluster(intake, gathering, value, Place(origin), part)
        return
    before = len(gathering.notes)
    intake.problems += take_document(gathering, value, origin, hint)
    part.notes += gathering.notes[before:]


def _take_cluster(
    intake: Intake,
    gathering: Gathering,
    value: Mapping[str, Any],
    place: Place,
    part: Part,
) -> None:
    before = len(gathering.notes)
    problems, probes = take_cluster(gathering, value, place, part.role)
    intake.problems += problems
    intake.probes += probes
    part.notes += gathering.notes[before:]
    part.collected = moment(value.get("collectedAt")) or part.collected


def _envelope(intake: Intake, value: Mapping[str, Any], origin: Origin) -> None:
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
    _options(intake, value.get("options"), place.down("options"))
    for index, row in enumerate(clusters):
        _cluster_row(intake, row, place.down("clusters", index))
    for name in OBJECT_PARTS:
        if value.get(name) is not None:
            _loose(intake, name, value[name], place.down(name))
    if value.get("probes") is not None:
        _probes(intake, value["probes"], place.down("probes"))
    if value.get("graph") is not None:
        _graph(intake, value["graph"], place.down("graph"))
    intake.waivers = _only(intake.waivers, value.get("waivers"), place.down("waivers"))
    intake.baseline = _only(intake.baseline, value.get("baseline"), place.down("baseline"))


def _only(known: Any, value: Any, place: Place) -> Any:
    """What the caller gives once: of two, one would be lost without a word. Raises BadInput."""
    if known is not None and value is not None:
        detail = "this is given twice: put it all into one document"
        raise BadInput("bad-request", place.problem("given-twice", detail))
    return known if value is None else value


def _cluster_row(intake: Intake, row: Mapping[str, Any], place: Place) -> None:
    """A cluster of an envelope: a part of its own, with its own time and notes."""
    part, before = Part(place.origin.part, row["role"], "cluster", 1), intake.objects
    _take_cluster(intake, intake.gathering(part.role), row, place, part)
    part.objects = intake.objects - before
    intake.parts.append(part)


def _loose(intake: Intake, name: str, value: Any, place: Place) -> None:
    """A plan, storage or controller: a manifest, a list of them, or the spec in short."""
    intake.plan_given |= name == "plan"
    resource, keys = _SHORT_FORMS[name]
    loose = intake.loose
    if isinstance(value, dict) and "kind" not in value and any(key in value for key in keys):
        entry = {"metadata": {"name": ""}, "spec": value}
        loose.add(resource, entry, place.origin, place.base, flat=True)
        return
    before = len(loose.entries(resource))
    intake.problems += take_document(loose, value, place.origin, base=place.base)
    if is_mark(value):
        return  # the second document of a list
    if len(loose.entries(resource)) == before:
        intake.problems.append(
            place.problem(
                f"no-{name}",
                f"the part {name} holds no {resource.kind}",
                f"fetch it: oc get {resource.argument} -n openshift-migration -o json",
            )
        )


def _probes(intake: Intake, value: Any, place: Place) -> None:
    problems, probes = read_probes(value, place)
    intake.problems += problems
    intake.probes += probes


def _graph(intake: Intake, value: Any, place: Place) -> None:
    if is_graph(value):
        intake.graphs.append(read_graph(value, place.origin))
        return
    text = "this is no update graph: it has no nodes and edges"
    intake.problems.append(place.problem("no-graph", text))


def _options(intake: Intake, value: Any, place: Place) -> None:
    if value is None:
        return
    if not isinstance(value, dict):
        raise BadInput("unprocessable", place.problem("wrong-type", "options is no mapping"))
    wrong = list(unknown_keys(value, tuple(OPTIONS), place))
    if wrong:
        raise BadInput("unprocessable", *wrong)
    for key, item in value.items():
        if item is not None:
            intake.options.setdefault(OPTIONS[key], item)


def _bad_cluster(row: Any, place: Place) -> list[Problem]:
    if not isinstance(row, dict):
        return [place.problem("wrong-type", "a cluster is a mapping with role, facts and objects")]
    if row.get("role") not in CLUSTER_PARTS:
        meant = nearest(str(row.get("role")), CLUSTER_PARTS)
        hint = f"did you mean '{meant}'?" if meant else ""
        message = f"role is not one of: {', '.join(CLUSTER_PARTS)}"
        return [place.down("role").problem("wrong-value", message, hint)]
    if not isinstance(row.get("name", ""), str):
        return [place.down("name").problem("wrong-type", "name is not a string")]
    return []


def _misspelt_envelope(value: Any, place: Place) -> list[Problem]:
    """What is wrong with the only document of a request that belongs to no cluster."""
    keys = value if isinstance(value, dict) and "kind" not in value else ()
    if any(nearest(str(key), ENVELOPE_KEYS) for key in keys):
        return list(unknown_keys(value, ENVELOPE_KEYS, place))
    return [_no_role(place)]


def _no_role(place: Place) -> Problem:
    return place.problem(
        "no-role",
        "it is not known which cluster this belongs to",
        "add ?role=source or ?role=destination, or send an envelope or named parts",
    )
