"""What a request costs as it grows: work in steps (lines that run), and the bytes of the answer.

Every list that any case of the policies holds, and every list that the other endpoints take, is
made longer: n, 2n and 4n items.
"""

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Callable
from functools import cache
from typing import Any

import pytest
from flask.testing import FlaskClient
from growing import SIZE, Path, grown, lists, steep
from policy_cases import POLICIES, envelopes_of

from service.formats import FORMATS as RENDERINGS


@cache
def of_cases() -> dict[str, tuple[Any, Path]]:
    """A document for every kind of list that the cases hold."""
    found: dict[str, tuple[Any, Path]] = {}
    for policy in POLICIES:
        for envelope in envelopes_of(policy):
            for name, path in lists(envelope):
                found.setdefault(name, (envelope, path))
    return found


SHARES = 8
"""The lists are tested in so many parts, which run side by side."""


@pytest.mark.parametrize("share", range(SHARES))
def test_an_evaluation_grows_with_each_of_its_lists(client: FlaskClient, share: int) -> None:
    found = {}
    for name, (envelope, path) in sorted(of_cases().items())[share::SHARES]:
        documents = [
            json.dumps(grown(envelope, path, SIZE * times)).encode() for times in (1, 2, 4)
        ]
        client.post("/v1/evaluations", data=documents[0], content_type="application/json")
        if fault := steep(client, "/v1/evaluations", documents, "application/json"):
            found[name] = fault
    assert not found


def _namespaces(count: int) -> list[str]:
    return [f"app-{number:04}" for number in range(count)]


def _object(kind: str, name: str, namespace: str = "", api: str = "v1", **more: Any) -> Any:
    place = {"namespace": namespace} if namespace else {}
    return {"apiVersion": api, "kind": kind, "metadata": {"name": name, **place}, **more}


def _evidence(objects: list[Any]) -> Any:
    complete = ["pods", "persistentvolumeclaims", "namespaces"]
    return {"clusters": [{"role": "source", "complete": complete, "objects": objects}]}


def _labelled(name: str, **labels: str) -> Any:
    space = _object("Namespace", name)
    space["metadata"]["labels"] = labels
    return space


def _policy(name: str, chosen: Any) -> Any:
    rule = {"from": [{"namespaceSelector": chosen}]}
    return _object("NetworkPolicy", "shared", name, "networking.k8s.io/v1",
                   spec={"podSelector": {}, "ingress": [rule]})  # fmt: skip


def _shared_label(count: int) -> Any:
    spaces = [_labelled(name, team="all") for name in _namespaces(count)]
    chosen = {"matchLabels": {"team": "all"}}
    return {
        "evaluation": _evidence(spaces + [_policy(name, chosen) for name in _namespaces(count)])
    }


