"""Baselines without radiomics: a logistic regression of one variable, for Table 3; comparison with the volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import stats

from radstudy.errors import DataError
from radstudy.modelling.assessment.performance import Scored
from radstudy.modelling.lesions import joined, lesions_note
from radstudy.modelling.refits.chance import SETS, ChanceCalibration, exchanged_rows
from radstudy.statistics import auc, delong_test, logistic

Array = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Baseline:
    """A baseline's probabilities.

    Parameters
    ----------
    name : of its row in Table 3.
    kind : "volume", "age" or "shuffled".
    probability : by (patient, lesion), of all rows that it can use; empty if it could not be fitted.
    note : the reason why it could not be fitted, or another fact to know.
    """

    name: str
    kind: str
    probability: pd.Series
    note: str = ""


def one_variable(name: str, kind: str, values: pd.Series, rows: pd.DataFrame) -> Baseline:
    """Fit a logistic regression of one variable, without penalty, on the training rows.

    Parameters
    ----------
    name, kind : of the baseline.
    values : the variable by (patient, lesion); rows without a value are left out.
    rows : of the cohort, with ``outcome`` and ``set``.

    Returns
    -------
    Baseline; Firth's estimate if the variable separates the outcome.
    """
    values = values.dropna()
    values = values[values.index.isin(rows.index)].astype(float)
    sets, outcome = rows["set"].reindex(values.index), rows["outcome"].reindex(values.index)
    training = (sets == "training").to_numpy()
    try:
        fit = logistic(values.to_numpy()[training, None], outcome.to_numpy()[training], on_separation="firth")
    except DataError as error:
        return Baseline(name, kind, values[:0], f"not fitted: {error}")
    odds = fit.intercept + fit.coefficients[0] * values
    return Baseline(name, kind, 1 / (1 + np.exp(-odds)), fit.note)


def chance_of_variable(
    name: str, values: pd.Series, rows: pd.DataFrame, *, permutations: int, seed: int
) -> ChanceCalibration:  # fmt: skip
    """Compute the AUCs of `one_variable` when the outcome is chance; patients are exchanged as in `calibrate`.

    A logistic regression on one variable orders the rows as the variable does, upwards or downwards: its slope has the
    sign of the difference of the two groups' training means, which is the slope of the likelihood at zero. Its AUCs can
    therefore be computed without fitting.

    Parameters
    ----------
    name : of the baseline.
    values : the variable by (patient, lesion); rows without a value are left out.
    rows : of the cohort, with ``outcome`` and ``set``.
    permutations : B.
    seed : the study's.

    Returns
    -------
    ChanceCalibration with the training and testing AUC; an AUC is NaN where a class is missing, 0.5 where the variable
    does not differ between the training means.
    """
    x = values.reindex(rows.index).to_numpy(dtype=float)
    outcome = rows["outcome"].to_numpy(dtype=np.int64)
    patients = np.asarray(pd.factorize(rows.index.get_level_values("patient"))[0], dtype=np.int64)
    sets = {which: np.flatnonzero((rows["set"] == which).to_numpy()) for which in SETS}
    like = np.asarray(~np.isnan(x), dtype=np.int64)
    sources = [
        exchanged_rows(patients, list(sets.values()), seed=seed, number=number, like=like)
        for number in range(permutations)
    ]
    outcomes = np.vstack([outcome, *(outcome[source] for source in sources)])
    known = {which: part[~np.isnan(x[part])] for which, part in sets.items()}
    direction = _slope_sign(x[known["training"]], outcomes[:, known["training"]])
    areas = {which: _areas(direction, x[part], outcomes[:, part]) for which, part in known.items()}
    return ChanceCalibration(
        "outcome", permutations,
        {name: {which: float(area[0]) for which, area in areas.items()}},
        {name: {which: area[1:] for which, area in areas.items()}},
        {name: np.ones(permutations, dtype=np.int64)},
    )  # fmt: skip


def _slope_sign(x: Array, outcomes: IntArray) -> Array:
    """Return the sign of the slope for each outcome, (outcomes,): -1, 0 or 1; NaN if a class is missing."""
    positives = outcomes.sum(axis=1)
    both = (positives > 0) & (positives < len(x))
    # centred, so that equal means are equal except for the rounding of a sum
    slope = outcomes @ (x - x.mean()) if len(x) else np.zeros(len(outcomes))
    slope[np.abs(slope) <= 1e-12 * np.abs(x).sum()] = 0
    return np.where(both, np.sign(slope), np.nan)


def _areas(direction: Array, x: Array, outcomes: IntArray) -> Array:
    """Compute the AUCs of the variable taken upwards or downwards, (outcomes,), from the positives' rank sums."""
    positives = outcomes.sum(axis=1)
    pairs = positives * (len(x) - positives)
    excess = outcomes @ stats.rankdata(x) - positives * (positives + 1) / 2 - pairs / 2
    return np.asarray(0.5 + direction * excess / np.where(pairs > 0, pairs, np.nan), dtype=np.float64)


