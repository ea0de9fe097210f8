"""Objects of any kind, read by pointer: for policies of kinds that the product does not know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from typing import Any

from service.core.evidence import Missing, NotGathered
from service.kinds import registry
from service.kinds.masks import Masking, is_masked
from service.kinds.redact import MASK
from service.kinds.ref import Pointer, Ref, Subject, pointer_key, pointer_step
from service.kinds.resource import Resource, fetch_command
from service.kinds.shape import metadata, strings

CLOSED = frozenset({"Secret"})
"""Kinds that cannot be read by pointer."""


@dataclass(frozen=True, slots=True)
class AnyObject:
    """A Kubernetes object: its reference, labels and annotations, and its fields by JSON pointer.

    A field of the wrong type, or one whose value was masked, counts as not gathered.
    """

    ref: Ref
    resource: Resource[AnyObject]
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    _value: Mapping[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        """metadata.name"""
        return self.ref.name

    @property
    def namespace(self) -> str:
        """metadata.namespace, "" for an object of the cluster."""
        return self.ref.namespace

    @property
    def subject(self) -> Subject:
        """The object as the subject of a finding."""
        return self.ref.subject

    def at(self, pointer: str) -> Pointer:
        """The field at a JSON pointer as the evidence of a finding."""
        value = self._find(pointer)
        return self.ref.at(pointer, value if isinstance(value, str | int | float | bool) else None)

    def label_at(self, name: str) -> Pointer:
        """A label as the evidence of a finding, whether it is there or not."""
        return self.ref.at(f"/metadata/labels/{pointer_step(name)}", self.labels.get(name))

    def text(self, pointer: str, default: str = "") -> str:
        """A string. Raises NotGathered where it is masked, or of another type."""
        value = self._typed(pointer, str, "a string")
        return default if value is None else str(value)

    def number(self, pointer: str, default: float = 0) -> float:
        """A number. Raises NotGathered where it is of another type."""
        value = self._typed(pointer, (int, float), "a number")
        return default if value is None else float(value)

    def flag(self, pointer: str, default: bool = False) -> bool:
        """True or false. Raises NotGathered where it is of another type."""
        value = self._typed(pointer, bool, "true or false")
        return default if value is None else bool(value)

    def items(self, pointer: str) -> tuple[str, ...]:
        """Pointers to the items of a list or mapping, () where it is absent.

        Raises NotGathered where it is neither.
        """
        value = self._typed(pointer, (list, dict), "a list or a mapping")
        if isinstance(value, dict):
            return tuple(f"{pointer}/{pointer_step(str(key))}" for key in value)
        return tuple(f"{pointer}/{index}" for index in range(len(value or ())))

    def has(self, pointer: str) -> bool:
        """Whether there is a value, and not null."""
        return self._find(pointer) is not None

    def missing(self, pointer: str, reason: str) -> NotGathered:
        """The exception for a field that the evidence cannot answer."""
        command = fetch_command(self.resource, self.name, self.namespace)
        fact = f"{pointer} of {self.ref.kind} {self.name}"
        return NotGathered(Missing(fact, "", command, reason))

    def _typed(self, pointer: str, kinds: type | tuple[type, ...], wanted: str) -> Any:
        value = self._find(pointer)
        if value is None:
            return None
        if not isinstance(value, kinds) or (isinstance(value, bool) and kinds is not bool):
            raise self.missing(pointer, f"wanted {wanted}")
        if isinstance(value, str) and _masked(value):
            raise self.missing(pointer, "masked")
        return value

    def _find(self, pointer: str) -> Any:
        value: Any = self._value
        for step in _steps(pointer):
            if type(value) is dict:
                value = value.get(step)
            elif isinstance(value, list) and step.isdigit() and int(step) < len(value):
                value = value[int(step)]
            else:
                return None
        return value


@lru_cache(maxsize=4096)  # many objects have the same class, phase or size
def _masked(value: str) -> bool:
    return MASK in value or is_masked(value, Masking.NONE)


@lru_cache(maxsize=1024)
def _steps(pointer: str) -> tuple[str, ...]:
    if not pointer.startswith("/"):
        raise ValueError(f"{pointer!r} is no JSON pointer: expected one such as /spec/size")
    return tuple(map(pointer_key, pointer.split("/")[1:]))


def kind(
    name: str,
    plural: str = "",
    group: str = "",
    version: str = "v1",
    *,
    namespaced: bool = True,
    title: str = "",
) -> Resource[AnyObject]:
    """A kind of the Kubernetes API whose objects are read by pointer.

    A kind that the product knows needs no more than its name (and group, where several have it).
    Of any other kind the plural, the group and the version are those of its definition.
    Raises ValueError for a Secret, and for a kind that is not known and has no plural.
    """
    if name in CLOSED:
        raise ValueError(f"{name} cannot be read by policies of a pack")
    known = registry.resource_of(name, group)
    if known is not None:
        return _view(known)
    if not plural or not (group or version == "v1"):
        raise ValueError(f"kind {name} is not known: name its plural, group and version")
    made = Resource(
        name,
        plural,
        _plain,
        (group,),
        version,
        namespaced,
        title=title or f"objects of kind {name}",
    )
    registry.register(made)
    return _view(made)


@cache
def _view(of: Resource[Any]) -> Resource[AnyObject]:
    """The same objects as :class:`AnyObject`."""

    def read(value: Mapping[str, Any], ref: Ref) -> AnyObject:
        about = metadata(value)
        labels = strings(about, "labels", "/metadata")
        return AnyObject(ref, view, labels, strings(about, "annotations", "/metadata"), value)

    view: Resource[AnyObject] = replace(of, reader=read, of=of)
    return view


def _plain(value: Mapping[str, Any], ref: Ref) -> tuple[Any, ...]:
    """What the product itself makes of an object of a pack's kind: what two copies must share."""
    about = metadata(value)
    labels = strings(about, "labels", "/metadata")
    content = {key: item for key, item in value.items() if key not in ("metadata", "status")}
    return dict(labels), dict(strings(about, "annotations", "/metadata")), content
