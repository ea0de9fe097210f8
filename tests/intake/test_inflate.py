"""gzip by zlib and by isal: the same bytes, and as much of a damaged stream."""

from __future__ import annotations

import gzip
import random
import zlib

import pytest

from service.intake.archives.compression import PIECE
from service.intake.archives.inflate import FastInflate, Inflate

NOISE = random.Random(1).randbytes(3 * 1024 * 1024)
TEXT = b"".join(b"line %d\n" % number for number in range(20_000))
BOTH = pytest.mark.parametrize("kind", [Inflate, FastInflate])


def inflated(kind: type[Inflate], data: bytes, step: int = PIECE) -> tuple[bytes, str, bytes]:
    """What comes out, the error at its end, and what follows the stream."""
    decoder, out, at = kind(), b"", 0
    try:
        while not decoder.eof and (at < len(data) or not decoder.needs_input):
            piece = data[at : at + step] if decoder.needs_input else b""
            at += len(piece)
            out += decoder.decompress(piece, PIECE)
    except zlib.error as error:
        return out, str(error), b""
    return out, "", decoder.unused_data + data[at:] if decoder.eof else b""


@BOTH
@pytest.mark.parametrize("step", [1000, PIECE, 4 * PIECE])
@pytest.mark.parametrize("plain", [b"", b"a", TEXT, NOISE])
def test_a_stream_comes_out_whole_with_what_follows_it(
    kind: type[Inflate], plain: bytes, step: int
) -> None:
    assert inflated(kind, gzip.compress(plain) + b"tail", step) == (plain, "", b"tail")


@BOTH
def test_a_wrong_checksum_costs_a_step_of_a_small_stream(kind: type[Inflate]) -> None:
    data = bytearray(gzip.compress(TEXT))
    data[-5] ^= 1
    out, error, _ = inflated(kind, bytes(data))
    assert "incorrect data check" in error
    assert TEXT.startswith(out)
    assert len(out) > len(TEXT) - 512


@BOTH
def test_a_small_stream_comes_out_up_to_its_damage(kind: type[Inflate]) -> None:
    data = bytearray(gzip.compress(TEXT))
    data[30_000] ^= 255
    out, error, _ = inflated(kind, bytes(data), 1000)
    assert (out, error) == inflated(Inflate, bytes(data), 1000)[:2]
    assert error
    assert out


@BOTH
def test_a_large_stream_loses_at_most_a_piece_before_its_damage(kind: type[Inflate]) -> None:
    data = bytearray(gzip.compress(NOISE, 6))
    data[2_000_000:2_000_400] = b"\xff" * 400
    out, error, _ = inflated(kind, bytes(data))
    good = inflated(Inflate, bytes(data))[0]
    assert error
    assert len(out) >= len(good) - 2 * PIECE
    assert NOISE.startswith(out[:1_900_000])


@BOTH
def test_a_stream_that_is_cut_comes_out_up_to_the_cut(kind: type[Inflate]) -> None:
    data = gzip.compress(TEXT)
    out, error, _ = inflated(kind, data[: len(data) // 2])
    assert error == ""
    assert TEXT.startswith(out)
    assert len(out) > len(TEXT) // 4
