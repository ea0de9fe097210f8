"""What copying through the repository needs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from shlex import quote

from policies import links
from policies.needs.need_policies import READS, PlanNeed, readable
from service.core.evidence import Gaps
from service.core.facts import release
from service.core.facts.setting_values import setting
from service.core.facts.volume_targets import is_copied
from service.core.facts.volumes import Volume, volumes
from service.core.migration import Migration
from service.core.outcome import Outcome, Severity, failed
from service.core.policy import NotApplicable, Parameter
from service.core.values.quantity import parse_or_none
from service.core.values.versions import Version
from service.core.values.wording import few, plural
from service.kinds.mtc import MIGRATION_CONTROLLER, MTC_NAMESPACE
from service.kinds.ref import pointer_step
from service.kinds.resource import Read
from service.kinds.workloads import DEPLOYMENT, DEPLOYMENT_CONFIG, POD, Pod, Workload

LARGE = Parameter(
    "large", 500, "GB", 1, 1_000_000,
    "the size above which the OADP documentation says to raise the timeout",
)  # fmt: skip
TRIGGERS = "image.openshift.io/triggers"
FIRST_ENFORCED = Version.parse("4.14.0")
HOUR = re.compile(r"(?:1h(?:0m)?(?:0s)?|60m(?:0s)?|3600s|[0-5]?\d(?:m|s).*)?")


class IndirectCopy(PlanNeed):
    """Files are copied through the repository in time, and can be read.

    A copy of more than 500 GB takes longer than the hour that restic_timeout is by default. NFS
    exports that squash root need restic_supplemental_groups. A DeploymentConfig is restored
    before its files, and its pods are cut off; so are those of a Deployment with image triggers.
    From OpenShift 4.14, pod security may reject the init container that waits for the files.
    """

    id = "MTC849"
    name = "indirect-copy"
    title = "Files are copied through the repository in time, and can be read"
    why = "The backup of the volumes times out or ends with permission denied."
    severity = Severity.WARNING
    reads = (
        *READS,
        Read(MIGRATION_CONTROLLER, MTC_NAMESPACE),
        Read(DEPLOYMENT_CONFIG, plan_namespaces=True),
        Read(DEPLOYMENT, plan_namespaces=True),
        Read(POD, plan_namespaces=True),
        *release.OPENSHIFT_READS,
    )
    declares = ("openshiftVersion",)
    remedy = (
        "Raise restic_timeout, set restic_supplemental_groups to the groups of the export on "
        "both clusters, and scale DeploymentConfigs manually after the restore."
    )
    docs = (links.TROUBLE,)
    source = "MTC documentation, Troubleshooting; OADP troubleshooting (Restic timeout)"
    better = "MTC waits until the timeout."
    parameters = (LARGE,)
    good = "no known problem slows or blocks the copy through the repository"

    def applies(self, migration: Migration) -> None:
        plan = migration.plan
        if not plan.indirect_volumes:
            pointer = plan.ref.at("/spec/indirectVolumeMigration", "false")
            raise NotApplicable("the volumes do not go through the repository", pointer)
        volumes(migration).require_any(migration)

    def faults(self, migration: Migration, subject: Migration, gaps: Gaps) -> Iterator[Outcome]:
        found = volumes(migration)
        with gaps.noted():
            found.require_claims()
        copied = [one for one in found.items if is_copied(one)]
        total = sum((_size(one) for one in copied), Decimal(0))
        if total > Decimal(self.value("large")) * 10**9:
            with gaps.noted():
                timeout = setting(migration, "restic_timeout")
                if HOUR.fullmatch(str(timeout.value or "")):
                    yield _fault(
                        migration,
                        f"{readable('storage', total)} must be copied through the repository "
                        f"within restic_timeout ({timeout.value or '1h'})",
                        f"{readable('storage', total)} in {timeout.value or '1h'}",
                        "a restic_timeout of several hours",
                        "timeout",
                    )
        exports = [one for one in copied if one.pv is not None and one.pv.source == "nfs"]
        if exports:
            with gaps.noted():
                if not setting(migration, "restic_supplemental_groups").value:
                    yield _fault(
                        migration,
                        f"the agent reads {plural(len(exports), 'NFS volume')} as root, which an "
                        "export maps to another user; restic_supplemental_groups is not set",
                        "not set",
                        "the groups of the exports",
                        "nfs",
                    )
        claims = {one.hold for one in copied}
        yield from _triggered(migration, claims)
        with gaps.noted():
            yield from _rejected(migration, claims)
        for item in migration.source.known(DEPLOYMENT_CONFIG, migration.source_namespaces):
            if _mounts(item, claims):
                yield failed(
                    item.ref.subject,
                    f"DeploymentConfig {item.ref.namespace}/{item.ref.name} mounts claims that go "
                    "through the repository: after the restore its replicas may be 0",
                    item.ref.at("/spec/template/spec/volumes"),
                    found="DeploymentConfig",
                    wanted="replicas set manually after the restore",
                    key="deploymentconfig",
                    commands=(f"oc get dc -n {quote(item.ref.namespace)}",),
                )


def _triggered(migration: Migration, claims: set[str]) -> Iterator[Outcome]:
    for item in migration.source.known(DEPLOYMENT, migration.source_namespaces):
        if TRIGGERS in item.annotations and _mounts(item, claims):
            yield failed(
                item.ref.subject,
                f"Deployment {item.ref.namespace}/{item.ref.name} has image triggers: its pod can "
                "be replaced before its files are restored",
                item.ref.at(f"/metadata/annotations/{pointer_step(TRIGGERS)}"),
                found=TRIGGERS,
                wanted="no image triggers during the restore",
                key="triggers",
                commands=(f"oc set triggers deployment/{quote(item.ref.name)} --manual "
                          f"-n {quote(item.ref.namespace)}",),
            )  # fmt: skip


def _rejected(migration: Migration, claims: set[str]) -> Iterator[Outcome]:
    pods = sorted(
        (
            pod
            for pod in migration.source.known(POD, migration.source_namespaces)
            if pod.scc and not pod.scc.startswith("restricted") and _mounts(pod, claims)
        ),
        key=lambda pod: (pod.ref.namespace, pod.ref.name),
    )
    names = sorted({pod.scc for pod in pods})
    if not pods or release.openshift(migration.destination).value < FIRST_ENFORCED:
        return
    yield failed(
        migration.plan.ref.subject,
        f"{plural(len(pods), 'pod')} with other constraints than restricted-v2 "
        f"({few(pod.ref.name for pod in pods)}) can be rejected in the restore: Velero adds an "
        "init container before the constraints are restored",
        pods[0].ref.at("/metadata/annotations/openshift.io~1scc", pods[0].scc),
        found=", ".join(names),
        wanted="constraints that exist on the destination before the migration",
        key="pod-security",
        commands=(f"oc get scc {' '.join(map(quote, names))} -o yaml",),
    )


def _mounts(item: Pod | Workload, claims: set[str]) -> bool:
    return any(f"{item.ref.namespace}/{name}" in claims for name in item.claims)


def _size(volume: Volume) -> Decimal:
    text = volume.pv.capacity if volume.pv is not None else ""
    if not text and volume.planned is not None:
        text = volume.planned.capacity
    return parse_or_none(text) or Decimal(0)


def _fault(migration: Migration, text: str, found: str, wanted: str, key: str) -> Outcome:
    return failed(
        migration.plan.ref.subject,
        text,
        migration.plan.ref.at("/spec/indirectVolumeMigration", "true"),
        found=found,
        wanted=wanted,
        key=key,
        commands=(f"oc edit migrationcontroller -n {MTC_NAMESPACE}",),
    )
