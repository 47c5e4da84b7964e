"""Sample sizes of prediction models against pmsampsize (Ensor's program) and the published examples."""

from pathlib import Path

import pandas as pd
import pytest

from radstudy.errors import DataError
from radstudy.statistics import parameters_allowed, prediction_sample_size, r2_of_auc

TABLE = pd.read_csv(Path(__file__).with_name("pmsampsize.csv"))
NAMES = {"csrsquared": "r2_cox_snell", "nagrsquared": "r2_nagelkerke", "cstatistic": "auc"}


@pytest.mark.parametrize("row", list(TABLE.itertuples()), ids=lambda row: f"{row.given}-{row.parameters}")
def test_criteria_1_to_3_are_pmsampsizes(row):
    given = row.r2_cox_snell if row.given == "nagrsquared" else row.value
    name = "r2_cox_snell" if row.given == "nagrsquared" else NAMES[row.given]
    found = prediction_sample_size(row.parameters, row.prevalence, shrinkage=row.shrinkage, mape=None, **{name: given})
    # pmsampsize simulates the R2 of a C statistic (a million patients), where ours is integrated
    tolerance = {"rel": 0.01} if row.given == "cstatistic" else {"abs": 0}
    for ours, theirs in ((found.shrinkage, row.criterion_1), (found.optimism, row.criterion_2), (found.n, row.n),
                         (found.overall_risk, row.criterion_3)):  # fmt: skip
        assert ours == pytest.approx(theirs, **tolerance)
    assert found.events_per_parameter == pytest.approx(row.events_per_parameter, abs=0.006, rel=0.01)


@pytest.mark.parametrize("row", [row for row in TABLE.itertuples() if row.given == "cstatistic"],
                         ids=lambda row: f"{row.value}-{row.prevalence}")  # fmt: skip
def test_the_r2_of_an_auc_is_the_simulated_one(row):
    assert r2_of_auc(row.value, row.prevalence) == pytest.approx(row.r2_cox_snell, abs=0.002)


def test_the_published_model_of_chagas_disease():
    """Riley et al., Stat Med 2019;38:1276, abstract: at least 4.8 events per parameter."""
    found = prediction_sample_size(24, 0.174, r2_cox_snell=0.288, mape=None)
    assert round(found.events_per_parameter, 1) == 4.8


def test_the_probabilities_error_follows_van_smedens_formula():
    """The n of van Smeden et al. 2019 (ln MAPE = -0.508 + 0.259 ln f + 0.504 ln P - 0.544 ln n) holds."""
    import math

    found = prediction_sample_size(30, 0.05, r2_cox_snell=0.05)
    error = [math.exp(-0.508 + 0.259 * math.log(0.05) + 0.504 * math.log(30) - 0.544 * math.log(n))
             for n in (found.mape - 1, found.mape)]  # fmt: skip
    assert error[1] <= 0.05 < error[0]


def test_what_n_patients_allow_meets_the_criteria_and_one_more_parameter_does_not():
    for n, prevalence, auc in ((74, 0.39, 0.8), (500, 0.2, 0.75), (3000, 0.05, 0.7)):
        allowed = parameters_allowed(n, prevalence, auc=auc)
        sizes = [prediction_sample_size(p, prevalence, auc=auc, mape=None) for p in (allowed, allowed + 1)]
        assert max(sizes[0].shrinkage, sizes[0].optimism) <= n < max(sizes[1].shrinkage, sizes[1].optimism)


@pytest.mark.parametrize(("arguments", "says"), [
    ({"r2_nagelkerke": 0.8, "prevalence": 0.5, "optimism": 0.9}, "reach 1"),
    ({"parameters": 0, "auc": 0.7}, "candidate parameters"),
    ({"prevalence": 1.0, "auc": 0.7}, "share of positives"),
    ({"auc": 0.5}, "expected AUC"),
    ({}, "Give one of auc"),
    ({"auc": 0.7, "r2_cox_snell": 0.2}, "Give one of auc"),
    ({"r2_cox_snell": 0.8}, "largest value at this prevalence"),
    ({"auc": 0.7, "mape": 0.0}, "mean absolute prediction error"),
    ({"auc": 0.7, "shrinkage": 1.0}, "'shrinkage'"),
])  # fmt: skip
def test_what_cannot_be_is_refused(arguments, says):
    with pytest.raises(DataError, match=says):
        prediction_sample_size(**{"parameters": 10, "prevalence": 0.4, **arguments})


def test_a_target_that_nobody_can_reach_is_refused_for_the_parameters_allowed_too():
    with pytest.raises(DataError, match="not below the shrinkage"):
        parameters_allowed(100, 0.5, auc=0.99, shrinkage=0.3)
