"""Which policies an evaluation asks, with what severity and with which parameters.

Whoever chooses does it by words: a policy's id or name, an area, or a glob of these.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, NamedTuple

from service.core import summary
from service.core.outcome import RANK, Severity
from service.core.policy import Policy, reads_of
from service.core.scope import FULL, Changed, Scope, Skipped
from service.kinds.resource import Read

CHAPTER, PLAN = "chapter", "plan"
MOST_WORDS = 500
"""How many words one choice takes; of globs each is held against every policy."""


class Skip(NamedTuple):
    """What to leave out: a word, and why."""

    word: str
    reason: str = ""


class ParameterSetting(NamedTuple):
    """A value for a parameter of the policies that a word names."""

    word: str
    parameter: str
    value: float


@dataclass(frozen=True, slots=True)
class Choice:
    """What one place asks for; ``by`` is how a report calls it."""

    by: str
    profile: str = ""
    only: tuple[str, ...] = ()
    skip: tuple[Skip, ...] = ()
    severities: tuple[tuple[str, Severity], ...] = ()
    parameters: tuple[ParameterSetting, ...] = ()
    file: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether it asks for nothing."""
        asked = self.profile or self.only or self.skip or self.severities or self.parameters
        return not asked


@dataclass(frozen=True, slots=True)
class Profile:
    """A named selection: ``only`` chooses out of all policies, the rest is as in a choice.

    Words of ``only`` may be names of shipped profiles too.
    """

    title: str
    only: tuple[str, ...]
    skip: tuple[Skip, ...] = ()
    severities: tuple[tuple[str, Severity], ...] = ()
    parameters: tuple[ParameterSetting, ...] = ()


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a request may do beside choosing: the operator opens it."""

    skip_blockers: bool = False
    lower_blockers: bool = False
    set_parameters: bool = True


class SelectionFault(NamedTuple):
    """What is wrong with a choice: ``field`` is profile, only, skip, severities or parameters."""

    by: str
    field: str
    message: str
    hint: str = ""


class BadChoice(ValueError):
    """A choice that names what is not there, or asks for what is not allowed; every fault."""

    def __init__(self, faults: Iterable[SelectionFault]) -> None:
        self.faults = tuple(faults)
        super().__init__("; ".join(f"{item.field}: {item.message}" for item in self.faults))


@dataclass(frozen=True, slots=True)
class Selection:
    """The policies to ask, and what the report says of them."""

    policies: tuple[Policy[Any], ...]
    scope: Scope

    @property
    def reads(self) -> tuple[Read[Any], ...]:
        """What the evidence is read for: the policies, and the report's head."""
        return tuple(dict.fromkeys((*summary.READS, *reads_of(self.policies))))


