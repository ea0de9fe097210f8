"""Evaluating a plan that is only named, with the credentials that MTC itself uses."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from apiserver import TOKEN, Server, serving
from cluster_objects import MTC, destination, obj, source
from test_collect import READS, names, rows

from service.collect.collect_errors import NoConnection
from service.collect.collection import Collected
from service.collect.kubeconfig import KubeContext
from service.collect.reference import CONTROLLER, NoPlan, PlanName, collect_plan
from service.intake.parts import read_body
from service.intake.pieces import Piece

MIG = "migration.openshift.io/v1alpha1"
SHOP = PlanName(MTC, "shop")
REMOTE_TOKEN = "sha256~the-token-of-mtc-on-the-source"


def secret(name: str, **data: str) -> dict[str, Any]:
    packed = {key: base64.b64encode(text.encode()).decode() for key, text in data.items()}
    return obj("v1", "Secret", name, MTC, data=packed)


def remote(server: Server, **spec: Any) -> dict[str, Any]:
    ca = base64.b64encode(server.authority.cert_pem.bytes()).decode()
    body = {
        "isHostCluster": False,
        "url": server.url,
        "caBundle": ca,
        "serviceAccountSecretRef": {"name": "src-token", "namespace": MTC},
        **spec,
    }
    return obj(MIG, "MigCluster", "src", MTC, spec=body)


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[tuple[Server, Server]]:
    """The source, which takes MTC's token only, and the host."""
    for name in ("s", "d"):
        (tmp_path / name).mkdir()
    with (
        serving(source(), tmp_path / "s", trustme.CA()) as src,
        serving(destination(), tmp_path / "d", trustme.CA()) as dst,
    ):
        src.cluster.tokens = {REMOTE_TOKEN}
        dst.cluster.add(
            obj(MIG, "MigCluster", "host", MTC, spec={"isHostCluster": True}),
            secret("src-token", saToken=REMOTE_TOKEN),
            secret("other", password="hunter2"),
        )
        yield src, dst


def by_name(host: Server, plan: PlanName = SHOP) -> tuple[dict[str, Any], Collected, bytes]:
    stream = io.BytesIO()
    connect = KubeContext("ctx", str(host.kubeconfig()))
    done = collect_plan(plan, READS, stream, seconds=30, host=connect)
    return json.loads(stream.getvalue()), done, stream.getvalue()


def test_both_clusters_are_read_with_the_credentials_of_mtc(pair: tuple[Server, Server]) -> None:
    src, dst = pair
    dst.cluster.add(remote(src))
    envelope, done, data = by_name(dst)
    assert done.lost == {}
    assert {row["role"]: names(row, "Pod") for row in envelope["clusters"]} == {
        "source": ["web-1"],
        "destination": ["web-1"],
    }
    assert envelope["options"] == {"planName": f"{MTC}/shop", "controllerOn": "destination"}
    migration = read_body(Piece("envelope", io.BytesIO(data)), {}, reads=READS).migration
    assert migration.plan.ref.name == "shop"
    assert migration.host is migration.destination
    assert migration.problems == ()


def test_no_token_reaches_the_bundle(pair: tuple[Server, Server]) -> None:
    src, dst = pair
    dst.cluster.add(remote(src))
    _, _, data = by_name(dst)
    for text in (REMOTE_TOKEN, TOKEN, "hunter2", base64.b64encode(REMOTE_TOKEN.encode()).decode()):
        assert text.encode() not in data
    asked = [path for _, path in dst.cluster.requests if "/secrets" in path]
    assert set(asked) == {f"/api/v1/namespaces/{MTC}/secrets/src-token"}


