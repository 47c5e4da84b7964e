"""Testing AUCs of all models over other random splits."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from radstudy.modelling.refits.chunks import ONE_PROCESS, Arrays, Chunks, in_chunks
from radstudy.modelling.refits.engine import Engine
from radstudy.modelling.refits.repeats import keyed
from radstudy.streams import Stream, generator_of

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


def other_splits(
    engine: Engine,
    outcome: IntArray,
    rows: IntArray,
    training_patients: tuple[int, int],
    *,
    splits: int = 1000,
    chunks: Chunks = ONE_PROCESS,
) -> dict[str, Array]:
    """Compute every model's testing AUC over other stratified random splits.

    Parameters
    ----------
    engine, outcome, rows : as in `nested_validation`.
    training_patients : number of negative and positive training patients (a patient with a positive lesion is
        positive), as in the study's own split.
    splits : number of splits.
    chunks : see `Chunks`; the models' settings, their table and the program's version are part of the key.

    Returns
    -------
    Model to float (splits,); NaN if a testing set lacks a class.
    """
    outcome, rows = np.asarray(outcome, dtype=np.int64), np.asarray(rows)
    work = partial(_aucs_of_splits, engine, outcome, rows, training_patients)
    kept = keyed(chunks, engine, outcome, kind="splits", rows=rows, training_patients=training_patients)
    arrays = in_chunks(work, splits, kept)
    return {name: arrays["auc"][:, m] for m, name in enumerate(engine.models)}


def _aucs_of_splits(
    engine: Engine, outcome: IntArray, rows: IntArray, sizes: tuple[int, int], numbers: range
) -> Arrays:  # fmt: skip
    patients = np.unique(engine.patients[rows])
    positive = np.isin(patients, engine.patients[rows[outcome[rows] == 1]])
    areas = np.empty((len(numbers), len(engine.models)))
    for place, number in enumerate(numbers):
        rng = generator_of(engine.protocol.seed, Stream.SPLITS, number)
        drawn = [rng.permutation(patients[positive == value])[:size] for value, size in zip((0, 1), sizes, strict=True)]
        inside = np.isin(engine.patients[rows], np.concatenate(drawn))
        fits = engine.fit(outcome, rows[inside], rows[~inside])
        areas[place] = [fits[name].testing_auc for name in engine.models]
    return {"auc": areas}