@dataclass(frozen=True, eq=False)
class Catalogue:
    """All policies as the operator has set them, the profiles, and what requests may change."""

    policies: tuple[Policy[Any], ...]
    profiles: Mapping[str, Profile]
    operator: Choice = field(default_factory=lambda: Choice("the configuration"))
    allowed: Allowed = Allowed()
    changed: tuple[Changed, ...] = ()

    @classmethod
    def of(
        cls,
        policies: Sequence[Policy[Any]],
        profiles: Mapping[str, Profile] | None = None,
        operator: Choice | None = None,
        allowed: Allowed = Allowed(),
    ) -> Catalogue:
        """The catalogue with these profiles beside the shipped ones. Raises BadChoice."""
        operator = operator or Choice("the configuration")
        known = shipped(policies)
        for name, profile in (profiles or {}).items():
            own = (known[word].only if word in known else (word,) for word in profile.only)
            known[name] = replace(profile, only=tuple(word for words in own for word in words))
        tuning = _Tuning(policies)
        tuning.set(operator.by, operator.severities, operator.parameters)
        made = cls(
            tuple(tuning.policies.values()),
            known,
            operator,
            allowed,
            tuple(tuning.changed),
        )
        faults = [*tuning.faults]
        for name in made.profiles:
            try:
                made.select(Choice(operator.by, profile=name))
            except BadChoice as error:
                faults += error.faults
        if not faults:
            made.select()
        if faults:
            raise BadChoice(dict.fromkeys(faults))
        return made

    def profiles_of(self, policy: Policy[Any]) -> tuple[str, ...]:
        """The names of the profiles that a policy is part of."""
        return tuple(
            name
            for name, profile in self.profiles.items()
            if any(_means(word, policy) for word in profile.only)
        )

    def select(self, *choices: Choice) -> Selection:
        """What is left by the operator's choice and these, the strongest last.

        The last choice that has a profile or ``only`` decides on both; the rest adds up.
        Raises BadChoice.
        """
        choices = tuple(item for item in choices if not item.is_empty or item.file)
        return self._select(choices) if choices else self._usual

    @cached_property
    def _usual(self) -> Selection:
        """What the operator chose: what nearly every request asks for."""
        return self._select(())

    def _select(self, choices: tuple[Choice, ...]) -> Selection:
        given = (self.operator, *choices)
        chosen = next(
            (item for item in reversed(given) if item.profile or item.only), self.operator
        )
        name = chosen.profile or self.operator.profile or FULL
        profile = self.profiles.get(name)
        if profile is None:
            hint = nearest(name, self.profiles) or f"there are {', '.join(self.profiles)}"
            fault = SelectionFault(chosen.by, "profile", f"there is no profile {name[:80]!r}", hint)
            raise BadChoice([fault])
        tuning = _Tuning(self.policies, list(self.changed))
        tuning.set(f"profile {name}", profile.severities, profile.parameters)
        left = _Left(tuning)
        left.narrow(f"profile {name}", profile.only, f"not part of profile {name}")
        for skip in profile.skip:
            left.leave_out(f"profile {name}", skip)
        for skip in self.operator.skip:
            left.leave_out(self.operator.by, skip)
        if chosen.only:
            left.narrow(chosen.by, chosen.only, f"not chosen by {chosen.by}")
        for choice in choices:
            self._apply(choice, left)
        faults = [*tuning.faults, *left.faults]
        if not faults and not left.policies:
            faults = [SelectionFault(given[-1].by, "only", "no policy is left to evaluate")]
        if faults:
            raise BadChoice(faults)
        scope = Scope(
            profile=name,
            only=chosen.only,
            skipped=tuple(left.skipped[key] for key in tuning.policies if key in left.skipped),
            left_out=left.named,
            changed=tuple(tuning.changed),
            files=tuple(item.file for item in given if item.file),
        )
        return Selection(tuple(tuning.policies[key] for key in left.policies), scope)

    def _apply(self, choice: Choice, left: _Left) -> None:
        """Take what a user asks for beside the profile, as far as it is allowed."""
        for skip in choice.skip:
            left.leave_out(choice.by, skip, guarded=not self.allowed.skip_blockers)
        guarded = not self.allowed.lower_blockers
        left.tuning.set(choice.by, choice.severities, (), guarded=guarded)
        if choice.parameters and not self.allowed.set_parameters:
            text = "parameters are set by the operator alone"
            left.faults.append(SelectionFault(choice.by, "parameters", text))
        else:
            left.tuning.set(choice.by, (), choice.parameters)


def shipped(policies: Sequence[Policy[Any]]) -> dict[str, Profile]:
    """The profiles that come with the product."""
    chapter = tuple(policy.id for policy in policies if policy.chapter)
    found = {
        CHAPTER: Profile(
            "the prerequisites of the documentation's chapter, and no others", chapter
        ),
        PLAN: Profile("what MTC's controller validates of a MigPlan", (PLAN,)),
        FULL: Profile("every policy", ("*",)),
    }
    return {name: item for name, item in found.items() if item.only and _any(item, policies)}


def _any(profile: Profile, policies: Sequence[Policy[Any]]) -> bool:
    return any(_means(word, policy) for word in profile.only for policy in policies)


def _means(word: str, policy: Policy[Any]) -> bool:
    """Whether a word is about a policy; upper and lower case are the same."""
    low = word.lower()
    names = (policy.id.lower(), policy.name, policy.area())
    if any(sign in low for sign in "*?["):
        return any(fnmatchcase(name, low) for name in names)
    return low in names


def nearest(word: str, names: Iterable[str]) -> str:
    """A question for the name that is nearly this word, "" where none is."""
    known = {name.lower(): name for name in names}
    near = get_close_matches(word.lower()[:100], known, 1)
    return f"did you mean {known[near[0]]}?" if near else ""


