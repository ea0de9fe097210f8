"""Readers of pods and image streams."""

from __future__ import annotations

from collections.abc import Iterator

from service.core.evidence import Ref
from service.core.objects.workloads import BuildConfig, ContainerState, ImageStream, Pod
from service.core.resources import BUILD_CONFIG, IMAGE_STREAM, POD
from service.ingest.readers.registry import reads
from service.ingest.readers.shape import (
    Object,
    flag,
    metadata,
    number,
    rows,
    strings,
    table,
    text,
)


@reads(POD)
def pod(value: Object, ref: Ref) -> Pod:
    """Pod."""
    spec, status = table(value, "spec", ""), table(value, "status", "")
    claims = []
    for index, row in enumerate(rows(spec, "volumes", "/spec")):
        claim = row.get("persistentVolumeClaim")
        if isinstance(claim, dict):
            claims.append(text(claim, "claimName", f"/spec/volumes/{index}/persistentVolumeClaim"))
    return Pod(
        ref=ref,
        phase=text(status, "phase", "/status"),
        labels=table(metadata(value), "labels", "/metadata"),
        containers=(*_containers(spec, status, init=True), *_containers(spec, status, init=False)),
        claims=tuple(claims),
        node_selector=strings(spec, "nodeSelector", "/spec"),
        host_network=flag(spec, "hostNetwork", "/spec"),
        conditions=tuple(
            (text(row, "type", at), text(row, "status", at), text(row, "reason", at))
            for index, row in enumerate(rows(status, "conditions", "/status"))
            for at in (f"/status/conditions/{index}",)
        ),
    )


def _containers(spec: Object, status: Object, *, init: bool) -> list[ContainerState]:
    key, states_key = (
        ("initContainers", "initContainerStatuses") if init else ("containers", "containerStatuses")
    )
    states = {row.get("name"): row for row in rows(status, states_key, "/status")}
    found = []
    for index, row in enumerate(rows(spec, key, "/spec")):
        at = f"/spec/{key}/{index}"
        name = text(row, "name", at)
        state = states.get(name, {})
        waiting = table(table(state, "state", at), "waiting", at)
        found.append(
            ContainerState(
                name=name,
                image=text(row, "image", at),
                ready=flag(state, "ready", at),
                waiting=text(waiting, "reason", at),
                restarts=number(state, "restartCount", at),
                init=init,
            )
        )
    return found


@reads(IMAGE_STREAM)
def image_stream(value: Object, ref: Ref) -> ImageStream:
    """ImageStream. A tag without items in the status holds no image."""
    spec, status = table(value, "spec", ""), table(value, "status", "")
    tags = tuple(
        text(row, "tag", f"/status/tags/{index}")
        for index, row in enumerate(rows(status, "tags", "/status"))
        if row.get("items")
    )
    spec_tags = []
    for index, row in enumerate(rows(spec, "tags", "/spec")):
        at = f"/spec/tags/{index}"
        spec_tags.append((text(row, "name", at), _target(row, at)))
    return ImageStream(
        ref=ref,
        tags=tags,
        repository=text(status, "dockerImageRepository", "/status"),
        spec_tags=tuple(spec_tags),
        images=tuple(_held(status)),
    )


def _held(status: Object) -> Iterator[tuple[str, str]]:
    for index, row in enumerate(rows(status, "tags", "/status")):
        at = f"/status/tags/{index}"
        for item in rows(row, "items", at):
            digest = text(item, "image", f"{at}/items")
            if digest:
                yield text(row, "tag", at), digest


def _target(of: Object, at: str) -> str:
    """What a ``from`` refers to: ``Kind:name``, with ``@namespace`` where it names one."""
    origin = table(of, "from", at)
    if not origin:
        return ""
    where = f"{at}/from"
    target = f"{text(origin, 'kind', where)}:{text(origin, 'name', where)}"
    namespace = text(origin, "namespace", where)
    return f"{target}@{namespace}" if namespace else target


@reads(BUILD_CONFIG)
def build_config(value: Object, ref: Ref) -> BuildConfig:
    """BuildConfig: the images of its strategy and those that it takes files from."""
    spec = table(value, "spec", "")
    strategy = table(spec, "strategy", "/spec")
    places = [
        (table(strategy, key, "/spec/strategy"), f"/spec/strategy/{key}")
        for key in ("sourceStrategy", "dockerStrategy", "customStrategy")
    ]
    source = table(spec, "source", "/spec")
    places += [
        (row, f"/spec/source/images/{index}")
        for index, row in enumerate(rows(source, "images", "/spec/source"))
    ]
    found = ((f"{at}/from", _target(of, at)) for of, at in places)
    return BuildConfig(ref, tuple((pointer, target) for pointer, target in found if target))
