"""Chains of calls over a running gunicorn, along the links that the API document states."""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import schemathesis
from against_the_document import EXCLUDED, errors
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from policy_cases import envelopes_of
from schemathesis.core.transport import Response
from schemathesis.generation.stateful import APIStateMachine
from schemathesis.generation.stateful.state_machine import StepInput, StepOutput
from schemathesis.specs.openapi.checks import response_schema_conformance
from serving import Server, Start
from test_partition import claim, evidence, namespace, pod
from test_patches import BODY, PROXY

from service.api.schemas import patch_schemas
from service.formats import FORMATS

EVALUATE = "POST /v1/evaluations"
PATCH = "POST /v1/migrationcontroller/patches"
PARTITION = "POST /v1/migplans/partition"
POLICIES = ("MTC101", "MTC302", "MTC402", "MTC501", "MTC601", "MTC711")
"""Whose cases are posted as evidence: some of each area of the documentation."""
GOOD = (200, 424)
OF_THE_PARSER = (414, 431)
"""What the HTTP parser answers before the service sees the request: chance makes long queries."""
AT_LEAST = 2
"""How often each link must have led to a good answer for the test to mean something."""
OWN_BASELINE = ("evaluate", "own baseline")
OWN_UNDO = ("patchMigrationController", "own undo")


CHAINS: tuple[tuple[int, tuple[str, ...]], ...] = (
    (16, ()),
    (6, ("patchMigrationController",)),
    (8, ("evaluate", "partitionMigPlans", "patchMigrationController")),
    (5, ("evaluate", "partitionMigPlans")),
    (4, ("evaluate", "patchMigrationController")),
    (4, ("evaluate", "getPolicy")),
    (5, ("listEvidence", "listPolicies", "getPolicy")),
)
"""How many chains of which calls: all (none named), and few, to come further with these."""


def envelopes() -> list[Any]:
    """Evidence of which policies find something, and evidence that can be partitioned."""
    given = [envelopes_of(policy)[0] for policy in POLICIES]
    objects = [namespace("shop"), namespace("db"), pod("shop", "web"), claim("db", "data")]
    return [evidence(*objects), evidence(*objects, plan={"namespaces": ["shop"]}), *given]


TABLE = {"namespaces": [{"name": "shop", "pods": 3}, {"name": "db", "needs": ["shop"]}]}
WANTED = ({"stunnel_tcp_proxy": PROXY, "mig_pv_limit": 300}, {"mig_pv_limit": None})
REAL: dict[str, tuple[list[Any], list[dict[str, str]]]] = {
    EVALUATE: (
        envelopes(),
        [
            *({"format": name} for name in FORMATS),
            *4 * [{}, {"gate": "status"}, {"format": "json", "unknown": "ignore"}],
        ],
    ),
    PATCH: (
        [{**BODY, "settings": item} for item in WANTED],
        [*({"format": name} for name in patch_schemas.FORMATS), {}, {}, {}, {"dry": "true"}],
    ),
    PARTITION: (
        [TABLE, {**TABLE, "limits": {"namespaces": 1}}],
        [{}, {}, {"format": "json"}, {"format": "manifests"}],
    ),
}


def mostly_real(context: Any, generated: Cases) -> Cases:
    """Nearly all that chance makes is refused, and a refusal leads nowhere: most are real."""
    operation = context.operation
    if operation.label not in REAL:
        return generated
    bodies, queries = REAL[operation.label]

    def real(drawn: tuple[int, int]) -> schemathesis.Case:
        made: schemathesis.Case = operation.Case(
            body=copy.deepcopy(bodies[drawn[0]]),
            query=dict(queries[drawn[1]]),
            media_type="application/json",
        )
        return made

    # By place: hypothesis writes out what it samples from, and these are large.
    places = st.tuples(st.integers(0, len(bodies) - 1), st.integers(0, len(queries) - 1))
    given = places.map(real)
    return st.sampled_from([given, given, given, generated]).flatmap(lambda chosen: chosen)


Cases = st.SearchStrategy[schemathesis.Case]
Followed = Counter[tuple[str, str]]
"""How often a link, by operation and name, led to a good answer."""


def workflow(
    server: Server,
    document: dict[str, Any],
    calls: Sequence[str],
    names: Mapping[str, str],
    followed: Followed,
) -> type[APIStateMachine]:
    """Chains of these calls; each answer is held against the document and what we promise."""
    schema = schemathesis.openapi.from_dict(document)
    schema.config.update(base_url=f"http://127.0.0.1:{server.port}")
    schema.hooks.hook("before_generate_case")(mostly_real)
    machine: Any = schema.include(operation_id=list(calls)).as_state_machine()

    class Workflow(machine):
        def validate_response(self, response: Response, case: schemathesis.Case, **_: Any) -> None:
            if response.status_code in OF_THE_PARSER:
                return
            # Plans as YAML, with notes above: text that no schema could be held against.
            plans = response.content.startswith((b"---\n", b"# "))
            excluded = [*EXCLUDED, response_schema_conformance] if plans else EXCLUDED
            case.validate_response(response, excluded_checks=excluded, recorder=self.recorder)

        def step(self, input: StepInput) -> StepOutput:
            output = super().step(input)
            case, response = output.case, output.response
            if response.status_code in GOOD:
                if input.transition is not None and input.is_applied:
                    source, _, rest = input.transition.id.partition(" -> [")
                    followed[names[source], rest.split()[1]] += 1
                if case.operation.label == EVALUATE:
                    followed[OWN_BASELINE] += judge_again(case, response)
                if case.operation.label == PATCH:
                    followed[OWN_UNDO] += take_back(case, response)
            return output

    return Workflow


