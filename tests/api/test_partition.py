"""POST /v1/migplans/partition, as its users meet it."""

from __future__ import annotations

import io
import json
from typing import Any

import jsonschema
import pytest
import yaml
from flask.testing import FlaskClient

URL = "/v1/migplans/partition"
MTC = "openshift-migration"


def namespace(name: str, **labels: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": labels}}


def pod(where: str, name: str, phase: str = "Running", image: str = "i") -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": where},
        "spec": {"containers": [{"name": "c", "image": image}]},
        "status": {"phase": phase},
    }


def claim(where: str, name: str, volume: str = "") -> dict[str, Any]:
    spec = {"volumeName": volume} if volume else {}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": where},
        "spec": spec,
    }


def export(name: str, where: str, path: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name},
        "spec": {
            "nfs": {"server": "10.0.0.9", "path": path},
            "claimRef": {"namespace": where, "name": name},
        },
    }


def migration(kind: str, name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "migration.openshift.io/v1alpha1",
        "kind": kind,
        "metadata": {"name": name, "namespace": MTC},
        "spec": spec,
    }


LISTS = [
    "namespaces", "pods", "persistentvolumeclaims", "persistentvolumes", "imagestreams",
    "buildconfigs", "networkpolicies",
]  # fmt: skip


def evidence(*objects: dict[str, Any], **more: Any) -> dict[str, Any]:
    source = {"role": "source", "objects": list(objects), "complete": LISTS}
    return {"clusters": [source], **more}


def planned(answer: dict[str, Any]) -> list[tuple[int, list[str]]]:
    return [(plan["wave"], plan["namespaces"]) for plan in answer["plans"]]


def ask(client: FlaskClient, document: Any, **options: Any) -> dict[str, Any]:
    answer = client.post(URL, json=document, **options)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def test_a_table_of_namespaces(client: FlaskClient) -> None:
    rows = [
        {"name": "a", "pods": 60, "volumes": 2, "groups": ["g"]},
        {"name": "b:till", "pods": 30, "volumes": 1, "groups": ["g"]},
        {"name": "c", "pods": 40},
        {"name": "d", "pods": 101},
    ]
    answer = ask(client, {"namespaces": rows, "namePrefix": "shop"})
    assert answer == {
        "plans": [
            {
                "name": "shop-1-1",
                "wave": 1,
                "namespaces": ["a", "b:till"],
                "size": {"namespaces": 2, "pods": 90, "volumes": 3},
                "manifest": {
                    "apiVersion": "migration.openshift.io/v1alpha1",
                    "kind": "MigPlan",
                    "metadata": {
                        "name": "shop-1-1",
                        "namespace": MTC,
                        "annotations": {"mtc-preflight.io/wave": "1"},
                    },
                    "spec": {"namespaces": ["a", "b:till"]},
                },
            },
            {
                "name": "shop-1-2",
                "wave": 1,
                "namespaces": ["c"],
                "size": {"namespaces": 1, "pods": 40, "volumes": 0},
                "manifest": {
                    "apiVersion": "migration.openshift.io/v1alpha1",
                    "kind": "MigPlan",
                    "metadata": {
                        "name": "shop-1-2",
                        "namespace": MTC,
                        "annotations": {"mtc-preflight.io/wave": "1"},
                    },
                    "spec": {"namespaces": ["c"]},
                },
            },
        ],
        "oversized": [
            {
                "namespaces": ["d"],
                "size": {"namespaces": 1, "pods": 101, "volumes": 0},
                "exceeds": ["pods"],
                "hint": "raise mig_pod_limit to 101 in the MigrationController",
            }
        ],
        "minimal": True,
        "least": 2,
        "limits": {"namespaces": 10, "pods": 100, "volumes": 100},
        "total": {"namespaces": 4, "pods": 231, "volumes": 3},
        "ties": [{"one": "a", "other": "b", "kind": "group", "why": "group g", "kept": "together"}],
        "missing": [],
    }


def test_what_is_needed_and_does_not_fit_comes_in_an_earlier_wave(client: FlaskClient) -> None:
    rows = [{"name": "app", "pods": 60, "needs": ["base"]}, {"name": "base", "pods": 60}]
    answer = ask(client, {"namespaces": rows})
    assert planned(answer) == [(1, ["base"]), (2, ["app"])]
    assert [tie["kept"] for tie in answer["ties"]] == ["order"]


