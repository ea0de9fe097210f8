"""Failures from public reports and MTC's own code: the cause shows, and it alone.

The inputs lie outside of this repository; a small form of each is among the policies' cases.
"""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from machinery import with_machinery

from policies import catalogue
from service.core.engine import evaluate
from service.core.report import Report
from service.intake.parts import read_body
from service.intake.pieces import Piece

CASES = Path(__file__).parents[2] / "shared" / "cases"
POLICIES = catalogue()
READS = tuple(read for policy in POLICIES for read in policy.reads)
pytestmark = pytest.mark.skipif(
    not CASES.exists(), reason=f"THE CASES ARE MISSING: {CASES} is not there, nothing is compared"
)

REPORTS = {
    "02-cluster-resource-quota/bad": "MTC832 fail blocker",
    "02-cluster-resource-quota/same-as-ResourceQuota": "MTC732 fail blocker",
    "03-node-selector-compute/bad": "MTC752 fail warning",
    "03-node-selector-compute/region-primary": "MTC752 fail warning",
    "04-http-proxy-unresolvable/bad": "MTC801 fail warning",
    "05-precreated-namespace-uid/bad": "MTC715 fail warning",
    "05-precreated-namespace-uid/only-mcs-differs": "MTC715 fail warning",
    "06-test-connect-timeout/bad": "MTC502 fail blocker",
    "07-no-registry-path/bad": "MTC203 fail blocker",
    "08-zones-volume-node-affinity/bad": "MTC834 fail blocker",
    "10-trident-rwx/bad": "MTC835 fail warning",
    "10-trident-rwx/as-MTC-made-it-default-RWO": "MTC835 fail warning",
    "10-trident-rwx/default-class-no-mode": "MTC835 fail warning",
    "11-claim-terminating-or-lost/bad": "MTC601 fail blocker",
    "11-claim-terminating-or-lost/lost": "MTC601 fail blocker",
    "11-claim-terminating-or-lost/pv-failed": "MTC601 fail blocker",
    "11-claim-terminating-or-lost/pv-released": "MTC601 fail blocker",
    "12-token-expired/bad": "MTC842 fail blocker",
    "12-token-expired/controller-says-Unauthorized": "MTC771 fail blocker",
    "12-token-expired/expires-in-20-minutes": "MTC842 fail blocker",
    "13-limitrange-without-min/bad": "MTC831 fail blocker",
    "16-repository-self-signed/bad": "MTC777 fail blocker",
    "17-removed-api-versions/bad": "MTC719 fail blocker",
    "17-removed-api-versions/custom-resource-without-crd": "MTC719 unknown warning",
    "18-overlapping-plans/bad": "MTC716 fail blocker",
    "18-overlapping-plans/mapped": "MTC716 fail blocker",
    "18-overlapping-plans/other-destination": "MTC716 fail blocker",
    "19-restricted-scc-changed/bad": "MTC837 fail warning",
    "20-mtc-pods-not-running/bad": "MTC820 fail blocker",
    "21-oadp-too-old-on-4.19/bad": "MTC826 fail blocker",
    "21b-oadp-1.3.0/bad": "MTC406 fail blocker",
    "22-ocp-3.10-anyuid/bad": "MTC837 fail warning",
    "24-registry-removed-default-route-true/bad": "MTC201 fail blocker",
    "26-destination-registry-removed/bad": "MTC201 fail blocker",
    "26-destination-registry-removed/indirect": "MTC201 fail blocker",
    "26b-destination-registry-removed-indirect/bad": "MTC201 fail blocker",
    "27-egress-firewall/bad": "MTC506 fail blocker",
    "27-egress-firewall/deny-first": "MTC506 fail blocker",
    "27-egress-firewall/exact-dns-of-other-host": "MTC506 fail blocker",
    "27-egress-firewall/nodeselector-rule": "MTC506 unknown blocker",
    "27-egress-firewall/only-private-cidr-denied": "MTC506 unknown blocker",
    "28-remote-api-through-proxy/bad": "MTC843 fail warning",
    "29-claim-made-after-plan/bad": "MTC728 fail warning",
    "30-hook-service-account-missing/bad": "MTC841 fail blocker",
    "31-scc-grant-not-migrated/bad": "MTC837 unknown warning",
    "33-repository-credentials-or-bucket-wrong/bad": "MTC776 fail blocker",
    "33-repository-credentials-or-bucket-wrong/NoSuchBucket": "MTC777 fail blocker",
    "33-repository-credentials-or-bucket-wrong/timeout": "MTC713 fail blocker",
    "34-remote-api-certificate/bad": "MTC773 fail blocker",
    "35-node-selector-in-template-or-project/bad": "MTC833 fail blocker",
    "35-node-selector-in-template-or-project/deployment-template": "MTC752 fail warning",
    "35-node-selector-in-template-or-project/scaled-down-deployment-region": "MTC752 fail warning",
    "35b-destination-namespace-lacks-selector/bad": "MTC833 fail warning",
    "36-rwx-turned-rwo/bad": "MTC835 fail blocker",
    "37-http-proxy-foo-no-fact/bad": "MTC801 fail warning",
    "38-destination-namespace-terminating/bad": "MTC746 fail blocker",
    "39-quota-per-storage-class/bad": "MTC732 fail blocker",
    "42-versions-in-use/3.9-to-4.9": "MTC404 fail blocker",
    "43-rsync-pods-and-compute-quota/bad": "MTC830 fail blocker",
    "46-efs-destination/bad": "MTC722 fail warning",
    "48-olm-operator-in-namespace/bad": "MTC839 unknown blocker",
    "49-controllers-on-both-clusters/bad": "MTC801 fail warning",
    "50-http-proxy-malformed/bad": "MTC801 fail blocker",
    "50-http-proxy-malformed/blank-hash": "MTC801 fail blocker",
    "50-http-proxy-malformed/foo.foo": "MTC801 fail warning",
    "50-http-proxy-malformed/no-port-word": "MTC801 fail blocker",
    "52-azure-resource-groups/bad": "MTC613 fail blocker",
    "52-azure-resource-groups/different": "MTC613 fail blocker",
    "53-125-namespaces/bad": "MTC740 fail blocker",
    "54-registry-path-shapes/bad": "MTC203 fail warning",
    "54-registry-path-shapes/blank": "MTC203 fail blocker",
    "54-registry-path-shapes/internal": "MTC203 fail blocker",
    "54-registry-path-shapes/slash": "MTC203 fail warning",
    "54b-registry-path-scheme-before-controller/bad": "MTC203 fail blocker",
    "54b-registry-path-scheme-before-controller/path": "MTC203 fail blocker",
    "54b-registry-path-scheme-before-controller/slash": "MTC203 fail blocker",
    "55-source-namespace-deleted/bad": "MTC744 fail blocker",
    "56-disable-pv-migration/bad": "MTC844 fail warning",
}
NO_CAUSE = (
    "01-second-stage-storage-quota/bad",  # fixed in today's releases
    "15-destination-namespace-starts-with-digit/bad",  # fixed in today's releases
    "17-removed-api-versions/deployment-extensions",  # 3.11 backs up apps/v1
)
NOT_SUPPORTED = ("22-ocp-3.10-anyuid",)
"""The fixed form has another cause: MTC 1.7 supports OpenShift 3.11 only."""

