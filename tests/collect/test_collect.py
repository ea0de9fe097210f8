"""Collecting over real HTTPS: paging, errors, rights, credentials, and what the bundle says."""

from __future__ import annotations

import io
import json
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml
from apiserver import TOKEN, Server, serving
from cluster_objects import claims, destination, obj, plan, pod, source

from policies import catalogue
from service.collect.api import Api
from service.collect.collect_errors import NoConnection
from service.collect.collection import Collected, CollectRequest, collect
from service.collect.kubeconfig import KubeContext
from service.collect.listing import objects
from service.collect.plans import namespaces_of, plan_on
from service.collect.writer import BundleWriter
from service.core.evidence import NotGathered
from service.core.facts.release import openshift
from service.core.facts.secrets import with_keys
from service.core.facts.served_apis import kinds_of
from service.core.objects import kind
from service.intake.intake import Intake
from service.intake.parts import read_body
from service.intake.pieces import Piece
from service.kinds.cluster import NAMESPACE, SECRET
from service.kinds.registry import RESOURCES
from service.kinds.resource import Read
from service.kinds.storage import PERSISTENT_VOLUME
from service.kinds.workloads import POD

READS: tuple[Read[Any], ...] = tuple(
    dict.fromkeys(read for policy in catalogue() for read in policy.reads)
)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def one(tmp_path: Path, authority: trustme.CA) -> Iterator[Server]:
    with serving(source(), tmp_path, authority) as server:
        yield server


def gathered(servers: dict[str, Server], **more: Any) -> tuple[dict[str, Any], Collected, Intake]:
    """Collect from these servers: the envelope, the account, and the envelope as it is read."""
    stream = io.BytesIO()
    writer = BundleWriter(stream)
    contexts = {
        role: KubeContext("ctx", str(server.kubeconfig(name="ctx")))
        for role, server in servers.items()
    }
    if "namespaces" not in more:
        plan = plan_on(contexts)
        more["namespaces"] = namespaces_of(plan) if plan else None
    done = collect(CollectRequest(clusters=contexts, reads=READS, **more), writer)
    writer.end({})
    data = stream.getvalue()
    bundle = read_body(Piece("envelope", io.BytesIO(data)), {}, reads=READS)
    return json.loads(data), done, bundle


def names(cluster: dict[str, Any], kind: str) -> list[str]:
    return [item["metadata"]["name"] for item in cluster["objects"] if item.get("kind") == kind]


def test_objects_of_a_policy_packs_own_kind_are_collected(
    tmp_path: Path, authority: trustme.CA, monkeypatch: pytest.MonkeyPatch
) -> None:
    widget = kind("Widget", "widgets", "acme.example.com", "v1beta1")
    monkeypatch.setattr("apiserver.RESOURCES", (*RESOURCES, widget.base))
    cluster = source()
    cluster.add(obj("acme.example.com/v1beta1", "Widget", "a", "shop", spec={"replicas": 7}))
    monkeypatch.setattr(sys.modules[__name__], "READS", (*READS, Read(widget)))
    with serving(cluster, tmp_path, authority) as server:
        bundle, _, intake = gathered({"source": server})
    (sent,) = bundle["clusters"]
    assert names(sent, "Widget") == ["a"]
    (found,) = intake.migration.source.all(widget)
    assert (found.name, found.number("/spec/replicas")) == ("a", 7)


def rows(cluster: dict[str, Any], resource: str) -> list[dict[str, Any]]:
    return [row for row in cluster["gathered"] if row["resource"] == resource]


def test_both_clusters_are_read_and_the_plan_on_the_host_tells_the_namespaces(
    tmp_path: Path, authority: trustme.CA
) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "d").mkdir()
    with (
        serving(source(), tmp_path / "s", authority) as src,
        serving(destination(), tmp_path / "d", authority) as dst,
    ):
        envelope, done, bundle = gathered({"source": src, "destination": dst})
    first, second = envelope["clusters"]
    assert (first["role"], second["role"]) == ("destination", "source")
    assert names(second, "Pod") == ["web-1"]
    assert names(second, "PersistentVolumeClaim") == [f"claim-{n:05}" for n in range(25)]
    assert [done.tallies[role].errors for role in ("source", "destination")] == [[], []]
    assert bundle.migration.problems == ()
    assert bundle.migration.plan.ref.name == "shop"
    assert bundle.migration.source.identities["spec/clusterID"][0][0] == "src"


