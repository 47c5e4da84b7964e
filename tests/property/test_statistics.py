"""What must hold for any data: monotone maps, swapped classes, reader order, transposed tables."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

from radstudy import statistics
from radstudy.errors import DataError

FORMS = ("ICC(1,1)", "ICC(2,1)", "ICC(3,1)", "ICC(1,k)", "ICC(2,k)", "ICC(3,k)")
QUICK = settings(max_examples=60, deadline=None)


@st.composite
def scored(draw: st.DrawFn, models: int = 1) -> tuple[np.ndarray, np.ndarray]:
    n = draw(st.integers(4, 30))
    y = draw(arrays.arrays(np.int64, n, elements=st.integers(0, 1)))
    assume(2 <= y.sum() <= n - 2)
    scores = draw(arrays.arrays(np.int64, (n, models), elements=st.integers(-6, 6)))
    return y, scores.astype(float)


@QUICK
@given(scored())
def test_auc_does_not_change_under_a_monotone_map(data: tuple[np.ndarray, np.ndarray]) -> None:
    y, scores = data
    score = scores[:, 0]
    assert statistics.auc(y, np.exp(score / 3)) == statistics.auc(y, score)
    assert statistics.youden_cutoff(y, 2 * score + 1).cutoff == 2 * statistics.youden_cutoff(y, score).cutoff + 1


@QUICK
@given(scored())
def test_auc_is_the_share_of_pairs_and_the_curves_area(data: tuple[np.ndarray, np.ndarray]) -> None:
    y, scores = data
    score = scores[:, 0]
    pairs = np.sign(score[y == 1][:, None] - score[y == 0])
    curve = statistics.roc_curve(y, score)
    area = (
        np.diff(curve.false_positive_rate) * (curve.true_positive_rate[1:] + curve.true_positive_rate[:-1]) / 2
    ).sum()
    assert statistics.auc(y, score) == pytest.approx((pairs.mean() + 1) / 2)
    assert area == pytest.approx(statistics.auc(y, score))
    assert statistics.auc_columns(scores, y)[0] == pytest.approx(area)
    assert len(curve.thresholds) == len(np.unique(score)) + 1


@QUICK
@given(scored(), st.sampled_from(["delong", "logit-delong", "hanley-mcneil", "newcombe", "bca"]))
def test_auc_and_its_interval_mirror_when_classes_are_swapped(data: tuple[np.ndarray, np.ndarray], method: str) -> None:
    y, scores = data
    one = statistics.auc_ci(y, scores[:, 0], method=method, resamples=200)
    other = statistics.auc_ci(1 - y, scores[:, 0], method=method, resamples=200)
    assert other.auc == pytest.approx(1 - one.auc)
    assert 0 <= one.ci[0] <= one.ci[1] <= 1 + 1e-12
    if method == "bca":  # resamples are drawn class by class, so swapping the classes draws others
        return
    assert one.ci[0] <= one.auc + 1e-12 <= one.ci[1] + 2e-12
    if method != "hanley-mcneil":  # whose variance is for scores that fit exponential distributions, not symmetric
        assert np.subtract(1, other.ci[::-1]) == pytest.approx(np.array(one.ci), abs=1e-9)


@QUICK
@given(scored(models=3))
def test_delong_is_antisymmetric_and_its_matrix_agrees(data: tuple[np.ndarray, np.ndarray]) -> None:
    y, scores = data
    matrix = statistics.delong_all_pairs(y, scores)
    for a in range(3):
        for b in range(3):
            one = statistics.delong_test(y, scores[:, a], scores[:, b])
            other = statistics.delong_test(y, scores[:, b], scores[:, a])
            assert one.difference == pytest.approx(-other.difference)
            assert one.p_value == pytest.approx(other.p_value, nan_ok=True)
            assert one.ci == pytest.approx((-other.ci[1], -other.ci[0]), nan_ok=True)
            assert matrix.difference[a, b] == pytest.approx(one.difference)
            assert matrix.p_value[a, b] == pytest.approx(one.p_value, nan_ok=True)


@QUICK
@given(
    arrays.arrays(np.int64, st.tuples(st.integers(3, 8), st.integers(2, 4)), elements=st.integers(-9, 9)),
    st.sampled_from(FORMS),
    st.randoms(use_true_random=False),
)
def test_icc_does_not_depend_on_the_order_of_readers_or_subjects(ratings: np.ndarray, form: str, random) -> None:  # type: ignore[no-untyped-def]
    readers, subjects = list(range(ratings.shape[1])), list(range(ratings.shape[0]))
    random.shuffle(readers)
    random.shuffle(subjects)
    one, other = statistics.icc(ratings, form), statistics.icc(ratings[subjects][:, readers], form)
    assert (one.reason, one.n) == (other.reason, other.n)
    if abs(one.value) < 1e3:  # averaged forms divide by a between-subject variance that may be rounding alone
        assert other.value == pytest.approx(one.value, rel=1e-6, abs=1e-6, nan_ok=True)
        shifted = statistics.icc(3.0 * ratings + 100, form)
        assert shifted.value == pytest.approx(one.value, rel=1e-6, abs=1e-6, nan_ok=True)


@QUICK
@given(arrays.arrays(np.int64, st.tuples(st.integers(2, 3), st.integers(2, 4)), elements=st.integers(0, 9)))
def test_fisher_does_not_depend_on_the_tables_orientation(counts: np.ndarray) -> None:
    one, other = statistics.categorical_test(counts), statistics.categorical_test(counts.T)
    reversed_ = statistics.categorical_test(counts[::-1, ::-1])
    assert one.test == other.test == reversed_.test
    assert other.p_value == pytest.approx(one.p_value, rel=1e-9, nan_ok=True)
    assert reversed_.p_value == pytest.approx(one.p_value, rel=1e-9, nan_ok=True)
    assert np.isnan(one.p_value) or 0 < one.p_value <= 1
    if counts.shape == (2, 2) and one.test == "Fisher exact":
        assert one.p_value == pytest.approx(stats.fisher_exact(counts).pvalue, rel=1e-6)


@QUICK
@given(scored(models=4))
def test_columns_agree_with_scipy(data: tuple[np.ndarray, np.ndarray]) -> None:
    y, scores = data
    varied = scores[:, [len(np.unique(column)) > 1 for column in scores.T]]
    for continuity in (False, True):
        found = statistics.mann_whitney_columns(varied, y, continuity=continuity)
        expected = [
            stats.mannwhitneyu(c[y == 1], c[y == 0], method="asymptotic", use_continuity=continuity).pvalue
            for c in varied.T
        ]
        assert found == pytest.approx(np.array(expected), rel=1e-10)


@QUICK
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_adjusted_p_values_are_never_smaller_and_keep_their_order(p_values: list[float]) -> None:
    p = np.array(p_values)
    for adjusted in (statistics.holm(p), statistics.benjamini_hochberg(p)):
        assert (adjusted >= p - 1e-15).all()
        assert (adjusted <= 1).all()
        assert (np.diff(adjusted[np.argsort(p, kind="stable")]) >= -1e-15).all()
    assert (statistics.holm(p) >= statistics.benjamini_hochberg(p) - 1e-15).all()


@QUICK
@given(scored())
def test_average_precision_does_not_change_under_a_monotone_map(data: tuple[np.ndarray, np.ndarray]) -> None:
    y, scores = data
    one = statistics.average_precision(y, scores[:, 0], method="logit")
    assert statistics.average_precision(y, np.exp(scores[:, 0] / 3), method="logit") == one
    assert 0 <= one.ci[0] <= one.value <= one.ci[1] <= 1
    curve = statistics.precision_recall_curve(y, scores[:, 0])
    steps = np.diff(np.concatenate([[0], curve.recall]))
    assert one.value == pytest.approx((steps * curve.precision).sum())


@QUICK
@given(scored(), st.floats(0.01, 1), st.floats(0.01, 20))
def test_cut_offs_keep_their_promise(data: tuple[np.ndarray, np.ndarray], target: float, ratio: float) -> None:
    y, scores = data
    score = scores[:, 0]
    assert statistics.cutoff(y, score, "sensitivity", target=target).sensitivity >= target - 1e-9
    assert statistics.cutoff(y, score, "specificity", target=target).specificity >= target - 1e-9
    for rule in ("youden", "cost"):
        found = statistics.cutoff(y, score, rule, cost_ratio=ratio)
        assert found.sensitivity == pytest.approx((score[y == 1] >= found.cutoff).mean())
        assert found.specificity == pytest.approx((score[y == 0] < found.cutoff).mean())


@QUICK
@given(scored(models=2))
def test_mcnemar_is_symmetric(data: tuple[np.ndarray, np.ndarray]) -> None:
    y, scores = data
    a, b = ((column > 0) == y for column in scores.T)
    for method in ("exact", "corrected", "uncorrected"):
        one, other = statistics.mcnemar(a, b, method=method), statistics.mcnemar(b, a, method=method)
        assert one.p_value == other.p_value and one.difference == -other.difference
        assert 0 <= one.p_value <= 1


@settings(max_examples=25, deadline=None)
@given(scored(models=2))
def test_a_regression_is_a_result_or_a_named_error(data: tuple[np.ndarray, np.ndarray]) -> None:
    """Separation, constants, collinear columns, ties: no NaN without a note, and none at all by Firth."""
    y, scores = data
    try:
        fit = statistics.logistic(scores, y, interval="profile")
        instead = statistics.logistic(scores, y, on_separation="firth")
    except DataError as error:
        assert "Constant" in str(error) or "determined" in str(error)
        return
    assert np.isfinite(fit.odds_ratios).all() or fit.separated
    assert (fit.note != "") == (fit.separated != ())
    assert np.isfinite(fit.lr_p_values).all() and np.isfinite(instead.odds_ratios).all()
    if not fit.separated:
        assert (fit.ci[0] <= fit.odds_ratios).all() and (fit.odds_ratios <= fit.ci[1]).all()
    flipped = statistics.firth(-scores, 1 - y, interval="wald")
    assert flipped.coefficients == pytest.approx(statistics.firth(scores, y, interval="wald").coefficients, abs=1e-6)


@QUICK
@given(
    arrays.arrays(np.int64, st.integers(2, 9), elements=st.integers(0, 4)),
    arrays.arrays(np.int64, st.integers(2, 9), elements=st.integers(0, 4)),
)
def test_exact_rank_test_is_symmetric_and_whole(a: np.ndarray, b: np.ndarray) -> None:
    one = statistics.continuous_test(a, b, method="mann-whitney-exact")
    other = statistics.continuous_test(b, a, method="mann-whitney-exact")
    assert one.p_value == pytest.approx(other.p_value, nan_ok=True)
    if one.test != "not tested":
        splits = math.comb(a.size + b.size, a.size)
        assert one.p_value * splits == pytest.approx(round(one.p_value * splits), abs=1e-6)
        assert one.p_value > 0
    else:
        assert one.note != ""


@QUICK
@given(scored(models=2))
def test_net_benefit_and_reclassification_of_any_probabilities(data: tuple[np.ndarray, np.ndarray]) -> None:
    y, scores = data
    p, q = (1 / (1 + np.exp(-column / 2)) for column in scores.T)
    curve = statistics.decision_curve(y, p, resamples=0)
    prevalence = y.mean()
    assert (curve.net_benefit <= prevalence + 1e-12).all()
    gain, back = (
        statistics.incremental_value(y, *pair, cutoffs=(0.4, 0.6), resamples=100) for pair in ((p, q), (q, p))
    )
    assert gain.idi.value == pytest.approx(-back.idi.value)
    assert gain.continuous_nri.value == pytest.approx(-back.continuous_nri.value)
    assert gain.categorical_nri is not None and back.categorical_nri is not None
    assert gain.categorical_nri.value == pytest.approx(-back.categorical_nri.value)
    assert abs(gain.continuous_nri.value) <= 2
