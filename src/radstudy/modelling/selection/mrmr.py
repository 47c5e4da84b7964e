"""Selection by minimum redundancy and maximum relevance.

Own implementation, in two dozen lines: the maintained library that has it (feature-engine) takes two features if one
is requested, takes a constant feature first (its F statistic is NaN) and does not report the order of its choice; the
tests compare the two where they agree.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_selection import f_classif

from radstudy.modelling.selection.ranking import FoundSize, RankedFilter
from radstudy.modelling.selection.step import Array

SMALLEST_REDUNDANCY = 1e-3  # so that a feature uncorrelated by chance does not win regardless of its relevance


class MrmrFilter(RankedFilter):
    """Filter that takes features one by one, each the most relevant for its redundancy with those already taken.

    Relevance is the F statistic of the analysis of variance between the groups, redundancy the mean absolute Pearson
    correlation with the features already taken (at least 0.001); the next feature has the highest quotient (FCQ) or
    difference (FCD) of the two; in a tie the first by name. Constant features come last.

    Parameters
    ----------
    keep : number to keep, or a `FoundSize`.
    scheme : "quotient" or "difference".
    random_state : seed of the folds of a `FoundSize`.

    Attributes
    ----------
    relevance_ : (features,) F statistics, 0 for a constant feature; NaN if nothing had to be dropped.

    References
    ----------
    Ding C, Peng H, J Bioinform Comput Biol 2005;3:185. Zhao Z et al., arXiv:1908.05376 (the scores).
    """

    def __init__(self, keep: int | FoundSize = 5, scheme: str = "quotient", random_state: int | None = 0) -> None:
        self.keep = keep
        self.scheme = scheme
        self.random_state = random_state

    def _nothing_dropped(self, count: int) -> None:
        self.relevance_ = np.full(count, np.nan)

    def _ranked(
        self, values: Array, y: NDArray[np.int64], names: NDArray[np.object_], most: int
    ) -> tuple[NDArray[np.intp], list[str]]:
        if self.scheme not in ("quotient", "difference"):
            raise ValueError(f"scheme must be 'quotient' or 'difference', not {self.scheme!r}")
        unit, varies = _unit_columns(values)
        self.relevance_ = np.zeros(values.shape[1])
        if varies.any():
            with np.errstate(divide="ignore"):  # groups without any spread: F is infinite
                self.relevance_[varies] = f_classif(values[:, varies], y)[0]
        by_name = np.argsort(names.astype(str), kind="stable")
        left = by_name[np.argsort(-_rounded(self.relevance_)[by_name], kind="stable")]
        order, redundancy = [int(left[0])], np.zeros(values.shape[1])
        free = varies.copy()
        free[order[0]] = False
        while len(order) < most and free.any():
            redundancy += np.abs(unit.T @ unit[:, order[-1]])
            candidates = by_name[free[by_name]]
            score = _rounded(self._scores(redundancy / len(order))[candidates])
            order.append(int(candidates[np.argmax(score)]))
            free[order[-1]] = False
        taken = set(order)
        order += [int(index) for index in left if index not in taken]
        reasons = [f"F = {value:.3f}, not among the first {most}" for value in self.relevance_]
        return np.array(order, dtype=np.intp), reasons

    def _scores(self, redundancy: Array) -> Array:
        if self.scheme == "difference":
            return self.relevance_ - redundancy
        return self.relevance_ / np.maximum(redundancy, SMALLEST_REDUNDANCY)


def _rounded(scores: Array) -> Array:
    """Return scores as shares of the largest, to 12 digits, so that scores that differ only by rounding are equal."""
    largest = np.abs(scores[np.isfinite(scores)]).max(initial=0.0)
    return np.asarray(np.round(scores / (largest or 1.0), 12))


def _unit_columns(values: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Return centred columns of length 1 (0 if constant), whose products are correlations, and which ones vary."""
    centred = values - values.mean(axis=0)
    length = np.linalg.norm(centred, axis=0)
    varies = length > 1e-12 * np.maximum(np.abs(values).max(axis=0), np.finfo(float).tiny)
    return np.where(varies, centred / np.where(varies, length, 1.0), 0.0), varies
