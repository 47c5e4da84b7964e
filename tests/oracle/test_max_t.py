"""max-T p-values of permutations are those of the definition in exact fractions (max_t_make.py)."""

import csv
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from radstudy.modelling.refits.chance import ChanceCalibration
from radstudy.steps.chance import summary_of

with (Path(__file__).parent / "max_t.csv").open(encoding="utf-8", newline="") as _file:
    CASES = {row["case"]: row for row in csv.DictReader(_file)}


@pytest.mark.parametrize("case", CASES)
def test_max_t_is_the_definitions(case):
    row = CASES[case]
    pairs = int(row["pairs"])
    observed = np.array(row["observed"].split(), dtype=float) / pairs
    permuted = np.array([line.split() for line in row["null"].split(";")], dtype=float) / pairs
    names = [f"model {place}" for place in range(len(observed))]
    calibration = ChanceCalibration(
        "outcome", len(permuted),
        {name: {"testing": value} for name, value in zip(names, observed, strict=True)},
        {name: {"testing": permuted[:, place]} for place, name in enumerate(names)},
        {name: np.ones(len(permuted), dtype=np.int64) for name in names},
    )  # fmt: skip
    records = summary_of(calibration, 0.95, calibration)
    expected = [float(Fraction(value)) for value in row["adjusted"].split()]
    assert [record["p_max_t"] for record in records] == pytest.approx(expected, abs=1e-12)
    assert all(record["p_max_t"] >= record["p_value"] - 1e-12 for record in records)
    assert {record["family"] for record in records} == {len(names)}
