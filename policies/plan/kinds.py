"""The kinds of objects in the plan's namespaces, and those that the plan asks for."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote
from typing import Any

from policies.data.kubernetes_apis import served_by
from policies.plan.namespaces.namespace_entries import NamespacesPolicy
from policies.plan.plan_policies import ABOUT, PLAN_READS
from service.core.evidence import Missing, NotGathered
from service.core.facts import apis, release
from service.core.facts.apis import has_kind, serves, untold
from service.core.link import Link
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, failed, passed, unknown
from service.core.values.wording import few, plural
from service.kinds.apis import AUTOSCALER, CRD, KUBERNETES_INGRESS, POD_DISRUPTION_BUDGET
from service.kinds.ref import Pointer, Subject
from service.kinds.resource import Read, Resource
from service.kinds.workloads import CRON_JOB

WARNING_PAGE = Link(
    "Incompatible kinds",
    "https://github.com/migtools/mig-operator/blob/master/docs/usage/GVKWarning.md",
)
LOOKED_AT: tuple[Resource[Any], ...] = (
    CRON_JOB,
    POD_DISRUPTION_BUDGET,
    AUTOSCALER,
    KUBERNETES_INGRESS,
)
"""Kinds in applications of which Kubernetes has removed versions."""

Use = tuple[str, str, str, str]
"""Namespace, group, version and kind."""


class KindsServed(NamespacesPolicy):
    """What the plan's namespaces hold is served by the destination, in the same API version.

    A backup holds objects in the version that the source prefers, and what the destination does
    not serve is left out of the restore. The controller only warns; a kind that certainly stays
    behind is a blocker here. It compares with the versions that the destination *prefers*, so
    it also warns of some that are served. Custom kinds are compared by their definitions; where
    the destination lacks one, whether the namespaces hold objects of it is to be looked up.
    """

    id = "MTC719"
    name = "kinds-served"
    title = "The destination serves the kinds of the plan's namespaces, in the same versions"
    why = "Objects of kinds that are not served are skipped, and the application is incomplete."
    severity = Severity.WARNING
    reads = (
        *PLAN_READS,
        *apis.READS,
        *release.READS,
        *(Read(resource, plan_namespaces=True) for resource in LOOKED_AT),
    )
    declares = ("openshiftVersion",)
    remedy = (
        "Create the objects on the destination in a version that it serves, install the "
        "operator of a custom kind there, or exclude the kind."
    )
    docs = (WARNING_PAGE, ABOUT)
    source = "mig-controller pkg/gvk/gvk.go, pkg/controller/migplan/gvk.go; BZ#2149119"
    upstream = ("GVKsIncompatible",)
    better = (
        "A blocker if objects are certainly left behind. Also checks versions that are served "
        "but not preferred. Uses the OpenShift releases where the API lists are missing."
    )

    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        missing: dict[Missing, None] = {}
        sound = True
        examined = 0
        uses = _uses(migration, missing)
        for use, (count, pointer) in uses.items():
            examined += count
            served, evidence = _served(migration.destination, use)
            if served is None:
                doubt = untold(migration.destination, f"whether {use[1]}/{use[2]} is served")
                missing.update(dict.fromkeys(doubt.missing))
            elif not served:
                sound = False
                yield _left_behind(migration, use, count, (pointer, *evidence))
        for outcome in (*_told(migration, uses), *_custom(migration, missing)):
            sound = False
            yield outcome
        if missing:
            raise NotGathered(*missing)
        if sound:
            yield passed(
                migration.destination.subject,
                f"the kinds of the plan's namespaces are served ({plural(examined, 'object')})",
                examined=examined or 1,
            )


def _uses(migration: Migration, missing: dict[Missing, None]) -> dict[Use, tuple[int, Pointer]]:
    """How many objects of each version of a kind there are, and where the first is."""
    found: dict[Use, tuple[int, Pointer]] = {}
    for resource in LOOKED_AT:
        if resource.plural in migration.plan.excluded_resources:
            continue
        for item in migration.source.known(resource, migration.source_namespaces):
            group, _, version = item.ref.api_version.rpartition("/")
            use = (item.ref.namespace, group, version, resource.kind)
            count, first = found.get(use, (0, item.ref.at("/apiVersion", version)))
            found[use] = (count + 1, first)
        try:
            migration.source.all(resource, migration.source_namespaces)
        except NotGathered as doubt:
            missing.update(dict.fromkeys(doubt.missing))
    return found


def _served(destination: Cluster, use: Use) -> tuple[bool | None, tuple[Pointer, ...]]:
    """By the API server's lists, else by the release; None where neither is known."""
    _, group, version, kind = use
    answer = serves(destination, group, version, kind)
    if answer.served is not None:
        return answer.served, answer.evidence
    try:
        now = release.openshift(destination)
    except NotGathered:
        return None, ()
    return served_by(now.value, group, version, kind), now.evidence


