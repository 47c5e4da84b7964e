"""Repeated nested cross-validation of the whole pipeline."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from radstudy.errors import DataError
from radstudy.modelling.refits.chunks import CHUNK, ONE_PROCESS, Arrays, Chunks, in_chunks
from radstudy.modelling.refits.engine import Engine
from radstudy.modelling.refits.optimism import NestedValidation
from radstudy.modelling.refits.repeats import Chosen, keyed, names_of
from radstudy.streams import Stream, generator_of
from radstudy.table import SITE_IS

IntArray = NDArray[np.int64]


def nested_validation(
    engine: Engine,
    outcome: IntArray,
    rows: IntArray,
    *,
    repeats: int = 100,
    folds: int = 5,
    chunks: Chunks = ONE_PROCESS,
) -> NestedValidation:
    """Cross-validate the whole pipeline, stratified by outcome, with a patient's lesions in one fold.

    Parameters
    ----------
    engine : the models on their design table.
    outcome : (rows of the table,) 0 or 1.
    rows : positions of the rows to use, each once.
    repeats, folds : number of repeats r and of folds k.
    chunks : see `Chunks`; the models' settings, their table and the program's version are part of the key.

    Raises
    ------
    DataError : a class has fewer patients than folds.
    """
    outcome, rows = np.asarray(outcome, dtype=np.int64), np.asarray(rows)
    fewest = min(len(np.unique(engine.patients[rows][outcome[rows] == value])) for value in (0, 1))
    if fewest < folds:
        raise DataError(f"{folds} folds need at least {folds} patients of each class; one class has {fewest}")
    work = partial(_folds_of_repeats, engine, outcome, rows, folds)
    kept = keyed(chunks, engine, outcome, kind="nested", rows=rows, folds=folds)
    arrays = in_chunks(work, repeats, kept, size=max(1, CHUNK // (2 * folds)))
    return NestedValidation(
        repeats, folds,
        {name: arrays["auc"][:, :, m] for m, name in enumerate(engine.models)},
        {name: arrays["log_odds"][:, m] for m, name in enumerate(engine.models)},
        names_of(engine, arrays),
        test_share=1 / (folds - 1),
    )  # fmt: skip


def _folds_of_repeats(engine: Engine, outcome: IntArray, rows: IntArray, folds: int, numbers: range) -> Arrays:
    areas = np.full((len(numbers), folds, len(engine.models)), np.nan)
    odds = np.full((len(numbers), len(engine.models), len(outcome)), np.nan)
    chosen = Chosen(engine)
    groups = engine.patients[rows]
    alone = len(np.unique(groups)) == len(groups)  # one lesion per patient: plain folds are more even
    strata = _strata(engine, outcome, rows, folds)
    folder = StratifiedKFold if alone else StratifiedGroupKFold
    for place, number in enumerate(numbers):
        seed = int(generator_of(engine.protocol.seed, Stream.FOLDS, number).integers(2**31))
        parts = folder(folds, shuffle=True, random_state=seed).split(rows, strata, None if alone else groups)
        for fold, (inner, outer) in enumerate(parts):
            for m, fit in enumerate(engine.fit(outcome, rows[inner], rows[outer]).values()):
                areas[place, fold, m] = fit.testing_auc
                odds[place, m, fit.testing_rows] = fit.testing_log_odds
                chosen.add(fit)
    return {"auc": areas, "log_odds": odds, **chosen.arrays()}


def _strata(engine: Engine, outcome: IntArray, rows: IntArray, folds: int) -> IntArray:
    """Return the outcome, by site if the study harmonises and each class of each site has enough rows for the folds."""
    sites = [name for name in engine.design.columns if str(name).startswith(SITE_IS)]
    if not sites:
        return outcome[rows]
    place = engine.design[sites].to_numpy().argmax(axis=1)[rows]
    strata: IntArray = 2 * place.astype(np.int64) + outcome[rows]
    return strata if np.unique(strata, return_counts=True)[1].min() >= folds else outcome[rows]
