"""The predictions of one model, patient by patient: its probabilities, and what each feature adds to them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from radstudy.report.facts import AbsentError, RunFacts

FILE = "report/contributions.csv"
PREDICTIONS = "model/predictions.csv"
CUTOFFS = "evaluate/table3.csv"
CLOSE = 1e-6  # of the sum of contributions to the log-odds of the probability
LESION = ["patient", "lesion"]


def predictions(facts: RunFacts) -> pd.DataFrame:
    """The predictions of the model that the report explains, in the order of the cohort.

    Raises
    ------
    AbsentError : it was not fitted.
    """
    frame = facts.frame(PREDICTIONS)
    own = frame[frame["model"] == facts.explained_model] if len(frame) else frame
    if not len(own):
        raise AbsentError(f"The model {facts.explained_model} was not fitted, so it has no prediction for a patient.")
    return own


def explained(facts: RunFacts) -> pd.DataFrame:
    """The features of the model in every patient: rows of report/contributions.csv in the order of the predictions.

    Raises
    ------
    AbsentError : the run has none, or they are not those of the model's probabilities.
    """
    if FILE not in facts.frames:
        raise AbsentError(
            f"{FILE} is missing: this report was made without the contributions of the features. To do: make it again "
            "with 'radstudy report'."
        )
    frame = facts.frames[FILE]
    own = frame[frame["model"] == facts.explained_model] if len(frame) else frame
    if not len(own):
        raise AbsentError(f"The model {facts.explained_model} has no feature.")
    return own


def linear(facts: RunFacts, own: pd.DataFrame) -> bool:
    """True if the model is a formula, and the contributions of every patient sum to its log-odds.

    Parameters
    ----------
    own : `explained`.

    Raises
    ------
    AbsentError : a sum differs from the log-odds of the probability that the run has predicted.
    """
    intercept = intercept_of(facts)
    if intercept is None or bool(own["contribution"].isna().any()):
        return False
    away = distances(predictions(facts), own, intercept)
    if not bool((away <= CLOSE).all()):
        raise AbsentError(
            f"The contributions of {int((~(away <= CLOSE)).sum())} of {len(away)} predictions do not sum to the "
            f"log-odds of {PREDICTIONS}. To do: run the step 'model' again."
        )
    return True


def intercept_of(facts: RunFacts) -> Any:
    """The intercept of the model's formula; None if it is not a formula."""
    return facts.document("model/models.json").get(facts.explained_model, {}).get("intercept")


def distances(predicted: pd.DataFrame, own: pd.DataFrame, intercept: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The distance of each patient's sum of contributions and intercept to the log-odds of the probability.

    Parameters
    ----------
    predicted : rows of model/predictions.csv of one model.
    own : rows of report/contributions.csv of that model.
    intercept : of its formula.

    Returns
    -------
    (rows of `predicted`,); NaN for a row without contributions.
    """
    sums = pd.DataFrame(own)[[*LESION, "contribution"]].groupby(LESION)["contribution"].sum()
    places = pd.MultiIndex.from_frame(pd.DataFrame(predicted)[LESION])
    probability = predicted["probability"].to_numpy(dtype=float)
    with np.errstate(divide="ignore"):
        log_odds = np.log(probability) - np.log1p(-probability)
    total = sums.reindex(places).to_numpy(dtype=float) + float(intercept)
    extreme = np.isinf(log_odds) & (np.abs(total) > -math.log(np.finfo(float).eps))  # rounded to 0 or 1
    distance: np.ndarray[Any, np.dtype[np.float64]] = np.where(extreme, 0.0, np.abs(total - log_odds))
    return distance


def cutoff_of(facts: RunFacts) -> Any:
    """The cut-off of the model from the training set; NaN if it has none."""
    frame = facts.frames.get(CUTOFFS)
    own = frame[frame["model"] == facts.explained_model] if frame is not None and len(frame) else None
    return math.nan if own is None or not len(own) else own.iloc[0]["cutoff"]


def several_lesions(rows: pd.DataFrame) -> bool:
    """True if some patient has several lesions, which must then be named."""
    return bool(rows["patient"].duplicated().any())
