"""The commands that try a connection from inside a cluster.

They use bash's /dev/tcp, which every image involved has, unlike nc; behind a proxy curl, which
goes through it as Velero does. Each prints ``open`` where the connection comes about.
"""

from __future__ import annotations

import re

from service.core.evidence import NotGathered
from service.core.facts.mtc_release import mtc_version
from service.core.facts.proxy import proxy_use
from service.core.facts.release import major_or
from service.core.migration import Cluster, Migration
from service.kinds.mtc import MTC_NAMESPACE

IMAGES = {3: "registry.access.redhat.com/ubi8/ubi", 4: "registry.access.redhat.com/ubi9/ubi"}
"""Images with bash and timeout that need no login to pull."""

_PLAIN = re.compile(r"[A-Za-z0-9._:-]+|<[a-z ]+>")
"""What may appear in a command unquoted, placeholders included; evidence may hold anything."""

RSYNC_LABELS = (
    "owner=directvolumemigration,app=directvolumemigration-rsync-transfer,purpose=rsync,"
    "app.kubernetes.io/part-of=openshift-migration"
)
"""The labels of rsync pods (mig-controller, directvolumemigration/rsync.go)."""


def from_cluster(
    migration: Migration, cluster: Cluster, host: str, port: int, tls: bool = True
) -> str:
    """Try a TCP port from a pod of the cluster, through its proxy if it has one and ``tls``."""
    return _inside(migration, cluster, _attempt(cluster, host, port, tls))


def as_rsync(cluster: Cluster, namespace: str, host: str, port: int) -> str:
    """Try a TCP port from a pod that network policies take for an rsync pod of MTC."""
    image = IMAGES.get(major_or(cluster), IMAGES[4])
    return (
        f"oc run mtc-rsync-probe -n {plain(namespace, 'namespace')} --labels={RSYNC_LABELS} "
        f"--rm -i --restart=Never --image={image} --command -- {_tcp(host, port)} && echo open"
    )


def resolving(migration: Migration, cluster: Cluster, host: str) -> str:
    """Resolve a host name in a pod of the cluster."""
    return _inside(migration, cluster, f"timeout 5 getent hosts {plain(host)}")


def _inside(migration: Migration, cluster: Cluster, attempt: str) -> str:
    release = major_or(cluster)
    if not _has_mtc(migration, cluster):
        image = IMAGES.get(release, IMAGES[4])
        return (
            f"oc run mtc-probe -n default --rm -i --restart=Never --image={image} "
            f"--command -- {attempt} && echo open"
        )
    if release == 3:  # `oc exec` of 3.11 takes pod names only
        return f"oc rsh -T -n {MTC_NAMESPACE} deployment/velero {attempt} && echo open"
    return f"oc exec -n {MTC_NAMESPACE} deploy/velero -- {attempt} && echo open"


def _attempt(cluster: Cluster, host: str, port: int, tls: bool) -> str:
    if tls and proxied(cluster):
        return f"curl -sS -k -m 5 -o /dev/null https://{_bracketed(host)}:{port}"
    return _tcp(host, port)


def _tcp(host: str, port: int) -> str:
    return f"timeout 5 bash -c '</dev/tcp/{plain(host)}/{port}'"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else plain(host)


def plain(word: str, kind: str = "host") -> str:
    """A word of the evidence as it may appear in a command; a placeholder where it may not."""
    return word if _PLAIN.fullmatch(word) else f"<{kind}>"


def proxied(cluster: Cluster) -> bool:
    """Whether the cluster is known to send its outgoing traffic through a proxy."""
    try:
        return proxy_use(cluster).value.in_use
    except NotGathered:
        return False


def _has_mtc(migration: Migration, cluster: Cluster) -> bool:
    try:
        mtc_version(migration, cluster)
    except NotGathered:
        return False
    return True
