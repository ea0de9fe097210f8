"""Measured connections, as a list of rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from service.core.deadline import paced
from service.core.evidence import Problem, Role
from service.core.facts.declared import PODS, PROBE_TARGETS, VANTAGES
from service.core.migration import Probe
from service.intake.input_place import Place
from service.intake.written.keys import unknown_keys

PROBE_KEYS = (
    "from", "vantage", "target", "cluster", "host", "port", "open", "detail", "httpStatus", "pod",
    "proxy",
)  # fmt: skip


def read_probes(value: Any, place: Place) -> tuple[list[Problem], list[Probe]]:
    """A list of measured connections; see :class:`service.core.migration.Probe`."""
    rows = value.get("probes") if isinstance(value, dict) else value
    if not isinstance(rows, list):
        return [place.problem("wrong-type", "probes is not a list")], []
    problems: list[Problem] = []
    probes = []
    for index, row in enumerate(paced(rows)):
        here = place.down(index)
        if not isinstance(row, dict):
            problems.append(here.problem("wrong-type", "a probe is a mapping"))
            continue
        problems += unknown_keys(row, PROBE_KEYS, here)
        bad = list(_bad_probe(row, here))
        problems += bad
        if bad:
            continue
        status = row.get("httpStatus")
        probes.append(
            Probe(
                source=Role(row["from"]),
                vantage=row.get("vantage", "workstation"),
                target=row["target"],
                open=row["open"],
                pointer=here.down("open").pointer(row["open"]),
                cluster=row.get("cluster") or "",
                host=row.get("host") or "",
                port=row.get("port") or 0,
                detail=str(row.get("detail") or "")[:200],
                http_status=status if isinstance(status, int) else None,
                pod=row.get("pod") or "",
                proxy=row.get("proxy"),
            )
        )
    return problems, probes


def _bad_probe(row: Mapping[str, Any], place: Place) -> Iterator[Problem]:
    choices: dict[str, tuple[str, ...]] = {
        "from": tuple(Role),
        "target": PROBE_TARGETS,
        "vantage": VANTAGES,
        "cluster": ("", *Role),
        "pod": ("", *PODS),
    }
    for key, known in choices.items():
        value = row.get(key)
        if value is None and key in ("vantage", "cluster", "pod"):
            continue
        if value not in known:
            wanted = ", ".join(choice for choice in known if choice)
            yield place.down(key).problem("wrong-value", f"{key} is not one of: {wanted}")
    if not isinstance(row.get("open"), bool):
        yield place.down("open").problem("wrong-type", "open is not true or false")
    if not isinstance(row.get("proxy", False), bool):
        yield place.down("proxy").problem("wrong-type", "proxy is not true or false")
    port = row.get("port") or 0
    if type(port) is not int or not 0 <= port < 65536:
        yield place.down("port").problem("wrong-value", "port is not a number from 1 to 65535")
    if not isinstance(row.get("host") or "", str):
        yield place.down("host").problem("wrong-type", "host is not a string")
