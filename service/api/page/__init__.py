"""The page at ``/``: a person drops evidence and reads the report.

One document, with its style and script within, and nothing from elsewhere. The policy of the page
holds for the report too, which opens in its place: it runs no script but the page's own.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files

from jinja2 import Environment, StrictUndefined, Template
from markupsafe import Markup

from service.formats.html import style_seal


@cache
def _text(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


@cache
def _template() -> Template:
    environment = Environment(autoescape=True, undefined=StrictUndefined)
    return environment.from_string(_text("start.html"))


def start_page(url: str) -> str:
    """The page, for a service that is reached at this address."""
    style, script = (Markup(_text(f"start.{kind}")) for kind in ("css", "js"))  # noqa: S704
    return _template().render(url=url, style=style, script=script)


@cache
def security() -> str:
    """The page's Content-Security-Policy."""
    style, script = (_seal(_text(f"start.{kind}")) for kind in ("css", "js"))
    return (
        f"default-src 'none'; script-src '{script}'; style-src '{style}' 'sha256-{style_seal()}'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


def _seal(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
