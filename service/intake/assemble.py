"""Out of gatherings a migration: which cluster has which role, which plan is meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from service.core.evidence import Problem, Role
from service.core.migration import Cluster, Migration, Part, Probe, Requested, UpdateGraph
from service.intake.gathering import Gathering
from service.intake.pieces import BadInput
from service.kinds.mtc import MIG_CLUSTER, MIG_PLAN, MIG_STORAGE, MigPlan, MigStorage
from service.kinds.shape import MOST_NAME

REMOTE = "mig:"
"""Prefix of the label of a remote cluster in an MTC must-gather; the MigCluster's name follows."""


@dataclass(slots=True)
class Assembly:
    """What the pieces of a request held, before roles are settled.

    ``loose`` holds MTC's own resources of the parts plan, storage and controller; they belong
    to the host cluster, whichever that is. ``plan_given`` says that there is a part plan.
    """

    gatherings: dict[str, Gathering] = field(default_factory=dict)
    loose: Gathering = field(default_factory=lambda: Gathering("loose"))
    probes: list[Probe] = field(default_factory=list)
    graphs: list[UpdateGraph] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    plan_given: bool = False

    def gathering(self, label: str) -> Gathering:
        """The gathering of a role or remote cluster, made when first needed."""
        if label not in self.gatherings:
            self.gatherings[label] = Gathering(label)
        return self.gatherings[label]

    @property
    def objects(self) -> int:
        """How many objects were taken in all."""
        return self.loose.objects + sum(item.objects for item in self.gatherings.values())


def assemble(assembly: Assembly, options: Mapping[str, Any], requested: Requested) -> Migration:
    """Settle the roles and build the migration."""
    host = _settle(assembly, options)
    given = assembly.gatherings
    given.setdefault(host, Gathering(host)).absorb(assembly.loose)
    clusters = {
        role: given.get(role.value, Gathering(role.value)).cluster(role)
        for role in Role
        if role is not Role.HOST or host == Role.HOST
    }
    source, destination = clusters[Role.SOURCE], clusters[Role.DESTINATION]
    at_host = clusters[Role(host)]
    plan, reason = _plan(clusters, assembly, options)
    return Migration(
        source=source,
        destination=destination,
        host=at_host,
        requested=requested,
        given_plan=plan,
        plan_reason=reason,
        given_storage=_storage(at_host, plan),
        probes=tuple(assembly.probes),
        graphs=tuple(assembly.graphs),
        parts=tuple(assembly.parts),
        problems=tuple(assembly.problems),
    )


def _settle(assembly: Assembly, options: Mapping[str, Any]) -> str:
    """Give every gathering its role; returns the role of the host.

    The host is, in this order: what the options say; the cluster whose own MigCluster
    (isHostCluster) the plan names as source or destination; a part called host; the cluster
    that holds MigPlans; the destination (MTC's default).
    """
    plan = _first_plan(assembly)
    source, destination = _references(plan)
    own = _host_name(assembly)
    host = str(options.get("host") or "")
    if not host and own and own in (source, destination):
        host = Role.SOURCE if own == source else Role.DESTINATION
    if not host and Role.HOST in assembly.gatherings:
        host = Role.HOST
    if not host:
        holders = [
            role.value
            for role in (Role.DESTINATION, Role.SOURCE)
            if role in assembly.gatherings and MIG_PLAN in assembly.gatherings[role].stacks
        ]
        host = holders[0] if holders else Role.DESTINATION
    _name_remotes(assembly, source, destination, host)
    if host != Role.HOST and Role.HOST in assembly.gatherings:
        assembly.gathering(host).absorb(assembly.gatherings.pop(Role.HOST))
    return str(host)


def _name_remotes(assembly: Assembly, source: str, destination: str, host: str) -> None:
    """Clusters of an MTC must-gather are called by their MigCluster; the plan knows which is
    which. Without a plan, the only remote one is the side that the host is not."""
    remotes = [label for label in assembly.gatherings if label.startswith(REMOTE)]
    for label in remotes:
        name = label.removeprefix(REMOTE)
        role = {source: Role.SOURCE, destination: Role.DESTINATION}.get(name)
        if role is None and not source and len(remotes) == 1 and host != Role.HOST:
            role = Role.SOURCE if host == Role.DESTINATION else Role.DESTINATION
        found = assembly.gatherings.pop(label)
        if role is not None:
            found.name = ""
            assembly.gathering(role).absorb(found)


