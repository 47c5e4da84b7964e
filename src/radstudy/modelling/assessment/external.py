"""Assessment of a fixed formula in an external cohort: rows of the tables of a validation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radstudy.modelling.assessment.performance import (
    Scored,
    calibration_points,
    calibration_row,
    decision_points,
    flexible_curve,
    performance_row,
)
from radstudy.modelling.lesions import joined
from radstudy.protocol.sections import Interval
from radstudy.statistics import (
    auc,
    auc_ci,
    logistic,
    model_based_concordance,
    observed_expected,
    validation_sample_size,
)
from radstudy.statistics.bootstrap import percentile_limits
from radstudy.statistics.validation_size import AUC_WIDTH, OE_WIDTH, SLOPE_WIDTH

_RESAMPLES = 1000
_NEARLY_EQUAL = 0.1  # SD of the log-odds below which a calibration slope says nothing
_FEWEST = 10  # positives and negatives of a group; a calibration from fewer says nothing


def without_model(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row without the column of the model, which a validation has only one of."""
    return {name: value for name, value in record.items() if name != "model"}


def external_performance(scored: Scored, cutoff: float, section: Interval, seed: int) -> dict[str, Any]:
    """Compute discrimination, and classification at the signature's cut-off.

    Parameters
    ----------
    scored : the probabilities; ``which`` is all or inside.
    cutoff : of the signature; infinite if no patient is called positive.
    section : methods and level of the intervals.
    seed : of the bootstrap intervals.
    """
    return without_model(performance_row(scored, cutoff, section, "", seed))


def external_calibration(scored: Scored, version: str, section: Interval, **more: Any) -> dict[str, Any]:
    """Compute calibration: observed over expected events, intercept, slope, distances of the curve.

    Parameters
    ----------
    scored : the probabilities.
    version : as published, or the recalibration.
    section : level of the intervals.
    more : further columns.
    """
    record = {"set": scored.which, "version": version, "rows": len(scored.y), "positives": int(scored.y.sum()), **more}
    line = without_model(calibration_row(scored, flexible_curve(scored, section.level), section.level))
    record = {**line, **record, "note": joined(str(more.get("note", "")), line["note"])}
    if not scored.has_both_classes:
        return record
    linear = _finite_log_odds(scored.probability)
    if linear is not None and 0 < (spread := float(linear.std())) < _NEARLY_EQUAL:
        same = f"the probabilities hardly differ (SD of the log-odds {spread:.2g}): the slope means little"
        record["note"] = joined(record["note"], same)
    ratio = observed_expected(scored.y, scored.probability, level=section.level)
    record |= {"expected": ratio.expected, "oe": ratio.ratio, "oe_low": ratio.ci[0], "oe_high": ratio.ci[1]}
    return {"auc": auc(scored.y, scored.probability), **record}


def external_curve(scored: Scored, version: str, level: float) -> pd.DataFrame | None:
    """Compute the flexible calibration curve; None if the rows have one class only."""
    curve = flexible_curve(scored, level)
    if curve is None:
        return None
    return calibration_points(scored, curve).drop(columns="model").assign(version=version)


def external_decision(scored: Scored, version: str, level: float, seed: int) -> pd.DataFrame:
    """Compute the decision curve with its bootstrap band."""
    return decision_points(scored, level, seed).drop(columns="model").assign(version=version)


def case_mix(scored: Scored, section: Interval, seed: int) -> dict[str, Any]:
    """Compare the AUC with the one to be expected from the case mix if the formula were right.

    The interval of the expected AUC is that of resampled patients; after recalibration of slope and intercept on these
    same patients, the difference that remains is one of the coefficients' proportions.

    Parameters
    ----------
    scored : the probabilities of the formula as published.
    section : method and level of the intervals.
    seed : of the bootstrap.
    """
    record: dict[str, Any] = {"set": scored.which, "rows": len(scored.y), "note": ""}
    if not scored.has_both_classes:
        return {**record, "note": "one class only"}
    area = auc_ci(scored.y, scored.probability, method=section.auc, level=section.level, rng=_rng(seed))
    record |= {"auc": area.auc, "auc_low": area.ci[0], "auc_high": area.ci[1], "note": area.note}
    if len(np.unique(scored.probability)) == 1:
        return {**record, "note": joined(area.note, "all probabilities are equal")}
    rng = _rng(seed)
    drawn = np.array(
        [model_based_concordance(rng.choice(scored.probability, len(scored.y))) for _ in range(_RESAMPLES)]
    )
    low, high = percentile_limits(drawn, section.level)
    record |= {"expected_auc": model_based_concordance(scored.probability)}
    record |= {"expected_auc_low": low, "expected_auc_high": high}
    linear = _finite_log_odds(scored.probability)
    if linear is None:
        return {**record, "note": joined(area.note, "a probability is exactly 0 or 1")}
    fit = logistic(linear[:, None], scored.y, ["log-odds"], on_separation="firth")
    recalibrated = 1 / (1 + np.exp(-(fit.intercept + fit.coefficients[0] * linear)))
    record |= {"expected_recalibrated": model_based_concordance(recalibrated)}
    return record | {"log_odds_mean": float(linear.mean()), "log_odds_sd": float(linear.std(ddof=1))}


