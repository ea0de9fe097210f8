"""What an API server serves: its groups, versions and kinds, as objects of a bundle."""

from __future__ import annotations

from typing import Any

from service.collect.api import Api
from service.collect.collect_errors import ApiError

AGGREGATED = ",".join(
    (
        *(
            f"application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList"
            for version in ("v2", "v2beta1")
        ),
        "application/json",
    )
)
"""Everything in two answers, from Kubernetes 1.26 on; older servers answer in the old form."""
LIST = "APIGroupDiscoveryList"


def served(api: Api) -> tuple[list[dict[str, Any]], bool]:
    """The objects, and whether they are APIGroupDiscovery and all of them.

    A group of which the server itself says that its account is stale is left out: what is
    missing from it is not proved to be missing. Raises CollectError.
    """
    core, rest = (api.get(path, accept=AGGREGATED) for path in ("/api", "/apis"))
    if core.get("kind") != LIST or rest.get("kind") != LIST:
        return _one_by_one(api, rest), False
    found, whole = [], True
    for answer in (core, rest):
        for item in answer.get("items") or ():
            if _stale(item):
                whole = False
                continue
            kind = {"apiVersion": answer.get("apiVersion"), "kind": "APIGroupDiscovery"}
            found.append({**kind, **item})
    return found, whole


def _stale(item: dict[str, Any]) -> bool:
    return any(
        version.get("freshness", "Current") != "Current" for version in item.get("versions") or ()
    )


def _one_by_one(api: Api, groups: dict[str, Any]) -> list[dict[str, Any]]:
    """A list for each group version. One that does not answer is left out."""
    paths = ["/api/v1"]
    for group in groups.get("groups") or ():
        paths += [f"/apis/{item['groupVersion']}" for item in group.get("versions") or ()]
    found = []
    for path in paths:
        try:
            answer = api.get(path)
        except ApiError:
            continue  # an aggregated API that is down: nothing is known of its kinds
        found.append({"apiVersion": "v1", "kind": "APIResourceList", **answer})
    return found
