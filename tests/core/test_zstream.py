"""Claims about the newest release, weighed."""

from __future__ import annotations

from datetime import date

from policies.data import ReleaseTable
from policies.data.mtc import BOOKS, EARLIER, NEWEST
from policies.data.openshift import EXTENDED, OPENSHIFT_3, STABLE
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


def test_a_table_says_nothing_of_the_time_before_it() -> None:
    table = ReleaseTable("a source", date(2026, 8, 21), {"4.14": "4.14.58"})
    assert table.of(V("4.14.9"), date(2026, 8, 21)) == V("4.14.58")
    assert table.of(V("4.14.9"), date(2026, 8, 20)) is None
    assert table.of(V("4.15.9"), date(2026, 8, 21)) is None


def test_every_table_names_its_source_and_lists_releases_of_the_minor_they_stand_for() -> None:
    for table in (STABLE, EXTENDED, OPENSHIFT_3, NEWEST):
        assert table.source
        assert {V(text).y: text for text in table.newest.values()} == table.newest
    for minor, text in EXTENDED.newest.items():
        assert V(text) > V(STABLE.newest[minor])


def test_every_book_reads_its_own_ranges() -> None:
    for book in (*BOOKS, EARLIER):
        for mtc, support in book.supports.items():
            assert book.holds(mtc, support.first)
            assert not book.holds(mtc, (support.first[0], support.first[1] - 1))
            if support.last is not None:
                assert book.holds(mtc, support.last)
                assert not book.holds(mtc, (support.last[0], support.last[1] + 1))
        assert not book.holds("9.9", (4, 14))
