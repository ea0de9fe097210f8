"""The update service, by `responses`, with the real graphs where they are at hand."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any

import pytest
import requests
import responses
from test_collect import command

from service.collect.update_service import NoGraph, fetch
from service.core.migration import Migration
from service.intake.parts import read_body
from service.intake.pieces import Piece
from service.update_graphs import NoUpdates, Updates, channel_of

URL = "https://updates.example.com/api/upgrades_info/v1/graph"
DATA = Path(__file__).parents[2].parent / "shared" / "data" / "openshift"
REAL = (
    DATA / "cincinnati/e2e/tests/testdata"
    / "134475077ed4eeaedf3c339f12915b9cdaf7d194_stable-4.8_amd64_v1.json"
)  # fmt: skip
GRAPH = {
    "nodes": [{"version": "4.14.9"}, {"version": "4.14.58"}, {"version": "4.13.61"}],
    "edges": [[0, 1]],
}


def migration(**facts: Any) -> Migration:
    import io

    body = {"clusters": [{"role": "source", "facts": facts or {"openshiftVersion": "4.14.9"}}]}
    return read_body(Piece("envelope", io.BytesIO(json.dumps(body).encode())), {}).migration


@responses.activate
def test_the_channel_of_the_source_is_asked_for_once() -> None:
    responses.get(URL, json=GRAPH)
    updates = Updates(URL)
    first = updates.attach(migration())
    updates.attach(migration())
    assert [call.request.params for call in responses.calls] == [
        {"channel": "stable-4.14", "arch": "amd64"}
    ]
    assert first.graphs[0].newest["", "4.14"] == "4.14.58"


@responses.activate
def test_a_busy_service_is_asked_again_when_it_says() -> None:
    responses.get(URL, status=429, headers={"Retry-After": "4"})
    responses.get(URL, status=503)
    responses.get(URL, json=GRAPH)
    waited: list[float] = []
    assert fetch(URL, "stable-4.14", sleep=waited.append) == GRAPH
    assert waited == [4.0, 2.0]


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ({"status": 404}, "answered 404 for channel stable-4.14"),
        ({"status": 503}, "answered 503"),
        ({"body": "<html>log in</html>"}, "did not answer with JSON"),
        ({"json": {"nodes": 7}}, "did not answer with an update graph"),
        ({"body": requests.ConnectionError("password=hunter2")}, "cannot be reached"),
        ({"body": requests.ReadTimeout()}, "cannot be reached"),
    ],
)
@responses.activate
def test_what_is_no_graph_is_told(answer: dict[str, Any], told: str) -> None:
    responses.get(URL, **answer)
    with pytest.raises(NoGraph, match=told) as caught:
        fetch(URL, "stable-4.14", sleep=lambda _: None)
    assert "hunter2" not in str(caught.value)


@responses.activate
def test_after_a_failure_others_do_without_for_a_while() -> None:
    responses.get(URL, status=500)
    updates = Updates(URL)
    for _ in range(3):
        with pytest.raises(NoUpdates):
            updates.attach(migration())
    assert len(responses.calls) == 1


@responses.activate
def test_many_threads_ask_once() -> None:
    responses.get(URL, json=GRAPH)
    updates = Updates(URL)
    threads = [threading.Thread(target=updates.attach, args=(migration(),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(responses.calls) == 1


@pytest.mark.parametrize(
    ("facts", "channel"),
    [
        ({"openshiftVersion": "4.14.9"}, "stable-4.14"),
        ({"openshiftVersion": "3.11.784"}, None),
        ({"platform": "AWS"}, None),
    ],
)
def test_the_channel_without_a_cluster_version(facts: dict[str, Any], channel: str | None) -> None:
    assert channel_of(migration(**facts).source) == channel


@pytest.mark.parametrize(
    ("own", "channel"),
    [("eus-4.14", "eus-4.14"), ("fast-4.16", "fast-4.14"), ("", "stable-4.14"),
     ("../../etc", "stable-4.14"), ("x-4.14", "stable-4.14")],
)  # fmt: skip
def test_the_channel_of_the_cluster(own: str, channel: str) -> None:
    import io

    version = {
        "apiVersion": "config.openshift.io/v1", "kind": "ClusterVersion",
        "metadata": {"name": "version"}, "spec": {"channel": own},
        "status": {"history": [{"state": "Completed", "version": "4.14.9"}]},
    }  # fmt: skip
    piece = Piece("source", io.BytesIO(json.dumps(version).encode()))
    assert channel_of(read_body(piece, {"role": "source"}).migration.source) == channel


def test_a_file_and_a_folder_of_graph_data(tmp_path: Path) -> None:
    file = tmp_path / "graph.json"
    file.write_text(json.dumps(GRAPH))
    assert Updates(str(file)).attach(migration()).graphs[0].newest["", "4.14"] == "4.14.58"
    (tmp_path / "channels").mkdir()
    text = "name: stable-4.14\nversions:\n- 4.14.9\n- 4.14.60\n"
    (tmp_path / "channels" / "stable-4.14.yaml").write_text(text)
    found = Updates(str(tmp_path)).attach(migration()).graphs[0].newest
    assert found == {("stable-4.14", "4.14"): "4.14.60"}
    with pytest.raises(NoUpdates, match="channels"):
        Updates(str(tmp_path)).attach(migration(openshiftVersion="4.13.1"))


@pytest.mark.skipif(not REAL.exists(), reason="NOT HERE: ../shared/data/openshift/cincinnati")
@responses.activate
def test_a_real_graph() -> None:
    responses.get(URL, body=REAL.read_bytes())
    found = Updates(URL).attach(migration(openshiftVersion="4.8.11")).graphs[0]
    assert found.newest["stable-4.8", "4.8"] == "4.8.54"


@pytest.mark.skipif(not REAL.exists(), reason="NOT HERE: ../shared/data/openshift/cincinnati")
def test_check_looks_releases_up_where_it_is_told_to(tmp_path: Path) -> None:
    file = tmp_path / "e.json"
    facts = {"openshiftVersion": "4.14.58"}
    file.write_text(json.dumps({"clusters": [{"role": "source", "facts": facts}]}))
    data = DATA / "cincinnati-graph-data"
    done = command("check", file, "--updates-from", data, "--format", "json")
    found = [row for row in json.loads(done.stdout)["findings"] if row["policy"] == "MTC401"]
    assert [row["verdict"] for row in found] == ["pass"]
    lost = command("check", file, "--updates-from", tmp_path, "--format", "json")
    assert "no releases looked up" in lost.stderr
    found = [row for row in json.loads(lost.stdout)["findings"] if row["policy"] == "MTC401"]
    assert [row["verdict"] for row in found] == ["unknown"]
