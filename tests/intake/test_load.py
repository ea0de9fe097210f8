"""A text in any of the forms that documents come in: told apart by the text, not by a name."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.intake.intake_errors import Unreadable
from service.intake.limits import DEFAULT_LIMITS
from service.intake.texts.load import load, media_of
from service.intake.texts.loaded import Loaded

WORDS = st.sampled_from(["a", "kind", "", "yes", "0x1", "~", "é", "- x", "a: b", "#", "line\nline"])
# Beyond 64 bits YAML's numbers are floats, as Kubernetes reads them.
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | WORDS
OBJECTS = st.dictionaries(
    WORDS,
    st.recursive(
        SCALARS,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
        max_leaves=6,
    ),
    min_size=1,
    max_size=4,
)
PIECES = st.lists(
    st.sampled_from(
        [b"{", b"}", b"[", b"]", b'"', b":", b",", b"\n", b"---\n", b"- ", b"a", b"&a ", b"*a",
         b"!!x ", b"|", b"\t", b"\xff", b"\x00", b"\xef\xbb\xbf", b"1", b"{}\n", b"<<: "]
    ),
    max_size=12,
).map(b"".join)  # fmt: skip


def read(data: bytes, **options: Any) -> list[Loaded]:
    return list(load(data, DEFAULT_LIMITS, **options))


@given(st.lists(OBJECTS, min_size=1, max_size=3))
@settings(max_examples=200, deadline=None)
def test_the_same_documents_come_out_of_every_form(values: list[dict[str, Any]]) -> None:
    forms = {
        "lines of JSON": "".join(json.dumps(value) + "\n" for value in values),
        "JSON after JSON": "".join(json.dumps(value, indent=1) for value in values),
        "YAML documents": yaml.safe_dump_all(values, allow_unicode=True),
        "YAML in flow style": yaml.safe_dump_all(
            values, default_flow_style=True, explicit_start=True
        ),
        "with a byte order mark": "\ufeff" + "".join(json.dumps(value) + "\n" for value in values),
    }
    came = {name: [item.value for item in read(text.encode())] for name, text in forms.items()}
    assert came == dict.fromkeys(forms, values)


@given(PIECES, st.booleans())
@example(b"{}\n{", False)
@settings(max_examples=500, deadline=None)
def test_any_bytes_are_documents_or_told_why_not(data: bytes, claimed: bool) -> None:
    try:
        documents = read(data, yaml_claimed=claimed)
    except Unreadable as error:
        assert error.code  # noqa: PT017
        return
    for item in documents:
        assert item.error is None or item.value is None
        json.dumps(item.value)


@pytest.mark.parametrize(
    ("head", "media"),
    [(b" \r\n\t{", "json"), (b"\xef\xbb\xbf[", "json"), (b"- {", "yaml"), (b"", "yaml")],
)
def test_a_brace_or_bracket_tells_json(head: bytes, media: str) -> None:
    assert media_of(head) == media
