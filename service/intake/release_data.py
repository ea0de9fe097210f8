"""The release data of the product, and the file of an operator who has newer ones."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from pathlib import Path

from service.core.releases import Releases, parse
from service.intake.intake_errors import Unreadable
from service.intake.limits import DEFAULT_LIMITS
from service.intake.texts.load import load
from service.kinds.ref import Malformed

BUILT_IN = "built in"


class BadReleases(Exception):
    """A release file cannot be used; the text says which one, where and what is wanted."""


@cache
def built_in() -> Releases:
    """The release data that come with the policies."""
    data = files("policies.data").joinpath("releases.json").read_bytes()
    return _read(data, "releases.json", BUILT_IN)


def from_file(path: str) -> Releases:
    """An operator's release data, in JSON or YAML. Raises BadReleases."""
    try:
        data = Path(path).read_bytes()
    except OSError as error:
        raise BadReleases(f"{path}: {error.strerror or 'cannot be read'}") from None
    return _read(data, path, Path(path).name)


def _read(data: bytes, path: str, name: str) -> Releases:
    try:
        documents = [item.value for item in load(data, DEFAULT_LIMITS, yaml_claimed=True)]
    except Unreadable as error:
        raise BadReleases(f"{path}: {error.message}") from None
    if len(documents) != 1:
        raise BadReleases(f"{path}: holds {len(documents)} documents, expected one")
    try:
        return parse(documents[0], name)
    except Malformed as error:
        place = f"{error.pointer}: " if error.pointer else ""
        raise BadReleases(f"{path}: {place}wanted {error.wanted}") from None
