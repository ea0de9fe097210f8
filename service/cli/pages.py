"""The generated pages: each is a function of the code alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache, partial
from inspect import cleandoc, getdoc
from pathlib import Path
from typing import Any

import policies as product
from service.case_harness import summary_page
from service.cli.coverage_page import coverage
from service.cli.loading import policies, settings_of
from service.collect.rbac_manifests import OWN
from service.core.policy import Policy, reads_of
from service.core.settings.table import settings_markdown
from service.examples import SUMMARY
from service.intake.limits import MIB, Limits
from service.settings import VARIABLES, Settings, Variable

_MADE = "<!-- Made by `mtc-preflight docs --write .`; edit the code instead. -->"


@cache
def catalogue() -> tuple[Policy[Any], ...]:
    """Every policy, those of packs too."""
    return policies()


def policies_page() -> str:
    """Every policy in tables, one for each area."""
    return "\n".join(_index()) + "\n"


def areas() -> dict[str, list[Policy[Any]]]:
    """The policies by area, in the order of their ids."""
    found: dict[str, list[Policy[Any]]] = {}
    for item in catalogue():
        found.setdefault(item.area(), []).append(item)
    return found


def _index() -> Iterator[str]:
    yield from ("# Policies", "", _MADE, "")
    yield (
        "One policy is one prerequisite of the migration. An id is stable for ever. A failed "
        "blocker makes the verdict `not_ready`; a blocker that is unknown makes it `unknown`. "
        "Policies can be chosen by id, name and area: see [profiles.md](profiles.md). `chapter` "
        "marks those that the documentation's chapter states."
    )
    for area, items in areas().items():
        yield from ("", f"## {area}", "", "| id | name | severity | chapter | prerequisite |")
        yield "|---|---|---|---|---|"
        for item in items:
            anchor = f"[{item.id}](policies/{area}.md#{item.id.lower()}-{item.name})"
            part = "yes" if item.chapter else ""
            title = _cell(item.title)
            yield f"| {anchor} | `{item.name}` | {item.severity} | {part} | {title} |"


def area_page(area: str) -> str:
    """The policies of an area, a section each."""
    lines = [f"# Policies: {area}", "", _MADE]
    for item in areas()[area]:
        lines += _section(item)
    return "\n".join(lines) + "\n"


def cases_page() -> str:
    """The cases of the product's own policies in short, for `explain` and the API."""
    root = Path(product.__path__[0])
    cases = root.parent / "tests" / "cases"
    return summary_page(cases) if cases.is_dir() else (root / "cases" / SUMMARY).read_text("utf-8")


def _section(item: Policy[Any]) -> Iterator[str]:
    yield from ("", f"## {item.id} {item.name}", "")
    yield f"**{item.title}** ({item.severity})"
    for paragraph in (getdoc(type(item)) or "").split("\n\n"):
        yield from ("", _line(paragraph))
    for head, text in (
        ("Otherwise", item.why),
        ("Fix", item.remedy),
        ("Beyond MTC's own checks", item.better),
    ):
        if text:
            yield from ("", f"{head}: {_line(text)}")
    yield from ("", "Reads:", "")
    for read in item.reads:
        scope = ("<namespace of the plan>",) if read.plan_namespaces else ()
        yield f"- `{read.command(scope)}`"
    if item.declares:
        yield f"- facts or probes: {', '.join(f'`{name}`' for name in item.declares)}"
    if item.requires:
        yield from ("", f"Builds on: {', '.join(f'`{name}`' for name in item.requires)}")
    for parameter in item.parameters:
        message = f"{parameter.default:g} {parameter.unit} by default; {_line(parameter.meaning)}"
        yield from ("", f"Parameter `{parameter.name}`: {message} (takes {parameter.takes})")
    if item.upstream:
        names = ", ".join(f"`{name}`" for name in item.upstream)
        yield from ("", f"Conditions of MTC's controller with the same meaning: {names}")
    yield ""
    links = "; ".join(f"[{link.title}]({link.url})" for link in item.docs)
    yield f"Source: {_line(item.source)}" + (f" ({links})" if links else "")


def configuration_page() -> str:
    """Every environment variable of the service."""
    return "\n".join(_settings()) + "\n"


def _settings() -> Iterator[str]:
    yield from ("# Configuration of the service", "", _MADE, "")
    yield (
        "The service reads environment variables at its start. An invalid value or an unknown "
        "variable with this prefix stops the start with a message that names all of them. The "
        "files with waivers, policies, configuration and releases also apply to "
        "`mtc-preflight check`, and so do the limits, except the size of the request."
    )
    meanings = {**_meanings(Settings), **_meanings(Limits)}
    for head, limit in (("Service", False), ("Limits of one request", True)):
        yield from ("", f"## {head}", "", "| variable | default | takes | meaning |")
        yield "|---|---|---|---|"
        for item in VARIABLES:
            if item.limit is limit:
                meaning = meanings.get(item.field, "") or _LIMITS.get(item.field, "")
                yield (
                    f"| `{item.name}` | {_default(item)} | {_cell(item.takes)} | {_cell(meaning)} |"
                )