@dataclass
class _Tuning:
    """The policies while severities and parameters are set."""

    all: Sequence[Policy[Any]]
    changed: list[Changed] = field(default_factory=list)
    faults: list[SelectionFault] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.policies = {policy.id: policy for policy in self.all}

    def matching(self, by: str, setting: str, word: str) -> list[str]:
        """Ids of the policies that a word is about; none is a fault."""
        found = [key for key, policy in self.policies.items() if _means(word, policy)]
        if not found:
            policies = self.policies.values()
            names = {name for item in policies for name in (item.id, item.name, item.area())}
            hint = nearest(word, names) or (
                "expected an id, a name or an area of policies, or a glob"
            )
            self.faults.append(
                SelectionFault(by, setting, f"no policy is called {word[:80]!r}", hint)
            )
        return found

    def set(
        self,
        by: str,
        severities: Iterable[tuple[str, Severity]],
        parameters: Iterable[ParameterSetting],
        *,
        guarded: bool = False,
    ) -> None:
        """Set severities and parameters; ``guarded`` blockers are not lowered."""
        for word, severity in severities:
            keys = self.matching(by, "severities", word)
            kept = [key for key in keys if guarded and self._lowers(key, severity)]
            if kept:
                self.faults.append(_guarded(by, "severities", "lowered", kept, "lowerBlockers"))
                continue
            for key in keys:
                self.policies[key] = self.policies[key].tuned(severity, {})
                self.changed.append(Changed(key, "severity", severity.value, by))
        for setting in parameters:
            for key in self.matching(by, "parameters", setting.word):
                self._set_one(by, key, setting)

    def _lowers(self, key: str, severity: Severity) -> bool:
        now = self.policies[key].severity
        return now is Severity.BLOCKER and RANK[severity] < RANK[now]

    def _set_one(self, by: str, key: str, setting: ParameterSetting) -> None:
        policy = self.policies[key]
        known = {item.name: item for item in policy.parameters}
        parameter = known.get(setting.parameter)
        if parameter is None:
            text = f"{key} has no parameter {setting.parameter[:80]!r}"
            hint = nearest(setting.parameter, known) or _listed(known)
            self.faults.append(SelectionFault(by, "parameters", text, hint))
        elif not parameter.accepts(setting.value):
            text = f"{key}.{parameter.name} is {setting.value:g}: expected {parameter.takes}"
            self.faults.append(SelectionFault(by, "parameters", text))
        else:
            self.policies[key] = policy.tuned(None, {parameter.name: setting.value})
            value = f"{setting.value:g} {parameter.unit}"
            self.changed.append(Changed(key, parameter.name, value, by))


def _listed(names: Iterable[str]) -> str:
    listed = ", ".join(names)
    return f"it has {listed}" if listed else "it has no parameters"


def _guarded(by: str, setting: str, done: str, keys: Sequence[str], switch: str) -> SelectionFault:
    names = ", ".join(keys[:5]) + (" …" * (len(keys) > 5))
    text = f"{names} {'is a blocker' if len(keys) == 1 else 'are blockers'} and may not be {done}"
    hint = f"accept the risk with a waiver; or the operator's configuration sets requests.{switch}"
    return SelectionFault(by, setting, text, hint)


class _Left:
    """The policies that are left while some are left out."""

    def __init__(self, tuning: _Tuning) -> None:
        self.tuning = tuning
        self.faults: list[SelectionFault] = []
        self.policies = dict.fromkeys(tuning.policies)
        self.skipped: dict[str, Skipped] = {}
        self.named = 0

    def narrow(self, by: str, words: Iterable[str], reason: str) -> None:
        """Keep what these words are about."""
        kept: set[str] = set()
        for word in words:
            found = self.tuning.matching(by, "only", word)
            gone = [self.skipped[key] for key in found if key in self.skipped]
            if found and len(gone) == len(found):
                text = f"{word[:80]!r} is left out: {gone[0].reason}"
                self.faults.append(
                    SelectionFault(by, "only", text, "profile=full has every policy")
                )
            kept.update(found)
        for key in [key for key in self.policies if key not in kept]:
            self._skip(key, reason)

    def leave_out(self, by: str, skip: Skip, *, guarded: bool = False) -> None:
        """Leave out what a word is about; ``guarded`` blockers stay, which is a fault."""
        keys = [key for key in self.tuning.matching(by, "skip", skip.word) if key in self.policies]
        policies = self.tuning.policies
        blockers = [key for key in keys if policies[key].severity is Severity.BLOCKER]
        if guarded and blockers:
            self.faults.append(_guarded(by, "skip", "skipped", blockers, "skipBlockers"))
            return
        for key in keys:
            self._skip(key, f"{skip.reason} ({by})" if skip.reason else f"skipped by {by}")
            self.named += 1

    def _skip(self, key: str, reason: str) -> None:
        policy = self.tuning.policies[key]
        del self.policies[key]
        self.skipped[key] = Skipped(key, policy.name, policy.severity.value, reason)
