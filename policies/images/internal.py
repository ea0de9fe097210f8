"""Images of namespace ``openshift`` that an application takes along from OpenShift 3."""

from __future__ import annotations

from collections.abc import Iterator
from shlex import quote
from typing import Any, TypeVar

from policies import links
from policies.data.image_streams import removed_in
from service.core.evidence import Gaps, Missing, NotGathered
from service.core.facts.image_registry import registry_routes
from service.core.facts.release import READS as RELEASE_READS
from service.core.facts.release import major
from service.core.facts.templates import READS as TEMPLATE_READS
from service.core.facts.templates import require_templates, templates
from service.core.migration import Cluster, Migration
from service.core.outcome import Outcome, Severity, failed, passed, unknown
from service.core.policy import MigrationPolicy, NotApplicable
from service.core.values.imagerefs import InternalImage, internal_image, referred_image
from service.core.values.wording import plural
from service.kinds.network import ROUTE
from service.kinds.ref import Pointer, Ref, Subject
from service.kinds.resource import Read, Resource, fetch_command
from service.kinds.workloads import (
    BUILD_CONFIG,
    IMAGE_STREAM,
    POD,
    BuildConfig,
    ImageStream,
    Pod,
)

T = TypeVar("T", Pod, ImageStream, BuildConfig)
USERS: tuple[Resource[Any], ...] = (POD, IMAGE_STREAM, BUILD_CONFIG)
"""What names the images of an application. All of it must be known for a pass."""

Use = tuple[Ref, str, str]
"""The object that uses an image, the JSON pointer in it, and the reference as written."""

Uses = dict[InternalImage, list[Use]]


class InternalImages(MigrationPolicy):
    """Images of namespace `openshift` that the application uses exist on the destination.

    Only from OpenShift 3 to 4. Pods, and the templates of whatever makes pods, name such images by
    tag or, where a trigger resolved it, by digest; the source's image streams have the tag of a
    digest. Triggers, image streams of the application and build configurations may refer to image
    stream tags of `openshift`. What is scaled to zero or runs by a clock has no pod: without the
    templates a pass says so in a warning of its own.
    """

    id = "MTC701"
    name = "internal-images"
    title = "The images of namespace openshift that the application uses exist on the destination"
    why = (
        "Pods stay in ImagePullBackOff after the migration, because OpenShift 4 removed many "
        "old tags."
    )
    reads = (
        Read(POD, plan_namespaces=True),
        Read(IMAGE_STREAM, plan_namespaces=True),
        Read(BUILD_CONFIG, plan_namespaces=True),
        Read(IMAGE_STREAM, namespace="openshift"),
        Read(ROUTE, namespace="openshift-image-registry"),
        Read(ROUTE, namespace="default"),
        *TEMPLATE_READS,
        *RELEASE_READS,
    )
    remedy = (
        "Change the application to a tag that exists on the destination, or copy the old image "
        "to namespace openshift of the destination."
    )
    docs = (links.INTERNAL_IMAGES,)
    chapter = True
    vacuous = "an application that makes no pods uses no image"
    source = "MTC documentation (3 to 4), Migration prerequisites, Internal images"
    better = "MTC has no such check."

    def applies(self, migration: Migration) -> None:
        if major(migration.source) != 3:
            raise NotApplicable("the source is not OpenShift 3")
        if major(migration.destination) != 4:
            raise NotApplicable("the destination is not OpenShift 4")

    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        namespaces = migration.source_namespaces
        uses = _used(migration.source, namespaces)
        short = 0
        gaps = Gaps()
        for image in sorted(uses):
            with gaps.noted():
                outcome = _judged(migration, image, uses[image])
                if outcome is not None:
                    short += 1
                    yield outcome
        gaps.require_none()
        for resource in USERS:
            migration.source.all(resource, namespaces)
        if not short:
            yield from _templates(migration)
            yield passed(
                migration.destination.subject,
                "every internal image that is used exists here"
                if uses
                else "the application uses no image of namespace openshift",
                examined=len(uses),
            )


def _templates(migration: Migration) -> Iterator[Outcome]:
    """A warning where there may be templates that no running pod shows."""
    try:
        require_templates(migration.source, migration.source_namespaces)
    except NotGathered as gap:
        yield unknown(
            migration.source.subject,
            "workloads that are scaled to zero or run on a schedule may use other images than "
            "the pods",
            *gap.missing,
            key="templates",
            severity=Severity.WARNING,
        )


def _used(cluster: Cluster, namespaces: tuple[str, ...]) -> Uses:
    """The internal images that what is known of these namespaces uses, and where."""
    registries = _registries(cluster)
    uses: Uses = {}
    for use in _named(cluster, namespaces):
        ref, pointer, written = use
        read = (
            internal_image if ref.kind == "Pod" or pointer.endswith("/template") else referred_image
        )
        image = read(written, registries)
        if image is not None:
            uses.setdefault(image, []).append(use)
    return uses


