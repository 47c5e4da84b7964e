"""Measures of an external validation against R and against Ensor's pmvalsampsize."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from radstudy.modelling.models import LinearForm, Term
from radstudy.modelling.recalibration import RECALIBRATIONS, recalibrated
from radstudy.statistics import (
    calibration_intercept_slope,
    model_based_concordance,
    observed_expected,
    validation_sample_size,
)

FOLDER = Path(__file__).parent
R = pd.read_csv(FOLDER / "external.csv").set_index("name")["value"]
SIZES = pd.read_csv(FOLDER / "pmvalsampsize.csv")
INPUTS = pd.read_csv(FOLDER / "external_inputs.csv")
FORM = LinearForm(
    -0.3,
    tuple(Term(name, None, 0.0, 1.0, value, (-9.0, 9.0)) for name, value in (("x1", 0.9), ("x2", -0.5))),
)
Y = INPUTS["y"].to_numpy()
WITHIN = {"rel": 1e-7, "abs": 1e-9}


def test_the_concordance_is_that_of_van_klaveren():
    assert model_based_concordance(FORM.probability(INPUTS)) == pytest.approx(R["concordance"], **WITHIN)


def test_calibration_is_that_of_glm():
    line = calibration_intercept_slope(Y, FORM.probability(INPUTS))
    for ours, name in (
        (line.intercept, "in_the_large"), (line.intercept_ci[0], "in_the_large_low"),
        (line.intercept_ci[1], "in_the_large_high"), (line.slope, "slope"), (line.slope_ci[0], "slope_low"),
        (line.slope_ci[1], "slope_high"),
    ):  # fmt: skip
        assert ours == pytest.approx(R[name], rel=1e-5)


def test_observed_over_expected_and_its_interval():
    ratio = observed_expected(Y, FORM.probability(INPUTS))
    assert (ratio.ratio, *ratio.ci) == pytest.approx((R["oe"], R["oe_low"], R["oe_high"]), **WITHIN)


@pytest.mark.parametrize("method", RECALIBRATIONS, ids=lambda method: method.name)
def test_recalibrated_formulas_are_those_of_glm(method):
    form, why = recalibrated(method, FORM, Y, INPUTS)
    assert not why
    intercept, (x1, x2) = form.intercept, (term.coefficient for term in form.terms)
    wanted = {
        "in the large": (-0.3 + R["in_the_large"], 0.9, -0.5),
        "slope": (R["slope_intercept"] - 0.3 * R["slope"], 0.9 * R["slope"], -0.5 * R["slope"]),
        "refit": (R["refit_intercept"], R["refit_x1"], R["refit_x2"]),
    }[method.name]
    assert (intercept, x1, x2) == pytest.approx(wanted, rel=1e-6)
    if method.name == "slope":
        assert model_based_concordance(form.probability(INPUTS)) == pytest.approx(
            R["concordance_recalibrated"], rel=1e-6
        )


@pytest.mark.parametrize("row", list(SIZES.itertuples()), ids=lambda row: f"{row.prevalence}")
def test_sample_sizes_are_pmvalsampsizes(row):
    log_odds = norm.ppf((np.arange(20_000) + 0.5) / 20_000, row.mean, row.sd)
    size = validation_sample_size(
        log_odds, row.prevalence, row.auc, oe_width=row.oe_width, slope_width=row.slope_width, auc_width=row.auc_width
    )
    assert size.observed_expected == pytest.approx(row.oe, rel=0.003)  # its standard error is on a grid of 1e-4
    assert size.slope == pytest.approx(row.slope, rel=0.01)  # it simulates
    assert size.auc == row.c
