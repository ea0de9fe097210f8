"""POST /v1/migplans/partition: namespaces in, plans that keep MTC's limits out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import yaml
from flask import Blueprint, Response

from service.api.answers.negotiation import choose
from service.api.answers.problems import Refused, RequestFault, encode
from service.api.contract import OF_A_BODY, ApiLink, Contract, Success, operation
from service.api.requests.body import read_request
from service.api.requests.partition_body import read_partition_request, table, wrong
from service.api.runtime import runtime
from service.api.schemas.envelope_schemas import form
from service.api.schemas.partition_schemas import (
    FORMATS,
    PartitionDocumentSchema,
    PartitionQuery,
    PartitionSchema,
)
from service.core.allowance import spend
from service.core.deadline import check
from service.core.evidence import Missing, NotGathered
from service.core.facts.plan_limits import DEFAULTS
from service.core.migration import Migration
from service.core.partition import Oversized, PartitionRequest, partition
from service.core.partition.gathered import MOST_CHOSEN, gathered, plan_limits
from service.core.partition.partition_model import DIMENSIONS, Size, Tie
from service.core.partition.plan_manifests import common, manifests
from service.intake.intake import Intake
from service.kinds.mtc import MIG_CLUSTER, MIG_PLAN, MIG_STORAGE

MOST_COPIED = 16 * 1024 * 1024
"""Most bytes of a template in all plans together; a usual one has 300."""

blueprint = Blueprint("partition", __name__)

_CONTRACT = Contract(
    "partitionMigPlans",
    "Split namespaces into plans that keep MTC's limits",
    Success(
        "The plans.",
        {
            FORMATS["json"]: PartitionSchema,
            FORMATS["manifests"]: None,
        },
        links={
            "evaluate": ApiLink(
                "evaluate",
                "The evidence, evaluated for one of the plans, here the first.",
                body={"plan": "$response.body#/plans/0/manifest"},
            )
        },
    ),
    query=PartitionQuery(),
    problems=(*OF_A_BODY, "storage-unavailable"),
    tag="plans",
    scope="evaluate",
    description="Send a document with `namespaces` (a table with the pods and volumes of each), or "
    "with `evaluation` (the evidence of the source: pods and claims; image streams, build "
    "configurations, volumes and network policies show what belongs together; a policy that "
    f"chooses more than {MOST_CHOSEN} namespaces by a label does not); or a form with "
    "the parts of an evaluation and, if wanted, a part `partition` with the rest of the "
    "document. Without a plan all namespaces but the platform's are taken. The answer is JSON, "
    "or the manifests for `oc create -f -`. Namespaces that share a volume or a group are in one "
    "plan; those that refer to each other are, where they fit, else what is referred to comes in "
    "an earlier wave. The number of plans is the least where `minimal` says so.",
    body=True,
    document=PartitionDocumentSchema,
    form=form("PartitionFormSchema", partition="limits, namePrefix and so on"),
)


@blueprint.post("/v1/migplans/partition")
@operation(_CONTRACT)
def post_partition(query: Mapping[str, Any]) -> Response:
    """Partition the namespaces of the body."""
    now = runtime()
    name = query.get("format")
    media_type = FORMATS[name] if name else choose(FORMATS.values())
    with read_request(now) as body, now.turns:
        wanted, bundle = read_partition_request(body, now)
        document = _made(wanted, bundle)
        if media_type == FORMATS["json"]:
            content = encode(PartitionSchema().dump(document))
        else:
            content = _manifests(document)
    response = Response(content, mimetype=media_type)
    response.vary.add("Accept")
    return response


def _made(wanted: Mapping[str, Any], bundle: Intake | None) -> dict[str, Any]:
    migration = bundle.migration if bundle else None
    missing: tuple[Missing, ...] = ()
    if "namespaces" in wanted:
        loads, ties = table(wanted["namespaces"])
    elif migration is not None:
        loads, ties, missing = _of_evidence(migration)
    else:
        raise wrong("there is nothing to partition", "send namespaces, or evidence", "/namespaces")
    limits = _limits(wanted.get("limits", {}), migration)
    result = partition(PartitionRequest(loads, ties, limits))
    template = _template(migration)
    prefix = wanted.get("name_prefix") or _prefix(template)
    _check_copies(template, len(result.plans))
    documents = manifests(result.plans, prefix, template)
    names = {load.name for load in loads}
    return {
        "plans": [
            {
                "name": manifest["metadata"]["name"],
                "wave": plan.wave,
                "namespaces": plan.texts,
                "size": _size(plan.size),
                "manifest": manifest,
            }
            for plan, manifest in zip(result.plans, documents, strict=True)
        ],
        "oversized": [_oversized(item, limits) for item in result.oversized],
        "minimal": result.minimal,
        "least": result.bound,
        "limits": _size(limits),
        "total": _size(
            (
                len(loads),
                sum(load.pods for load in loads),
                sum(load.volumes for load in loads),
            )
        ),
        "ties": list(_ties(ties, names, frozenset(result.ordered))),
        "missing": [item._asdict() for item in missing],
    }


def _check_copies(template: Mapping[str, Any], plans: int) -> None:
    """Raise Refused where what every plan gets of the template makes the answer too large."""
    spec = template.get("spec")
    size = len(encode(common(spec))) if isinstance(spec, Mapping) else 0
    if size * plans > MOST_COPIED:
        raise wrong(
            f"{size} bytes of the plan would be in each of {plans} plans, which is more than "
            f"{MOST_COPIED} bytes together",
            "leave out of the plan's spec what is not for every plan, or raise the limits",
            "/plan/spec",
        )
    spend(10 * size * plans)


def _of_evidence(migration: Migration) -> tuple[Any, Any, tuple[Missing, ...]]:
    try:
        found = gathered(migration)
    except NotGathered as doubt:
        faults = [
            RequestFault("not-gathered", f"{item.fact} ({item.cluster}) is not known", item.command)
            for item in doubt.missing
        ]
        detail = "The evidence does not contain every pod and claim of the namespaces."
        raise Refused("invalid-input", detail, errors=faults) from None
    if not found.loads:
        raise wrong("the evidence contains only namespaces of the platform", "send a plan", "")
    return found.loads, found.ties, found.missing


def _limits(given: Mapping[str, int], migration: Migration | None) -> Size:
    held = plan_limits(migration) if migration else tuple(DEFAULTS.values())
    namespaces, pods, volumes = (
        given.get(name, value) for name, value in zip(DIMENSIONS, held, strict=True)
    )
    return namespaces, pods, volumes


def _template(migration: Migration | None) -> Mapping[str, Any]:
    """The plan as it was given; without one, what the host's objects leave no choice about."""
    if migration is None:
        return {}
    plan, host = migration.given_plan, migration.host
    if plan is not None:
        shelf = host.inventory.shelf(MIG_PLAN)
        place = shelf.place(plan.ref.namespace, plan.ref.name) if shelf else None
        if shelf is not None and place is not None:
            return shelf.entries[place].value
        return {}
    spec: dict[str, Any] = {}
    clusters = host.known(MIG_CLUSTER)
    for field, is_host in (("srcMigClusterRef", False), ("destMigClusterRef", True)):
        fits = [item.ref for item in clusters if item.is_host is is_host]
        if len(fits) == 1:
            spec[field] = {"name": fits[0].name, "namespace": fits[0].namespace}
    storages = host.known(MIG_STORAGE)
    if len(storages) == 1:
        ref = storages[0].ref
        spec["migStorageRef"] = {"name": ref.name, "namespace": ref.namespace}
    return {"spec": spec}


