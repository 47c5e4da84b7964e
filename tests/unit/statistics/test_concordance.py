"""The concordance that a model expects of itself, against its definition pair by pair."""

import numpy as np
import pytest

from radstudy.errors import DataError
from radstudy.statistics import auc, model_based_concordance


def pair_by_pair(p):
    wins = weights = 0.0
    for i, one in enumerate(p):
        for j, other in enumerate(p):
            if i != j:
                weight = one * (1 - other)
                weights += weight
                wins += weight * ((one > other) + 0.5 * (one == other))
    return wins / weights


@pytest.mark.parametrize("digits", [1, 2, 12])
def test_it_is_its_definition_with_and_without_ties(digits):
    p = np.random.default_rng(digits).random(50).round(digits)
    assert model_based_concordance(p) == pytest.approx(pair_by_pair(p), rel=1e-10)


def test_it_is_the_auc_of_outcomes_drawn_from_the_probabilities():
    rng = np.random.default_rng(3)
    p = rng.beta(2, 3, 400)
    drawn = [auc(rng.random(400) < p, p) for _ in range(400)]
    assert model_based_concordance(p) == pytest.approx(np.mean(drawn), abs=0.003)


def test_equal_probabilities_cannot_rank_and_certain_ones_leave_no_pair():
    assert model_based_concordance([0.3, 0.3, 0.3]) == pytest.approx(0.5)
    assert np.isnan(model_based_concordance([1.0, 1.0]))
    assert model_based_concordance([0.0, 1.0]) == 1.0


@pytest.mark.parametrize("p", [[0.5], [0.5, 1.2], [0.5, float("nan")]])
def test_what_is_no_probability_is_refused(p):
    with pytest.raises(DataError):
        model_based_concordance(p)
