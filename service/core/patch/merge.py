"""JSON merge patch (RFC 7396): apply one, and make one from two objects."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any


def apply_merge(target: Any, patch: Any) -> Any:
    """The target with the patch applied; neither is changed."""
    if not isinstance(patch, Mapping):
        return deepcopy(patch)
    result = dict(target) if isinstance(target, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = apply_merge(result.get(key), value)
    return result


def diff_merge(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """The smallest merge patch that makes ``new`` of ``old``.

    A null that only ``new`` holds cannot be expressed: it comes out as a removal.
    """
    patch: dict[str, Any] = {key: None for key in old if key not in new}
    for key, value in new.items():
        before = old.get(key)
        if key in old and same(before, value):
            continue
        if isinstance(value, Mapping):
            # A mapping that takes the place of something else would be merged into it.
            patch[key] = diff_merge(before if isinstance(before, Mapping) else {}, value)
        else:
            patch[key] = deepcopy(value)
    return patch


def same(left: Any, right: Any) -> bool:
    """Whether two JSON values are equal; unlike Python, true is not 1 and 1.0 is not 1."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and bool(left == right)
