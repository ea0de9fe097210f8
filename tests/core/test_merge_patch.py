"""The laws of JSON merge patch (RFC 7396), and of the patches that we make."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import jsonpatch
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_patch import cleaned, manifest

from service.core.outcome import Severity
from service.core.patch import PatchReason, PatchRefused, PatchRequest, PatchResult, make_patch
from service.core.patch.merge import apply_merge, diff_merge, same
from service.core.settings.setting_model import Setting, SettingKind
from service.core.settings.table import SETTINGS

KEYS = st.sampled_from("abcd")
SCALARS = st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from(["", "a", 0.0, 1.0])
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=4)
many = settings(max_examples=300, deadline=None)


def without_nulls(value: Any) -> Any:
    """What is left of a patch in an empty place: nulls remove, but within a list they stay."""
    if not isinstance(value, dict):
        return value
    return {key: without_nulls(item) for key, item in value.items() if item is not None}


@many
@given(VALUES, VALUES)
def test_a_patch_that_is_no_object_takes_the_place_of_all(target: Any, patch: Any) -> None:
    if not isinstance(patch, dict):
        assert same(apply_merge(target, patch), patch)
    else:
        assert same(apply_merge(target, patch), apply_merge(as_object(target), patch))


def as_object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


@many
@given(VALUES, OBJECTS)
def test_a_patch_touches_the_keys_that_it_names_and_no_other(target: Any, patch: Any) -> None:
    before, after = as_object(target), apply_merge(target, patch)
    assert {key for key, value in patch.items() if value is None}.isdisjoint(after)
    assert after.keys() == (before.keys() | patch.keys()) - {
        key for key, value in patch.items() if value is None
    }
    for key, value in after.items():
        wanted = apply_merge(before.get(key), patch[key]) if key in patch else before[key]
        assert same(value, wanted)


@many
@given(VALUES, VALUES)
def test_a_patch_applied_twice_is_applied_once(target: Any, patch: Any) -> None:
    once = apply_merge(target, patch)
    assert same(apply_merge(once, patch), once)


@many
@given(VALUES)
def test_in_an_empty_place_a_patch_is_what_it_says_without_its_nulls(patch: Any) -> None:
    assert same(apply_merge({}, patch), without_nulls(patch))


@many
@given(OBJECTS, OBJECTS, OBJECTS)
def test_patches_of_different_keys_may_come_in_any_order(target: Any, one: Any, other: Any) -> None:
    other = {key: value for key, value in other.items() if key not in one}
    whole = apply_merge(target, {**one, **other})
    assert same(apply_merge(apply_merge(target, one), other), whole)
    assert same(apply_merge(apply_merge(target, other), one), whole)


@many
@given(VALUES, VALUES)
def test_neither_the_target_nor_the_patch_is_changed(target: Any, patch: Any) -> None:
    before = deepcopy((target, patch))
    apply_merge(target, patch)
    if isinstance(target, dict) and isinstance(patch, dict):
        diff_merge(target, patch)
    assert same(list(before), [target, patch])


@many
@given(OBJECTS, OBJECTS)
def test_a_difference_leads_there_and_its_opposite_leads_back(old: Any, new: Any) -> None:
    new = without_nulls(new)
    there = diff_merge(old, new)
    assert same(apply_merge(old, there), new)
    old = without_nulls(old)
    assert same(apply_merge(new, diff_merge(new, old)), old)


@many
@given(OBJECTS, OBJECTS)
def test_a_difference_names_only_what_differs(old: Any, new: Any) -> None:
    def no_more_than_needed(patch: dict[str, Any], old: Any, new: Any) -> None:
        for key, value in patch.items():
            assert (key in old) is not (key in new) or not same(old[key], new[key])
            if isinstance(value, dict) and isinstance(old.get(key), dict):
                no_more_than_needed(value, old[key], new[key])

    new = without_nulls(new)
    no_more_than_needed(diff_merge(old, new), old, new)
    assert diff_merge(old, old) == {}


# --- the patch of a MigrationController, with any of its settings ---------------------------------

WORDS = st.from_regex(r"[a-z]([a-z0-9-]{0,4}[a-z0-9])?(\.[a-z0-9]{1,4})?", fullmatch=True)
BY_KIND: dict[SettingKind, st.SearchStrategy[Any]] = {
    SettingKind.SWITCH: st.booleans(),
    SettingKind.BOOL: st.booleans() | st.sampled_from(["yes", "no", 1, 0]),
    SettingKind.GO_BOOL: st.booleans() | st.sampled_from(["true", "f", "0"]),
    SettingKind.LIMIT: st.integers(1, 50) | st.integers(1, 50).map(str),
    SettingKind.BANDWIDTH: st.integers(0, 9),
    SettingKind.GROUPS: st.sampled_from(["", "1000", "1000,2000", 7]),
    SettingKind.GROUP_LIST: st.lists(st.integers(1, 9) | st.sampled_from(["1000"]), max_size=3),
    SettingKind.PROXY: st.sampled_from(["", "http://h:1", "http://u:p%20w@squid.example.com:3128"]),
    SettingKind.URL: st.sampled_from(["", "http://h:1", "https://u:p%20w@squid.example.com:3128"]),
    SettingKind.DOMAIN: st.sampled_from(["", "apps.example.com"]),
    SettingKind.QUANTITY: st.sampled_from(["100m", "1Gi", 1, 0.5, 1.0]),
    SettingKind.DURATION: st.sampled_from(["0", "1h30m", "2s"]),
    SettingKind.NAMES: st.lists(WORDS, max_size=3),
    SettingKind.EXCLUDED: st.lists(WORDS, max_size=3),
    SettingKind.MAP: st.dictionaries(WORDS, WORDS, max_size=3),
    SettingKind.ANY: VALUES,
}
"""Values that are right; of every kind that is not here, a word is."""


def camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def values(setting: Setting) -> st.SearchStrategy[Any]:
    if setting.choices:
        return st.sampled_from(setting.choices)
    return BY_KIND.get(setting.kind, WORDS)


@st.composite
def specs(draw: st.DrawFn, *, wanted: bool) -> dict[str, Any]:
    """Some settings with right values; where they are wanted, null removes what may be left out."""
    chosen = draw(st.lists(st.sampled_from(sorted(SETTINGS)), unique=True, max_size=5))
    spec = {}
    for name in chosen:
        setting = SETTINGS[name]
        given = values(setting)
        if wanted and not setting.required:
            given = st.none() | given.map(without_nulls)
        key = name if draw(st.booleans()) or setting.required else camel(name)
        spec[key] = draw(given)
    return spec


@settings(max_examples=400, deadline=None)
@given(specs(wanted=False), specs(wanted=True).filter(bool))
def test_the_forms_of_a_patch_agree_and_its_undo_undoes(
    spec: dict[str, Any], wanted: dict[str, Any]
) -> None:
    controller = manifest(**spec)
    before = deepcopy(controller)
    result = answer(PatchRequest(wanted, controller))
    if isinstance(result, set):
        # Two spellings of one setting, and a controller that runs nowhere, are no matter here.
        assert result <= {"given-twice", "not-host"}
        return
    by_merge = apply_merge(controller, result.merge_patch)
    by_operations = jsonpatch.apply_patch(controller, list(result.json_patch))
    assert same(cleaned(by_merge), result.manifest)
    assert same(cleaned(by_operations), result.manifest)
    assert same(controller, before)
    assert not make_patch(PatchRequest(wanted, by_merge)).changed

    undone = apply_merge(by_merge, result.undo)
    warned = "undo-without-null" in {reason.code for reason in result.warnings}
    assert same(undone, controller) is not warned
    assert same(without_nulls(undone), without_nulls(controller))


def answer(request: PatchRequest) -> PatchResult | set[str]:
    """The patch, or the codes of what speaks against it."""
    try:
        return make_patch(request)
    except PatchRefused as refused:
        return {reason.code for reason in refused.reasons}


def test_the_undo_of_a_null_is_told_to_leave_it_out() -> None:
    given = manifest(mig_failure_rollback=None)
    result = make_patch(PatchRequest({"mig_failure_rollback": True}, given))
    assert result.undo == {"spec": {"mig_failure_rollback": None}}
    assert [reason for reason in result.warnings if reason.code == "undo-without-null"] == [
        PatchReason(
            "",
            "undo-without-null",
            Severity.WARNING,
            "an old value holds null, which a merge patch cannot set: the undo leaves it out",
            "/controller/spec",
        )
    ]


def test_a_null_within_a_value_is_refused() -> None:
    """The merge patch would not set it, and the manifest would."""
    wanted = {"mig_failure_rollback": {"a": {"b/c": None}, "d": [None], "e": None}}
    with pytest.raises(PatchRefused) as caught:
        make_patch(PatchRequest(wanted, manifest()))
    assert [(reason.code, reason.pointer) for reason in caught.value.reasons] == [
        ("null-within", "/settings/mig_failure_rollback/a/b~1c"),
        ("null-within", "/settings/mig_failure_rollback/e"),
    ]