def _rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def _finite_log_odds(probability: NDArray[np.float64]) -> NDArray[np.float64] | None:
    if ((probability <= 0) | (probability >= 1)).any():
        return None
    odds: NDArray[np.float64] = np.log(probability / (1 - probability))
    return odds


def subgroup_rows(scored: Scored, column: str, levels: pd.Series[Any], section: Interval) -> Iterator[dict[str, Any]]:
    """Compute discrimination and calibration for each value of a column.

    Parameters
    ----------
    scored : all patients.
    column : its name.
    levels : (rows,) text; missing values are a group of their own.
    section : methods and level of the intervals.
    """
    named = levels.fillna("(no value)").astype(str).to_numpy()
    for level in sorted(set(named), key=_in_order):
        at = named == level
        part = Scored(scored.model, scored.which, scored.y[at], scored.probability[at], scored.patients[at])
        yield {"column": column, "level": level, **_of_group(part, section)}


def _in_order(level: str) -> tuple[bool, float, str]:
    """Sort numbers by size, before words."""
    try:
        return False, float(level), level
    except ValueError:
        return True, 0.0, level


def _of_group(part: Scored, section: Interval) -> dict[str, Any]:
    positives = int(part.y.sum())
    record: dict[str, Any] = {"rows": len(part.y), "positives": positives, "note": ""}
    if not part.has_both_classes:
        return {**record, "expected": float(part.probability.sum()), "note": "one class only"}
    area = auc_ci(part.y, part.probability, method=section.auc, level=section.level)
    measured = external_calibration(part, "", section)
    kept = ("expected", "oe", "oe_low", "oe_high", "intercept", "intercept_low", "intercept_high", "slope", "slope_low",
            "slope_high")  # fmt: skip
    few = min(positives, len(part.y) - positives)
    note = f"{few} patients in the smaller class: the estimates mean little" if few < _FEWEST else ""
    record |= {"auc": area.auc, "auc_low": area.ci[0], "auc_high": area.ci[1]}
    return {**record, **{name: measured[name] for name in kept}, "note": joined(note, area.note, measured["note"])}


def sample_size_rows(scored: Scored, calibration: Mapping[str, Any], area: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Compute the patients needed for precise estimates, as these patients would have had to be planned.

    The share of positives, the AUC and the distribution of the log-odds are those of this cohort, and good calibration
    is assumed (Riley and colleagues 2021).

    Parameters
    ----------
    scored : the formula as published, all patients.
    calibration, area : its rows of the tables of calibration and performance.
    """
    linear = _finite_log_odds(scored.probability) if scored.has_both_classes else None
    reached = {
        "observed over expected": (OE_WIDTH, _width(calibration, "oe")),
        "calibration slope": (SLOPE_WIDTH, _width(calibration, "slope")),
        "AUC": (AUC_WIDTH, _width(area, "auc")),
    }
    size = None
    if linear is not None and np.ptp(linear) > 0 and 0 < area["auc"] < 1:
        size = validation_sample_size(linear, float(scored.y.mean()), float(area["auc"]))
    needed = (np.nan,) * 3 if size is None else (size.observed_expected, size.slope, size.auc)
    return [
        {"criterion": name, "width": width, "reached": own, "needed": count, "rows": len(scored.y)}
        for (name, (width, own)), count in zip(reached.items(), needed, strict=True)
    ]


def _width(row: Mapping[str, Any], name: str) -> float:
    return float(row.get(f"{name}_high", np.nan)) - float(row.get(f"{name}_low", np.nan))
