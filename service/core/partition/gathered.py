"""The namespaces of a migration with their size and ties, out of the evidence of the source."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from service.core.deadline import check
from service.core.evidence import Missing, NotGathered
from service.core.facts.image_registry import registry_routes
from service.core.facts.plan_limits import DEFAULTS, limit
from service.core.migration import Cluster, Migration
from service.core.partition.partition_model import Load, Size, Tie, TieKind
from service.core.values.imagerefs import image_namespace, referred_namespace
from service.kinds.cluster import CONFIG_MAP, NAMESPACE, Namespace
from service.kinds.mtc import (
    MIG_CLUSTER,
    MIG_PLAN,
    MIG_STORAGE,
    MIGRATION_CONTROLLER,
    MTC_NAMESPACE,
)
from service.kinds.network import NETWORK_POLICY, ROUTE, Selector
from service.kinds.resource import Read, Resource
from service.kinds.storage import PERSISTENT_VOLUME, PERSISTENT_VOLUME_CLAIM
from service.kinds.workloads import BUILD_CONFIG, IMAGE_STREAM, POD

READS: tuple[Read[Any], ...] = (
    Read(NAMESPACE),
    Read(POD, plan_namespaces=True),
    Read(PERSISTENT_VOLUME_CLAIM, plan_namespaces=True),
    Read(PERSISTENT_VOLUME),
    Read(IMAGE_STREAM, plan_namespaces=True),
    Read(BUILD_CONFIG, plan_namespaces=True),
    Read(NETWORK_POLICY, plan_namespaces=True),
    Read(ROUTE, "openshift-image-registry"),
    Read(ROUTE, "default"),
    Read(MIG_PLAN, MTC_NAMESPACE),
    Read(MIG_CLUSTER, MTC_NAMESPACE),
    Read(MIG_STORAGE, MTC_NAMESPACE),
    Read(MIGRATION_CONTROLLER, MTC_NAMESPACE),
    Read(CONFIG_MAP, MTC_NAMESPACE),
)
"""What is read for a partition."""

SYSTEM = re.compile(r"openshift(?:-.*)?|kube-.*|default")
"""Namespaces of the platform, which MTC does not migrate."""

MOST_CHOSEN = 30
"""A policy that chooses more namespaces by label than this ties none: a label that so many share
says nothing of which belong together, and the pairs would be the square of the input."""

_TIES_FROM: tuple[Resource[Any], ...] = (
    IMAGE_STREAM,
    BUILD_CONFIG,
    NETWORK_POLICY,
    PERSISTENT_VOLUME,
)


@dataclass(frozen=True, slots=True)
class Gathered:
    """What the evidence amounts to; ``missing`` is what could have shown more dependencies."""

    loads: tuple[Load, ...]
    ties: tuple[Tie, ...]
    missing: tuple[Missing, ...]


def gathered(migration: Migration) -> Gathered:
    """The namespaces of the plan, or without one all that are not the platform's.

    Pods count where they run, claims where they are bound, as the controller counts them.
    Raises NotGathered where pods or claims of these namespaces are not all known, and
    DeadlineExceeded.
    """
    source = migration.source
    texts = _texts(migration)
    names = tuple(text.partition(":")[0] for text in texts)
    pods, volumes = dict.fromkeys(names, 0), dict.fromkeys(names, 0)
    for pod in source.all(POD, names):
        pods[pod.ref.namespace] += pod.phase == "Running"
    for claim in source.all(PERSISTENT_VOLUME_CLAIM, names):
        volumes[claim.ref.namespace] += bool(claim.volume)
    loads = tuple(
        Load(text, pods[name], volumes[name]) for text, name in zip(texts, names, strict=True)
    )
    wanted = frozenset(names)
    ties = {tie: None for tie in _ties(source, wanted)}
    return Gathered(loads, tuple(ties), tuple(_gaps(source, names)))


def plan_limits(migration: Migration) -> Size:
    """The limits that hold on the host, or MTC's defaults where they are not known."""
    found = [limit(migration, name) for name in DEFAULTS]
    values = [
        fact.value if fact and fact.value > 0 else default
        for fact, default in zip(found, DEFAULTS.values(), strict=True)
    ]
    namespaces, pods, volumes = values
    return namespaces, pods, volumes


def _texts(migration: Migration) -> tuple[str, ...]:
    plan = migration.given_plan
    if plan is not None and plan.namespaces:
        return tuple({item.source: item.text for item in plan.namespaces}.values())
    source = migration.source
    try:
        names = {item.ref.name for item in source.all(NAMESPACE)}
    except NotGathered:
        names = {item.ref.namespace for item in source.all(POD)}
        names |= {item.ref.namespace for item in source.all(PERSISTENT_VOLUME_CLAIM)}
    return tuple(sorted(name for name in names if not SYSTEM.fullmatch(name)))


