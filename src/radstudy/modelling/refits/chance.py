"""Chance calibration: what the same pipeline reaches when the outcome is chance.

Fixed: the features, the reproducible ones among them, the split, the seeds. Repeated for every permutation: all steps
that see an outcome, from the first filter to the penalty's folds. An empty selection is the intercept model with AUC
0.5; it is never dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from radstudy.errors import DataError
from radstudy.modelling.refits.chunks import ONE_PROCESS, Arrays, Chunks, in_chunks
from radstudy.modelling.refits.engine import Engine, ModelFit
from radstudy.modelling.refits.engine.penalty import TIE
from radstudy.modelling.refits.repeats import keyed
from radstudy.statistics import max_t
from radstudy.streams import Stream, generator_of

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]
Kind = Literal["outcome", "incremental"]

MEASURES = ("training", "cross_validated", "testing")
SETS = ("training", "testing")  # those that have an ROC curve
GRID: Array = np.linspace(0, 1, 101)  # false-positive rates at which the curves' heights are kept


@dataclass(frozen=True, eq=False)
class ChanceCalibration:
    """Observed AUCs beside those of permuted outcomes.

    Attributes
    ----------
    kind : "outcome" (outcome permuted within each set) or "incremental" (radiomics rows permuted against outcome and
        clinical variables within each set).
    permutations : B.
    observed : model to measure to AUC; the measures are those of `MEASURES`.
    permuted : model to measure to float (B,) AUCs of the permuted outcomes.
    sizes : model to int (B,) number of features selected.
    note : facts that a reader has to know.
    roc : model to set (those of `SETS`) to (B, 101) heights of the ROC curves at the false-positive rates of `GRID`;
        NaN if a class is missing.
    """

    kind: Kind
    permutations: int
    observed: Mapping[str, Mapping[str, float]]
    permuted: Mapping[str, Mapping[str, Array]]
    sizes: Mapping[str, IntArray]
    note: str = ""
    roc: Mapping[str, Mapping[str, Array]] = field(default_factory=dict)

    def p_value(self, model: str, measure: str) -> float:
        """(1 + number of permuted AUCs at least as large) / (B + 1); NaN where the observed AUC is.

        References
        ----------
        Phipson B, Smyth GK, Stat Appl Genet Mol Biol 2010;9:39, doi 10.2202/1544-6115.1585.
        """
        observed, permuted = self.observed[model][measure], self.permuted[model][measure]
        if np.isnan(observed):
            return float("nan")
        # a permuted AUC that could not be computed counts against the model: it is never dropped
        at_least = np.isnan(permuted) | (permuted >= observed - 1e-12)
        return float((1 + at_least.sum()) / (len(permuted) + 1))

    def smallest_p_value(self) -> float:
        """Smallest possible p-value: 1 / (B + 1), if no permutation reaches the observed AUC."""
        return 1 / (self.permutations + 1)

    def max_t_p_values(self, measure: str) -> dict[str, float]:
        """Return each model's p-value corrected for the number of models, by `max_t` on the same permutations.

        The family is all models here whose AUC is known; the others have NaN.
        """
        names = list(self.observed)
        permuted = np.column_stack([self.permuted[name][measure] for name in names])
        adjusted = max_t(np.array([self.observed[name][measure] for name in names]), permuted)
        return dict(zip(names, map(float, adjusted), strict=True))

    def mean_and_sd(self, model: str, measure: str) -> tuple[float, float]:
        """Mean and SD of the permuted AUCs that could be computed; NaN where none could."""
        known = self.permuted[model][measure][~np.isnan(self.permuted[model][measure])]
        return (float(known.mean()), float(known.std())) if len(known) else (float("nan"), float("nan"))

    def excess(self, model: str, measure: str) -> float:
        """Observed AUC minus the permuted median."""
        return self.observed[model][measure] - self.median(model, measure)

    def median(self, model: str, measure: str) -> float:
        """Median of the permuted AUCs that could be computed; NaN where none could."""
        return self._quantiles(model, measure, [0.5])[0]

    def band(self, model: str, measure: str, level: float = 0.95) -> tuple[float, float]:
        """The central share `level` of the permuted AUCs that could be computed; NaN where none could."""
        tail = (1 - level) / 2
        low, high = self._quantiles(model, measure, [tail, 1 - tail])
        return low, high

    def _quantiles(self, model: str, measure: str, shares: list[float]) -> list[float]:
        known = self.permuted[model][measure][~np.isnan(self.permuted[model][measure])]
        return [float(value) for value in np.quantile(known, shares)] if len(known) else [float("nan")] * len(shares)

    def roc_band(self, model: str, which: str, level: float = 0.95) -> Array:
        """Pointwise, not simultaneous: low, median and high (3, 101) of the permuted ROC curves at `GRID`."""
        tail = (1 - level) / 2
        heights = self.roc[model][which]
        known = heights[~np.isnan(heights).any(axis=1)]
        if not len(known):
            return np.full((3, len(GRID)), np.nan)
        return np.asarray(np.quantile(known, [tail, 0.5, 1 - tail], axis=0), dtype=np.float64)


def together(calibrations: Sequence[ChanceCalibration]) -> ChanceCalibration:
    """Combine several calibrations on the same permutations into one.

    Parameters
    ----------
    calibrations : of one kind and number of permutations, with the same exchanges (`calibrate`'s `like`).
    """
    first = calibrations[0]
    if any((one.kind, one.permutations) != (first.kind, first.permutations) for one in calibrations):
        raise ValueError("calibrations of different kinds or numbers of permutations cannot be combined")
    return ChanceCalibration(
        first.kind,
        first.permutations,
        {name: values for one in calibrations for name, values in one.observed.items()},
        {name: values for one in calibrations for name, values in one.permuted.items()},
        {name: values for one in calibrations for name, values in one.sizes.items()},
        first.note,
        {name: values for one in calibrations for name, values in one.roc.items()},
    )


def calibrate(
    engine: Engine,
    outcome: IntArray,
    training: IntArray,
    testing: IntArray,
    *,
    permutations: int = 1000,
    kind: Kind = "outcome",
    chunks: Chunks = ONE_PROCESS,
    like: IntArray | None = None,
) -> ChanceCalibration:
    """Fit every model of the engine to the outcome and to its permutations.

    Parameters
    ----------
    engine : the models on their design table.
    outcome : (rows,) 0 or 1 for every row of the design table.
    training, testing : positions of the rows of each set.
    permutations : B.
    kind : "outcome": the outcome is permuted within each set, keeping its counts. "incremental": the outcome and the
        clinical variables are permuted together against the radiomics features, so that a clinical variable alone
        cannot make radiomics look useful; for models with both.
    chunks : see `Chunks`; the models' settings, their table and the program's version are part of the key.
    like : (rows,) patients are exchanged only if these agree; None: `usable_by` of the engine. With the same `like`
        two engines see the same permutations.

    Returns
    -------
    ChanceCalibration. Whole patients are exchanged, among those of the same set with as many lesions that the same
    models can use: every model keeps its own counts, and no clinical variable that it needs comes from a patient
    without it.

    Raises
    ------
    DataError : a row appears twice, or in both sets.
    """
    training, testing = np.asarray(training), np.asarray(testing)
    rows = np.r_[training, testing]
    if len(np.unique(rows)) != len(rows):
        raise DataError("a row appears twice among the training and testing rows: permutations need each row once")
    observed = engine.fit(outcome, training, testing)
    alike = usable_by(engine) if like is None else like
    work = partial(_permutations, engine, np.asarray(outcome, dtype=np.int64), training, testing, kind, alike)
    kept = keyed(chunks, engine, outcome, kind=kind, training=training, testing=testing, like=alike)
    arrays = in_chunks(work, permutations, kept)
    alone = _alone(engine.patients, (training, testing), alike)
    note = (
        f"{alone} patients have a number of lesions, or of models that can use them, that no other patient of their "
        "set has: their outcomes are not permuted"
        if alone else ""
    )  # fmt: skip
    return ChanceCalibration(
        kind,
        permutations,
        {name: dict(zip(MEASURES, _measures(fit), strict=True)) for name, fit in observed.items()},
        {
            name: {which: arrays["auc"][:, m, w] for w, which in enumerate(MEASURES)}
            for m, name in enumerate(engine.models)
        },
        {name: arrays["size"][:, m] for m, name in enumerate(engine.models)},
        note,
        {name: {which: arrays["roc"][:, m, w] for w, which in enumerate(SETS)} for m, name in enumerate(engine.models)},
    )


def permuted(
    outcome: IntArray, patients: IntArray, sets: Sequence[IntArray], *, seed: int, number: int,
    like: IntArray | None = None,
) -> IntArray:  # fmt: skip
    """Return the outcome of one permutation: each row takes that of its row in ``exchanged_rows``."""
    return np.asarray(outcome)[exchanged_rows(patients, sets, seed=seed, number=number, like=like)]


def usable_by(engine: Engine) -> IntArray:
    """Return the same number for rows that the same models can use, 0 for rows that none can use, (rows,)."""
    usable = np.column_stack([engine.usable[name] for name in engine.models])
    _, which = np.unique(usable, axis=0, return_inverse=True)
    return np.where(usable.any(axis=1), np.ravel(which) + 1, 0)


def exchanged_rows(
    patients: IntArray, sets: Sequence[IntArray], *, seed: int, number: int, like: IntArray | None = None
) -> IntArray:  # fmt: skip
    """Return the row that each row's outcome is taken from in one permutation.

    Parameters
    ----------
    patients : (rows,) the patient of each row.
    sets : positions of the rows of each set; patients are exchanged within a set, among those with as many lesions.
    seed : the study's seed.
    number : number of the permutation; each has its own generator, so that the order of computing does not matter.
    like : (rows,) patients are exchanged only if these agree, lesion by lesion (`usable_by`); None: no restriction.

    Returns
    -------
    int (rows,), a permutation of all rows.
    """
    rng = generator_of(seed, Stream.PERMUTATIONS, number)
    source = np.arange(len(patients))
    for rows in sets:
        for blocks in _blocks(patients, np.asarray(rows), like).values():
            places = np.array(blocks)
            source[places] = places[rng.permutation(len(places))]
    return source


def _blocks(patients: IntArray, rows: IntArray, like: IntArray | None) -> dict[tuple[int, ...], list[IntArray]]:
    """Group the patients' rows by the `like` numbers of their lesions, fewest lesions first."""
    blocks: dict[tuple[int, ...], list[IntArray]] = {}
    for patient in np.unique(patients[rows]):
        block = rows[patients[rows] == patient]
        if like is not None:
            block = block[np.argsort(like[block], kind="stable")]
        kind = (0,) * len(block) if like is None else tuple(like[block].tolist())
        blocks.setdefault(kind, []).append(block)
    return dict(sorted(blocks.items(), key=lambda item: (len(item[0]), item[0])))


def _alone(patients: IntArray, sets: Sequence[IntArray], like: IntArray) -> int:
    """Count the patients whom some model can use and who cannot be exchanged with any other."""
    return sum(
        len(blocks) == 1 and any(kind) for rows in sets for kind, blocks in _blocks(patients, rows, like).items()
    )


def _measures(fit: ModelFit) -> tuple[float, float, float]:
    return fit.training_auc, fit.cross_validated_auc, fit.testing_auc


def roc_heights(log_odds: Array, outcome: IntArray) -> Array:
    """Compute the height of an ROC curve at the false-positive rates of `GRID`.

    Where the curve is vertical, the height is its upper end; where scores tie (equal to nine decimals, as in the AUC),
    the curve is linear between its points, so that constant scores have the diagonal.

    Parameters
    ----------
    log_odds : (rows,) scores.
    outcome : (rows,) 0 or 1.

    Returns
    -------
    (101,); NaN if a class is missing.
    """
    positives = int(outcome.sum())
    if positives in (0, len(outcome)):
        return np.full(len(GRID), np.nan)
    scores = np.round(log_odds, TIE)
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.append(np.flatnonzero(ranked[1:] != ranked[:-1]), len(scores) - 1)  # of each group of equal scores
    hits = np.concatenate([[0], np.cumsum(outcome[order])[last]])
    false = np.concatenate([[0], last + 1]) - hits
    # a rate that is a whole number of cases must be recognised as such: compare in cases, with some tolerance
    wanted = GRID * (len(outcome) - positives)
    heights: Array = np.interp(
        np.where(np.abs(wanted - np.round(wanted)) < 1e-9, np.round(wanted), wanted), false, hits
    )
    return heights / positives


def _permutations(
    engine: Engine, outcome: IntArray, training: IntArray, testing: IntArray, kind: Kind, like: IntArray,
    numbers: range,
) -> Arrays:  # fmt: skip
    """Compute AUCs (numbers, models, measures), numbers of features and ROC curves of some permutations."""
    areas = np.empty((len(numbers), len(engine.models), len(MEASURES)))
    sizes = np.empty((len(numbers), len(engine.models)), dtype=np.int64)
    roc = np.empty((len(numbers), len(engine.models), len(SETS), len(GRID)), dtype=np.float32)
    for place, number in enumerate(numbers):
        source = exchanged_rows(
            engine.patients, (training, testing), seed=engine.protocol.seed, number=number, like=like
        )
        moved: dict[str, Any] = {"clinical_from": source} if kind == "incremental" else {}
        fits = engine.fit(outcome[source], training, testing, **moved)
        for m, name in enumerate(engine.models):
            areas[place, m] = _measures(fits[name])
            sizes[place, m] = len(fits[name].features)
            roc[place, m] = _curves(fits[name], outcome[source])
    return {"auc": areas, "size": sizes, "roc": roc}


def _curves(fit: ModelFit, outcome: IntArray) -> Array:
    """Return the heights of a fit's ROC curves, (sets, 101)."""
    both = ((fit.training_log_odds, fit.training_rows), (fit.testing_log_odds, fit.testing_rows))
    return np.array([roc_heights(odds, outcome[rows]) for odds, rows in both])
