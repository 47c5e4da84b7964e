"""Which features two readers' masks reproduce."""

from __future__ import annotations

import numpy as np
import pandas as pd

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
    """The ICC of every feature on the lesions that all readers have drawn.

    Parameters
    ----------
    table : features of all readers.
    section : form, bound and so on.
    sequences, readers : whose features to compare.
    rows : (patient, lesion) that may take part: all, or those of the training set.

    Returns
    -------
    One row a (sequence, feature): ``icc``, ``ci_low``, ``ci_high``, ``lesions``, ``kept``. A feature whose ICC is not
    defined (fewer than three lesions, or no variance at all) is NaN and not kept.
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
    lesions = ratings.shape[0]
    if lesions < 3:
        empty = np.full(len(features), np.nan)
        value, low, high, count = empty, empty, empty, np.full(len(features), lesions)
    else:
        result = icc(ratings, section.form)
        value, (low, high) = np.asarray(result.value), result.ci
        count = np.broadcast_to(np.asarray(result.n), value.shape)
    return pd.DataFrame(
        {
            "sequence": sequence,
            "feature": features,
            "icc": value,
            "ci_low": low,
            "ci_high": high,
            "lesions": count,
            "kept": value > section.above,  # False for NaN: a feature without an ICC is never reliable
        }
    )


def reproducible_columns(agreement: pd.DataFrame, sequence: str) -> list[str]:
    """The features of one sequence that passed."""
    chosen = (agreement["sequence"] == sequence) & agreement["kept"]
    return [str(name) for name in agreement.loc[chosen, "feature"]]
