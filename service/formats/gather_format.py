"""A shell script that gathers what an evaluation lacks, and tries the connections that it asks for.

Its archives have the layout of the general script (:mod:`service.formats.gather_script`). Of a
cluster that lacks more than connections all is read that policies read, so that the archive is
enough without what was sent before. The connections (templates/connections.sh): in MTC's namespace
only by `oc exec` in a running pod, for controllers there pick pods by their labels; in namespaces
of the plan by short-lived pods with the labels of rsync, which network rules tell apart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from shlex import quote

from service.core.evidence import Attempt, Role
from service.core.facts.connecting import RSYNC_LABELS
from service.core.next_steps import ClusterSteps, next_steps
from service.core.report import ClusterSummary, Report
from service.formats import words
from service.formats.format_base import Context, Format
from service.formats.gather_script import HEAD, TAIL, gathering, written
from service.kinds.mtc import MIGRATION_CONTROLLER, MTC_NAMESPACE
from service.kinds.resource import MOST_NAMED

_TEMPLATES = Path(__file__).parent / "templates"
ALL = "all"
_PURPOSE = """\
#!/bin/sh
# Gathers what the evaluation of {plan} as of {time} lacks.
{limits}#
{usage}
#
# Log in to the cluster first (oc login), as the user that will run the migration. The result is
# mtc-preflight-ROLE.tar.gz in the current folder. The connections that MTC needs are tried with
# oc exec in a running pod of {mtc}; those of rsync in pods that exist for a minute
# in namespaces of the plan. --no-probes leaves that out: then nothing on the cluster is changed.
role={role}
probes=yes
for word in "$@"; do
  case $word in
    --no-probes) probes= ;;
    {roles}) role=$word ;;
    *) role= && break ;;
  esac
done
if [ -z "$role" ]; then
  echo "usage: sh $0 {choice} [--no-probes]" >&2
  exit 2
fi
connections=mtc-preflight-connections
plan={namespace_of_plan}/{name_of_plan}
connections=$connections-{name_of_plan}
host_role={host}
part=
"""
_MTC = "migration.openshift.io"
_HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")


def render(report: Report, context: Context) -> bytes:
    """The script as UTF-8, for the cluster of ``options.gather_for`` or for all of them."""
    wanted = context.options.gather_for
    # First the cluster that runs MTC: its MigClusters name what the others have to reach.
    clusters = sorted(report.clusters, key=lambda item: not item.host)
    chosen = [item for item in clusters if wanted in (ALL, item.role)]
    lacking = {item.role: item for item in next_steps(report)}
    roles = [item.role for item in chosen] or [wanted]
    lines = [_head(report, clusters, roles), HEAD, _template("connections.sh"), "case $role in"]
    for cluster in chosen:
        lines.append(f"{cluster.role})")
        lines += _of_cluster(report, context, cluster, lacking.get(cluster.role))
        lines.append(";;")
    lines += ["esac", TAIL, _again(context, roles)]
    return written(lines).encode()


@cache
def _template(name: str) -> str:
    """Shell text that no evaluation changes."""
    text = (_TEMPLATES / name).read_text("utf-8")
    return text.replace("@LABELS@", json.dumps(RSYNC_LABELS))


def _head(report: Report, clusters: list[ClusterSummary], roles: list[str]) -> str:
    space, _, name = report.plan.partition("/")
    known = bool(_NAME.fullmatch(space) and _NAME.fullmatch(name))
    usage = [
        f"#   sh gather.sh {role}" + " " * (14 - len(role)) + "[--no-probes]" for role in roles
    ]
    return _PURPOSE.format(
        plan=words.line(report.plan) or "a migration",
        time=words.short_time(report),
        limits="".join(f"# {text}\n" for text in words.limits(report)),
        usage="\n".join(usage),
        mtc=MTC_NAMESPACE,
        role=roles[0] if len(roles) == 1 else "",
        roles=" | ".join(roles),
        choice="|".join(roles),
        namespace_of_plan=space if known else "",
        name_of_plan=name if known else "",
        host=next((item.role for item in clusters if item.host), ""),
    )


def _of_cluster(
    report: Report, context: Context, cluster: ClusterSummary, lacking: ClusterSteps | None
) -> Iterator[str]:
    """What is gathered of one cluster."""
    steps = lacking.steps if lacking else ()
    whole = any(step.attempt is None for step in steps)
    tries = list(dict.fromkeys(step.attempt for step in steps if step.attempt))
    if whole:
        tries += _servers(report, cluster, tries)
    names = tuple(name for name in cluster.namespaces if _NAME.fullmatch(name))
    if tries:
        unknown = [f"'{item.target} {item.cluster or '-'} '" for item in tries if not _place(item)]
        yield f"wants {' '.join(dict.fromkeys(unknown))}".rstrip()
    if whole:
        reads = dict.fromkeys(
            read
            for policy in context.policies
            for read in policy.reads
            if cluster.host or read.resource.group != _MTC or read.resource is MIGRATION_CONTROLLER
        )
        yield from gathering(reads, names)
        yield "save_tokens" * cluster.host
    else:
        yield "echo 'nothing but connections is missing of this cluster' >&2"
        yield "part=yes"
    yield "learn"
    if not tries:
        return
    yield 'if [ -n "$probes" ]; then'
    for item in tries:
        if item.pod != "rsync":
            yield f"try {_words(item)}"
    for item in tries:
        if item.pod == "rsync":
            for name in names[:MOST_NAMED]:
                yield f"try_as_rsync {name} {_words(item)}"
    yield "fi"


def _servers(report: Report, cluster: ClusterSummary, known: list[Attempt]) -> Iterator[Attempt]:
    """The API servers that a cluster has to reach; which port they have may not be known yet."""
    for other in report.clusters:
        reached = cluster.host or (other.host and cluster.role == Role.SOURCE)
        named = any((item.target, item.cluster) == ("api", other.role) for item in known)
        if other is not cluster and reached and not named:
            yield Attempt("api", other.role)


def _place(attempt: Attempt) -> str:
    return attempt.host if _HOST.fullmatch(attempt.host) else ""


def _words(attempt: Attempt) -> str:
    """TARGET CLUSTER HOST PORT CHECK, "-" for what is not known."""
    host = _place(attempt) or "-"
    return f"{attempt.target} {attempt.cluster or '-'} {host} {attempt.port} {attempt.check}"


def _again(context: Context, roles: list[str]) -> str:
    """What to do when the archive is there: the other cluster, then ask again."""
    token = '-H "Authorization: Bearer $MTC_PREFLIGHT_TOKEN" ' if context.guarded else ""
    given = {"roles": " ".join(roles), "url": context.url, "token": token}
    return "".join(f"{name}={quote(value)}\n" for name, value in given.items()) + _template(
        "again.sh"
    )


FORMAT = Format(
    "gather",
    "application/x-sh",
    "gather.sh",
    render,
    "a shell script that gathers what the evaluation lacks, and tries connections",
)
