"""Folds inside the training rows, stratified by outcome, with a patient's lesions together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from radstudy.modelling.validation import Table

Folds = list[tuple[NDArray[np.intp], NDArray[np.intp]]]


def patients_of(X: Table) -> NDArray[Any] | None:
    """Return the patient of every row, (rows,), if X is a table indexed by patient; else None: rows are independent."""
    if isinstance(X, pd.DataFrame) and "patient" in X.index.names:
        return np.asarray(X.index.get_level_values("patient"))
    return None


def smaller_class(y: NDArray[np.int64], groups: ArrayLike | None) -> int:
    """Count the patients in the smaller class (events), from the outcome 0 or 1 and the patients or None, (rows,)."""
    labels = np.arange(len(y)) if groups is None else np.asarray(groups)
    return min(len(np.unique(labels[y == value])) for value in (0, 1))


def inner_folds(y: NDArray[np.int64], groups: ArrayLike | None, folds: int, seed: int | None) -> Folds:
    """Return folds with both classes in training; none if a class has one patient.

    Parameters
    ----------
    y : (rows,) 0 or 1.
    groups : (rows,) patients; None: every row is a patient.
    folds : number of folds; fewer if the smaller class has fewer patients.
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
