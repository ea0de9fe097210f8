"""A shell script that gathers with `oc` what the policies read, into an archive.

The archive has the layout of `oc adm inspect`, in which the path of a file tells the resource
and the namespaces that its list covers: a list that is empty is then still evidence.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from shlex import join, quote
from typing import Any

from service.kinds.apis import API_GROUP, API_RESOURCES
from service.kinds.cluster import SECRET, SECRET_TEMPLATE
from service.kinds.config import SERVER_VERSION
from service.kinds.rbac import ACCESS_REVIEW, USER
from service.kinds.resource import Read, Resource

_HEAD = """\
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
# What could not be gathered is told, and listed in not-gathered.txt within the archive.
set -u
umask 077
oc=${{OC:-oc}}
dir=mtc-preflight-{role}

if ! "$oc" whoami >/dev/null; then
  echo "log in to the {role} cluster first: $oc login" >&2
  exit 1
fi
if [ -e "$dir" ]; then
  echo "$dir is there already: move it away" >&2
  exit 1
fi
mkdir "$dir" || exit 1
date -u '+%Y-%m-%d %H:%M:%S' >"$dir/timestamp"

# save FILE ARGUMENT…: what oc prints into FILE; nothing is left of a failure.
save() {{
  file=$dir/$1
  shift
  mkdir -p "${{file%/*}}"
  if "$oc" "$@" >"$file.part" 2>"$dir/error"; then
    mv "$file.part" "$file"
    return 0
  fi
  rm -f "$file.part"
  echo "not gathered: oc $*: $(head -n 1 "$dir/error")" | tee -a "$dir/not-gathered.txt" >&2
  return 1
}}
"""
_TAIL = """
rm -f "$dir/error"
date -u '+%Y-%m-%d %H:%M:%S' >>"$dir/timestamp"
tar -czf "$dir.tar.gz" "$dir" && rm -rf "$dir" && echo "$dir.tar.gz"
"""
_REVIEW = """
"$oc" create -o yaml -f - >"$dir/access-review.yaml" 2>"$dir/error" <<'EOF'
{"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview",
 "spec": {"resourceAttributes": {"verb": "*", "group": "*", "resource": "*"}}}
EOF
if [ ! -s "$dir/access-review.yaml" ]; then
  rm -f "$dir/access-review.yaml"
  echo "not gathered: SelfSubjectAccessReview: $(head -n 1 "$dir/error")" \\
    | tee -a "$dir/not-gathered.txt" >&2
fi
"""
# OpenShift 3 alone has the first; that 4 does not is nothing to tell.
_VERSION = """
version=/version/openshift
"$oc" get --raw "$version" >/dev/null 2>&1 || version=/version
save version.json get --raw "$version"
"""


@cache
def script(role: str, reads: tuple[Read[Any], ...]) -> str:
    """The script for the cluster of a role."""
    lines = [_HEAD.format(role=role)]
    kinds = _by_resource(reads)
    for resource, its_reads in sorted(kinds.items(), key=lambda row: row[0].argument):
        lines += _lines(resource, its_reads)
    planned = [res for res, its_reads in kinds.items() if _only_planned(res, its_reads)]
    lines += _planned(sorted(planned, key=str))
    lines += [_SPECIAL[resource] for resource in kinds if resource in _SPECIAL]
    return "\n".join(_checked(line.rstrip("\n")) for line in [*lines, _TAIL]) + "\n"


def _checked(line: str) -> str:
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
    ACCESS_REVIEW: _REVIEW,
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
        yield f"save cluster-scoped-resources/{_path(resource)}/current.yaml get 'user/~' -o yaml"
    elif not resource.namespaced:
        yield _save(f"cluster-scoped-resources/{_path(resource)}.yaml", resource)
    elif _everywhere(resource, reads):
        yield _save(f"namespaces/all/{_path(resource)}.yaml", resource, "--all-namespaces")
    else:
        for namespace in sorted({read.namespace for read in reads if read.namespace}):
            path = f"namespaces/{namespace}/{_path(resource)}.yaml"
            yield _save(path, resource, "-n", namespace)


def _planned(resources: Sequence[Resource[Any]]) -> Iterator[str]:
    """Resources of the plan's namespaces: those that are named, or all."""
    if not resources:
        return
    yield '\nif [ "$#" -eq 0 ]; then'
    for resource in resources:
        path = f"namespaces/all/{_path(resource)}.yaml"
        yield "  " + _save(path, resource, "--all-namespaces")
    yield 'fi\nfor namespace in "$@"; do'
    for resource in resources:
        tail = " ".join(quote(word) for word in _output(resource))
        path = f'"namespaces/$namespace/{_path(resource)}.yaml"'
        yield f'  save {path} get {quote(resource.argument)} -n "$namespace" {tail}'
    yield "done"


def _save(path: str, resource: Resource[Any], *scope: str) -> str:
    return join(["save", path, "get", resource.argument, *scope, *_output(resource)])


def _output(resource: Resource[Any]) -> tuple[str, ...]:
    if resource is SECRET:
        return ("-o", f"go-template={SECRET_TEMPLATE}")
    return ("-o", "yaml")


def _path(resource: Resource[Any]) -> str:
    return f"{resource.group or 'core'}/{resource.plural}"
