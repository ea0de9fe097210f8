"""Admission reviews that know what else MTC's namespace holds: more warnings, no more denials."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml
from flask.testing import FlaskClient
from test_admission import NAMESPACE, ask, causes, controller, manifest, plan, review, volume

from service.api.app import create_app
from service.api.requests.namespace_state import NamespaceState
from service.settings import Settings

READY = {"conditions": [{"type": "Ready", "status": "True", "category": "Required"}]}
GONE = (
    "MTC710: srcMigClusterRef of plan shop names MigCluster openshift-migration/old, which does "
    "not exist on destination"
)


def cluster(name: str, **spec: Any) -> dict[str, Any]:
    url = {} if spec.get("isHostCluster") else {"url": f"https://api.{name}.example.com:6443"}
    reference = {"name": name, "namespace": "openshift-config"}
    remote = {} if spec.get("isHostCluster") else {"serviceAccountSecretRef": reference}
    found = manifest("MigCluster", {**url, **remote, **spec}, name)
    return {**found, "status": READY}


def state(*objects: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "List", "items": list(objects)}


HOST = cluster("host", isHostCluster=True)
STORE = manifest("MigStorage", {"backupStorageProvider": "aws"}, "store") | {"status": READY}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state.yaml"


@pytest.fixture
def client(file: Path) -> FlaskClient:
    settings = Settings(admission_state_file=str(file), log_level="WARNING")
    return create_app(settings).test_client()


def warnings(response: dict[str, Any], policy: str) -> list[str]:
    return [text for text in response.get("warnings", ()) if text.startswith(policy)]


def test_a_cluster_that_is_not_there_is_a_warning(client: FlaskClient, file: Path) -> None:
    file.write_text(yaml.safe_dump(state(HOST, STORE)))
    response = ask(client, review(plan(volume("pv-1"))))
    assert response["allowed"] is True
    assert [text.partition(" (")[0] for text in warnings(response, "MTC710")] == [GONE]


def test_what_is_there_is_not_missed(client: FlaskClient, file: Path) -> None:
    file.write_text(yaml.safe_dump(state(HOST, STORE, cluster("old"))))
    response = ask(client, review(plan(volume("pv-1"))))
    assert response["allowed"] is True
    assert warnings(response, "MTC71") == []


def test_a_denial_stands_beside_the_warnings_of_the_state(client: FlaskClient, file: Path) -> None:
    file.write_text(yaml.safe_dump(state(HOST, STORE)))
    written = plan(volume("pv-1"), volume("pv-2", action="move"))
    response = ask(client, review(written))
    assert [policy for policy, _ in causes(response)] == ["MTC603"]
    assert len(warnings(response, "MTC710")) == 1
    assert warnings(response, "MTC603") == []


def test_the_object_that_is_written_wins_over_its_copy_in_the_state(
    client: FlaskClient, file: Path
) -> None:
    stale = plan(volume("pv-1", action="move"), namespaces=["shop", "shop"])
    stale["metadata"]["resourceVersion"] = "987654321"
    file.write_text(yaml.safe_dump(state(HOST, STORE, cluster("old"), stale)))
    assert ask(client, review(plan(volume("pv-1")), operation="CREATE")) == {"allowed": True}
    old = controller(mig_pv_limit="many")
    old["metadata"]["resourceVersion"] = "5"
    file.write_text(yaml.safe_dump(state(old)))
    assert ask(client, review(controller(mig_pv_limit=200), old, "UPDATE")) == {"allowed": True}


def test_what_is_wrong_with_other_objects_is_not_told(client: FlaskClient, file: Path) -> None:
    broken = cluster("other", url="no url")
    faulty = {**plan(volume("pv-9", action="move"), namespaces=["bank"]), "metadata": {
        "name": "another", "namespace": NAMESPACE}}  # fmt: skip
    file.write_text(yaml.safe_dump(state(broken, faulty, HOST, STORE, cluster("old"))))
    assert ask(client, review(plan(volume("pv-1")))) == {"allowed": True}


def test_another_open_plan_with_the_namespaces_is_a_warning(
    client: FlaskClient, file: Path
) -> None:
    other = {**plan(volume("pv-9")), "metadata": {"name": "another", "namespace": NAMESPACE}}
    closed = {**plan(closed=True), "metadata": {"name": "closed", "namespace": NAMESPACE}}
    file.write_text(yaml.safe_dump(state(HOST, STORE, cluster("old"), other, closed)))
    response = ask(client, review(plan(volume("pv-1"))))
    assert response == {
        "allowed": True,
        "warnings": [
            "MTC716: open plan openshift-migration/another also has shop (found shop; wanted no "
            "other open plan with these namespaces)"
        ],
    }


def test_a_warning_that_is_cut_says_so(client: FlaskClient, file: Path) -> None:
    names = [f"namespace-{number:02}-{'x' * 30}" for number in range(9)]
    other = {**plan(namespaces=names), "metadata": {"name": "another", "namespace": NAMESPACE}}
    file.write_text(yaml.safe_dump(state(HOST, STORE, cluster("old"), other)))
    (text,) = warnings(ask(client, review(plan(namespaces=names))), "MTC716")
    assert len(text) == 256
    assert text.endswith(" …")


def test_the_file_is_read_again_when_it_changes(client: FlaskClient, file: Path) -> None:
    asked = review(plan(volume("pv-1")))
    alone = ask(client, asked)
    assert warnings(alone, "MTC710") == []
    for objects, wanted in (((HOST, STORE), 1), ((HOST, STORE, cluster("old")), 0), ((HOST,), 1)):
        other = file.with_suffix(".new")
        other.write_text(yaml.safe_dump(state(*objects)))
        os.replace(other, file)
        assert len(warnings(ask(client, asked), "MTC710")) == wanted
    file.unlink()
    assert ask(client, asked) == alone


@pytest.mark.parametrize(
    "data",
    [b"", b"password: s3cret-9x", b"[" * 5000, b"\xff\xfe", b"{items: [" + b"x" * (2 << 20)],
    ids=["empty", "no evidence", "deep", "no text", "too large"],
)  # fmt: skip
def test_a_file_of_no_use_is_told_and_judged_without(
    client: FlaskClient, file: Path, data: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    asked = review(plan(volume("pv-1")))
    alone = ask(client, asked)
    file.write_bytes(data)
    assert ask(client, asked) == ask(client, asked) == alone
    assert "s3cret" not in caplog.text
    again = NamespaceState(str(file), Settings().limits)
    caplog.clear()
    assert (again.pieces(), again.pieces()) == ([], [])
    assert [record.getMessage() for record in caplog.records] == [
        "the admission state cannot be read: evaluated without it"
    ]


def test_a_bundle_is_a_state_too(client: FlaskClient, file: Path) -> None:
    rows = [{"role": "destination", "objects": state(HOST, STORE)["items"],
             "complete": ["migclusters"]}]  # fmt: skip
    file.write_bytes(gzip.compress(json.dumps({"clusters": rows}).encode()))
    response = ask(client, review(plan(volume("pv-1"))))
    assert [text.partition(" (")[0] for text in warnings(response, "MTC710")] == [GONE]
