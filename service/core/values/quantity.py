"""Kubernetes quantities (``10Gi``, ``1500m``, ``1e3``), read exactly.

The grammar is that of k8s.io/apimachinery, pkg/api/resource: a signed decimal number and one
suffix, which is binary (Ki … Ei), decimal (n, u, m, none, k … E) or a decimal exponent.
"""

from __future__ import annotations

from decimal import Context, Decimal
from functools import lru_cache

_DIGITS = frozenset("0123456789")
_NUMBER = _DIGITS | {"."}
_LONGEST = 64
"""No real quantity is longer; the bound keeps the arithmetic exact and cheap."""
_EXACT = Context(prec=4 * _LONGEST, Emax=10**6, Emin=-(10**6))
_LARGEST = Decimal(2**63 - 1)
_SMALLEST_EXPONENT = -9

_SUFFIXES: dict[str, Decimal] = {
    "": Decimal(1),
    "n": Decimal("1e-9"),
    "u": Decimal("1e-6"),
    "m": Decimal("1e-3"),
    "k": Decimal("1e3"),
    "M": Decimal("1e6"),
    "G": Decimal("1e9"),
    "T": Decimal("1e12"),
    "P": Decimal("1e15"),
    "E": Decimal("1e18"),
    "Ki": Decimal(2**10),
    "Mi": Decimal(2**20),
    "Gi": Decimal(2**30),
    "Ti": Decimal(2**40),
    "Pi": Decimal(2**50),
    "Ei": Decimal(2**60),
}


class InvalidQuantity(ValueError):
    """The text is no quantity; the message says why."""


@lru_cache(maxsize=4096)
def parse(text: str) -> Decimal:
    """The value of a quantity in its base unit (bytes for storage), exact.

    As in Kubernetes, magnitudes beyond 2**63 - 1 are cut to that. Raises InvalidQuantity.
    """
    if not text:
        raise InvalidQuantity("the quantity is empty")
    if len(text) > _LONGEST:
        raise InvalidQuantity(f"a quantity of {len(text)} characters")
    unsigned = text[1:] if text[0] in "+-" else text
    end = 0
    while end < len(unsigned) and unsigned[end] in _NUMBER:
        end += 1
    number, suffix = unsigned[:end], unsigned[end:]
    if number.count(".") > 1 or not _DIGITS.intersection(number):
        raise InvalidQuantity(f"{text!r} does not start with a number")
    value = _scaled(Decimal(number), suffix, text)
    return -value if text[0] == "-" else value


def _scaled(number: Decimal, suffix: str, text: str) -> Decimal:
    factor = _SUFFIXES.get(suffix)
    if factor is not None:
        return min(_EXACT.multiply(number, factor), _LARGEST)
    if suffix[0] not in "eE" or not _is_exponent(suffix[1:]):
        raise InvalidQuantity(f"{text!r} has the unknown suffix {suffix!r}")
    exponent = int(suffix[1:])
    if not number:
        return Decimal(0)
    if number.adjusted() + exponent > _LARGEST.adjusted():
        return _LARGEST
    if number.adjusted() + exponent < _SMALLEST_EXPONENT:
        return Decimal("1e-9")  # Kubernetes rounds up to its smallest step
    return min(_EXACT.scaleb(number, exponent), _LARGEST)


def _is_exponent(text: str) -> bool:
    digits = text[1:] if text[:1] in ("+", "-") else text
    return bool(digits) and len(digits) <= 6 and _DIGITS.issuperset(digits)


def parse_or_none(text: str) -> Decimal | None:
    """The value of a quantity, or None where the text is none."""
    try:
        return parse(text)
    except InvalidQuantity:
        return None


def human(value: Decimal | int) -> str:
    """A number of bytes as people write it: the largest binary unit, two decimals at most."""
    amount = Decimal(value)
    for unit in ("Ei", "Pi", "Ti", "Gi", "Mi", "Ki"):
        size = _SUFFIXES[unit]
        if abs(amount) >= size:
            return f"{(amount / size).quantize(Decimal('0.01')).normalize():f}{unit}"
    return f"{amount.normalize():f}"
