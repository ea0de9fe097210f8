"""What an intake amounts to: which cluster has which role, which plan is meant."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from service.core.evidence import Problem, Role
from service.core.migration import Cluster, Migration
from service.intake.gathering import Gathering
from service.intake.intake import Intake
from service.intake.options import requested_by
from service.intake.pieces import BadInput, no_plan, nothing_given
from service.intake.release_data import built_in
from service.kinds.mtc import MIG_CLUSTER, MIG_PLAN, MIG_STORAGE, MigPlan, MigStorage
from service.kinds.shape import MOST_NAME

_PART_OF_ID = re.compile(r"[0-9a-f]{8}")
"""How OADP's must-gather calls the folder of a cluster: the first eight digits of its ID."""


def settle(intake: Intake) -> None:
    """Settle which cluster has which role, and build the migration. Raises BadInput."""
    if intake.plan_given and not intake.loose.entries(MIG_PLAN):
        # Every verdict would be about something else.
        about = [item for item in intake.problems if _is_about_the_plan(item)]
        raise BadInput("unprocessable", *(about or intake.problems or [no_plan()]))
    if not (intake.objects or intake.probes or intake.gatherings or intake.graphs):
        raise BadInput("unprocessable", *(intake.problems or [nothing_given()]))
    host = _host(intake)
    intake.gathering(host).absorb(intake.loose)
    clusters = {
        role: intake.gathering(role.value).cluster(role)
        for role in Role
        if role is not Role.HOST or host == Role.HOST
    }
    plan, reason = _plan(clusters, intake)
    at_host = clusters[Role(host)]
    intake.migration = Migration(
        source=clusters[Role.SOURCE],
        destination=clusters[Role.DESTINATION],
        host=at_host,
        requested=requested_by(intake.options),
        given_plan=plan,
        plan_reason=reason,
        given_storage=_storage(at_host, plan),
        probes=tuple(intake.probes),
        graphs=tuple(intake.graphs),
        releases=built_in(),
        parts=tuple(intake.parts),
        problems=tuple(intake.problems),
    )


def _host(intake: Intake) -> str:
    """Give every gathering its role; returns the role of the host.

    The host is, in this order: what the options say; the cluster whose own MigCluster
    (isHostCluster) the plan names as source or destination; a part called host; the cluster
    that holds MigPlans, or its own MigCluster; the destination (MTC's default).
    """
    plan = _first_plan(intake)
    source, destination = _references(plan)
    own = _host_name(intake)
    host = str(intake.options.get("controller_on") or "")
    if not host and own and own in (source, destination):
        host = Role.SOURCE if own == source else Role.DESTINATION
    hosts = _place_hosts(intake, host)
    if not host and Role.HOST in intake.gatherings:
        host = Role.HOST
    if not host:
        sides = [
            (role.value, intake.gatherings[role])
            for role in (Role.DESTINATION, Role.SOURCE)
            if role in intake.gatherings
        ]
        holders = [role for role, found in sides if MIG_PLAN in found.shelves]
        holders += [role for role, found in sides if _own_name(found)]
        host = holders[0] if holders else Role.DESTINATION
    _place_remotes(intake, (source, destination), host, hosts)
    if host != Role.HOST and Role.HOST in intake.gatherings:
        intake.gathering(host).absorb(intake.gatherings.pop(Role.HOST))
    return str(host)


def _place_hosts(intake: Intake, host: str) -> set[str]:
    """Give the folders ``host`` of MTC's must-gathers their role; returns the parts they came in.

    The image calls every cluster so that it runs on. It is the one that runs MTC if it holds its
    own MigCluster, whatever part it came in.
    """
    labels = [label for label in intake.gatherings if label.endswith(":host")]
    for label in labels:
        found = intake.gatherings.pop(label)
        role = host if host and _own_name(found) else label.partition(":")[0]
        intake.gathering(role).absorb(found)
    return {label.partition(":")[0] for label in labels}


