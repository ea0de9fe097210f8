"""The hand-written forms: the envelope, the facts of a cluster, and probes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from service.core.evidence import Origin, Pointer, Problem, Role
from service.core.facts.declared import BY_NAME, PROBE_TARGETS, VANTAGES
from service.core.migration import Declared, Probe
from service.core.redact import redact_value
from service.core.resources import PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, STORAGE_CLASS
from service.ingest.gather import Gathering, take_complete, take_document
from service.ingest.names import no_such_resource, resource_named
from service.ingest.readers.shape import escape

ENVELOPE_KEYS = (
    "clusters",
    "plan",
    "storage",
    "controller",
    "probes",
    "waivers",
    "graph",
    "baseline",
    "options",
    "id",
)
CLUSTER_KEYS = ("name", "role", "facts", "objects", "complete", "gathered", "collectedAt", "notes")
PROBE_KEYS = (
    "from", "vantage", "target", "cluster", "host", "port", "open", "detail", "httpStatus",
)  # fmt: skip


def is_envelope(value: Any) -> bool:
    """Whether a document is an envelope: no Kubernetes object, and it has one of its keys."""
    return (
        isinstance(value, dict)
        and "kind" not in value
        and any(key in value for key in ENVELOPE_KEYS if key != "id")
    )


def is_descriptor(value: Any) -> bool:
    """Whether a document describes one cluster: by ``facts``, or by facts at its top."""
    if not isinstance(value, dict) or "kind" in value or "apiVersion" in value:
        return False
    if "items" in value or "metadata" in value:
        return False
    keys = set(value)
    return bool(keys & {"facts", "objects", "complete", "gathered", "role"}) or (
        bool(keys) and keys <= {*BY_NAME, "name"}
    )


class Place:
    """A position in a hand-written document, for pointers and problems."""

    def __init__(self, origin: Origin, base: str = "") -> None:
        self.origin = origin
        self.base = base

    def down(self, *steps: str | int) -> Place:
        """The position of a child."""
        return Place(self.origin, "".join([self.base, *(f"/{escape(str(s))}" for s in steps)]))

    def pointer(self, value: Any = None) -> Pointer:
        """An evidence pointer to here."""
        return Pointer(self.origin, self.base, None if value is None else str(value))

    def problem(self, code: str, message: str, hint: str = "") -> Problem:
        """A problem with what stands here."""
        return Problem(
            code, message, hint, self.origin.part, self.origin.member, self.origin.document,
            pointer=self.base,
        )  # fmt: skip


def unknown_keys(value: Mapping[str, Any], known: Sequence[str], place: Place) -> Iterator[Problem]:
    """A problem for each key that does not exist, with the nearest one that does."""
    for key in value:
        if key not in known:
            near = get_close_matches(str(key), known, 1, 0.6)
            meant = f"did you mean {near[0]!r}? " if near else ""
            yield place.down(str(key)).problem(
                "unknown-field",
                f"there is no field {str(key)[:60]!r} here",
                f"{meant}known fields: {', '.join(known)}",
            )


def take_cluster(
    gathering: Gathering, value: Mapping[str, Any], place: Place, role: str
) -> tuple[list[Problem], list[Probe]]:
    """A cluster of the envelope, or a descriptor: its facts, objects and what is whole."""
    nested = bool(set(value) & {"facts", "objects", "complete", "gathered", "role"})
    facts = value.get("facts", {}) if nested else {k: v for k, v in value.items() if k != "name"}
    name = value.get("name")
    if isinstance(name, str) and name:
        gathering.name = name
    problems = list(unknown_keys(value, CLUSTER_KEYS, place)) if nested else []
    where = place.down("facts") if nested else place
    if not isinstance(facts, dict):
        return [*problems, where.problem("wrong-type", "facts is not a mapping")], []
    fact_problems, probes = take_facts(gathering, facts, where, role)
    problems += fact_problems
    problems += _take_objects(gathering, value.get("objects"), place.down("objects"))
    problems += _take_gathered(gathering, value.get("gathered"), place.down("gathered"))
    whole = place.down("complete")
    problems += take_complete(gathering, value.get("complete"), whole.origin, whole.base)
    notes = value.get("notes")
    if isinstance(notes, list):
        gathering.notes += [str(note)[:200] for note in notes[:100]]
    return problems, probes


def _take_objects(gathering: Gathering, objects: Any, place: Place) -> list[Problem]:
    if objects is None:
        return []
    if not isinstance(objects, (list, dict)):
        return [place.problem("wrong-type", "objects is not a list of Kubernetes objects")]
    return take_document(gathering, objects, place.origin, base=place.base)


def _take_gathered(gathering: Gathering, gathered: Any, place: Place) -> list[Problem]:
    """What a collector says of its own completeness: {resource, namespace, complete, error}."""
    if gathered is None:
        return []
    if not isinstance(gathered, list):
        return [place.problem("wrong-type", "gathered is not a list")]
    problems = []
    for index, row in enumerate(gathered):
        here = place.down(index)
        if not isinstance(row, dict):
            problems.append(here.problem("wrong-type", "this is not a mapping"))
            continue
        found = resource_named(str(row.get("resource", "")))
        if found is None:
            told, hint = no_such_resource(str(row.get("resource")))
            problems.append(here.down("resource").problem("unknown-resource", told, hint))
            continue
        namespace = str(row.get("namespace") or "")
        if row.get("error"):
            gathering.deny(found, namespace, str(row["error"])[:200])
            gathering.notes.append(f"{found}: {str(row['error'])[:200]}")
        elif row.get("complete") is True:
            gathering.covers(found, {namespace} if namespace else set(), whole=not namespace)
    return problems


def take_facts(
    gathering: Gathering, facts: Mapping[str, Any], place: Place, role: str
) -> tuple[list[Problem], list[Probe]]:
    """Declared facts; those about reachability become probes, those in short become objects."""
    problems = list(unknown_keys(facts, tuple(BY_NAME), place))
    probes: list[Probe] = []
    for name, value in facts.items():
        known = BY_NAME.get(str(name))
        if known is None or value is None:
            continue
        here = place.down(str(name))
        if not isinstance(value, known.types) or (
            isinstance(value, bool) and bool not in known.types
        ):
            types = " or ".join(_JSON_TYPES[kind] for kind in known.types)
            problems.append(
                here.problem("wrong-type", f"{name} is not {types}", f"such as {known.example!r}")
            )
            continue
        probes += _take_fact(gathering, str(name), value, here, role, problems)
    return problems, probes


def _take_fact(
    gathering: Gathering, name: str, value: Any, place: Place, role: str, problems: list[Problem]
) -> list[Probe]:
    if name == "ports":
        return _ports(value, place, role, problems)
    if name == "reaches":
        return _reaches(value, place, role, problems)
    if name == "volumes":
        _volumes(gathering, value, place, problems)
    elif name == "storageClasses":
        _storage_classes(gathering, value, place, problems)
    else:
        gathering.declared[name] = Declared(value, place.pointer(_shown(value)))
    return []


_JSON_TYPES = {str: "a string", bool: "true or false", list: "a list", dict: "a mapping"}


def _shown(value: Any) -> Any:
    if isinstance(value, str):
        return redact_value(value)
    return value if isinstance(value, bool | int) else None


def _ports(
    value: Mapping[str, Any], place: Place, role: str, problems: list[Problem]
) -> list[Probe]:
    found = []
    for port, state in value.items():
        here = place.down(str(port))
        number = int(port) if str(port).isascii() and str(port).isdigit() else 0
        if not 0 < number < 65536 or state not in ("open", "closed", True, False):
            problems.append(
                here.problem("wrong-value", "not a port number with open or closed",
                             'such as {"6443": "open"}')
            )  # fmt: skip
            continue
        found.append(
            Probe(
                source=_other(role), vantage="declared", target="endpoint",
                open=state in ("open", True), pointer=here.pointer(state), cluster=role,
                port=number, detail="declared",
            )
        )  # fmt: skip
    return found


def _reaches(
    value: Mapping[str, Any], place: Place, role: str, problems: list[Problem]
) -> list[Probe]:
    aliases = {"volumes": "volume"}
    known = ("api", "routes", "registry", "repository", "dns", "volumes")
    problems += unknown_keys(value, known, place)
    found = []
    for target, state in value.items():
        if target not in known:
            continue
        here = place.down(str(target))
        if not isinstance(state, bool):
            problems.append(here.problem("wrong-type", "this is not true or false"))
            continue
        own = target in ("repository", "dns", "volumes")
        found.append(
            Probe(
                source=Role(role), vantage="declared", target=aliases.get(target, target),
                open=state, pointer=here.pointer(state),
                cluster="" if own else str(_other(role)), detail="declared",
            )
        )  # fmt: skip
    return found


def _other(role: str) -> Role:
    return Role.SOURCE if role == Role.DESTINATION else Role.DESTINATION


def _volumes(
    gathering: Gathering, value: Sequence[Any], place: Place, problems: list[Problem]
) -> None:
    """Volumes in short become a PV and its PVC; the list is taken as whole."""
    keys = (
        "name", "namespace", "claim", "phase", "storageClass", "capacity", "type", "server",
        "driver", "region", "accessModes", "volumeMode",
    )  # fmt: skip
    namespaces = set()
    for index, row in enumerate(value):
        here = place.down(index)
        if not isinstance(row, dict):
            problems.append(here.problem("wrong-type", "a volume is a mapping"))
            continue
        problems += unknown_keys(row, keys, here)
        volume, claim = _volume_objects(row)
        gathering.add(PERSISTENT_VOLUME, volume, here.origin, here.base)
        if claim is not None:
            namespaces.add(gathering.add(PERSISTENT_VOLUME_CLAIM, claim, here.origin, here.base))
    gathering.covers(PERSISTENT_VOLUME, set(), whole=True)
    gathering.covers(PERSISTENT_VOLUME_CLAIM, namespaces, whole=True)


def _volume_objects(row: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any] | None]:
    common: dict[str, Any] = {
        "accessModes": row.get("accessModes"),
        "storageClassName": row.get("storageClass"),
        "volumeMode": row.get("volumeMode"),
    }
    source: dict[str, Any] = {}
    for key in ("server", "driver"):
        if row.get(key):
            source[key] = row[key]
    kind = row.get("type") or ("csi" if row.get("driver") else "")
    spec = {**common, "capacity": {"storage": row.get("capacity")}}
    if isinstance(kind, str) and kind:
        spec[kind] = source
    labels = {"topology.kubernetes.io/region": row["region"]} if row.get("region") else {}
    phase = row.get("phase", "Bound")
    if row.get("claim"):
        spec["claimRef"] = {"namespace": row.get("namespace"), "name": row["claim"]}
    volume = {
        "metadata": {"name": row.get("name"), "labels": labels},
        "spec": spec,
        "status": {"phase": phase},
    }
    if not row.get("claim"):
        return volume, None
    request = {"requests": {"storage": row.get("capacity")}}
    claim = {
        "metadata": {"name": row["claim"], "namespace": row.get("namespace")},
        "spec": {**common, "volumeName": row.get("name"), "resources": request},
        "status": {"phase": phase},
    }
    return volume, claim


def _storage_classes(
    gathering: Gathering, value: Sequence[Any], place: Place, problems: list[Problem]
) -> None:
    for index, row in enumerate(value):
        here = place.down(index)
        if not isinstance(row, dict):
            problems.append(here.problem("wrong-type", "a storage class is a mapping"))
            continue
        problems += unknown_keys(row, ("name", "provisioner", "default"), here)
        annotations = (
            {"storageclass.kubernetes.io/is-default-class": "true"} if row.get("default") else {}
        )
        object_ = {
            "metadata": {"name": row.get("name"), "annotations": annotations},
            "provisioner": row.get("provisioner"),
        }
        gathering.add(STORAGE_CLASS, object_, here.origin, here.base)
    gathering.covers(STORAGE_CLASS, set(), whole=True)


def read_probes(value: Any, place: Place) -> tuple[list[Problem], list[Probe]]:
    """A list of measured connections; see :class:`service.core.migration.Probe`."""
    rows = value.get("probes") if isinstance(value, dict) else value
    if not isinstance(rows, list):
        return [place.problem("wrong-type", "probes is not a list")], []
    problems: list[Problem] = []
    probes = []
    for index, row in enumerate(rows):
        here = place.down(index)
        if not isinstance(row, dict):
            problems.append(here.problem("wrong-type", "a probe is a mapping"))
            continue
        problems += unknown_keys(row, PROBE_KEYS, here)
        bad = list(_bad_probe(row, here))
        problems += bad
        if bad:
            continue
        status = row.get("httpStatus")
        probes.append(
            Probe(
                source=Role(row["from"]),
                vantage=row.get("vantage", "workstation"),
                target=row["target"],
                open=row["open"],
                pointer=here.down("open").pointer(row["open"]),
                cluster=row.get("cluster") or "",
                host=row.get("host") or "",
                port=row.get("port") or 0,
                detail=str(row.get("detail") or "")[:200],
                http_status=status if isinstance(status, int) else None,
            )
        )
    return problems, probes


def _bad_probe(row: Mapping[str, Any], place: Place) -> Iterator[Problem]:
    choices: dict[str, tuple[str, ...]] = {
        "from": tuple(Role),
        "target": PROBE_TARGETS,
        "vantage": VANTAGES,
        "cluster": ("", *Role),
    }
    for key, known in choices.items():
        value = row.get(key)
        if value is None and key in ("vantage", "cluster"):
            continue
        if value not in known:
            wanted = ", ".join(choice for choice in known if choice)
            yield place.down(key).problem("wrong-value", f"{key} is not one of: {wanted}")
    if not isinstance(row.get("open"), bool):
        yield place.down("open").problem("wrong-type", "open is not true or false")
    port = row.get("port") or 0
    if type(port) is not int or not 0 <= port < 65536:
        yield place.down("port").problem("wrong-value", "port is not a number from 1 to 65535")
    if not isinstance(row.get("host") or "", str):
        yield place.down("host").problem("wrong-type", "host is not a string")
