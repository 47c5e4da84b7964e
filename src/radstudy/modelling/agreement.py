"""Reproducibility of features between readers' masks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from radstudy.modelling.selection.step import Array, FeatureFilter
from radstudy.protocol.sections import Icc
from radstudy.statistics import icc
from radstudy.table import FeatureTable


def reproducibility(
    table: FeatureTable,
    section: Icc,
    *,
    sequences: tuple[str, ...],
    readers: tuple[str, ...],
    rows: pd.MultiIndex,
) -> pd.DataFrame:
    """Compute the ICC of every feature on the lesions that all readers have drawn.

    Parameters
    ----------
    table : features of all readers.
    section : the study file's settings of the ICC: form, bound and so on.
    sequences, readers : sequences and readers to compare.
    rows : (patient, lesion) to include: all, or those of the training set.

    Returns
    -------
    One row per (sequence, feature): ``icc``, ``ci_low``, ``ci_high``, ``lesions``, ``kept``. A feature whose ICC is not
    defined (fewer than three lesions, or no variance) is NaN and not kept.
    """
    parts = []
    for sequence in sequences:
        drawn = [table.of(sequence, reader) for reader in readers]
        shared = rows
        for part in drawn:
            shared = shared.intersection(part.index)
        ratings = np.stack([part.loc[shared].to_numpy() for part in drawn], axis=1)
        parts.append(_of_sequence(ratings, section, sequence, table.features))
    return pd.concat(parts, ignore_index=True)


def _of_sequence(ratings: np.ndarray, section: Icc, sequence: str, features: list[str]) -> pd.DataFrame:
    result = bounded_icc(ratings, section.form, section.above, section.by)
    return pd.DataFrame(
        {
            "sequence": sequence,
            "feature": features,
            "icc": result.value,
            "ci_low": result.low,
            "ci_high": result.high,
            "lesions": result.lesions,
            "kept": result.kept,
        }
    )


@dataclass(frozen=True, eq=False)
class BoundedIcc:
    """ICC of every feature, its 95 % limits, its lesions, and whether it is above the bound: all (features,)."""

    value: Array
    low: Array
    high: Array
    lesions: NDArray[np.int64]
    kept: NDArray[np.bool_]


def bounded_icc(ratings: Array, form: str, above: float, by: str) -> BoundedIcc:
    """Compute the ICC of every feature, and whether it is above the bound.

    Parameters
    ----------
    ratings : (lesions, readers, features).
    form : "ICC(1,1)", "ICC(2,1)" or "ICC(3,1)".
    above : the bound.
    by : "estimate", or "lower": the lower limit of the 95 % interval must be above the bound.

    Returns
    -------
    BoundedIcc. NaN and not kept if it is not defined: fewer than three lesions or two readers, or no variance.
    """
    lesions, readers, features = ratings.shape
    if lesions < 3 or readers < 2:
        empty = np.full(features, np.nan)
        return BoundedIcc(empty, empty, empty, np.full(features, lesions), np.zeros(features, dtype=bool))
    result = icc(ratings, form)
    value, (low, high) = np.asarray(result.value), map(np.asarray, result.ci)
    counts = np.broadcast_to(np.asarray(result.n), value.shape)
    return BoundedIcc(value, low, high, counts, (value if by == "estimate" else low) > above)


class IccFilter(FeatureFilter):
    """Filter that keeps the features that several readers reproduce.

    Parameters
    ----------
    form : "ICC(1,1)", "ICC(2,1)" or "ICC(3,1)".
    above : keep features with an ICC above this.
    by : "estimate", or "lower": the lower limit of the 95 % interval must be above the bound.

    Attributes
    ----------
    icc_, low_, high_ : (features,) estimate and limits; NaN where not defined (fewer than three subjects that all
        readers read, or no variance), and then the feature is dropped.

    References
    ----------
    Shrout PE, Fleiss JL, Psychol Bull 1979;86:420. The interval as the bound: Koo TK, Li MY, J Chiropr Med 2016;15:155.
    """

    _nan_is_fine = True

    def __init__(self, form: str = "ICC(2,1)", above: float = 0.75, by: str = "estimate") -> None:
        self.form = form
        self.above = above
        self.by = by

    def fit(
        self, X: Any, y: Any = None, *, subjects: ArrayLike | None = None, readers: ArrayLike | None = None
    ) -> Self:
        """Learn which columns are reproducible.

        Parameters
        ----------
        X : (rows, features), one row per reading.
        subjects : (rows,) the subject of each reading; None: no subject was read twice, so no feature is reproducible.
        readers : (rows,) the reader of each reading; a subject without all readers is left out.
        """
        values = self._checked(X, reset=True)
        if self.by not in ("estimate", "lower"):
            raise ValueError(f"by must be 'estimate' or 'lower', not {self.by!r}")
        bounded = bounded_icc(_ratings(values, subjects, readers), self.form, self.above, self.by)
        self.icc_, self.low_, self.high_ = bounded.value, bounded.low, bounded.high
        dropped = np.flatnonzero(~bounded.kept)
        return self._keep(bounded.kept, {str(self._names()[i]): self._why(int(i)) for i in dropped})

    def _why(self, index: int) -> str:
        if not np.isfinite(self.icc_[index]):
            return "ICC not defined"
        return f"{self.form} = {self.icc_[index]:.3f} ({self.low_[index]:.3f} to {self.high_[index]:.3f})"


def _ratings(values: Array, subjects: ArrayLike | None, readers: ArrayLike | None) -> Array:
    """Return the ratings (subjects, readers, features) of the subjects that all readers read, each once."""
    if subjects is None or readers is None:
        return np.empty((0, 0, values.shape[1]))
    subject, who = pd.factorize(np.asarray(subjects), sort=True), pd.factorize(np.asarray(readers), sort=True)
    counts = np.zeros((len(subject[1]), len(who[1])), dtype=int)
    np.add.at(counts, (subject[0], who[0]), 1)
    if (counts > 1).any():
        first, reader = np.argwhere(counts > 1)[0]
        raise ValueError(f"reader {who[1][reader]} has read subject {subject[1][first]} more than once")
    cube = np.full((*counts.shape, values.shape[1]), np.nan)
    cube[subject[0], who[0]] = values
    complete: Array = cube[(counts == 1).all(axis=1)]
    return complete


def reproducible_columns(agreement: pd.DataFrame, sequence: str) -> list[str]:
    """Return the reproducible features of one sequence."""
    chosen = (agreement["sequence"] == sequence) & agreement["kept"]
    return [str(name) for name in agreement.loc[chosen, "feature"]]
