"""What storage class conversions, virtual machines and builds need."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from policies import links
from policies.needs.need_policies import READS, PlanNeed, copied
from policies.plan.plan_policies import GIVEN, PLAN_READS
from service.core.evidence import Gaps
from service.core.facts import mtc_release, release, topology
from service.core.facts.mtc_release import mtc_version
from service.core.facts.plan_type import storage_conversion
from service.core.facts.release import major
from service.core.facts.served_apis import READS as API_READS
from service.core.facts.served_apis import has_kind
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, at_destination, failed
from service.core.policy import NotApplicable
from service.core.values.imagerefs import image_namespace
from service.core.values.versions import Version, parse_or_none
from service.core.values.wording import few, plural
from service.kinds.cluster import NODE
from service.kinds.resource import Read
from service.kinds.virtualization import VIRTUAL_MACHINE, VirtualMachine
from service.kinds.workloads import BUILD_CONFIG, DEPLOYMENT, STATEFUL_SET

SCHEDULABLE = "kubevirt.io/schedulable"
"""The label of nodes that can run virtual machines."""
LONGEST = 59
"""Characters of a stateful set's name that a conversion can still handle."""


class ConversionWorkloads(PlanNeed):
    """Workloads can take part in a storage class conversion.

    MTC recreates stateful sets, skips those with names of 60 characters or more, and leaves the old
    class in their templates, which a later scale-up uses. It scales down every workload of the
    namespace, also those without a claim of the plan.
    """

    id = "MTC853"
    name = "conversion-workloads"
    title = "Workloads can take part in a storage class conversion"
    why = "A stateful set keeps its old volumes, or gets volumes of the old class again."
    severity = Severity.WARNING
    reads = (
        *READS,
        *topology.READS,
        Read(STATEFUL_SET, plan_namespaces=True),
        Read(DEPLOYMENT, plan_namespaces=True),
    )
    remedy = "Rename the stateful set; edit its volumeClaimTemplates after the conversion."
    docs = (links.ADVANCED,)
    source = "MTC 1.8.5 release notes (MIG-1660, MIG-1661); mig-controller migmigration/storage.go"
    better = "MTC has no such check."
    good = "the workloads can take part in the conversion"

    def applies(self, migration: Migration) -> None:
        if not storage_conversion(migration):
            raise NotApplicable("the plan converts no storage classes")

    def faults(self, migration: Migration, subject: Migration, gaps: Gaps) -> Iterator[Outcome]:
        names = migration.source_namespaces
        claims = {one.hold for one in copied(migration)}
        for kind in (STATEFUL_SET, DEPLOYMENT):
            with gaps.noted():
                migration.source.all(kind, names)
        for item in migration.source.known(STATEFUL_SET, names):
            ref = item.ref
            if len(ref.name) > LONGEST:
                yield failed(
                    ref.subject,
                    f"stateful set {ref.namespace}/{ref.name} has a name of {len(ref.name)} "
                    "characters, and MTC skips it",
                    ref.at("/metadata/name", ref.name),
                    found=str(len(ref.name)),
                    wanted=f"at most {LONGEST} characters",
                    key="name",
                    severity=Severity.BLOCKER,
                )
            if item.templates:
                kept = few(f"class {one}" if one else "the default class" for one in item.templates)
                yield failed(
                    ref.subject,
                    f"the volumeClaimTemplates of stateful set {ref.namespace}/{ref.name} keep "
                    f"{kept}: new replicas get volumes of the old class",
                    ref.at("/spec/volumeClaimTemplates"),
                    found=few(item.templates),
                    wanted="the new class, set after the conversion",
                    key="template",
                )
        for item in migration.source.known(DEPLOYMENT, names):
            mounts = any(f"{item.ref.namespace}/{name}" in claims for name in item.claims)
            if not mounts and item.wanted:
                yield failed(
                    item.ref.subject,
                    f"Deployment {item.ref.namespace}/{item.ref.name} mounts no claim of the "
                    "plan, but is scaled down with the others",
                    item.ref.at("/spec/replicas", item.wanted),
                    found="scaled down",
                    wanted="a time when a scale-down is acceptable",
                    key="scaled",
                    severity=Severity.INFO,
                )