def _labels_of_pairs(count: int) -> Any:
    names = _namespaces(count)
    spaces = [_labelled(name, pair=str(place // 2)) for place, name in enumerate(names)]
    policies = [
        _policy(name, {"matchLabels": {"pair": str(place // 2)}})
        for place, name in enumerate(names)
    ]
    return {"evaluation": _evidence(spaces + policies)}


def _selectors_that_differ(count: int) -> Any:
    spaces = [_labelled(name, team="all") for name in _namespaces(count)]
    policies = [
        _policy(name, {"matchLabels": {"team": "all"},
                       "matchExpressions": [{"key": "x", "operator": "NotIn", "values": [name]}]})
        for name in _namespaces(count)
    ]  # fmt: skip
    return {"evaluation": _evidence(spaces + policies)}


def _chain(count: int) -> Any:
    names = _namespaces(count)
    return {"namespaces": [
        {"name": name, "pods": 60, "needs": names[max(0, place - 1) : place]}
        for place, name in enumerate(names)
    ]}  # fmt: skip


def _groups(count: int) -> Any:
    rows = [{"name": name, "groups": ["one", f"g-{name}"]} for name in _namespaces(count)]
    return {"namespaces": rows}


def _selected_volumes(count: int) -> Any:
    names = _namespaces(count)
    volumes = [{"name": name, "pvc": {"namespace": name, "name": "data"}} for name in names]
    plan = _object("MigPlan", "p", "openshift-migration", "migration.openshift.io/v1alpha1",
                   spec={"namespaces": names, "persistentVolumes": volumes})  # fmt: skip
    return {"namespaces": [{"name": name} for name in names], "plan": plan}


def _settings(count: int) -> Any:
    names = [f"kind-{number}" for number in range(count)]
    return {"settings": {"excluded_resources": names}}


def _wrong_settings(count: int) -> Any:
    return {"settings": {f"mig_pv_limits_{number}": 1 for number in range(count)}}


def _controller_of_many_settings(count: int) -> Any:
    spec = {f"mig_pv_limits_{number}": 1 for number in range(count)}
    controller = _object("MigrationController", "migration-controller", "openshift-migration",
                         "migration.openshift.io/v1alpha1", spec=spec)  # fmt: skip
    return {"settings": {"mig_pv_limit": 200}, "controller": controller}


@cache
def _report(count: int, baseline: bool = False) -> Any:
    """A report with so many failures of volumes, and where wanted what it was before."""
    names = _namespaces(count)
    volumes = [_object("PersistentVolume", name, spec={"capacity": {"storage": "1Gi"}},
                       status={"phase": "Failed"}) for name in names]  # fmt: skip
    plan = {"namespaces": ["app"], "persistentVolumes": [{"name": name} for name in names]}
    return {"clusters": [{"role": "source", "objects": volumes}], "plan": plan}


def _evaluated(client: FlaskClient, document: Any) -> Any:
    return client.post("/v1/evaluations", json=document).get_json()


FORMATS = sorted({*RENDERINGS} - {"json"})


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_grows_with_the_findings(client: FlaskClient, form: str) -> None:
    path = f"/v1/evaluations?format={form}"
    path += "&for=source" if form == "gather" else ""
    documents = [json.dumps(_report(SIZE * times)).encode() for times in (1, 2, 4)]
    client.post(path, data=documents[0], content_type="application/json")
    assert not steep(client, path, documents, "application/json")


@pytest.mark.parametrize(
    "path, build",
    [
        ("/v1/migplans/partition", _shared_label),
        ("/v1/migplans/partition?format=manifests", _shared_label),
        ("/v1/migplans/partition", _labels_of_pairs),
        ("/v1/migplans/partition", _selectors_that_differ),
        ("/v1/migplans/partition", _chain),
        ("/v1/migplans/partition", _groups),
        ("/v1/migplans/partition", _selected_volumes),
        ("/v1/migrationcontroller/patches", _settings),
        ("/v1/migrationcontroller/patches", _wrong_settings),
        ("/v1/migrationcontroller/patches", _controller_of_many_settings),
    ],
)
def test_partitions_and_patches_grow_with_what_they_are_made_of(
    client: FlaskClient, path: str, build: Callable[[int], Any]
) -> None:
    documents = [json.dumps(build(SIZE * times)).encode() for times in (1, 2, 4)]
    client.post(path, data=documents[0], content_type="application/json")
    assert not steep(client, path, documents, "application/json")


def test_a_comparison_grows_with_what_is_gone_and_what_is_there(client: FlaskClient) -> None:
    """Each finding of the baseline is gone, and as many others are there."""
    documents = []
    for times in (1, 2, 4):
        before = _evaluated(client, _report(SIZE * times))
        now = json.loads(json.dumps(_report(SIZE * times)).replace("app-", "shop-"))
        documents.append(json.dumps({**now, "baseline": before}).encode())
    path = "/v1/evaluations?format=text"
    client.post(path, data=documents[0], content_type="application/json")
    assert not steep(client, path, documents, "application/json")


def test_a_stored_report_grows_with_each_of_its_lists(client: FlaskClient) -> None:
    before = _evaluated(client, _report(3))
    now = json.loads(json.dumps(_report(3)).replace("app-", "shop-"))
    waivers = [{"policy": "MTC601", "subject": {"name": "shop-*"}, "reason": "r", "owner": "o",
                "expires": "2099-01-01"}]  # fmt: skip
    stored = _evaluated(client, {**now, "baseline": before, "waivers": waivers})
    found = {}
    for name, path in dict(lists(stored)).items():
        documents = [json.dumps(grown(stored, path, SIZE * times)).encode() for times in (1, 2, 4)]
        if fault := steep(client, "/v1/reports?format=html", documents, "application/json"):
            found[name] = fault
    assert not found


def _volume(number: int) -> bytes:
    return json.dumps(_object("PersistentVolume", f"pv-{number:04}")).encode()


def _form(count: int) -> bytes:
    head = b'--b\r\nContent-Disposition: form-data; name="source"; filename="f"\r\n\r\n'
    return b"".join(head + _volume(number) + b"\r\n" for number in range(count)) + b"--b--\r\n"


def _tar(count: int) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for number in range(count):
            folder = "must-gather/cluster-scoped-resources/core/persistentvolumes"
            member = tarfile.TarInfo(f"{folder}/pv-{number:04}.yaml")
            member.size = len(data := _volume(number))
            archive.addfile(member, io.BytesIO(data))
    return out.getvalue()


def _zip(count: int) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for number in range(count):
            archive.writestr(f"{number}.json", _volume(number))
    return out.getvalue()


@pytest.mark.parametrize(
    "build, media_type, query",
    [
        (_form, "multipart/form-data; boundary=b", ""),
        (_tar, "application/x-tar", "?role=source"),
        (_zip, "application/zip", "?role=source"),
        (lambda n: b"\n".join(map(_volume, range(n))), "application/x-ndjson", "?role=source"),
        (lambda n: b"\n---\n".join(map(_volume, range(n))), "application/yaml", "?role=source"),
    ],
    ids=["parts", "members of a tar", "members of a zip", "lines", "documents"],
)
def test_an_evaluation_grows_with_what_the_input_consists_of(
    client: FlaskClient, build: Callable[[int], bytes], media_type: str, query: str
) -> None:
    documents = [build(SIZE * times) for times in (1, 2, 4)]
    path = f"/v1/evaluations{query}"
    assert client.post(path, data=documents[0], content_type=media_type).status_code == 200
    assert not steep(client, path, documents, media_type)


def test_a_batch_grows_with_its_lines(client: FlaskClient) -> None:
    line = json.dumps({"clusters": [{"role": "source"}]}).encode() + b"\n"
    documents = [line * times for times in (4, 8, 16)]
    path = "/v1/evaluations/batch?detail=summary"
    assert not steep(client, path, documents, "application/x-ndjson")


def test_an_admission_review_grows_with_each_list_of_its_object(client: FlaskClient) -> None:
    spec = _selected_volumes(3)["plan"]["spec"]
    spec |= {"hooks": [{"phase": "PreBackup", "reference": {"name": "h", "namespace": "m"}}]}
    spec |= {"includedResources": [{"group": "", "kind": "Pod"}]}
    written = _object("MigPlan", "p", "openshift-migration", "migration.openshift.io/v1alpha1",
                      spec=spec)  # fmt: skip
    review = {
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "1", "operation": "CREATE", "name": "p", "namespace": "openshift-migration",
            "kind": {"group": "migration.openshift.io", "version": "v1alpha1", "kind": "MigPlan"},
            "userInfo": {"username": "ann"}, "object": written, "oldObject": None,
        },
    }  # fmt: skip
    found = {}
    for name, path in dict(lists(review)).items():
        documents = [json.dumps(grown(review, path, SIZE * times)).encode() for times in (1, 2, 4)]
        assert client.post("/v1/admission/validate", data=documents[0],
                           content_type="application/json").status_code == 200  # fmt: skip
        if fault := steep(client, "/v1/admission/validate", documents, "application/json"):
            found[name] = fault
    assert not found
