"""A shell script that gathers with `oc` what the policies read, into an archive.

The archive has the layout of `oc adm inspect`, in which the path of a file gives the resource and
the namespaces that its list covers: a list that is empty is then still evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from shlex import join, quote
from typing import Any

from service.kinds.apis import API_GROUP, API_RESOURCES
from service.kinds.cluster import SECRET, SECRET_TEMPLATE
from service.kinds.config import SERVER_VERSION
from service.kinds.mtc import MTC_NAMESPACE
from service.kinds.operators import MTC_PACKAGES, PACKAGE_MANIFEST
from service.kinds.rbac import ACCESS_REVIEW, USER
from service.kinds.resource import MOST_NAMED, Read, Resource

_PURPOSE = """\
#!/bin/sh
# Gathers what mtc-preflight reads of the {role} cluster.
#
#   sh gather-{role}.sh [NAMESPACE…]     the namespaces of the plan; all if none is named
#
# Log in to the cluster first (oc login), as the user that will run the migration. Nothing on
# the cluster is changed. The result is mtc-preflight-{role}.tar.gz in the current folder:
#
#   curl -F {role}=@mtc-preflight-{role}.tar.gz …/v1/evaluations
#
role={role}
"""
HEAD = r"""# Environments, commands and probes of containers and the data of secrets are left out.
# What could not be gathered is printed, and listed in not-gathered.txt within the archive.
set -u
umask 077
oc=${OC:-oc}
dir=mtc-preflight-$role

if ! "$oc" whoami >/dev/null; then
  echo "log in to the $role cluster first: $oc login" >&2
  exit 1
fi
if [ -e "$dir" ]; then
  echo "$dir is there already: move it away" >&2
  exit 1
fi
mkdir "$dir" || exit 1
# shellcheck disable=SC2329
finish() { rm -rf "$dir"; }
trap finish EXIT
trap 'exit 130' HUP INT TERM
date -u '+%Y-%m-%d %H:%M:%S' >"$dir/timestamp"

# Empties what may hold passwords; oc indents its JSON always alike.
without_values() {
  awk '
    function indent(text) { match(text, /^ */); return RLENGTH }
    held != "" {
      if (indent($0) == depth && $0 ~ /^ *[]}],?$/) {
        sub(/^ */, "")
        print held $0
        held = ""
      }
      next
    }
    /^ *"(env|envFrom|command|args|livenessProbe|readinessProbe|startupProbe|lifecycle)": [[{]$/ {
      held = $0
      depth = indent($0)
      next
    }
    /^ *"kubectl.kubernetes.io\/last-applied-configuration": "/ { sub(/: ".*"/, ": \"\"") }
    { print }
  '
}

# lost WHAT: note what was not gathered; that a kind is not served is no cause for alarm.
lost() {
  reason=$(head -n 1 "$dir/error")
  echo "not gathered: $1: $reason" >>"$dir/not-gathered.txt"
  case $reason in
    *"doesn't have a resource type"* | *"could not find the requested resource"*) ;;
    *) echo "not gathered: $1: $reason" >&2 ;;
  esac
}

# save FILE ARGUMENT…: what oc prints into FILE; nothing is left of a failure.
save() {
  file=$dir/$1
  shift
  case $2 in --raw) echo "reading $3" >&2 ;; *) echo "reading $2" >&2 ;; esac
  mkdir -p "${file%/*}"
  if ! "$oc" "$@" >"$dir/part" 2>"$dir/error"; then
    lost "oc $*"
    return 1
  fi
  if [ -s "$dir/part" ]; then without_values <"$dir/part" >"$file"; fi
}
"""
TAIL = """
rm -f "$dir/error" "$dir/part"
date -u '+%Y-%m-%d %H:%M:%S' >>"$dir/timestamp"
tar -czf "$dir.tar.gz" "$dir" && echo "$dir.tar.gz"
"""
REVIEW = """
"$oc" create -o json -f - >"$dir/access-review.json" 2>"$dir/error" <<'EOF'
{"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
 "spec": {"resourceAttributes": {"verb": "*", "group": "*", "resource": "*"}}}
EOF
if [ ! -s "$dir/access-review.json" ]; then
  rm -f "$dir/access-review.json"
  echo "not gathered: SelfSubjectAccessReview: $(head -n 1 "$dir/error")" \\
    | tee -a "$dir/not-gathered.txt" >&2
