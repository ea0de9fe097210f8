"""`mtc-preflight explain` and `policies`: the catalogue on the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from service.cli.exits import Refusal
from service.cli.loading import loaded, packs

if TYPE_CHECKING:
    from service.core.policy import Policy

_WIDTH = 96


class PolicyName(click.ParamType[str]):
    """A policy's id, with completion."""

    name = "policy"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[Any]:
        """The policies whose id or name begins like this."""
        from click.shell_completion import CompletionItem

        return [
            CompletionItem(name, help=policy.title)
            for policy in loaded().policies
            for name in (policy.id, policy.name)
            if name.lower().startswith(incomplete.lower())
        ]


@click.command()
@packs
@click.argument("policy", type=PolicyName())
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
def explain(policy: str, form: str) -> None:
    """Explain a prerequisite: the rule, why it matters, what it reads, how to fix a failure.

    POLICY is an id (MTC302), a name (single-proxy), or a condition of MTC's controller that
    means the same (InvalidRegistryRoute).
    """
    chosen = find(policy)
    if form == "json":
        from service.api.views.policies import one_document

        click.echo(one_document(loaded(), chosen[0]))
        return
    click.echo("\n\n".join("\n".join(_page(item)) for item in chosen))


@click.command()
@packs
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True
)
@click.argument("words", nargs=-1)
def policies(form: str, words: tuple[str, ...]) -> None:
    """List the prerequisites; with WORDS those whose id, name or title has them all."""
    chosen = [item for item in _all() if _has(item, words)]
    if not chosen:
        raise Refusal(f"no policy matches {' '.join(words)}", "`mtc-preflight policies` lists all")
    if form == "json":
        from service.api.views.policies import list_document

        click.echo(list_document(loaded(), chosen))
        return
    width = max(len(item.name) for item in chosen)
    for item in chosen:
        click.echo(f"{item.id}  {item.severity:<7}  {item.name:<{width}}  {item.title}")


def find(text: str) -> list[Policy[Any]]:
    """The policies that a text names: one by id or name, or several by an upstream condition.

    Raises Refusal with the nearest names.
    """
    from difflib import get_close_matches

    from policies import catalogue

    word = text.strip().lower()
    # Policies of packs need settings and files: look at ours before them.
    for known in (catalogue, _all):
        for item in known():
            if word in (item.id.lower(), item.name.lower()):
                return [item]
    same = [item for item in _all() if word in (name.lower() for name in item.upstream)]
    if same:
        return same
    names = {name.lower(): name for item in _all() for name in (item.id, item.name, *item.upstream)}
    near = [names[name] for name in get_close_matches(word, names, 3, 0.6)]
    hint = f"did you mean {' or '.join(near)}?" if near else "`mtc-preflight policies` lists them"
    raise Refusal(f"there is no policy {text!r}", hint)


def _all() -> tuple[Policy[Any], ...]:
    return loaded().policies


def _has(item: Policy[Any], words: tuple[str, ...]) -> bool:
    text = f"{item.id} {item.name} {item.title}".lower()
    return all(word.lower() in text for word in words)


def _page(item: Policy[Any]) -> Iterator[str]:
    from inspect import getdoc

    yield click.style(f"{item.id} {item.name}", bold=True) + f" ({item.severity})"
    yield from _wrapped(item.title)
    yield ""
    for paragraph in (getdoc(type(item)) or "").split("\n\n"):
        yield from _wrapped(paragraph)
        yield ""
    for head, text in (
        ("Otherwise", item.why),
        ("Fix", item.remedy),
        ("Beyond MTC", item.better),
    ):
        if text:
            yield from _wrapped(f"{head}: {text}")
            yield ""
    yield "Reads"
    for read in item.reads:
        scope = ("<namespaces of the plan>",) if read.plan_namespaces else ()
        yield f"  {read.command(scope)}"
    if item.declares:
        yield f"  facts of a descriptor, or probes: {', '.join(item.declares)}"
    if item.requires:
        yield f"Builds on: {', '.join(item.requires)}"
    if item.upstream:
        yield f"Conditions of MTC with the same meaning: {', '.join(item.upstream)}"
    for parameter in item.parameters:
        value = f"{item.value(parameter.name):g} {parameter.unit}"
        yield from _wrapped(f"Parameter {parameter.name}, {value}: {parameter.meaning}")
        yield f"  takes {parameter.takes}"
    for link in item.docs:
        yield f"{link.title}: {link.url}"
    yield from _wrapped(f"Source of the rule: {item.source}")
    yield from _cases(item)


_VERBS = {
    "pass": "passes when",
    "fail": "fails when",
    "unknown": "is unknown when",
    "not_applicable": "does not apply when",
}


def _cases(item: Policy[Any]) -> Iterator[str]:
    """The situations of the policy's own test data, by what becomes of them."""
    from service.examples import summaries_of

    found = summaries_of(item)
    for verdict, verb in _VERBS.items():
        for case in found:
            if case.verdict == verdict:
                yield from _wrapped(f"{verb} {case.name}")


def _wrapped(text: str) -> list[str]:
    from textwrap import wrap

    return wrap(" ".join(text.split()), _WIDTH, break_long_words=False, break_on_hyphens=False)
