"""The kinds that a plan chooses."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches

from policies import links
from policies.plan.plan_policies import GIVEN, PLAN_READS, VALIDATION, edit, named
from service.core.evidence import Gaps, NotGathered
from service.core.facts import release, served_apis
from service.core.facts.served_apis import has_kind, kinds_of, not_known
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, failed, passed, passes_alone
from service.core.policy import MigrationPolicy, NotApplicable
from service.kinds.registry import BY_GROUP_KIND

ADDED = ("migration.openshift.io", "kubevirt.io", "operators.coreos.com")
"""Groups that an operator adds. This product reads them, but a cluster may not have them."""


class IncludedResources(MigrationPolicy):
    """Every kind of spec.includedResources exists on the source, by group and kind.

    A kind is written as in a manifest (`Deployment`), not as a resource (`deployments`).
    """

    id = "MTC718"
    name = "included-resources"
    title = "The kinds that the plan includes exist on the source"
    why = "The plan never becomes Ready."
    reads = (*PLAN_READS, *served_apis.READS, *release.OPENSHIFT_READS)
    declares = ("openshiftVersion",)
    requires = GIVEN
    remedy = "Write group and kind as in apiVersion and kind of an object of that kind."
    docs = (links.ABOUT,)
    source = f"{VALIDATION} validateIncludedResources"
    upstream = ("InvalidResourceList",)
    better = "Suggests the kind that was probably meant."

    def applies(self, migration: Migration) -> None:
        if not migration.plan.included_resources:
            raise NotApplicable("the plan does not select kinds")

    @passes_alone
    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        plan, source = migration.plan, migration.source
        gaps = Gaps()
        for index, (group, kind) in enumerate(plan.included_resources):
            there = _exists(source, group, kind)
            if there is None:
                gaps.note(not_known(source, f"whether {kind} of group {group or 'core'} exists"))
            elif not there:
                meant = _meant(source, group, kind)
                yield failed(
                    plan.ref.subject,
                    f"{named(plan)} includes kind {kind!r} of group {group or 'core'}, which the "
                    f"source does not have" + (f"; did you mean {meant}?" if meant else ""),
                    plan.ref.at(f"/spec/includedResources/{index}", f"{group}/{kind}"),
                    found=f"{group}/{kind}",
                    wanted=meant or "a kind of the source",
                    key=f"{group}/{kind}",
                    commands=("oc api-resources", edit(plan)),
                )
        gaps.require_none()
        count = len(plan.included_resources)
        yield passed(source.subject, f"every included kind exists ({count})", examined=count)


def _exists(source: Cluster, group: str, kind: str) -> bool | None:
    if kind.islower() and kind in map(str.lower, kinds_of(source, group)):
        return True  # MTC's RESTMapper takes a kind in small letters for the kind itself
    answer = has_kind(source, group, kind)
    if answer.served is not None:
        return answer.served
    known = BY_GROUP_KIND.get((group, kind))
    if known is None or group.endswith(ADDED):
        return None
    try:
        major = release.openshift(source).value.major
    except NotGathered:
        return None
    if group == known.group:
        return major in known.releases
    return True if major == 3 else None  # an old group, of which OpenShift 4 keeps some


def _meant(source: Cluster, group: str, kind: str) -> str:
    names = {item.lower(): item for item in kinds_of(source, group)}
    near = get_close_matches(kind.lower(), list(names), 1, 0.7)
    return names[near[0]] if near else ""
