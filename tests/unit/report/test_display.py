"""Printing of numbers."""

import pytest

from radstudy.report.cited.check import agrees
from radstudy.report.display import significant


@pytest.mark.parametrize(
    ("value", "digits", "shown"),
    [(1529.4, 3, "1,529"), (999.4, 3, "999"), (17.34, 3, "17.3"), (0.00677, 2, "0.0068"), (1.0, 3, "1.00"),
     (-23456.7, 4, "−23,457"), (3.2e9, 3, "3.20e+09")],
)  # fmt: skip
def test_a_large_number_is_whole_and_has_no_exponent(value, digits, shown):
    assert significant(value, digits) == shown
    assert agrees(shown, value)
