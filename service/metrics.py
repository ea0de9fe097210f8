"""Prometheus metrics; their labels hold routes, codes and policy ids, never input."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

Row = tuple[str, tuple[str, ...], float]
"""A metric, the values of its labels, and by how much it grows or what is observed."""

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
_SIZES = tuple(float(4**power) for power in range(4, 16))

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each


class Store:
    """The numbers. Not safe for several threads that read and write."""

    def __init__(self) -> None:
        own = self._registry = CollectorRegistry()
        self._counters = {
            "requests": Counter(
                "mtc_preflight_requests",
                "HTTP requests",
                ("route", "method", "status"),
                registry=own,
            ),
            "evaluations": Counter(
                "mtc_preflight_evaluations",
                "Evaluations by overall verdict",
                ("verdict",),
                registry=own,
            ),
            "findings": Counter(
                "mtc_preflight_findings", "Findings", ("policy", "verdict"), registry=own
            ),
            "problems": Counter(
                "mtc_preflight_problems",
                "Input that could not be used, and refused requests, by code",
                ("code",),
                registry=own,
            ),
        }
        self._histograms = {
            "duration": Histogram(
                "mtc_preflight_request_duration_seconds",
                "Time from the request's headers to the response",
                ("route",),
                buckets=_SECONDS,
                registry=own,
            ),
            "waiting": Histogram(
                "mtc_preflight_waiting_seconds",
                "Time that evaluations waited for their turn, including those that got none",
                buckets=_SECONDS,
                registry=own,
            ),
            "ingested": Histogram(
                "mtc_preflight_ingest_bytes",
                "Bytes of an evaluation's request body as they were sent",
                buckets=_SIZES,
                registry=own,
            ),
        }
        self._build = Gauge(
            "mtc_preflight_build_info", "What runs here", ("version", "policy_set"), registry=own
        )

    def add(self, rows: list[Row]) -> None:
        """Take in what was counted."""
        for name, labels, value in rows:
            if name in self._counters:
                counter = self._counters[name]
                (counter.labels(*labels) if labels else counter).inc(value)
            elif name in self._histograms:
                histogram = self._histograms[name]
                (histogram.labels(*labels) if labels else histogram).observe(value)
            else:
                self._build.clear()
                self._build.labels(*labels).set(value)

    def exposition(self) -> bytes:
        """All of it in Prometheus' text format."""
        return generate_latest(self._registry)


class Metrics:
    """What the service counts. ``send`` takes it, ``exposition`` gives the metrics of all workers.

    Without them the numbers are kept in this process.
    """

    def __init__(
        self,
        send: Callable[[list[Row]], None] | None = None,
        exposition: Callable[[], bytes] | None = None,
    ) -> None:
        store = Store()
        self._send = send or store.add
        self.exposition = exposition or store.exposition

    def build(self, version: str, policy_set: str) -> None:
        """What runs here."""
        self._send([("build", (version, policy_set), 1)])

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """One answered request."""
        self._send([("requests", (route, method, str(status)), 1), ("duration", (route,), seconds)])

    def evaluation(
        self,
        verdict: str,
        size: int,
        findings: Mapping[tuple[str, str], int],
        problems: Mapping[str, int],
    ) -> None:
        """One evaluation: its verdict, the bytes of the body, its findings by policy and verdict,
        and its problems by code.
        """
        rows: list[Row] = [("evaluations", (verdict,), 1), ("ingested", (), size)]
        rows += [("findings", labels, number) for labels, number in findings.items()]
        rows += [("problems", (code,), number) for code, number in problems.items()]
        self._send(rows)

    def problem(self, code: str) -> None:
        """One refused request."""
        self._send([("problems", (code,), 1)])

    def waited(self, seconds: float) -> None:
        """How long an evaluation waited for its turn."""
        self._send([("waiting", (), seconds)])
