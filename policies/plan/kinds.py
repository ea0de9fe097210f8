"""The kinds of objects in the plan's namespaces, and those that the plan asks for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from shlex import quote
from typing import Any

from policies import links
from policies.data.kubernetes_apis import ONE_OBJECT, served_by, stable
from policies.plan.namespaces.namespace_entries import NamespacesPolicy
from policies.plan.plan_policies import PLAN_READS
from service.core.evidence import Gaps, Missing, NotGathered
from service.core.facts import release, served_apis
from service.core.facts.served_apis import has_kind, not_known, serves
from service.core.migration import Cluster, Migration
from service.core.outcome import (
    Outcome,
    Severity,
    at_destination,
    failed,
    passed,
    passes_alone,
    unknown,
)
from service.core.settings.table import SETTINGS
from service.core.values.wording import few, plural
from service.kinds.apis import (
    AUTOSCALER,
    CRD,
    KUBERNETES_INGRESS,
    POD_DISRUPTION_BUDGET,
    CustomResourceDefinition,
)
from service.kinds.network import NETWORK_POLICY
from service.kinds.ref import Pointer, Subject
from service.kinds.resource import Read, Resource
from service.kinds.workloads import CRON_JOB, DAEMON_SET, DEPLOYMENT, STATEFUL_SET

LOOKED_AT: tuple[Resource[Any], ...] = (
    CRON_JOB,
    POD_DISRUPTION_BUDGET,
    AUTOSCALER,
    KUBERNETES_INGRESS,
)
"""Kinds in applications of which Kubernetes has removed versions."""
OLD_ONLY: tuple[Resource[Any], ...] = (DEPLOYMENT, STATEFUL_SET, DAEMON_SET, NETWORK_POLICY)
"""Kinds that have stable versions since OpenShift 3.9: only earlier releases lose them."""

BUILT_IN = (".k8s.io", ".openshift.io")
"""Groups of Kubernetes and OpenShift, whose kinds need no definition."""
EXCLUDED = frozenset(SETTINGS["excluded_resources"].default.split(", "))
_VERSION = re.compile(r"v(\d{1,9})(?:(alpha|beta)(\d{1,9}))?")

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
        *served_apis.READS,
        *release.OPENSHIFT_READS,
        *(Read(resource, plan_namespaces=True) for resource in (*LOOKED_AT, *OLD_ONLY)),
    )
    declares = ("openshiftVersion",)
    remedy = (
        "Create the objects on the destination in a version that it serves, install the "
        "operator of a custom kind there, or exclude the kind."
    )
    docs = (links.KIND_WARNING, links.ABOUT)
    source = "mig-controller pkg/gvk/gvk.go, pkg/controller/migplan/gvk.go; BZ#2149119"
    upstream = ("GVKsIncompatible",)
    better = (
        "A blocker if objects are certainly left behind. Also checks versions that are served "
        "but not preferred. Uses the OpenShift releases where the API lists are missing."
    )

    @passes_alone
    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        gaps = Gaps()
        examined = 0
        uses = _uses(migration, gaps)
        for use, (count, pointer) in uses.items():
            examined += count
            served, evidence = _served(migration.destination, use)
            if served is None:
                gaps.note(not_known(migration.destination, f"whether {use[1]}/{use[2]} is served"))
            elif not served:
                api = f"{use[1]}/{use[2]}"
                objects = plural(count, "object")
                yield _left_behind(migration, use, objects, (pointer, *evidence), api)
        yield from (*_reported(migration, uses), *_custom(migration, gaps))
        gaps.require_none()
        yield passed(
            migration.destination.subject,
            f"the kinds of the plan's namespaces are served ({plural(examined, 'object')})",
            examined=examined or 1,
        )


def _uses(migration: Migration, gaps: Gaps) -> dict[Use, tuple[int, Pointer]]:
    """How many objects of each version of a kind there are, and where the first is."""
    found: dict[Use, tuple[int, Pointer]] = {}
    for resource in (*LOOKED_AT, *OLD_ONLY):
        if resource.plural in migration.plan.excluded_resources:
            continue
        for item in migration.source.known(resource, migration.source_namespaces):
            group, _, version = item.ref.api_version.rpartition("/")
            group, version = _kept(migration.source, group, version, resource.kind)
            use = (item.ref.namespace, group, version, resource.kind)
            count, first = found.get(use, (0, item.ref.at("/apiVersion", item.ref.api_version)))
            found[use] = (count + 1, first)
        if resource in LOOKED_AT:
            with gaps.noted():
                migration.source.all(resource, migration.source_namespaces)
    return found


def _kept(source: Cluster, group: str, version: str, kind: str) -> tuple[str, str]:
    """The version in which a backup holds a kind; `oc` of OpenShift 3 prints older ones."""
    if kind not in ONE_OBJECT or version == "v1":
        return group, version
    try:
        return stable(release.openshift(source).value, kind) or (group, version)
    except NotGathered:
        return group, version


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
    migration: Migration, use: Use, count: str, evidence: tuple[Pointer, ...], name: str
) -> Outcome:
    """``name`` is the kind as `oc get` takes it, or the version of a kind of Kubernetes."""
    namespace, group, version, kind = use
    api = f"{group}/{version}"
    argument = kind.lower() if name == api else name
    return failed(
        Subject(migration.source.name, "v1", "Namespace", "", namespace),
        f"namespace {namespace} has {count} of kind {kind} in version {api}, "
        "which the destination does not serve: MTC skips them",
        *evidence,
        found=f"{kind} {api}",
        wanted=f"a version of {kind} that the destination serves",
        key=f"{kind} {api}",
        commands=(
            f"oc get {quote(argument)} -n {quote(namespace)} -o json",
            at_destination(f"oc explain {quote(argument)}"),
        ),
        severity=Severity.BLOCKER,
    )


def _reported(migration: Migration, uses: dict[Use, tuple[int, Pointer]]) -> Iterator[Outcome]:
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
    return next(item.plural for item in (*LOOKED_AT, *OLD_ONLY) if item.kind == kind)


def _custom(migration: Migration, gaps: Gaps) -> Iterator[Outcome]:
    """Custom kinds that the destination lacks, or lacks in the version that the source prefers."""
    source = migration.source
    lacking: dict[str, list[str]] = {}
    for item in source.known(CRD):
        if not item.namespaced or item.plural in migration.plan.excluded_resources:
            continue
        version = max(item.served, key=_rank, default="")
        served = _has_custom(migration.destination, item.group, item.kind, version)
        if served is None:
            gaps.note(not_known(migration.destination, "the kinds that the destination serves"))
        if served is not False:
            continue
        name = f"{item.plural}.{item.group}"
        objects = dict(_objects(migration, item))
        for namespace, pointer in objects.items():
            use = (namespace, item.group, version, item.kind)
            at = item.ref.at("/spec/versions", ", ".join(item.served))
            yield _left_behind(migration, use, "objects", (pointer, at), name)
        for namespace in migration.source_namespaces:
            if namespace not in objects and not {(name, ""), (name, namespace)} & source.looked:
                lacking.setdefault(namespace, []).append(name)
    with gaps.noted():
        source.all(CRD)
    yield from _undefined(migration, gaps)
    if lacking:
        yield _lacking(migration, lacking)


def _undefined(migration: Migration, gaps: Gaps) -> Iterator[Outcome]:
    """Objects of custom kinds whose definitions are not in the evidence of the source."""
    defined = {(item.group, item.kind) for item in migration.source.known(CRD)}
    for other, pointer in migration.source.others.items():
        group, _, version = other.api_version.rpartition("/")
        plural = f"{other.kind.lower()}s"
        known = (group, other.kind) in defined or "." not in group or group.endswith(BUILT_IN)
        if known or other.namespace not in migration.source_namespaces or plural in EXCLUDED:
            continue
        served = _has_custom(migration.destination, group, other.kind, version)
        if served is None:
            gaps.note(not_known(migration.destination, f"whether {other.api_version} is served"))
        elif not served:
            use = (other.namespace, group, version, other.kind)
            yield _left_behind(migration, use, "objects", (pointer,), f"{plural}.{group}")


def _has_custom(destination: Cluster, group: str, kind: str, version: str) -> bool | None:
    """Whether the destination serves a custom kind in a version; None where that is not known."""
    if version:
        answer = serves(destination, group, version, kind)
        if answer.served is not None:
            return answer.served
    found = has_kind(destination, group, kind).served
    if found is None:
        shelf = destination.inventory.shelf(CRD)
        return False if shelf is not None and shelf.whole else None
    return found


def _objects(migration: Migration, item: CustomResourceDefinition) -> Iterator[tuple[str, Pointer]]:
    """The plan's namespaces that hold objects of a custom kind, as far as it is in the evidence."""
    for other, pointer in migration.source.others.items():
        group = other.api_version.rpartition("/")[0]
        if (group, other.kind) != (item.group, item.kind):
            continue
        if other.namespace in migration.source_namespaces:
            yield other.namespace, pointer


