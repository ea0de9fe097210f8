"""The MigClusters of the plan: URL, token, rights and certificates of remote clusters."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Iterator
from shlex import quote

from policies import links
from policies.plan.plan_policies import PLAN_READS, SidePolicy
from service.core.facts import topology
from service.core.facts.plan_refs import side_cluster
from service.core.facts.reach import holds
from service.core.facts.secrets import with_keys
from service.core.migration import Cluster, Migration
from service.core.outcome import (
    Command,
    Outcome,
    Severity,
    at_host,
    failed,
    not_applicable,
    passed,
    passes_beside,
)
from service.core.values import gourl
from service.kinds.cluster import SECRET
from service.kinds.mtc import MTC_NAMESPACE, MigCluster
from service.kinds.resource import Read

CLUSTER_READS = (*PLAN_READS, *topology.READS)
VALIDATION = "mig-controller pkg/controller/migcluster/validation.go"
TOKEN_KEY = "saToken"
LAST_PORT = 65535


class RemotePolicy(SidePolicy):
    """A rule about the MigCluster of a cluster that the controller does not run on."""

    requires = ("MTC710",)

    def check(self, migration: Migration, cluster: Cluster) -> Iterator[Outcome]:
        item = side_cluster(migration, cluster)
        if item.is_host:
            yield not_applicable(cluster.subject, f"MigCluster {item.ref.name} is the host itself")
            return
        yield from self.judge(migration, cluster, item)

    @abstractmethod
    def judge(self, migration: Migration, cluster: Cluster, item: MigCluster) -> Iterator[Outcome]:
        """Judge one remote MigCluster."""


def edit_cluster(item: MigCluster) -> Command:
    """The command that opens a MigCluster in an editor."""
    return at_host(f"oc edit migcluster {quote(item.ref.name)} -n {quote(item.ref.namespace)}")


class ClusterUrl(RemotePolicy):
    """spec.url of a remote MigCluster is the http or https URL of its API server.

    The controller looks whether it can be parsed, and at the scheme. It takes a URL without a
    host, that of the web console, and one with a path, none of which lead to the API. No port
    means 443, where an API server seldom listens: a warning, as is http, over which the token
    goes in the clear.
    """

    id = "MTC770"
    name = "cluster-url"
    title = "The URL of a remote MigCluster leads to its API server"
    why = "The controller cannot reach the cluster; the plan never becomes Ready."
    reads = CLUSTER_READS
    remedy = "Set spec.url to the output of `oc whoami --show-server` on that cluster."
    docs = (links.ABOUT,)
    source = f"{VALIDATION} validateURL"
    upstream = ("InvalidURL",)
    better = (
        "Also detects a missing host, the address of the web console, a path and a missing port."
    )

    @passes_beside(Severity.WARNING)
    def judge(self, migration: Migration, cluster: Cluster, item: MigCluster) -> Iterator[Outcome]:
        for key, fault, severity in _url_faults(item.url):
            yield failed(
                item.ref.subject,
                f"the URL of MigCluster {item.ref.name} {fault}",
                item.ref.at("/spec/url", item.url or None),
                found=item.url or "not set",
                wanted="https://<host of the API server>:<port>",
                key=key,
                commands=(
                    Command("oc whoami --show-server", cluster.role),
                    edit_cluster(item),
                ),
                severity=severity,
            )
        pointer = item.ref.at("/spec/url", item.url)
        yield passed(cluster.subject, f"MigCluster {item.ref.name} has a URL", pointer)


def _url_faults(url: str) -> Iterator[tuple[str, str, Severity | None]]:
    if not url:
        yield "not-set", "is not set", None
        return
    try:
        parsed = gourl.parse(url)
    except gourl.GoUrlError as error:
        yield "malformed", f"cannot be read: {error}", None
        return
    if parsed.scheme not in ("http", "https"):
        yield "scheme", "does not use scheme http or https", None
        return
    name, _, port = parsed.host.rpartition(":") if _has_port(parsed.host) else (parsed.host, "", "")
    if not name:
        yield "host", "has no host", None
    elif name.startswith(("console-openshift-console.", "console.")):
        yield "host", "is that of the web console, not of the API server", None
    if parsed.rest.strip("/"):
        yield "path", "has a path, which would be prepended to every request", None
    if port and not (port.isascii() and port.isdigit() and 0 < int(port[:9]) <= LAST_PORT):
        yield "port", f"has port {port[:20]}, which is not a valid port", None
    if name and not port:
        yield "port", "has no port, so the default port of its scheme is used", Severity.WARNING
    if parsed.scheme == "http":
        yield "clear", "uses http: the token is sent unencrypted", Severity.WARNING


def _has_port(host: str) -> bool:
    return ":" in host.rpartition("]")[2]


class ClusterToken(RemotePolicy):
    """serviceAccountSecretRef of a remote MigCluster names a secret on the host with saToken.

    Values of secrets are never read, so whether the token is empty is the controller's to say.
    """

    id = "MTC771"
    name = "cluster-token"
    single = True
    title = "The token of a remote MigCluster is in a secret on the host"
    why = "The controller cannot log in to the cluster; the plan never becomes Ready."
    reads = (*CLUSTER_READS, Read(SECRET, "openshift-config"), Read(SECRET, MTC_NAMESPACE))
    remedy = (
        "Create the secret on the host cluster with key saToken. Its value is a token of "
        "service account migration-controller in namespace openshift-migration of the remote "
        "cluster."
    )
    docs = (links.ABOUT,)
    source = f"{VALIDATION} validateSaSecret"
    upstream = ("InvalidSaSecretRef", "InvalidSaToken")
    better = "Lists the keys that the secret has."

    def judge(self, migration: Migration, cluster: Cluster, item: MigCluster) -> Iterator[Outcome]:
        reference = item.service_account_secret
        pointer = item.ref.at("/spec/serviceAccountSecretRef", reference)
        if not reference.is_set:
            shown = str(reference) if reference.name or reference.namespace else "not set"
            yield _no_token(item, "does not name a secret completely", shown, "reference")
            return
        invalid = holds(item.conditions, "InvalidSaToken")
        if invalid:
            yield _no_token(item, f"has no usable token ({invalid.message})", str(reference), "key")
            return
        refused = _unauthorized(item)
        if refused:
            yield _no_token(
                item, f"has a token that the API server rejects ({refused})", str(reference), "key"
            )
            return
        secret = with_keys(migration.host, reference.name, reference.namespace)
        if secret is None:
            yield _no_token(
                item, f"names secret {reference}, which does not exist", str(reference), "secret"
            )
        elif TOKEN_KEY not in secret.keys:
            keys = ", ".join(sorted(secret.keys)) or "no key"
            yield _no_token(item, f"names secret {reference} without key {TOKEN_KEY}", keys, "key")
        else:
            yield passed(cluster.subject, f"secret {reference} has key {TOKEN_KEY}", pointer)


def _unauthorized(item: MigCluster) -> str:
    """What the controller says of a login that the API server refused, "" if nothing."""
    for kind in ("TestConnectFailed", "ReconcileFailed"):
        found = holds(item.conditions, kind)
        if found and re.search(r"\bUnauthorized\b|provide credentials|\b401\b", found.message):
            return found.message
    return ""


def _no_token(item: MigCluster, text: str, found: str, key: str) -> Outcome:
    reference = item.service_account_secret
    name, namespace = reference.name or "<name>", reference.namespace or "openshift-config"
    return failed(
        item.ref.subject,
        f"MigCluster {item.ref.name} {text}",
        item.ref.at("/spec/serviceAccountSecretRef", reference),
        found=found,
        wanted=f"a secret with key {TOKEN_KEY}",
        key=key,
        commands=(
            f"oc get secret {quote(name)} -n {quote(namespace)} -o go-template="
            "'{{range $k, $v := .data}}{{$k}}{{\"\\n\"}}{{end}}'",
            edit_cluster(item),
        ),
    )
