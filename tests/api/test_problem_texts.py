"""Who reads text gets a problem as text; who reads JSON, or says so, gets the document."""

from __future__ import annotations

import json
import subprocess

import pytest
from flask.testing import FlaskClient
from serving import Start

from service.formats import FORMATS

WRONG = "/v1/evaluations?fail_on=all"
DOCUMENT, TEXT = "application/problem+json", "text/plain"


@pytest.mark.parametrize("name", FORMATS)
def test_the_format_says_how_a_problem_comes(client: FlaskClient, name: str) -> None:
    is_json = FORMATS[name].media_type.endswith("json")
    answer = client.post(f"{WRONG}&format={name}", json={})
    assert (answer.status_code, answer.mimetype) == (400, DOCUMENT if is_json else TEXT)
    if not is_json:
        assert answer.text.startswith("400 A query parameter is wrong (invalid-parameter)\n")
    said = client.post(f"{WRONG}&format={name}", json={}, headers={"Accept": DOCUMENT})
    assert said.get_json(force=True)["code"] == "invalid-parameter"


@pytest.mark.parametrize(
    "accept, wanted",
    [
        ("text/plain", TEXT),
        ("text/markdown", TEXT),
        ("text/html,application/xml;q=0.9,*/*;q=0.8", TEXT),
        ("*/*", DOCUMENT),
        ("", DOCUMENT),
        ("application/sarif+json", DOCUMENT),
        ("text/plain;q=0.5, application/json", DOCUMENT),
    ],
)
def test_without_a_format_the_accept_header_says_it(
    client: FlaskClient, accept: str, wanted: str
) -> None:
    answer = client.post(WRONG, json={}, headers={"Accept": accept})
    assert (answer.status_code, answer.mimetype) == (400, wanted)


def test_two_formats_of_which_one_is_json_get_the_document(client: FlaskClient) -> None:
    answer = client.post(f"{WRONG}&format=text&format=json", json={})
    assert answer.mimetype == DOCUMENT


def test_curl_reads_what_was_wrong(start_server: Start) -> None:
    url = f"http://127.0.0.1:{start_server().port}/v1/evaluations"

    def curl(*words: str) -> str:
        command = ["curl", "-sS", "-F", "sauce=x", *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True)
        return done.stdout

    for name in ("text", "junit", "github"):
        lines = curl(f"{url}?format={name}").splitlines()
        assert lines[:3] == [
            "400 The request is wrong (bad-request)",
            "There is no part called 'sauce'.",
            "- there is no part called 'sauce'",
        ]
    assert json.loads(curl(url))["code"] == "bad-request"