def _prefix(template: Mapping[str, Any]) -> str:
    metadata = template.get("metadata")
    name = metadata.get("name") if isinstance(metadata, Mapping) else None
    return name[:40].rstrip("-.") if isinstance(name, str) and name else "plan"


def _size(size: Size) -> dict[str, int]:
    return dict(zip(DIMENSIONS, size, strict=True))


def _oversized(item: Oversized, limits: Size) -> dict[str, Any]:
    most = _size(item.size)
    hints = [f"{_SETTINGS[name]} to {most[name]}" for name in item.exceeds]
    alone = len(item.texts) == 1
    return {
        "namespaces": item.texts,
        "size": most,
        "exceeds": item.exceeds,
        "hint": f"raise {' and '.join(hints)} in the MigrationController"
        + ("" if alone else ", or take apart what ties them"),
    }


_SETTINGS = dict(zip(DIMENSIONS, DEFAULTS, strict=True))


def _ties(
    ties: Iterable[Tie], names: set[str], ordered: frozenset[Tie]
) -> Iterator[dict[str, Any]]:
    """The ties of namespaces that are partitioned, and what became of each."""
    for tie in ties:
        check()
        if tie.one in names and tie.other in names:
            kept = "order" if tie in ordered else "together"
            named = {"one": tie.one, "other": tie.other, "kind": tie.kind, "why": tie.why}
            yield named | {"kept": kept}


def _manifests(document: Mapping[str, Any]) -> bytes:
    """The manifests as YAML documents; what could not be planned comes first, as comments."""
    texts = [
        f"# not planned: {', '.join(item['namespaces'])}: {item['hint']}\n"
        for item in document["oversized"]
    ]
    for item in document["plans"]:
        check()
        texts.append(
            yaml.safe_dump(
                item["manifest"], sort_keys=False, allow_unicode=True, explicit_start=True
            )
        )
    return "".join(texts).encode("utf-8", "replace")
