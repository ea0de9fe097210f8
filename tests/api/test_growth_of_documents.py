"""Every list and every open mapping that the API document names for a body grows near linearly.

The places are read from openapi.yaml, so a new field without an example here is noticed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path as File
from typing import Any

import pytest
import yaml
from flask.testing import FlaskClient
from growing import SIZE, Path, grown, steep

ROOT = File(__file__).parents[2]
JSON = "application/json"
EVALUATIONS, REPORTS = "/v1/evaluations", "/v1/reports"
PATCHES, PARTITION = "/v1/migrationcontroller/patches", "/v1/migplans/partition"
ADMISSION = "/v1/admission/validate"
NOT_JSON = {"/v1/evaluations/batch"}
"""Its lines are grown in test_growth_of_requests."""
MTC = "openshift-migration"


def _object(kind: str, name: str, api: str = "migration.openshift.io/v1alpha1", **more: Any) -> Any:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, "namespace": MTC}, **more}


PLAN = _object("MigPlan", "p", spec={"namespaces": ["app"]})
SPEC = {
    "migration_velero": True, "migration_controller": True, "migration_ui": True,
    "cluster_name": "host", "azure_resource_group": "", "version": "1.8.8", "mig_pv_limit": 100,
}  # fmt: skip
CONTROLLER = _object("MigrationController", "migration-controller", spec=SPEC)
VOLUME = {"name": "v", "namespace": "app", "claim": "data", "phase": "Failed"}
FACTS = {
    "groups": ["g"],
    "ports": {"6443": "open"},
    "reaches": {"api": True},
    "volumes": [VOLUME],
    "storageClasses": [{"name": "gp3", "provisioner": "ebs.csi.aws.com"}],
    "addresses": {"apps.example.com": ["192.0.2.10"]},
}
CLUSTER = {
    "role": "source",
    "facts": FACTS,
    "objects": [{"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "namespace": "app"}}],
    "gathered": [{"resource": "routes.route.openshift.io", "complete": True}],
    "notes": ["a note"],
}
PROBE = {
    "from": "source", "target": "endpoint", "host": "api.example.com", "port": 6443, "open": False,
}  # fmt: skip
WAIVER = {
    "policy": "MTC601", "subject": {"name": "v*"}, "reason": "r", "owner": "o",
    "expires": "2099-01-01",
}  # fmt: skip
GONE = {
    "policy": "MTC601", "verdict": "fail", "fingerprint": "0" * 32, "severity": "blocker",
    "subject": {"cluster": "source", "kind": "PersistentVolume", "name": "gone"},
}  # fmt: skip
ENVELOPE = {
    "clusters": [CLUSTER],
    "plan": PLAN,
    "storage": _object("MigStorage", "s", spec={}),
    "controller": CONTROLLER,
    "probes": [PROBE],
    "waivers": [WAIVER],
    "graph": {"nodes": [{"version": "4.14.1"}], "edges": []},
    "baseline": {"policySet": "x", "findings": [GONE]},
}
PATCH = {
    "settings": {
        "additional_excluded_resources": ["routes"],
        "mig_pv_move_storageclasses": ["gp2"],
        "restic_supplemental_groups": [1000],
    },
    "evaluation": ENVELOPE,
}
TABLE = [{"name": "a", "groups": ["g"], "needs": ["b"]}, {"name": "b", "groups": ["g"]}]
REVIEW = {
    "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
    "request": {
        "uid": "1", "operation": "UPDATE", "name": "migration-controller", "namespace": MTC,
        "kind": {"group": "migration.openshift.io", "version": "v1alpha1",
                 "kind": "MigrationController"},
        "userInfo": {"username": "ann"}, "object": CONTROLLER, "oldObject": CONTROLLER,
    },
}  # fmt: skip
ASSUMED = [{"name": "OpenShift", "version": "4.16.3"}]
SCOPE = {
    "only": ["storage"],
    "skipped": [{"policy": "MTC602", "name": "n", "severity": "blocker", "reason": "r"}],
    "changed": [{"policy": "MTC603", "setting": "severity", "value": "info", "by": "query"}],
    "files": ["f"],
}


@cache
def described() -> Any:
    return yaml.load((ROOT / "openapi.yaml").read_text("utf-8"), Loader=yaml.CSafeLoader)


def places(path: str) -> list[str]:
    """Pointers to all lists and open mappings of a body; ``*`` stands for any item or key."""
    content = described()["paths"][path]["post"]["requestBody"]["content"]
    return list(dict.fromkeys(_places(content[JSON]["schema"], "", ())))


def _places(schema: Any, at: str, seen: tuple[str, ...]) -> Iterator[str]:
    name = schema.get("$ref")
    if name is not None:
        target = described()["components"]["schemas"][name.rpartition("/")[2]]
        if name not in seen:
            yield from _places(target, at, (*seen, name))
        return
    for choices in ("allOf", "anyOf", "oneOf"):
        for choice in schema.get(choices, ()):
            yield from _places(choice, at, seen)
    if isinstance(schema.get("items"), dict):
        yield f"{at}/*"
        yield from _places(schema["items"], f"{at}/*", seen)
    for key, value in schema.get("properties", {}).items():
        yield from _places(value, f"{at}/{key}", seen)
    more = schema.get("additionalProperties")
    if more:
        yield f"{at}/*"
        if isinstance(more, dict):
            yield from _places(more, f"{at}/*", seen)


def found(document: Any, steps: list[str], path: Path = ()) -> Path | None:
    """The last place of a document that a pointer with ``*`` leads to."""
    if not steps:
        return path
    keys: list[Any] = [steps[0]] if isinstance(document, dict) and steps[0] in document else []
    if steps[0] == "*":
        keys = list(document if isinstance(document, dict) else range(len(document or ())))
    for key in reversed(keys):
        place = found(document[key], steps[1:], (*path, key))
        if place is not None:
            return place
    return None


def mappings(value: Any, at: str = "", path: Path = ()) -> Iterator[tuple[str, Path]]:
    """The place of one mapping of each sort."""
    if isinstance(value, dict):
        yield at, path
        for key, item in value.items():
            yield from mappings(item, f"{at}/{key}", (*path, key))
    elif isinstance(value, list) and value:
        yield from mappings(value[-1], f"{at}/*", (*path, len(value) - 1))


def body(document: Any, place: Path, times: int) -> bytes:
    return json.dumps(grown(document, place, SIZE * times)).encode()


def report(client: FlaskClient) -> Any:
    """A stored report that has something in every list."""
    cluster = {**CLUSTER, "facts": {**FACTS, "regoin": "us-east-1"}}
    made = client.post(EVALUATIONS, json={**ENVELOPE, "clusters": [cluster]}).get_json()
    (ended,) = made["delta"]["unconfirmed"]
    made["delta"]["resolved"] = made["delta"]["unconfirmed"] = [{**ended, "see": ["2" * 32]}]
    return {**made, "assumed": ASSUMED, "scope": made["scope"] | SCOPE}


DOCUMENTS: dict[str, Any] = {
    EVALUATIONS: ENVELOPE,
    REPORTS: report,
    PATCHES: PATCH,
    PARTITION: {"namespaces": TABLE, "evaluation": ENVELOPE, "plan": PLAN,
                "controller": CONTROLLER},
    ADMISSION: REVIEW,
}  # fmt: skip


def accepted(client: FlaskClient, path: str) -> Any:
    """The document of a path: a refused one would test nothing but the refusal."""
    document = DOCUMENTS[path](client) if callable(DOCUMENTS[path]) else DOCUMENTS[path]
    answer = client.post(path, json=document)
    assert answer.status_code == 200, answer.get_json()
    return document


def test_every_body_of_json_has_a_document_here() -> None:
    bodies = {path for path, methods in described()["paths"].items() if "post" in methods}
    assert bodies == {*DOCUMENTS} | NOT_JSON


@pytest.mark.parametrize("path", DOCUMENTS)
def test_a_request_grows_with_every_list_that_its_schema_names(
    client: FlaskClient, path: str
) -> None:
    document = accepted(client, path)
    faults = {}
    for pointer in places(path):
        place = found(document, pointer.split("/")[1:])
        if place is None:
            faults[pointer] = "no example"
            continue
        bodies = [body(document, place, times) for times in (1, 2, 4)]
        client.post(path, data=bodies[0], content_type=JSON)
        if fault := steep(client, path, bodies, JSON):
            faults[pointer] = fault
    assert not faults


@pytest.mark.parametrize("path", DOCUMENTS)
def test_a_request_grows_with_the_unknown_keys_of_every_mapping(
    client: FlaskClient, path: str
) -> None:
    document = accepted(client, path)
    faults = {}
    for pointer, place in dict(mappings(document)).items():
        bodies = [body(document, (*place, "odd"), times) for times in (1, 2, 4)]
        client.post(path, data=bodies[0], content_type=JSON)
        if fault := steep(client, path, bodies, JSON):
            faults[pointer] = fault
    assert not faults
