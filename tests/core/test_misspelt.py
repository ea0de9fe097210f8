"""A key that is nearly a field that a policy reads is never read as the field's absence."""

from __future__ import annotations

import copy
import io
import json
from typing import Any

import pytest

from service.core.evidence import NotGathered
from service.core.migration import Migration
from service.intake.parts import read_pieces
from service.intake.pieces import Piece
from service.kinds.config import INFRASTRUCTURE, PROXY
from service.kinds.fields import _levels, misspelt
from service.kinds.network import NETWORK_POLICY
from service.kinds.registry import RESOURCES
from service.kinds.storage import PERSISTENT_VOLUME_CLAIM

URL = "http://proxy.example.com:3128"
META = {"name": "cluster"}


def proxy(**fields: Any) -> dict[str, Any]:
    return {"apiVersion": "config.openshift.io/v1", "kind": "Proxy", "metadata": META, **fields}


def read(*objects: Any) -> Migration:
    data = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)}).encode()
    return read_pieces([Piece("source", io.BytesIO(data))], {}).migration


@pytest.mark.parametrize(
    ("given", "pointer", "meant"),
    [
        (proxy(spec={"httpproxy": URL}), "/spec/httpproxy", "httpProxy"),
        (proxy(spec={"HTTPProxy": URL}), "/spec/HTTPProxy", "httpProxy"),
        (proxy(spec={"\u00a0httpProxy": URL}), "/spec/\u00a0httpProxy", "httpProxy"),
        (proxy(spec={"http Proxy": URL}), "/spec/http Proxy", "httpProxy"),
        (proxy(spec={"http_proxy": URL}), "/spec/http_proxy", "httpProxy"),
        (proxy(spec={"htpProxy": URL}), "/spec/htpProxy", "httpProxy"),
        (proxy(spec={"httpPorxy": URL}), "/spec/httpPorxy", "httpProxy"),
        (proxy(spec={"httpProxy": None, "httpproxy": URL}), "/spec/httpproxy", "httpProxy"),
        (proxy(spec={}, status={"http/proxy": URL}), "/status/http~1proxy", "httpProxy"),
        (proxy(Spec={"httpProxy": URL}), "/Spec", "spec"),
        (proxy(sepc={"httpProxy": URL}), "/sepc", "spec"),
        (proxy(httpProxy=URL), "/httpProxy", "spec.httpProxy"),
        (proxy(metadata={**META, "spec": {"httpProxy": URL}}), "/metadata/spec", "spec"),
        (proxy(spec={"trustedCA": {"name": "", "httpProxy": URL}}), "/spec/trustedCA/httpProxy",
         "spec.httpProxy"),
    ],
)  # fmt: skip
def test_the_fact_is_unknown_and_the_report_says_what_was_meant(
    given: dict[str, Any], pointer: str, meant: str
) -> None:
    migration = read(given)
    with pytest.raises(NotGathered) as missing:
        migration.source.get(PROXY, "cluster")
    (item,) = missing.value.missing
    assert item.reason.endswith(f"did you mean {meant!r}?")
    (problem,) = migration.source.inventory.problems()
    assert (problem.code, problem.pointer) == ("field-misspelt", f"/items/0{pointer}")
    assert problem.hint.startswith(f"did you mean {meant!r}?")


@pytest.mark.parametrize(
    "given",
    [
        proxy(spec={"httpProxy": URL, "httpproxy": "x"}),
        proxy(spec={"httpProxyPolicy": "x", "socksProxy": "x", "mode": {"httpProxy": "x"}}),
        proxy(spec={"noProxy": "x", "readinessEndpoints": []}),
        proxy(metadata={**META, "labels": {"httpproxy": "x"}, "annotations": {"nmae": "x"}}),
        proxy(metadata={**META, "managedFields": [{"f:spec": {}}], "newField": 1}, result={}),
    ],
)
def test_any_other_unknown_key_is_left_alone(given: dict[str, Any]) -> None:
    migration = read(given)
    assert migration.source.get(PROXY, "cluster").ref.name == "cluster"
    assert migration.source.inventory.problems() == ()


CLAIM = {
    "apiVersion": "v1",
    "kind": "PersistentVolumeClaim",
    "metadata": {"name": "data", "namespace": "shop"},
    "spec": {"accessModes": ["ReadWriteOnce"], "storageClassName": "gp3", "volumeName": "pv-1"},
    "status": {"phase": "Bound"},
}
OTHER = {**CLAIM, "metadata": {"name": "more", "namespace": "shop"}}


@pytest.mark.parametrize("slip", ["Namespace", "namespcae", "name space"])
def test_an_object_that_is_lost_by_its_namespace_leaves_no_list_whole(slip: str) -> None:
    lost = {**CLAIM, "metadata": {"name": "data", slip: "shop"}}
    source = read(OTHER, lost).source
    for look in (
        lambda: source.all(PERSISTENT_VOLUME_CLAIM, ["shop"]),
        lambda: source.all(PERSISTENT_VOLUME_CLAIM),
        lambda: source.find(PERSISTENT_VOLUME_CLAIM, "data", "shop"),
    ):
        with pytest.raises(NotGathered):
            look()
    assert source.get(PERSISTENT_VOLUME_CLAIM, "more", "shop").volume == "pv-1"


def test_an_object_that_is_lost_by_its_name_may_be_any() -> None:
    lost = {**CLAIM, "metadata": {"nmae": "data", "namespace": "shop"}}
    source = read(OTHER, lost).source
    with pytest.raises(NotGathered):
        source.find(PERSISTENT_VOLUME_CLAIM, "data", "shop")
    whole = read(OTHER, CLAIM).source
    assert whole.find(PERSISTENT_VOLUME_CLAIM, "none", "shop") is None


def test_levels_below_lists_and_those_that_facts_look_into_count_too() -> None:
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "a", "namespace": "shop"},
        "spec": {"podSelector": {}, "egress": [{"to": []}, {"prots": []}]},
    }
    slip = misspelt(str(NETWORK_POLICY), policy)
    assert slip is not None
    assert (slip.pointer, slip.meant) == ("/spec/egress/1/prots", "ports")


@pytest.mark.parametrize("key", ["platformStatus", "apiServerURL"])
def test_every_single_slip_in_a_field_that_is_read_is_found(key: str) -> None:
    whole = {"metadata": META, "status": {"platformStatus": {"type": "AWS"}, "apiServerURL": URL}}
    assert misspelt(str(INFRASTRUCTURE), whole) is None
    for place in range(len(key)):
        for slip in (
            key[:place] + key[place + 1 :],
            key[:place] + "x" + key[place:],
            key[:place] + "x" + key[place + 1 :],
            key[:place] + key[place : place + 2][::-1] + key[place + 2 :],
        ):
            if slip == key:
                continue
            given = copy.deepcopy(whole)
            given["status"][slip] = given["status"].pop(key)
            found = misspelt(str(INFRASTRUCTURE), given)
            assert found is not None, slip
            assert found.meant == key


def test_the_fields_of_no_kind_are_kept_that_is_not_read() -> None:
    assert set(_levels()) <= {str(resource) for resource in RESOURCES}
    for name, level in _levels().items():
        assert {"apiVersion", "kind", "metadata"} <= level.known, name
        assert {"name", "uid", "annotations"} <= level.inner["metadata"].known, name