def log_volume(volume: pd.Series) -> pd.Series:
    """Return the natural logarithm of the volumes; lesions without volume have NaN."""
    return pd.Series(np.log(volume.astype(float).where(volume > 0)), index=volume.index, name=volume.name)


def scored(baseline: Baseline, rows: pd.DataFrame, which: str) -> Scored:
    """Return a baseline's probabilities in one set.

    Parameters
    ----------
    baseline : with its probabilities.
    rows : of the cohort.
    which : "training" or "testing".
    """
    part = baseline.probability[(rows["set"].reindex(baseline.probability.index) == which).to_numpy()]
    outcome = rows["outcome"].reindex(part.index).to_numpy(dtype=np.int64)
    patients = part.index.get_level_values("patient").to_numpy(dtype=object)
    return Scored(baseline.name, which, outcome, part.to_numpy(dtype=float), patients)


def beside_volume(
    model: str, scores: pd.Series, rows: pd.DataFrame, volumes: Mapping[str, Baseline], sequences: Sequence[str],
    level: float,
) -> list[dict[str, Any]]:  # fmt: skip
    """Compare a model with the volume-only model of the same patients: rows of evaluate/baselines/beside_volume.csv.

    Parameters
    ----------
    model : its name.
    scores : its probabilities by (patient, lesion).
    rows : of the cohort.
    volumes : sequence to its volume-only baseline.
    sequences : of the model; if it has several, the volume with the largest training AUC is used.
    level : of the interval of the difference (DeLong's, unadjusted).

    Returns
    -------
    One record per set. ``rho``: Spearman's correlation of the model's probabilities with the volume's.
    """
    known = [name for name in sequences if name in volumes and len(volumes[name].probability)]
    if not known:
        return []
    best = max(known, key=lambda name: _training_auc(volumes[name], rows))
    alone = volumes[best].probability
    both = scores.index.intersection(alone.index)
    records = []
    for which in ("training", "testing"):
        part = both[(rows["set"].reindex(both) == which).to_numpy()]
        y, a, b = rows["outcome"].reindex(part).to_numpy(), scores[part].to_numpy(), alone[part].to_numpy()
        record: dict[str, Any] = {"model": model, "set": which, "sequence": best, "rows": len(part)}
        several = lesions_note(part.get_level_values("patient"))
        if len(np.unique(y)) < 2:
            records.append({**record, "note": joined("one class only", several)})
            continue
        test = delong_test(y, a, b, level=level)
        constant = len(np.unique(a)) < 2 or len(np.unique(b)) < 2
        records.append(
            record | {
                "auc": test.auc_a, "volume_auc": test.auc_b, "difference": test.difference, "low": test.ci[0],
                "high": test.ci[1], "p_value": test.p_value,
                "rho": np.nan if constant else float(stats.spearmanr(a, b).statistic),
                "note": joined(test.note, several),
            }
        )  # fmt: skip
    return records


def _training_auc(baseline: Baseline, rows: pd.DataFrame) -> float:
    one = scored(baseline, rows, "training")
    return auc(one.y, one.probability) if one.has_both_classes else 0.0