def test_the_limits_are_the_controllers_unless_the_request_sets_them(client: FlaskClient) -> None:
    rows = [{"name": name, "pods": 1} for name in "abc"]
    controller = migration("MigrationController", "x", mig_namespace_limit="2", mig_pod_limit=7)
    answer = ask(client, {"namespaces": rows, "controller": controller})
    assert answer["limits"] == {"namespaces": 2, "pods": 7, "volumes": 100}
    assert len(answer["plans"]) == 2
    answer = ask(
        client, {"namespaces": rows, "controller": controller, "limits": {"namespaces": 1}}
    )
    assert answer["limits"] == {"namespaces": 1, "pods": 7, "volumes": 100}
    assert len(answer["plans"]) == 3


def test_a_plan_is_the_template_and_its_volumes_go_where_their_claims_are(
    client: FlaskClient,
) -> None:
    volumes = [
        {"name": "pv-a", "pvc": {"namespace": "a", "name": "x"}, "selection": {"action": "copy"}},
        {"name": "pv-b", "pvc": {"namespace": "b", "name": "y"}, "selection": {"action": "skip"}},
    ]
    plan = migration(
        "MigPlan", "shop", namespaces=["a", "b"], persistentVolumes=volumes, closed=True,
        srcMigClusterRef={"name": "ocp3", "namespace": MTC}, indirectImageMigration=True,
    )  # fmt: skip
    answer = ask(
        client,
        {"namespaces": [{"name": "a"}, {"name": "b"}], "plan": plan, "limits": {"namespaces": 1}},
    )
    kept = {"srcMigClusterRef": {"name": "ocp3", "namespace": MTC}, "indirectImageMigration": True}
    assert [(item["name"], item["manifest"]["spec"]) for item in answer["plans"]] == [
        ("shop-1-1", {**kept, "namespaces": ["a"], "persistentVolumes": [volumes[0]]}),
        ("shop-1-2", {**kept, "namespaces": ["b"], "persistentVolumes": [volumes[1]]}),
    ]


def test_evidence_tells_the_namespaces_their_size_and_what_ties_them(client: FlaskClient) -> None:
    registry = "image-registry.openshift-image-registry.svc:5000"
    objects = [
        *(namespace(name) for name in ("base", "front", "left", "one", "openshift-x", "right")),
        namespace("db", tier="data"),
        pod("one", "p"), pod("one", "q", "Succeeded"), pod("openshift-x", "r"),
        pod("front", "s", image=f"{registry}/base/tool:1"),
        claim("left", "c", "v1"), claim("right", "d", "v2"), claim("one", "e"),
        export("v1", "left", "/data/"), export("v2", "right", "/data"),
        {
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": {"name": "np", "namespace": "db"},
            "spec": {"podSelector": {}, "ingress": [
                {"from": [{"namespaceSelector": {"matchLabels": {"tier": "data"}}},
                          {"namespaceSelector": {}}]},
            ]},
        },
        {
            "apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
            "metadata": {"name": "to-db", "namespace": "front"},
            "spec": {"podSelector": {}, "egress": [
                {"to": [{"namespaceSelector": {"matchLabels": {"tier": "data"}}}]},
            ]},
        },
    ]  # fmt: skip
    answer = ask(client, {"evaluation": evidence(*objects), "limits": {"namespaces": 3}})
    assert answer["total"] == {"namespaces": 6, "pods": 2, "volumes": 2}
    assert {(tie["one"], tie["other"], tie["kind"], tie["why"]) for tie in answer["ties"]} == {
        ("left", "right", "volume", "volumes v1 and v2 are both nfs:10.0.0.9:/data"),
        ("front", "base", "reference", f"pod s runs {registry}/base/tool:1"),
        ("front", "db", "reference", "network policy to-db chooses namespaces by label"),
    }
    assert planned(answer) == [(1, ["base", "db", "front"]), (1, ["left", "one", "right"])]
    assert (answer["minimal"], answer["missing"]) == (True, [])