_LIMITS = {
    "body_bytes": "size of the request as it is sent",
    "decompressed_bytes": "size of all archives and compressed parts when they are unpacked",
    "compression_ratio": "how many times larger a compressed part may become",
    "members": "entries of all archives together",
    "member_bytes": "size of one file in an archive",
    "kept_bytes": "size of all that is kept to be read, and of one document",
    "depth": "nesting of a document",
    "documents": "documents of the whole request",
    "alias_nodes": "values that the aliases of one YAML document expand to",
    "nested_archives": "how deep archives within archives are entered",
}


def _meanings(kind: type) -> dict[str, str]:
    """Field meanings out of a class docstring that lists them as ``name``  meaning."""
    found = re.findall(
        r"^``(\w+)``\s+(.+?)(?=\n``|\n\n|\Z)", cleandoc(kind.__doc__ or ""), re.M | re.S
    )
    return {name: _line(text).replace("``", "`") for name, text in found}


def _default(item: Variable) -> str:
    value = item.default
    if isinstance(value, int) and value >= MIB and value % MIB == 0:
        return f"{value // MIB}Mi"
    if isinstance(value, frozenset | tuple):
        return ",".join(sorted(value))
    return "" if value in (None, "") else str(value)


def openapi_page() -> str:
    """The API document."""
    from service.api.app import create_app
    from service.api.openapi import text

    return text(create_app(replace(Settings(), policies=settings_of().policies, migplans=True)))


def rbac_page() -> str:
    """What a collection may read: a service account, its roles and bindings."""
    from service.collect.rbac_manifests import PLANNED, manifests

    return _manifests(
        manifests(reads_of(catalogue())),
        f"""\
# Made by `mtc-preflight docs --write .` of what the policies read; edit the code instead.
#
# The least rights for `mtc-preflight collect`, but for secrets (secrets.yaml). Apply it on each
# cluster, then bind the role for what is read in the plan's namespaces in each of them:
#
#   oc create rolebinding mtc-preflight-collect -n NAMESPACE --clusterrole={PLANNED} \\
#     --serviceaccount=mtc-preflight:mtc-preflight
#
# Collect with this account (oc create token mtc-preflight -n mtc-preflight) and
# --not-migrating-user: it is not the one that migrates.
""",
    )


def secrets_page() -> str:
    """The rights to secrets, on top of the others."""
    from service.collect.rbac_manifests import secrets

    return _manifests(
        secrets(),
        """\
# Made by `mtc-preflight docs --write .`; edit the code instead.
#
# The rights to secrets, beyond collect.yaml. `mtc-preflight collect` reads the names of the secrets
# of MTC's namespace, and the names of the keys of those that MigClusters and MigStorages refer to;
# without these rights, collect with --no-secrets. The service needs them where
# MTC_PREFLIGHT_MIGPLANS=on lets it evaluate plans by their name: it then reads the tokens by which
# MTC itself reaches the other clusters, and whoever may call it learns what the checks report of
# these clusters. The namespaces are the default of MTC_PREFLIGHT_MIGPLAN_NAMESPACES.
""",
    )


def _manifests(items: list[dict[str, Any]], head: str) -> str:
    import yaml

    fixed = sorted({item["metadata"].get("namespace", OWN) for item in items} - {OWN})
    head += f"""\
#
# There are roles in these namespaces: {", ".join(fixed)}.
# Where a cluster lacks one, `oc apply` reports it as not found, and applies everything else.
"""
    return head + yaml.safe_dump_all(items, sort_keys=False, explicit_start=True)


def _line(text: str) -> str:
    return " ".join(text.split())


def _cell(text: str) -> str:
    return _line(text).replace("|", "\\|")


def coverage_page() -> str:
    """MTC's own validation, condition by condition, against the policies."""
    return coverage(catalogue(), _MADE)


def pages() -> Mapping[str, Callable[[], str]]:
    """Every page by its path below the root of the repository."""
    of_areas = {f"docs/policies/{area}.md": partial(area_page, area) for area in areas()}
    return {**PAGES, **of_areas}


PAGES: Mapping[str, Callable[[], str]] = {
    f"policies/cases/{SUMMARY}": cases_page,
    "docs/coverage.md": coverage_page,
    "docs/policies.md": policies_page,
    "docs/configuration.md": configuration_page,
    "docs/settings.md": settings_markdown,
    "deploy/rbac/collect.yaml": rbac_page,
    "deploy/rbac/secrets.yaml": secrets_page,
    "openapi.yaml": openapi_page,
}
"""The pages that are there whatever areas there are."""
