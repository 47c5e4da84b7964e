"""Bootstrap of the whole pipeline by patient, for the study's outcome and for permuted ones."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import special

from radstudy.modelling.refits.chance import permuted, usable_by
from radstudy.modelling.refits.chunks import ONE_PROCESS, Arrays, Chunks, in_chunks
from radstudy.modelling.refits.engine import Engine, ModelFit, auc
from radstudy.modelling.refits.optimism import Bootstrap
from radstudy.modelling.refits.repeats import Chosen, coefficients_of, keyed, names_of
from radstudy.statistics import brier, calibration_intercept_slope
from radstudy.streams import Stream, generator_of

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

_FEW = 5  # resamples per chunk: a resample's copies of patients make its trees slow


def bootstrap(
    engine: Engine,
    outcome: IntArray,
    rows: IntArray,
    *,
    resamples: int = 1000,
    chunks: Chunks = ONE_PROCESS,
) -> Bootstrap:
    """Fit the whole pipeline to patients drawn with replacement; duplicates of a patient share an inner fold.

    Parameters
    ----------
    engine, outcome, rows : as in `nested_validation`.
    resamples : number of resamples.
    chunks : see `Chunks`; the models' settings, their table and the program's version are part of the key.
    """
    outcome, rows = np.asarray(outcome, dtype=np.int64), np.asarray(rows)
    apparent = engine.fit(outcome, rows, rows)
    work = partial(_resamples, engine, outcome, rows)
    arrays = in_chunks(work, resamples, keyed(chunks, engine, outcome, kind="bootstrap", rows=rows), size=_FEW)
    columns = {
        which: {name: arrays["measures"][:, m, w] for m, name in enumerate(engine.models)}
        for w, which in enumerate(("in_bag", "original", "out_of_bag", "brier", "slope"))
    }
    return Bootstrap(
        resamples, {name: fit.training_auc for name, fit in apparent.items()}, **columns,
        selected=names_of(engine, arrays), coefficients=coefficients_of(engine, arrays),
    )  # fmt: skip


def bootstrap_of_noise(
    engine: Engine,
    outcome: IntArray,
    rows: IntArray,
    *,
    outcomes: int = 10,
    resamples: int = 25,
    chunks: Chunks = ONE_PROCESS,
    like: IntArray | None = None,
) -> dict[str, list[Bootstrap]]:
    """Bootstrap permuted outcomes, to see its corrections when nothing can be predicted.

    Parameters
    ----------
    engine, outcome, rows : as in `nested_validation`; whole patients are exchanged.
    outcomes : number of permutations of the outcome.
    resamples : number of resamples of each.
    chunks : see `Chunks`; the models' settings, their table and the program's version are part of the key.
    like : as in `calibrate`.

    Returns
    -------
    Model to one `Bootstrap` per permuted outcome, without Brier score, slope and names.
    """
    outcome, rows = np.asarray(outcome, dtype=np.int64), np.asarray(rows)
    alike = usable_by(engine) if like is None else like
    work = partial(_noise, engine, outcome, rows, resamples, alike)
    kept = keyed(chunks, engine, outcome, kind="noise", rows=rows, resamples=resamples, like=alike)
    arrays = in_chunks(work, outcomes, kept, size=1)
    return {
        name: [
            Bootstrap(
                resamples,
                {name: float(apparent)},
                {name: each[:, 0]},
                {name: each[:, 1]},
                {name: each[:, 2]},
                {},
                {},
                {},
            )
            for apparent, each in zip(arrays["apparent"][:, m], arrays["measures"][:, :, m], strict=True)
        ]
        for m, name in enumerate(engine.models)
    }


def _resamples(engine: Engine, outcome: IntArray, rows: IntArray, numbers: range) -> Arrays:
    measures = np.full((len(numbers), len(engine.models), 5), np.nan)
    chosen = Chosen(engine)
    for place, number in enumerate(numbers):
        drawn, sample = _sample(engine, rows, generator_of(engine.protocol.seed, Stream.BOOTSTRAP, number))
        for m, fit in enumerate(engine.fit(outcome, sample, rows).values()):
            chosen.add(fit)
            if fit.note:
                continue
            labels, odds = _left_out(engine, outcome, fit, drawn)
            measures[place, m, :3] = fit.training_auc, fit.testing_auc, auc(odds, labels)
            if 0 < labels.sum() < len(labels):
                measures[place, m, 3:] = _calibration(labels, special.expit(odds))
    return {"measures": measures, **chosen.arrays()}


def _noise(
    engine: Engine, outcome: IntArray, rows: IntArray, resamples: int, like: IntArray, numbers: range
) -> Arrays:  # fmt: skip
    apparent = np.full((len(numbers), len(engine.models)), np.nan)
    measures = np.full((len(numbers), resamples, len(engine.models), 3), np.nan)
    for place, number in enumerate(numbers):
        labels = permuted(outcome, engine.patients, [rows], seed=engine.protocol.seed, number=number, like=like)
        apparent[place] = [fit.training_auc for fit in engine.fit(labels, rows, rows).values()]
        generator = generator_of(engine.protocol.seed, Stream.NOISE, number)
        for resample in range(resamples):
            drawn, sample = _sample(engine, rows, generator)
            for m, fit in enumerate(engine.fit(labels, sample, rows).values()):
                if not fit.note:
                    truth, odds = _left_out(engine, labels, fit, drawn)
                    measures[place, resample, m] = fit.training_auc, fit.testing_auc, auc(odds, truth)
    return {"apparent": apparent, "measures": measures}


def _sample(engine: Engine, rows: IntArray, generator: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Draw patients with replacement; return them and their rows."""
    patients = np.unique(engine.patients[rows])
    drawn = generator.choice(patients, len(patients))
    return drawn, np.concatenate([rows[engine.patients[rows] == patient] for patient in drawn])


def _left_out(engine: Engine, outcome: IntArray, fit: ModelFit, drawn: IntArray) -> tuple[IntArray, Array]:
    """Return outcome and log-odds of the rows whose patients were not drawn."""
    outside = ~np.isin(engine.patients[fit.testing_rows], drawn)
    return outcome[fit.testing_rows[outside]], fit.testing_log_odds[outside]


def _calibration(labels: IntArray, probability: Array) -> tuple[float, float]:
    return brier(labels, probability), calibration_intercept_slope(labels, probability).slope