def test_image_streams_and_builds_of_other_namespaces_tie(client: FlaskClient) -> None:
    stream = {
        "apiVersion": "image.openshift.io/v1", "kind": "ImageStream",
        "metadata": {"name": "s", "namespace": "a"},
        "spec": {"tags": [{"name": "1", "from": {
            "kind": "ImageStreamTag", "name": "x:1", "namespace": "b"}}]},
    }  # fmt: skip
    build = {
        "apiVersion": "build.openshift.io/v1", "kind": "BuildConfig",
        "metadata": {"name": "s", "namespace": "b"},
        "spec": {"strategy": {"sourceStrategy": {"from": {
            "kind": "ImageStreamTag", "name": "x:1", "namespace": "c"}}}},
    }  # fmt: skip
    spaces = [namespace(name) for name in "abc"]
    answer = ask(client, {"evaluation": evidence(*spaces, stream, build)})
    assert [(tie["one"], tie["other"]) for tie in answer["ties"]] == [("a", "b"), ("b", "c")]


def test_clusters_and_repository_that_leave_no_choice_are_set(client: FlaskClient) -> None:
    host = {
        "role": "destination",
        "objects": [
            migration("MigCluster", "host", isHostCluster=True),
            migration("MigCluster", "ocp3", isHostCluster=False, url="https://a:6443"),
            migration("MigStorage", "repo", backupStorageProvider="aws"),
        ],
    }
    given = evidence(namespace("a"))
    given["clusters"].append(host)
    answer = ask(client, {"evaluation": given})
    ref = {name: {"name": name, "namespace": MTC} for name in ("ocp3", "host", "repo")}
    assert answer["plans"][0]["manifest"]["spec"] == {
        "srcMigClusterRef": ref["ocp3"],
        "destMigClusterRef": ref["host"],
        "migStorageRef": ref["repo"],
        "namespaces": ["a"],
    }


def test_evidence_that_is_not_whole_is_refused_with_the_commands(client: FlaskClient) -> None:
    document = {"evaluation": {"clusters": [{"role": "source", "objects": [pod("a", "p")]}]}}
    answer = client.post(URL, json=document)
    assert answer.status_code == 422
    (error,) = answer.get_json()["errors"]
    assert error["code"] == "not-gathered"
    assert error["hint"].startswith("oc get pods --all-namespaces -o json")


def test_ties_that_could_not_be_seen_are_told(client: FlaskClient) -> None:
    source = {
        "role": "source",
        "objects": [pod("a", "p")],
        "complete": ["pods", "persistentvolumeclaims"],
    }
    answer = ask(client, {"evaluation": {"clusters": [source]}})
    facts = [item["fact"] for item in answer["missing"]]
    assert facts == [
        "every ImageStream of namespace a",
        "every BuildConfig of namespace a",
        "every NetworkPolicy of namespace a",
        "every PersistentVolume",
    ]


def test_manifests_as_yaml(client: FlaskClient) -> None:
    rows = [{"name": "a"}, {"name": "b"}, {"name": "c", "volumes": 101}]
    body = {"namespaces": rows, "limits": {"namespaces": 1}}
    by_header = client.post(URL, json=body, headers={"Accept": "application/yaml"})
    by_query = client.post(f"{URL}?format=manifests", json=body)
    assert by_header.data == by_query.data
    assert by_header.mimetype == "application/yaml"
    head, _, _ = by_header.text.partition("\n")
    assert head == "# not planned: c: raise mig_pv_limit to 101 in the MigrationController"
    documents = list(yaml.safe_load_all(by_header.text))
    assert [item["spec"]["namespaces"] for item in documents] == [["a"], ["b"]]


def test_a_form_with_evidence_and_the_rest_of_the_document(client: FlaskClient) -> None:
    source = yaml.safe_dump(
        {"objects": [namespace("a"), namespace("b")], "complete": LISTS, "role": "source"}
    )
    answer = client.post(
        URL,
        data={
            "source": (io.BytesIO(source.encode()), "source.yaml"),
            "partition": (io.BytesIO(b"limits: {namespaces: 1}\nnamePrefix: x"), "p.yaml"),
        },
    )
    assert answer.status_code == 200, answer.text
    assert [item["name"] for item in answer.get_json()["plans"]] == ["x-1-1", "x-1-2"]


