"""The results of resampling, for the tables and figures that show them."""

from __future__ import annotations

import pandas as pd

from radstudy.modelling.refits.resampled import FEW_RESAMPLES
from radstudy.report.facts import AbsentError, RunFacts
from radstudy.statistics import fewest_for_share
from radstudy.statistics.selection_stability import FEWEST_FOR_INTERVAL

FOLDER = "evaluate/resampling"
OPTIMISTIC = "Optimistic after selection"
# columns that are ends of a central share, and the column of the summary that counts its values
_SHARES = {"splits": ("split_low", "split_high"), "resamples": ("out_of_bag_low", "out_of_bag_high")}


def resampled(facts: RunFacts, name: str = "summary") -> pd.DataFrame:
    """A table from the resampling folder, without limits that are based on too few values.

    Raises
    ------
    AbsentError : the study file has switched resampling off, the step has not finished, or nothing was resampled.
    """
    if facts.protocol.evaluate.resampling is None:
        raise AbsentError(
            "The study file has switched resampling off (evaluate.resampling), so the AUC of the same pipeline "
            "inside the folds is not known."
        )
    frame = facts.frames.get(f"{FOLDER}/{name}.csv")
    if frame is None:
        raise AbsentError("No resampling yet: the step 'evaluate' has not finished.")
    if not len(frame):
        raise AbsentError(
            "Nothing was resampled here: the study file does not ask for it, or no model could be refitted."
        )
    return _without_few(facts, name, frame)


def fewest(facts: RunFacts) -> int:
    """The number of values that a central share requires at the study's level."""
    return fewest_for_share(facts.protocol.evaluate.interval.level)


def _without_few(facts: RunFacts, name: str, frame: pd.DataFrame) -> pd.DataFrame:
    """The table without limits based on too few values, which older runs have."""
    frame, least = frame.copy(), fewest(facts)
    if name == "summary":
        for count, ends in _SHARES.items():
            frame.loc[frame[count] < least, list(ends)] = float("nan")
        if "stability" in frame:
            few = (frame["resamples"] < FEWEST_FOR_INTERVAL) & frame["stability"].notna()
            frame.loc[few, ["stability_low", "stability_high"]] = float("nan")
            frame["stability_note"] = frame["stability_note"].astype(object).where(~few, FEW_RESAMPLES)
    summary = facts.frames.get(f"{FOLDER}/summary.csv")
    if name == "features" and summary is not None:
        resamples = frame["model"].map(summary.set_index("model")["resamples"])
        known = frame["selected"] if "selected" in frame else (frame["selected_percent"] * resamples / 100).round()
        frame.loc[known < least, ["coefficient_low", "coefficient_high"]] = float("nan")
    if name == "patients" and summary is not None:
        repeats = frame["model"].map(summary.set_index("model")["repeats"])
        frame.loc[repeats < least, ["risk_low", "risk_high"]] = float("nan")
    return frame


def left_out_note(frame: pd.DataFrame) -> list[str]:
    """The models left out, with reasons, as footnotes."""
    noted = frame[frame["note"].notna() & (frame["note"] != "")]
    return [f"{', '.join(part['model'])}: {why}." for why, part in noted.groupby("note", sort=False)]
