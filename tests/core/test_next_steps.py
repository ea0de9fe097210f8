"""What to do next: each missing fact once, by cluster, what unlocks most first."""

from __future__ import annotations

from made import finding, report

from service.core.evidence import Attempt, Fetch, Missing
from service.core.next_steps import ClusterSteps, Step, next_steps
from service.core.report import ClusterSummary

CLAIMS = "oc get persistentvolumeclaims -n shop -o json"


def lists(resource, *namespaces):
    return Missing(
        f"every {resource}", "source", f"oc get {resource}", "", Fetch(resource, namespaces)
    )


def unknown(policy, *missing, **more):
    return finding(policy, "unknown", missing=missing, **more)


def summary(role, given):
    return ClusterSummary(role, f"my-{role}", given, role == "destination", "", "", "", 0)


def test_nothing_missing_is_nothing_to_do():
    assert next_steps(report(finding("MTC101", "pass"))) == ()


def test_a_fact_that_several_policies_lack_is_one_step_and_the_most_wanted_comes_first():
    user = Missing("who migrates", "source", "oc whoami")
    claims = Missing("the claims", "source", CLAIMS, "forbidden")
    alone = unknown("MTC101", user)
    first, second = unknown("MTC601", claims), unknown("MTC602", claims)
    given = report(alone, first, second, clusters=(summary("source", True),))
    assert next_steps(given) == (
        ClusterSteps(
            "source",
            "my-source",
            True,
            (
                Step(
                    "the claims",
                    CLAIMS,
                    "forbidden",
                    None,
                    None,
                    ("MTC601", "MTC602"),
                    (first.fingerprint, second.fingerprint),
                    2,
                ),
                Step(
                    "who migrates",
                    "oc whoami",
                    "",
                    None,
                    None,
                    ("MTC101",),
                    (alone.fingerprint,),
                    1,
                ),
            ),
        ),
    )


def test_lists_of_one_resource_in_many_namespaces_are_one_command():
    missing = [lists("pods", f"ns-{number}") for number in range(125)]
    (cluster,) = next_steps(report(unknown("MTC750", *missing)))
    (step,) = cluster.steps
    assert step.command.startswith("oc get pods --all-namespaces -o json")
    assert step.fact == "every Pod of namespaces ns-0, ns-1, ns-2, ns-3, ns-4 …"
    (cluster,) = next_steps(report(unknown("MTC750", *missing[:2], lists("pods", "ns-1"))))
    assert cluster.steps[0].command.startswith("for n in ns-0 ns-1; do oc get pods")


def test_a_list_of_all_namespaces_holds_those_of_single_ones():
    missing = (lists("pods", "shop"), lists("pods"))
    (cluster,) = next_steps(report(unknown("MTC750", *missing)))
    assert cluster.steps[0].command.startswith("oc get pods --all-namespaces -o json")


def test_lists_that_are_missing_for_another_reason_stay_apart():
    denied = lists("pods", "b")._replace(reason="forbidden")
    (cluster,) = next_steps(report(unknown("MTC750", lists("pods", "a"), denied)))
    assert [step.reason for step in cluster.steps] == ["", "forbidden"]


def test_clusters_by_how_much_is_missing_and_what_belongs_to_none_last():
    here = Missing("x", "destination", "oc x")
    there = Missing("y", "source", "oc y")
    nowhere = Missing("the plan", "", "")
    given = report(
        unknown("MTC101", nowhere, there),
        unknown("MTC102", nowhere, here),
        unknown("MTC103", nowhere, here),
        clusters=(summary("source", True), summary("destination", False)),
    )
    assert [(item.role, item.given, item.findings) for item in next_steps(given)] == [
        ("destination", False, 2),
        ("source", True, 1),
        ("", True, 3),
    ]


def test_failures_and_what_is_met_lack_nothing():
    missing = (Missing("x", "source", "oc x"),)
    given = report(finding("MTC101", "fail", missing=missing), finding("MTC102", "pass"))
    assert next_steps(given) == ()


def test_a_connection_that_several_policies_lack_is_one_step() -> None:
    way = Attempt("repository", "", "s3.example.com", 443)
    one, two = (Missing("it", "source", command, attempt=way) for command in ("oc 1", "oc 2"))
    (cluster,) = next_steps(report(unknown("MTC501", one), unknown("MTC505", two)))
    (step,) = cluster.steps
    assert (step.attempt, step.fact, step.settles) == (way, "it", ("MTC501", "MTC505"))