def test_nothing_but_reads_is_sent(one: Server) -> None:
    gathered({"source": one})
    posts = {path for method, path in one.cluster.requests if method != "GET"}
    assert posts == {"/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"}


def test_no_secret_leaves_the_cluster(one: Server) -> None:
    one.cluster.add(
        obj("v1", "ConfigMap", "migration-controller", "openshift-migration", data={"A": "b"})
    )
    annotated = obj("v1", "Namespace", "annotated")
    annotated["metadata"] |= {
        "managedFields": [{"manager": "x"}],
        "annotations": {
            "kubectl.kubernetes.io/last-applied-configuration": '{"password":"hunter2"}',
            "openshift.io/sa.scc.mcs": "s0:c26,c5",
        },
    }
    one.cluster.add(annotated)
    envelope, _, _ = gathered({"source": one}, namespaces=("shop",))
    text = json.dumps(envelope)
    assert "hunter2" not in text
    assert TOKEN not in text
    assert "managedFields" not in text
    assert "s0:c26,c5" in text
    lists = [path.partition("?")[0] for _, path in one.cluster.requests if "/secrets" in path]
    assert lists == ["/api/v1/namespaces/openshift-migration/secrets"]  # the others do not exist


def test_lists_come_in_pages(one: Server) -> None:
    one.cluster.objects["persistentvolumeclaims"] = claims("shop", 1201)
    envelope, _, _ = gathered({"source": one}, namespaces=("shop",))
    assert len(names(envelope["clusters"][0], "PersistentVolumeClaim")) == 1201
    pages = [path for _, path in one.cluster.requests if "persistentvolumeclaims" in path]
    assert [re.findall(r"limit=(\d+)", path) for path in pages] == [["500"]] * 3


@pytest.mark.parametrize(
    ("expire", "requests", "twice"),
    [([True], 4, False), ([False], 5, True), ([True, False], 6, True)],
    ids=["with a new token", "without one", "both"],
)
def test_a_list_that_expires_is_read_on(
    one: Server, expire: list[bool], requests: int, twice: bool
) -> None:
    one.cluster.objects["pods"] = [pod(f"p{n:03}", "shop") for n in range(25)]
    one.cluster.expire = list(expire)
    api = Api(KubeContext("ctx", str(one.kubeconfig())))
    found = [value["metadata"]["name"] for value in objects(api, "/api/v1/pods", page=10)]
    assert sorted(set(found)) == [f"p{n:03}" for n in range(25)]
    assert (len(found) > 25) is twice
    assert len([path for _, path in one.cluster.requests if "/pods" in path]) >= requests


def test_a_list_that_always_expires_is_no_list(one: Server) -> None:
    one.cluster.objects["persistentvolumeclaims"] = claims("shop", 501)
    one.cluster.expire = [False] * 10
    envelope, done, _bundle = gathered({"source": one}, namespaces=("shop",))
    (row,) = rows(envelope["clusters"][0], "persistentvolumeclaims")
    assert row == {
        "resource": "persistentvolumeclaims",
        "namespace": "shop",
        "complete": False,
        "error": "the list expires faster than it can be read",
    }
    assert len(done.tallies["source"].errors) == 1


def test_a_busy_server_is_given_the_time_that_it_asks_for(one: Server) -> None:
    one.cluster.throttle["nodes"] = 3
    one.cluster.retry_after = "7"
    waited: list[float] = []
    api = Api(KubeContext("ctx", str(one.kubeconfig())), sleep=waited.append)
    assert list(objects(api, "/api/v1/nodes")) == []
    assert waited == [7.0, 7.0, 7.0]


def test_a_server_that_asks_for_an_hour_is_not_waited_for(one: Server) -> None:
    one.cluster.throttle["nodes"] = 1
    one.cluster.retry_after = "3600"
    envelope, _, _ = gathered({"source": one}, namespaces=("shop",))
    (row,) = rows(envelope["clusters"][0], "nodes")
    assert row["error"] == "the API server answered 429: too many requests"