def _left_behind(
    migration: Migration, use: Use, count: int, evidence: tuple[Pointer, ...]
) -> Outcome:
    namespace, group, version, kind = use
    api = f"{group}/{version}"
    return failed(
        Subject(migration.source.name, "v1", "Namespace", "", namespace),
        f"namespace {namespace} has {plural(count, 'object')} of kind {kind} in version {api}, "
        "which the destination does not serve: MTC skips them",
        *evidence,
        found=f"{kind} {api}",
        wanted=f"a version of {kind} that the destination serves",
        key=f"{kind} {api}",
        commands=(
            f"oc get {quote(kind.lower())} -n {quote(namespace)} -o json",
            f"oc explain {quote(kind.lower())}",
        ),
        severity=Severity.BLOCKER,
        observed=count,
    )


def _told(migration: Migration, uses: dict[Use, tuple[int, Pointer]]) -> Iterator[Outcome]:
    """What the controller has written into the plan's status, as far as it is not refuted."""
    plan = migration.plan
    judged = {(use[0], f"{_plural(use[3])}.{use[2]}.{use[1]}") for use in uses}
    for namespace, kinds in plan.incompatible_namespaces:
        for kind in kinds:
            if (namespace, kind) in judged:
                continue
            yield failed(
                Subject(migration.source.name, "v1", "Namespace", "", namespace),
                f"MTC has found {kind} in {namespace}, which the destination does not serve, or "
                "does not prefer",
                plan.ref.at("/status/incompatibleNamespaces", kind),
                found=kind,
                wanted="kinds that the destination serves",
                key=kind,
                commands=(f"oc get {quote(kind)} -n {quote(namespace)}",),
            )


def _plural(kind: str) -> str:
    return next(item.plural for item in LOOKED_AT if item.kind == kind)


def _custom(migration: Migration, missing: dict[Missing, None]) -> Iterator[Outcome]:
    """Custom kinds of the source that the destination lacks: are there objects of them?"""
    source, destination = migration.source, migration.destination
    there = {(item.group, item.kind) for item in destination.known(CRD)}
    lacking = []
    for item in source.known(CRD):
        if not item.namespaced or item.plural in migration.plan.excluded_resources:
            continue
        if (item.group, item.kind) in there:
            continue
        answer = has_kind(destination, item.group, item.kind)
        if answer.served is None:
            shelf = destination.inventory.shelf(CRD)
            if shelf is None or not shelf.whole:
                doubt = untold(destination, "the kinds that the destination serves")
                missing.update(dict.fromkeys(doubt.missing))
                continue
        if not answer.served:
            lacking.append(f"{item.plural}.{item.group}")
    try:
        source.all(CRD)
    except NotGathered as doubt:
        missing.update(dict.fromkeys(doubt.missing))
    if lacking:
        lacking.sort()
        kinds = ",".join(lacking[:50])
        yield unknown(
            source.subject,
            f"the destination does not have {plural(len(lacking), 'custom kind')} of the source "
            f"({few(lacking)}); cannot verify whether the plan's namespaces contain objects of "
            "these kinds",
            *(
                Missing(
                    f"objects of these kinds in {name}",
                    source.role,
                    f"oc get {quote(kinds)} -n {quote(name)} --ignore-not-found",
                )
                for name in migration.source_namespaces[:10]
            ),
            key="custom-kinds",
        )
