"""Performance of a model's probabilities: the rows of Table 3, of calibration and of the curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radstudy.modelling.assessment.measures import AUC, COUNTS, MEASURES, Assessed
from radstudy.modelling.lesions import joined, lesions_note
from radstudy.protocol.sections import CutoffSection, Interval
from radstudy.statistics import (
    CalibrationCurve,
    calibration_curve,
    calibration_intercept_slope,
    cutoff,
    decision_curve,
    precision_recall_curve,
    roc_curve,
)

_ONE_CLASS, _NO_ROW = (
    "the rows that this model can use have one class only",
    "the set has no row that this model can use",
)


@dataclass(frozen=True, eq=False)
class Scored:
    """One model's probabilities in one set.

    Parameters
    ----------
    model, which : its name, and the set: training or testing.
    y : (n,) 0 or 1.
    probability : (n,) of the positive outcome.
    patients : (n,) the patient of each row.
    """

    model: str
    which: str
    y: NDArray[np.int64]
    probability: NDArray[np.float64]
    patients: NDArray[np.object_]

    @property
    def place(self) -> dict[str, Any]:
        """Return model and set, the first columns of every table."""
        return {"model": self.model, "set": self.which}

    @property
    def has_both_classes(self) -> bool:
        """True if there are positive and negative rows; otherwise nothing here is defined."""
        return len(np.unique(self.y)) == 2


def chosen_cutoff(training: Scored, section: CutoffSection) -> float:
    """Return the cut-off by the study file's rule on the training rows; `section` as in ``evaluate.cutoff``."""
    return cutoff(
        training.y, training.probability, section.rule, target=section.target, cost_ratio=section.cost_ratio or 1.0
    ).cutoff


def _why_not(scored: Scored) -> str:
    """Return the reason why rows with fewer than two classes have no AUC."""
    return _ONE_CLASS if len(scored.y) else _NO_ROW


def performance_row(scored: Scored, at: float, section: Interval, note: str, seed: int) -> dict[str, Any]:
    """Compute a row of Table 3.

    Parameters
    ----------
    scored : the probabilities.
    at : the cut-off, fixed on the training set.
    section : methods and level of the intervals.
    note : an existing note on the model, "" for none.
    seed : of the bootstrap intervals.

    Returns
    -------
    The columns of `measures.COLUMNS`; for rows of one class only model, set, counts of rows and ``note``.
    """
    record: dict[str, Any] = {**scored.place, "rows": len(scored.y), "positives": int(scored.y.sum())}
    several = lesions_note(scored.patients)
    if not scored.has_both_classes:
        return {**record, "note": joined(note, several, _why_not(scored))}
    case = Assessed(scored.y, scored.probability, at, section, np.random.default_rng(seed))
    measured = {measure: measure.compute(case) for measure in MEASURES}  # in this order: they share a random stream
    record |= AUC.record(measured[AUC]) | {"interval": section.auc, "cutoff": at}
    record |= {count: getattr(case.classified, count) for count in COUNTS}
    for measure in MEASURES[1:]:
        record |= measure.record(measured[measure])
    return {**record, "note": joined(note, several, measured[AUC].note)}


def flexible_curve(scored: Scored, level: float) -> CalibrationCurve | None:
    """Compute the flexible calibration curve; None if the rows have one class only."""
    return calibration_curve(scored.y, scored.probability, level=level) if scored.has_both_classes else None


def calibration_row(scored: Scored, curve: CalibrationCurve | None, level: float) -> dict[str, Any]:
    """Compute intercept, slope, Brier score and the calibration curve's distances from the diagonal."""
    record: dict[str, Any] = {**scored.place, "rows": len(scored.y)}
    several = lesions_note(scored.patients)
    if curve is None:
        return {**record, "note": joined(_why_not(scored), several)}
    line = calibration_intercept_slope(scored.y, scored.probability, level=level)
    record |= _with_limits("intercept", line.intercept, line.intercept_ci)
    record |= _with_limits("slope", line.slope, line.slope_ci)
    record |= {"brier": line.brier, "scaled_brier": line.scaled_brier}
    record |= {name: getattr(curve, name) for name in ("ici", "e50", "e90", "e_max")}
    return {**record, "note": joined(line.note, curve.note, several)}


def roc_points(scored: Scored) -> pd.DataFrame:
    """Compute the ROC curve: threshold, false_positive_rate, true_positive_rate."""
    curve = roc_curve(scored.y, scored.probability)
    return pd.DataFrame(
        {
            **scored.place,
            "threshold": curve.thresholds,
            "false_positive_rate": curve.false_positive_rate,
            "true_positive_rate": curve.true_positive_rate,
        }
    )


def precision_recall_points(scored: Scored) -> pd.DataFrame:
    """Compute the precision-recall curve: threshold, precision, recall."""
    curve = precision_recall_curve(scored.y, scored.probability)
    return pd.DataFrame(
        {**scored.place, "threshold": curve.thresholds, "precision": curve.precision, "recall": curve.recall}
    )


def calibration_points(scored: Scored, curve: CalibrationCurve) -> pd.DataFrame:
    """Return the points of the flexible calibration curve; no row if it is not defined."""
    points = {"predicted": curve.predicted, "observed": curve.observed, "low": curve.low, "high": curve.high}
    return pd.DataFrame({**scored.place, **points}).dropna(subset=["observed"])


def decision_points(scored: Scored, level: float, seed: int) -> pd.DataFrame:
    """Compute the decision curve: threshold, net_benefit, low, high, treat_all, treat_none, avoided."""
    curve = decision_curve(scored.y, scored.probability, level=level, rng=np.random.default_rng(seed))
    return pd.DataFrame(
        {
            **scored.place,
            "threshold": curve.thresholds,
            **{name: getattr(curve, name) for name in ("net_benefit", "low", "high", "treat_all", "treat_none")},
            "avoided": curve.avoided,
        }
    )


def _with_limits(name: str, value: float, limits: tuple[float, float]) -> dict[str, float]:
    return {name: value, f"{name}_low": limits[0], f"{name}_high": limits[1]}
