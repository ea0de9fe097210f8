"""Claims about the newest release, weighed."""

from __future__ import annotations

from service.core.values.versions import Version
from service.core.values.zstream import Claim, beyond, newest, settled

V = Version.parse


def test_a_recommended_release_goes_before_a_newer_one_that_is_not() -> None:
    risky = Claim(V("4.14.10"), "risky", advisory=True)
    good = Claim(V("4.14.9"), "good")
    assert beyond(V("4.14.8"), [risky, good]) == good
    assert beyond(V("4.14.9"), [risky, good]) == risky
    assert beyond(V("4.14.10"), [risky, good]) is None


def test_the_number_decides_and_not_the_text() -> None:
    nine, ten = Claim(V("4.14.9"), "nine"), Claim(V("4.14.10"), "ten")
    assert beyond(V("4.14.8"), [ten, nine]) == ten
    assert newest([V("4.14.9"), V("4.15.1"), V("4.14.10")], V("4.14.2")) == V("4.14.10")


def test_only_a_source_that_knows_this_release_and_would_know_a_newer_one_settles() -> None:
    current = V("4.14.9")
    assert settled(current, [Claim(current, "table")]) is None
    assert settled(current, [Claim(V("4.14.8"), "old graph", settles=True)]) is None
    proof = Claim(current, "graph", settles=True)
    assert settled(current, [proof]) == proof