def again(case: schemathesis.Case, **more: Any) -> Any:
    """What the same request with more in its body is answered as JSON."""
    response = case.operation.Case(
        body={**case.body, **more},
        query={**case.query, "format": "json"},
        headers=case.headers,
        media_type=case.media_type,
    ).call()
    assert response.status_code in GOOD, response.text
    return response.json()


def judge_again(case: schemathesis.Case, response: Response) -> bool:
    """No policy fails on its own account, and nothing changes against the report's own baseline.

    Whether that could be asked of this answer.
    """
    if response.headers["content-type"][0] not in REPORTS:
        return False
    report = response.json()
    assert errors(report) == []
    if not isinstance(case.body, dict) or case.media_type != "application/json":
        return False
    delta = again(case, baseline=report)["delta"]
    open_before = [item for item in report["findings"] if item["verdict"] in OPEN]
    assert delta["counts"] == {**NOTHING, "unchanged": len(open_before)}
    # What a baseline before this one still waits for goes on waiting.
    waiting = report["delta"]["unconfirmed"] if report.get("delta") else []
    assert (delta["resolved"], delta["comparable"]) == ([], True)
    assert sorted(map(_mark, delta["unconfirmed"])) == sorted(map(_mark, waiting))
    return True


def _mark(finding: Mapping[str, Any]) -> str:
    return str(finding["fingerprint"])


REPORTS = ("application/json", FORMATS["baseline"].media_type)
OPEN = ("fail", "unknown", "error", "waived")
NOTHING = {"new": 0, "unchanged": 0, "changed": 0, "resolved": 0}


def take_back(case: schemathesis.Case, response: Response) -> bool:
    """The undo of a patch, asked for as a patch of the patched, gives the old spec.

    Whether that could be asked of this answer.
    """
    if response.headers["content-type"] != ["application/json"]:
        return False
    result = response.json()
    assert errors(result) == []
    before = case.body.get("controller") if isinstance(case.body, dict) else None
    if not isinstance(before, dict) or not result["changed"]:
        return False
    if not result["secretsShown"] or masked(before):
        return False
    back = again(case, controller=result["manifest"], settings=result["undo"]["spec"])
    assert back["manifest"]["spec"] == before["spec"]
    return True


def masked(manifest: Any) -> bool:
    """Whether it comes from a dry run: then nothing brings the old password back."""
    return ":****@" in json.dumps(manifest)


def links(document: dict[str, Any]) -> set[tuple[str, str]]:
    """The links of a document, by operation and name."""
    return {
        (operation["operationId"], name)
        for methods in document["paths"].values()
        for operation in methods.values()
        for answer in operation["responses"].values()
        for name in answer.get("links", {})
    }


def with_link_bodies(document: dict[str, Any]) -> dict[str, Any]:
    """The document with the bodies of its links as objects: schemathesis reads no other form."""
    read = copy.deepcopy(document)
    for methods in read["paths"].values():
        for operation in methods.values():
            for answer in operation["responses"].values():
                for link in answer.get("links", {}).values():
                    if "requestBody" in link:
                        parts = re.findall(r'"(\w+)": \{(\$[^}]+)\}', link["requestBody"])
                        link["requestBody"] = dict(parts)
    return read


def failures(metrics: str) -> list[str]:
    """The lines of the metrics that count answers of status 500 and above."""
    return re.findall(r'^mtc_preflight_requests_total\{.*status="5\d\d".*$', metrics, re.M)


def test_chains_of_calls_along_the_links(start_server: Start) -> None:
    server = start_server(LOG_LEVEL="ERROR")
    workers = server.workers()
    document = server.request("GET", "/openapi.json").json
    names = {
        f"{method.upper()} {path}": operation["operationId"]
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    followable = with_link_bodies(document)
    followed: Followed = Counter()

    for examples, calls in CHAINS:
        workflow(server, followable, calls or tuple(names.values()), names, followed).run(
            settings=settings(
                max_examples=examples,
                stateful_step_count=10,
                derandomize=True,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
        )

    wanted = {*links(document), OWN_BASELINE, OWN_UNDO}
    assert {link: followed[link] for link in wanted if followed[link] < AT_LEAST} == {}
    metrics = server.request("GET", "/metrics").body.decode()
    assert 'mtc_preflight_requests_total{method="POST"' in metrics
    assert failures(metrics) == []
    assert server.workers() == workers
    assert server.log() == []
