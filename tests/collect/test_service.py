"""The service as it collects by itself and looks releases up: off, on, and when others fail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import responses
import trustme
from apiserver import Server, serving
from cluster_objects import MTC, destination, obj, source
from flask.testing import FlaskClient
from test_reference import MIG, REMOTE_TOKEN, remote, secret
from test_updates import GRAPH, URL

from service.api.app import create_app
from service.api.requests import by_reference
from service.collect.kubeconfig import KubeContext
from service.settings import Settings, SettingsError, from_environment

SHOP = {"namespace": MTC, "name": "shop"}


@pytest.fixture
def clusters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Server, Server]]:
    """Source and host; the service believes that it runs on the host."""
    for name in ("s", "d"):
        (tmp_path / name).mkdir()
    with (
        serving(source(), tmp_path / "s", trustme.CA()) as src,
        serving(destination(), tmp_path / "d", trustme.CA()) as dst,
    ):
        src.cluster.tokens = {REMOTE_TOKEN}
        dst.cluster.add(
            obj(MIG, "MigCluster", "host", MTC, spec={"isHostCluster": True}),
            secret("src-token", saToken=REMOTE_TOKEN),
            remote(src),
        )
        pod = KubeContext("ctx", str(dst.kubeconfig()))
        monkeypatch.setattr("service.collect.reference.in_cluster", pod)
        yield src, dst


def client(**settings: Any) -> FlaskClient:
    return create_app(Settings(**settings)).test_client()


def ask(to: FlaskClient, **body: Any) -> Any:
    return to.post("/v1/evaluations", json={"migPlan": SHOP, **body})


def codes(answer: Any) -> list[str]:
    return [row["code"] for row in answer.json["errors"]]


def test_it_is_off_by_default(clusters: tuple[Server, Server]) -> None:
    answer = ask(client())
    assert (answer.status_code, codes(answer)) == (422, ["by-name-off"])
    assert clusters[1].cluster.requests == []


def test_a_plan_is_evaluated_by_its_name(clusters: tuple[Server, Server]) -> None:
    answer = ask(client(migplans=True))
    assert answer.status_code == 200
    assert answer.json["plan"] == f"{MTC}/shop"
    found = {item["role"]: item["openshift"] for item in answer.json["clusters"]}
    assert found == {"source": "4.14.9", "destination": "4.14.9"}
    assert answer.json["problems"] == []
    assert REMOTE_TOKEN not in answer.text


def test_waivers_of_the_request_hold(clusters: tuple[Server, Server]) -> None:
    waiver = {
        "policy": "MTC101", "subject": {"cluster": "*"}, "reason": "known", "owner": "ops",
        "expires": "2999-01-01", "unknown": True,
    }  # fmt: skip
    answer = ask(client(migplans=True), waivers=[waiver])
    rows = [row["verdict"] for row in answer.json["findings"] if row["policy"] == "MTC101"]
    assert "waived" in rows


def test_a_cluster_that_does_not_answer_leaves_unknowns_that_say_so(
    clusters: tuple[Server, Server],
) -> None:
    src, _ = clusters
    src.cluster.tokens = set()
    answer = ask(client(migplans=True))
    assert answer.status_code == 200
    assert answer.json["verdict"] != "ready"
    reasons = {missing["reason"] for row in answer.json["findings"] for missing in row["missing"]}
    assert any("not logged in" in text for text in reasons)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"migPlan": {"namespace": MTC, "name": "none"}}, "no-such-plan"),
        ({"migPlan": {"namespace": MTC, "name": "../../secrets/src-token"}}, "wrong-value"),
        ({"migPlan": {"namespace": MTC}}, "wrong-form"),
        ({"migPlan": "shop"}, "wrong-form"),
        ({"migPlan": {**SHOP, "url": "https://evil.example.com"}}, "wrong-form"),
        ({"migPlan": SHOP, "clusters": []}, "unknown-field"),
        ({"migPlan": SHOP, "token": "x"}, "unknown-field"),
    ],
)
def test_a_request_holds_names_and_nothing_to_connect_with(
    clusters: tuple[Server, Server], body: dict[str, Any], code: str
) -> None:
    answer = client(migplans=True).post("/v1/evaluations", json=body)
    assert (answer.status_code, codes(answer)) == (422, [code])


def test_one_plan_is_collected_at_a_time(clusters: tuple[Server, Server]) -> None:
    assert by_reference._turn.acquire(blocking=False)
    try:
        answer = ask(client(migplans=True))
    finally:
        by_reference._turn.release()
    assert (answer.status_code, answer.json["code"]) == (429, "busy")
    assert answer.headers["Retry-After"] == str(by_reference.RETRY_SECONDS)
    assert ask(client(migplans=True)).status_code == 200


def test_outside_a_cluster_it_cannot_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    answer = ask(client(migplans=True))
    assert (answer.status_code, answer.json["code"]) == (503, "cluster-unavailable")


def evaluated(to: FlaskClient, version: str) -> list[str]:
    body = {"clusters": [{"role": "source", "facts": {"openshiftVersion": version}}]}
    answer = to.post("/v1/evaluations", json=body)
    assert answer.status_code == 200
    return [row["verdict"] for row in answer.json["findings"] if row["policy"] == "MTC401"]


@responses.activate
def test_releases_are_looked_up_where_the_settings_say() -> None:
    responses.get(URL, json=GRAPH)
    service = client(update_service=URL)
    assert evaluated(service, "4.14.58") == ["pass"]
    assert evaluated(service, "4.14.9") == ["fail"]
    assert len(responses.calls) == 1
    assert evaluated(client(), "4.14.58") == ["unknown"]


@responses.activate
def test_without_an_answer_the_evaluation_does_without() -> None:
    responses.get(URL, status=500)
    assert evaluated(client(update_service=URL), "4.14.58") == ["unknown"]


def test_a_graph_of_the_request_comes_first(tmp_path: Path) -> None:
    place = tmp_path / "graph.json"
    place.write_text(json.dumps(GRAPH))
    body = {
        "clusters": [{"role": "source", "facts": {"openshiftVersion": "4.14.58"}}],
        "graph": {"nodes": [{"version": "4.14.99"}], "edges": []},
    }
    answer = client(update_service=str(place)).post("/v1/evaluations", json=body)
    (found,) = [row for row in answer.json["findings"] if row["policy"] == "MTC401"]
    assert (found["verdict"], found["wanted"]) == ("fail", "4.14.99")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("MIGPLANS", "yes", "on | off"),
        ("UPDATE_SERVICE", "nowhere/graph.json", "update service"),
        ("COLLECT_TIMEOUT", "1", "from 5 to 3600"),
    ],
)
def test_wrong_settings_name_what_they_take(name: str, value: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told.replace("|", r"\|")):
        from_environment({f"MTC_PREFLIGHT_{name}": value})
