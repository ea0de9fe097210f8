"""Connections that were not tried yet, each with the command that tries it from inside a cluster.

The commands use bash's /dev/tcp, which every image involved has, unlike nc; behind a proxy curl,
which goes through it as Velero does. Each prints its result as a document of evidence.
"""

from __future__ import annotations

import re

from service.core.evidence import Attempt, Missing, NotGathered
from service.core.facts.mtc_release import mtc_version
from service.core.facts.proxy import proxy_use
from service.core.facts.release import major_or
from service.core.migration import Cluster, Migration
from service.kinds.mtc import MTC_NAMESPACE

IMAGES = {3: "registry.access.redhat.com/ubi8/ubi", 4: "registry.access.redhat.com/ubi9/ubi"}
"""Images with bash and timeout that need no login to pull."""

_PLAIN = re.compile(r"[A-Za-z0-9._:-]+|<[a-z ]+>")
"""What may appear in a command unquoted, placeholders included; evidence may hold anything."""

RSYNC_LABELS = {
    "owner": "directvolumemigration",
    "app": "directvolumemigration-rsync-transfer",
    "purpose": "rsync",
    "app.kubernetes.io/part-of": "openshift-migration",
}
"""The labels of rsync pods (mig-controller, directvolumemigration/rsync.go)."""

TARGETS = {
    "api": "the API server of the {} cluster",
    "routes": "the routes of the {} cluster",
    "registry": "the exposed registry of the {} cluster",
    "repository": "the replication repository",
    "volume": "the storage server",
    "endpoint": "the way in for rsync",
}


def untried(migration: Migration, start: Cluster, attempt: Attempt) -> Missing:
    """That it is not known whether a connection from a cluster is open, and how to try it."""
    return Missing(
        _fact(start, attempt),
        start.role,
        attempt_command(migration, start, attempt),
        attempt=attempt,
    )


def resolving(migration: Migration, cluster: Cluster, host: str) -> str:
    """Look up the addresses of a host name in a pod of the cluster, and print them as a fact."""
    name = plain(host)
    script = (
        f'a=$(timeout 5 getent ahosts {name} | cut -d" " -f1 | sort -u | sed "s/.*/\\"&\\"/" | '
        f'paste -sd, -); [ -n "$a" ] && echo "--- {{facts: {{addresses: {{\\"{name}\\": [$a]}}}}}}"'
    )
    return f"{_place(migration, cluster, Attempt('dns'))} bash -c '{script}'"


def _fact(start: Cluster, attempt: Attempt) -> str:
    if attempt.check == "dns":
        return f"whether pods of the {start.role} cluster resolve names (port 53)"
    pods = "rsync pods" if attempt.pod == "rsync" else "pods"
    place = f", {attempt.host}:{attempt.port}" if attempt.host else ""
    goal = TARGETS[attempt.target].format(attempt.cluster)
    return f"whether {pods} of the {start.role} cluster reach {goal}{place}"


def attempt_command(migration: Migration, start: Cluster, attempt: Attempt) -> str:
    """The command that tries a connection in a pod of the cluster and prints a probe."""
    through = attempt.check in ("tls", "registry") and attempt.pod != "rsync" and proxied(start)
    tried, probe = _tried(attempt, through), _probe(start, attempt, through)
    # Without a host that was filled in, nothing was measured.
    blank = "" if _known(attempt) else f'[[ "{_host(attempt)}" == "<"* ]] && exit 1; '
    script = (
        f'{blank}{tried}; case $? in 0) o=true;; 12[67]) exit 1;; *) o=false;; esac; echo "{probe}"'
    )
    return f"{_place(migration, start, attempt)} bash -c '{script}'"


def _known(attempt: Attempt) -> bool:
    return not _host(attempt).startswith("<")


def _host(attempt: Attempt) -> str:
    return plain(attempt.host or f"<{attempt.target} host>")


def _tried(attempt: Attempt, through: bool) -> str:
    host = _host(attempt)
    if attempt.check == "dns":
        return f"timeout 5 getent hosts {host} >/dev/null"
    if through:
        path = "/v2/_catalog?n=5" if attempt.check == "registry" else "/"
        shown = f"[{host}]" if ":" in host else host
        return f'curl -sS -k -m 5 -o /dev/null "https://{shown}:{attempt.port}{path}"'
    return f'timeout 5 bash -c "</dev/tcp/{host}/{attempt.port}"'


def _probe(start: Cluster, attempt: Attempt, through: bool) -> str:
    """The document that the command prints, for the cluster that it ran on."""
    fields = {
        "from": start.role,
        "vantage": "cluster",
        "target": attempt.target,
        "cluster": attempt.cluster,
        "host": attempt.host if _known(attempt) else "",
        "port": str(attempt.port) if _known(attempt) else "",
        "pod": attempt.pod,
        "proxy": "true" * through,
        "open": "$o",
    }
    named = ", ".join(f"{key}: {_quoted(value)}" for key, value in fields.items() if value)
    return f"--- {{probes: [{{{named}}}]}}"


def _quoted(value: str) -> str:
    """A word of a YAML document inside double quotes of the shell; an IPv6 address has colons."""
    return rf"\"{value}\"" if ":" in value else value


def _place(migration: Migration, start: Cluster, attempt: Attempt) -> str:
    """How a command is run in a pod that network rules take for the one that is meant."""
    release = major_or(start)
    image = IMAGES.get(release, IMAGES[4])
    run = f"--rm -i -q --restart=Never --image={image} --command --"
    if attempt.pod == "rsync":
        namespaces = migration.source_namespaces if migration.given_plan else ()
        name = plain(next(iter(namespaces), "<namespace>"), "namespace")
        labels = ",".join(f"{key}={value}" for key, value in RSYNC_LABELS.items())
        return f"oc run mtc-rsync-probe -n {name} --labels={labels} {run}"
    if not _has_mtc(migration, start):
        return f"oc run mtc-probe -n default {run}"
    if release == 3:  # `oc exec` of 3.11 takes pod names only
        return f"oc rsh -T -n {MTC_NAMESPACE} deployment/velero"
    return f"oc exec -n {MTC_NAMESPACE} deploy/velero --"


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
