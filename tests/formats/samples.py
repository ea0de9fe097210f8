"""A catalogue and reports that hold everything a format may meet."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from policies import catalogue
from service.core.decision import delta, gate, waivers
from service.core.decision.waiver_form import parse
from service.core.evidence import Missing, Problem
from service.core.link import Link
from service.core.migration import Part
from service.core.outcome import Command, Severity, Verdict
from service.core.policy import Policy
from service.core.report import ClusterSummary, Finding, Report, fingerprint, readiness
from service.formats.format_base import Context, Options
from service.kinds.ref import Origin, Pointer, Subject

catalogue()  # found and kept before there are others with their ids
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DOCS = "https://docs.redhat.com/en/documentation/openshift_container_platform/4.14/html/"


AREAS = {
    "1": "access", "2": "images", "3": "proxies", "4": "versions", "5": "network", "6": "volumes",
    "8": "controller", "9": "evidence",
}  # fmt: skip


def policy(id: str, name: str, title: str, severity: str = "blocker") -> Policy[Any]:
    return type(
        id,
        (Policy,),
        {
            "__module__": f"policies.{AREAS[id[3]]}",
            "id": id,
            "name": name,
            "title": title,
            "why": f"The migration stops half-way. The controller relies on this: {title}.",
            "severity": Severity(severity),
            "reads": (),
            "remedy": "Change it as the documentation says, and run the preflight again.",
            "docs": (Link("Migration prerequisites", DOCS + "migration_toolkit_for_containers"),),
            "source": "MTC documentation, Migration prerequisites",
            "subjects": lambda self, migration: (),
            "check": lambda self, migration, subject: iter(()),
        },
    )()


POLICIES = (
    policy("MTC101", "cluster-admin", "The identity is cluster-admin on every cluster"),
    policy("MTC201", "registry-exposed", "The internal registry is exposed"),
    policy("MTC202", "registry-route", "A secure route leads to the exposed registry"),
    policy("MTC301", "stunnel-proxy-configured", "Stunnel knows the source's proxy"),
    policy("MTC302", "single-proxy", "At most one proxy stands between the clusters"),
    policy("MTC401", "openshift-z-stream", "OpenShift is on its newest z-stream"),
    policy("MTC403", "mtc-same-version", "MTC has one version on all clusters"),
    policy("MTC504", "required-ports", "The ports that MTC needs are open"),
    policy("MTC506", "no-blocking-network-policy", "No policy stops the transfer pods"),
    policy("MTC601", "volumes-valid", "Every volume of the plan is valid"),
    policy("MTC602", "volumes-bound", "Every volume is bound to its claim"),
    policy("MTC801", "controller-settings", "The controller's settings are valid"),
    policy("MTC901", "evidence-fresh", "The evidence is fresh", "warning"),
)
CONTEXT = Context(POLICIES, "0.1.0")
BY_ID = {item.id: item for item in POLICIES}
SOURCE = Subject("legacy-eu", kind="Cluster", name="legacy-eu")
DESTINATION = Subject("prod-eu", kind="Cluster", name="prod-eu")
PLAN = Subject("", "migration.openshift.io/v1alpha1", "MigPlan", "openshift-migration", "shop")


def context(**options: Any) -> Context:
    return Context(POLICIES, "0.1.0", Options(**options))


def finding(id: str, verdict: str, subject: Subject = SOURCE, **more: Any) -> Finding:
    policy, key = BY_ID[id], more.pop("key", "")
    mends = verdict in ("fail", "unknown")
    fields = {
        "policy": id,
        "title": policy.title,
        "verdict": Verdict(verdict),
        "severity": policy.severity,
        "message": f"{policy.title}: {verdict}",
        "subject": subject,
        "fingerprint": fingerprint(id, subject, key),
        "key": key,
        "remedy": policy.remedy if mends else "",
        "docs": policy.docs if mends else (),
    }
    return Finding(**{**fields, **more})


def at(pointer: str, value: str = "", line: int | None = None, member: str = "") -> Pointer:
    part = "source.tar.gz" if member else "plan.yaml"
    return Pointer(Origin(part, member), pointer, value, line)


def report(*findings: Finding, problems: tuple[Problem, ...] = (), **more: Any) -> Report:
    fields = {
        "verdict": readiness(findings, problems),
        "findings": findings,
        "problems": problems,
        "clusters": (
            ClusterSummary(
                "source", "legacy-eu", True, False, "3.11.374", "1.7.14", "OpenStack", 8412
            ),
            ClusterSummary(
                "destination", "prod-eu", True, True, "4.14.9", "1.8.4", "AWS, eu-central-1", 40312
            ),
        ),
        "plan": "openshift-migration/shop",
        "parts": (Part("source.tar.gz", "source", "must-gather", 812, 8412),),
        "policy_set": "0123456789abcdef",
        "as_of": NOW,
    }
    return Report(**{**fields, **more})


def volume(name: str, phase: str) -> Finding:
    member = f"cluster-scoped-resources/core/persistentvolumes/{name}.yaml"
    return finding(
        "MTC601",
        "fail",
        Subject("legacy-eu", "v1", "PersistentVolume", "", name),
        message=f"the volume is {phase}, and no pod can mount it",
        found=phase,
        wanted="Bound",
        evidence=(at("/status/phase", phase, 41, member),),
        commands=(Command(f"oc describe pv {name}", "source"),),
        observed=1.0,
    )


UNKNOWN = finding(
    "MTC504",
    "unknown",
    SOURCE,
    message="not gathered: whether port 443 of prod-eu is open (source)",
    missing=(
        Missing(
            "whether port 443 of prod-eu is open",
            "source",
            "oc debug node/worker-0 -- curl -sk https://router.apps.prod-eu.example:443",
        ),
    ),
    key="443",
)
PROXY = finding(
    "MTC302",
    "fail",
    PLAN,
    message="both clusters reach out through a proxy, and MTC takes one",
    found="http://u:****@proxy.legacy:3128, http://proxy.prod:3128",
    wanted="one proxy",
    evidence=(at("/spec/httpProxy", "http://proxy.prod:3128", 7),),
    commands=(Command("oc get proxies.config.openshift.io cluster -o json", "destination"),),
)
OLD = finding(
    "MTC901",
    "fail",
    SOURCE,
    message="the must-gather is 12 days old",
    found="12 days",
    wanted="at most 7 days",
)
WAIVABLE = finding(
    "MTC401",
    "fail",
    SOURCE,
    message="3.11.374 is not the newest 3.11",
    found="3.11.374",
    wanted="3.11.1010",
)
BROKEN = Problem(
    "yaml-syntax",
    "a tab may not indent",
    "indent with spaces",
    part="source.tar.gz",
    member="namespaces/shop/core/pods.yaml",
    line=12,
    column=3,
)
GOOD = (
    finding("MTC101", "pass", SOURCE),
    finding("MTC101", "pass", DESTINATION),
    finding("MTC201", "pass", SOURCE),
    finding("MTC201", "not_applicable", DESTINATION, message="the host's registry is not used"),
    finding("MTC202", "pass", SOURCE),
    finding("MTC301", "not_applicable", SOURCE, message="the source has no proxy"),
    finding("MTC403", "pass", PLAN),
    finding("MTC401", "pass", DESTINATION),
    finding("MTC506", "pass", SOURCE, examined=14),
    finding("MTC506", "pass", DESTINATION, examined=3),
    finding("MTC602", "pass", SOURCE, examined=3),
    finding("MTC801", "pass", DESTINATION),
)
ERROR = finding(
    "MTC801", "error", PLAN, message="policy MTC801 failed on this evidence (KeyError)", key="error"
)
BAD = (volume("pv-0007", "Failed"), volume("pv-0042", "Released"), UNKNOWN, PROXY, OLD, WAIVABLE)


def full() -> Report:
    """Every verdict, waivers of each status, a comparison, a gate and unreadable input."""
    given = report(*GOOD, *BAD, ERROR, problems=(BROKEN,))
    waiver = {
        "policy": "MTC401",
        "subject": {"cluster": "legacy-eu"},
        "reason": "The last z-stream needs a maintenance window",
        "owner": "platform team",
        "ticket": "OPS-1234",
        "expires": "2026-04-30",
    }
    held = parse(
        [
            waiver,
            {**waiver, "subject": {"cluster": "gone"}, "id": "left-over"},
            {**waiver, "policy": "MTC302", "subject": {"kind": "*"}, "expires": "2026-02-01"},
            {**waiver, "policy": "MTC601", "subject": {"name": "pv-0042"}, "atMost": 0},
        ],
        {item.id: item.name for item in POLICIES},
    )
    previous = [
        *delta.baseline([volume("pv-0007", "Failed"), volume("pv-0001", "Failed"), OLD]),
        *delta.baseline([finding("MTC602", "fail", SOURCE), UNKNOWN]),
        *delta.baseline([finding("MTC202", "fail", DESTINATION, key="old")]),
    ]
    compared = delta.compare(waivers.apply(given, held), delta.parse(previous))
    return gate.decide(compared, gate.Gate(status=True))


def ready() -> Report:
    """Everything met."""
    return gate.decide(report(*GOOD), gate.Gate())


def empty() -> Report:
    """Nothing was given."""
    return report(
        finding("MTC101", "unknown", Subject(kind="Migration"), key="not-gathered"),
        clusters=(),
        plan="",
        parts=(),
    )


def hostile(text: str) -> Report:
    """Every text that evidence or a caller can choose is this one."""
    subject = Subject(text, text, text, text, text)
    origin = Origin(text, text)
    item = finding(
        "MTC601",
        "fail",
        subject,
        message=text,
        found=text,
        wanted=text,
        key=text,
        evidence=(Pointer(origin, text, text, 3), Pointer(Origin(text), text, text)),
        commands=(Command(text, text),),
        missing=(Missing(text, text, text, text),),
    )
    waiver = parse(
        [
            {
                "policy": "MTC602",
                "subject": {"kind": "*"},
                "reason": "x" + text[:500],
                "owner": "x" + text[:500],
                "ticket": text[:500],
                "id": text[:500],
                "expires": "2026-04-30",
            }
        ],
        {item.id: item.name for item in POLICIES},
    )
    waived = finding("MTC602", "fail", subject, message=text)
    given = report(
        finding("MTC101", "pass", subject, message=text),
        item,
        waived._replace(fingerprint=fingerprint("MTC602", subject, "w")),
        problems=(Problem("object-malformed", text, text, text, text, 1, 3, 4, text),),
        clusters=(ClusterSummary("source", text, True, False, text, text, text, 1),),
        plan=text,
    )
    before = [
        {
            "fingerprint": "0" * 32,
            "verdict": "fail",
            "policy": "MTC901",
            "title": text,
            "message": text,
            "subject": {"cluster": text, "name": text},
        }
    ]
    compared = delta.compare(waivers.apply(given, waiver), delta.parse(before))
    return gate.decide(compared, gate.Gate())
