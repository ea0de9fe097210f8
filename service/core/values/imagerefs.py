"""References to images of namespace ``openshift`` in a cluster's own registry."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

NAMESPACE = "openshift"

INTERNAL = frozenset(
    {
        "docker-registry.default.svc:5000",
        "docker-registry.default.svc.cluster.local:5000",
        "image-registry.openshift-image-registry.svc:5000",
        "image-registry.openshift-image-registry.svc.cluster.local:5000",
    }
)
"""The names of the registry's service, in OpenShift 3 and 4."""

_CLUSTER_IP = re.compile(r"(?:\d{1,3}\.){3}\d{1,3}:5000")


@dataclass(frozen=True, slots=True, order=True)
class InternalImage:
    """An image stream of namespace ``openshift``, and the tag or digest that is used of it.

    ``tag`` is "" where only a digest is named.
    """

    stream: str
    tag: str
    digest: str = ""

    def __str__(self) -> str:
        return f"{self.stream}:{self.tag}" if self.tag else f"{self.stream}@{self.digest}"


def internal_image(reference: str, registries: Iterable[str] = ()) -> InternalImage | None:
    """Read an image reference (``host:port/namespace/name[:tag][@digest]``).

    None for images of other namespaces and registries. Old clusters name the registry by the
    cluster IP of its service; ``registries`` are further names that it has. A reference without
    tag and digest means ``latest``.
    """
    if f"/{NAMESPACE}/" not in reference:
        return None
    name, _, digest = reference.partition("@")
    parts = name.split("/")
    if len(parts) != 3 or parts[1] != NAMESPACE:
        return None
    host = parts[0].lower()
    if host not in INTERNAL and host not in registries and not _CLUSTER_IP.fullmatch(host):
        return None
    return _image(parts[2], digest)


def referred_image(target: str, registries: Iterable[str] = ()) -> InternalImage | None:
    """Read what an image stream's tag refers to: ``Kind:name`` or ``Kind:name@namespace``."""
    kind, _, rest = target.partition(":")
    if kind == "DockerImage":
        return internal_image(rest, registries)
    name, _, namespace = rest.rpartition("@")
    if namespace != NAMESPACE or kind not in ("ImageStreamTag", "ImageStreamImage"):
        return None
    return _image(*name.partition("@")[::2])


def _image(name: str, digest: str) -> InternalImage | None:
    stream, _, tag = name.partition(":")
    if not stream:
        return None
    return InternalImage(stream, tag or ("" if digest else "latest"), digest)


def image_namespace(reference: str, registries: Iterable[str] = ()) -> str:
    """The namespace of an image of the cluster's own registry; "" for images from elsewhere."""
    parts = reference.partition("@")[0].split("/")
    host = parts[0].lower()
    if len(parts) != 3:
        return ""
    own = host in INTERNAL or host in registries or _CLUSTER_IP.fullmatch(host) is not None
    return parts[1] if own else ""


def referred_namespace(target: str, registries: Iterable[str] = ()) -> str:
    """The namespace that ``Kind:name`` or ``Kind:name@namespace`` refers to.

    "" for the same namespace, and for images from elsewhere.
    """
    kind, _, rest = target.partition(":")
    if kind == "DockerImage":
        return image_namespace(rest, registries)
    name, mark, namespace = rest.rpartition("@")
    return namespace if mark and name and "sha256" not in namespace else ""
