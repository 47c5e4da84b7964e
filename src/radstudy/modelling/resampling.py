"""The whole pipeline on other rows: repeated nested cross-validation, other splits, and the bootstrap.

Every step that sees data is inside: filters, trees, both stages of pooling, clinical screening, the choice of the
penalty. Folds, splits and samples are drawn by patient, each repeat from a generator of its own.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold

from radstudy.errors import DataError
from radstudy.modelling.chunks import CHUNK, Arrays, Progress, in_chunks
from radstudy.modelling.engine import Engine, ModelFit, auc
from radstudy.modelling.models import candidates
from radstudy.modelling.null import permuted, usable_by
from radstudy.modelling.optimism import Bootstrap, NestedValidation
from radstudy.statistics import brier, calibration_intercept_slope
from radstudy.store import code_key

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]

_FOLDS, _SPLITS, _SAMPLES, _NOISE = 4, 5, 6, 7  # branches of the study's seed
_FEW = 5  # resamples of a chunk: a resample's copies of patients make its trees slow


def nested_validation(
    engine: Engine,
    outcome: IntArray,
    rows: IntArray,
    *,
    repeats: int = 100,
    folds: int = 5,
    jobs: int = 1,
    folder: Path | None = None,
    key: object = None,
    progress: Progress | None = None,
) -> NestedValidation:
    """Cross-validate the whole pipeline, stratified by outcome, a patient's lesions in one fold.

    Parameters
    ----------
    engine : the models on their design table.
    outcome : (rows of the table,) 0 or 1.
    rows : positions of the rows to use, each once.
    repeats, folds : r times k-fold.
    jobs, folder, key, progress : see `in_chunks`.

    Raises
    ------
    DataError : fewer patients of a class than folds.
    """
    outcome, rows = np.asarray(outcome, dtype=np.int64), np.asarray(rows)
    fewest = min(len(np.unique(engine.patients[rows][outcome[rows] == value])) for value in (0, 1))
    if fewest < folds:
        raise DataError(f"{folds} folds need as many patients of each class; one class has {fewest}")
    work = partial(_folds_of_repeats, engine, outcome, rows, folds)
    arrays = in_chunks(
        work, repeats, jobs=jobs, folder=folder, progress=progress,
        key=_key(engine, outcome, key, kind="nested", rows=rows, folds=folds), size=max(1, CHUNK // (2 * folds)),
    )  # fmt: skip
    return NestedValidation(
        repeats, folds,
        {name: arrays["auc"][:, :, m] for m, name in enumerate(engine.models)},
        {name: arrays["log_odds"][:, m] for m, name in enumerate(engine.models)},
        _names(engine, arrays),
        test_share=1 / (folds - 1),
    )  # fmt: skip


def other_splits(
    engine: Engine,
    outcome: IntArray,
    rows: IntArray,
    training_patients: tuple[int, int],
    *,
    splits: int = 1000,
    jobs: int = 1,
    folder: Path | None = None,
    key: object = None,
    progress: Progress | None = None,
) -> dict[str, Array]:
    """What if the random split had fallen otherwise: every model's testing AUC over stratified splits.

    Parameters
    ----------
    engine, outcome, rows : as `nested_validation`.
    training_patients : how many negative and positive patients train (a patient with a positive lesion is positive), as
        in the study's own split.
    splits : how many.
    jobs, folder, key, progress : see `in_chunks`.

    Returns
    -------
    Model to float (splits,); NaN where a testing set lacks a class.
    """
    outcome, rows = np.asarray(outcome, dtype=np.int64), np.asarray(rows)
    work = partial(_aucs_of_splits, engine, outcome, rows, training_patients)
    arrays = in_chunks(
        work, splits, jobs=jobs, folder=folder, progress=progress,
        key=_key(engine, outcome, key, kind="splits", rows=rows, training_patients=training_patients),
    )  # fmt: skip
    return {name: arrays["auc"][:, m] for m, name in enumerate(engine.models)}


def bootstrap(
    engine: Engine,
    outcome: IntArray,
    rows: IntArray,
    *,
    resamples: int = 1000,
    jobs: int = 1,
    folder: Path | None = None,
    key: object = None,
    progress: Progress | None = None,
) -> Bootstrap:
    """Fit the whole pipeline to patients drawn with replacement; duplicates of a patient share an inner fold.

    Parameters
    ----------
    engine, outcome, rows : as `nested_validation`.
    resamples : how many.
    jobs, folder, key, progress : see `in_chunks`.
    """
    outcome, rows = np.asarray(outcome, dtype=np.int64), np.asarray(rows)
    apparent = engine.fit(outcome, rows, rows)
    work = partial(_resamples, engine, outcome, rows)
    arrays = in_chunks(
        work, resamples, jobs=jobs, folder=folder, progress=progress,
        key=_key(engine, outcome, key, kind="bootstrap", rows=rows), size=_FEW,
    )  # fmt: skip
    columns = {
        which: {name: arrays["measures"][:, m, w] for m, name in enumerate(engine.models)}
        for w, which in enumerate(("in_bag", "original", "out_of_bag", "brier", "slope"))
    }
    return Bootstrap(
        resamples, {name: fit.training_auc for name, fit in apparent.items()}, **columns,
        selected=_names(engine, arrays), coefficients=_coefficients(engine, arrays),
    )  # fmt: skip


def bootstrap_of_noise(
    engine: Engine,
    outcome: IntArray,
    rows: IntArray,
    *,
    outcomes: int = 10,
    resamples: int = 25,
    jobs: int = 1,
    folder: Path | None = None,
    key: object = None,
    progress: Progress | None = None,
) -> dict[str, list[Bootstrap]]:
    """The bootstrap on permuted outcomes: what its corrections give where nothing can be predicted.

    Parameters
    ----------
    engine, outcome, rows : as `nested_validation`; whole patients are exchanged.
    outcomes : how many permutations of the outcome.
    resamples : of each.
    jobs, folder, key, progress : see `in_chunks`.

    Returns
    -------
    Model to one `Bootstrap` a permuted outcome, without Brier score, slope and names.
    """
    outcome, rows = np.asarray(outcome, dtype=np.int64), np.asarray(rows)
    work = partial(_noise, engine, outcome, rows, resamples)
    arrays = in_chunks(
        work, outcomes, jobs=jobs, folder=folder, progress=progress, size=1,
        key=_key(engine, outcome, key, kind="noise", rows=rows, resamples=resamples),
    )  # fmt: skip
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


def _key(engine: Engine, outcome: IntArray, given: object, **settings: Any) -> dict[str, Any]:
    return {
        **settings, "given": given, "model": engine.protocol.model.model_dump(mode="json"), "code": code_key(),
        "candidates": candidates(engine.protocol), "sequences": engine.protocol.sequences,
        "seed": engine.protocol.seed, "models": engine.models, "outcome": outcome, "design": engine.content_hash(),
    }  # fmt: skip


def _generator(engine: Engine, branch: int, number: int) -> np.random.Generator:
    return np.random.default_rng(np.random.SeedSequence(engine.protocol.seed, spawn_key=(branch, number)))


def _folds_of_repeats(engine: Engine, outcome: IntArray, rows: IntArray, folds: int, numbers: range) -> Arrays:
    areas = np.full((len(numbers), folds, len(engine.models)), np.nan)
    odds = np.full((len(numbers), len(engine.models), len(outcome)), np.nan)
    chosen = _Chosen(engine)
    groups = engine.patients[rows]
    alone = len(np.unique(groups)) == len(groups)  # one lesion a patient: plain folds are more even
    folder = StratifiedKFold if alone else StratifiedGroupKFold
    for place, number in enumerate(numbers):
        seed = int(_generator(engine, _FOLDS, number).integers(2**31))
        parts = folder(folds, shuffle=True, random_state=seed).split(rows, outcome[rows], None if alone else groups)
        for fold, (inner, outer) in enumerate(parts):
            for m, fit in enumerate(engine.fit(outcome, rows[inner], rows[outer]).values()):
                areas[place, fold, m] = fit.testing_auc
                odds[place, m, fit.testing_rows] = fit.testing_log_odds
                chosen.add(fit)
    return {"auc": areas, "log_odds": odds, **chosen.arrays()}


def _aucs_of_splits(
    engine: Engine, outcome: IntArray, rows: IntArray, sizes: tuple[int, int], numbers: range
) -> Arrays:  # fmt: skip
    patients = np.unique(engine.patients[rows])
    positive = np.isin(patients, engine.patients[rows[outcome[rows] == 1]])
    areas = np.empty((len(numbers), len(engine.models)))
    for place, number in enumerate(numbers):
        rng = _generator(engine, _SPLITS, number)
        drawn = [rng.permutation(patients[positive == value])[:size] for value, size in zip((0, 1), sizes, strict=True)]
        inside = np.isin(engine.patients[rows], np.concatenate(drawn))
        fits = engine.fit(outcome, rows[inside], rows[~inside])
        areas[place] = [fits[name].testing_auc for name in engine.models]
    return {"auc": areas}


def _resamples(engine: Engine, outcome: IntArray, rows: IntArray, numbers: range) -> Arrays:
    measures = np.full((len(numbers), len(engine.models), 5), np.nan)
    chosen = _Chosen(engine)
    for place, number in enumerate(numbers):
        drawn, sample = _sample(engine, rows, _generator(engine, _SAMPLES, number))
        for m, fit in enumerate(engine.fit(outcome, sample, rows).values()):
            chosen.add(fit)
            if fit.note:
                continue
            labels, odds = _left_out(engine, outcome, fit, drawn)
            measures[place, m, :3] = fit.training_auc, fit.testing_auc, auc(odds, labels)
            if 0 < labels.sum() < len(labels):
                measures[place, m, 3:] = _calibration(labels, special.expit(odds))
    return {"measures": measures, **chosen.arrays()}


def _noise(engine: Engine, outcome: IntArray, rows: IntArray, resamples: int, numbers: range) -> Arrays:
    apparent = np.full((len(numbers), len(engine.models)), np.nan)
    measures = np.full((len(numbers), resamples, len(engine.models), 3), np.nan)
    for place, number in enumerate(numbers):
        labels = permuted(
            outcome, engine.patients, [rows], seed=engine.protocol.seed, number=number, like=usable_by(engine)
        )
        apparent[place] = [fit.training_auc for fit in engine.fit(labels, rows, rows).values()]
        generator = _generator(engine, _NOISE, number)
        for resample in range(resamples):
            drawn, sample = _sample(engine, rows, generator)
            for m, fit in enumerate(engine.fit(labels, sample, rows).values()):
                if not fit.note:
                    truth, odds = _left_out(engine, labels, fit, drawn)
                    measures[place, resample, m] = fit.training_auc, fit.testing_auc, auc(odds, truth)
    return {"apparent": apparent, "measures": measures}


def _sample(engine: Engine, rows: IntArray, generator: np.random.Generator) -> tuple[IntArray, IntArray]:
    """Patients drawn with replacement, and their rows."""
    patients = np.unique(engine.patients[rows])
    drawn = generator.choice(patients, len(patients))
    return drawn, np.concatenate([rows[engine.patients[rows] == patient] for patient in drawn])


def _left_out(engine: Engine, outcome: IntArray, fit: ModelFit, drawn: IntArray) -> tuple[IntArray, Array]:
    """Outcome and log-odds of the rows whose patients were not drawn."""
    outside = ~np.isin(engine.patients[fit.testing_rows], drawn)
    return outcome[fit.testing_rows[outside]], fit.testing_log_odds[outside]


def _calibration(labels: IntArray, probability: Array) -> tuple[float, float]:
    return brier(labels, probability), calibration_intercept_slope(labels, probability).slope


class _Chosen:
    """Selected features of many fits as flat arrays: how many each, their places in the design table, coefficients."""

    def __init__(self, engine: Engine) -> None:
        self._place = {str(name): place for place, name in enumerate(engine.design.columns)}
        self._counts: list[int] = []
        self._places: list[int] = []
        self._coefficients: list[float] = []

    def add(self, fit: ModelFit) -> None:
        self._counts.append(len(fit.features))
        self._places += [self._place[name] for name in fit.features]
        known = len(fit.coefficients) == len(fit.features)  # a model that is no formula has none
        self._coefficients += fit.coefficients.tolist() if known else [float("nan")] * len(fit.features)

    def arrays(self) -> Arrays:
        return {
            "selected_counts": np.array(self._counts, dtype=np.int64),
            "selected": np.array(self._places, dtype=np.int64),
            "coefficients": np.array(self._coefficients, dtype=np.float64),
        }


def _names(engine: Engine, arrays: Arrays) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Model to the selected names of each fit."""
    columns = [str(name) for name in engine.design.columns]
    return {
        name: tuple(tuple(columns[place] for place in fit) for fit in fits)
        for name, fits in _by_model(engine, arrays, "selected").items()
    }


def _coefficients(engine: Engine, arrays: Arrays) -> dict[str, tuple[Array, ...]]:
    """Model to the coefficients of each fit, in the order of its names."""
    return {name: tuple(fits) for name, fits in _by_model(engine, arrays, "coefficients").items()}


def _by_model(engine: Engine, arrays: Arrays, which: str) -> dict[str, list[NDArray[Any]]]:
    """Model to an array a fit; fits lie one after another, model by model."""
    fits = np.split(arrays[which], np.cumsum(arrays["selected_counts"])[:-1])
    return {name: fits[m :: len(engine.models)] for m, name in enumerate(engine.models)}
