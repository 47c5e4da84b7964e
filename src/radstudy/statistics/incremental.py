"""Incremental value of a model over another: difference in AUC, discrimination slopes, reclassification."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from radstudy.errors import DataError
from radstudy.statistics.bootstrap import percentile_limits, resampled_counts
from radstudy.statistics.calibration import checked_probabilities
from radstudy.statistics.delong import DelongTest, delong_test
from radstudy.statistics.outcome import BoolArray, FloatArray, checked_level

NRI_WARNING = (
    "the NRI and the IDI can favour a useless marker when a model is miscalibrated: read them with the difference in "
    "AUC, the likelihood ratio and the decision curves"
)
NESTED_WARNING = (
    "nested models: DeLong's test is not valid on the patients they were fitted on; test the added variables by "
    "likelihood ratio"
)


@dataclass(frozen=True)
class Increment:
    """A measure of improvement with its bootstrap interval: ``value`` = ``events`` + ``nonevents``.

    ``events`` and ``nonevents`` are the parts from the positives and the negatives.
    """

    value: float
    ci: tuple[float, float]
    events: float
    nonevents: float


@dataclass(frozen=True)
class IncrementalValue:
    """Incremental value of the second model over the first.

    Attributes
    ----------
    auc : DeLong's test, extended minus base.
    idi : integrated discrimination improvement: mean change of the probability in the positives minus in the negatives.
    continuous_nri : share moved up minus down in the positives, plus down minus up in the negatives; -2 to 2.
    categorical_nri : the same over the risk categories; None without cut-offs.
    note : facts that must be read together with the measures.
    """

    auc: DelongTest
    idi: Increment
    continuous_nri: Increment
    categorical_nri: Increment | None
    cutoffs: tuple[float, ...]
    n: int
    level: float
    note: str


def incremental_value(
    y: ArrayLike,
    base: ArrayLike,
    extended: ArrayLike,
    *,
    cutoffs: Sequence[float] = (),
    nested: bool = False,
    level: float = 0.95,
    resamples: int = 2000,
    rng: np.random.Generator | None = None,
) -> IncrementalValue:
    """Compute the incremental value of a model over another, on patients that neither has seen.

    For the likelihood ratio of added variables see `likelihood_ratio_test` (its `base`).

    Parameters
    ----------
    y : (n,) 0 or 1.
    base, extended : (n,) probabilities of the two models for the same patients.
    cutoffs : ascending, in (0, 1), the limits of risk categories (at or above is the higher); none: no categorical NRI.
    nested : whether both were fitted on these patients and one contains the other; the note then has a warning.
    level : of the intervals: DeLong's for the AUC, percentiles of resamples within the classes for the rest.
    resamples, rng : of the bootstrap; without a generator, one seeded with 0.

    Returns
    -------
    IncrementalValue. Its note always includes the warning about the NRI.

    Raises
    ------
    DataError : one class only, NaN, a probability outside [0, 1], lengths that differ, cut-offs out of order.

    References
    ----------
    Pencina MJ et al., Stat Med 2008;27:157, doi 10.1002/sim.2929 (IDI, NRI).
    Pencina MJ et al., Stat Med 2011;30:11, doi 10.1002/sim.4085 (continuous NRI).
    Hilden J, Gerds TA, Stat Med 2014;33:3405, doi 10.1002/sim.5804 (why they mislead).
    Demler OV et al., Stat Med 2012;31:2577, doi 10.1002/sim.5328 (DeLong's test of nested models).

    Examples
    --------
    >>> gain = incremental_value([0, 0, 1, 1], [0.4, 0.3, 0.5, 0.6], [0.3, 0.4, 0.7, 0.8])
    >>> round(gain.idi.value, 3), gain.continuous_nri.value
    (0.2, 1.0)
    """
    positive, before = checked_probabilities(y, base)
    _, after = checked_probabilities(y, extended)
    limits = np.asarray(cutoffs, dtype=np.float64)
    if limits.ndim != 1 or not ((limits > 0) & (limits < 1)).all() or (np.diff(limits) <= 0).any():
        raise DataError(f"The cut-offs of risk categories must ascend between 0 and 1: {list(cutoffs)}.")
    checked_level(level)
    moves = [after - before, np.sign(after - before)]
    if limits.size:
        moves.append(np.sign(np.digitize(after, limits) - np.digitize(before, limits)).astype(np.float64))
    increments = _increments(positive, np.column_stack(moves), level, resamples, rng)
    return IncrementalValue(
        auc=delong_test(y, after, before, level=level),
        idi=increments[0],
        continuous_nri=increments[1],
        categorical_nri=increments[2] if limits.size else None,
        cutoffs=tuple(limits.tolist()),
        n=positive.size,
        level=level,
        note="; ".join([NRI_WARNING, *([NESTED_WARNING] if nested else [])]),
    )


def _increments(
    positive: BoolArray, moves: FloatArray, level: float, resamples: int, rng: np.random.Generator | None
) -> list[Increment]:
    """Compute the measures: each is a mean of the patients' changes, in the positives minus in the negatives."""
    cases, controls = moves[positive], -moves[~positive]
    generator = np.random.default_rng(0) if rng is None else rng
    everyone = (np.arange(len(cases)), np.arange(len(controls)))
    bins = max(len(cases), len(controls))
    drawn = np.concatenate(
        [
            hits[:, : len(cases)] @ cases / len(cases) + alarms[:, : len(controls)] @ controls / len(controls)
            for hits, alarms in resampled_counts(everyone, bins, resamples, generator)
        ]
    )
    events, nonevents = cases.mean(axis=0), controls.mean(axis=0)
    return [
        Increment(float(a + b), percentile_limits(column, level), float(a), float(b))
        for a, b, column in zip(events, nonevents, drawn.T, strict=True)
    ]
