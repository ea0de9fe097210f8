"""The proxy that direct volume migration goes through."""

from __future__ import annotations

from collections.abc import Iterator
from json import dumps
from shlex import quote

from policies import links
from policies.versions.mtc_same import MTC_READS
from service.core.evidence import NotGathered
from service.core.facts import Fact, direct
from service.core.facts.controllers import (
    CONTROLLER_CONFIG,
    GivenProxy,
    controllers,
    effective_proxy,
    given_proxies,
    setting_of,
)
from service.core.facts.direct import direct_volumes
from service.core.facts.endpoints import route_domain
from service.core.facts.mtc_release import mtc_version
from service.core.facts.proxy import ProxyUse, exceptions, proxy_use
from service.core.facts.transfer import intra_cluster
from service.core.migration import Cluster, Migration
from service.core.outcome import (
    Outcome,
    Severity,
    failed,
    passed,
)
from service.core.policy import MigrationPolicy, NotApplicable
from service.core.settings.table import SETTINGS
from service.core.values import stunnel
from service.core.values.versions import Version, parse_or_none
from service.kinds.cluster import CONFIG_MAP, NODE
from service.kinds.config import CLUSTER_VERSION, INGRESS_CONFIG, PROXY, SERVER_VERSION
from service.kinds.mtc import MIGRATION_CONTROLLER, MTC_NAMESPACE
from service.kinds.redact import MASK
from service.kinds.ref import Pointer
from service.kinds.resource import Read

DOCS = (
    links.PROXIES,
    links.DVM_NETWORKING,
)
CONTROLLER_READ = Read(MIGRATION_CONTROLLER, namespace=MTC_NAMESPACE)
CONFIG_READ = Read(CONFIG_MAP, namespace=MTC_NAMESPACE)
PROXY_READS = (
    Read(PROXY, name="cluster"),
    Read(CLUSTER_VERSION, name="version"),
    Read(SERVER_VERSION),
    Read(NODE),
)
"""The proxy, and what identifies an OpenShift 3 cluster, which has no such object."""


SINCE = "stunnel_tcp_proxy; 1.4.2 and later releases do"


def release_without_setting(migration: Migration) -> str:
    """The host's MTC release where it is too old to read stunnel_tcp_proxy, else ""."""
    try:
        found = mtc_version(migration, migration.host).value
    except NotGathered:
        return ""
    release = parse_or_none(found)
    since = SETTINGS[stunnel.SETTING].since
    return found if release is not None and release < Version.parse(since) else ""


def require_direct_volumes(migration: Migration) -> None:
    """Raise NotApplicable where rsync does not go from one cluster to another."""
    direct = direct_volumes(migration)
    if not direct.value:
        raise NotApplicable("no volume of the plan is migrated directly", *direct.evidence)
    if intra_cluster(migration):
        raise NotApplicable("source and destination are one cluster", *direct.evidence)


def patch_command(name: str, value: str) -> str:
    """The command that sets stunnel_tcp_proxy; the password is left for the user to fill.

    printf is part of the shell, so the password is in no list of processes.
    """
    patch = quote(dumps({"spec": {stunnel.SETTING: value.replace(MASK, "<password>")}}))
    target = f"oc patch migrationcontroller {quote(name)} -n {MTC_NAMESPACE} --type=merge"
    return f"printf %s {patch} | {target} --patch-file=/dev/stdin"


def merge_command(name: str, spec: dict[str, object]) -> str:
    """The `oc` command that patches the spec of a MigrationController."""
    patch, target = quote(dumps({"spec": spec})), quote(name)
    return f"oc patch migrationcontroller {target} -n {MTC_NAMESPACE} --type=merge -p {patch}"


