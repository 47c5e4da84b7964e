"""The reference study's own tables (Front Oncol 2026, doi 10.3389/fonc.2025.1765392), re-calculated from its counts.

``published_categorical.csv`` and ``published_performance.csv`` are Tables 1-2 and Table 3 as printed, the latter with
the whole numbers of patients that its percentages allow.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from radstudy.statistics import categorical_test, continuous_test, diagnostic_measures

HERE = Path(__file__).parent


def _rows(name: str) -> list[dict[str, str]]:
    with (HERE / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


CATEGORICAL, PERFORMANCE = _rows("published_categorical.csv"), _rows("published_performance.csv")
# Printed is the chi-square, although 3 of 6 expected counts are under 5; the exact p-value is another
MISPRINTED = {("histological grade", "training"): 0.458}


def _id(row: dict[str, str]) -> str:
    return f"{row.get('variable') or row['model']}, {row['set']}"


@pytest.mark.parametrize("row", CATEGORICAL, ids=_id)
def test_categorical_p_value(row: dict[str, str]) -> None:
    counts = [[int(count) for count in row[group].split()] for group in ("negative", "positive")]
    assert [sum(group) for group in counts] == ([45, 29] if row["set"] == "training" else [20, 13])
    result = categorical_test(counts)
    decimals = len(row["printed_p"].split(".")[1])
    expected = MISPRINTED.get((row["variable"], row["set"]), float(row["printed_p"]))
    assert round(result.p_value, decimals) == expected
    assert result.test.startswith("Fisher") == bool("exact because" in result.note)


def test_all_categorical_p_values_are_covered() -> None:
    assert len(CATEGORICAL) == 26


def test_the_misprinted_p_value_is_the_chi_square() -> None:
    counts = np.array([[3, 34, 8], [1, 26, 2]])
    expected = np.outer(counts.sum(axis=1), counts.sum(axis=0)) / counts.sum()
    assert np.exp(-((counts - expected) ** 2 / expected).sum() / 2) == pytest.approx(0.314, abs=5e-4)


def _sample(n: int, mean: float, sd: float) -> np.ndarray:
    values = np.linspace(-1, 1, n)
    return mean + sd * values / values.std(ddof=1)


@pytest.mark.parametrize(
    ("sizes", "negative", "positive", "printed"),
    [
        ((45, 29), (53.27, 9.51), (50.17, 9.53), 0.176),
        ((20, 13), (52.35, 10.38), (54.08, 9.69), 0.635),
    ],
)
def test_age_is_students_t(
    sizes: tuple[int, int], negative: tuple[float, float], positive: tuple[float, float], printed: float
) -> None:
    result = continuous_test(_sample(sizes[0], *negative), _sample(sizes[1], *positive))
    assert result.test == "Student's t"
    assert round(result.p_value, 3) == printed


@pytest.mark.parametrize(
    ("sizes", "negative", "positive", "printed"),
    [
        ((45, 29), (2.48, 0.74), (2.67, 1.18), 0.392),
        ((20, 13), (2.61, 0.89), (2.97, 1.24), 0.342),
    ],
)
def test_diameter_is_students_t_within_the_rounding_of_its_means(
    sizes: tuple[int, int], negative: tuple[float, float], positive: tuple[float, float], printed: float
) -> None:
    def p_value(shift: float, method: str) -> float:
        a, b = _sample(sizes[0], *negative), _sample(sizes[1], positive[0] + shift, positive[1])
        return continuous_test(a, b, method=method).p_value

    assert p_value(0.01, "student") <= printed <= p_value(-0.01, "student")
    assert not p_value(0.01, "welch") <= printed <= p_value(-0.01, "welch")


@pytest.mark.parametrize("row", PERFORMANCE, ids=_id)
def test_performance_is_whole_patients(row: dict[str, str]) -> None:
    tp, positives, tn, negatives = (int(row[name]) for name in ("tp", "positives", "tn", "negatives"))
    y = np.repeat([1, 0], [positives, negatives])
    predicted = np.concatenate([np.arange(positives) < tp, np.arange(negatives) >= tn])
    measures = diagnostic_measures(y, predicted)
    assert (measures.tp, measures.tn) == (tp, tn)
    for name in ("sensitivity", "specificity", "accuracy"):
        measure = getattr(measures, name)
        assert 100 * measure.value == pytest.approx(float(row[name]), abs=0.0501)
        assert 0 <= measure.ci[0] < measure.value < measure.ci[1] <= 1


def test_all_rows_of_table_3_are_covered() -> None:
    assert len(PERFORMANCE) == 22
