"""Pods and image streams: which images an application uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from service.core.evidence import Ref


class ContainerState(NamedTuple):
    """A container's image and what keeps it from running ("" if nothing).

    ``requests`` and ``limits`` are quantities by resource, as written. ``sidecar`` marks an init
    container that keeps running beside the others (restartPolicy Always).
    (A named tuple for speed, as :class:`Ref`.)
    """

    name: str
    image: str
    ready: bool
    waiting: str
    restarts: int
    init: bool
    requests: Mapping[str, Any] = {}
    limits: Mapping[str, Any] = {}
    sidecar: bool = False


class Pod(NamedTuple):
    """A pod. (A named tuple for speed, as :class:`Ref`.)

    ``deadline`` says whether it has activeDeadlineSeconds, ``cross_namespace`` whether a term of
    its pod affinity names other namespaces: scopes of quotas ask for both.
    """

    ref: Ref
    phase: str
    labels: Mapping[str, str]
    containers: tuple[ContainerState, ...]
    claims: tuple[str, ...]
    node_selector: Mapping[str, str]
    host_network: bool
    conditions: tuple[tuple[str, str, str], ...]
    """Triples of type, status and reason."""
    deadline: bool = False
    priority_class: str = ""
    cross_namespace: bool = False


@dataclass(frozen=True, slots=True)
class ImageStream:
    """An image stream; ``tags`` are the tags that its status really holds images for."""

    ref: Ref
    tags: tuple[str, ...]
    repository: str
    spec_tags: tuple[tuple[str, str], ...] = ()
    """Pairs of tag and what it refers to: ``DockerImage:<image>``, or
    ``ImageStreamTag:<stream>:<tag>@<namespace>`` (no ``@`` for the same namespace)."""
    images: tuple[tuple[str, str], ...] = ()
    """Pairs of tag and the digest of an image that it holds or held (``sha256:…``)."""


@dataclass(frozen=True, slots=True)
class BuildConfig:
    """A build configuration; ``images`` are pairs of JSON pointer and the image it refers to.

    The references have the form of :attr:`ImageStream.spec_tags`.
    """

    ref: Ref
    images: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """An entry of a limit range: ``least`` and ``most`` are quantities by resource.

    ``type`` is Container, Pod or PersistentVolumeClaim. ``default_limits`` and
    ``default_requests`` are what a container gets that sets none, ``ratio`` how many times its
    request a limit may be.
    """

    index: int
    type: str
    least: Mapping[str, str]
    most: Mapping[str, str]
    default_limits: Mapping[str, str] = field(default_factory=dict)
    default_requests: Mapping[str, str] = field(default_factory=dict)
    ratio: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LimitRange:
    """A limit range of a namespace."""

    ref: Ref
    limits: tuple[Limit, ...]
