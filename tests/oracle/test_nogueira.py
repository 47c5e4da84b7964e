"""Nogueira's stability index and its interval are the authors' own (nogueira_make.py)."""

import csv
from pathlib import Path

import numpy as np
import pytest

from radstudy.statistics import selection_stability

with (Path(__file__).parent / "nogueira.csv").open(encoding="utf-8", newline="") as _file:
    CASES = {row["case"]: row for row in csv.DictReader(_file)}


@pytest.mark.parametrize("case", CASES)
def test_stability_is_the_authors(case):
    row = CASES[case]
    found = selection_stability(np.array([[int(item) for item in line] for line in row["table"].split()]))
    assert found.value == pytest.approx(float(row["stability"]), abs=1e-12)
    assert found.se**2 == pytest.approx(float(row["variance"]), abs=1e-12)
    assert found.ci[0] == pytest.approx(float(row["lower"]), abs=1e-9)
    assert found.ci[1] == pytest.approx(min(1.0, float(row["upper"])), abs=1e-9)


def test_the_cases_reach_from_worse_than_chance_to_perfect():
    values = [float(row["stability"]) for row in CASES.values()]
    assert min(values) < 0 and max(values) == pytest.approx(1)
