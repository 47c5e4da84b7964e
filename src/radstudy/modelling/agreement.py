"""Reproducibility of features between readers' masks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radstudy.modelling.selection.step import Array
from radstudy.protocol.sections import IccSection
from radstudy.statistics import icc
from radstudy.table import FeatureTable


def reproducibility(
    table: FeatureTable,
    section: IccSection,
    *,
    sequences: tuple[str, ...],
    readers: tuple[str, ...],
    rows: pd.Index,
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


def _of_sequence(ratings: np.ndarray, section: IccSection, sequence: str, features: list[str]) -> pd.DataFrame:
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


def reproducible_columns(agreement: pd.DataFrame, sequence: str) -> list[str]:
    """Return the reproducible features of one sequence."""
    chosen = (agreement["sequence"] == sequence) & agreement["kept"]
    return [str(name) for name in agreement.loc[chosen, "feature"]]
