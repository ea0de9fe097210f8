"""The change since the previous report; absence of evidence resolves nothing."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from made import BROKEN, DESTINATION, SOURCE, finding, report, volume

from service.core.decision import delta
from service.core.decision.delta import MalformedPrevious, Previous, compare, parse
from service.core.decision.marks import Change, Delta, Ending, Seen
from service.core.outcome import Severity, Verdict
from service.core.report import Finding, fingerprint
from service.kinds.ref import Subject

PASS = finding("MTC101", "pass")
A = finding("MTC601", "fail", volume("pv-a"))
B = finding("MTC601", "fail", volume("pv-b"))
PLAN = Subject(DESTINATION.cluster, "migration.openshift.io/v1alpha1", "MigPlan", "m", "shop")


def plain(item: Finding) -> dict[str, object]:
    subject = item.subject
    return {
        "fingerprint": item.fingerprint,
        "policy": item.policy,
        "title": item.title,
        "message": item.message,
        "verdict": item.verdict.value,
        "severity": item.severity.value,
        "found": item.found,
        "subject": {
            "cluster": subject.cluster,
            "apiVersion": subject.api_version,
            "kind": subject.kind,
            "namespace": subject.namespace,
            "name": subject.name,
        },
    }


def before(*findings: Finding, policy_set: str = "0123456789abcdef") -> Previous:
    return parse({"policySet": policy_set, "findings": [plain(item) for item in findings]})


def changes(given) -> list[str | None]:
    return [item.change.value if item.change else None for item in given.findings]


def seen(item: Finding, ending: Ending | None = None, *see: str) -> Seen:
    return Seen(
        item.fingerprint,
        item.verdict,
        item.severity,
        None,
        item.policy,
        item.title,
        item.message,
        item.found,
        item.subject,
        ending,
        see,
    )


def test_new_unchanged_changed_and_resolved_together():
    grown = finding("MTC401", "fail", found="4.14.10")
    old = finding("MTC401", "fail", found="4.14.9")
    cured, sick = finding("MTC402", "pass"), finding("MTC402", "fail")
    compared = compare(report(PASS, B, grown, cured, A), before(PASS, A, old, sick))
    assert changes(compared) == [None, "new", "changed", "resolved", "unchanged"]
    assert compared.delta == Delta(
        resolved=(),
        unconfirmed=(),
        counts=(
            (Change.NEW, 1),
            (Change.UNCHANGED, 1),
            (Change.CHANGED, 1),
            (Change.RESOLVED, 1),
        ),
        comparable=True,
    )


def test_a_finding_that_is_gone_is_listed_as_resolved():
    compared = compare(report(PASS, finding("MTC601", "pass")), before(PASS, A, B))
    assert compared.delta.resolved == (seen(A, Ending.MET), seen(B, Ending.MET))
    assert dict(compared.delta.counts)[Change.RESOLVED] == 2


def test_a_policy_that_was_not_evaluated_resolves_nothing():
    compared = compare(report(PASS), before(PASS, A))
    assert (compared.delta.resolved, compared.delta.unconfirmed) == ((), (seen(A),))


@pytest.mark.parametrize(
    "now, ending, see",
    [
        (finding("MTC601", "not_applicable"), Ending.NOT_APPLICABLE, ()),
        (B, Ending.NOT_FOUND, ()),
    ],
)
def test_nothing_is_met_that_is_not_a_pass(now, ending, see):
    compared = compare(report(PASS, now), before(PASS, A))
    assert compared.delta.resolved == (seen(A, ending, *see),)


def test_an_unknown_that_splits_into_several_subjects_points_at_them():
    dark = finding("MTC601", "unknown", SOURCE)
    compared = compare(report(PASS, A, B), before(PASS, dark))
    ended = seen(dark, Ending.EVIDENCE_ARRIVED, *sorted((A.fingerprint, B.fingerprint)))
    assert compared.delta.resolved == (ended,)


ROOTED = {"root": SOURCE, "fingerprint": fingerprint("MTC201", SOURCE, "")}
CONFIG = Subject("source", "imageregistry.operator.openshift.io/v1", "Config", "", "cluster")
LIVES = [
    ("unknown", "fail", "changed"),
    ("fail", "unknown", "changed"),
    ("unknown", "pass", "changed"),
    ("fail", "pass", "resolved"),
    ("pass", "fail", "new"),
]


@pytest.mark.parametrize("was, now, change", LIVES)
def test_the_verdict_is_no_part_of_the_identity(was, now, change):
    old, new = (finding("MTC201", item, CONFIG, **ROOTED) for item in (was, now))
    (marked,) = compare(report(new), parse(delta.baseline([old]))).findings
    assert marked.change == change


@pytest.mark.parametrize("key, subject", [("not-gathered", SOURCE), ("", CONFIG)])
def test_a_baseline_of_release_0_1_is_matched_by_its_fingerprints(key, subject):
    old = finding("MTC201", "unknown" if key else "fail", subject, key=key)
    new = finding("MTC201", "fail", CONFIG, **ROOTED)
    compared = compare(report(new), before(old))
    assert changes(compared) == ["changed" if key else "unchanged"]
    assert compared.delta.resolved == compared.delta.unconfirmed == ()


def test_what_was_unconfirmed_is_not_forgotten():
    first = compare(report(PASS), before(PASS, A))
    kept = parse({"findings": delta.baseline(first.findings, first.delta.unconfirmed)})
    second = compare(report(PASS, finding("MTC601", "pass")), kept)
    assert second.delta.resolved == (replace(seen(A, Ending.MET), message=""),)


@pytest.mark.parametrize(
    "dark",
    [
        finding("MTC601", "unknown", SOURCE, key="not-gathered"),
        finding("MTC601", "error", SOURCE, key="error"),
        finding("MTC601", "unknown", Subject(kind="Migration")),
        finding("MTC601", "unknown", PLAN),
    ],
)
def test_what_could_not_be_looked_at_is_not_resolved(dark):
    compared = compare(report(PASS, dark), before(PASS, A))
    assert (compared.delta.resolved, compared.delta.unconfirmed) == ((), (seen(A),))


@pytest.mark.parametrize("where", [SOURCE, DESTINATION, PLAN])
def test_a_finding_of_the_plan_is_hidden_by_an_unknown_of_any_cluster(where):
    gone = finding("MTC601", "fail", PLAN, key="limit")
    dark = finding("MTC601", "unknown", where, key="not-gathered")
    compared = compare(report(PASS, dark), before(PASS, gone))
    assert (compared.delta.resolved, compared.delta.unconfirmed) == ((), (seen(gone),))


def test_unreadable_input_resolves_nothing():
    compared = compare(report(PASS, problems=(BROKEN,)), before(PASS, A))
    assert (compared.delta.resolved, compared.delta.unconfirmed) == ((), (seen(A),))


@pytest.mark.parametrize(
    "dark",
    [finding("MTC601", "unknown", DESTINATION), finding("MTC602", "unknown", SOURCE)],
)
def test_an_unknown_elsewhere_hides_nothing(dark):
    met = finding("MTC601", "pass", Subject(kind="Migration"))
    resolved = compare(report(PASS, met, dark), before(PASS, A)).delta.resolved
    assert resolved == (seen(A, Ending.MET),)


def test_bare_fingerprints_were_open_findings():
    compared = compare(report(PASS, A), parse([A.fingerprint, B.fingerprint]))
    assert changes(compared) == [None, "unchanged"]
    assert compared.delta.resolved == (Seen(B.fingerprint, ending=Ending.NOT_FOUND),)
    assert not compared.delta.comparable


def test_bare_fingerprints_tell_no_policy_so_any_unknown_hides_them():
    dark = finding("MTC402", "unknown")
    compared = compare(report(PASS, dark), parse([B.fingerprint]))
    assert (compared.delta.resolved, compared.delta.unconfirmed) == ((), (Seen(B.fingerprint),))


def test_other_policies_make_the_reports_not_comparable():
    assert not compare(report(PASS), before(PASS, policy_set="feedfeedfeedfeed")).delta.comparable


@pytest.mark.parametrize(
    "was, now, change, worse",
    [
        ("pass", "fail", "new", False),
        ("not_applicable", "unknown", "new", False),
        ("unknown", "fail", "changed", True),
        ("waived", "fail", "changed", True),
        ("waived", "waived", "unchanged", False),
        ("fail", "waived", "changed", False),
        ("pass", "waived", "new", False),
        ("fail", "unknown", "changed", False),
        ("fail", "pass", "resolved", False),
        ("waived", "pass", "resolved", False),
        ("fail", "not_applicable", "resolved", False),
        ("pass", "pass", None, False),
    ],
)
def test_verdicts_before_and_now(was, now, change, worse):
    compared = compare(report(PASS, finding("MTC402", now)), before(finding("MTC402", was)))
    (_, item) = compared.findings
    assert (item.change, item.worse) == (Change(change) if change else None, worse)


@pytest.mark.parametrize(
    "raw, pointer",
    [
        ("x", ""),
        ({}, "/findings"),
        ({"findings": "x"}, "/findings"),
        (["nope"], "/0"),
        ([A.fingerprint.upper()], "/0"),
        ([A.fingerprint, 3], "/1"),
        ([{"verdict": "fail"}], "/0/fingerprint"),
        ([{"fingerprint": A.fingerprint, "verdict": "failed"}], "/0/verdict"),
        ([{"fingerprint": A.fingerprint, "severity": 1}], "/0/severity"),
        ([{"fingerprint": A.fingerprint, "policy": 1}], "/0/policy"),
        ([{"fingerprint": A.fingerprint, "subject": "x"}], "/0/subject"),
    ],
)
def test_what_is_no_report(raw, pointer):
    with pytest.raises(MalformedPrevious) as caught:
        parse(raw)
    assert caught.value.pointer == pointer


def test_a_baseline_says_the_same_as_the_whole_report():
    old = [PASS, A, finding("MTC402", "waived"), finding("MTC403", "unknown", DESTINATION)]
    now = report(PASS, A, B, finding("MTC402", "fail"), finding("MTC403", "pass", DESTINATION))
    assert compare(now, parse(delta.baseline(old))).findings == compare(now, before(*old)).findings


WORDS = st.text(max_size=6)
SUBJECTS = st.builds(Subject, WORDS, st.sampled_from(["", "v1", "apps/v1"]), WORDS, WORDS, WORDS)
IDENTITIES = st.tuples(WORDS, SUBJECTS, WORDS)


def identity(item: tuple[str, Subject, str]) -> tuple[str, ...]:
    policy, subject, key = item
    group = subject.api_version.rpartition("/")[0]
    return policy, subject.cluster, group, subject.kind, subject.namespace, subject.name, key


@given(st.lists(IDENTITIES, max_size=30))
def test_distinct_findings_never_share_a_fingerprint(items):
    marks = {identity(item): fingerprint(*item) for item in items}
    assert len(set(marks.values())) == len(marks)


@given(WORDS, WORDS, WORDS)
def test_text_that_moves_between_fields_is_another_finding(a, b, c):
    one = fingerprint("P", Subject("c", "v1", "K", a + b, c), "")
    two = fingerprint("P", Subject("c", "v1", "K", a, b + c), "")
    assert (one == two) is (not b)


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.sampled_from(list(Verdict))),
        unique_by=lambda item: item[0],
    ),
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.sampled_from(list(Verdict))),
        unique_by=lambda item: item[0],
    ),
    st.randoms(),
)
def test_the_order_of_findings_changes_no_change(old, new, random):
    was = [finding("MTC601", verdict, volume(name)) for name, verdict in old]
    now = [finding("MTC601", verdict, volume(name)) for name, verdict in new]
    first = compare(report(*now), before(*was))
    shuffled = list(now)
    random.shuffle(shuffled)
    again = compare(report(*shuffled), before(*reversed(was)))
    assert {item.fingerprint: item.change for item in first.findings} == {
        item.fingerprint: item.change for item in again.findings
    }
    assert set(first.delta.resolved) == set(again.delta.resolved)
    assert first.delta.counts == again.delta.counts


def test_a_severity_alone_is_a_change():
    compared = compare(
        report(PASS, finding("MTC402", "fail")),
        before(finding("MTC402", "fail", severity=Severity.WARNING)),
    )
    assert (compared.findings[1].change, compared.findings[1].worse) == (Change.CHANGED, True)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["fail", "f" * 32, "", "é"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*plain(A), "findings", "policySet", "name"]), inner, max_size=4
        )
    ),
    max_leaves=8,
)


@given(ANYTHING, st.dictionaries(st.sampled_from(sorted(plain(A))), ANYTHING, max_size=3))
def test_whatever_is_said_to_be_a_report_is_one_or_is_told_where_it_is_none(raw, spoilt):
    for given_so in (raw, {"findings": raw}, [{**plain(A), **spoilt}]):
        try:
            compared = compare(report(PASS, A), parse(given_so))
        except MalformedPrevious as malformed:
            pointer = malformed.pointer
        else:
            pointer = ""
            assert compared.delta is not None
        assert pointer == "" or pointer.startswith("/")


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.sampled_from(list(Verdict)), st.text(max_size=3)),
        unique_by=lambda item: item[0],
    )
)
def test_a_report_has_not_changed_since_its_own_baseline(rows):
    found = [finding("MTC601", verdict, volume(name), found=text) for name, verdict, text in rows]
    kept = {"policySet": "0123456789abcdef", "findings": delta.baseline(found)}
    now = compare(report(*found), parse(json.loads(json.dumps(kept))))
    present = [item for item in found if item.verdict.value not in ("pass", "not_applicable")]
    assert now.delta == Delta(
        resolved=(),
        unconfirmed=(),
        counts=tuple((item, len(present) * (item is Change.UNCHANGED)) for item in Change),
        comparable=True,
    )
