"""Times of the parts of a case, measured where the work is done."""

import time

import numpy as np
import pytest

from radstudy import timing
from radstudy.timing import KEPT, measured, note_kept, peak_mib, timed, timed_each


def test_parts_add_up_within_the_case_and_the_result_is_the_functions_own():
    def work(number):
        for _ in range(3):
            with timed("sleep"):
                time.sleep(0.01)
        with timed("other"):
            pass
        return number + 1

    taken, result = measured(work, 4)
    assert result == 5
    assert 0.03 <= taken.parts["sleep"] <= taken.seconds
    assert set(taken.parts) == {"sleep", "other"}
    assert measured(lambda _: None, 0)[0].parts == {}, "the next case begins at nothing"


def test_a_part_that_fails_is_timed_and_its_error_raised():
    def work(_):
        try:
            with timed("fails"):
                raise ValueError
        except ValueError:
            return "mended"

    taken, result = measured(work, 0)
    assert result == "mended" and "fails" in taken.parts
    with pytest.raises(ZeroDivisionError):
        measured(lambda number: 1 / number, 0)
    with timed("outside of a case"):
        note_kept()  # neither does anything


def test_an_iterators_own_time_is_counted_and_not_that_of_its_user():
    def slow():
        for number in range(3):
            time.sleep(0.01)
            yield number

    def work(_):
        for _number in timed_each("comes", slow()):
            time.sleep(0.05)

    taken, _ = measured(work, 0)
    assert 0.03 <= taken.parts["comes"] < 0.12 < taken.seconds


def test_a_result_that_was_kept_is_marked():
    assert KEPT in measured(lambda _: note_kept(), 0)[0].parts


def test_the_peak_is_that_of_the_process_in_mib(monkeypatch):
    before = peak_mib()
    assert 20 < before < 100_000
    held = np.ones(int(before + 64) << 17)  # 8 bytes each: more than the process has ever had
    assert peak_mib() >= before + 32
    del held
    monkeypatch.setattr(timing, "_PER_MIB", 0)
    assert peak_mib() is None, "Windows"
