"""`mtc-preflight patch`: the one change of the MigrationController that is safe to apply."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from service.cli import exits
from service.cli.exits import Refusal
from service.cli.loading import packs, policies, reads

if TYPE_CHECKING:
    from service.core.migration import Migration
    from service.core.patch import PatchResult

_PROXY = "stunnel_tcp_proxy"
_FILE = click.Path(exists=True, allow_dash=True)
FORMS = ("text", "json", "merge-patch", "json-patch", "manifest")


@click.command()
@packs
@click.argument("bundles", nargs=-1, type=_FILE, metavar="[BUNDLE]...")
@click.option(
    "--controller",
    type=_FILE,
    metavar="FILE",
    help="The current MigrationController; by default that of the bundle.",
)
@click.option(
    "--settings",
    type=_FILE,
    metavar="FILE",
    help="The settings to make: a mapping; null removes a setting.",
)
@click.option(
    "--set",
    "pairs",
    multiple=True,
    metavar="KEY=VALUE",
    help="A setting to make; VALUE is JSON, or otherwise text.",
)
@click.option("--remove", multiple=True, metavar="KEY", help="A setting to remove.")
@click.option("--proxy-host", help="Host of the proxy for stunnel_tcp_proxy.")
@click.option("--proxy-port", type=int, help="Its port.")
@click.option("--proxy-user", help="User name for it.")
@click.option(
    "--proxy-password-file",
    type=_FILE,
    metavar="FILE",
    help="File with the password (- is standard input), so that it is not visible in process "
    "lists.",
)
@click.option("--format", "form", type=click.Choice(FORMS), default="text", show_default=True)
@click.option(
    "--write",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Write the files that the printed commands name, for you only.",
)
def patch(**given: Any) -> int:
    """Make a validated patch of the MigrationController; nothing is applied.

    What MTC would reject, silently ignore or fail on is rejected, with every reason at once. With
    the evidence of both clusters (BUNDLE) the single-proxy rule is held too.

    \b
      mtc-preflight patch bundle.json.gz --proxy-host proxy.example.com --proxy-port 3128 \\
        --proxy-user mtc --proxy-password-file password.txt --write patch
      mtc-preflight patch --controller mc.yaml --set mig_pv_limit=200 --format merge-patch

    Exit status: 0 the patch is made, 1 it is refused, 3 wrong input or usage.
    """
    from service.core import patch as core

    settings = _settings(given)
    controller = _document(given["controller"]) if given["controller"] else None
    migration = _evidence(given["bundles"]) if given["bundles"] else None
    try:
        result = core.make_patch(core.PatchRequest(settings, controller, migration), policies())
    except core.PatchRefused as refused:
        for reason in refused.reasons:
            about = " ".join(filter(None, (reason.policy, reason.pointer)))
            click.echo(f"refused: {about}: {reason.message}", err=True)
            if reason.found or reason.wanted:
                click.echo(f"  found {reason.found}; wanted {reason.wanted}", err=True)
        return exits.NOT_READY
    if given["folder"]:
        _write(given["folder"], result)
    click.echo(_rendered(result, given["form"], written=bool(given["folder"])), nl=False)
    return exits.READY


def _settings(given: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if given["settings"]:
        document = _document(given["settings"])
        if not isinstance(document, dict):
            raise Refusal(f"{given['settings']} is not a mapping of settings")
        found |= document
    for pair in given["pairs"]:
        key, equals, text = pair.partition("=")
        if not equals or not key:
            # The pair itself may hold a password, so it is not repeated.
            raise click.BadParameter("wanted KEY=VALUE", param_hint="--set")
        found[key] = _value(text)
    found |= dict.fromkeys(given["remove"])
    proxy = _proxy(given)
    return found | ({_PROXY: proxy} if proxy else {})


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _proxy(given: dict[str, Any]) -> dict[str, Any]:
    names = {"host": "proxy_host", "port": "proxy_port", "username": "proxy_user"}
    found = {part: given[name] for part, name in names.items() if given[name] is not None}
    if given["proxy_password_file"]:
        with click.open_file(given["proxy_password_file"], encoding="utf-8") as stream:
            found["password"] = stream.read().rstrip("\r\n")
    return found


def _document(path: str) -> Any:
    from service.intake.intake_errors import Unreadable
    from service.intake.limits import DEFAULT_LIMITS
    from service.intake.texts.load import load

    with click.open_file(path, "rb") as stream:
        data = stream.read()
    try:
        documents = list(load(data, DEFAULT_LIMITS, yaml_claimed=True))
    except Unreadable as error:
        raise Refusal(f"{path}: {error.message}", error.hint) from None
    if len(documents) != 1:
        raise Refusal(f"{path} holds {len(documents)} documents, expected one")
    broken = documents[0].error
    if broken is not None:
        place = f"{path}:{broken.line}" if broken.line else path
        raise Refusal(f"{place}: {broken.message}", broken.hint)
    return documents[0].value


def _evidence(paths: tuple[str, ...]) -> Migration:
    from service.cli.inputs import read
    from service.intake.limits import DEFAULT_LIMITS

    return read([("envelope", path) for path in paths], {}, DEFAULT_LIMITS, reads()).migration


def _write(folder: Path, result: PatchResult) -> None:
    from service.core.patch.commands import JSON_FILE, MANIFEST_FILE, MERGE_FILE, UNDO_FILE

    files = {
        MERGE_FILE: _json(result.merge_patch),
        JSON_FILE: _json(list(result.json_patch)),
        UNDO_FILE: _json(result.undo),
    }
    if result.manifest is not None:
        files[MANIFEST_FILE] = _yaml(result.manifest)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        for name, text in files.items():
            handle = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                stream.write(text)
    except OSError as error:
        raise Refusal(f"{folder}: {error.strerror or 'cannot be written'}") from None


def _rendered(result: PatchResult, form: str, *, written: bool) -> str:
    if form == "merge-patch":
        return _json(result.merge_patch)
    if form == "json-patch":
        return _json(list(result.json_patch))
    if form == "manifest":
        if result.manifest is None:
            raise Refusal(
                "the manifest cannot be completed without the current one",
                "give it with --controller, or a bundle that holds it",
            )
        return _yaml(result.manifest)
    if form == "json":
        from service.api.schemas.patch_schemas import PatchSchema
        from service.api.views.patches import _as_dict

        return _json(PatchSchema().dump(_as_dict(result)))
    return "\n".join(_text(result, written)) + "\n"


def _text(result: PatchResult, written: bool) -> Iterator[str]:
    if not result.changed:
        yield f"MigrationController {result.name}: no change is needed"
    for change in result.changes:
        after = change.after if change.action != "remove" else "(removed)"
        yield f"{change.key}: {change.before or '(not set)'} -> {after}"
        yield f"    {change.why}"
    for reason in result.warnings:
        yield f"{reason.severity}: {reason.message}"
    if not result.changed:
        return
    yield ""
    if not written:
        yield "The patch itself: --format merge-patch, or --write FOLDER for files; then"
    purposes = ("replace", "json_patch") if "replace" in result.commands else ("json_patch",)
    for purpose in (*purposes, "wait", "undo"):
        if purpose in result.commands and not (purpose == "undo" and not result.undo):
            yield f"  $ {result.commands[purpose]}  # {purpose.replace('_', ' ')}"


def _json(value: Any) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"


def _yaml(value: Any) -> str:
    import yaml

    text: str = yaml.safe_dump(dict(value), sort_keys=False, allow_unicode=True)
    return text
