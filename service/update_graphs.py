"""Update graphs that do not come with the request: of a service, a file or graph data."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from service.core.evidence import NotGathered
from service.core.facts.release import cluster_version, openshift
from service.core.migration import Cluster, Migration, UpdateGraph
from service.intake.graphs import is_graph, read_graph
from service.intake.intake_errors import Unreadable
from service.intake.limits import DEFAULT_LIMITS
from service.intake.texts.load import load
from service.kinds.ref import Origin

KEPT_SECONDS = 3600.0
"""Releases come weekly: an hour-old answer is as good as a new one."""
FAILED_SECONDS = 60.0
"""After a failure the next evaluations do without, rather than wait each in turn."""
MOST_CHANNELS = 100
"""Channels that are remembered; their names come from the evidence."""
_CHANNEL = re.compile(r"(?:stable|fast|candidate|eus)-4\.\d{1,2}")


class NoUpdates(Exception):
    """The graph cannot be had; the text says why, for a log or a terminal."""


class Updates:
    """A place that knows releases: an http(s) URL of an update service, a graph file, or a folder
    of graph data (``channels/<channel>.yaml``). Safe for threads."""

    def __init__(
        self, place: str, *, attempts: int = 1, kept_seconds: float = KEPT_SECONDS
    ) -> None:
        self._place = place
        self._attempts = attempts
        self._kept_seconds = kept_seconds
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, tuple[UpdateGraph, ...] | None]] = {}
        self._turns: dict[str, threading.Lock] = {}

    def attach(self, migration: Migration) -> Migration:
        """The migration with the graph of its source's channel, if it has none yet.

        Raises NoUpdates where the graph cannot be had.
        """
        if migration.graphs:
            return migration
        channel = channel_of(migration.source)
        if channel is None:
            return migration  # OpenShift 3, or a cluster of which no release is known
        return replace(migration, graphs=self.graphs(channel))

    def graphs(self, channel: str) -> tuple[UpdateGraph, ...]:
        """The graphs that have a channel. Raises NoUpdates."""
        with self._turn(channel):  # one asks, the others wait for its answer
            until, found = self._known.get(channel, (0.0, None))
            if time.monotonic() < until:
                if found is None:
                    raise NoUpdates("the last attempt failed, and is not made again yet")
                return found
            try:
                found = tuple(self._read(channel))
            except NoUpdates:
                self._known[channel] = (time.monotonic() + FAILED_SECONDS, None)
                raise
            self._known[channel] = (time.monotonic() + self._kept_seconds, found)
            return found

    def _turn(self, channel: str) -> threading.Lock:
        with self._lock:
            if len(self._turns) >= MOST_CHANNELS and channel not in self._turns:
                self._turns.clear()
                self._known.clear()
            return self._turns.setdefault(channel, threading.Lock())

    def _read(self, channel: str) -> Iterator[UpdateGraph]:
        if self._place.startswith(("http://", "https://")):
            yield self._asked(channel)
            return
        path = Path(self._place)
        if path.is_dir():
            path = path / "channels" / f"{channel}.yaml"
        try:
            data = path.read_bytes()
        except OSError as error:
            raise NoUpdates(f"{path}: {error.strerror or 'cannot be read'}") from None
        yield from _documents(path, data)

    def _asked(self, channel: str) -> UpdateGraph:
        from service.collect.update_service import NoGraph, fetch

        try:
            return read_graph(
                fetch(self._place, channel, attempts=self._attempts), Origin("graph", channel)
            )
        except NoGraph as error:
            raise NoUpdates(str(error)) from None


def _documents(path: Path, data: bytes) -> Iterator[UpdateGraph]:
    try:
        values = [item.value for item in load(data, DEFAULT_LIMITS, yaml_claimed=True)]
    except Unreadable as error:
        raise NoUpdates(f"{path.name}: {error.message}") from None
    graphs: list[Any] = [value for value in values if is_graph(value)]
    if not graphs:
        raise NoUpdates(f"{path.name} holds no update graph and no channel")
    for value in graphs:
        yield read_graph(value, Origin("graph", path.name))


def channel_of(cluster: Cluster) -> str | None:
    """The channel that a cluster follows; stable of its release where it follows none.

    None where it has no channel at all, or none that is known.
    """
    try:
        version = openshift(cluster).value
    except NotGathered:
        return None
    if version.major < 4:
        return None
    channel = f"stable-{version.y}"
    try:
        own = cluster_version(cluster).channel
    except NotGathered:
        return channel
    kind = own.partition("-")[0]
    # The channel of a later release has updates across releases; the question is of this one.
    wanted = f"{kind}-{version.y}" if kind else channel
    return wanted if _CHANNEL.fullmatch(wanted) else channel
