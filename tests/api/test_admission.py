"""The admission webhook: what is denied, what is warned of, what is let through, and how fast."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask.testing import FlaskClient
from serving import Server

URL = "/v1/admission/validate"
GROUP = "migration.openshift.io"
NAMESPACE = "openshift-migration"
GOOD_SPEC = {
    "cluster_name": "host",
    "migration_velero": True,
    "migration_controller": True,
    "migration_ui": True,
}
NO_HOST_WARNING = "MTC303: MTC finds no host in the value"


def manifest(kind: str, spec: Any, name: str = "thing", **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": f"{GROUP}/v1alpha1",
        "kind": kind,
        "metadata": {"name": name, "namespace": NAMESPACE, **metadata},
        "spec": spec,
    }


def controller(**spec: Any) -> dict[str, Any]:
    return manifest("MigrationController", {**GOOD_SPEC, **spec}, "migration-controller")


def plan(*volumes: dict[str, Any], **spec: Any) -> dict[str, Any]:
    whole = {
        "namespaces": ["shop"],
        "srcMigClusterRef": {"name": "old", "namespace": NAMESPACE},
        "destMigClusterRef": {"name": "host", "namespace": NAMESPACE},
        "migStorageRef": {"name": "store", "namespace": NAMESPACE},
        "persistentVolumes": list(volumes),
        **spec,
    }
    return manifest("MigPlan", whole, "shop")


def volume(name: str, action: str = "copy", claim: str = "") -> dict[str, Any]:
    return {
        "name": name,
        "capacity": "1Gi",
        "storageClass": "gp2",
        "pvc": {"name": claim or name, "namespace": "shop", "accessModes": ["ReadWriteOnce"]},
        "selection": {"action": action, "copyMethod": "filesystem", "storageClass": "gp3"},
        "supported": {"actions": ["copy"], "copyMethods": ["filesystem"]},
    }


def review(written: Any, old: Any = None, operation: str = "CREATE", **more: Any) -> dict[str, Any]:
    """An AdmissionReview as an API server sends it."""
    subject = written or old
    kind = {"group": GROUP, "version": "v1alpha1", "kind": subject["kind"]}
    resource = {"group": GROUP, "version": "v1alpha1", "resource": subject["kind"].lower() + "s"}
    request = {
        "uid": "705ab4f5-6393-11e8-b7cc-42010a800002",
        "kind": kind,
        "resource": resource,
        "requestKind": kind,
        "requestResource": resource,
        "name": subject["metadata"].get("name", ""),
        "namespace": NAMESPACE,
        "operation": operation,
        "userInfo": {"username": "alice", "uid": "1", "groups": ["system:authenticated"]},
        "object": written,
        "oldObject": old,
        "options": {"apiVersion": "meta.k8s.io/v1", "kind": "CreateOptions"},
        "dryRun": False,
        **more,
    }
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request}


def ask(client: FlaskClient, document: Any) -> dict[str, Any]:
    answer = client.post(
        f"{URL}?timeout=10s", data=json.dumps(document), content_type="application/json"
    )
    assert answer.status_code == 200, answer.text
    assert answer.json is not None
    assert answer.json["apiVersion"] == "admission.k8s.io/v1"
    assert answer.json["kind"] == "AdmissionReview"
    response: dict[str, Any] = answer.json["response"]
    assert response.pop("uid") == document["request"]["uid"]
    return response


def causes(response: dict[str, Any]) -> list[tuple[str, str]]:
    """The reasons of a denial as (policy, field)."""
    assert response["allowed"] is False
    return [
        (cause["message"][:6], cause["field"]) for cause in response["status"]["details"]["causes"]
    ]


@pytest.mark.parametrize(
    "written",
    [
        controller(),
        plan(volume("pv-1"), volume("pv-2")),
        manifest("MigCluster", {"isHostCluster": True}),
        manifest(
            "MigStorage",
            {
                "backupStorageProvider": "aws",
                "backupStorageConfig": {
                    "awsBucketName": "bucket",
                    "credsSecretRef": {"name": "store", "namespace": "openshift-config"},
                },
            },
        ),
    ],
    ids=lambda item: item["kind"],
)
def test_what_is_right_is_allowed_without_a_word(client: FlaskClient, written: Any) -> None:
    assert ask(client, review(written)) == {"allowed": True}


def test_a_wrong_setting_is_denied_with_its_place(client: FlaskClient) -> None:
    response = ask(client, review(controller(mig_pv_limit="many")))
    message = (
        "MTC801: mig_pv_limit: expected an integer of at least 1; anything else stops the "
        'controller at its start (found "many"; wanted integer, at least 1)'
    )
    assert response == {
        "allowed": False,
        "status": {
            "code": 422,
            "reason": "Invalid",
            "message": message,
            "details": {
                "name": "migration-controller",
                "group": GROUP,
                "kind": "MigrationController",
                "causes": [
                    {
                        "reason": "FieldValueInvalid",
                        "message": message,
                        "field": "/spec/mig_pv_limit",
                    }
                ],
            },
        },
    }


def test_every_reason_is_told_the_last_volume_too(client: FlaskClient) -> None:
    volumes = [volume("pv-1"), volume("pv-2", action="fly"), volume("pv-3", action="swim")]
    assert causes(ask(client, review(plan(*volumes)))) == [
        ("MTC603", "/spec/persistentVolumes/1/selection/action"),
        ("MTC603", "/spec/persistentVolumes/2/selection/action"),
    ]


def test_what_only_may_matter_is_a_warning(client: FlaskClient) -> None:
    """A proxy that MTC ignores is wrong for direct volume migration, and no plan is known."""
    response = ask(client, review(controller(stunnel_tcp_proxy="proxy:8080")))
    assert response["allowed"] is True
    assert [item.startswith(NO_HOST_WARNING) for item in response["warnings"]] == [True]


def test_the_password_of_a_proxy_is_not_repeated(client: FlaskClient) -> None:
    proxy = "http://user:pa ss#word@proxy:99999"
    answer = client.post(URL, json=review(controller(stunnel_tcp_proxy=proxy)))
    assert "ss#word" not in answer.text
    assert "pa ss" not in answer.text


def test_an_old_flaw_can_stay_and_a_new_one_cannot(client: FlaskClient) -> None:
    old = controller(mig_pv_limit="many")
    better = controller(mig_pv_limit="many", mig_pod_limit=50)
    response = ask(client, review(better, old, "UPDATE"))
    assert response["allowed"] is True
    assert [item[:20] for item in response["warnings"]] == ["MTC801: mig_pv_limit"]
    worse = controller(mig_pv_limit="many", mig_pod_limit="few")
    assert causes(ask(client, review(worse, old, "UPDATE"))) == [("MTC801", "/spec/mig_pod_limit")]


def test_another_wrong_value_is_a_new_flaw(client: FlaskClient) -> None:
    old, new = controller(mig_pv_limit="many"), controller(mig_pv_limit="lots")
    assert causes(ask(client, review(new, old, "UPDATE"))) == [("MTC801", "/spec/mig_pv_limit")]


@pytest.mark.parametrize("account", ["migration-controller", "migration-operator"])
def test_what_mtc_itself_writes_is_never_denied(client: FlaskClient, account: str) -> None:
    written = plan(volume("pv-1", action="fly"))
    user = {"username": f"system:serviceaccount:{NAMESPACE}:{account}"}
    response = ask(client, review(written, operation="UPDATE", userInfo=user))
    assert response["allowed"] is True
    assert [item[:6] for item in response["warnings"]] == ["MTC603"]


def test_a_service_account_of_another_namespace_is_a_writer_like_any(client: FlaskClient) -> None:
    user = {"username": "system:serviceaccount:shop:migration-controller"}
    written = plan(volume("pv-1", action="fly"))
    assert ask(client, review(written, userInfo=user))["allowed"] is False


@pytest.mark.parametrize(
    "left_out", ["userInfo", "resource", "requestKind", "oldObject", "options"]
)
def test_a_review_without_a_key_that_is_not_needed_is_judged(
    client: FlaskClient, left_out: str
) -> None:
    document = review(plan(volume("pv-1", action="fly")))
    whole = ask(client, document)
    del document["request"][left_out]
    assert ask(client, document) == whole
    assert whole["allowed"] is False


@pytest.mark.parametrize("needed", ["uid", "kind", "operation"])
def test_a_review_without_a_key_that_is_needed_is_refused(client: FlaskClient, needed: str) -> None:
    document = review(plan())
    del document["request"][needed]
    answer = client.post(URL, json=document)
    assert (answer.status_code, answer.get_json()["errors"][0]["pointer"]) == (
        422,
        f"/request/{needed}",
    )


def test_a_plan_can_always_be_closed(client: FlaskClient) -> None:
    written = plan(volume("pv-1", action="fly"), closed=True)
    assert ask(client, review(written))["allowed"] is True


WRONG = controller(mig_pv_limit="many")


@pytest.mark.parametrize(
    "document",
    [
        review(None, WRONG, "DELETE"),
        review(WRONG, None, "CONNECT"),
        review(WRONG, WRONG, "UPDATE", subResource="status"),
        review({**WRONG, "metadata": {**WRONG["metadata"], "deletionTimestamp": "2026-01-01"}}),
        review(WRONG, kind={"group": "apps", "version": "v1", "kind": "Deployment"}),
        review(WRONG, kind={"group": GROUP, "version": "v1alpha1", "kind": "MigMigration"}),
    ],
    ids=["delete", "connect", "status", "on its way out", "other group", "other kind"],
)
def test_what_is_no_matter_here_is_allowed(client: FlaskClient, document: Any) -> None:
    assert ask(client, document) == {"allowed": True}


def test_an_object_without_a_name_yet_is_judged(client: FlaskClient) -> None:
    written = plan(volume("pv-1", action="fly"))
    written["metadata"] = {"generateName": "shop-"}
    assert causes(ask(client, review(written))) == [
        ("MTC603", "/spec/persistentVolumes/0/selection/action")
    ]


@pytest.mark.parametrize("spec", [None, "text", [], {"namespaces": 5, "persistentVolumes": "x"}])
def test_a_spec_of_the_wrong_form_is_left_to_the_schema(client: FlaskClient, spec: Any) -> None:
    for kind in ("MigPlan", "MigCluster", "MigStorage"):
        ask(client, review(manifest(kind, spec)))


def test_what_repairs_an_unreadable_plan_is_judged_on_its_own(client: FlaskClient) -> None:
    repaired = review(plan(volume("pv-1", action="fly")), manifest("MigPlan", "text"), "UPDATE")
    assert causes(ask(client, repaired)) == [
        ("MTC603", "/spec/persistentVolumes/0/selection/action")
    ]


@pytest.mark.parametrize(
    ("document", "pointers"),
    [
        ({"apiVersion": "admission.k8s.io/v1beta1"}, ["/apiVersion", "/kind", "/request"]),
        ([], [""]),
        (
            {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": {}},
            ["/request/uid", "/request/kind", "/request/operation"],
        ),
    ],
    ids=["old version", "a list", "an empty request"],
)
def test_what_is_no_review_is_refused(
    client: FlaskClient, document: Any, pointers: list[str]
) -> None:
    """An error, not an answer: the cluster's failurePolicy then decides."""
    answer = client.post(URL, json=document)
    assert answer.status_code == 422
    assert answer.json is not None
    assert sorted(item.get("pointer", "") for item in answer.json["errors"]) == sorted(pointers)


def test_other_bodies_are_refused(client: FlaskClient) -> None:
    json_type = {"content_type": "application/json"}
    assert client.post(URL, data=b"a: b", content_type="application/yaml").status_code == 415
    assert client.post(URL, data=b"", **json_type).status_code == 400
    assert client.post(URL, data=b"{", **json_type).status_code == 422
    assert client.post(URL, data=b" " * (9 * 2**20), **json_type).status_code == 413
    assert client.post(f"{URL}?limit=3", json=review(controller())).status_code == 400


def test_the_text_of_a_warning_is_one_line(client: FlaskClient) -> None:
    """The API server sends warnings as headers."""
    written = plan(volume("pv\n1\x07", action="fly\r\nX: y"), closed=True)
    warnings = ask(client, review(written))["warnings"]
    assert warnings
    assert all(item.isprintable() and len(item) <= 256 for item in warnings)


def test_a_plan_of_as_many_volumes_as_mtc_allows(server: Server) -> None:
    many = plan(*(volume(f"pv-{number}") for number in range(100)))
    body = json.dumps(review(many, many, "UPDATE")).encode()
    reply = server.request("POST", URL, body, {"Content-Type": "application/json"})
    assert reply.json["response"]["allowed"]