CONTROLLER = {
    "01-empty-persistentVolumes": "MTC302 fail blocker",
    "02-pending-claim-unknown": "MTC602 fail warning",
    "03-block-to-cephfs": "MTC724 fail blocker",
    "04-lower-case-kind": "MTC718 pass blocker",
    "05-crd-versions": "MTC719 fail blocker",
    "06-conversion-own-name": "MTC726 pass blocker",
    "07-conversion-only-claim-made-by-this-plan": "MTC727 fail blocker",
    "07c-conversion-claim-owned-by-a-claim": "MTC727 fail blocker",
    "07d-owned-claim-fails": "MTC727 not_applicable blocker",
    "08-classes-order-a-z": "MTC724 pass blocker",
    "08-classes-order-z-a": "MTC724 pass blocker",
    "11-sidecar-crashloop": "MTC750 fail warning",
    "12-kubevirt-prerelease": "MTC785 pass warning",
    "13-operator-version-suffix": "MTC403 fail warning",
}

CHAPTER = {
    "NOTREADY-disable_pv_migration": "ready",
    "NOTREADY-stateless-undiscovered-plan-behind-proxy": "ready",
    "NOTREADY-stunnel-leftover-on-source": "ready MTC303 fail warning",
    "READY-701-scaled-down-dc-and-cronjob": "not_ready MTC701 fail blocker",
    "READY-broken-http_proxy": "not_ready MTC801 fail blocker",
    "READY-controller-in-namespace-default": "not_ready MTC801 fail blocker",
    "READY-disable_image_migration-no-registry-path": "not_ready MTC203 fail blocker",
    "READY-empty-persistentVolumes-behind-proxy": "not_ready MTC301 fail blocker",
    "READY-empty-persistentVolumes-two-proxies": "not_ready MTC302 fail blocker",
    "READY-legacy-1.5.1-with-1.8.14": "not_ready MTC403 fail blocker",
    "READY-mtc-1.6.5-on-4.14-4.18": "not_ready MTC404 fail blocker",
    "UNKNOWN-pending-claim-not-in-plan": "ready MTC602 fail warning",
}


