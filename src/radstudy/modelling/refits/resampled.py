"""Rows of the tables on resampling: each model's performance inside the folds, and its stability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special, stats

from radstudy.artefacts.beside import PATIENTS
from radstudy.modelling.models import candidates_among
from radstudy.modelling.refits.engine import Engine, ModelFit
from radstudy.modelling.refits.optimism import Bootstrap, NestedValidation, selection_frequency
from radstudy.statistics import SelectionStability, fewest_for_share, icc, selection_stability
from radstudy.statistics.selection_stability import FEWEST_FOR_INTERVAL

Array = NDArray[np.float64]
Record = dict[str, Any]

FEW_RESAMPLES = f"fewer than {FEWEST_FOR_INTERVAL} resamples: too few for an interval"


def published(fit: ModelFit) -> Record:
    """Return the AUCs as usually published: in training, with the selection outside the folds, and in the one split."""
    return {
        "training_auc": fit.training_auc, "selected_outside_auc": fit.cross_validated_auc,
        "testing_auc": fit.testing_auc,
    }  # fmt: skip


def nested_record(nested: NestedValidation, model: str, level: float) -> Record:
    """Compute the mean of the folds' AUCs with its corrected interval (Student's t, limited to 0 and 1)."""
    mean, se = nested.mean_auc(model), nested.standard_error(model)
    known = int(np.isfinite(nested.fold_aucs[model]).sum())
    half = float(stats.t.ppf((1 + level) / 2, known - 1)) * se if known > 1 else float("nan")
    return {
        "nested_auc": mean, "nested_se": se, "nested_low": max(0.0, mean - half), "nested_high": min(1.0, mean + half),
        "repeats": nested.repeats, "folds": nested.folds, **_agreement(risks_of(nested, model)),
    }  # fmt: skip


def risks_of(nested: NestedValidation, model: str) -> Array:
    """Return the predicted risk of each row when it was left out, (rows, repeats); NaN if it was not scored."""
    return np.asarray(special.expit(nested.log_odds[model]).T, dtype=np.float64)


def _agreement(risks: Array) -> Record:
    """Compute the agreement of the repeats on a patient's risk: their ICC(1,1), and a patient's SD over them."""
    scored = risks[np.isfinite(risks).all(axis=1)]
    if scored.shape[1] < 2 or not len(scored):
        return dict.fromkeys(("risk_icc", "risk_sd_median", "risk_sd_largest"), float("nan"))
    spread = scored.std(axis=1, ddof=1)
    return {
        "risk_icc": float(np.ravel(icc(scored, "ICC(1,1)").value)[0]), "risk_sd_median": float(np.median(spread)),
        "risk_sd_largest": float(spread.max()),
    }  # fmt: skip


def split_record(areas: Array, own: float, level: float) -> Record:
    """Summarise the testing AUCs of other splits, and the share lower than the study's own (ties count half)."""
    low, median, high = quantiles(areas, level)
    known = areas[np.isfinite(areas)]
    lower = (known < own - 1e-12).mean() + 0.5 * (np.abs(known - own) <= 1e-12).mean() if len(known) else np.nan
    share = float(lower) if np.isfinite(own) else float("nan")
    return {
        "splits": len(areas), "split_median": median, "split_low": low, "split_high": high, "split_share_lower": share
    }  # fmt: skip


def bootstrap_record(
    result: Bootstrap, model: str, columns: Sequence[str], outcome: NDArray[np.int64], level: float
) -> Record:
    """Summarise the out-of-bag values and the stability of the selection.

    Parameters
    ----------
    result, model : the bootstrap and one of its models.
    columns : all columns that the model could select.
    outcome : (rows that the model can use,); with the prevalence alone the Brier score is share (1 - share).
    level : of the intervals.
    """
    low, _, high = quantiles(result.out_of_bag[model], level)
    slopes = result.slope[model][np.isfinite(result.slope[model])]
    stability = stability_of(_of_fitted(result, model, result.selected[model]), columns, level)
    known = stability.n >= FEWEST_FOR_INTERVAL
    share = float(outcome.mean())
    return {
        "resamples": result.resamples, "out_of_bag_auc": _mean(result.out_of_bag[model]),
        "out_of_bag_low": low, "out_of_bag_high": high, "out_of_bag_brier": _mean(result.brier[model]),
        "share_brier": share * (1 - share), "out_of_bag_slope": float(np.median(slopes)) if len(slopes) else np.nan,
        "slopes": len(slopes), "stability": stability.value,
        "stability_low": stability.ci[0] if known else np.nan, "stability_high": stability.ci[1] if known else np.nan,
        "stability_note": stability.reason or ("" if known else FEW_RESAMPLES), "features_mean": stability.size,
        "candidates": len(columns),
    }  # fmt: skip


def _of_fitted(result: Bootstrap, model: str, items: Sequence[Any]) -> tuple[Any, ...]:
    """Return the items of the resamples to which the model could be fitted; the others select nothing by necessity."""
    return tuple(item for item, area in zip(items, result.in_bag[model], strict=True) if np.isfinite(area))


