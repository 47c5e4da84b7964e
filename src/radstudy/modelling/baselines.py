"""What needs no radiomics: one variable in a logistic regression, for Table 3; and each model beside the volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from radstudy.errors import DataError
from radstudy.modelling.assessment import Scored
from radstudy.statistics import auc, delong_test, logistic

BESIDE_VOLUME = (
    "model", "set", "sequence", "rows", "auc", "volume_auc", "difference", "low", "high", "p_value", "rho", "note",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Baseline:
    """A baseline's probabilities.

    Parameters
    ----------
    name : of the row of Table 3.
    kind : "volume", "age" or "shuffled".
    probability : by (patient, lesion), of all rows that it can use; empty where it could not be fitted.
    note : why it could not be fitted, or what is to be known.
    """

    name: str
    kind: str
    probability: pd.Series
    note: str = ""


def one_variable(name: str, kind: str, values: pd.Series, rows: pd.DataFrame) -> Baseline:
    """One variable in a logistic regression without penalty, fitted on the training rows.

    Parameters
    ----------
    name, kind : of the baseline.
    values : the variable by (patient, lesion); rows without a value are left out.
    rows : of the cohort, with ``outcome`` and ``set``.

    Returns
    -------
    Baseline; Firth's estimate where the variable separates the outcome.
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


def log_volume(volume: pd.Series) -> pd.Series:
    """The natural logarithm of the volumes; a lesion without volume has none."""
    return np.log(volume.astype(float).where(volume > 0))


def scored(baseline: Baseline, rows: pd.DataFrame, which: str) -> Scored:
    """A baseline's probabilities in one set.

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
    """A model beside the volume-only model of the same patients; see `BESIDE_VOLUME`.

    Parameters
    ----------
    model : its name.
    scores : its probabilities by (patient, lesion).
    rows : of the cohort.
    volumes : sequence to its volume-only baseline.
    sequences : of the model; of several, the volume with the largest training AUC is taken.
    level : of the interval of the difference (DeLong's, unadjusted).

    Returns
    -------
    One record a set. ``rho``: Spearman's correlation of the model's probabilities with the volume's.
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
        if len(np.unique(y)) < 2:
            records.append({**record, "note": "one class only"})
            continue
        test = delong_test(y, a, b, level=level)
        constant = len(np.unique(a)) < 2 or len(np.unique(b)) < 2
        records.append(
            record | {
                "auc": test.auc_a, "volume_auc": test.auc_b, "difference": test.difference, "low": test.ci[0],
                "high": test.ci[1], "p_value": test.p_value,
                "rho": np.nan if constant else float(stats.spearmanr(a, b).statistic), "note": test.note,
            }
        )  # fmt: skip
    return records


def _training_auc(baseline: Baseline, rows: pd.DataFrame) -> float:
    one = scored(baseline, rows, "training")
    return auc(one.y, one.probability) if one.has_both_classes else 0.0
