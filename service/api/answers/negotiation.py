"""Which format an answer has: by ``?format=``, else by the Accept header."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from flask import request

from service.api.answers.problems import Refused
from service.formats import FORMATS, Format


def report_formats(names: Sequence[str] = ()) -> tuple[Format, ...]:
    """The formats of a report, each once. Raises Refused (406) where Accept allows none."""
    if names:
        return tuple(FORMATS[name] for name in dict.fromkeys(names))
    offers = {
        media: item for item in FORMATS.values() for media in (item.media_type, *item.aliases)
    }
    return (offers[choose(offers)],)


def choose(offers: Iterable[str]) -> str:
    """The best of the offered media types, the first where all are alike. Raises Refused (406)."""
    offered = list(offers)
    accepted = request.accept_mimetypes
    if not request.headers.get("Accept", "").strip() or not accepted:
        return offered[0]
    # Quality first; where the client does not care, our order decides.
    qualities = [accepted.quality(item) for item in offered]
    best = max(qualities)
    if best <= 0:
        listed = ", ".join(dict.fromkeys(offered))
        raise Refused(
            "not-acceptable", f"The Accept header allows none of the available formats: {listed}."
        )
    return offered[qualities.index(best)]
