"""What must hold for any data: monotone maps, swapped classes, reader order, transposed tables."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from scipy import stats

from radstudy import statistics

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
@given(scored(), st.sampled_from(["delong", "logit-delong", "hanley-mcneil", "newcombe"]))
def test_auc_and_its_interval_mirror_when_classes_are_swapped(data: tuple[np.ndarray, np.ndarray], method: str) -> None:
    y, scores = data
    one = statistics.auc_ci(y, scores[:, 0], method=method)
    other = statistics.auc_ci(1 - y, scores[:, 0], method=method)
    assert other.auc == pytest.approx(1 - one.auc)
    assert 0 <= one.ci[0] <= one.auc + 1e-12 <= one.ci[1] + 2e-12 <= 1 + 2e-12
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
