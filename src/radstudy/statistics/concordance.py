"""Concordance that a model expects of itself: the effect of a cohort's case mix on the AUC."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from radstudy.errors import DataError
from radstudy.statistics.outcome import FloatArray, as_float


def model_based_concordance(probability: ArrayLike) -> float:
    """Compute the AUC to be expected in these patients if every predicted probability were right.

    Each pair of patients i, j counts with the probability that i is positive and j negative::

        sum over i != j of p_i (1 - p_j) [I(p_i > p_j) + I(p_i = p_j) / 2]  /  sum over i != j of p_i (1 - p_j)

    It depends on the predictions alone, not on the outcome. In a cohort of patients who are more alike than those of
    the development it is lower, although the model is as right.

    Parameters
    ----------
    probability : (n,) of the positive outcome, in [0, 1].

    Returns
    -------
    The concordance, 0.5 to 1; NaN if no pair can have two outcomes.

    Raises
    ------
    DataError : fewer than two patients, NaN, a probability outside [0, 1].

    References
    ----------
    Van Klaveren D, Gönen M, Steyerberg EW, Vergouwe Y, Stat Med 2016;35:4136, doi 10.1002/sim.6997.

    Examples
    --------
    >>> round(model_based_concordance([0.2, 0.8]), 4)
    0.9412
    """
    values = as_float(probability, "The probability")
    if values.ndim != 1 or values.size < 2:
        raise DataError("A concordance needs the probabilities of at least two patients.")
    if not ((values >= 0) & (values <= 1)).all():
        raise DataError("Probabilities lie between 0 and 1; one of these does not, or is NaN.")
    return _concordance(np.sort(values))


def _concordance(ordered: FloatArray) -> float:
    """Compute the concordance of sorted probabilities, each group of ties by its sums."""
    _, first, size = np.unique(ordered, return_index=True, return_counts=True)
    positive = np.add.reduceat(ordered, first)
    negative = size - positive
    below = np.cumsum(negative) - negative
    within = positive * negative - np.add.reduceat(ordered * (1 - ordered), first)  # pairs of two different patients
    pairs = ordered.sum() * (1 - ordered).sum() - (ordered * (1 - ordered)).sum()
    return float(((positive * below).sum() + 0.5 * within.sum()) / pairs) if pairs > 0 else float("nan")
