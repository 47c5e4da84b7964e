"""Chunks of refits that are kept: one that is damaged is computed again, and only that one."""

import numpy as np
import pytest

from radstudy.modelling.refits import chunks


def squares(numbers):
    return {"square": np.array([float(number) ** 2 for number in numbers])}


def others(numbers):
    return {"square": np.array([-1.0 for _ in numbers])}


@pytest.fixture
def kept(tmp_path):
    """The file of the second of three chunks, and where they are kept."""
    given = chunks.Chunks(folder=tmp_path, key="a")
    chunks.in_chunks(squares, 75, given)
    return sorted(tmp_path.glob("*.npz"))[1], given


def expected(damaged):
    found = np.arange(75.0) ** 2
    if damaged:
        found[25:50] = -1
    return found


def test_whole_chunks_are_not_computed_again(kept):
    np.testing.assert_array_equal(chunks.in_chunks(others, 75, kept[1])["square"], expected(damaged=False))


@pytest.mark.parametrize(
    "how", [lambda raw: raw[:-1], lambda raw: raw[:100], lambda raw: bytes(len(raw)), lambda _: b""]
)
def test_a_chunk_that_is_cut_or_zero_filled_is_computed_again(kept, how):
    file, given = kept
    file.write_bytes(how(file.read_bytes()))
    np.testing.assert_array_equal(chunks.in_chunks(others, 75, given)["square"], expected(damaged=True))


def test_a_chunk_with_any_byte_flipped_is_computed_again(kept):
    file, given = kept
    whole = file.read_bytes()
    for place in range(len(whole)):
        raw = bytearray(whole)
        raw[place] ^= 0x10
        file.write_bytes(raw)
        found = chunks.in_chunks(others, 75, given)["square"]
        assert np.array_equal(found, expected(damaged=True)), place


def test_a_chunk_of_an_earlier_version_is_used(kept):
    """It was written as NumPy writes it, without a checksum."""
    file, given = kept
    with np.load(file) as stored:
        arrays = dict(stored)
    np.savez_compressed(file, **arrays)
    np.testing.assert_array_equal(chunks.in_chunks(others, 75, given)["square"], expected(damaged=False))
