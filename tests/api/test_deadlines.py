"""The deadline ends a request wherever it is: reading, judging, rendering, streaming.

The clock goes on by a second with each look at it, so that no test depends on how fast it runs.
"""

from __future__ import annotations

import json
import sys
from types import FrameType, SimpleNamespace
from typing import Any

import pytest
from flask import Flask
from test_growth_of_documents import ADMISSION, DOCUMENTS, EVALUATIONS, REPORTS
from test_growth_of_requests import FORMATS, _report

from service.api.app import create_app
from service.api.runtime import EXTENSION
from service.settings import Settings


def patient(**settings: Any) -> Flask:
    """A service whose deadline is never reached, however often the clock is looked at."""
    app = create_app(Settings(**settings))
    app.extensions[EXTENSION].turns._seconds = 1e9
    return app


class Clock:
    """A second for each look; and the file and function of all callers of the last look."""

    def __init__(self) -> None:
        self.looks = 0
        self.last: list[str] = []

    def __call__(self) -> float:
        self.looks += 1
        self.last = []
        frame: FrameType | None = sys._getframe(1)
        while frame is not None:
            self.last.append(f"{frame.f_code.co_filename}:{frame.f_code.co_name}")
            frame = frame.f_back
        return float(self.looks)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("service.core.deadline.monotonic", clock)
    return clock


def statuses(app: Flask, clock: Clock, path: str, document: Any) -> list[int]:
    """The status where time ends at the first look, halfway, at the last one, and after it."""
    turns = app.extensions[EXTENSION].turns
    client = app.test_client()

    def ask(seconds: float) -> int:
        turns._seconds = seconds
        return client.post(path, json=document, buffered=True).status_code

    before = clock.looks
    assert ask(1e9) == 200
    looks = clock.looks - before - 1  # the first one sets the deadline
    return [ask(seconds) for seconds in (0.5, looks // 2, looks - 0.5, looks)]


@pytest.mark.parametrize("form", ["json", *FORMATS])
def test_a_report_is_not_rendered_beyond_the_deadline(clock: Clock, form: str) -> None:
    path = f"{EVALUATIONS}?format={form}" + ("&for=source" if form == "gather" else "")
    assert statuses(patient(), clock, path, _report(20)) == [503, 503, 503, 200]
    assert any("service/formats/" in place for place in clock.last), clock.last


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if path != ADMISSION])
def test_every_heavy_request_ends_at_its_deadline(clock: Clock, path: str) -> None:
    app = patient()
    document = DOCUMENTS[path]
    if callable(document):
        document = document(app.test_client())
    assert statuses(app, clock, path, document) == [503, 503, 503, 200]
    rendering = "service/formats/" if path in (EVALUATIONS, REPORTS) else "schema_base.py"
    assert any(rendering in place for place in clock.last), clock.last


def test_a_line_of_a_batch_ends_at_its_deadline_and_the_batch_at_its_own(clock: Clock) -> None:
    line = json.dumps(_report(20)) + "\n"
    app = patient(batch_deadline=10**9)
    path, kind = "/v1/evaluations/batch", "application/x-ndjson"

    def ask() -> list[int]:
        answer = app.test_client().post(path, data=line * 2, content_type=kind)
        return [json.loads(row)["status"] for row in answer.data.splitlines()]

    before = clock.looks
    assert ask() == [200, 200]
    looks = (clock.looks - before) // 2
    app.extensions[EXTENSION].turns._seconds = looks // 2
    assert ask() == [503, 503]
    app = patient(batch_deadline=looks)
    assert ask() == [200, 503]


def test_a_body_with_the_word_migplan_is_parsed_in_its_turn(clock: Clock) -> None:
    """It could name a plan of the cluster, which only parsing it can tell."""
    app = patient(evaluations=1, wait_timeout=0)
    turns = app.extensions[EXTENSION].turns
    document = {"clusters": [{"role": "source", "notes": ["migPlan"]}]}
    client = app.test_client()
    assert client.post(EVALUATIONS, json=document).status_code == 200
    with turns:
        assert client.post(EVALUATIONS, json=document).status_code == 429
    turns._seconds = 0
    assert client.post(EVALUATIONS, json=document).status_code == 503


def test_what_is_sent_to_a_webhook_is_rendered_before_the_deadline(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    views = "service.api.views.evaluations."
    target = SimpleNamespace(format="html")
    sent: list[bytes] = []

    def deliver(_: object, body: bytes, __: str) -> Any:
        sent.append(body)
        return SimpleNamespace(target="t", state="delivered", detail="")

    monkeypatch.setattr(f"{views}_target", lambda *_: target)
    monkeypatch.setattr(f"{views}deliver", deliver)
    assert statuses(patient(), clock, EVALUATIONS, _report(20)) == [503, 503, 503, 200]
    assert any("html" in place for place in clock.last), clock.last
    assert len(sent) == 2


def test_an_answer_that_would_be_packed_for_long_is_sent_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client = create_app(Settings()).test_client()

    def encoding() -> str | None:
        answer = client.post(EVALUATIONS, json=_report(1), headers={"Accept-Encoding": "gzip"})
        return answer.headers.get("Content-Encoding")

    assert encoding() == "gzip"
    monkeypatch.setattr("service.api.answers.compressed_answers.MOST", 100_000)
    assert encoding() is None
