"""The measures of Table 3: declared once, and everything else follows from the declaration."""

import ast
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, balanced_accuracy_score, f1_score, roc_auc_score

from radstudy.modelling.assessment.measures import AUC, COLUMNS, COUNTS, MEASURES, NOTES, shown_in
from radstudy.modelling.assessment.performance import Scored, performance_row
from radstudy.protocol.sections import Interval

TESTS = Path(__file__).parents[3]


@pytest.fixture
def scored():
    rng = np.random.default_rng(5)
    y = np.arange(40) % 2
    probability = 1 / (1 + np.exp(-rng.normal(y * 1.5 - 0.7, 1.0)))
    return Scored("T2", "testing", y, probability, np.array([f"p{i}" for i in range(40)], dtype=object))


def test_the_columns_of_a_row_are_those_declared(scored):
    assert tuple(performance_row(scored, 0.5, Interval(), "", 3)) == COLUMNS
    assert len(set(COLUMNS)) == len(COLUMNS)
    assert NOTES == {"average_precision_note"} <= set(COLUMNS)


def test_the_columns_of_table_3_are_those_that_programs_read():
    """Written out: scripts of users, and runs of earlier versions, know them by these names."""
    names = ["sensitivity", "specificity", "accuracy", "ppv", "npv", "f1", "balanced_accuracy", "average_precision"]
    limits = [[name, f"{name}_low", f"{name}_high"] for name in names]
    assert list(COLUMNS) == [
        "model", "set", "rows", "positives", "auc", "auc_low", "auc_high", "interval", "cutoff", "tp", "fp", "tn", "fn",
        *(column for columns in limits for column in columns), "average_precision_note", "note",
    ]  # fmt: skip


def test_values_are_scikit_learns(scored):
    row = performance_row(scored, 0.5, Interval(), "", 3)
    called = scored.probability >= 0.5
    assert row["auc"] == pytest.approx(roc_auc_score(scored.y, scored.probability))
    assert row["f1"] == pytest.approx(f1_score(scored.y, called))
    assert row["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(scored.y, called))
    assert row["average_precision"] == pytest.approx(average_precision_score(scored.y, scored.probability))
    for measure in MEASURES:
        assert row[f"{measure.name}_low"] < row[measure.name] < row[f"{measure.name}_high"]
        if measure.counts:
            above, below = (sum(row[count] for count in counts) for counts in measure.counts)
            assert row[measure.name] == above / below


@pytest.mark.parametrize("measure", MEASURES, ids=lambda measure: measure.name)
def test_each_measure_has_an_oracle_that_names_it(measure):
    file, _, name = measure.oracle.partition("::")
    path = TESTS / file
    functions = {node.name: node for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}
    text = ast.unparse(functions[name])
    if name == "test_r_agrees":  # compares whatever r_statistics_found finds for R's names
        text = (path.parent / "r_statistics_found.py").read_text()
    assert f"'{measure.name}'" in text or f'"{measure.name}"' in text


def test_each_measure_is_shown_in_one_table_of_the_report():
    shown = [measure for table in ("performance", "performance_counts", "performance_measures")
             for measure in shown_in(table)]  # fmt: skip
    assert sorted(measure.name for measure in [AUC, *shown]) == sorted(measure.name for measure in MEASURES)
    assert [measure.name for measure in shown_in("performance_measures")] == [
        "average_precision", "f1", "balanced_accuracy"
    ]  # fmt: skip
    assert all(set(sum(measure.counts, ())) <= set(COUNTS) for measure in MEASURES if measure.counts)