def test_the_rights_of_the_pod_are_not_taken_for_those_of_mtc(pair: tuple[Server, Server]) -> None:
    src, dst = pair
    dst.cluster.add(remote(src))
    envelope, _, _ = by_name(dst)
    by_role = {row["role"]: row for row in envelope["clusters"]}
    assert by_role["destination"]["facts"] == {"user": CONTROLLER}
    kinds = {role: {item.get("kind") for item in row["objects"]} for role, row in by_role.items()}
    assert "SelfSubjectAccessReview" not in kinds["destination"]
    assert "SelfSubjectAccessReview" in kinds["source"]


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ({"url": "http://plain.example.com"}, "not an https URL"),
        ({"serviceAccountSecretRef": None}, "serviceAccountSecretRef is not set"),
        ({"serviceAccountSecretRef": {"name": "no", "namespace": MTC}}, "secret openshift-mig"),
        ({"serviceAccountSecretRef": {"name": "other", "namespace": MTC}}, "has no saToken"),
        ({"serviceAccountSecretRef": {"name": "../x", "namespace": MTC}}, "is not set"),
        ({"caBundle": "%%%"}, "caBundle"),
        ({"caBundle": ""}, "TLS with"),
        ({"url": "https://127.0.0.1:1"}, "cannot be reached"),
    ],
)
def test_what_is_wrong_with_a_cluster_is_told_and_the_other_is_read(
    pair: tuple[Server, Server], spec: dict[str, Any], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("service.collect.api.time.sleep", lambda _: None)
    src, dst = pair
    dst.cluster.add(remote(src, **spec))
    envelope, done, data = by_name(dst)
    assert told in done.lost["source"]
    by_role = {row["role"]: row for row in envelope["clusters"]}
    assert names(by_role["destination"], "ClusterVersion") == ["version"]
    assert all(row["error"] for row in by_role["source"]["gathered"])
    assert b"hunter2" not in data


def test_a_redirect_is_not_followed_with_the_token(
    pair: tuple[Server, Server], monkeypatch: pytest.MonkeyPatch
) -> None:
    src, dst = pair
    dst.cluster.add(remote(src))
    src.cluster.redirect = f"{dst.url}/stolen"
    before = len(dst.cluster.requests)
    _, done, _ = by_name(dst)
    assert "source" in done.lost
    assert not any(path == "/stolen" for _, path in dst.cluster.requests[before:])


def test_a_third_cluster_runs_mtc(pair: tuple[Server, Server]) -> None:
    src, dst = pair
    dst.cluster.add(remote(src))
    (plan,) = dst.cluster.objects["migplans"]
    plan["spec"]["destMigClusterRef"] = {"name": "src", "namespace": MTC}
    envelope, _, _ = by_name(dst)
    assert [row["role"] for row in envelope["clusters"]] == ["host", "destination", "source"]
    assert envelope["options"]["controllerOn"] == "host"


def test_a_plan_within_the_host(pair: tuple[Server, Server]) -> None:
    _, dst = pair
    (plan,) = dst.cluster.objects["migplans"]
    plan["spec"]["srcMigClusterRef"] = {"name": "host", "namespace": MTC}
    envelope, done, _ = by_name(dst)
    assert done.lost == {}
    assert [row["facts"] for row in envelope["clusters"]] == [{"user": CONTROLLER}] * 2


def test_a_plan_of_another_namespace_is_not_taken(pair: tuple[Server, Server]) -> None:
    before = len(pair[1].cluster.requests)
    with pytest.raises(NoPlan, match="only from these namespaces: openshift-config, openshift-mig"):
        by_name(pair[1], PlanName("tenant", "shop"))
    assert pair[1].cluster.requests[before:] == []


def test_a_cluster_of_another_namespace_gets_no_token(pair: tuple[Server, Server]) -> None:
    """Who may write a MigCluster in a namespace of his own does not choose where tokens go."""
    src, dst = pair
    rogue = remote(src)
    rogue["metadata"]["namespace"] = "tenant"
    dst.cluster.add(rogue)
    (plan,) = dst.cluster.objects["migplans"]
    plan["spec"]["srcMigClusterRef"] = {"name": "src", "namespace": "tenant"}
    _, done, _ = by_name(dst)
    assert "MigCluster tenant/src is not in an allowed namespace" in done.lost["source"]
    assert src.cluster.requests == []


def test_a_secret_of_another_namespace_is_not_read(pair: tuple[Server, Server]) -> None:
    src, dst = pair
    reference = {"name": "src-token", "namespace": "tenant"}
    dst.cluster.add(remote(src, serviceAccountSecretRef=reference))
    _, done, _ = by_name(dst)
    assert "secret tenant/src-token is not in an allowed namespace" in done.lost["source"]
    assert src.cluster.requests == []


def test_a_plan_that_is_not_there(pair: tuple[Server, Server]) -> None:
    with pytest.raises(NoPlan, match="MigPlan openshift-migration/none does not exist"):
        by_name(pair[1], PlanName(MTC, "none"))


@pytest.mark.parametrize("name", ["", "a/b", "../secrets/x", "UPPER", "a?limit=1", "a\nb", 7])
def test_only_names_of_objects_are_taken(name: Any) -> None:
    with pytest.raises(NoPlan):
        PlanName(MTC, name)


def test_outside_a_cluster_there_is_no_way_to_the_host(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(NoConnection, match="does not run in a cluster"):
        collect_plan(SHOP, READS, io.BytesIO())


def test_missing_rights_on_the_host_name_themselves(pair: tuple[Server, Server]) -> None:
    src, dst = pair
    dst.cluster.add(remote(src))
    dst.cluster.forbidden = {("secrets", "*"), ("nodes", "*")}
    envelope, done, _ = by_name(dst)
    assert "secret openshift-migration/src-token: secrets is forbidden" in done.lost["source"]
    host = next(row for row in envelope["clusters"] if row["role"] == "destination")
    (row,) = rows(host, "nodes")
    assert row["error"].startswith("forbidden: needs list on nodes")
