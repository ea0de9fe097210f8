"""What the controller may do on a remote cluster, and whether it trusts its certificate."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote

from policies import links
from policies.connections.mig_clusters import CLUSTER_READS, VALIDATION, RemotePolicy, edit_cluster
from service.core.evidence import Missing, NotGathered
from service.core.facts.machinery import RUNNING_READS, controller_down
from service.core.facts.plan_refs import reported_ready
from service.core.facts.reach import holds
from service.core.migration import Cluster, Migration
from service.core.outcome import Command, Outcome, Severity, failed, not_applicable, passed
from service.kinds.mtc import MTC_NAMESPACE, MigCluster

ACCOUNT = f"system:serviceaccount:{MTC_NAMESPACE}:migration-controller"


class TokenPrivileged(RemotePolicy):
    """The token of a remote MigCluster may do everything with MTC's and Velero's resources.

    Only the controller, which holds the token, can ask: Ready means that both reviews were
    allowed. MTC101 asks for more, of the user who migrates.
    """

    id = "MTC772"
    name = "token-privileged"
    single = True
    title = "The token of a remote MigCluster has the rights that MTC needs"
    why = "The controller can log in, but is denied everything else. The plan never becomes Ready."
    reads = (*CLUSTER_READS, *RUNNING_READS)
    remedy = "Use a token of service account migration-controller, or give its account the rights."
    docs = (links.ABOUT,)
    source = f"{VALIDATION} validateToken"
    upstream = ("SaTokenNotPrivileged",)
    better = "Names the command that checks the same before the migration."

    def judge(self, migration: Migration, cluster: Cluster, item: MigCluster) -> Iterator[Outcome]:
        denied = holds(item.conditions, "SaTokenNotPrivileged")
        asks = tuple(
            f"oc auth can-i '*' '*.{group}' --all-namespaces --as={ACCOUNT}"
            for group in ("migration.openshift.io", "velero.io")
        )
        if denied:
            yield failed(
                item.ref.subject,
                f"the token of MigCluster {item.ref.name} lacks the rights that MTC needs",
                item.ref.at("/status/conditions", denied.type),
                found=denied.message or denied.type,
                wanted="every verb on migration.openshift.io and velero.io",
                commands=(
                    *(Command(text, cluster.role) for text in asks),
                    Command(
                        "oc adm policy add-cluster-role-to-user cluster-admin "
                        f"-z migration-controller -n {MTC_NAMESPACE}",
                        cluster.role,
                    ),
                ),
            )
        elif reported_ready(item.conditions) and controller_down(migration) is None:
            pointer = item.ref.at("/status/conditions", "Ready")
            yield passed(cluster.subject, f"MigCluster {item.ref.name} is Ready", pointer)
        else:
            fact = f"the rights of the token of MigCluster {item.ref.name}"
            raise NotGathered(*(Missing(fact, cluster.role, command) for command in asks))


class ClusterTrust(RemotePolicy):
    """The controller can verify the API server's certificate of a remote cluster.

    A caBundle must be base64 of PEM certificates; a self-signed API server needs one. That the
    bundle is the right one shows only in a connection: the controller's, or one from the host.
    Verification can be turned off, which is a warning: whoever is between gets the token.
    """

    id = "MTC773"
    name = "cluster-trust"
    title = "The controller can verify the certificate of a remote cluster"
    why = "Every connection to the cluster ends in an x509 error; the plan never becomes Ready."
    reads = (*CLUSTER_READS, *RUNNING_READS)
    remedy = "Set spec.caBundle to the base64-encoded CA certificates of the API server."
    docs = (links.ABOUT, links.TROUBLE)
    source = f"{VALIDATION} validateCa, testConnection"
    upstream = ("TestConnectFailed",)
    better = "Also detects an unusable bundle, and x509 errors that appear only as ReconcileFailed."

    def judge(self, migration: Migration, cluster: Cluster, item: MigCluster) -> Iterator[Outcome]:
        if item.url.startswith("http://"):
            yield not_applicable(cluster.subject, "the URL is http: there is no certificate")
            return
        distrust = _distrust(item)
        if item.ca_bundle_fault:
            yield _untrusted(cluster, item, f"cannot be used: {item.ca_bundle_fault}", "bundle")
        elif distrust:
            yield _untrusted(cluster, item, f"does not help: {distrust}", "x509")
        if item.insecure:
            yield failed(
                item.ref.subject,
                f"MigCluster {item.ref.name} turns off certificate verification",
                item.ref.at("/spec/insecure", "true"),
                found="insecure: true",
                wanted="insecure: false, with a caBundle where it is needed",
                key="insecure",
                commands=(edit_cluster(item),),
                severity=Severity.WARNING,
            )
        elif not item.ca_bundle_fault and not distrust:
            yield _trusted(migration, cluster, item)


def _distrust(item: MigCluster) -> str:
    """What the controller says of the certificate, "" if nothing."""
    for kind in ("TestConnectFailed", "ReconcileFailed"):
        found = holds(item.conditions, kind)
        if found and ("x509" in found.message or "certificate" in found.message):
            return found.message
    return ""


def _trusted(migration: Migration, cluster: Cluster, item: MigCluster) -> Outcome:
    if not reported_ready(item.conditions) or controller_down(migration) is not None:
        host = item.url.partition("://")[2].partition("/")[0]
        raise NotGathered(
            Missing(
                "whether the certificate of the API server is signed by spec.caBundle"
                if item.has_ca_bundle
                else "whether the certificate of the API server is signed by a known authority",
                migration.host.role,
                f"openssl s_client -connect {quote(host or '<host>:6443')} -verify_return_error "
                "</dev/null",
            )
        )
    pointer = item.ref.at("/status/conditions", "Ready")
    return passed(cluster.subject, f"MigCluster {item.ref.name} is Ready", pointer)


def _untrusted(cluster: Cluster, item: MigCluster, said: str, key: str) -> Outcome:
    bundle = "its caBundle" if item.has_ca_bundle else "having no caBundle"
    return failed(
        item.ref.subject,
        f"MigCluster {item.ref.name}: {bundle} {said}",
        item.ref.at("/spec/caBundle"),
        found=item.ca_bundle_fault or said.removeprefix("does not help: "),
        wanted="the base64-encoded PEM CA certificates of the API server",
        key=key,
        commands=(
            Command(
                "oc get configmap kube-root-ca.crt -n openshift-config-managed "
                "-o jsonpath='{.data.ca\\.crt}' | base64 -w0",
                cluster.role,
            ),
            edit_cluster(item),
        ),
    )
