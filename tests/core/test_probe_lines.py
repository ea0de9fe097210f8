"""One line of a measurement answers one question."""

from __future__ import annotations

import io
import json
from typing import Any

from policies import catalogue
from service.core.engine import judge
from service.intake.parts import read_body
from service.intake.pieces import Piece

POLICIES = {item.id: item for item in catalogue()}
ROUTES = {"from": "source", "vantage": "cluster", "target": "routes", "cluster": "destination"}
PLAN = {"namespaces": ["shop"], "persistentVolumes": [
    {"name": "pv1", "pvc": {"name": "data", "namespace": "shop"},
     "selection": {"action": "copy", "copyMethod": "filesystem"}}]}  # fmt: skip


def verdict(policy: str, subject: str, key: str, *probes: dict[str, Any]) -> str:
    envelope = {
        "clusters": [
            {"role": "source", "facts": {"openshiftVersion": "4.14.9", "proxy": False}},
            {"role": "destination", "facts": {"openshiftVersion": "4.16.3", "proxy": False}},
        ],
        "plan": PLAN,
        "probes": list(probes),
    }
    body = json.dumps(envelope).encode()
    bundle = read_body(Piece("envelope", io.BytesIO(body)), {})
    assert bundle.migration.problems == ()
    (found,) = [
        item
        for item in judge(bundle.migration, POLICIES[policy])
        if (item.subject.cluster, item.key) == (subject, key)
    ]
    return found.verdict.value


def rsync(*probes: dict[str, Any]) -> str:
    return verdict("MTC502", "source", "routes-destination", *probes)


def port(*probes: dict[str, Any]) -> str:
    return verdict("MTC504", "destination", "port-443", *probes)


def test_a_pod_of_rsync_tells_of_rsync_and_another_of_the_port() -> None:
    of_rsync = {**ROUTES, "pod": "rsync", "open": True}
    of_velero = {**ROUTES, "pod": "velero", "open": True}
    assert (rsync(of_rsync), port(of_rsync)) == ("pass", "unknown")
    assert (rsync(of_velero), port(of_velero)) == ("unknown", "pass")
    assert (rsync({**of_rsync, "open": False}), port({**of_velero, "open": False})) == (
        "fail",
        "fail",
    )


def test_what_went_through_a_proxy_tells_nothing_of_the_direct_way() -> None:
    assert rsync({**ROUTES, "pod": "rsync", "proxy": True, "open": True}) == "unknown"
    assert rsync({**ROUTES, "pod": "rsync", "proxy": False, "open": True}) == "pass"


def test_an_address_that_is_found_proves_no_dns() -> None:
    asked = {"from": "source", "vantage": "cluster", "target": "dns", "open": True}
    for host, wanted in (("10.20.30.40", "unknown"), ("fd00::1", "unknown"), ("a.b.c", "pass")):
        assert verdict("MTC504", "source", "port-53", {**asked, "host": host}) == wanted, host


def test_a_probe_of_an_unknown_pod_is_a_problem_with_its_place() -> None:
    probes = [{**ROUTES, "pod": "web", "open": True}, {**ROUTES, "proxy": "no", "open": True}]
    body = {"clusters": [{"role": "source", "facts": {}}], "probes": probes}
    problems = read_body(Piece("envelope", io.BytesIO(json.dumps(body).encode())), {})
    told = [(item.code, item.pointer) for item in problems.migration.problems]
    assert told == [("wrong-value", "/probes/0/pod"), ("wrong-type", "/probes/1/proxy")]
