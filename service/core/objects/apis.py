"""Which kinds an API server serves, and objects of which only the kind matters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from service.core.evidence import Ref


class ApiObject(NamedTuple):
    """An object of which nothing but its existence and apiVersion is read."""

    ref: Ref


class ServedKind(NamedTuple):
    """A kind as an API server lists it; ``plural`` is the name of the resource."""

    plural: str
    kind: str
    namespaced: bool


@dataclass(frozen=True, slots=True)
class ApiResources:
    """APIResourceList: every kind of one group version (``""``, ``v1``)."""

    ref: Ref
    group: str
    version: str
    kinds: tuple[ServedKind, ...]


@dataclass(frozen=True, slots=True)
class ApiGroup:
    """APIGroupDiscovery: every version of a group with its kinds."""

    ref: Ref
    group: str
    versions: Mapping[str, tuple[ServedKind, ...]]


@dataclass(frozen=True, slots=True)
class ApiService:
    """APIService: a group version that the API server serves or hands on to another server.

    ``available`` is the status of condition Available, "" where it is not told.
    """

    ref: Ref
    group: str
    version: str
    available: str


@dataclass(frozen=True, slots=True)
class CustomResourceDefinition:
    """CustomResourceDefinition (v1 or v1beta1); ``served`` are its served versions."""

    ref: Ref
    group: str
    plural: str
    kind: str
    namespaced: bool
    served: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KubeVirt:
    """KubeVirt: what decides whether virtual machines can move with their storage.

    ``version`` is status.operatorVersion; ``developer`` says whether
    spec.configuration.developerConfiguration is there at all.
    """

    ref: Ref
    version: str
    rollout_strategy: str
    developer: bool
    feature_gates: tuple[str, ...]