def _place_remotes(intake: Intake, refs: tuple[str, str], host: str, hosts: set[str]) -> None:
    """Give the other folders of clusters their role.

    MTC's image calls them by their MigCluster, and the plan knows which is which. Without a plan,
    the only one beside a folder ``host`` is the side that the host is not.
    """
    remotes = [label for label in intake.gatherings if ":" in label]
    names = {label.partition(":")[2] for label in remotes}
    sides = dict(zip(refs, ("source", "destination"), strict=True))
    for label in remotes:
        part, _, name = label.partition(":")
        found = intake.gatherings.pop(label)
        role = sides.get(name)
        if role is None and _PART_OF_ID.fullmatch(name):
            role = _role_by_id(intake, found, part, name)
        elif role is None and found.own:
            role = part
        elif role is None and not refs[0] and len(names) == 1 and host != Role.HOST:
            role = _other(host) if part in hosts else part
        if role is not None:
            intake.gathering(role).absorb(found)
        elif found.shelves:
            intake.problems.append(_left_out(part, name, refs, names))


def _other(role: str) -> str:
    return str(Role.SOURCE if role == Role.DESTINATION else Role.DESTINATION)


def _role_by_id(intake: Intake, found: Gathering, part: str, start: str) -> str | None:
    """The part itself, or the role, whose cluster ID begins so."""
    for role, gathering in ((part, found), *intake.gatherings.items()):
        ids = gathering.identities.get("spec/clusterID", ())
        if ":" not in role and any(item.startswith(start) for item in ids):
            return role
    return None


def _left_out(part: str, name: str, refs: tuple[str, str], names: set[str]) -> Problem:
    text = f"the folder {name} of the archive was left out: "
    if _PART_OF_ID.fullmatch(name):
        text += f"no cluster ID that was given begins with {name}"
        hint = "add to the part: oc get clusterversion version -o json"
    elif refs[0]:
        text += f"it is of a MigCluster that the plan does not name ({refs[0]}, {refs[1]})"
        hint = ""
    else:
        text += f"no plan says which of the clusters {', '.join(sorted(names)[:5])} is the source"
        hint = "give the MigPlan as the part plan"
    return Problem("unknown-cluster", text, hint, part=part, blocks=bool(hint))


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


def _first_plan(intake: Intake) -> Mapping[str, Any] | None:
    for gathering in (intake.loose, *intake.gatherings.values()):
        for entry in gathering.entries(MIG_PLAN):
            return entry.value
    return None


def _host_name(intake: Intake) -> str:
    """The name of the MigCluster that calls itself the host."""
    names = (_own_name(item) for item in (intake.loose, *intake.gatherings.values()))
    return next(filter(None, names), "")


def _own_name(gathering: Gathering) -> str:
    for entry in gathering.entries(MIG_CLUSTER):
        spec = entry.value.get("spec")
        if isinstance(spec, dict) and spec.get("isHostCluster") is True:
            return entry.name
    return ""


def _plan(clusters: Mapping[Role, Cluster], intake: Intake) -> tuple[MigPlan | None, str]:
    """The plan that is meant, or None and why."""
    asked = str(intake.options.get("plan_name") or "")
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
    posted = {(entry.namespace, entry.name) for entry in intake.loose.entries(MIG_PLAN)}
    if not posted <= plans.keys():
        raise BadInput("unprocessable", *unread)
    candidates = [plan for key, plan in plans.items() if not posted or key in posted]
    candidates = [plan for plan in candidates if not plan.closed] or candidates
    if len(candidates) == 1:
        return candidates[0], ""
    if not candidates:
        return None, "malformed" if unread else ""
    names = ", ".join(f"{plan.ref.namespace}/{plan.ref.name}" for plan in candidates[:10])
    return None, f"several plans were given ({names}): name one with plan_name"


def _no_such_plan(asked: str, plans: Mapping[tuple[str, str], MigPlan]) -> Problem:
    names = ", ".join(f"{space}/{name}".lstrip("/") for space, name in list(plans)[:20])
    more = " …" * (len(plans) > 20)
    return Problem(
        "no-such-plan",
        f"there is no plan {asked[:MOST_NAME]!r} in the evidence",
        f"there are: {names}{more}" if names else "the plans there cannot be read",
        pointer="/options/planName",
    )


def _is_about_the_plan(problem: Problem) -> bool:
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