class StunnelProxyConfigured(MigrationPolicy):
    """Where the source reaches out through a proxy, rsync's stunnel must use one.

    Rsync pods get no HTTP_PROXY: stunnel_tcp_proxy of the host's MigrationController is the only
    way. What counts in the end is what the operator wrote into ConfigMap migration-controller.
    A source whose noProxy covers the destination's routes connects directly: a warning then.
    """

    id = "MTC301"
    name = "stunnel-proxy-configured"
    title = "A Stunnel TCP proxy is configured if the source cluster uses a proxy"
    why = (
        "Rsync on the source connects directly to the route of the destination and retries up "
        "to 20 times. Then the direct volume migration fails."
    )
    reads = (
        *PROXY_READS,
        CONTROLLER_READ,
        CONFIG_READ,
        *direct.READS,
        Read(INGRESS_CONFIG, name="cluster"),
        *MTC_READS,
    )
    declares = ("proxy", "openshiftVersion", "mtcVersion")
    remedy = (
        "Set stunnel_tcp_proxy in the MigrationController of the cluster that runs the "
        "controller, or set indirectVolumeMigration: true in the plan. `mtc-preflight patch` and "
        "POST /v1/migrationcontroller/patches check the value and write the patch."
    )
    docs = DOCS
    chapter = True
    source = "MTC documentation, Migration prerequisites; mig-controller directvolumemigration"

    def applies(self, migration: Migration) -> None:
        require_direct_volumes(migration)

    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        use = proxy_use(migration.source)
        if not use.value.in_use:
            raise NotApplicable("the source cluster uses no proxy", *use.evidence)
        effective = effective_proxy(migration.host)
        old = release_without_setting(migration)
        if old and effective is None:
            yield self._unset(migration, use, None, reason=f"MTC {old} does not read {SINCE}")
            return
        try:
            given = given_proxies(migration.host)
            if any(item.reading.usable for item in given):
                setting_of(migration.host, stunnel.SETTING)  # several that differ are no answer
        except NotGathered:
            if effective is None:
                raise
            yield self._by_config(migration, use, effective)
            return
        usable = next((item for item in given if item.reading.usable), None)
        if usable is None:
            for item in given or (None,):
                yield self._unset(migration, use, item)
        elif effective is not None and _differ(usable, effective.value):
            yield _not_reconciled(usable, effective)
        else:
            yield passed(
                usable.controller.ref.subject,
                f"stunnel connects through {usable.reading.endpoint}",
                *use.evidence,
                usable.pointer,
                *(effective.evidence if effective else ()),
            )

    def _by_config(
        self, migration: Migration, use: Fact[ProxyUse], effective: Fact[str]
    ) -> Outcome:
        reading = stunnel.read(effective.value)
        if not reading.usable:
            return self._unset(migration, use, None, *effective.evidence)
        text = (
            f"stunnel connects through {reading.endpoint}, the value that the controller was "
            "started with"
        )
        return passed(migration.host.subject, text, *use.evidence, *effective.evidence)

    def _unset(
        self,
        migration: Migration,
        use: Fact[ProxyUse],
        given: GivenProxy | None,
        *evidence: Pointer,
        reason: str = "",
    ) -> Outcome:
        host = migration.host
        covered = _bypassed(migration)
        message = (
            f"the source cluster uses proxy {', '.join(use.value.endpoints)}, but direct volume "
            "migration has no usable proxy setting"
        ) + (f": {reason}" * bool(reason))
        if covered:
            message += "; however, noProxy of the source covers the routes of the destination"
        name = given.controller.ref.name if given else _name(host)
        value = given.reading.shown if given else ""
        return failed(
            given.controller.ref.subject if given else host.subject,
            message,
            *use.evidence,
            *((given.pointer,) if given else ()),
            *evidence,
            found=f"{stunnel.SETTING} is {given.reading.use}" if given else "no stunnel_tcp_proxy",
            wanted=stunnel.FORM,
            commands=(patch_command(name, value or _template(use)),),
            severity=Severity.WARNING if covered else None,
        )


def _differ(given: GivenProxy, effective: str) -> bool:
    """Whether the controller was started with another proxy; masked passwords count as equal."""
    old, new = stunnel.read(effective), given.reading
    if (old.use, old.endpoint, old.username) != (new.use, new.endpoint, new.username):
        return True
    masked = "***" in old.password or "***" in new.password
    return old.password != new.password and not masked


def _not_reconciled(given: GivenProxy, effective: Fact[str]) -> Outcome:
    old = stunnel.read(effective.value)
    name = quote(given.controller.ref.name)
    command = f"oc get migrationcontroller {name} -n {MTC_NAMESPACE} -o json"
    return failed(
        given.controller.ref.subject,
        "the operator has not yet applied stunnel_tcp_proxy to the controller",
        given.pointer,
        *effective.evidence,
        found=f"ConfigMap {CONTROLLER_CONFIG}: {old.endpoint or 'no proxy'}",
        wanted=f"{given.reading.endpoint}, with the same credentials",
        key="effective",
        commands=(command, f"oc logs deployment/migration-operator -n {MTC_NAMESPACE}"),
        severity=Severity.WARNING,
    )


def _bypassed(migration: Migration) -> bool:
    """Whether the source's noProxy covers the domain of the destination's routes."""
    listed = exceptions(migration.source)
    if "*" in listed:
        return True
    try:
        domain = route_domain(migration.destination).value.lower()
    except NotGathered:
        return False
    entries = {entry.removeprefix("*").lstrip(".") for entry in listed} - {""}
    return any(domain == entry or domain.endswith(f".{entry}") for entry in entries)


def _template(use: Fact[ProxyUse]) -> str:
    return f"http://<user>:{MASK}@{use.value.endpoints[0]}"


def _name(cluster: Cluster) -> str:
    try:
        found = controllers(cluster)
    except NotGathered:
        found = ()
    return found[0].ref.name if found else "migration-controller"