def test_an_api_that_is_down_is_not_taken_for_one_that_is_not_there(
    one: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(Api, "_pause", lambda self, seconds: waited.append(seconds))
    one.cluster.broken = {"route.openshift.io"}
    envelope, _, _ = gathered({"source": one}, namespaces=("shop",))
    found = rows(envelope["clusters"][0], "routes.route.openshift.io")
    assert {row["error"] for row in found} == {"the API server answered 503: service unavailable"}
    assert sum(waited) < 30


def secrets_of(one: Server) -> None:
    reference = {"name": "token", "namespace": "openshift-migration"}
    elsewhere = {"name": "gone", "namespace": "openshift-config"}
    kind = "migration.openshift.io/v1alpha1", "MigCluster"
    for name, where in (("r", reference), ("s", elsewhere)):
        spec = {"isHostCluster": False, "serviceAccountSecretRef": where}
        one.cluster.add(obj(*kind, name, "openshift-migration", spec=spec))
    proxy = obj("v1", "Secret", "proxy", "openshift-migration", data={"NO_PROXY": "aHVudGVyMg=="})
    proxy["metadata"]["labels"] = {"migration-proxy-config": "true"}
    one.cluster.add(
        proxy,
        obj("v1", "Namespace", "openshift-migration"),
        obj("v1", "Namespace", "openshift-config"),
        obj("v1", "Secret", "token", "openshift-migration", data={"saToken": "aHVudGVyMg=="}),
        obj("v1", "Secret", "other", "openshift-migration", data={"password": "aHVudGVyMg=="}),
    )


def test_of_secrets_the_names_and_the_keys_that_matter_are_read_and_no_value(one: Server) -> None:
    secrets_of(one)
    envelope, done, bundle = gathered({"source": one}, namespaces=("shop",))
    assert "aHVudGVyMg" not in json.dumps(envelope)
    cluster = bundle.migration.source
    found = {
        item.ref.name: None if item.metadata_only else sorted(item.keys)
        for item in cluster.all(SECRET, ("openshift-migration",))
    }
    assert found == {"other": None, "proxy": ["NO_PROXY"], "token": ["saToken"]}
    assert cluster.find(SECRET, "gone", "openshift-config") is None
    asked = [path.partition("?")[0] for _, path in one.cluster.requests if "/secrets" in path]
    assert sorted(asked) == [
        "/api/v1/namespaces/openshift-config/secrets/gone",
        "/api/v1/namespaces/openshift-migration/secrets",
        "/api/v1/namespaces/openshift-migration/secrets/proxy",
        "/api/v1/namespaces/openshift-migration/secrets/token",
    ]
    assert done.tallies["source"].errors == []


def test_a_secret_that_must_not_be_read_is_no_secret_that_does_not_exist(one: Server) -> None:
    secrets_of(one)
    one.cluster.forbidden = {("secrets", "openshift-migration/token")}
    _, done, bundle = gathered({"source": one}, namespaces=("shop",))
    with pytest.raises(NotGathered):
        with_keys(bundle.migration.source, "token", "openshift-migration")
    (told,) = done.tallies["source"].errors
    assert "needs get on secrets/token in namespace openshift-migration" in told


def test_no_secret_is_asked_for_where_that_is_wanted(one: Server) -> None:
    secrets_of(one)
    envelope, done, _ = gathered({"source": one}, namespaces=("shop",), secrets=False)
    assert not any("/secrets" in path for _, path in one.cluster.requests)
    found = {row["namespace"]: row["error"] for row in rows(envelope["clusters"][0], "secrets")}
    assert found == dict.fromkeys(
        ("openshift-migration", "openshift-etcd", "openshift-ingress", "openshift-kube-apiserver"),
        "left out by --no-secrets",
    )
    assert done.tallies["source"].errors == []


@pytest.mark.parametrize("admin", [True, False])
def test_secrets_of_the_control_plane_are_for_an_administrator_only(
    one: Server, admin: bool
) -> None:
    one.cluster.admin = admin
    one.cluster.add(obj("v1", "Namespace", "openshift-etcd"))
    envelope, done, _ = gathered({"source": one}, namespaces=("shop",))
    row = next(
        row
        for row in rows(envelope["clusters"][0], "secrets")
        if row["namespace"] == "openshift-etcd"
    )
    asked = any("openshift-etcd/secrets" in path for _, path in one.cluster.requests)
    assert (row["complete"], asked) == (admin, admin)
    assert done.tallies["source"].errors == []


def test_secrets_of_the_plan_are_listed_only_where_it_selects_by_label(one: Server) -> None:
    plan = {"spec": {"namespaces": ["shop"], "labelSelector": {"matchLabels": {"app": "shop"}}}}
    gathered({"source": one}, namespaces=("shop",), plan=plan)
    paths = [path.partition("?")[0] for _, path in one.cluster.requests]
    assert "/api/v1/namespaces/shop/secrets" in paths


def test_what_is_in_a_namespace_that_does_not_exist_is_not_asked_for(one: Server) -> None:
    one.cluster.forbidden = {("pods", "gone")}
    envelope, done, bundle = gathered({"source": one}, namespaces=("gone", "shop"))
    assert done.tallies["source"].errors == []
    assert bundle.migration.source.all(POD, ("gone",)) == ()
    assert not any("/namespaces/gone/" in path for _, path in one.cluster.requests)
    assert rows(envelope["clusters"][0], "namespaces") == [
        {"resource": "namespaces", "complete": True}
    ]


def test_where_namespaces_may_not_be_listed_those_of_the_plan_are_read_one_by_one(
    one: Server,
) -> None:
    one.cluster.forbidden = {("namespaces", "")}
    _, done, bundle = gathered({"source": one}, namespaces=("gone", "shop"))
    cluster = bundle.migration.source
    assert cluster.get(NAMESPACE, "shop").ref.name == "shop"
    assert cluster.find(NAMESPACE, "gone") is None
    assert cluster.all(POD, ("gone",)) == ()
    (told,) = done.tallies["source"].errors
    assert "needs list on namespaces" in told


@pytest.mark.parametrize(
    ("plans", "name", "told"),
    [
        ([plan("a", name="a"), plan("b", name="b")], "",
         "several MigPlans are open: openshift-migration/a, openshift-migration/b"),
        ([plan("a", name="a"), plan("b", name="b", closed=True)], "c",
         "there is no MigPlan c: openshift-migration/a, openshift-migration/b"),
        ([], "c", "there is no MigPlan c: there are none on these clusters"),
    ],
    ids=["several are open", "a name that no plan has", "no plan at all"],
)  # fmt: skip
def test_a_plan_that_is_not_clear_is_wrong_usage(
    one: Server, tmp_path: Path, plans: list[dict[str, Any]], name: str, told: str
) -> None:
    one.cluster.add(*plans)
    named = ("--plan-name", name) if name else ()
    done = command("collect", "--source", "ctx", "--kubeconfig", one.kubeconfig(), *named,
                   "-o", tmp_path / "b.json")  # fmt: skip
    assert (done.returncode, done.stdout) == (3, "")
    assert told in done.stderr
    assert not list(tmp_path.glob("*b.json*"))


def test_reading_everything_is_announced(one: Server, tmp_path: Path) -> None:
    done = command("collect", "--source", "ctx", "--kubeconfig", one.kubeconfig(),
                   "-o", tmp_path / "b.json")  # fmt: skip
    assert "no open MigPlan: every namespace is read" in done.stderr


def test_the_user_agent_is_ours(one: Server) -> None:
    gathered({"source": one}, namespaces=("shop",))
    assert one.cluster.agents == {"mtc-preflight"}


@pytest.mark.parametrize("name", ["a", "openshift-migration/a"])
def test_the_plan_of_a_name(one: Server, name: str) -> None:
    one.cluster.add(plan("shop", name="a"), plan("bank", name="b"))
    found = plan_on({"source": KubeContext("ctx", str(one.kubeconfig()))}, name)
    assert found is not None
    assert namespaces_of(found) == ("shop",)


def test_a_path_that_openshift_4_does_not_have_is_no_missing_right(one: Server) -> None:
    one.cluster.unserved = {"image.openshift.io"}
    one.cluster.no_legacy = True
    _, done, _ = gathered({"source": one}, namespaces=("shop",))
    assert done.tallies["source"].errors == []


@pytest.mark.parametrize("aggregated", [True, False])
def test_what_the_server_serves_is_told(one: Server, aggregated: bool) -> None:
    one.cluster.aggregated = aggregated
    one.cluster.broken = {"packages.operators.coreos.com"}
    envelope, _, bundle = gathered({"source": one}, namespaces=("shop",))
    cluster = bundle.migration.source
    assert "Route" in kinds_of(cluster, "route.openshift.io")
    assert "Pod" in kinds_of(cluster, "")
    # Of an API that is down nothing is claimed.
    assert kinds_of(cluster, "packages.operators.coreos.com") == ()
    told = rows(envelope["clusters"][0], "apigroupdiscoveries.apidiscovery.k8s.io")
    assert told == []


def test_a_cut_connection_is_made_again(one: Server) -> None:
    one.cluster.drop["nodes"] = 1
    waited: list[float] = []
    api = Api(KubeContext("ctx", str(one.kubeconfig())), sleep=waited.append)
    assert list(objects(api, "/api/v1/nodes")) == []
    assert waited == [1.0]


def test_a_forbidden_list_names_the_right_that_is_missing_and_becomes_unknown(
    one: Server,
) -> None:
    one.cluster.forbidden = {("persistentvolumes", "")}
    envelope, _done, bundle = gathered({"source": one}, namespaces=("shop",))
    (row,) = rows(envelope["clusters"][0], "persistentvolumes")
    assert row["complete"] is False
    assert row["error"].startswith("forbidden: needs list on persistentvolumes")
    with pytest.raises(NotGathered) as caught:
        bundle.migration.source.all(PERSISTENT_VOLUME)
    assert caught.value.missing[0].reason.startswith("forbidden: needs list on persistentvolumes")


def test_where_the_cluster_may_not_be_listed_single_objects_are_read(one: Server) -> None:
    one.cluster.forbidden = {("clusterversions", ""), ("migplans", "")}
    one.cluster.add(plan("shop"))
    envelope, _done, _bundle = gathered({"source": one})
    cluster = envelope["clusters"][0]
    assert names(cluster, "ClusterVersion") == ["version"]
    assert names(cluster, "MigPlan") == ["shop"]
    assert [row.get("namespace", "") for row in rows(cluster, "migplans.migration.openshift.io")] \
        == ["", "openshift-migration"]  # fmt: skip


def test_a_kind_that_the_server_does_not_have_has_no_objects(one: Server) -> None:
    one.cluster.unserved = {"migration.openshift.io", "k8s.ovn.org"}
    envelope, done, _ = gathered({"source": one}, namespaces=("shop",))
    cluster = envelope["clusters"][0]
    (row,) = rows(cluster, "migplans.migration.openshift.io")
    assert row == {"resource": "migplans.migration.openshift.io", "complete": True}
    assert done.tallies["source"].errors == []


def test_a_group_in_another_version_is_read_in_that_version(one: Server) -> None:
    one.cluster.versions = {"snapshot.storage.k8s.io": "v1beta1"}
    one.cluster.add(obj("x", "VolumeSnapshotClass", "csi", driver="d"))
    envelope, _, _ = gathered({"source": one}, namespaces=("shop",))
    (found,) = [
        item
        for item in envelope["clusters"][0]["objects"]
        if item.get("kind") == "VolumeSnapshotClass"
    ]
    assert found["apiVersion"] == "snapshot.storage.k8s.io/v1beta1"


def test_openshift_3(one: Server) -> None:
    one.cluster.release = 3
    one.cluster.objects.pop("clusterversions")
    one.cluster.unserved = {"migration.openshift.io"}
    _envelope, done, bundle = gathered({"source": one}, namespaces=("shop",))
    assert done.tallies["source"].errors == []
    assert openshift(bundle.migration.source).value.y == "3.11"


def test_many_namespaces_are_read_with_one_list(one: Server) -> None:
    gathered({"source": one}, namespaces=tuple(f"n{number}" for number in range(41)))
    paths = [path for _, path in one.cluster.requests if "persistentvolumeclaims" in path]
    assert [path.partition("?")[0] for path in paths] == ["/api/v1/persistentvolumeclaims"]


def test_the_rights_of_another_user_are_not_reviewed(one: Server) -> None:
    envelope, _, _ = gathered({"source": one}, namespaces=("shop",), others=frozenset(("source",)))
    assert all(method == "GET" for method, _ in one.cluster.requests)
    assert not {"User", "SelfSubjectAccessReview"} & {
        item.get("kind") for item in envelope["clusters"][0]["objects"]
    }


def test_a_cluster_that_cannot_be_reached_loses_nothing_of_the_other(
    tmp_path: Path, authority: trustme.CA
) -> None:
    with serving(source(), tmp_path, authority) as server:
        good = KubeContext("ctx", str(server.kubeconfig(name="ctx")))
        bad = KubeContext("none", str(server.kubeconfig(name="ctx")))
        stream = io.BytesIO()
        writer = BundleWriter(stream)
        request = CollectRequest({"source": good, "destination": bad}, READS, ("shop",))
        done = collect(request, writer)
        writer.end({})
    assert list(done.lost) == ["destination"]
    assert "none" in done.lost["destination"]
    lost, found = json.loads(stream.getvalue())["clusters"]
    assert names(found, "ClusterVersion") == ["version"]
    assert lost["objects"] == []
    assert all(row["error"] for row in lost["gathered"])


def test_time_that_is_over_is_told_for_everything_that_is_left(one: Server) -> None:
    envelope, _done, _ = gathered({"source": one}, namespaces=("shop",), seconds=-1.0)
    cluster = envelope["clusters"][0]
    assert cluster["objects"] == []
    told = {row["error"] for row in cluster["gathered"] if row["resource"] != "secrets"}
    assert len(told) == 1
    assert "is used up" in told.pop()


@pytest.mark.parametrize("form", ["token", "certificate", "exec", "tokenFile"])
def test_every_kind_of_credential(
    one: Server, authority: trustme.CA, tmp_path: Path, form: str
) -> None:
    path = one.kubeconfig(_user(form, authority, tmp_path))
    answer = Api(KubeContext("ctx", str(path))).get("/version")
    assert answer["gitVersion"].startswith("v1.27")


def _user(form: str, authority: trustme.CA, folder: Path) -> dict[str, Any]:
    if form == "certificate":
        leaf = authority.issue_cert("alice@example.com", common_name="alice")
        (folder / "key.pem").write_bytes(leaf.private_key_pem.bytes())
        (folder / "cert.pem").write_bytes(b"".join(item.bytes() for item in leaf.cert_chain_pems))
        return {
            "client-certificate": str(folder / "cert.pem"),
            "client-key": str(folder / "key.pem"),
        }
    if form == "exec":
        answer = {
            "apiVersion": "client.authentication.k8s.io/v1",
            "kind": "ExecCredential",
            "status": {"token": TOKEN},
        }
        plugin = folder / "plugin.py"
        plugin.write_text(f"print({json.dumps(json.dumps(answer))})")
        return {
            "exec": {
                "apiVersion": "client.authentication.k8s.io/v1",
                "command": sys.executable,
                "args": [str(plugin)],
                "interactiveMode": "Never",
            }
        }
    if form == "tokenFile":
        (folder / "token").write_text(TOKEN)
        return {"tokenFile": str(folder / "token")}
    return {"token": TOKEN}


def test_a_wrong_token_is_said_to_be_one(one: Server) -> None:
    path = one.kubeconfig({"token": "expired-token-of-alice"})
    stream = io.BytesIO()
    writer = BundleWriter(stream)
    done = collect(CollectRequest({"source": KubeContext("ctx", str(path))}, READS), writer)
    writer.end({})
    assert "not logged in" in done.lost["source"]
    assert "expired-token" not in stream.getvalue().decode()


def test_a_plugin_that_fails_and_a_broken_kubeconfig_tell_no_secret(
    one: Server, tmp_path: Path
) -> None:
    plugin = tmp_path / "plugin.sh"
    plugin.write_text("echo token-of-plugin; exit 3\n")
    user = {
        "exec": {
            "apiVersion": "client.authentication.k8s.io/v1",
            "command": "sh",
            "args": [str(plugin)],
            "interactiveMode": "Never",
        }
    }
    failing = command("collect", "--source", "ctx", "--kubeconfig", one.kubeconfig(user),
                      "-o", tmp_path / "b.json")  # fmt: skip
    broken = tmp_path / "broken"
    broken.write_text(f"users: [{{user: {{token: {TOKEN}}}, ]]\n")
    unreadable = command("collect", "--source", "ctx", "--kubeconfig", broken,
                         "-o", tmp_path / "b.json")  # fmt: skip
    for done in (failing, unreadable):
        assert (done.returncode, done.stdout) == (3, "")
        assert "Traceback" not in done.stderr
        assert TOKEN not in done.stderr
        assert "token-of-plugin" not in done.stderr
    assert "not logged in: the credential plugin sh gave no credentials" in failing.stderr


def test_a_server_that_is_not_verified_floods_no_log(one: Server, tmp_path: Path) -> None:
    path = one.kubeconfig()
    config = yaml.safe_load(path.read_text())
    config["clusters"][0]["cluster"] = {"server": one.url, "insecure-skip-tls-verify": True}
    path.write_text(yaml.safe_dump(config))
    done = command("collect", "--source", "ctx", "--kubeconfig", path, "--namespaces", "shop",
                   "-o", tmp_path / "b.json")  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")
    assert "Warning" not in done.stderr


def test_impersonation_of_the_kubeconfig_is_honoured(one: Server) -> None:
    path = one.kubeconfig({"token": TOKEN, "as": "bob"})
    assert KubeContext("ctx", str(path))().default_headers["Impersonate-User"] == "bob"


def test_a_certificate_of_another_authority_is_refused(one: Server, tmp_path: Path) -> None:
    path = one.kubeconfig()
    other = trustme.CA()
    one.authority = other
    path = one.kubeconfig()
    with pytest.raises(NoConnection, match="TLS with https://"):
        Api(KubeContext("ctx", str(path))).get("/version")


def command(*arguments: Any) -> subprocess.CompletedProcess[str]:
    words = [sys.executable, "-m", "service.cli", *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, timeout=600, check=False)


def test_the_command_writes_a_bundle_that_check_takes(one: Server, tmp_path: Path) -> None:
    path = tmp_path / "bundle.json.gz"
    done = command("collect", "--source", "ctx", "--kubeconfig", one.kubeconfig(),
                   "--namespaces", "shop", "-o", path)  # fmt: skip
    assert (done.returncode, done.stdout) == (0, "")
    assert f"wrote {path}" in done.stderr
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    judged = command("check", path, "--format", "json")
    report = json.loads(judged.stdout)
    assert report["clusters"][0]["openshift"] == "4.14.9"
    assert next(f["verdict"] for f in report["findings"] if f["policy"] == "MTC101") == "pass"
    assert report["problems"] == []


def test_a_plan_that_is_not_on_the_cluster_goes_into_the_bundle(
    one: Server, tmp_path: Path
) -> None:
    manifest = tmp_path / "plan.json"
    manifest.write_text(json.dumps(plan("shop", name="new")))
    done = command("collect", "--source", "ctx", "--kubeconfig", one.kubeconfig(), "--plan",
                   manifest, "-o", "-")  # fmt: skip
    envelope = json.loads(done.stdout)
    assert envelope["plan"]["metadata"]["name"] == "new"
    assert names(envelope["clusters"][0], "Pod") == ["web-1"]


def test_what_is_missing_is_told_and_is_status_2(one: Server, tmp_path: Path) -> None:
    one.cluster.forbidden = {("nodes", "*")}
    done = command("collect", "--source", "ctx", "--kubeconfig", one.kubeconfig(),
                   "--namespaces", "shop", "-o", tmp_path / "b.json")  # fmt: skip
    assert done.returncode == 2
    assert "not gathered: source: nodes: forbidden: needs list on nodes" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ((), "name at least one cluster"),
        (("--source", "nowhere"), "nowhere"),
        (("--source", "ctx", "-o", "no/such/folder/b.json"), "no/such/folder/b.json"),
    ],
)
def test_wrong_usage_is_status_3_and_leaves_no_bundle(
    one: Server, tmp_path: Path, arguments: tuple[str, ...], told: str
) -> None:
    output = () if "-o" in arguments else ("-o", tmp_path / "b.json.gz")
    done = command("collect", "--kubeconfig", one.kubeconfig(), *arguments, *output)
    assert (done.returncode, done.stdout) == (3, "")
    assert told in done.stderr
    assert not list(tmp_path.glob("*b.json*"))


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not here")
def test_kubectl_reads_the_same_from_the_same_server(one: Server) -> None:
    words = ["kubectl", "--kubeconfig", str(one.kubeconfig()), "get",
             "persistentvolumeclaims", "-n", "shop", "-o", "json", "--chunk-size=10"]  # fmt: skip
    done = subprocess.run(words, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stderr
    theirs = [item["metadata"]["name"] for item in json.loads(done.stdout)["items"]]
    envelope, _, _ = gathered({"source": one}, namespaces=("shop",))
    assert names(envelope["clusters"][0], "PersistentVolumeClaim") == theirs
