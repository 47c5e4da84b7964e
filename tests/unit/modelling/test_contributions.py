"""Contributions of features to the log-odds, against the model's formula."""

import numpy as np
import pandas as pd
import pytest

from radstudy.modelling.contributions import contributions, percentiles
from radstudy.modelling.models import LinearForm, Term

TERMS = (Term("T2:a", 3.0, 2.0, 0.5, -1.0, (0.0, 4.0)), Term("clinical:b=yes", None, 0.4, 0.5, 0.8, (0.0, 1.0)))


def design(rows=50):
    rng = np.random.default_rng(1)
    values = rng.normal(2, 1, rows)
    values[::7] = np.nan
    index = pd.MultiIndex.from_product([[f"p{row}" for row in range(rows)], ["1"]], names=["patient", "lesion"])
    return pd.DataFrame({"other": 1.0, "T2:a": values, "clinical:b=yes": rng.integers(0, 2, rows)}, index=index)


def table(terms):
    """Rows of model/features.csv."""
    return pd.DataFrame([
        {"model": "m", "feature": term.name, "imputation": term.imputation, "centre": term.centre,
         "scale": term.scale, "coefficient": term.coefficient} for term in terms
    ])  # fmt: skip


def test_the_intercept_and_all_contributions_sum_to_the_log_odds_of_the_formula():
    rows = design()
    frame = contributions(table(TERMS), rows, np.ones(len(rows), bool))
    sums = frame.groupby("patient", sort=False)["contribution"].sum() + 0.25
    assert sums.to_numpy() == pytest.approx(LinearForm(0.25, TERMS).log_odds(rows), abs=1e-12)
    assert list(frame["patient"].unique()) == list(rows.index.get_level_values("patient"))
    assert list(frame["feature"][:2]) == [term.name for term in TERMS]


def test_a_missing_value_contributes_by_its_replacement_and_has_no_percentile():
    frame = contributions(table(TERMS), design(), np.ones(50, bool))
    first = frame.iloc[0]
    assert np.isnan(first["value"]) and np.isnan(first["percentile"])
    assert first["imputed"] == 3.0 and first["contribution"] == pytest.approx(-2.0)
    assert frame.loc[frame["value"].notna(), "imputed"].isna().all()


def test_percentiles_are_among_training_rows_alone():
    rows = design(4).assign(**{"T2:a": [1.0, 2.0, 3.0, 99.0]})
    frame = contributions(table(TERMS[:1]), rows, np.array([True, True, True, False]))
    assert frame["percentile"].tolist() == pytest.approx([100 / 6, 50.0, 500 / 6, 100.0])


def test_without_a_formula_values_and_percentiles_are_known_but_no_contribution():
    bare = table(TERMS).assign(imputation=np.nan, centre=np.nan, scale=np.nan, coefficient=np.nan)
    frame = contributions(bare, design(), np.ones(50, bool))
    assert frame["contribution"].isna().all() and frame["value"].notna().any()


def test_a_model_of_its_intercept_has_no_row():
    assert len(contributions(table(()), design(), np.ones(50, bool))) == 0


def test_percentiles_without_any_reference_are_not_known():
    assert np.isnan(percentiles([1.0], [np.nan])).all()
