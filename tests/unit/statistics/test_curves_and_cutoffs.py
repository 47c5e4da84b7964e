"""Precision-recall, cut-off rules, McNemar, likelihood ratios, decision curves, incremental value."""

from __future__ import annotations

import numpy as np
import pytest

from radstudy.errors import DataError
from radstudy.statistics import (
    auc,
    average_precision,
    calibration_curve,
    cutoff,
    decision_curve,
    diagnostic_measures,
    incremental_value,
    mcnemar,
    youden_cutoff,
)

RNG = np.random.default_rng(5)
Y = np.repeat([0, 1], [40, 30])
SCORE = RNG.normal(size=70) + Y
RISK = 1 / (1 + np.exp(-SCORE + 0.4))


@pytest.mark.parametrize("method", ["bootstrap", "logit"])
def test_average_precision_and_its_interval(method: str) -> None:
    result = average_precision(Y, SCORE, method=method)  # type: ignore[arg-type]
    assert 0 < result.ci[0] < result.value < result.ci[1] < 1
    assert result.prevalence == pytest.approx(30 / 70) and result.note == ""
    flat = average_precision(Y, np.zeros(70), method=method)  # type: ignore[arg-type]
    assert flat.value == pytest.approx(30 / 70)
    perfect = average_precision(Y, Y, method=method)  # type: ignore[arg-type]
    assert perfect.value == 1 == perfect.ci[1] and perfect.note != ""
    assert np.isfinite(perfect.ci[0])


def test_each_rule_keeps_its_promise() -> None:
    sensitive = cutoff(Y, SCORE, "sensitivity", target=0.9)
    assert sensitive.sensitivity >= 0.9
    higher = np.sort(SCORE[sensitive.cutoff < SCORE])[0]
    assert (SCORE[Y == 1] >= higher).mean() < 0.9
    specific = cutoff(Y, SCORE, "specificity", target=0.9)
    assert specific.specificity >= 0.9
    lower = np.sort(SCORE[specific.cutoff > SCORE])[-1]
    assert (SCORE[Y == 0] < lower).mean() < 0.9
    assert cutoff(Y, SCORE) == youden_cutoff(Y, SCORE)


@pytest.mark.parametrize(("ratio", "prevalence"), [(1.0, None), (5.0, 0.2), (0.1, 0.5)])
def test_the_cost_rule_minimises_the_cost(ratio: float, prevalence: float | None) -> None:
    found = cutoff(Y, SCORE, "cost", cost_ratio=ratio, prevalence=prevalence)
    share = 30 / 70 if prevalence is None else prevalence

    def cost(at: float) -> float:
        missed, alarms = (SCORE[Y == 1] < at).mean(), (SCORE[Y == 0] >= at).mean()
        return float(ratio * share * missed + (1 - share) * alarms)

    assert cost(found.cutoff) == pytest.approx(min(cost(at) for at in [np.inf, *SCORE]))


def test_cost_with_equal_weight_of_the_classes_is_youdens() -> None:
    assert cutoff(Y, SCORE, "cost", prevalence=0.5).cutoff == youden_cutoff(Y, SCORE).cutoff


@pytest.mark.parametrize(
    ("rule", "more"), [("sensitivity", {}), ("specificity", {"target": 1.2}), ("cost", {"cost_ratio": 0}), ("odd", {})]
)
def test_rules_that_cannot_be(rule: str, more: dict[str, float]) -> None:
    with pytest.raises(DataError):
        cutoff(Y, SCORE, rule, **more)  # type: ignore[arg-type]


def test_a_useless_score_may_call_nobody_positive() -> None:
    found = cutoff(Y, -SCORE, "cost", cost_ratio=0.01)
    assert np.isinf(found.cutoff) and found.sensitivity == 0 and found.specificity == 1


def test_mcnemar_without_discordant_patients_and_bad_input() -> None:
    result = mcnemar([1, 0, 1], [1, 0, 1])
    assert result.p_value == 1 and "same patients" in result.note
    with pytest.raises(DataError, match="same patients twice"):
        mcnemar([1, 0], [1])
    with pytest.raises(DataError, match="0 or 1"):
        mcnemar([1, 2], [1, 0])