@pytest.mark.parametrize(
    "document, pointer",
    [
        ([], ""),
        ({}, "/namespaces"),
        ({"namespaces": []}, "/namespaces"),
        ({"namespaces": [{"pods": 1}]}, "/namespaces/0/name"),
        ({"namespaces": [{"name": "A_b"}]}, "/namespaces/0/name"),
        ({"namespaces": [{"name": "a"}, {"name": "b", "pods": -1}]}, "/namespaces/1/pods"),
        ({"namespaces": [{"name": "a", "pods": 1.5}]}, "/namespaces/0/pods"),
        ({"namespaces": [{"name": "a"}, {"name": "a:b"}]}, "/namespaces/1/name"),
        ({"namespaces": [{"name": "a"}], "limits": {"pods": 0}}, "/limits/pods"),
        ({"namespaces": [{"name": "a"}], "namePrefix": "-x"}, "/namePrefix"),
        ({"namespaces": [{"name": "a"}], "colour": "red"}, "/colour"),
    ],
)
def test_wrong_requests_are_told_where(client: FlaskClient, document: Any, pointer: str) -> None:
    answer = client.post(URL, json=document)
    assert answer.status_code == 422, answer.text
    assert [error.get("pointer", "") for error in answer.get_json()["errors"]] == [pointer]


def test_only_the_platforms_namespaces(client: FlaskClient) -> None:
    answer = client.post(URL, json={"evaluation": evidence(namespace("openshift-x"))})
    assert answer.status_code == 422
    assert "platform" in json.dumps(answer.get_json()["errors"])


def test_the_answer_has_exactly_the_documented_form(client: FlaskClient) -> None:
    document = client.get("/openapi.json").get_json()
    schemas = document["components"]["schemas"]
    for schema in schemas.values():
        schema.setdefault("additionalProperties", False)
    wanted = {"$ref": "#/components/schemas/Partition", "components": {"schemas": schemas}}
    rows = [{"name": "a", "needs": ["b"], "pods": 60}, {"name": "b", "pods": 60},
            {"name": "c", "pods": 200}]  # fmt: skip
    jsonschema.Draft202012Validator(wanted).validate(ask(client, {"namespaces": rows}))
    source = {"role": "source", "objects": [pod("a", "p")],
              "complete": ["pods", "persistentvolumeclaims"]}  # fmt: skip
    answer = ask(client, {"evaluation": {"clusters": [source]}})
    jsonschema.Draft202012Validator(wanted).validate(answer)


@pytest.mark.parametrize("size", [2, 30, 31, 300])
def test_policies_that_choose_namespaces_by_shared_labels_make_no_large_answer(
    client: FlaskClient, size: int
) -> None:
    """Every namespace has a policy with a selector for each group of so many namespaces."""
    names = [f"app-{number:03}" for number in range(300)]
    groups = [{"matchLabels": {"group": str(number)}} for number in range(300 // size)]
    rule = {"from": [{"namespaceSelector": group} for group in groups]}
    objects = [namespace(name, group=str(place // size)) for place, name in enumerate(names)]
    objects += [
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "shared", "namespace": name},
            "spec": {"podSelector": {}, "ingress": [rule]},
        }
        for name in names
    ]
    body = json.dumps({"evaluation": evidence(*objects)})
    answer = client.post(URL, data=body, content_type="application/json")
    assert answer.status_code == 200
    assert len(answer.data) < 15 * len(body)


def test_what_every_plan_gets_of_a_template_is_bounded(client: FlaskClient) -> None:
    hook = {"phase": "PreBackup", "reference": {"name": "h" * 200, "namespace": MTC}}
    plan = {
        "apiVersion": "migration.openshift.io/v1alpha1",
        "kind": "MigPlan",
        "metadata": {"name": "p", "namespace": MTC},
        "spec": {"namespaces": [], "hooks": [hook] * 300},
    }
    rows = [{"name": f"app-{number}"} for number in range(1000)]
    document = {"namespaces": rows, "plan": plan, "limits": {"namespaces": 1}}
    answer = client.post(URL, json=document)
    assert answer.status_code == 422
    (fault,) = answer.get_json()["errors"]
    assert fault["pointer"] == "/plan/spec"
    plan["spec"]["hooks"] = [hook] * 3
    assert client.post(URL, json=document).status_code == 200


def test_an_unknown_format(client: FlaskClient) -> None:
    answer = client.post(f"{URL}?format=xml", json={"namespaces": [{"name": "a"}]})
    assert (answer.status_code, answer.get_json()["code"]) == (400, "invalid-parameter")
