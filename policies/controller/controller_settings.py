"""The settings of the operator."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from policies import links
from service.core.evidence import NotGathered
from service.core.facts.controllers import controllers, setting_of, unread_controllers
from service.core.facts.mtc_release import mtc_version
from service.core.facts.setting_values import is_true
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, failed, passed, unknown
from service.core.policy import ClusterPolicy, NotApplicable
from service.core.settings.setting_checks import SpecRemark, check_spec
from service.core.settings.table import find
from service.core.values.versions import Version, parse_or_none
from service.core.values.wording import plural
from service.kinds.cluster import CONFIG_MAP
from service.kinds.mtc import MIG_CLUSTER, MIGRATION_CONTROLLER, MTC_NAMESPACE, MigrationController
from service.kinds.operators import CLUSTER_SERVICE_VERSION
from service.kinds.ref import Ref, pointer_step
from service.kinds.resource import Read
from service.kinds.workloads import DEPLOYMENT

OLDEST_LOOKED_AT = Version.parse("1.5.6")
"""The oldest release that the table of settings was made from."""


class ControllerSettings(ClusterPolicy):
    """Every key of a MigrationController is a setting of the operator, with a fitting value.

    The API server checks nothing in the spec. What is set there becomes variables of an Ansible
    role: unknown keys vanish, wrong types break the role, and a limit that is no integer stops the
    controller when it starts. The operator reads its own namespace only, and carries out each
    MigrationController that it finds there; one cluster runs the controller. The Stunnel proxy's
    URL is MTC303's. A cluster that is known to have no MigrationController has no settings to
    judge; one whose MigrationController was not gathered is unknown.
    """

    id = "MTC801"
    name = "controller-settings"
    title = "The settings of the MigrationController are valid"
    why = "The operator cannot reconcile, the controller does not start, or a setting is ignored."
    reads = (
        Read(MIGRATION_CONTROLLER, namespace=MTC_NAMESPACE),
        Read(CONFIG_MAP, namespace=MTC_NAMESPACE),
        Read(CLUSTER_SERVICE_VERSION, namespace=MTC_NAMESPACE),
        Read(MIG_CLUSTER, namespace=MTC_NAMESPACE),
        Read(DEPLOYMENT, namespace=MTC_NAMESPACE),
    )
    declares = ("mtcVersion",)
    requires = ("MTC745",)
    remedy = "Correct the key in the MigrationController's spec, or remove it."
    docs = (links.CONTROLLER,)
    source = (
        "mig-operator roles/migrationcontroller; mig-operator docs/usage/"
        "AlternativeCAMTopologies.md; mig-controller pkg/settings (Load, getEnvLimit)"
    )
    better = "MTC has no such check. The CRD accepts unknown fields and validates none."

    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        unread = unread_controllers(cluster)
        read = any(item not in unread for item in cluster.known(MIGRATION_CONTROLLER))
        for item in unread:
            yield _unread(item, read)
        found = controllers(cluster)
        if not found and not unread:
            raise NotApplicable(f"there is no MigrationController on {cluster.name}")
        installed = _installed(migration, cluster)
        if len(found) > 1:
            yield _several(found)
        yield from _where_it_runs(migration, cluster)
        yield from _without_velero(cluster)
        for controller in found:
            yield from _judged(controller, cluster, installed)


def _judged(
    controller: MigrationController, cluster: Cluster, installed: Version | None
) -> Iterator[Outcome]:
    ref = controller.ref
    faults = [_failed(ref, item) for item in check_spec(controller.spec, installed)]
    yield from faults
    newer = [key for key in controller.spec if _is_newer(key)] if installed is None else []
    if newer:
        error = cluster.missing(
            "the installed MTC version",
            f"oc get configmap migration-cluster-config -n {MTC_NAMESPACE} -o json",
        )
        yield unknown(
            ref.subject,
            f"cannot verify whether the installed release reads {', '.join(newer[:5])}",
            *error.missing,
            key="introduced",
            severity=Severity.WARNING,
        )
    if not faults:
        text = f"{plural(len(controller.spec), 'setting')}, all known and valid"
        yield passed(ref.subject, text, ref.at("/spec"), examined=len(controller.spec))


def _failed(ref: Ref, item: SpecRemark) -> Outcome:
    missing = item.remark.code == "missing-key"
    name, namespace = quote(ref.name), quote(ref.namespace or MTC_NAMESPACE)
    return failed(
        ref.subject,
        f"{item.key[:60]}: {item.remark.message}",
        ref.at("/spec" if missing else f"/spec/{pointer_step(item.key)}"),
        found=item.found,
        wanted=item.wanted,
        key=f"{item.setting or item.key}:{item.remark.code}",
        commands=(f"oc edit migrationcontroller {name} -n {namespace}",),
        severity=item.remark.severity,
    )


def _unread(item: MigrationController, read: bool) -> Outcome:
    name, namespace = quote(item.ref.name), quote(item.ref.namespace)
    return failed(
        item.ref.subject,
        f"the operator reads only MigrationControllers in namespace {MTC_NAMESPACE}: this one "
        "has no effect",
        item.ref.at("/metadata/namespace", item.ref.namespace),
        found=f"namespace {item.ref.namespace}",
        wanted=f"namespace {MTC_NAMESPACE}",
        key="namespace",
        commands=(
            f"oc get migrationcontroller {name} -n {namespace} -o yaml | sed -e '/^  uid:/d; "
            f"/^  resourceVersion:/d; /^  namespace:/s/:.*/: {MTC_NAMESPACE}/' | oc create -f -",
            f"oc delete migrationcontroller {name} -n {namespace}",
        )[int(read) :],
        severity=Severity.WARNING if read else None,
    )


def _several(found: tuple[MigrationController, ...]) -> Outcome:
    specs = [{key: value for key, value in item.spec.items() if key != "version"} for item in found]
    differ = any(spec != specs[0] for spec in specs)
    return failed(
        found[-1].ref.subject,
        "the operator applies every MigrationController in its namespace, and each overwrites "
        "the others" + ("; the values in effect change with each reconcile" * differ),
        *(item.ref.at("/metadata/name", item.ref.name) for item in found[:5]),
        found=f"{len(found)} MigrationControllers",
        wanted="one",
        key="several",
        commands=(f"oc delete migrationcontroller <surplus one> -n {MTC_NAMESPACE}",),
        severity=None if differ else Severity.WARNING,
    )


def _where_it_runs(migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
    """migration_controller is true on one cluster, the one that holds the plan."""
    try:
        fact = setting_of(cluster, "migration_controller")
    except NotGathered:
        return  # the finding about several of them says it
    host = migration.is_host(cluster)
    if fact.value is None or is_true(fact.value) is host:
        return
    name = next(item.ref.name for item in controllers(cluster))
    text = (
        f"migration_controller is false on {cluster.name}, but the controller of this cluster "
        "must run the plan (set option `host` to use another cluster)"
        if host
        else f"migration_controller is true on {cluster.name} too: the controller must run on "
        f"one cluster only, in this migration {migration.host.name}"
    )
    patch = f'{{"spec":{{"migration_controller":{str(host).lower()}}}}}'
    yield failed(
        controllers(cluster)[0].ref.subject,
        text,
        *fact.evidence,
        found=f"migration_controller: {str(fact.value).lower()}",
        wanted=f"migration_controller: {str(host).lower()}",
        key="runs-controller",
        commands=(
            f"oc patch migrationcontroller {quote(name)} -n {MTC_NAMESPACE} --type=merge "
            f"-p '{patch}'",
        ),
        severity=None if host else Severity.WARNING,
    )


def _without_velero(cluster: Cluster) -> Iterator[Outcome]:
    """migration_velero is true on every cluster: nothing is restored without Velero."""
    try:
        fact = setting_of(cluster, "migration_velero")
    except NotGathered:
        return  # the finding about several of them says it
    if fact.value is None or is_true(fact.value):
        return
    item = controllers(cluster)[0]
    yield failed(
        item.ref.subject,
        f"migration_velero is false on {cluster.name}, so the operator does not install Velero",
        *fact.evidence,
        found=f"migration_velero: {str(fact.value).lower()}",
        wanted="migration_velero: true",
        key="runs-velero",
        commands=(
            f"oc patch migrationcontroller {quote(item.ref.name)} -n {MTC_NAMESPACE} --type=merge "
            '-p \'{"spec":{"migration_velero":true}}\'',
        ),
    )


def _installed(migration: Migration, cluster: Cluster) -> Version | None:
    try:
        return parse_or_none(mtc_version(migration, cluster).value)
    except NotGathered:
        return None


def _is_newer(key: str) -> bool:
    """Whether some release still in use may not read the setting yet."""
    setting = find(key)
    since = parse_or_none(setting.since) if setting else None
    return since is not None and since > OLDEST_LOOKED_AT
