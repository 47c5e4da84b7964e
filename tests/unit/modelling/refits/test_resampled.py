"""The rows of the tables on resampling, by hand."""

import numpy as np
import pandas as pd
import pytest
from scipy import special, stats

from radstudy.modelling.refits.engine import ModelFit
from radstudy.modelling.refits.optimism import Bootstrap, NestedValidation
from radstudy.modelling.refits.resampled import (
    bootstrap_record,
    correction_records,
    feature_records,
    nested_record,
    patient_frame,
    quantiles,
    split_record,
)
from radstudy.statistics import icc, selection_stability

NAMES = ("a", "b", "c", "d")


def resamples(apparent=0.9, auc=(0.6, 0.8)):
    values = {"in_bag": (0.95, 0.9), "original": (0.85, 0.8), "out_of_bag": auc, "brier": (0.2, np.nan),
              "slope": (0.5, np.inf)}  # fmt: skip
    columns = {name: {"m": np.array(each, dtype=float)} for name, each in values.items()}
    chosen = {"m": (("a", "b"), ("b", "c"))}
    coefficients = {"m": (np.array([1.0, -2.0]), np.array([0.5, 3.0]))}
    return Bootstrap(2, {"m": apparent}, **columns, selected=chosen, coefficients=coefficients)


def nested(odds):
    aucs = np.array([[0.5, 0.7], [0.6, 0.8]])
    return NestedValidation(2, 2, {"m": aucs}, {"m": np.array(odds)}, {}, test_share=1.0)


def test_nested_record_has_the_corrected_interval():
    odds = [[-1.0, 0.0, 1.0, 2.0], [-0.8, 0.3, 0.9, 2.5]]
    record = nested_record(nested(odds), "m", 0.95)
    se = np.sqrt((1 / 4 + 1) * np.var([0.5, 0.7, 0.6, 0.8], ddof=1))
    assert record["nested_auc"] == pytest.approx(0.65) and record["nested_se"] == pytest.approx(se)
    assert record["nested_low"] == pytest.approx(0.65 - stats.t.ppf(0.975, 3) * se)
    assert record["nested_high"] == 1.0  # cut
    risks = special.expit(np.array(odds)).T
    assert record["risk_icc"] == pytest.approx(icc(risks, "ICC(1,1)").value)
    assert record["risk_sd_largest"] == pytest.approx(risks.std(axis=1, ddof=1).max())


def test_one_repeat_has_no_agreement():
    one = NestedValidation(1, 2, {"m": np.array([[0.5, 0.7]])}, {"m": np.zeros((1, 4))}, {}, test_share=1.0)
    assert np.isnan(nested_record(one, "m", 0.95)["risk_icc"])


def test_patients_keep_their_rows_and_those_without_a_score_are_left_out():
    index = pd.MultiIndex.from_tuples([("1", "1"), ("2", "1"), ("3", "1")], names=["patient", "lesion"])
    rows = pd.DataFrame({"set": ["training", "testing", "training"], "outcome": [1, 0, 1]}, index=index)
    frame = patient_frame(nested([[0.0, np.nan, 2.0], [1.0, np.nan, 2.0]]), "m", rows, 0.5)
    assert list(frame["patient"]) == ["1", "3"] and list(frame["outcome"]) == [1, 1]
    assert frame["risk_median"].iloc[0] == pytest.approx((0.5 + special.expit(1)) / 2, abs=1e-6)
    assert frame["risk_sd"].tolist() == pytest.approx([np.std([0.5, special.expit(1)], ddof=1), 0], abs=1e-6)


def test_the_studys_own_split_is_placed_among_the_others():
    areas = np.array([0.5, 0.6, 0.7, 0.7, 0.9, np.nan])
    record = split_record(areas, 0.7, 0.5)
    assert record["split_share_lower"] == pytest.approx((2 + 0.5 * 2) / 5)
    assert (record["split_low"], record["split_median"], record["split_high"]) == (0.6, 0.7, 0.7)
    assert np.isnan(split_record(areas, np.nan, 0.5)["split_share_lower"])
    assert all(np.isnan(value) for value in quantiles(np.array([np.nan]), 0.95))