def _rank(version: str) -> tuple[int, int, int, str]:
    """The order in which Kubernetes prefers versions: v2, v1, v1beta2, v1alpha1, then others."""
    found = _VERSION.fullmatch(version)
    if found is None:
        return (0, 0, 0, version)
    major, stage, minor = found.groups(default="")
    order = {"": 3, "beta": 2, "alpha": 1}[stage]
    return (order, int(major), int(minor or 0), "")


def _lacking(migration: Migration, lacking: dict[str, list[str]]) -> Outcome:
    names = sorted({name for names in lacking.values() for name in names})
    return unknown(
        migration.source.subject,
        f"the destination does not serve {plural(len(names), 'custom kind')} in the version that "
        f"the source prefers ({few(names)}); cannot verify whether the plan's namespaces contain "
        "objects of these kinds",
        *(
            Missing(
                f"objects of these kinds in {namespace}",
                migration.source.role,
                _list_command(sorted(kinds)[:50], namespace),
            )
            for namespace, kinds in list(lacking.items())[:10]
        ),
        key="custom-kinds",
    )


def _list_command(kinds: list[str], namespace: str) -> str:
    mark = ", ".join(f"{kind}/{namespace}" for kind in kinds)
    listed = f"oc get {quote(','.join(kinds))} -n {quote(namespace)} -o json"
    return f"{listed} && echo {quote(f'--- {{complete: [{mark}]}}')}"
