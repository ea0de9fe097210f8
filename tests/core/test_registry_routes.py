"""What is told of a route that a router rejects."""

from __future__ import annotations

import io
import json
from typing import Any

from policies import catalogue
from service.core.engine import judge
from service.intake.parts import read_body
from service.intake.pieces import Piece

POLICY = next(item for item in catalogue() if item.id == "MTC202")


def messages(*conditions: dict[str, Any]) -> list[str]:
    route = {
        "apiVersion": "route.openshift.io/v1",
        "kind": "Route",
        "metadata": {"name": "default-route", "namespace": "openshift-image-registry"},
        "spec": {
            "host": "r.example.com",
            "to": {"name": "image-registry"},
            "tls": {"termination": "reencrypt"},
        },
        "status": {"ingress": [{"conditions": [item]} for item in conditions]},
    }
    source = {
        "role": "source",
        "facts": {"openshiftVersion": "4.14.9"},
        "complete": ["routes"],
        "objects": [route],
    }
    body = json.dumps({"clusters": [source], "plan": {"namespaces": ["shop"]}}).encode()
    migration = read_body(Piece("envelope", io.BytesIO(body)), {}).migration
    return [item.message for item in judge(migration, POLICY) if item.subject.cluster == "source"]


def test_reason_and_message_of_the_routers_are_quoted() -> None:
    claimed = {
        "type": "Admitted",
        "status": "False",
        "reason": "HostAlreadyClaimed",
        "message": "route other already exposes r.example.com",
    }
    bare = {"type": "Admitted", "status": "False"}
    assert messages(bare, claimed) == [
        "the router rejects route default-route (HostAlreadyClaimed: route other already exposes "
        "r.example.com)"
    ]
    assert messages(bare) == ["the router rejects route default-route"]
