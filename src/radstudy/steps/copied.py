"""Part of step 1, cohort, and of the command `check`: find copied rows in a given feature table."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd

from radstudy.cohort.doubled import Doubled
from radstudy.protocol import Protocol
from radstudy.table import FeatureTable

_FEWEST_FEATURES = 3  # with a fraction: scores and counts can be the same in two rows by chance, or by agreement


def stops(protocol: Protocol, double: Doubled) -> bool:
    """True if a study is not run with this double."""
    return double.serious and not (double.copied and protocol.agree.accept_identical_masks)


def copied_features(protocol: Protocol, table: FeatureTable | None) -> list[Doubled]:
    """Find readers, and sequences, whose rows of a given feature table are the same.

    Parameters
    ----------
    protocol : the study's protocol.
    table : the given features; None in a study that begins at images.
    """
    return [] if table is None else [*_readers(protocol, table), *_sequences(protocol, table)]


def _readers(protocol: Protocol, table: FeatureTable) -> list[Doubled]:
    doubles = []
    for one, other in combinations(protocol.cohort.readers, 2):
        both, where = 0, []
        for sequence in protocol.sequences:
            shared, same = _same_rows(table.of(sequence, one), table.of(sequence, other))
            both += shared
            where += [f"{patient} lesion {lesion} {sequence}" for patient, lesion in same]
        if where:
            doubles.append(
                Doubled(
                    f"{one} and {other} have the same features", f"{len(where)} of the {both} rows that both have",
                    tuple(where), f"give {other}'s own rows or delete the copies; if both readers really used one "
                    "contour, write 'agree: {accept_identical_masks: true}'", copied=True,
                )
            )  # fmt: skip
    return doubles


def _sequences(protocol: Protocol, table: FeatureTable) -> list[Doubled]:
    doubles = []
    for one, other in combinations(protocol.sequences, 2):
        first, second = table.of(one, protocol.reader), table.of(other, protocol.reader)
        both, same = _same_rows(first, second)
        if same and not all("shape" in str(name) for name in first.dropna(axis=1, how="all").columns):
            where = tuple(f"{patient} lesion {lesion}" for patient, lesion in same)
            remedy = "name the right columns or rows (section features), or take one of the two out of 'sequences'"
            evidence = f"{len(same)} of the {both} rows that both have"
            doubles.append(Doubled(f"{one} and {other} have the same features", evidence, where, remedy))
    return doubles


def _same_rows(one: pd.DataFrame, other: pd.DataFrame) -> tuple[int, list[tuple[str, str]]]:
    """The number of rows that two tables share, and those with all values the same (not only whole numbers)."""
    columns = one.dropna(axis=1, how="all").columns.intersection(other.dropna(axis=1, how="all").columns)
    rows = one.index.intersection(other.index)
    if len(columns) < _FEWEST_FEATURES or not len(rows):
        return len(rows), []
    a, b = one.loc[rows, columns].to_numpy(dtype=float), other.loc[rows, columns].to_numpy(dtype=float)
    same = ((a == b) | (np.isnan(a) & np.isnan(b))).all(axis=1)
    measured = (np.isfinite(a) & (a != np.rint(a))).sum(axis=1) >= _FEWEST_FEATURES
    return len(rows), [(str(patient), str(lesion)) for patient, lesion in rows[same & measured]]
