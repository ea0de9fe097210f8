"""The newest OpenShift releases, from where a command line says."""

from __future__ import annotations

from typing import Any

import click

from service.collect.update_service import PUBLIC
from service.core.migration import Migration
from service.update_graphs import NoUpdates, Updates, channel_of


def with_updates(migration: Migration, place: str) -> Migration:
    """The migration with the update graph of its source's channel.

    Failed lookups are reported on stderr, and the check runs without them.
    """
    try:
        return Updates(PUBLIC if place == "public" else place, attempts=3).attach(migration)
    except NoUpdates as error:
        click.echo(f"no releases looked up: {error}", err=True)
        return migration


def channel_file(migration: Migration, place: str) -> dict[str, Any] | None:
    """The releases of the source's channel, as a channel file of the graph data is."""
    channel = channel_of(migration.source)
    graphs = with_updates(migration, place).graphs
    versions = {
        text
        for graph in graphs
        for (name, _), text in graph.newest.items()
        if name in (channel, "")
    }
    return {"name": channel, "versions": sorted(versions)} if channel and versions else None
