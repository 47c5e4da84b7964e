"""Sample size of a validation: each criterion reaches the width it was asked for, and what is impossible is refused."""

import numpy as np
import pytest
from scipy import special

from radstudy.errors import DataError
from radstudy.statistics import calibration_intercept_slope, observed_expected, validation_sample_size

LOG_ODDS = np.random.default_rng(0).normal(-0.5, 1.2, 5000)
RISK = special.expit(LOG_ODDS)
SIZE = validation_sample_size(LOG_ODDS, float(RISK.mean()), 0.77)


def test_n_is_the_largest_criterion():
    assert max(SIZE.observed_expected, SIZE.slope, SIZE.auc) == SIZE.n
    assert pytest.approx(SIZE.n * RISK.mean()) == SIZE.events


def test_as_many_patients_have_the_interval_of_the_slope_that_was_asked_for():
    rng = np.random.default_rng(5)
    widths = []
    for _ in range(5):
        risk = rng.choice(RISK, SIZE.slope)
        line = calibration_intercept_slope(rng.random(SIZE.slope) < risk, risk)
        widths.append(line.slope_ci[1] - line.slope_ci[0])
    assert np.mean(widths) == pytest.approx(0.2, abs=0.01)


def test_as_many_patients_have_the_interval_of_the_ratio_that_was_asked_for():
    n = SIZE.observed_expected
    y = np.arange(n) < round(n * RISK.mean())
    ratio = observed_expected(y, np.full(n, y.mean()))
    assert ratio.ci[1] - ratio.ci[0] == pytest.approx(0.2, abs=0.002)


def test_a_wider_interval_needs_fewer_patients():
    wide = validation_sample_size(LOG_ODDS, float(RISK.mean()), 0.77, oe_width=0.4, slope_width=0.4, auc_width=0.2)
    assert (wide.observed_expected, wide.slope, wide.auc) < (SIZE.observed_expected, SIZE.slope, SIZE.auc)


@pytest.mark.parametrize(
    ("log_odds", "prevalence", "auc", "says"),
    [([0.0, 1.0], 1.0, 0.7, "share of positives"), ([0.0, 1.0], 0.3, 1.0, "expected AUC"),
     ([1.0, 1.0], 0.3, 0.7, "all the same")],
)  # fmt: skip
def test_what_is_impossible_is_refused(log_odds, prevalence, auc, says):
    with pytest.raises(DataError, match=says):
        validation_sample_size(log_odds, prevalence, auc)
