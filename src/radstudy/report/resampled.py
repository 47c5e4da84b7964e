"""What resampling found, as the tables and figures that show it are told."""

from __future__ import annotations

import pandas as pd

from radstudy.report.facts import AbsentError, Facts

FOLDER = "evaluate/resampling"
OPTIMISTIC = "Optimistic after selection"


def resampled(facts: Facts, name: str = "summary") -> pd.DataFrame:
    """A table of the step's folder that has rows.

    Raises
    ------
    AbsentError : the study file has switched resampling off, the step has not come so far, or nothing was resampled.
    """
    if facts.protocol.evaluate.resampling is None:
        raise AbsentError(
            "The study file has switched resampling off (evaluate.resampling), so nobody knows what the same recipe "
            "reaches inside the folds."
        )
    frame = facts.frames.get(f"{FOLDER}/{name}.csv")
    if frame is None:
        raise AbsentError("No resampling yet: the step 'evaluate' has not run to its end.")
    if not len(frame):
        raise AbsentError("Nothing was resampled here: the study file leaves it out, or no model could be refitted.")
    return frame


def left_out_note(frame: pd.DataFrame) -> list[str]:
    """Who is missing and why, as footnotes."""
    noted = frame[frame["note"].notna() & (frame["note"] != "")]
    return [f"{', '.join(part['model'])}: {why}." for why, part in noted.groupby("note", sort=False)]
