"""Evidence in a run's files of what was done: the conditions of the report's sentences."""

from __future__ import annotations

from typing import Any

import pandas as pd
from pandas.api.types import is_numeric_dtype

from radstudy.report.chance import CHANCE_FILE
from radstudy.report.facts import TESTING, RunFacts
from radstudy.report.resampled import FOLDER

TABLE3 = "evaluate/table3.csv"
DELONG = "evaluate/delong.csv"
RESAMPLED = f"{FOLDER}/summary.csv"


def rows(facts: RunFacts, name: str, *known: str) -> pd.DataFrame:
    """The rows of a table that have a value in all the columns; none if the table or a column is missing.

    Parameters
    ----------
    facts : of the run.
    name : of the table, such as evaluate/table3.csv.
    known : columns that must not be empty.
    """
    frame = facts.frames.get(name)
    if frame is None or not len(frame) or not set(known) <= set(frame.columns):
        return pd.DataFrame(columns=list(known))
    complete = pd.Series(True, index=frame.index)
    for column in known:
        complete &= frame[column].notna()
        if not is_numeric_dtype(frame[column]):
            complete &= frame[column].astype(str) != ""
    return frame[complete]


def shows(facts: RunFacts, name: str, *known: str) -> bool:
    """True if a table has a row with a value in all the columns."""
    return bool(len(rows(facts, name, *known)))


def fitted(facts: RunFacts) -> dict[str, dict[str, Any]]:
    """The models that were fitted, in the study's order, each with its record."""
    records = facts.documents.get("model/models.json") or {}
    return {name: records[name] for name in facts.models if records.get(name, {}).get("fitted")}


def leading_model(facts: RunFacts) -> str:
    """The fitted model that figures draw: the primary one, else the study's, else the last; "" if none was fitted."""
    known = list(fitted(facts))
    wanted = [name for name in (facts.primary_model, facts.study_model) if name in known]
    return (wanted or known[-1:] or [""])[0]


def leading_model_is(facts: RunFacts) -> str:
    """The reason why that model is drawn."""
    model = leading_model(facts)
    if model == facts.primary_model:
        return "primary model"
    return "study's model" if model == facts.study_model else "last model that was fitted"


def agreement(facts: RunFacts) -> dict[str, Any]:
    """The summary of the agreement between the readers; empty if the step has not run."""
    return dict(facts.documents.get("agree/summary.json") or {})


def agreement_tested(facts: RunFacts) -> bool:
    """True if features were filtered by agreement: some intraclass correlation could be computed."""
    return bool(agreement(facts)) and not agreement(facts)["note"] and shows(facts, "agree/icc.csv", "icc")


def chance_rows(facts: RunFacts, kind: str = "outcome") -> pd.DataFrame:
    """The rows of the models' permutation p-values that were computed."""
    frame = rows(facts, CHANCE_FILE, "permutations", "p_value")
    return frame[frame["kind"] == kind] if len(frame) else frame


def left_out(facts: RunFacts, name: str, column: str) -> dict[str, list[str]]:
    """Reasons for leaving models out of a table, each with their names: rows with a note in place of a value."""
    frame = facts.frames.get(name)
    if frame is None or not {"model", "note", column} <= set(frame.columns):
        return {}
    without = frame[frame[column].isna() & frame["note"].notna() & (frame["note"] != "")]
    return {str(why): list(dict.fromkeys(part["model"])) for why, part in without.groupby("note", sort=False)}


def areas(facts: RunFacts, which: str) -> pd.DataFrame:
    """The rows of Table 3 that have an AUC in a set."""
    frame = rows(facts, TABLE3, "auc")
    return frame[frame["set"] == which] if len(frame) else frame


def row_of(frame: pd.DataFrame, model: str, which: str = TESTING) -> Any:
    """A model's row in a set; None if it has none."""
    part = frame[(frame["model"] == model) & (frame["set"] == which)] if len(frame) else frame
    return part.iloc[0] if len(part) else None


def lesions_share_patients(facts: RunFacts) -> bool:
    """True if some patient has several lesions."""
    return facts.case_word == "lesions"
