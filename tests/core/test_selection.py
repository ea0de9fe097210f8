"""Which policies are asked: profiles, words, severities, parameters, and who may change what."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import pytest

from policies import catalogue
from service.core import choice_form
from service.core.engine import digest, evaluate
from service.core.migration import Migration
from service.core.outcome import Outcome, Severity, failed
from service.core.policy import MigrationPolicy, Parameter
from service.core.scope import Skipped
from service.core.selection import BadChoice, Catalogue, Choice, Selection
from service.intake.parts import read_body
from service.intake.pieces import Piece
from service.kinds.ref import Subject


@pytest.fixture
def plain_migration() -> Migration:
    body = io.BytesIO(b'{"clusters":[{"role":"source"}]}')
    return read_body(Piece("envelope", body), {}).migration


POLICIES = catalogue()
ALL = {policy.id for policy in POLICIES}
CHAPTER = [
    "MTC101",
    "MTC201",
    "MTC202",
    "MTC301",
    "MTC302",
    "MTC303",
    "MTC401",
    "MTC402",
    "MTC403",
    "MTC501",
    "MTC502",
    "MTC503",
    "MTC504",
    "MTC505",
    "MTC601",
    "MTC602",
    "MTC611",
    "MTC612",
    "MTC613",
    "MTC614",
    "MTC701",
]
ASKED = Catalogue.of(POLICIES)


def asked(**given: Any) -> Choice:
    return choice_form.choice(given, "the request")


def ids(selection: Selection) -> list[str]:
    return [policy.id for policy in selection.policies]


def faults(call: Any) -> list[tuple[str, str, str]]:
    with pytest.raises(BadChoice) as raised:
        call()
    return [(item.field, item.message, item.hint) for item in raised.value.faults]


def configured(**given: Any) -> Catalogue:
    return Catalogue.of(POLICIES, *choice_form.configuration(given, "config.yaml"))


def test_the_shipped_profiles() -> None:
    chapter = ASKED.select(asked(profile="chapter"))
    assert ids(chapter) == CHAPTER
    assert str(chapter.scope) == "profile chapter"
    assert {item.policy for item in chapter.scope.skipped} == ALL - {*CHAPTER}
    assert {item.reason for item in chapter.scope.skipped} == {"not part of profile chapter"}
    plan = ASKED.select(asked(profile="plan"))
    assert {policy.area() for policy in plan.policies} == {"plan"}
    full = ASKED.select()
    assert (set(ids(full)), str(full.scope), full.scope.skipped) == (ALL, "", ())


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("MTC302", ["MTC302"]),
        ("mtc302", ["MTC302"]),
        ("single-proxy", ["MTC302"]),
        ("proxies", ["MTC301", "MTC302", "MTC303"]),
        ("MTC61?", ["MTC611", "MTC612", "MTC613", "MTC614"]),
        ("stunnel-*", ["MTC301", "MTC303"]),
        ("MTC302,proxies", ["MTC301", "MTC302", "MTC303"]),
    ],
)
def test_policies_are_chosen_by_id_name_area_and_glob(word: str, wanted: list[str]) -> None:
    chosen = ASKED.select(asked(only=word))
    assert ids(chosen) == wanted
    assert str(chosen.scope) == f"only {word.replace(',', ', ')}"


def test_only_narrows_the_profile_that_is_asked_for() -> None:
    assert ids(ASKED.select(asked(profile="chapter", only="images"))) == [
        "MTC201",
        "MTC202",
        "MTC701",
    ]
    assert faults(lambda: ASKED.select(asked(profile="chapter", only="MTC801"))) == [
        (
            "only",
            "'MTC801' is left out: not part of profile chapter",
            "profile=full has every policy",
        )
    ]


def test_the_last_place_that_chooses_decides() -> None:
    file = choice_form.choice({"profile": "plan"}, "file")
    assert ids(ASKED.select(file, asked(only="MTC302"))) == ["MTC302"]
    assert ids(ASKED.select(file, asked(profile="chapter"))) == CHAPTER
    narrowed = ASKED.select(file, asked(skip="MTC719=known"))
    assert {policy.area() for policy in narrowed.policies} == {"plan"}
    assert Skipped("MTC719", "kinds-served", "warning", "known (the request)") in (
        narrowed.scope.skipped
    )


def test_what_is_not_there_is_named_with_the_nearest() -> None:
    found = faults(
        lambda: ASKED.select(
            asked(
                skip="evidence-frsh",
                severities={"MTC999x*": "info"},
                parameters={"MTC901": {"maxage": 3}, "MTC302": {"limit": 1}},
            )
        )
    )
    assert sorted(found) == [
        ("parameters", "MTC302 has no parameter 'limit'", "it has no parameters"),
        ("parameters", "MTC901 has no parameter 'maxage'", "did you mean max-age?"),
        (
            "severities",
            "no policy is called 'MTC999x*'",
            "expected an id, a name or an area of policies, or a glob",
        ),
        ("skip", "no policy is called 'evidence-frsh'", "did you mean evidence-fresh?"),
    ]
    found = faults(lambda: ASKED.select(asked(only="netwrok,stunel-proxy-url")))
    assert found == [
        ("only", "no policy is called 'netwrok'", "did you mean network?"),
        ("only", "no policy is called 'stunel-proxy-url'", "did you mean stunnel-proxy-url?"),
    ]
    assert faults(lambda: ASKED.select(asked(profile="chaptr"))) == [
        ("profile", "there is no profile 'chaptr'", "did you mean chapter?")
    ]


@pytest.mark.parametrize("word", ["MTC302", "single-proxy", "proxies", "MTC3*", "*"])
def test_a_request_can_skip_no_blocker_unless_the_operator_allows_it(word: str) -> None:
    found = faults(lambda: ASKED.select(asked(skip=word)))
    assert [field for field, _, _ in found] == ["skip"]
    assert "MTC" in found[0][1]
    assert found[0][1].endswith("may not be skipped")
    open_to = configured(requests={"skipBlockers": True})
    if word != "*":
        assert "MTC302" not in ids(open_to.select(asked(skip=word)))


def test_a_request_can_lower_no_blocker_unless_the_operator_allows_it() -> None:
    assert faults(lambda: ASKED.select(asked(severities="MTC302=warning"))) == [
        (
            "severities",
            "MTC302 is a blocker and may not be lowered",
            "accept the risk with a waiver; or the operator's configuration sets "
            "requests.lowerBlockers",
        )
    ]
    lowered = configured(requests={"lowerBlockers": True}).select(asked(severities="MTC302=info"))
    assert {item.id: item.severity for item in lowered.policies}["MTC302"] == Severity.INFO
    raised = ASKED.select(asked(severities={"MTC901": "blocker"}, only="MTC901"))
    assert [item.severity for item in raised.policies] == [Severity.BLOCKER]
    strict = configured(severities={"MTC901": "blocker"})
    assert faults(lambda: strict.select(asked(skip="MTC901")))[0][0] == "skip"
    assert faults(lambda: strict.select(asked(severities="MTC901=info")))[0][0] == "severities"


def test_a_profile_of_the_operator() -> None:
    own = configured(
        profile="acme",
        profiles={
            "acme": {
                "title": "ours",
                "only": ["chapter", "MTC801"],
                "skip": [{"policy": "MTC505", "reason": "no TLS"}],
                "severities": {"MTC402": "warning"},
                "parameters": {"MTC901": {"max-age": 24}},
            }
        },
        skip=[{"policy": "MTC701", "reason": "never 3 to 4"}],
    )
    chosen = own.select()
    assert ids(chosen) == [
        *(key for key in CHAPTER if key not in ("MTC505", "MTC701")),
        "MTC801",
    ]
    assert str(chosen.scope) == "profile acme, 2 skipped"
    reasons = {item.policy: item.reason for item in chosen.scope.skipped}
    assert reasons["MTC505"] == "no TLS (profile acme)"
    assert reasons["MTC701"] == "never 3 to 4 (config.yaml)"
    assert chosen.scope.files == ("config.yaml",)
    assert own.profiles_of(next(item for item in POLICIES if item.id == "MTC801")) == (
        "full",
        "acme",
    )


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"profil": "x"}, "profil"),
        ({"profile": "nope"}, "profile"),
        ({"skip": ["MTC901"]}, "skip"),
        ({"skip": "MTC901"}, "skip"),
        ({"only": ["MTC901"]}, "only"),
        ({"profiles": []}, "profiles"),
        ({"profiles": {"a": {"only": ["nope"]}}}, "only"),
        ({"profiles": {"a": {"onyl": ["MTC901"]}}}, "profiles.a.onyl"),
        ({"severities": {"MTC901": "fatal"}}, "severities"),
        ({"severities": ["MTC901"]}, "severities"),
        ({"parameters": {"MTC901": {"max-age": 0}}}, "parameters"),
        ({"parameters": {"MTC901": {"max-age": "soon"}}}, "parameters"),
        ({"parameters": {"MTC901": 3}}, "parameters"),
        ({"requests": {"skipBlockers": "yes"}}, "requests.skipBlockers"),
        ({"requests": {"skipblockers": True}}, "requests.skipblockers"),
        ([], ""),
    ],
)
def test_a_configuration_that_cannot_be_used(given: Any, field: str) -> None:
    def make() -> None:
        Catalogue.of(POLICIES, *choice_form.configuration(given, "config.yaml"))

    assert field in {name for name, _, _ in faults(make)}


def test_parameters_keep_their_bounds_and_the_operator_may_keep_them() -> None:
    assert faults(lambda: ASKED.select(asked(parameters="MTC901.max-age=0"))) == [
        (
            "parameters",
            "MTC901.max-age is 0: expected a number of hours from 0.01 to 1000000",
            "",
        )
    ]
    kept = configured(requests={"setParameters": False})
    assert faults(lambda: kept.select(asked(parameters="MTC901.max-age=3"))) == [
        ("parameters", "parameters are set by the operator alone", "")
    ]


class Mixed(MigrationPolicy):
    """Fails twice: as severe as it is, and as a hint."""

    id = "MTC999"
    name = "mixed"
    title = why = remedy = source = "mixed"
    severity = Severity.WARNING
    reads = ()
    docs = ()
    parameters = (Parameter("least", 3, "things", 1, 9, "how many", whole=True),)

    def check(self, migration: Migration, subject: Migration) -> Iterator[Outcome]:
        here = Subject(kind="Migration")
        least = f"{self.value('least'):g}"
        yield failed(here, "a", found="1", wanted=least, key="a")
        yield failed(here, "b", found="1", wanted=least, key="b", severity=Severity.INFO)


@pytest.mark.parametrize(
    ("severity", "wanted"),
    [
        (None, ["warning", "info"]),
        ("warning", ["warning", "info"]),
        ("info", ["info", "info"]),
        ("blocker", ["blocker", "blocker"]),
    ],
)
def test_a_severity_bounds_or_lifts_every_finding(
    severity: str | None, wanted: list[str], plain_migration: Migration
) -> None:
    one = Catalogue.of([Mixed()])
    choice = asked(severities={"mixed": severity}) if severity else asked()
    chosen = one.select(choice)
    report = evaluate(plain_migration, chosen.policies, chosen.scope)
    assert [item.severity.value for item in report.findings] == wanted


def test_a_parameter_reaches_the_check_and_the_policy_set(plain_migration: Migration) -> None:
    one = Catalogue.of([Mixed()])
    chosen = one.select(asked(parameters={"mixed": {"least": 7}}))
    assert [item.wanted for item in evaluate(plain_migration, chosen.policies).findings] == [
        "7",
        "7",
    ]
    sets = {
        digest([Mixed()]),
        digest(chosen.policies),
        digest([Mixed().tuned(Severity.INFO, {})]),
        digest([Mixed()], "acme"),
        digest([Mixed()], max_age_hours=3.0),
    }
    assert len(sets) == 5
    assert digest([Mixed().tuned(Severity.WARNING, {})]) == digest([Mixed()])


def test_nothing_left_is_no_evaluation() -> None:
    open_to = configured(requests={"skipBlockers": True})
    assert faults(lambda: open_to.select(asked(skip="*"))) == [
        ("only", "no policy is left to evaluate", "")
    ]
