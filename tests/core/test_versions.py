"""OpenShift's version names, and their order."""

from __future__ import annotations

import itertools

import pytest

from service.core.values.versions import Version, parse_or_none

ORDERED = (
    "v3.7",
    "3.11.1159",
    "4.2.0-0.okd-2021-11-14-052418",
    "4.13.0-0.nightly-2023-01-01-123456",
    "4.14.0-ec.4",
    "4.14.0-rc.0",
    "4.14.0-rc.10",
    "4.14.0",
    "4.14.9",
    "4.14.58",
    "4.21.28",
)


@pytest.mark.parametrize(("older", "newer"), list(itertools.pairwise(ORDERED)))
def test_order(older: str, newer: str) -> None:
    assert Version.parse(older) < Version.parse(newer)
    assert Version.parse(newer) > Version.parse(older)


def test_build_metadata_does_not_count() -> None:
    assert Version.parse("4.14.9+amd64") == Version.parse("v4.14.9")
    assert len({Version.parse("4.14.9+amd64"), Version.parse("4.14.9")}) == 1


@pytest.mark.parametrize(
    "text", ["", "latest", "4", "4.x", "sha256:abc", "4.14.9 4.14.10", "٤.١٤", "4.14.", "1" * 5000]
)
def test_what_is_no_version(text: str) -> None:
    assert parse_or_none(text) is None


def test_parts() -> None:
    version = Version.parse(" v4.14.9-rc.1 ")
    assert (version.stream, version.y, version.patch, version.pre) == ((4, 14), "4.14", 9, "rc.1")
    assert str(version) == "v4.14.9-rc.1"
