"""Text to documents: JSON, NDJSON or YAML, recognized by the text and not by its name."""

from __future__ import annotations

import re
from collections.abc import Iterator

from service.core.allowance import cost_of, spend
from service.intake.intake_errors import LimitExceeded, Unreadable
from service.intake.limits import Limits
from service.intake.sources import Media
from service.intake.texts.json import load_json, load_ndjson
from service.intake.texts.loaded import Loaded
from service.intake.texts.pasted import inspected, with_cuts
from service.intake.texts.yaml.loader import load_yaml

_MORE_THAN_ONE = ("json-trailing",)
# The output of a command that prints YAML, or indented JSON, below that of one that prints JSON.
_MORE_BELOW = re.compile(rb"^\}?(?:apiVersion:|---(?: |$))|^\}\n\{\n", re.MULTILINE)


def media_of(data: bytes) -> Media:
    """JSON starts with a brace or bracket; everything else is YAML."""
    head = data[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    return "json" if head[:1] in (b"{", b"[") else "yaml"


def load(data: bytes, limits: Limits, *, yaml_claimed: bool = False) -> Iterator[Loaded]:
    """Every document of a text, in order. Raises LimitExceeded for too many of them.

    ``yaml_claimed`` says that a media type or file name calls it YAML: then a text that starts
    like JSON and is none is read as YAML's flow style.
    """
    yaml = media_of(data) == "yaml"
    spend(cost_of(data, lines=yaml))
    if yaml:
        yield from map(inspected, load_yaml(with_cuts(data), limits))
        return
    try:
        yield Loaded(0, load_json(data, limits), None)
    except LimitExceeded as error:
        yield Loaded(0, None, error)
    except Unreadable as error:
        if _MORE_BELOW.search(data):
            yield from map(inspected, load_yaml(with_cuts(data), limits))
        elif error.code in _MORE_THAN_ONE:
            yield from load_ndjson(data, limits)
        elif yaml_claimed:
            yield from map(inspected, load_yaml(with_cuts(data), limits))
        else:
            yield from _first_error(data, limits, error)


def _first_error(data: bytes, limits: Limits, error: Unreadable) -> Iterator[Loaded]:
    """NDJSON with a broken line keeps its good lines; a lone broken document is one error."""
    documents = list(load_ndjson(data, limits))
    if any(document.error is None for document in documents):
        yield from documents
        return
    yield Loaded(0, None, error)
