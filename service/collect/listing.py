"""Lists in pages, over a server that forgets its place."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from service.collect.api import JSON, Api
from service.collect.collect_errors import CollectError, Expired

PAGE = 500
"""Objects per page, as kubectl asks for them."""
RESTARTS = 3


def objects(api: Api, path: str, page: int = PAGE, accept: str = JSON) -> Iterator[dict[str, Any]]:
    """Every object of a list, each with apiVersion and kind; only one page is held at a time.

    A continue token that is too old (410) is replaced by the one that the server offers, which
    goes on with the list as it is now; where it offers none the list starts again, and objects
    come twice. Raises CollectError where it never comes to an end.
    """
    query = {"limit": str(page)}
    restarts = 0
    while True:
        try:
            answer = api.get(path, query, accept)
        except Expired as gone:
            restarts += 1
            if restarts > RESTARTS:
                raise CollectError("the list expires faster than it can be read") from None
            query = {"limit": str(page)}
            if gone.token:
                query["continue"] = gone.token
            continue
        yield from _items(answer)
        token = _token(answer)
        if not token:
            return
        query = {"limit": str(page), "continue": token}


def _items(answer: Any) -> Iterator[dict[str, Any]]:
    """The items of a typed list, which carry neither kind nor apiVersion themselves."""
    if not isinstance(answer, dict) or not isinstance(answer.get("items", []), list | None):
        raise CollectError("the answer is not a list of objects")
    kind = str(answer.get("kind") or "").removesuffix("List")
    api_version = answer.get("apiVersion")
    for item in answer.get("items") or ():
        yield {"apiVersion": api_version, "kind": kind, **item}


def _token(answer: Mapping[str, Any]) -> str:
    metadata = answer.get("metadata")
    return str(metadata.get("continue") or "") if isinstance(metadata, dict) else ""
