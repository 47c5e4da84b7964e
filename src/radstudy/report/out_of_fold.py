"""Out-of-fold probabilities of one model: of each patient, predicted by pipelines that have not seen the patient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from radstudy.report.cited import tally_from
from radstudy.report.facts import AbsentError, RunFacts
from radstudy.report.resampled import resampled

FILE = "evaluate/resampling/patients.csv"
SUMMARY = "evaluate/resampling/summary.csv"
RISK = "risk_median"


@dataclass(frozen=True)
class CutoffCounts:
    """The counts of a classification, positive from a cut-off on.

    Parameters
    ----------
    tp, fp, tn, fn : true and false positives, true and false negatives.
    """

    tp: int
    fp: int
    tn: int
    fn: int


def out_of_fold(facts: RunFacts) -> pd.DataFrame:
    """The out-of-fold probabilities of the model that the report explains: the median over the repeats of each row.

    Raises
    ------
    AbsentError : the run has no nested cross-validation of the model.
    """
    frame = resampled(facts, "patients")
    own = frame[(frame["model"] == facts.explained_model) & frame[RISK].notna()]
    if not len(own):
        raise AbsentError(
            f"The model {facts.explained_model} has no out-of-fold probabilities: the study file does not ask for "
            "nested cross-validation (evaluate.resampling.nested), or the model could not be refitted."
        )
    return own


def counts_at(frame: pd.DataFrame, model: str, cutoff: float) -> CutoffCounts:
    """The counts of a model at a cut-off, positive if the out-of-fold probability is at least as large.

    Parameters
    ----------
    frame : `out_of_fold`.
    model : name of the model.
    cutoff : between 0 and 1.
    """
    positives, negatives = (tally_from(frame, RISK, 0.0, outcome=value, model=model) for value in (1, 0))
    tp, fp = (tally_from(frame, RISK, cutoff, outcome=value, model=model) for value in (1, 0))
    return CutoffCounts(tp, fp, negatives - fp, positives - tp)


def net_benefit_at(counts: CutoffCounts, cutoff: float) -> Any:
    """The net benefit at a threshold: true positives per row, less false positives weighted by the threshold's odds."""
    rows = counts.tp + counts.fp + counts.tn + counts.fn
    return counts.tp / rows - counts.fp / rows * (cutoff / (1 - cutoff))
