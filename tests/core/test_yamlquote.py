"""A text between the double quotes of a template, against the YAML reader that Ansible uses."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from service.core.values.yamlquote import TemplateBroken, between_double_quotes

ATOMS = [*"ab \t\n\r\x85\u2028#:{}%'/\\\"", "\\\\", '\\"', "\\n", "\\x4", "\\x40", "\\u00e9", "\\s"]


def by_pyyaml(text: str) -> object:
    try:
        return yaml.load(f'KEY: "{text}"', Loader=yaml.SafeLoader)["KEY"]
    except (yaml.YAMLError, TypeError, ValueError, OverflowError):
        return None


def by_us(text: str) -> object:
    try:
        return between_double_quotes(text)
    except TemplateBroken:
        return None


@given(st.lists(st.sampled_from(ATOMS), max_size=8).map("".join))
@settings(max_examples=1500, deadline=None)
def test_as_pyyaml_reads_it(text: str) -> None:
    if "{{" in text or "{%" in text or "{#" in text:
        assert by_us(text) is None
        return
    ours = by_us(text)
    if ours is None and '"' in text:
        return  # what follows the quote may happen to be YAML, a comment; nobody wants that
    assert ours == by_pyyaml(text)


@pytest.mark.parametrize("text", ["{{ x }}", "{% raw %}", "{# x", '"', "\\", "\\s", "\x00"])
def test_what_breaks_the_template(text: str) -> None:
    with pytest.raises(TemplateBroken):
        between_double_quotes(text)
