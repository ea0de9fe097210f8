"""A shell script that gathers exactly what an evaluation lacks of one cluster.

Its archive has the layout of the general script (:mod:`service.formats.gather_script`): whole lists
go where `oc adm inspect` puts them, every other answer is a document of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from shlex import quote

from service.core.evidence import Fetch
from service.core.next_steps import Step, next_steps
from service.core.report import Report
from service.formats import words
from service.formats.format_base import Context, Format
from service.formats.gather_script import HEAD, TAIL, checked, save
from service.kinds.registry import resource_named
from service.kinds.resource import MOST_NAMED

_PURPOSE = """\
#!/bin/sh
# Gathers what the evaluation of {plan} as of {time} lacks of the {role} cluster.
{limits}#
#   sh gather-{role}.sh
#
"""
_STEP = """
# answer NAME FACT: what the command on standard input prints, as a document of the archive.
answer() {{
  echo "$2" >&2
  cat >"$dir/command"
  if PATH=${{PATH}} sh "$dir/command" >"$dir/part" 2>"$dir/error" </dev/null; then
    without_values <"$dir/part" >"$dir/$1"
  else
    lost "$2"
  fi
}}
"""
# What a command asks a person to fill in, such as <host name>; not <<EOF or a redirection.
_PLACEHOLDER = re.compile(r"<[a-z][a-z -]*>")


def render(report: Report, context: Context) -> bytes:
    """The script as UTF-8, for the cluster of ``options.gather_for``."""
    role = context.options.gather_for or "source"
    plan = words.line(report.plan) or "a migration"
    head = (_PURPOSE + HEAD).format(
        plan=plan,
        time=words.short_time(report),
        role=role,
        limits="".join(f"# {text}\n" for text in words.limits(report)),
    )
    lines = [head, _STEP.format()]
    for cluster in next_steps(report):
        if cluster.role == role:
            for number, step in enumerate(cluster.steps, start=1):
                lines += _lines(number, step)
    lines += ['rm -f "$dir/command"', TAIL]
    return ("\n".join(checked(line.rstrip("\n")) for line in lines) + "\n").encode()


def _lines(number: int, step: Step) -> Iterator[str]:
    if step.fetch is not None:
        yield f"\necho {quote(words.line(step.fact))} >&2"
        yield from _list(step.fetch)
    elif step.command.startswith("oc adm must-gather"):
        return  # this script is what to run in its place
    elif not step.command or _PLACEHOLDER.search(step.command):
        yield f"\necho {quote('not gathered: ' + words.line(step.fact))} >&2"
    else:
        mark = "END_OF_COMMAND"
        yield f"\nanswer answer-{number:02}.yaml {quote(words.line(step.fact))} <<'{mark}'"
        yield f"{step.command}\n{mark}"


def _list(fetch: Fetch) -> Iterator[str]:
    """A whole list: of some namespaces one by one, of many or all in one request."""
    resource = resource_named(fetch.resource)
    assert resource is not None, fetch
    names = fetch.namespaces
    path = f"{resource.group or 'core'}/{resource.plural}.json"
    if not resource.namespaced:
        yield save(f"cluster-scoped-resources/{path}", resource)
    elif not names or len(names) > MOST_NAMED:
        yield save(f"namespaces/all/{path}", resource, "--all-namespaces")
    else:
        for name in names:
            yield save(f"namespaces/{name}/{path}", resource, "-n", name)


FORMAT = Format(
    "gather",
    "application/x-sh",
    render,
    "a shell script that gathers what the evaluation lacks of the cluster of for=",
)