class MachinesMovable(PlanNeed):
    """The disks of virtual machines can be moved while the machines run.

    Disks that several machines write, that are handed through, and file systems of the host
    cannot; nor can a machine that does not run, nor one that comes into another namespace, nor
    any where there is no second node for virtual machines.
    """

    id = "MTC854"
    name = "virtual-machines-movable"
    title = "Virtual machines can be migrated live"
    why = "The live migration of a disk fails, or skips the machine."
    severity = Severity.WARNING
    reads = (
        *PLAN_READS,
        *release.READS,
        *API_READS,
        Read(VIRTUAL_MACHINE, plan_namespaces=True),
        Read(NODE),
    )
    declares = ("openshiftVersion",)
    remedy = "Stop these virtual machines and migrate them without liveMigrate."
    docs = (links.ADVANCED,)
    source = "OpenShift Virtualization, Storage live migration with MTC, known limitations"
    better = "MTC has no such check."
    good = "every virtual machine can be migrated live"

    def applies(self, migration: Migration) -> None:
        if not migration.plan.live_migrate:
            raise NotApplicable("the plan does not request live migration")

    def faults(self, migration: Migration, subject: Migration, gaps: Gaps) -> Iterator[Outcome]:
        source = migration.source
        if major(source) == 3 or has_kind(source, "kubevirt.io", "VirtualMachine").served is False:
            raise NotApplicable("the source has no virtual machines")
        with gaps.noted():
            source.all(VIRTUAL_MACHINE, migration.source_namespaces)
        with gaps.noted():
            if source.known(VIRTUAL_MACHINE, migration.source_namespaces):
                yield from _one_node(source)
        mapped = {one.source for one in migration.plan.namespaces if one.source != one.destination}
        for item in source.known(VIRTUAL_MACHINE, migration.source_namespaces):
            for key, text in _obstacles(item, item.ref.namespace in mapped):
                yield failed(
                    item.ref.subject,
                    f"virtual machine {item.ref.namespace}/{item.ref.name} {text}",
                    item.ref.at("/spec/template/spec/domain/devices"),
                    found=key,
                    wanted="a virtual machine that can be migrated live",
                    key=key,
                    commands=(f"oc get vm {quote(item.ref.name)} -n {quote(item.ref.namespace)}",),
                )


def _one_node(source: Cluster) -> Iterator[Outcome]:
    nodes = source.all(NODE)
    fit = [
        node
        for node in nodes
        if node.labels.get(SCHEDULABLE) == "true" and node.ready == "True" and not node.cordoned
    ]
    if len(fit) < 2:
        yield failed(
            source.subject,
            f"{plural(len(fit), 'node')} can run virtual machines, and a live migration needs two",
            *(node.ref.at("/metadata/labels") for node in fit),
            found=str(len(fit)),
            wanted="2 or more",
            key="nodes",
            commands=(f"oc get nodes -l {SCHEDULABLE}=true",),
        )


def _obstacles(item: VirtualMachine, mapped: bool) -> Iterator[tuple[str, str]]:
    if item.shared:
        yield "shared disk", f"has shared disks ({few(item.shared)})"
    if item.luns:
        yield "lun", f"has passthrough disks ({few(item.luns)})"
    if item.filesystems:
        yield "virtio-fs", f"has file systems of the host ({few(item.filesystems)})"
    if item.status and item.status != "Running":
        yield "not running", f"is {item.status}, so a live migration skips it"
    if mapped:
        yield (
            "mapped",
            (
                "moves to another namespace, but live storage migration works only "
                "within one namespace"
            ),
        )


FIRST_WITH_FAULT = Version.parse("1.8.0")


class BuildsPush(PlanNeed):
    """Build configurations can push to the registry of the destination.

    From MTC 1.8 the secret of the builder's account is not linked after the restore, and a build
    that pushes to an image stream fails until it is.
    """

    id = "MTC851"
    name = "builds-push"
    title = "Builds can push to the registry of the destination"
    why = "Builds fail after the migration because their pods cannot push to the registry."
    severity = Severity.WARNING
    reads = (*PLAN_READS, *mtc_release.READS, Read(BUILD_CONFIG, plan_namespaces=True))
    requires = (*GIVEN, "MTC745")
    declares = ("mtcVersion",)
    remedy = (
        "After the migration, link the secret of the builder service account again, or "
        "recreate the builds."
    )
    docs = (links.MIGRATING,)
    source = "MTC 1.8.0 to 1.8.5 release notes (BZ 2234781); OADP 1.4.1 release notes"
    better = "MTC has no such check."
    good = "no build pushes to the registry of its cluster"

    def faults(self, migration: Migration, subject: Migration, gaps: Gaps) -> Iterator[Outcome]:
        with gaps.noted():
            runs = parse_or_none(mtc_version(migration, migration.destination).value)
            if runs is not None and runs < FIRST_WITH_FAULT:
                raise NotApplicable(f"with MTC {runs} the builder keeps its secret")
        with gaps.noted():
            migration.source.all(BUILD_CONFIG, migration.source_namespaces)
        for item in migration.source.known(BUILD_CONFIG, migration.source_namespaces):
            if item.output.startswith("ImageStreamTag:") or _is_internal(item.output):
                yield failed(
                    item.ref.subject,
                    f"build configuration {item.ref.namespace}/{item.ref.name} pushes to "
                    f"{item.output.partition(':')[2]}, which may fail after the migration",
                    item.ref.at("/spec/output/to", item.output),
                    found=item.output,
                    wanted="a builder service account that can push",
                    commands=(
                        at_destination(
                            f"oc describe serviceaccount builder -n {quote(item.ref.namespace)}"
                        ),
                    ),
                )


def _is_internal(output: str) -> bool:
    """Whether a build pushes to the registry of its own cluster by name."""
    kind, _, image = output.partition(":")
    return kind == "DockerImage" and bool(image_namespace(image))
