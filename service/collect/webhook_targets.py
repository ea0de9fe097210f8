"""The list of webhook targets: a YAML or JSON file that the settings name."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from service.collect.webhook import WebhookTarget

KEYS = frozenset({"name", "url", "format", "secretFile", "headers"})
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
_HEADER = re.compile(r"[A-Za-z0-9-]{1,100}")
_LEAST_SECRET = 16
_MOST = 50


class TargetsError(ValueError):
    """The file cannot be used; every fault is reported, no secret is."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("; ".join(faults))
        self.faults = tuple(faults)


def read_targets(path: Path, formats: Collection[str]) -> dict[str, WebhookTarget]:
    """The targets by name. Raises TargetsError.

    The file is a list of objects with ``name``, ``url`` (http or https, without user and
    password), ``secretFile`` (a file that holds the key for the signature, at least 16
    characters; relative to the list), and optionally ``format`` (default ``tickets``) and
    ``headers``.
    """
    try:
        rows = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise TargetsError([f"{path.name}: cannot be read ({type(error).__name__})"]) from None
    if not isinstance(rows, list) or len(rows) > _MOST:
        raise TargetsError([f"{path.name}: expected a list of at most {_MOST} targets"])
    faults: list[str] = []
    found: dict[str, WebhookTarget] = {}
    for place, row in enumerate(rows):
        target = _target(f"{path.name}[{place}]", row, path.parent, formats, faults)
        if target is None:
            continue
        if target.name in found:
            faults.append(f"{path.name}[{place}].name: given twice")
        found[target.name] = target
    if faults:
        raise TargetsError(faults)
    return found


def _target(
    place: str, row: object, folder: Path, formats: Collection[str], faults: list[str]
) -> WebhookTarget | None:
    before = len(faults)
    if not isinstance(row, Mapping):
        faults.append(f"{place}: expected an object with name, url and secretFile")
        return None
    faults += [f"{place}.{key}: unknown key" for key in sorted(map(str, row.keys() - KEYS))]
    name, form = row.get("name"), row.get("format", "tickets")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        faults.append(f"{place}.name: expected lower-case letters, digits and hyphens")
    if form not in formats:
        faults.append(f"{place}.format: expected one of {', '.join(formats)}")
    url = _url(place, row.get("url"), faults)
    headers = _headers(place, row.get("headers", {}), faults)
    secret = _secret(place, row.get("secretFile"), folder, faults)
    if len(faults) > before:
        return None
    return WebhookTarget(str(name), url, str(form), secret, headers)


def _url(place: str, value: Any, faults: list[str]) -> str:
    try:
        parts = urlsplit(value if isinstance(value, str) else "")
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        plain = "@" not in parts.netloc
    except ValueError:
        good = plain = False
    if not good or not plain:
        faults.append(f"{place}.url: expected http(s)://HOST[:PORT]/PATH without user and password")
    return str(value)


def _headers(place: str, value: Any, faults: list[str]) -> dict[str, str]:
    if not isinstance(value, Mapping):
        faults.append(f"{place}.headers: expected an object")
        return {}
    for key, text in value.items():
        if not isinstance(key, str) or not _HEADER.fullmatch(key):
            faults.append(f"{place}.headers: a name is not one of HTTP's")
        elif not isinstance(text, str) or not text.isprintable():
            faults.append(f"{place}.headers.{key}: expected one line of text")
    return dict(value)


def _secret(place: str, value: Any, folder: Path, faults: list[str]) -> str:
    if not isinstance(value, str) or not value:
        faults.append(f"{place}.secretFile: missing: webhooks are always signed")
        return ""
    try:
        secret = (folder / value).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        faults.append(f"{place}.secretFile: cannot be read ({type(error).__name__})")
        return ""
    if len(secret) < _LEAST_SECRET:
        faults.append(f"{place}.secretFile: has fewer than {_LEAST_SECRET} characters")
    return secret
