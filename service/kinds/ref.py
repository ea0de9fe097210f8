"""Where a fact is in the evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from service.kinds.redact import redact


@dataclass(frozen=True, slots=True)
class Origin:
    """One document of the input.

    ``part`` is the request part or file, ``member`` the path inside an archive ("" if none),
    ``document`` counts the documents of that file from 0.
    """

    part: str
    member: str = ""
    document: int = 0


def pointer_step(key: str) -> str:
    """A key as a step of a JSON pointer (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")


def pointer_key(step: str) -> str:
    """The key that a step of a JSON pointer means."""
    return step.replace("~1", "/").replace("~0", "~")


class Subject(NamedTuple):
    """What a finding is about; empty strings where a level does not apply.

    (A named tuple for speed, as :class:`Ref`.)
    """

    cluster: str = ""
    api_version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""

    @property
    def local_name(self) -> str:
        """The object within its cluster: ``Pod shop/web``."""
        name = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {name}".strip()

    def __str__(self) -> str:
        return ": ".join(word for word in (self.cluster, self.local_name) if word)


@dataclass(frozen=True, slots=True)
class Pointer:
    """One value of the evidence, as a finding shows it; the value is redacted on the way in.

    ``about`` is the object that holds the value, None where that is no object.
    """

    origin: Origin
    pointer: str
    value: str | None = None
    line: int | None = field(default=None, compare=False)
    about: Subject | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if self.value is not None:
            object.__setattr__(self, "value", redact(self.value)[:200])


class Ref(NamedTuple):
    """An object of the evidence: what it is, and where its document is.

    ``flat`` says that the spec's fields are at the top, as in the short form of a plan. A named
    tuple, for clusters have tens of thousands of objects and a frozen dataclass takes six times as
    long to make.
    """

    cluster: str
    api_version: str
    kind: str
    namespace: str
    name: str
    origin: Origin
    base: str = ""
    uid: str = ""
    flat: bool = False

    @property
    def subject(self) -> Subject:
        """The object as the subject of a finding."""
        return Subject(self.cluster, self.api_version, self.kind, self.namespace, self.name)

    def at(self, pointer: str, value: object = None) -> Pointer:
        """Point at one value of the object; ``pointer`` is a JSON pointer within it."""
        text = None if value is None else str(value)
        if self.flat:
            pointer = pointer.removeprefix("/spec")
        return Pointer(self.origin, self.base + pointer, text, about=self.subject)


class Malformed(Exception):
    """An object does not have the form that its kind has; ``pointer`` is within the object."""

    def __init__(self, pointer: str, wanted: str) -> None:
        super().__init__(f"{pointer}: expected {wanted}")
        self.pointer = pointer
        self.wanted = wanted