def _named(cluster: Cluster, namespaces: tuple[str, ...]) -> Iterator[Use]:
    """Every image that pods, their templates, image streams and builds name."""
    for pod in _given(cluster, POD, namespaces):
        for container in pod.containers:
            yield pod.ref, "/spec", container.image
    for made in templates(cluster, namespaces):
        yield from ((made.ref, made.template, image) for image in made.images)
        yield from ((made.ref, "/spec/triggers", target) for target in made.triggers)
    for stream in _given(cluster, IMAGE_STREAM, namespaces):
        yield from ((stream.ref, "/spec/tags", target) for _, target in stream.spec_tags)
    for build in _given(cluster, BUILD_CONFIG, namespaces):
        yield from ((build.ref, pointer, target) for pointer, target in build.images)


def _given(cluster: Cluster, resource: Resource[T], namespaces: tuple[str, ...]) -> tuple[T, ...]:
    """The objects of these namespaces that are there, whole or not."""
    try:
        return cluster.all(resource, namespaces)
    except NotGathered:
        return cluster.known(resource, namespaces)


def _registries(cluster: Cluster) -> frozenset[str]:
    """Further names of the cluster's registry: its routes, and what its image streams say."""
    names = {host.lower() for route in registry_routes(cluster) for host in route.hosts}
    names |= {
        stream.repository.partition("/")[0].lower()
        for stream in cluster.known(IMAGE_STREAM)
        if stream.repository
    }
    return frozenset(names)


def _judged(migration: Migration, image: InternalImage, users: list[Use]) -> Outcome | None:
    """A failure or an unknown; None where the destination holds the image."""
    destination = migration.destination
    stream = destination.find(IMAGE_STREAM, image.stream, "openshift")
    tags = _tags(migration.source, image)
    wanted = InternalImage(image.stream, _versions(tags)[0]) if tags else image
    if stream is None:
        return _missing(destination, wanted, users, f"no image stream {image.stream}")
    if _holds(stream, image.digest) or any(tag in stream.tags for tag in _versions(tags)):
        return None
    if tags:
        return _missing(destination, wanted, users, f"tags {', '.join(stream.tags) or 'none'}")
    return unknown(
        _subject(destination, image),
        f"image stream {image.stream} exists, but cannot verify which of its tags {image} is",
        Missing(
            f"the tag of {image}",
            migration.source.role,
            fetch_command(IMAGE_STREAM, image.stream, "openshift"),
        ),
        evidence=_shown(users),
    )


def _holds(stream: ImageStream, digest: str) -> bool:
    return bool(digest) and any(held == digest for _, held in stream.images)


def _versions(tags: list[str]) -> list[str]:
    """The tags that name a version: ``latest`` of a newer cluster is another image."""
    return [tag for tag in tags if tag != "latest"] or tags


def _tags(source: Cluster, image: InternalImage) -> list[str]:
    """The tags that an image has on the source; several tags can hold one digest."""
    if image.tag:
        return [image.tag]
    streams = [
        item for item in source.known(IMAGE_STREAM, ("openshift",)) if item.ref.name == image.stream
    ]
    return [tag for item in streams for tag, digest in item.images if digest == image.digest]


def _missing(destination: Cluster, image: InternalImage, users: list[Use], found: str) -> Outcome:
    release = removed_in(image.stream, image.tag)
    gone = f"; OpenShift {release} removed it" if release else ""
    name = str(image)
    tag = quote(image.tag) if image.tag else "<tag>"
    copy = f"<destination registry route>/openshift/{quote(image.stream)}:{tag}"
    return failed(
        _subject(destination, image),
        f"{name} of namespace openshift is used {plural(len(users), 'time')} but does not exist "
        f"here{gone}",
        *_shown(users),
        found=found,
        wanted=name,
        commands=(
            f"oc get imagestream {quote(image.stream)} -n openshift",
            f"podman pull <source registry route>/openshift/{quote(name)}",
            f"podman tag <source registry route>/openshift/{quote(name)} {copy}",
            f"podman push {copy}",
        ),
    )


def _shown(users: list[Use]) -> tuple[Pointer, ...]:
    return tuple(ref.at(pointer, _as_path(text)) for ref, pointer, text in users[:3])


def _as_path(target: str) -> str:
    """``Kind:name@namespace`` as ``Kind namespace/name``; a digest of an image is left alone."""
    name, mark, namespace = target.rpartition("@")
    if not mark or ":" in namespace:
        return target
    kind, _, name = name.partition(":")
    return f"{kind} {namespace}/{name}"


def _subject(destination: Cluster, image: InternalImage) -> Subject:
    return Subject(
        destination.name, "image.openshift.io/v1", "ImageStreamTag", "openshift", str(image)
    )
