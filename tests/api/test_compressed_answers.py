"""Answers in gzip, for clients that take it."""

from __future__ import annotations

import gzip

import pytest
from flask.testing import FlaskClient

URL = "/v1/evaluations?as_of=2026-03-01"
EMPTY = {"clusters": [{"role": "source"}]}


def test_a_client_that_takes_gzip_gets_it_and_less_than_a_fifth(client: FlaskClient) -> None:
    plain = client.post(URL, json=EMPTY)
    packed = client.post(URL, json=EMPTY, headers={"Accept-Encoding": "gzip, br"})
    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(packed.data) == plain.data
    assert packed.content_length == len(packed.data) < len(plain.data) / 5
    for answer in (plain, packed):
        assert {"Accept", "Accept-Encoding"} <= set(answer.vary)


@pytest.mark.parametrize("accepted", ["", "identity", "br", "gzip;q=0", "gzip;q=0, *;q=0"])
def test_others_get_it_plain(client: FlaskClient, accepted: str) -> None:
    answer = client.post(URL, json=EMPTY, headers={"Accept-Encoding": accepted})
    assert "Content-Encoding" not in answer.headers
    assert answer.get_json()["verdict"] == "unknown"


def test_small_answers_cached_ones_and_streams_stay_as_they_are(client: FlaskClient) -> None:
    headers = {"Accept-Encoding": "gzip"}
    assert "Content-Encoding" not in client.get("/livez", headers=headers).headers
    cached = client.get("/v1/policies", headers=headers)
    assert "ETag" in cached.headers
    assert "Content-Encoding" not in cached.headers
    batch = client.post("/v1/evaluations/batch", data=b'{"clusters":[]}\n' * 3, headers=headers,
                        content_type="application/x-ndjson")  # fmt: skip
    assert "Content-Encoding" not in batch.headers


def test_a_problem_is_packed_too(client: FlaskClient) -> None:
    body = {f"key-{number}": 1 for number in range(50)}
    answer = client.post("/v1/migplans/partition", json=body, headers={"Accept-Encoding": "gzip"})
    assert answer.status_code == 422
    assert answer.headers["Content-Encoding"] == "gzip"
