"""What is worth reading: derived from what the policies read, so nothing else is parsed."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from service.kinds.cluster import CONFIG_MAP, SECRET
from service.kinds.mtc import MTC_NAMESPACE
from service.kinds.registry import resources
from service.kinds.resource import Read, Resource

_SYSTEM = re.compile(r"openshift(?:-.*)?|kube-.*")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which objects are read.

    ``whole`` are resources read everywhere; ``fixed`` pairs of resource and namespace;
    ``plan`` resources read in the plan's namespaces, which are None while no plan is known.
    """

    whole: frozenset[Resource[Any]]
    fixed: frozenset[tuple[Resource[Any], str]]
    plan: frozenset[Resource[Any]]
    namespaces: frozenset[str] | None = None

    @classmethod
    def of(
        cls, reads: Iterable[Read[Any]] | None, namespaces: Collection[str] | None = None
    ) -> Wanted:
        """What these reads need; without reads, everything."""
        chosen = None if namespaces is None else frozenset(namespaces)
        if reads is None:
            return cls(frozenset(resources()), frozenset(), frozenset(), chosen)
        whole, fixed, plan = set(), set(), set()
        for read in reads:
            if not read.resource.namespaced or not (read.namespace or read.plan_namespaces):
                whole.add(read.resource)
            if read.namespace:
                fixed.add((read.resource, read.namespace))
            if read.plan_namespaces:
                plan.add(read.resource)
        return cls(frozenset(whole), frozenset(fixed), frozenset(plan), chosen)

    def takes(self, resource: Resource[Any], namespace: str) -> bool:
        """Whether an object of this resource in this namespace is read by any policy."""
        if resource in self.whole:
            return resource not in (CONFIG_MAP, SECRET) or _holds_settings(namespace)
        if (resource, namespace) in self.fixed or namespace == "*":
            return True
        if resource not in self.plan:
            return False
        if self.namespaces is None:
            return not _SYSTEM.fullmatch(namespace)
        return namespace in self.namespaces


def _holds_settings(namespace: str) -> bool:
    return namespace in (MTC_NAMESPACE, "openshift-apiserver", "openshift-config", "*")
