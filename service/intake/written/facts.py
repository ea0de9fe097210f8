"""The facts of a cluster that are declared: taken as they are, as probes, or as objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from service.core.deadline import paced
from service.core.evidence import Problem, Role
from service.core.facts.declared import BY_NAME
from service.core.migration import Declared, Probe
from service.core.values.versions import parse_or_none
from service.intake.gathering import Gathering
from service.intake.input_place import Place
from service.intake.written.keys import unknown_keys
from service.kinds.near import nearest
from service.kinds.redact import redact_value
from service.kinds.storage import PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM, STORAGE_CLASS


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
        if name in _VERSIONS and not _is_version(name, str(value)):
            text = f"{name} is not a version"
            problems.append(here.problem("wrong-value", text, f"such as {known.example!r}"))
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


_VERSIONS = ("openshiftVersion", "latestOpenshiftVersion", "mtcVersion", "latestMtcVersion")
DEVELOPMENT = "latest"
"""What a development build of MTC calls its version; OpenShift has no such name."""
_JSON_TYPES = {str: "a string", bool: "true or false", list: "a list", dict: "a mapping"}


def _is_version(name: str, value: str) -> bool:
    return parse_or_none(value) is not None or (name == "mtcVersion" and value == DEVELOPMENT)


def _shown(value: Any) -> Any:
    if isinstance(value, str):
        return redact_value(value)
    return value if isinstance(value, bool | int) else None


def _ports(
    value: Mapping[str, Any], place: Place, role: str, problems: list[Problem]
) -> list[Probe]:
    found = []
    for port, state in paced(value.items()):
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
    """Volumes in short become a PV and its PVC; the list is whole if every row of it is read."""
    keys = (
        "name", "namespace", "claim", "phase", "storageClass", "capacity", "type", "server",
        "driver", "region", "accessModes", "volumeMode",
    )  # fmt: skip
    good = _good_rows(value, keys, "a volume", place, problems)
    for here, row in good:
        volume, claim = _volume_objects(row)
        gathering.add(PERSISTENT_VOLUME, volume, here.origin, here.base)
        if claim is not None:
            gathering.add(PERSISTENT_VOLUME_CLAIM, claim, here.origin, here.base)
    if len(good) == len(value):
        for resource in (PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM):
            gathering.covers(resource, ("",), place.pointer())


def _good_rows(
    value: Sequence[Any], keys: Sequence[str], what: str, place: Place, problems: list[Problem]
) -> list[tuple[Place, dict[str, Any]]]:
    """The rows without a misspelt key, of which what it means would be read as absent."""
    good = []
    for index, row in enumerate(paced(value)):
        here = place.down(index)
        if not isinstance(row, dict):
            problems.append(here.problem("wrong-type", f"{what} is a mapping"))
            continue
        problems += unknown_keys(row, keys, here)
        if not any(nearest(str(key), keys) for key in paced(row) if key not in keys):
            good.append((here, row))
    return good


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
    keys = ("name", "provisioner", "default")
    good = _good_rows(value, keys, "a storage class", place, problems)
    for here, row in good:
        annotations = (
            {"storageclass.kubernetes.io/is-default-class": "true"} if row.get("default") else {}
        )
        object_ = {
            "metadata": {"name": row.get("name"), "annotations": annotations},
            "provisioner": row.get("provisioner"),
        }
        gathering.add(STORAGE_CLASS, object_, here.origin, here.base)
    if len(good) == len(value):
        gathering.covers(STORAGE_CLASS, ("",), place.pointer())
