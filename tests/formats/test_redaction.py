"""A report is made without secrets, so that no format has to hide any."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime
from typing import Any, ClassVar

import pytest

from service.core.engine import evaluate
from service.core.evidence import Attempt, Fetch, Missing, Problem, Role
from service.core.inventory import Inventory
from service.core.link import Link
from service.core.migration import Cluster, Migration, Part, Requested
from service.core.next_steps import next_steps
from service.core.outcome import Outcome, failed, passed, unknown
from service.core.policy import MigrationPolicy
from service.core.report import Report
from service.formats import FORMATS, Context
from service.kinds.ref import Origin, Pointer, Subject

SECRET = "hunter2-Xyzzy"
LEAK = f"see https://admin:{SECRET}@proxy.example.com:3128 and token={SECRET}"
PROBLEM = Problem("yaml-syntax", LEAK, LEAK, part="source.yaml", member="a/b.yaml", line=3)
SUBJECT = Subject("source", kind="Cluster", name="source")
POINTER = Pointer(Origin("source.yaml"), "/spec/httpProxy", LEAK)
FETCH = Fetch("pods", ("shop",))
ATTEMPT = Attempt("endpoint", "destination", "api.example.com", 6443)
MISSING = (
    Missing(LEAK, "source", LEAK, LEAK),
    Missing(LEAK, "destination", LEAK, LEAK, fetch=FETCH),
    Missing(LEAK, "", f"curl {LEAK}", LEAK, attempt=ATTEMPT),
)


class Careless(MigrationPolicy):
    """A policy that hides nothing, and fails with a secret in the text of the exception."""

    id = "MTC000"
    name = "careless"
    title = "The sample is met"
    why = "It would not be."
    reads: ClassVar[tuple[Any, ...]] = ()
    remedy = "Fix it."
    docs = (Link("Sample", "https://example.com"),)
    source = "nowhere"

    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        yield failed(SUBJECT, LEAK, POINTER, found=LEAK, wanted=LEAK, key=LEAK, commands=(LEAK,))
        yield unknown(SUBJECT, LEAK, *MISSING, key="unknown", evidence=(POINTER,))
        yield passed(SUBJECT, LEAK, POINTER, key="pass")
        raise ValueError(LEAK)


@pytest.fixture
def made() -> tuple[Report, Context]:
    source, destination = (
        Cluster(role, role.value, Inventory(role, {})) for role in (Role.SOURCE, Role.DESTINATION)
    )
    migration = Migration(
        source,
        destination,
        destination,
        Requested(datetime(2026, 1, 1, tzinfo=UTC)),
        problems=(PROBLEM, replace(PROBLEM, blocks=False)),
        parts=(Part("source.yaml", "source", notes=[LEAK]),),
    )
    policies = (Careless(),)
    return evaluate(migration, policies), Context(policies, "0.1.0")


def texts(value: object) -> Iterator[str]:
    """Every text within a report."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from texts(item)
    elif is_dataclass(value):
        for field in fields(value):
            yield from texts(getattr(value, field.name))


def test_no_text_of_a_report_and_no_line_of_the_log_holds_a_secret(
    caplog: pytest.LogCaptureFixture, made: tuple[Report, Context]
) -> None:
    report, _ = made
    assert [item.verdict.value for item in report.findings] == ["fail", "unknown", "pass", "error"]
    assert SECRET not in caplog.text + str([vars(row) for row in caplog.records])
    found = [*texts(report), *texts(next_steps(report))]
    assert len([text for text in found if "proxy.example.com" in text]) > 20
    assert [text for text in found if SECRET in text] == []


@pytest.mark.parametrize("name", list(FORMATS))
def test_no_format_holds_a_secret(made: tuple[Report, Context], name: str) -> None:
    report, context = made
    page = FORMATS[name].render(report, context).decode()
    assert page
    assert SECRET not in page
