"""The examples are ready to migrate; each prerequisite that is broken, and each piece of evidence
that is taken away, shows in its own policies and in no other."""

from __future__ import annotations

import copy
import io
import json
import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from policies import catalogue
from service.core.engine import evaluate
from service.core.outcome import Severity, Verdict
from service.core.report import Report
from service.intake.parts import read_body
from service.intake.pieces import Piece

FOLDER = Path(__file__).parents[1] / "examples"
POLICIES = catalogue()
READS = tuple(read for policy in POLICIES for read in policy.reads)
Envelope = dict[str, Any]
Change = Callable[[Envelope], object]


@cache
def _loaded(name: str) -> Envelope:
    found: Envelope = yaml.safe_load((FOLDER / f"migration-{name}.yaml").read_text("utf-8"))
    return found


def example(name: str) -> Envelope:
    return copy.deepcopy(_loaded(name))


def judged(envelope: Envelope) -> Report:
    body = json.dumps(envelope, default=str).encode()
    bundle = read_body(Piece("envelope", io.BytesIO(body)), {}, reads=READS)
    assert bundle.migration.problems == ()
    return evaluate(bundle.migration, POLICIES)


def ids(report: Report, verdict: Verdict, *severities: Severity) -> set[str]:
    wanted = severities or tuple(Severity)
    return {
        item.policy
        for item in report.findings
        if item.verdict is verdict and item.severity in wanted
    }


def source(envelope: Envelope) -> dict[str, Any]:
    found: dict[str, Any] = envelope["clusters"][0]
    return found


def destination(envelope: Envelope) -> dict[str, Any]:
    found: dict[str, Any] = envelope["clusters"][1]
    return found


def an(cluster: dict[str, Any], kind: str, name: str = "") -> dict[str, Any]:
    return next(
        item
        for item in cluster["objects"]
        if item.get("kind") == kind and (not name or item["metadata"]["name"] == name)
    )


def without(cluster: dict[str, Any], kind: str, name: str = "") -> None:
    cluster["objects"].remove(an(cluster, kind, name))


def cut_off(cluster: dict[str, Any]) -> None:
    """The cluster does not reach the repository, and Velero says so."""
    cluster["facts"]["reaches"].update(repository=False)
    location = an(cluster, "BackupStorageLocation")
    location["status"] = {"phase": "Unavailable", "message": "dial tcp: i/o timeout"}


def unmeasured(envelope: Envelope) -> None:
    """Nothing tells whether the source reaches the repository."""
    source(envelope)["facts"]["reaches"].pop("repository")
    without(source(envelope), "BackupStorageLocation")


def remote(envelope: Envelope) -> dict[str, Any]:
    """The MigCluster of the source."""
    found = [item for item in destination(envelope)["objects"] if item.get("kind") == "MigCluster"]
    return next(item for item in found if not item["spec"].get("isHostCluster"))


def not_ready(item: dict[str, Any], condition: str, message: str = "i/o timeout") -> None:
    row = {"type": condition, "status": "True", "category": "Critical", "message": message}
    item["status"] = {"conditions": [row]}


def deny(direction: str) -> dict[str, Any]:
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "deny", "namespace": "shop"},
        "spec": {"podSelector": {}, "policyTypes": [direction]},
    }


def restrict(cluster: dict[str, Any], direction: str) -> None:
    del cluster["facts"]["networkRestrictions"]
    cluster["objects"].append(deny(direction))
    cluster["complete"] += ["networkpolicies", "egressfirewalls"]


def volume(envelope: Envelope, phase: str) -> None:
    an(source(envelope), "PersistentVolume")["status"]["phase"] = phase


def route(envelope: Envelope) -> dict[str, Any]:
    return an(source(envelope), "Route")


TOLD = {"4-to-4": {"MTC406"}, "3-to-4": {"MTC404"}}
"""What is told of the releases themselves: S3 with the new plugin, and that MTC 1.7 has ended."""


@pytest.mark.parametrize("name", ["4-to-4", "3-to-4"])
def test_an_example_is_ready_as_it_is(name: str) -> None:
    report = judged(example(name))
    assert report.verdict.value == "ready"
    assert ids(report, Verdict.FAIL) == TOLD[name]
    assert ids(report, Verdict.UNKNOWN) == set()
    assert ids(report, Verdict.ERROR) == set()
    assert len(ids(report, Verdict.PASS)) > len(POLICIES) / 2


BOTH = ("4-to-4", "3-to-4")
FOUR, THREE = BOTH[:1], BOTH[1:]

