"""What is made by operators, catalogs and templates, which MTC leaves behind."""

from __future__ import annotations

from collections.abc import Iterator

from policies import links
from policies.needs.need_policies import PlanNeed
from policies.plan.plan_policies import PLAN_READS
from service.core.evidence import Gaps, NotGathered
from service.core.facts import release, served_apis
from service.core.facts.release import major, major_or
from service.core.facts.served_apis import has_kind
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, at_destination, failed, unknown
from service.core.policy import NotApplicable
from service.kinds.apis import SERVICE_INSTANCE, TEMPLATE_INSTANCE
from service.kinds.operators import CLUSTER_SERVICE_VERSION, SUBSCRIPTION, Subscription
from service.kinds.ref import Pointer, Ref
from service.kinds.resource import Read

GLOBAL = "openshift-operators"


class OperatorsOnDestination(PlanNeed):
    """Operators that are installed in the plan's namespaces are on the destination already.

    MTC never migrates Subscriptions, ClusterServiceVersions, OperatorGroups and objects of the
    service catalog; the custom resources arrive, but no operator handles them. An operator of
    openshift-operators serves every namespace; one of another namespace may not.
    """

    id = "MTC839"
    name = "operators-on-destination"
    title = "Operators of the plan's namespaces are installed on the destination"
    why = "The custom resources arrive without their operator, and the application does not start."
    reads = (
        *PLAN_READS,
        *release.READS,
        Read(SUBSCRIPTION, plan_namespaces=True),
        Read(CLUSTER_SERVICE_VERSION, plan_namespaces=True),
        Read(CLUSTER_SERVICE_VERSION, namespace=GLOBAL),
        Read(SUBSCRIPTION),
        Read(SERVICE_INSTANCE, plan_namespaces=True),
        Read(TEMPLATE_INSTANCE, plan_namespaces=True),
        *served_apis.READS,
    )
    declares = ("openshiftVersion",)
    remedy = "Install the operator for the namespace on the destination before the migration."
    docs = (links.ADVANCED, links.ABOUT)
    source = "MTC documentation, Excluding resources (the default list)"
    better = "MTC excludes operators and does not report it."
    good = "no operator of the plan's namespaces is left behind"

    def faults(self, migration: Migration, subject: Migration, gaps: Gaps) -> Iterator[Outcome]:
        source, names = migration.source, migration.source_namespaces
        packages: dict[str, Ref] = {}
        with gaps.noted():
            if major(source) > 3:
                source.all(SUBSCRIPTION, names)
                source.all(CLUSTER_SERVICE_VERSION, names)
        for item in source.known(SUBSCRIPTION, names):
            packages.setdefault(item.package, item.ref)
        held = {one.installed_csv for one in source.known(SUBSCRIPTION, names)}
        for version in source.known(CLUSTER_SERVICE_VERSION, names):
            name = version.ref.name.partition(".")[0]
            like = {package.replace("-", "") for package in packages}
            if version.copied or version.ref.name in held or name.replace("-", "") in like:
                continue
            packages.setdefault(name, version.ref)
        for package, ref in packages.items():
            with gaps.noted():
                yield from _absent(migration, package, ref)
        with gaps.noted():
            # The service catalog came with OpenShift 3 and left with OpenShift 4.
            served = has_kind(source, SERVICE_INSTANCE.group, SERVICE_INSTANCE.kind).served
            if major(source) == 3 and served is not False:
                source.all(SERVICE_INSTANCE, names)
        instances = list(_catalog(migration))
        yield from instances
        if not packages and not instances and not gaps.missing and major_or(source) == 3:
            raise NotApplicable("OpenShift 3 has no Operator Lifecycle Manager")


