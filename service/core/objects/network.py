"""Routes, services and what blocks traffic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from service.core.evidence import Ref


@dataclass(frozen=True, slots=True)
class Route:
    """A route; ``admitted`` is True, False, or None where the status says nothing."""

    ref: Ref
    host: str
    service: str
    termination: str
    admitted: bool | None
    hosts: tuple[str, ...]
    """Every host that a router has admitted or was asked for, ``host`` included."""
    host_generated: bool = False
    """Whether the host was made of name, namespace and the routers' domain, not written."""


@dataclass(frozen=True, slots=True)
class Service:
    """A service and its ports."""

    ref: Ref
    cluster_ip: str
    type: str
    ports: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Selector:
    """A label selector (matchLabels and matchExpressions)."""

    labels: Mapping[str, str]
    expressions: tuple[tuple[str, str, tuple[str, ...]], ...] = ()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether an object with these labels is selected; the empty selector selects all."""
        return all(labels.get(key) == value for key, value in self.labels.items()) and all(
            _expression(labels, *expression) for expression in self.expressions
        )


def _expression(
    labels: Mapping[str, str], key: str, operator: str, values: tuple[str, ...]
) -> bool:
    if operator == "In":
        return labels.get(key) in values
    if operator == "NotIn":
        return labels.get(key) not in values
    if operator == "Exists":
        return key in labels
    return key not in labels


@dataclass(frozen=True, slots=True)
class NetworkPolicy:
    """A NetworkPolicy; ``ingress``/``egress`` are None where that direction is not restricted.

    The rules stay as the API gives them: a rule that is empty allows everything.
    """

    ref: Ref
    selector: Selector
    ingress: tuple[Mapping[str, Any], ...] | None
    egress: tuple[Mapping[str, Any], ...] | None


@dataclass(frozen=True, slots=True)
class EgressRule:
    """One rule of an EgressNetworkPolicy or EgressFirewall, in order; the first match wins.

    ``ports`` are TCP ports; none mean all.
    """

    allow: bool
    cidr: str
    dns_name: str
    ports: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class EgressPolicy:
    """EgressNetworkPolicy (OpenShift SDN) or EgressFirewall (OVN-Kubernetes)."""

    ref: Ref
    rules: tuple[EgressRule, ...]


@dataclass(frozen=True, slots=True)
class AdminPolicy:
    """AdminNetworkPolicy or BaselineAdminNetworkPolicy (policy.networking.k8s.io/v1alpha1).

    A lower ``priority`` goes first. ``subject`` and the rules stay as the API gives them; each
    rule has an ``action`` (Allow, Deny, Pass), and the first that matches decides.
    """

    ref: Ref
    priority: int
    subject: Mapping[str, Any]
    ingress: tuple[Mapping[str, Any], ...]
    egress: tuple[Mapping[str, Any], ...]
