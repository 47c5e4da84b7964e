"""What chance alone reaches, as every table and figure that shows an AUC tells it."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from radstudy.report.display import span
from radstudy.report.facts import Facts

NULL = "evaluate/null/null.csv"
NULL_BASELINES = "evaluate/baselines/null.csv"
NULL_ROC = "evaluate/null/roc.csv"


@dataclass(frozen=True)
class Chance:
    """The AUCs of one model and set on permuted outcomes.

    Parameters
    ----------
    median, low, high : of the permutations' AUCs: the median and the central 95 % (or the study's level).
    p_value : how often chance is as good, (1 + number) / (permutations + 1).
    permutations : how many.
    """

    median: float
    low: float
    high: float
    p_value: float
    permutations: int


def chance_of(facts: Facts, model: str, which: str, kind: str = "outcome") -> Chance | None:
    """The null calibration of a model or baseline in a set; None where there is none."""
    for frame in (facts.frames.get(NULL), facts.frames.get(NULL_BASELINES)):
        if frame is None:
            continue
        part = frame[(frame["kind"] == kind) & (frame["model"] == model) & (frame["measure"] == which)]
        if len(part) and not pd.isna(part.iloc[0]["null_median"]):
            row = part.iloc[0]
            return Chance(
                float(row["null_median"]), float(row["null_low"]), float(row["null_high"]), float(row["p_value"]),
                int(row["permutations"]),
            )  # fmt: skip
    return None


def chance_note(facts: Facts) -> str:
    """What the column says, or why it is empty."""
    frame = facts.frames.get(NULL)
    if facts.protocol.evaluate.chance is None:
        return "No null calibration: the study file has switched it off, so nobody knows what chance alone would reach."
    if frame is None or not len(frame):
        return "No null calibration yet: the step 'evaluate' has not run to its end."
    known = frame[(frame["kind"] == "outcome") & frame["permutations"].notna()]
    left = _left_out(frame[frame["permutations"].isna()])
    if not len(known):
        return f"No outcome was permuted, so nobody knows what chance alone would reach. {left}".strip()
    count = span(known["permutations"])
    level = f"{100 * facts.protocol.evaluate.interval.level:g}%"
    return (
        f"Chance: the same selection and models on {count} permutations of the outcome within each set: median AUC, "
        "p, how often chance is at least as good (one-sided, upper tail; at least 1 / (permutations + 1)), and below "
        f"them the central {level} of the AUCs. {left}"
    ).strip()


def _left_out(frame: pd.DataFrame) -> str:
    """Which models were not permuted, and why."""
    return " ".join(f"Not for {', '.join(part['model'])}: {why}." for why, part in frame.groupby("note", sort=False))