def _gaps(source: Cluster, names: tuple[str, ...]) -> Iterator[Missing]:
    for resource in _TIES_FROM:
        try:
            source.all(resource, names if resource.namespaced else None)
        except NotGathered as doubt:
            yield from doubt.missing


def _ties(source: Cluster, names: frozenset[str]) -> Iterator[Tie]:
    yield from _by_volume(source, names)
    for one, other, why in (*_by_image(source), *_by_policy(source, names)):
        if one != other and one in names and other in names:
            yield Tie(one, other, TieKind.REFERENCE, why)


def _by_volume(source: Cluster, names: frozenset[str]) -> Iterator[Tie]:
    """Volumes of different namespaces that represent the same storage."""
    first: dict[str, tuple[str, str]] = {}
    for volume in source.known(PERSISTENT_VOLUME):
        namespace = volume.claim_namespace
        if not volume.backing or namespace not in names:
            continue
        other, name = first.setdefault(volume.backing, (namespace, volume.ref.name))
        if other != namespace:
            why = f"volumes {name} and {volume.ref.name} are both {volume.backing}"
            yield Tie(other, namespace, TieKind.VOLUME, why)


def _by_image(source: Cluster) -> Iterator[tuple[str, str, str]]:
    """What uses an image of another namespace."""
    registries = frozenset(
        host.lower() for route in registry_routes(source) for host in route.hosts
    )
    for pod in source.known(POD):
        check()
        for container in pod.containers:
            namespace = image_namespace(container.image, registries)
            if namespace:
                why = f"pod {pod.ref.name} runs {container.image.partition('@')[0]}"
                yield pod.ref.namespace, namespace, why
    for stream in source.known(IMAGE_STREAM):
        for tag, target in stream.spec_tags:
            namespace = referred_namespace(target, registries)
            why = f"image stream {stream.ref.name}:{tag} refers to {target}"
            yield stream.ref.namespace, namespace, why
    for build in source.known(BUILD_CONFIG):
        for _, target in build.images:
            namespace = referred_namespace(target, registries)
            why = f"build configuration {build.ref.name} builds from {target}"
            yield build.ref.namespace, namespace, why


def _by_policy(source: Cluster, names: frozenset[str]) -> Iterator[tuple[str, str, str]]:
    """Network policies that choose a few other namespaces by their labels."""
    labels = _Labels(item for item in source.known(NAMESPACE) if item.ref.name in names)
    for policy in source.known(NETWORK_POLICY):
        if policy.ref.namespace not in names:
            continue
        why = f"network policy {policy.ref.name} chooses namespaces by label"
        chosen: set[str] = set()
        for selector in _selectors((*(policy.ingress or ()), *(policy.egress or ()))):
            chosen.update(labels.chosen(selector))
            if len(chosen) > MOST_CHOSEN:
                break
        else:
            for name in sorted(chosen):
                yield policy.ref.namespace, name, why


class _Labels:
    """Namespaces by their labels; what a selector chooses is looked for once."""

    def __init__(self, spaces: Iterable[Namespace]) -> None:
        self._spaces = tuple(spaces)
        self._with: dict[tuple[str, str], list[Namespace]] = {}
        for space in self._spaces:
            for label in space.labels.items():
                self._with.setdefault(label, []).append(space)
        self._known: dict[str, tuple[str, ...]] = {}

    def chosen(self, selector: Selector) -> tuple[str, ...]:
        """The namespaces that a selector chooses; none where there are more than MOST_CHOSEN."""
        check()
        key = repr(selector)
        if key not in self._known:
            self._known[key] = self._matching(selector)
        return self._known[key]

    def _matching(self, selector: Selector) -> tuple[str, ...]:
        near = [self._with.get(label, []) for label in selector.labels.items() if _is_text(label)]
        found = []
        for space in min(near, key=len, default=self._spaces):
            check()
            if selector.matches(space.labels):
                found.append(space.ref.name)
                if len(found) > MOST_CHOSEN:
                    return ()
        return tuple(found)


def _is_text(label: tuple[object, object]) -> bool:
    return isinstance(label[1], str)


def _selectors(rules: Iterable[Mapping[str, Any]]) -> Iterator[Selector]:
    """The namespace selectors of rules, without those that choose every namespace."""
    for rule in rules:
        for peer in (*(rule.get("from") or ()), *(rule.get("to") or ())):
            chosen = peer.get("namespaceSelector") if isinstance(peer, dict) else None
            if not isinstance(chosen, dict) or not chosen:
                continue
            labels = chosen.get("matchLabels") or {}
            rows = chosen.get("matchExpressions") or ()
            expressions = tuple(
                (str(row.get("key")), str(row.get("operator")), tuple(row.get("values") or ()))
                for row in rows
                if isinstance(row, dict)
            )
            if isinstance(labels, dict) and (labels or expressions):
                yield Selector(labels, expressions)