def stability_of(selected: Sequence[Sequence[str]], columns: Sequence[str], level: float) -> SelectionStability:
    """Compute Nogueira's stability index of named selections among all candidates."""
    place = {name: index for index, name in enumerate(columns)}
    table = np.zeros((len(selected), len(columns)), dtype=bool)
    for number, names in enumerate(selected):
        table[number, [place[name] for name in names]] = True
    if len(table) < 2 or not len(columns):
        none = float("nan")
        return SelectionStability(none, none, (none, none), none, len(table), "fewer than two resamples")
    return selection_stability(table, level=level)


def candidate_columns(engine: Engine, model: str) -> list[str]:
    """Return the columns of the design table that a model may select."""
    return candidates_among(engine.protocol, model, map(str, engine.design.columns))


def feature_records(result: Bootstrap, own: ModelFit, level: float) -> list[Record]:
    """Return each feature's selection frequency, and its coefficient's spread if selected; the most frequent first."""
    name = own.model
    coefficients: dict[str, list[float]] = {}
    selected = _of_fitted(result, name, result.selected[name])
    for names, values in zip(selected, _of_fitted(result, name, result.coefficients[name]), strict=True):
        for feature, value in zip(names, values, strict=True):
            coefficients.setdefault(feature, []).append(float(value))
    formula = len(own.coefficients) == len(own.features)
    mine = dict(zip(own.features, own.coefficients if formula else [np.nan] * len(own.features), strict=True))
    frequency = selection_frequency(selected)
    records = []
    for feature in [*frequency, *(feature for feature in own.features if feature not in frequency)]:
        values = np.array(coefficients.get(feature, []))
        low, median, high = quantiles(values, level)
        known = values[np.isfinite(values)]
        same = 100 * max((known > 0).mean(), (known < 0).mean()) if len(known) else float("nan")
        records.append({
            "model": name, "feature": feature, "selected_percent": 100 * frequency.get(feature, 0.0),
            "in_model": feature in mine, "model_coefficient": float(mine.get(feature, np.nan)),
            "coefficient_median": median, "coefficient_low": low, "coefficient_high": high, "same_sign_percent": same,
            "selected": len(values),
        })  # fmt: skip
    return records


def patient_frame(nested: NestedValidation, model: str, rows: pd.DataFrame, level: float) -> pd.DataFrame:
    """Compute each patient's risk over the repeats: rows of evaluate/resampling/patients.csv.

    Parameters
    ----------
    nested, model : the validation and one of its models.
    rows : of the design table, indexed (patient, lesion), with ``set`` and ``outcome``.
    level : central share of the repeats between low and high; NaN if there are too few repeats for it.
    """
    risks = risks_of(nested, model)
    scored = np.isfinite(risks).any(axis=1)
    risks, tail = risks[scored], (1 - level) / 2
    low, median, high = np.nanquantile(risks, [tail, 0.5, 1 - tail], axis=1) if len(risks) else np.empty((3, 0))
    few = np.isfinite(risks).sum(axis=1) < fewest_for_share(level)
    low, high = np.where(few, np.nan, low), np.where(few, np.nan, high)
    about = rows[scored].reset_index()[["patient", "lesion", "set", "outcome"]]
    several = (np.isfinite(risks).sum(axis=1) > 1).all() and len(risks)
    spread = np.nanstd(risks, axis=1, ddof=1) if several else np.full(len(risks), np.nan)
    values = {"risk_median": median, "risk_low": low, "risk_high": high, "risk_sd": spread}
    return about.assign(model=model, **{name: np.round(value, 6) for name, value in values.items()})[PATIENTS.names]


def correction_records(
    result: Bootstrap, noise: Sequence[Bootstrap], model: str, corrections: Sequence[str]
) -> list[Record]:
    """Return apparent, corrected and out-of-bag AUC of a model, each with its mean on permuted outcomes."""
    wanted = ("apparent", *corrections, "out_of_bag")
    records = []
    for which in wanted:
        on_noise = np.array([_estimate(one, model, which) for one in noise])
        on_noise = on_noise[np.isfinite(on_noise)]
        records.append({
            "model": model, "correction": which, "auc": _estimate(result, model, which), "noise_auc": _mean(on_noise),
            "noise_se": float(on_noise.std(ddof=1) / np.sqrt(len(on_noise))) if len(on_noise) > 1 else np.nan,
            "noise_outcomes": len(on_noise), "resamples": result.resamples,
        })  # fmt: skip
    return records


def _estimate(result: Bootstrap, model: str, which: str) -> float:
    makers: Mapping[str, Any] = {
        "harrell": result.harrell, "632": result.weighted_632, "632+": result.weighted_632_plus,
        "out_of_bag": result.out_of_bag_auc, "apparent": lambda name: result.apparent[name],
    }  # fmt: skip
    return float(makers[which](model)) if np.isfinite(result.out_of_bag[model]).any() else float("nan")


def quantiles(values: Array, level: float) -> tuple[float, float, float]:
    """Return lower end, median and upper end of the central share; the ends are NaN if there are too few values."""
    known = values[np.isfinite(values)]
    if not len(known):
        return float("nan"), float("nan"), float("nan")
    low, median, high = np.quantile(known, [(1 - level) / 2, 0.5, (1 + level) / 2])
    if len(known) < fewest_for_share(level):
        return float("nan"), float(median), float("nan")
    return float(low), float(median), float(high)


def _mean(values: Array) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")
