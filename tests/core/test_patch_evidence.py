"""A patch held against the evidence of the clusters that it is meant for."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from policies import catalogue
from service.core.migration import Migration
from service.core.outcome import Severity
from service.core.patch import PatchRefused, PatchRequest, PatchResult, make_patch
from service.intake.parts import read_body
from service.intake.pieces import Piece

SPEC = {
    "cluster_name": "host",
    "migration_velero": True,
    "migration_controller": True,
    "migration_ui": True,
}
URL = "http://mover:secret@squid.example.com:3128"
PROXIED = {
    "apiVersion": "config.openshift.io/v1",
    "kind": "Proxy",
    "metadata": {"name": "cluster"},
    "spec": {},
    "status": {"httpsProxy": "http://squid.example.com:3128"},
}
DIRECT = {**PROXIED, "status": {}}


COPIED = {
    "name": "pv-data",
    "selection": {"action": "copy", "copyMethod": "filesystem"},
    "pvc": {"namespace": "shop", "name": "data"},
}
PLAN = {"namespaces": ["shop"], "persistentVolumes": [COPIED]}


def controller(uid: str = "host-uid", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "migration.openshift.io/v1alpha1",
        "kind": "MigrationController",
        "metadata": {"name": "mc", "namespace": "openshift-migration", "uid": uid},
        "spec": {**SPEC, **spec},
    }


def evidence(
    source: list[Any], destination: list[Any], plan: Any = None, **envelope: Any
) -> Migration:
    clusters = [
        {"role": "source", "objects": source},
        {"role": "destination", "objects": destination},
    ]
    body = {"clusters": clusters, "plan": plan or PLAN, **envelope}
    return read_body(Piece("envelope", io.BytesIO(json.dumps(body).encode())), {}).migration


def patch(migration: Migration, manifest: Any = None, **wanted: Any) -> PatchResult:
    wanted = wanted or {"stunnel_tcp_proxy": URL}
    return make_patch(PatchRequest(wanted, manifest, migration), catalogue())


def refusals(migration: Migration, manifest: Any = None, **wanted: Any) -> list[Any]:
    with pytest.raises(PatchRefused) as caught:
        patch(migration, manifest, **wanted)
    return [(reason.policy, reason.code, reason.pointer) for reason in caught.value.reasons]


def told(result: PatchResult) -> list[tuple[str, str, str]]:
    return [(reason.policy, reason.code, reason.severity.value) for reason in result.warnings]


def verdicts(result: PatchResult) -> list[tuple[str, str]]:
    return [(finding.policy, finding.verdict.value) for finding in result.findings]


def test_the_manifest_of_the_evidence_is_the_current_one() -> None:
    migration = evidence([PROXIED], [DIRECT, controller()])
    result = patch(migration)
    assert result.name == "mc"
    assert result.manifest is not None
    assert result.manifest["spec"] == {**SPEC, "stunnel_tcp_proxy": URL}
    assert verdicts(result) == [
        ("MTC301", "pass"),
        ("MTC302", "pass"),
        ("MTC303", "unknown"),
        ("MTC303", "pass"),
        ("MTC801", "unknown"),
        ("MTC801", "pass"),
    ]
    assert told(result) == [("", "clear-text", "info"), ("MTC301", "must-tunnel", "info")]


def test_both_clusters_behind_a_proxy() -> None:
    both = evidence([PROXIED], [PROXIED, controller()])
    assert refusals(both) == [("MTC302", "both", "/evaluation")]
    parts = {"host": "squid.example.com", "port": 3128}
    assert refusals(both, controller(), stunnel_tcp_proxy=parts) == [
        ("MTC302", "both", "/evaluation")
    ]


def test_both_clusters_behind_a_proxy_and_no_plan() -> None:
    body = {
        "clusters": [
            {"role": "source", "objects": [PROXIED]},
            {"role": "destination", "objects": [PROXIED, controller()]},
        ]
    }
    piece = Piece("envelope", io.BytesIO(json.dumps(body).encode()))
    assert refusals(read_body(piece, {}).migration) == [("MTC302", "both", "/evaluation")]


def test_both_behind_a_proxy_where_the_patch_sets_none() -> None:
    both = evidence([PROXIED], [PROXIED, controller()])
    result = patch(both, mig_pv_limit=5)
    assert told(result) == [("MTC301", "", "warning"), ("MTC302", "both", "warning")]


def test_both_behind_a_proxy_where_volumes_go_through_the_repository() -> None:
    plan = {"namespaces": ["shop"], "indirectVolumeMigration": True}
    result = patch(evidence([PROXIED], [PROXIED, controller()], plan))
    assert ("MTC302", "not_applicable") in verdicts(result)


def test_a_proxy_that_nobody_needs() -> None:
    result = patch(evidence([DIRECT], [DIRECT, controller()]))
    assert told(result) == [("", "clear-text", "info"), ("MTC301", "not-needed", "warning")]


def test_the_manifest_of_the_cluster_that_does_not_run_the_controller() -> None:
    migration = evidence([PROXIED, controller("source-uid")], [DIRECT, controller()])
    assert refusals(migration, controller("source-uid")) == [
        ("MTC303", "not-host", "/controller/metadata/uid")
    ]
    assert refusals(migration, controller("third-uid")) == [
        ("MTC303", "not-host", "/controller/metadata/uid")
    ]
    assert patch(migration, controller()).changed
    swapped = evidence(
        [PROXIED, controller("source-uid")], [DIRECT, controller()], options={"host": "source"}
    )
    assert patch(swapped, controller("source-uid")).changed


def test_every_reason_at_once_with_evidence() -> None:
    migration = evidence([PROXIED, controller("source-uid")], [PROXIED, controller()])
    found = refusals(migration, controller("source-uid", mig_pod_limit="many"))
    assert found == [
        ("MTC303", "not-host", "/controller/metadata/uid"),
        ("MTC801", "limit", "/controller/spec/mig_pod_limit"),
        ("MTC302", "both", "/evaluation"),
    ]


def test_the_installed_release_of_the_evidence() -> None:
    facts = {"role": "destination", "facts": {"mtcVersion": "1.7.6"}, "objects": [controller()]}
    body = {"clusters": [{"role": "source", "objects": [DIRECT]}, facts]}
    piece = Piece("envelope", io.BytesIO(json.dumps(body).encode()))
    migration = read_body(piece, {}).migration
    result = patch(migration, controller(), rsync_endpoint_type="NodePort")
    assert ("MTC801", "too-new", Severity.WARNING.value) in told(result)


def test_evidence_without_a_migration_controller() -> None:
    result = patch(evidence([PROXIED], [DIRECT]))
    assert result.manifest is None
    assert ("MTC301", "pass") in verdicts(result)
    assert told(result)[0] == ("", "no-manifest", "warning")


def test_what_stands_in_a_spec_that_nobody_sent_is_not_judged() -> None:
    found = verdicts(patch(evidence([PROXIED], [DIRECT])))
    assert ("MTC303", "pass") in found
    assert "MTC801" not in {policy for policy, _ in found}


def test_two_controllers_in_the_namespace_are_a_warning() -> None:
    second = controller(uid="other-uid")
    second["metadata"]["name"] = "second"
    migration = evidence([PROXIED], [DIRECT, controller(), second])
    assert ("MTC801", "several", "warning") in told(patch(migration, controller()))
    assert ("MTC801", "several", "warning") in told(patch(migration))
    alone = evidence([PROXIED], [DIRECT, controller()])
    assert ("MTC801", "several", "warning") not in told(patch(alone, controller()))


def test_a_controller_of_another_namespace_is_not_the_current_one() -> None:
    stray = controller()
    stray["metadata"]["namespace"] = "default"
    migration = evidence([PROXIED], [DIRECT, stray])
    assert "no-manifest" in [code for _, code, _ in told(patch(migration))]
    assert ("MTC301", "fail") in verdicts(patch(migration, stray))
