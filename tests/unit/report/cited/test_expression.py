"""Formulas of cells: written as text, read again and evaluated."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from radstudy.report.cited.expression import (
    CellRange,
    Formula,
    evaluate,
    formula_text,
    named_cells,
    row_numbers,
    rows_text,
)


@given(st.sets(st.integers(1, 60)))
def test_row_numbers_survive_their_text(numbers):
    assert row_numbers(rows_text(numbers)) == sorted(numbers)


def test_a_formula_names_its_cells_in_order():
    right, wrong = CellRange("a.csv", "1", "tp"), CellRange("a.csv", "1", "fn")
    share = Formula("/", (Formula("*", (100, right)), Formula("+", (right, wrong))))
    assert formula_text(share) == "((100 * A) / (A + B))"
    assert named_cells(share) == [right, wrong]
    assert evaluate(formula_text(share), [30, 10]) == 75


def test_a_tally_compares_texts_with_texts_and_numbers_with_numbers():
    text = formula_text(
        Formula("tally", (CellRange("a", "1-3", "set"), "testing", CellRange("a", "1-3", "outcome"), 1))
    )
    assert evaluate(text, [["testing", "testing", "training"], [1.0, 0.0, 1.0]]) == 1


@pytest.mark.parametrize(
    "text", ["__import__('os')", "A.real", "A[0]", "(lambda: 1)()", "quantile(A)", "B", "A +", "A ** 9"]
)
def test_what_is_no_formula_is_refused(text):
    with pytest.raises(ValueError):
        evaluate(text, [1.0])