BROKEN: list[tuple[str, tuple[str, ...], Change, str]] = [
    ("the user is no cluster-admin on the destination", BOTH,
     lambda e: destination(e)["facts"].update(clusterAdmin=False), "MTC101"),
    ("the access review on the source was denied", THREE,
     lambda e: an(source(e), "SelfSubjectAccessReview")["status"].update(allowed=False), "MTC101"),
    ("the registry has no route on OpenShift 3", THREE,
     lambda e: without(source(e), "Route"), "MTC201 MTC202 MTC203"),
    ("the registry's route is insecure", BOTH,
     lambda e: route(e)["spec"].update(tls={"termination": "edge"}), "MTC202"),
    ("MigCluster names no registry", BOTH,
     lambda e: remote(e)["spec"].pop("exposedRegistryPath"), "MTC203"),
    ("the source is behind a proxy and rsync is not reported", FOUR,
     lambda e: source(e)["facts"].update(proxy="http://proxy.example.com:3128"), "MTC301"),
    ("stunnel_tcp_proxy is not set", THREE,
     lambda e: e["controller"]["spec"].pop("stunnel_tcp_proxy"), "MTC301"),
    ("stunnel_tcp_proxy has no scheme", THREE,
     lambda e: e["controller"]["spec"].update(stunnel_tcp_proxy="proxy.example.com:3128"),
     "MTC301 MTC303"),
    ("the destination is behind a proxy too", THREE,
     lambda e: destination(e)["facts"].update(proxy="http://other.example.com:3128"), "MTC302"),
    ("the source is offered a newer z-stream release", FOUR,
     lambda e: an(source(e), "ClusterVersion")["status"].update(
         availableUpdates=[{"version": "4.15.2"}, {"version": "4.14.60"}]), "MTC401"),
    ("the source runs an older build of 3.11", THREE,
     lambda e: source(e)["objects"][0].update(gitVersion="v3.11.784"), "MTC401"),
    ("the source runs an older MTC", FOUR,
     lambda e: source(e)["facts"].update(mtcVersion="1.8.9"), "MTC402 MTC403"),
    ("a newer MTC 1.8 is out", FOUR,
     lambda e: source(e)["facts"].update(latestMtcVersion="1.8.17"), "MTC402"),
    ("a newer MTC 1.7 is out", THREE,
     lambda e: source(e)["facts"].update(latestMtcVersion="1.7.20"), "MTC402"),
    ("both clusters run an MTC that is not for the destination", FOUR,
     lambda e: [item["facts"].update(mtcVersion="1.7.17", latestMtcVersion="1.7.17")
                for item in e["clusters"]], "MTC404 MTC826"),
    ("the source does not reach the repository", BOTH,
     lambda e: cut_off(source(e)), "MTC501 MTC505 MTC824"),
    ("the host does not reach the repository", BOTH,
     lambda e: [cut_off(destination(e)),
                not_ready(e["storage"], "BackupStorageProviderTestFailed")],
     "MTC501 MTC505 MTC713 MTC824"),
    ("the host does not reach the source's API server", BOTH,
     lambda e: not_ready(remote(e), "TestConnectFailed"), "MTC502 MTC504 MTC711"),
    ("rsync does not reach the destination's routes", FOUR,
     lambda e: source(e)["facts"]["reaches"].update(routes=False), "MTC502 MTC504"),
    ("rsync does not reach the Stunnel proxy", THREE,
     lambda e: e["probes"][0].update(open=False), "MTC502"),
    ("the destination does not reach the NFS server of a moved volume", THREE,
     lambda e: destination(e)["facts"]["reaches"].update(volumes=False), "MTC503"),
    ("the destination's API port is closed", BOTH,
     lambda e: destination(e)["facts"]["ports"].update({6443: "closed"}), "MTC504"),
    ("the destination resolves no names", BOTH,
     lambda e: destination(e)["facts"]["reaches"].update(dns=False), "MTC504"),
    ("the repository's address has no scheme", BOTH,
     lambda e: e["storage"]["spec"]["backupStorageConfig"].update(awsS3Url="s3.example.com"),
     "MTC777"),
    ("a network policy keeps rsync on the source", FOUR,
     lambda e: restrict(source(e), "Egress"), "MTC506"),
    ("a network policy keeps rsync out of the destination", BOTH,
     lambda e: restrict(destination(e), "Ingress"), "MTC506"),
    ("a volume has failed", BOTH, lambda e: volume(e, "Failed"), "MTC601 MTC602"),
    ("a claim is not bound", BOTH,
     lambda e: an(source(e), "PersistentVolumeClaim").update(status={"phase": "Pending"}),
     "MTC602"),
    ("a volume is moved that cannot be", FOUR,
     lambda e: e["plan"]["persistentVolumes"][0]["selection"].update(action="move"), "MTC603"),
    ("an image of namespace openshift has another tag on the destination", THREE,
     lambda e: an(destination(e), "ImageStream")["status"]["tags"][0].update(tag="3.0"), "MTC701"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        pytest.param(name, change, set(policies.split()), id=f"{name}: {title}")
        for title, names, change, policies in BROKEN
        for name in names
    ],
)
def test_a_broken_prerequisite_fails_alone(name: str, change: Change, expected: set[str]) -> None:
    envelope = example(name)
    change(envelope)
    report = judged(envelope)
    assert report.verdict.value == "not_ready"
    assert ids(report, Verdict.FAIL, Severity.BLOCKER) == expected


def fact(cluster: Callable[[Envelope], dict[str, Any]], *path: Any) -> Change:
    def take(envelope: Envelope) -> None:
        place = cluster(envelope)["facts"]
        for step in path[:-1]:
            place = place[step]
        del place[path[-1]]

    return take


