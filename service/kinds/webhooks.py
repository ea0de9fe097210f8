"""Admission webhooks, which are asked before an object is written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from service.kinds.network import Selector, selector
from service.kinds.ref import Ref
from service.kinds.resource import Resource
from service.kinds.shape import Object, drop, each, rows, table, text, texts

ADMISSION = "admissionregistration.k8s.io"


@dataclass(frozen=True, slots=True)
class Webhook:
    """One webhook. ``resources`` are pairs of group and plural; ``fails`` says whether an
    object is refused where the webhook does not answer. ``service`` is namespace/name, "" for a
    URL outside of the cluster."""

    name: str
    resources: tuple[tuple[str, str], ...]
    fails: bool
    service: str
    namespaces: Selector


@dataclass(frozen=True, slots=True)
class WebhookConfiguration:
    """A MutatingWebhookConfiguration or ValidatingWebhookConfiguration."""

    ref: Ref
    webhooks: tuple[Webhook, ...]


def webhook_configuration(value: Object, ref: Ref) -> WebhookConfiguration:
    """MutatingWebhookConfiguration and ValidatingWebhookConfiguration."""
    found = []
    for index, row in enumerate(rows(value, "webhooks", "")):
        at = f"/webhooks/{index}"
        client = table(row, "clientConfig", at)
        service = table(client, "service", f"{at}/clientConfig")
        name = (text(service, key, f"{at}/clientConfig/service") for key in ("namespace", "name"))
        found.append(
            Webhook(
                text(row, "name", at),
                tuple(_resources(row, at)),
                text(row, "failurePolicy", at) in ("Fail", ""),
                "/".join(name) if service else "",
                selector(row, "namespaceSelector", at),
            )
        )
    return WebhookConfiguration(ref, tuple(found))


def _resources(row: Object, at: str) -> list[tuple[str, str]]:
    """What is asked about when objects are created, which is all that a restore does."""
    found = []
    for rule in rows(row, "rules", at):
        if {"CREATE", "*"} & {*texts(rule, "operations", f"{at}/rules")}:
            for group in texts(rule, "apiGroups", f"{at}/rules"):
                found += [(group, name) for name in texts(rule, "resources", f"{at}/rules")]
    return found


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The endpoints of a service: how many addresses are ready."""

    ref: Ref
    ready: int


def endpoints(value: Object, ref: Ref) -> Endpoints:
    """Endpoints."""
    parts = enumerate(rows(value, "subsets", ""))
    return Endpoints(ref, sum(len(rows(row, "addresses", f"/subsets/{at}")) for at, row in parts))


def _trim(value: dict[str, Any]) -> None:
    for webhook in each(value.get("webhooks")):
        drop(webhook.get("clientConfig"), "caBundle")


VALIDATING_WEBHOOKS = Resource(
    "ValidatingWebhookConfiguration", "validatingwebhookconfigurations", webhook_configuration,
    (ADMISSION,), title="webhooks that may refuse objects", trim=_trim,
)  # fmt: skip
MUTATING_WEBHOOKS = Resource(
    "MutatingWebhookConfiguration", "mutatingwebhookconfigurations", webhook_configuration,
    (ADMISSION,), title="webhooks that may change objects", trim=_trim,
)  # fmt: skip
ENDPOINTS = Resource(
    "Endpoints", "endpoints", endpoints, namespaced=True, title="whether something serves a service"
)