def judged(file: Path) -> Report:
    envelope = with_machinery(yaml.load(file.read_text("utf-8"), Loader=yaml.CSafeLoader))
    body = json.dumps(envelope, default=str).encode()
    return evaluate(
        read_body(Piece("envelope", io.BytesIO(body)), {}, reads=READS).migration, POLICIES
    )


def rows(report: Report) -> set[str]:
    return {f"{item.policy} {item.verdict.value} {item.severity.value}" for item in report.findings}


def findings(report: Report, row: str) -> set[Any]:
    return {
        (str(item.subject), item.message)
        for item in report.findings
        if f"{item.policy} {item.verdict.value} {item.severity.value}" == row
    }


@pytest.mark.parametrize("name", REPORTS)
def test_the_cause_of_a_reported_failure_is_a_finding_until_it_is_fixed(name: str) -> None:
    bad = findings(judged(CASES / "reports" / f"{name}.yaml"), REPORTS[name])
    fixed = CASES / "reports" / name.partition("/")[0] / "fixed.yaml"
    assert bad - (findings(judged(fixed), REPORTS[name]) if fixed.exists() else set())


@pytest.mark.parametrize("name", sorted({name.partition("/")[0] for name in REPORTS}))
def test_a_migration_whose_cause_is_fixed_is_ready(name: str) -> None:
    fixed = CASES / "reports" / name / "fixed.yaml"
    if fixed.exists():
        assert (judged(fixed).verdict.value == "ready") is (name not in NOT_SUPPORTED)


@pytest.mark.parametrize("name", NO_CAUSE)
def test_what_is_no_failure_is_ready(name: str) -> None:
    assert judged(CASES / "reports" / f"{name}.yaml").verdict.value == "ready"


@pytest.mark.parametrize("name", CONTROLLER)
def test_what_the_controller_decides_is_decided_likewise(name: str) -> None:
    assert CONTROLLER[name] in rows(judged(CASES / "controller" / f"{name}.json"))


@pytest.mark.parametrize("name", CHAPTER)
def test_the_prerequisites_of_the_documentation(name: str) -> None:
    verdict, _, row = CHAPTER[name].partition(" ")
    report = judged(CASES / "domain" / f"{name}.json")
    assert report.verdict.value == verdict
    assert not row or row in rows(report)