def _absent(migration: Migration, package: str, ref: Ref) -> Iterator[Outcome]:
    targets = {GLOBAL, *(one.destination for one in migration.plan.namespaces)}
    there = [one for one in migration.destination.known(SUBSCRIPTION) if one.package == package]
    serving = [one for one in there if one.ref.namespace in targets]
    if serving:
        yield from _unlike(migration, package, ref, serving[0])
        return
    if there:
        yield _other_namespace(package, ref, there[0])
        return
    text = f"operator {package} is installed in namespace {ref.namespace}; MTC leaves it behind"
    try:
        migration.destination.all(SUBSCRIPTION)
    except NotGathered as gap:
        yield unknown(
            ref.subject,
            f"{text}; cannot verify whether it is installed on the destination",
            *gap.missing,
            key=package,
            evidence=(ref.at("/spec/name", package),),
            severity=Severity.BLOCKER,
        )
        return
    yield failed(
        ref.subject,
        f"{text}, and it is not installed on the destination",
        ref.at("/spec/name", package),
        found="not installed",
        wanted=f"{package} on the destination",
        key=package,
        commands=(at_destination("oc get subscriptions.operators.coreos.com --all-namespaces"),),
    )


def _unlike(migration: Migration, package: str, ref: Ref, there: Subscription) -> Iterator[Outcome]:
    """An operator that does not run yet, or comes from another channel."""
    here = migration.source.known(SUBSCRIPTION, (ref.namespace,))
    channels = {one.channel for one in here if one.package == package and one.channel}
    phase, at = _phase(migration.destination, there)
    severity = Severity.WARNING
    if phase and phase != "Succeeded":
        text, found = f"operator {package} is {phase} on the destination", phase
        severity = Severity.BLOCKER if phase == "Failed" else Severity.WARNING
    elif not there.installed_csv and there.state:
        text = f"operator {package} is not installed yet on the destination ({there.state})"
        at, found = there.ref.at("/status/installedCSV"), there.state
    elif not there.installed_csv:
        raise migration.destination.inventory.not_gathered(
            SUBSCRIPTION, there.ref.name, there.ref.namespace, reason="without installedCSV"
        )
    elif channels and there.channel and there.channel not in channels:
        text = (
            f"operator {package} is installed on the destination from channel {there.channel}, "
            f"on the source from {min(channels)}"
        )
        at, found = there.ref.at("/spec/channel", there.channel), there.channel
    else:
        return
    yield failed(
        there.ref.subject,
        text,
        at,
        found=found,
        wanted=f"{package} installed from channel {min(channels, default='of the source')}",
        key=package,
        commands=("oc get subscriptions.operators.coreos.com,csv --all-namespaces",),
        severity=severity,
    )


def _phase(destination: Cluster, there: Subscription) -> tuple[str, Pointer]:
    """The phase of what a Subscription has installed, "" if it is not known."""
    for item in destination.known(CLUSTER_SERVICE_VERSION, (there.ref.namespace,)):
        if item.ref.name in (there.installed_csv, there.current_csv):
            return item.phase, item.ref.at("/status/phase", item.phase)
    return "", there.ref.at("/status/installedCSV", there.installed_csv)


def _other_namespace(package: str, ref: Ref, there: Subscription) -> Outcome:
    return failed(
        ref.subject,
        f"operator {package} is installed on the destination in namespace {there.ref.namespace}, "
        f"which may not handle the objects migrated from {ref.namespace}",
        there.ref.at("/metadata/namespace", there.ref.namespace),
        found=there.ref.namespace,
        wanted=f"{GLOBAL}, or the namespace of the plan",
        key=package,
        commands=(
            at_destination("oc get operatorgroups.operators.coreos.com --all-namespaces -o json"),
        ),
        severity=Severity.WARNING,
    )


def _catalog(migration: Migration) -> Iterator[Outcome]:
    for kind, severity in (
        (SERVICE_INSTANCE, Severity.WARNING),
        (TEMPLATE_INSTANCE, Severity.INFO),
    ):
        for item in migration.source.known(kind, migration.source_namespaces):
            ref = item.ref
            yield failed(
                ref.subject,
                f"{ref.kind} {ref.namespace}/{ref.name} is not migrated, but the objects that it "
                "created are",
                ref.at("/metadata/name", ref.name),
                found=ref.kind,
                wanted="created again on the destination",
                key=f"{ref.kind} {ref.namespace}/{ref.name}",
                severity=severity,
            )
