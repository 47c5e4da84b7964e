"""Numbers that remember their source: arithmetic, formatting, copying."""

import copy
import math
import pickle

import pytest

from radstudy.report.cited import CitedFloat, CitedInt, exponential, integer, plain
from radstudy.report.cited.expression import CellRange, evaluate, formula_text, named_cells
from radstudy.report.cited.marks import MARK, origin
from radstudy.report.display import interval, number, p_text, percent, significant, span, thousands, whole

AUC = CitedFloat(0.7504, CellRange("evaluate/table3.csv", "2", "auc"))
N = CitedInt(1234, CellRange("cohort/flow.json", "/training", "patients"))


def test_a_number_is_marked_where_it_is_formatted_and_nowhere_else():
    assert plain(f"{AUC:.3f}") == "0.750"
    assert MARK.fullmatch(f"{AUC:.3f}")
    assert str(AUC) == "0.7504"
    assert AUC == 0.7504
    assert hash(AUC) == hash(0.7504)


@pytest.mark.parametrize("value, compute", [
    (lambda a, n: 100 * a / n, "((100 * A) / B)"), (lambda a, n: 1 - a, "(1 - A)"), (lambda a, n: -a, "(-1 * A)"),
    (lambda a, n: abs(a - n), "abs((A - B))"), (lambda a, n: n + 1, "(A + 1)"),
    (lambda a, n: 1 / (1 + exponential(a)), "(1 / (1 + exp(A)))"),
])  # fmt: skip
def test_arithmetic_keeps_a_formula_that_gives_the_same_value(value, compute):
    result = value(AUC, N)
    own = {
        CellRange("evaluate/table3.csv", "2", "auc"): 0.7504,
        CellRange("cohort/flow.json", "/training", "patients"): 1234,
    }
    cells = named_cells(result.source)
    assert formula_text(result.source) == compute
    assert evaluate(compute, [own[one] for one in cells]) == pytest.approx(float(result), rel=1e-15)


@pytest.mark.parametrize("text, shown", [
    (number(AUC, 2), "0.75"), (p_text(CitedFloat(0.0002, AUC.source)), "<0.001"), (thousands(N), "1,234"),
    (significant(-AUC, 2), "−0.75"), (whole(CitedFloat(12.0, AUC.source)), "12"), (percent(N, N), "100.0"),
    (significant(CitedFloat(math.inf, AUC.source)), "∞"),
])  # fmt: skip
def test_every_way_of_printing_keeps_the_source(text, shown):
    match = MARK.fullmatch(text)
    assert match is not None
    assert match[2] == shown
    assert origin(match[1]).cells[0] in (AUC.source, N.source)


def test_an_interval_and_a_span_mark_each_of_their_numbers():
    assert len(MARK.findall(interval(AUC, AUC, AUC))) == 3
    assert len(MARK.findall(span([AUC * 2, N]))) == 2


def test_a_number_without_a_source_is_printed_without_marks():
    assert number(0.75) == "0.750"
    assert span([3, 3]) == "3"


@pytest.mark.parametrize("again", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_copies_keep_the_source(again):
    for one in (AUC, N):
        assert again(one) == one
        assert again(one).source == one.source


def test_a_whole_number_of_a_float_keeps_its_source():
    assert integer(CitedFloat(3.0, AUC.source)).source == AUC.source
    assert thousands(integer(3.0)) == "3"
