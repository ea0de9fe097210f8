"""Update graphs of the OpenShift update service, and channel files of its graph data."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from service.core.migration import UpdateGraph
from service.core.values.versions import parse_or_none
from service.kinds.ref import Origin

CHANNELS = "io.openshift.upgrades.graph.release.channels"
"""Node metadata that names the channels of a release (cincinnati docs/design/openshift.md)."""


def is_graph(value: Any) -> bool:
    """Whether a document is a Cincinnati graph or a channel file."""
    return isinstance(value, dict) and (
        (isinstance(value.get("nodes"), list) and "edges" in value)
        or (isinstance(value.get("versions"), list) and isinstance(value.get("name"), str))
    )


def read_graph(value: dict[str, Any], origin: Origin) -> UpdateGraph:
    """The newest version of each channel and minor release; what is no version is passed over."""
    newest: dict[tuple[str, str], str] = {}
    for channel, text in _releases(value):
        version = parse_or_none(text.partition("+")[0])
        if version is None:
            continue
        key = (channel, version.y)
        known = parse_or_none(newest[key]) if key in newest else None
        if known is None or version > known:
            newest[key] = version.text
    return UpdateGraph(origin, newest)


def _releases(value: dict[str, Any]) -> Iterator[tuple[str, str]]:
    if isinstance(value.get("versions"), list):
        yield from _pairs([value["name"]], value["versions"])
        return
    for node in value["nodes"]:
        if not isinstance(node, dict):
            continue
        metadata = node.get("metadata")
        named = metadata.get(CHANNELS) if isinstance(metadata, dict) else None
        channels = named.split(",") if isinstance(named, str) and named else [""]
        yield from _pairs(channels, [node.get("version")])


def _pairs(channels: Iterable[str], versions: Iterable[Any]) -> Iterator[tuple[str, str]]:
    for version in versions:
        if isinstance(version, str):
            for channel in channels:
                yield channel, version
