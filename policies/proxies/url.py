"""The value of stunnel_tcp_proxy itself."""

from __future__ import annotations

from collections.abc import Iterator

from policies.proxies.configured import (
    CONTROLLER_READ,
    DOCS,
    PROXY_READS,
    SINCE,
    merge_command,
    patch_command,
    release_without_setting,
    require_direct_volumes,
)
from policies.versions.mtc_same import MTC_READS
from service.core.evidence import NotGathered
from service.core.facts import direct
from service.core.facts.controllers import GivenProxy, controllers, given_proxies
from service.core.facts.proxy import proxy_use
from service.core.migration import Cluster, Migration
from service.core.outcome import (
    Outcome,
    Severity,
    failed,
    not_applicable,
    passed,
    unknown,
)
from service.core.policy import ClusterPolicy, NotApplicable
from service.core.values import stunnel
from service.kinds.ref import Pointer


class StunnelProxyUrl(ClusterPolicy):
    """The value of stunnel_tcp_proxy is one that MTC, Go and stunnel really use.

    Nothing validates it: a value without a scheme is silently no proxy, a raw character in the
    password a parse error, a user without a password no authentication. Only the value on the
    cluster that runs the controller has an effect.
    """

    id = "MTC303"
    name = "stunnel-proxy-url"
    title = (
        "stunnel_tcp_proxy is a URL that MTC can use, and is set on the cluster that runs "
        "the controller"
    )
    why = (
        "MTC connects without the proxy and reports nothing, or direct volume migration fails "
        "with an error that contains the password."
    )
    reads = (CONTROLLER_READ, *direct.READS, *PROXY_READS, *MTC_READS)
    declares = ("proxy", "openshiftVersion", "mtcVersion")
    remedy = (
        f"Set stunnel_tcp_proxy to {stunnel.FORM}, with percent-encoded user name and password, "
        "in the MigrationController of the cluster that runs the controller."
    )
    docs = DOCS
    chapter = True
    source = (
        "mig-controller pkg/controller/directvolumemigration/stunnel.go; mig-operator "
        "templates/controller_config.yml.j2; crane-lib state_transfer/transport/stunnel"
    )

    def applies(self, migration: Migration) -> None:
        require_direct_volumes(migration)

    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        if not migration.is_host(cluster):
            yield from self._elsewhere(migration, cluster)
            return
        given = given_proxies(cluster)
        if not given:
            raise NotApplicable("stunnel_tcp_proxy is not set", *_specs(cluster))
        old = release_without_setting(migration)
        for item in given:
            if old:
                yield _too_new(item, old)
            yield from self._judged(item)

    def _judged(self, item: GivenProxy) -> Iterator[Outcome]:
        reading = item.reading
        name = item.controller.ref.name
        for remark in reading.remarks:
            text = f"as {reading.endpoint}" if reading.usable else ""
            yield failed(
                item.controller.ref.subject,
                remark.message,
                item.pointer,
                found=f"{reading.use} {text}".strip(),
                wanted=reading.shown or stunnel.FORM,
                key=remark.code,
                commands=(patch_command(name, reading.shown),) if reading.shown else (),
                severity=remark.severity,
            )
        if not reading.remarks:
            login = "with" if reading.authenticates else "without"
            text = f"stunnel connects to {reading.endpoint} {login} authentication"
            yield passed(item.controller.ref.subject, text, item.pointer)

    def _elsewhere(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        try:
            given = given_proxies(cluster)
        except NotGathered as error:
            text = (
                "cannot verify whether stunnel_tcp_proxy is set on a cluster where it has no effect"
            )
            yield unknown(
                cluster.subject,
                text,
                *error.missing,
                key="not-gathered",
                severity=Severity.WARNING,
            )
            return
        if not given:
            text = "stunnel_tcp_proxy is not set on this cluster, which does not run the controller"
            yield not_applicable(cluster.subject, text, *_specs(cluster))
        needed = _needed_on_host(migration)
        for item in given:
            host = migration.host.name
            yield failed(
                item.controller.ref.subject,
                f"the controller runs on {host}; stunnel_tcp_proxy has no effect here",
                item.pointer,
                found=f"set on {cluster.name}",
                wanted=f"set on {host} only",
                key="not-host",
                commands=(merge_command(item.controller.ref.name, {item.key: None}),),
                severity=Severity.BLOCKER if needed else Severity.WARNING,
            )


def _too_new(item: GivenProxy, release: str) -> Outcome:
    return failed(
        item.controller.ref.subject,
        f"MTC {release} does not read {SINCE}",
        item.pointer,
        found=f"MTC {release}",
        wanted="MTC 1.4.2 or later",
        key="too-new",
    )


def _needed_on_host(migration: Migration) -> bool:
    """Whether the source is known to use a proxy, and the host to have none that works."""
    try:
        used = proxy_use(migration.source).value.in_use
        return used and not any(item.reading.usable for item in given_proxies(migration.host))
    except NotGathered:
        return False


def _specs(cluster: Cluster) -> tuple[Pointer, ...]:
    return tuple(item.ref.at("/spec") for item in controllers(cluster)[:1])
