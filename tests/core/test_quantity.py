"""Kubernetes quantities: every suffix, what is no quantity, and exactness."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.core.values.quantity import InvalidQuantity, human, parse, parse_or_none


@pytest.mark.parametrize(
    "text, value",
    [
        ("0", "0"),
        ("100", "100"),
        ("+5", "5"),
        ("-5Mi", "-5242880"),
        ("1.5Gi", "1610612736"),
        (".5Gi", "536870912"),
        ("5.", "5"),
        ("1Ki", "1024"),
        ("1Mi", "1048576"),
        ("1Ti", "1099511627776"),
        ("1Pi", "1125899906842624"),
        ("1Ei", "1152921504606846976"),
        ("1k", "1000"),
        ("1M", "1000000"),
        ("1G", "1000000000"),
        ("1T", "1000000000000"),
        ("1P", "1000000000000000"),
        ("1E", "1000000000000000000"),
        ("1500m", "1.5"),
        ("1u", "0.000001"),
        ("1n", "0.000000001"),
        ("1e3", "1000"),
        ("1E3", "1000"),
        ("12.5e+2", "1250"),
        ("1500e-3", "1.5"),
        ("0e999999", "0"),
    ],
)
def test_every_form_is_read_exactly(text: str, value: str) -> None:
    assert parse(text) == Decimal(value)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " 1Gi",
        "1Gi ",
        "1 Gi",
        "Gi",
        ".",
        "-",
        "+",
        "1..5Gi",
        "1.5.5",
        "1gi",
        "1GB",
        "1GiB",
        "1K",
        "1KI",
        "ten",
        "1e",
        "1e+",
        "1e3.5",
        "1e1234567",
        "1_000",
        "٣Gi",
        "0x10",
        "NaN",
        "Infinity",
        "--1",
        "1" * 65,
    ],
)
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(InvalidQuantity):
        parse(text)
    assert parse_or_none(text) is None


def test_a_magnitude_beyond_64_bits_is_cut_as_kubernetes_cuts_it() -> None:
    assert parse("9e999999") == parse("1000Ei") == Decimal(2**63 - 1)
    assert parse("-1000Ei") == Decimal(-(2**63 - 1))


def test_a_number_below_the_smallest_step_is_rounded_up_to_it() -> None:
    assert parse("1e-999999") == Decimal("1e-9")


@given(st.integers(min_value=0, max_value=2**53), st.sampled_from(["", "Ki", "m", "k"]))
def test_no_digit_is_lost(number: int, suffix: str) -> None:
    factor = {"": Decimal(1), "Ki": Decimal(1024), "m": Decimal("0.001"), "k": Decimal(1000)}
    assert parse(f"{number}{suffix}") == min(number * factor[suffix], Decimal(2**63 - 1))


@given(st.text(max_size=80))
def test_no_text_makes_it_raise_anything_else(text: str) -> None:
    value = parse_or_none(text)
    assert value is None or value.is_finite()


@pytest.mark.parametrize(
    "value, text",
    [
        (0, "0"),
        (1023, "1023"),
        (1024, "1Ki"),
        (10 * 2**30, "10Gi"),
        (1610612736, "1.5Gi"),
        (10**12, "931.32Gi"),
    ],
)
def test_bytes_are_shown_in_the_largest_binary_unit(value: int, text: str) -> None:
    assert human(value) == text