fi
"""
# OpenShift 3 alone has the first; that 4 does not is not reported.
_VERSION = """
version=/version/openshift
"$oc" get --raw "$version" >/dev/null 2>&1 || version=/version
save version.json get --raw "$version"
"""


@cache
def script(role: str, reads: tuple[Read[Any], ...]) -> str:
    """The script for the cluster of a role."""
    return written([_PURPOSE.format(role=role) + HEAD, *gathering(reads), TAIL])


def written(lines: Iterable[str]) -> str:
    """Pieces of a script as its text."""
    return "\n".join(checked(line.rstrip("\n")) for line in lines) + "\n"


def gathering(reads: Iterable[Read[Any]], namespaces: Sequence[str] | None = None) -> Iterator[str]:
    """The lines that gather what is read.

    ``namespaces`` are those of the plan; with None they are the script's arguments.
    """
    kinds = _by_resource(reads)
    for resource, its_reads in sorted(kinds.items(), key=lambda row: row[0].argument):
        yield from _lines(resource, its_reads)
    planned = [res for res, its_reads in kinds.items() if _only_planned(res, its_reads)]
    yield from _planned(sorted(planned, key=str), namespaces)
    yield from (_SPECIAL[resource] for resource in kinds if resource in _SPECIAL)


def checked(line: str) -> str:
    """The line; where it holds a template, a word to shellcheck that its $ are not the shell's."""
    return f"# shellcheck disable=SC2016\n{line}" if "go-template" in line else line


# What the API server serves; only a client that asks by header gets it of all groups at once.
_APIS = """
for version in $("$oc" api-versions); do
  case $version in */*) path=/apis/$version ;; *) path=/api/$version ;; esac
  save "api-$(echo "$version" | tr / _).json" get --raw "$path"
done
"""
_SPECIAL = {
    ACCESS_REVIEW: REVIEW,
    API_GROUP: "",
    API_RESOURCES: _APIS,
    SERVER_VERSION: _VERSION,
}


def _by_resource(reads: Iterable[Read[Any]]) -> Mapping[Resource[Any], list[Read[Any]]]:
    found: dict[Resource[Any], list[Read[Any]]] = {}
    for read in reads:
        found.setdefault(read.resource, []).append(read)
    return found


def _everywhere(resource: Resource[Any], reads: Sequence[Read[Any]]) -> bool:
    """Whether some policy reads the objects of all namespaces."""
    return resource is not SECRET and any(
        not read.namespace and not read.plan_namespaces for read in reads
    )


def _only_planned(resource: Resource[Any], reads: Sequence[Read[Any]]) -> bool:
    return (
        resource.namespaced
        and not _everywhere(resource, reads)
        and any(read.plan_namespaces for read in reads)
    )


def _lines(resource: Resource[Any], reads: Sequence[Read[Any]]) -> Iterator[str]:
    if resource in _SPECIAL:
        return
    if resource is USER:
        yield f"save cluster-scoped-resources/{path_of(resource)}/current.json get 'user/~' -o json"
    elif resource is PACKAGE_MANIFEST:  # of all, with their icons, there are hundreds of megabytes
        for name in MTC_PACKAGES:
            path = f"namespaces/{MTC_NAMESPACE}/{path_of(resource)}/{name}.json"
            words = ("get", resource.argument, name, "-n", MTC_NAMESPACE, "--ignore-not-found")
            yield join(["save", path, *words, "-o", "json"])
    elif not resource.namespaced:
        yield save(f"cluster-scoped-resources/{path_of(resource)}.json", resource)
    elif _everywhere(resource, reads):
        yield save(f"namespaces/all/{path_of(resource)}.json", resource, "--all-namespaces")
    else:
        for namespace in sorted({read.namespace for read in reads if read.namespace}):
            path = f"namespaces/{namespace}/{path_of(resource)}.json"
            yield save(path, resource, "-n", namespace)


def _planned(resources: Sequence[Resource[Any]], namespaces: Sequence[str] | None) -> Iterator[str]:
    """Resources of the plan's namespaces: of some one by one, of many or all in one request."""
    if not resources:
        return
    if namespaces is None:
        yield '\nif [ "$#" -eq 0 ]; then'
    if not namespaces or len(namespaces) > MOST_NAMED:
        for resource in resources:
            path = f"namespaces/all/{path_of(resource)}.json"
            yield "  " * (namespaces is None) + save(path, resource, "--all-namespaces")
    if namespaces is None:
        yield 'fi\nfor namespace in "$@"; do'
    elif 0 < len(namespaces) <= MOST_NAMED:
        yield "\n# shellcheck disable=SC2043 # it may be one"
        yield f"for namespace in {' '.join(map(quote, namespaces))}; do"
    else:
        return
    for resource in resources:
        tail = " ".join(quote(word) for word in output(resource))
        path = f'"namespaces/$namespace/{path_of(resource)}.json"'
        yield f'  save {path} get {quote(resource.argument)} -n "$namespace" {tail}'
    yield "done"


def save(path: str, resource: Resource[Any], *scope: str) -> str:
    return join(["save", path, "get", resource.argument, *scope, *output(resource)])


def output(resource: Resource[Any]) -> tuple[str, ...]:
    if resource is SECRET:
        return ("-o", f"go-template={SECRET_TEMPLATE}")
    return ("-o", "json")


def path_of(resource: Resource[Any]) -> str:
    return f"{resource.group or 'core'}/{resource.plural}"