def test_out_of_bag_record_counts_defined_values_only():
    record = bootstrap_record(resamples(), "m", NAMES, np.array([0, 0, 0, 1]), 0.95)
    assert record["out_of_bag_auc"] == pytest.approx(0.7)
    assert record["out_of_bag_brier"] == pytest.approx(0.2)
    assert record["out_of_bag_slope"] == 0.5 and record["slopes"] == 1
    assert record["share_brier"] == pytest.approx(0.25 * 0.75)
    expected = selection_stability([[1, 1, 0, 0], [0, 1, 1, 0]])
    assert record["stability"] == pytest.approx(expected.value) and record["candidates"] == 4


def test_features_of_the_study_are_listed_though_no_resample_selects_them():
    none = np.empty(0)
    own = ModelFit("m", ("d", "b"), np.array([0.7, -0.1]), 0.0, 1.0, 0.9, 0.8, 0.7, none, none, none, none)
    rows = {row["feature"]: row for row in feature_records(resamples(), own, 0.95)}
    assert list(rows) == ["b", "a", "c", "d"]
    assert rows["b"]["selected_percent"] == 100 and rows["b"]["coefficient_median"] == pytest.approx(-0.75)
    assert rows["b"]["same_sign_percent"] == 50 and rows["b"]["model_coefficient"] == -0.1
    assert rows["d"]["selected_percent"] == 0 and rows["d"]["in_model"] and np.isnan(rows["d"]["coefficient_median"])
    assert not rows["a"]["in_model"] and rows["c"]["coefficient_median"] == 3
    assert np.isnan(rows["c"]["coefficient_low"])  # of one value
    assert [rows[name]["selected"] for name in "bd"] == [2, 0]


def test_corrections_stand_beside_their_mean_on_noise():
    noise = [resamples(0.8, (0.5, 0.5)), resamples(0.9, (0.4, 0.6))]
    rows = {row["correction"]: row for row in correction_records(resamples(), noise, "m", ("harrell", "632+"))}
    assert list(rows) == ["apparent", "harrell", "632+", "out_of_bag"]
    assert rows["harrell"]["auc"] == pytest.approx(0.9 - 0.1)
    assert rows["harrell"]["noise_auc"] == pytest.approx(0.85 - 0.1)
    assert rows["apparent"]["noise_se"] == pytest.approx(0.05)
    assert rows["out_of_bag"]["noise_auc"] == pytest.approx(0.5) and rows["632+"]["noise_auc"] == pytest.approx(0.5)


def test_a_resample_that_could_not_be_fitted_is_no_empty_selection():
    names = ("in_bag", "original", "out_of_bag", "brier", "slope")
    values = {name: {"m": np.array([0.9, np.nan, 0.8])} for name in names}
    chosen = {"m": (("a", "b"), (), ("b",))}
    result = Bootstrap(3, {"m": 0.9}, **values, selected=chosen,
                       coefficients={"m": (np.array([1.0, -2.0]), np.empty(0), np.array([3.0]))})  # fmt: skip
    record = bootstrap_record(result, "m", NAMES, np.array([0, 1]), 0.95)
    expected = selection_stability([[1, 1, 0, 0], [0, 1, 0, 0]])
    assert (record["stability"], record["features_mean"]) == pytest.approx((expected.value, 1.5))
    none = np.empty(0)
    own = ModelFit("m", (), none, 0.0, 1.0, 0.9, 0.8, 0.7, none, none, none, none)
    rows = {row["feature"]: row["selected_percent"] for row in feature_records(result, own, 0.95)}
    assert rows == {"b": 100, "a": 50}


def test_a_permuted_outcome_without_an_estimate_leaves_the_others_their_standard_error():
    noise = [resamples(0.8, (0.5, 0.5)), resamples(0.9, (np.nan, np.nan)), resamples(0.9, (0.4, 0.6))]
    row = correction_records(resamples(), noise, "m", ())[0]
    assert (row["noise_auc"], row["noise_se"], row["noise_outcomes"]) == pytest.approx((0.85, 0.05, 2))
