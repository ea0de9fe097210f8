"""A view's contract, stated at the view: it is enforced, and the API document made of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

from flask.typing import ResponseReturnValue
from marshmallow import Schema

from service.api.requests.parameters import Query, read_query
from service.api.schemas.envelope_schemas import FORM

Form = Schema | type[Schema] | dict[str, Any] | None
View = Callable[..., ResponseReturnValue]


@dataclass(frozen=True, slots=True)
class ApiLink:
    """What an answer is good for: a call that takes values of it.

    ``parameters`` hold constants and runtime expressions of OpenAPI (``$response.body#/…``),
    ``body`` expressions only: it names the keys of the next body that come of this answer; the
    caller adds the rest.
    """

    operation: str
    description: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Success:
    """A good answer: what it is, and its forms by media type.

    A form is a marshmallow schema, a JSON schema, or None for text; an empty one is left out.
    """

    description: str
    content: Mapping[str, Form]
    cached: bool = False
    """Whether it carries an ETag and answers If-None-Match with 304."""
    status: int = 200
    also: Mapping[int, str] = field(default_factory=dict)
    """Other statuses with the same content, and what each means."""
    links: Mapping[str, ApiLink] = field(default_factory=dict)
    """The calls that it leads to, by the name of the link."""


OF_A_BODY = (
    "bad-request",
    "empty-body",
    "not-acceptable",
    "body-too-large",
    "unsupported-media-type",
    "invalid-input",
)
"""The problems of a request that sends something and asks for a format."""


@dataclass(frozen=True, slots=True)
class Contract:
    """What a view promises."""

    name: str
    summary: str
    answer: Success
    query: Query = field(default_factory=Query)
    problems: tuple[str, ...] = ()
    tag: str = "operations"
    description: str = ""
    body: bool = False
    document: Form = None
    """The form of the document in the body; None is the envelope of an evaluation."""
    scope: str = ""
    """What a token must be good for; empty where anyone may call."""
    media_types: tuple[str, ...] = ()
    """The media types that it takes; empty for all that evidence may have."""
    form: Form = FORM
    """The form that it takes where it takes one."""


def operation(contract: Contract) -> Callable[[View], View]:
    """Hold a view to its contract: it is called with its checked query first."""

    def decorate(view: View) -> View:
        @wraps(view)
        def checked(**path: Any) -> ResponseReturnValue:
            return view(read_query(contract.query), **path)

        checked.contract = contract  # type: ignore[attr-defined]
        return checked

    return decorate
