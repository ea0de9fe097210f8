"""What the rules about MTC's own components share."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from policies import links
from service.core.facts.machinery import Component, ComponentState, state
from service.core.migration import Cluster
from service.core.outcome import Outcome, Severity, failed, passed
from service.core.values.wording import few
from service.kinds.mtc import MTC_NAMESPACE
from service.kinds.workloads import Pod

DOCS = (links.UPGRADING, links.TROUBLE)
CRASHING = "CrashLoopBackOff"
MANY_RESTARTS = 3
"""The number of restarts that the premigration checklists accept."""


def judged(
    cluster: Cluster, part: Component, severity: Severity | None = None
) -> Iterator[Outcome]:
    """Whether a component of a cluster runs, and what its pods suffer from. Raises NotGathered."""
    found = state(cluster, part)
    if not found.up:
        yield _down(cluster, part, found, severity)
        return
    ill = [*_crashing(part, found.pods, severity), *_ill(part, found.pods)]
    yield from ill
    if not ill:
        yield passed(
            cluster.subject, f"{part.title} runs: {found.text}", *found.evidence, key=part.names[0]
        )


def _down(
    cluster: Cluster, part: Component, found: ComponentState, severity: Severity | None
) -> Outcome:
    return failed(
        cluster.subject,
        f"{part.title} does not run: {found.text}",
        *found.evidence,
        found=found.text,
        wanted=f"every pod of {part.title} Running and ready",
        key=part.names[0],
        commands=(
            f"oc get deployments,daemonsets,pods -n {MTC_NAMESPACE}",
            f"oc get events -n {MTC_NAMESPACE} --sort-by=.lastTimestamp",
        ),
        severity=severity,
    )


def _crashing(
    part: Component, pods: tuple[Pod, ...], severity: Severity | None
) -> Iterator[Outcome]:
    """Containers that crash again and again, though a Deployment of another moment was ready."""
    for pod in pods:
        names = [one.name for one in pod.containers if one.waiting == CRASHING and not one.ready]
        if names:
            yield failed(
                pod.ref.subject,
                f"pod {pod.ref.name} of {part.title} is in {CRASHING} ({few(names)})",
                pod.ref.at("/status/containerStatuses", CRASHING),
                found=CRASHING,
                wanted="Running and ready",
                key="crashing",
                commands=(f"oc logs {quote(pod.ref.name)} -n {MTC_NAMESPACE} --previous",),
                severity=severity,
            )


def _ill(part: Component, pods: tuple[Pod, ...]) -> Iterator[Outcome]:
    for pod in pods:
        killed = [one.name for one in pod.containers if one.ended == "OOMKilled"]
        restarts = max((one.restarts for one in pod.containers), default=0)
        crashing = any(one.waiting == CRASHING and not one.ready for one in pod.containers)
        if crashing or (not killed and restarts <= MANY_RESTARTS):
            continue
        text = (
            f"was killed because it ran out of memory (container {few(killed)})"
            if killed
            else "restarts often"
        )
        yield failed(
            pod.ref.subject,
            f"pod {pod.ref.name} of {part.title} {text}",
            pod.ref.at("/status/containerStatuses"),
            found="OOMKilled" if killed else f"{restarts} restarts",
            wanted=f"at most {MANY_RESTARTS} restarts, none of them OOMKilled",
            key="memory" if killed else "restarts",
            commands=(f"oc logs {quote(pod.ref.name)} -n {MTC_NAMESPACE} --previous",),
            severity=Severity.WARNING,
            observed=restarts,
        )
