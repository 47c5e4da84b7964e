"""Folds inside the training rows: stratified by outcome, a patient's lesions together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from radstudy.modelling.validation import Table

Folds = list[tuple[NDArray[np.intp], NDArray[np.intp]]]


def patients_of(X: Table) -> NDArray[Any] | None:
    """(rows,) the patient of every row, where X is a table indexed by patient; else None: every row stands alone."""
    if isinstance(X, pd.DataFrame) and "patient" in X.index.names:
        return np.asarray(X.index.get_level_values("patient"))
    return None


def smaller_class(y: NDArray[np.int64], groups: ArrayLike | None) -> int:
    """Patients in the smaller class, the number of events: (rows,) outcome 0 or 1, (rows,) patients or None."""
    labels = np.arange(len(y)) if groups is None else np.asarray(groups)
    return min(len(np.unique(labels[y == value])) for value in (0, 1))


def inner_folds(y: NDArray[np.int64], groups: ArrayLike | None, folds: int, seed: int | None) -> Folds:
    """Folds with both classes in training; none where a class has one patient.

    Parameters
    ----------
    y : (rows,) 0 or 1.
    groups : (rows,) patients; None: every row is a patient.
    folds : their number; fewer where the smaller class has fewer patients.
    seed : of the shuffle.
    """
    labels = np.arange(len(y)) if groups is None else np.asarray(groups)
    number = min(folds, smaller_class(y, labels))
    if number < 2:
        return []
    if len(np.unique(labels)) == len(y):
        folder: Any = StratifiedKFold(number, shuffle=True, random_state=seed)
        return list(folder.split(y, y))
    folder = StratifiedGroupKFold(number, shuffle=True, random_state=seed)
    return [(train, test) for train, test in folder.split(y, y, labels) if len(np.unique(y[train])) == 2]