def taken(cluster: Callable[[Envelope], dict[str, Any]], kind: str, name: str = "") -> Change:
    return lambda envelope: without(cluster(envelope), kind, name)


def unlisted(cluster: Callable[[Envelope], dict[str, Any]], resource: str) -> Change:
    return lambda envelope: cluster(envelope)["complete"].remove(resource)


TAKEN: list[tuple[str, tuple[str, ...], Change, str]] = [
    ("who migrates", BOTH, fact(destination, "clusterAdmin"), "MTC101"),
    ("the registry's route and MTC's view of it", FOUR,
     lambda e: (without(source(e), "Route"), source(e)["complete"].remove("routes"),
                remote(e)["status"].clear()), "MTC201 MTC202 MTC203 MTC502 MTC711 MTC772 MTC773"),
    ("the MigCluster of the source", BOTH,
     lambda e: destination(e)["objects"].remove(remote(e)),
     "MTC203 MTC502 MTC710 MTC711 MTC770 MTC771 MTC772 MTC773"),
    ("the source's proxy", BOTH, fact(source, "proxy"), "MTC301"),
    ("the destination's proxy", THREE, fact(destination, "proxy"), "MTC302"),
    ("the settings of the operator", THREE, lambda e: e.pop("controller"),
     "MTC301 MTC303 MTC801"),
    ("the source's version", FOUR, taken(source, "ClusterVersion"), "MTC401 MTC404 MTC826"),
    ("the newest MTC", FOUR, fact(source, "latestMtcVersion"), "MTC402"),
    ("the source's MTC version", FOUR, fact(source, "mtcVersion"),
     "MTC402 MTC403 MTC404 MTC826"),
    ("the source's way to the repository", BOTH, unmeasured, "MTC501"),
    ("the repository", BOTH, lambda e: e.pop("storage"),
     "MTC505 MTC712 MTC713 MTC775 MTC776 MTC777"),
    ("the way to the Stunnel proxy", THREE, lambda e: e.pop("probes"), "MTC502"),
    ("the destination's way to the NFS server", THREE, fact(destination, "reaches", "volumes"),
     "MTC503"),
    ("the destination's API port", BOTH, fact(destination, "ports", 6443), "MTC504"),
    ("the source's network policies", BOTH, fact(source, "networkRestrictions"), "MTC506"),
    ("the destination's network policies", BOTH, fact(destination, "networkRestrictions"),
     "MTC506"),
    ("the application's pods on OpenShift 3", THREE, unlisted(source, "pods/shop"), "MTC701"),
    ("the images of the destination", THREE,
     lambda e: (without(destination(e), "ImageStream"),
                destination(e)["complete"].remove("imagestreams/openshift")), "MTC701"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "change", "expected"),
    [
        pytest.param(name, change, set(policies.split()), id=f"{name}: {title}")
        for title, names, change, policies in TAKEN
        for name in names
    ],
)
def test_taken_evidence_is_unknown(name: str, change: Change, expected: set[str]) -> None:
    envelope = example(name)
    change(envelope)
    report = judged(envelope)
    assert report.verdict.value == "unknown"
    assert ids(report, Verdict.UNKNOWN, Severity.BLOCKER) == expected
    assert ids(report, Verdict.FAIL, Severity.BLOCKER) == set()
    for item in report.findings:
        if item.verdict is Verdict.UNKNOWN:
            assert all(missing.command for missing in item.missing)
            assert item.missing


PROBE = re.compile(r"--- \{probes: \[(\{.*?\})\]\}")
"""What a printed command writes of the connection that it tries."""


@pytest.mark.parametrize(
    ("name", "change", "policy"),
    [
        ("4-to-4", unmeasured, "MTC501"),
        ("4-to-4", fact(destination, "ports"), "MTC504"),
        ("4-to-4", lambda e: (source(e)["facts"].pop("reaches"), destination(e)["facts"].pop(
            "ports"), remote(e)["status"].clear()), "MTC502"),
        ("3-to-4", lambda e: e.pop("probes"), "MTC502"),
        ("3-to-4", fact(destination, "reaches", "volumes"), "MTC503"),
        ("3-to-4", lambda e: [source(e)["facts"].pop(name) for name in ("reaches", "ports")],
         "MTC504"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("answer", ["true", "false"])
def test_the_result_of_a_connection_attempt_settles_what_asked_for_it(
    name: str, change: Change, policy: str, answer: str
) -> None:
    envelope = example(name)
    change(envelope)
    asked = [
        PROBE.findall(" ".join(need.command for need in item.missing))
        for item in judged(envelope).findings
        if item.policy == policy and item.verdict is Verdict.UNKNOWN
    ]
    assert asked
    assert all(asked)
    rows = [row.replace("$o", answer) for (row,) in asked]
    envelope.setdefault("probes", []).extend(yaml.safe_load(row) for row in rows)
    after = [item.verdict for item in judged(envelope).findings if item.policy == policy]
    assert Verdict.UNKNOWN not in after
    assert (Verdict.FAIL in after) == (answer == "false")