def test_likelihood_ratios_with_empty_cells() -> None:
    measures = diagnostic_measures([0, 0, 0, 1, 1, 1], [0, 0, 0, 1, 1, 0])
    assert np.isinf(measures.lr_positive.value) and np.isinf(measures.lr_positive.ci[1])
    assert measures.lr_positive.ci[0] > 0 and "zero" in measures.lr_positive.note
    assert measures.lr_negative.value == pytest.approx(1 / 3)
    nobody = diagnostic_measures([0, 0, 1, 1], [0, 0, 0, 0])
    assert np.isnan(nobody.lr_positive.value) and "not defined" in nobody.lr_positive.note
    assert np.isnan(nobody.ppv.value)
    assert measures.youden.value == pytest.approx(2 * measures.balanced_accuracy.value - 1)


def test_decision_curve_between_treating_none_and_all() -> None:
    curve = decision_curve(Y, RISK, [0.0001, 0.2, 0.5, 0.9999], resamples=300)
    assert curve.net_benefit[0] == pytest.approx(curve.treat_all[0])
    assert curve.net_benefit[-1] == 0
    assert (curve.low <= curve.net_benefit + 1e-12).all() and (curve.net_benefit <= curve.high + 1e-12).all()
    assert curve.avoided[1] == pytest.approx(100 * (curve.net_benefit[1] - curve.treat_all[1]) / 0.25)
    assert np.isnan(decision_curve(Y, RISK, [0.3], resamples=0).low).all()
    with pytest.raises(DataError, match="between 0 and 1"):
        decision_curve(Y, RISK, [0.0, 0.5])
    with pytest.raises(DataError, match="too few"):
        decision_curve(Y, RISK, [0.5], resamples=10)


def test_incremental_value_carries_its_warnings() -> None:
    better = np.clip(RISK + 0.1 * (2 * Y - 1), 0.01, 0.99)
    gain = incremental_value(Y, RISK, better, cutoffs=(0.3, 0.6), nested=True)
    assert gain.idi.value == pytest.approx((better - RISK)[Y == 1].mean() - (better - RISK)[Y == 0].mean())
    assert gain.continuous_nri.value == 2.0 == gain.continuous_nri.ci[0]
    assert gain.categorical_nri is not None and gain.categorical_nri.value > 0
    assert gain.auc.difference == pytest.approx(auc(Y, better) - auc(Y, RISK))
    assert "miscalibrated" in gain.note and "nested" in gain.note
    same = incremental_value(Y, RISK, RISK)
    assert same.idi.value == 0 and same.categorical_nri is None and same.auc.p_value == 1
    with pytest.raises(DataError, match="ascend"):
        incremental_value(Y, RISK, RISK, cutoffs=(0.6, 0.3))


def test_reclassification_counted_by_hand() -> None:
    """Rows: category before; columns: after. Events up 15 + 14, down 4 + 3 of 183; non-events up 3, down 5 of 20."""
    middle = (0.03, 0.13, 0.5)
    events = [[39, 15, 0], [4, 87, 14], [0, 3, 21]]
    nonevents = [[6, 2, 0], [4, 5, 1], [1, 0, 1]]
    y, before, after = [], [], []
    for outcome, table in ((1, events), (0, nonevents)):
        for row, counts in enumerate(table):
            for column, count in enumerate(counts):
                y += [outcome] * count
                before += [middle[row]] * count
                after += [middle[column]] * count
    gain = incremental_value(y, before, after, cutoffs=(0.06, 0.2), resamples=100)
    assert gain.categorical_nri is not None
    assert gain.categorical_nri.events == pytest.approx((29 - 7) / 183)
    assert gain.categorical_nri.nonevents == pytest.approx((5 - 3) / 20)
    assert gain.categorical_nri.value == pytest.approx(22 / 183 + 0.1)


def test_calibration_curve_falls_back_and_says_so() -> None:
    few = np.where(SCORE > 0.5, 0.7, 0.3)
    curve = calibration_curve(Y, few)
    assert curve.knots == () and "straight line" in curve.note and np.isfinite(curve.observed).all()
    flat = calibration_curve(Y, np.full(70, 0.4))
    assert np.isnan(flat.observed).all() and "no line" in flat.note
    separated = calibration_curve(Y, 0.1 + 0.8 * Y + 0.01 * RISK)
    assert np.isnan(separated.ici) and "separates" in separated.note
    certain = calibration_curve([0, 1, 1], [0.0, 0.5, 0.6])
    assert np.isnan(certain.ici) and "exactly 0 or 1" in certain.note
    full = calibration_curve(Y, RISK)
    assert len(full.knots) == 3 and full.note == "" and full.e50 <= full.e90 <= full.e_max
    assert ((full.low < full.observed) & (full.observed < full.high)).all()
    with pytest.raises(DataError, match="knots"):
        calibration_curve(Y, RISK, knots=2)