def _references(plan: Mapping[str, Any] | None) -> tuple[str, str]:
    spec = plan.get("spec") if plan else None
    if not isinstance(spec, dict):
        return "", ""
    names = []
    for key in ("srcMigClusterRef", "destMigClusterRef"):
        reference = spec.get(key)
        name = reference.get("name") if isinstance(reference, dict) else None
        names.append(name if isinstance(name, str) else "")
    return names[0], names[1]


def _first_plan(assembly: Assembly) -> Mapping[str, Any] | None:
    for gathering in (assembly.loose, *assembly.gatherings.values()):
        stack = gathering.stacks.get(MIG_PLAN)
        if stack and stack.entries:
            return stack.entries[0].value
    return None


def _host_name(assembly: Assembly) -> str:
    """The name of the MigCluster that calls itself the host."""
    for gathering in (assembly.loose, *assembly.gatherings.values()):
        stack = gathering.stacks.get(MIG_CLUSTER)
        for entry in stack.entries if stack else ():
            spec = entry.value.get("spec")
            if isinstance(spec, dict) and spec.get("isHostCluster") is True:
                return entry.name
    return ""


def _plan(
    clusters: Mapping[Role, Cluster],
    assembly: Assembly,
    options: Mapping[str, Any],
) -> tuple[MigPlan | None, str]:
    """The plan that is meant, or None and why."""
    asked = str(options.get("plan") or "")
    plans = {
        (plan.ref.namespace, plan.ref.name): plan
        for cluster in clusters.values()
        for plan in cluster.known(MIG_PLAN)
    }
    unread = [item for cluster in clusters.values() for item in cluster.inventory.problems()]
    if asked:
        found = [
            plan for (space, name), plan in plans.items() if asked in (name, f"{space}/{name}")
        ]
        if not found and (plans or unread):
            raise BadInput("unprocessable", _no_such_plan(asked, plans), *unread)
        reason = f"no plan {asked!r} was given" if not found else f"several plans {asked!r}"
        return (found[0], "") if len(found) == 1 else (None, reason)
    loose = assembly.loose.stacks.get(MIG_PLAN)
    posted = {(entry.namespace, entry.name) for entry in loose.entries} if loose else set()
    if not posted <= plans.keys():
        raise BadInput("unprocessable", *unread)
    candidates = [plan for key, plan in plans.items() if not posted or key in posted]
    candidates = [plan for plan in candidates if not plan.closed] or candidates
    if len(candidates) == 1:
        return candidates[0], ""
    if not candidates:
        return None, "malformed" if unread else ""
    names = ", ".join(f"{plan.ref.namespace}/{plan.ref.name}" for plan in candidates[:10])
    return None, f"several plans were given ({names}): name one with ?plan="


def _no_such_plan(asked: str, plans: Mapping[tuple[str, str], MigPlan]) -> Problem:
    names = ", ".join(f"{space}/{name}".lstrip("/") for space, name in list(plans)[:20])
    more = " …" * (len(plans) > 20)
    return Problem(
        "no-such-plan",
        f"there is no plan {asked[:MOST_NAME]!r} in the evidence",
        f"there are: {names}{more}" if names else "the plans there cannot be read",
        pointer="/options/plan",
    )


def is_about_the_plan(problem: Problem) -> bool:
    """Whether it is the plan of the request that has this problem."""
    return problem.part == "plan" or f"{problem.pointer}/".startswith("/plan/")


def _storage(host: Cluster, plan: MigPlan | None) -> MigStorage | None:
    known = host.known(MIG_STORAGE)
    if plan is not None and plan.storage.is_set:
        for item in known:
            if (item.ref.namespace, item.ref.name) == (plan.storage.namespace, plan.storage.name):
                return item
        return None
    return known[0] if len(known) == 1 else None


def now() -> datetime:
    """The current minute, in UTC: within it, the same evidence gets the same report."""
    return datetime.now(UTC).replace(second=0, microsecond=0)
