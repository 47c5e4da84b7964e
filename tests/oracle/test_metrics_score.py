"""METRICS' weights and score are those of the published calculator (metrics_score_make.py)."""

import csv
from pathlib import Path

import pytest

from oracle.metrics_score_make import PUBLISHED, RANKS, WEIGHTS
from radstudy.report.checklists import metrics_share, shipped

with (Path(__file__).parent / "metrics_score.csv").open(encoding="utf-8", newline="") as _file:
    CASES = {row["case"]: row for row in csv.DictReader(_file)}
OWN = [item.weight for item in shipped("metrics").items]


def test_every_weight_is_the_calculators():
    assert [round(1000 * weight) for weight in OWN] == list(WEIGHTS)


def test_the_weights_are_the_published_ones_to_the_calculators_digits():
    """The calculator cuts 0.0225 to 0.022 and 0.0415 to 0.041."""
    assert OWN[: len(PUBLISHED)] == pytest.approx(list(PUBLISHED), abs=0.00051)


def test_weights_by_sums_of_ranks_give_both_prints_and_add_up_to_one():
    ranked = [whole / 89 * rank / sum(ranks) for whole, ranks in RANKS for rank in ranks]
    assert sum(ranked) == pytest.approx(1, abs=1e-12)
    assert ranked[: len(PUBLISHED)] == pytest.approx(list(PUBLISHED), abs=0.000051)
    assert [round(1000 * weight) for weight in ranked] == list(WEIGHTS)


def test_the_calculators_rounded_weights_miss_one_by_two_thousandths():
    assert sum(OWN) == pytest.approx(0.998, abs=1e-12)


@pytest.mark.parametrize("case", CASES)
def test_the_score_is_the_calculators(case):
    row = CASES[case]
    yes, off = ({int(number) for number in row[key].split()} for key in ("yes", "off"))
    answers = [None if number in off else number in yes for number in range(1, 31)]
    assert round(metrics_share(OWN, answers), 1) == float(row["score"])
