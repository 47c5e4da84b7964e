"""Which features two readers' masks reproduce."""

import numpy as np
import pytest

from radstudy.modelling.agreement import bounded_icc
from radstudy.statistics import icc


@pytest.mark.parametrize("by", ["estimate", "lower"])
def test_a_feature_is_kept_whose_icc_is_above_the_bound(by):
    rng = np.random.default_rng(8)
    truth = rng.normal(size=(20, 9))
    noise = np.linspace(0.1, 1.5, 9)
    ratings = np.stack([truth + noise * rng.normal(size=truth.shape) for _ in range(2)], axis=1)
    found, expected = bounded_icc(ratings, "ICC(2,1)", 0.75, by), icc(ratings, "ICC(2,1)")
    np.testing.assert_array_equal(found.value, expected.value)
    bound = expected.value if by == "estimate" else expected.ci[0]
    np.testing.assert_array_equal(found.kept, bound > 0.75)
    assert 0 < found.kept.sum() < 9


def test_with_fewer_than_three_lesions_no_feature_is_reproducible():
    found = bounded_icc(np.zeros((2, 2, 4)), "ICC(2,1)", 0.75, "estimate")
    assert np.isnan(found.value).all() and not found.kept.any()
    assert set(found.lesions) == {2}
