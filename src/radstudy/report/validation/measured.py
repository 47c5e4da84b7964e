"""The results of a validation, as its tables, figures and sentences read them."""

from __future__ import annotations

from typing import Any

import pandas as pd

from radstudy.artefacts import validate as files
from radstudy.modelling.recalibration import FORMULA
from radstudy.report.facts import RunFacts

ALL, INSIDE = "all", "inside"
SET_NAMES = {ALL: "all patients", INSIDE: "inside the range"}
PERFORMANCE, CALIBRATION, CASE_MIX = (one.path for one in (files.PERFORMANCE, files.CALIBRATION, files.CASE_MIX))
PREDICTIONS, FINDINGS, MISSING = (one.path for one in (files.PREDICTIONS, files.FINDINGS, files.MISSING))
DEVELOPMENT = files.DEVELOPMENT.path


def of_set(facts: RunFacts, file: str, which: str) -> Any:
    """The row of a set in a table with one row per set; an empty record if it has none."""
    frame = facts.frame(file)
    own = frame[frame["set"] == which] if len(frame) else frame
    return own.iloc[0] if len(own) else {}


def line_of(facts: RunFacts, version: str = FORMULA, which: str = ALL) -> Any:
    """The row of a version of the formula in the table of calibration; an empty record if it has none."""
    frame = facts.frame(CALIBRATION)
    own = frame[(frame["set"] == which) & (frame["version"] == version)] if len(frame) else frame
    return own.iloc[0] if len(own) else {}


def known(row: Any, name: str) -> bool:
    """True if a row has a value in a column."""
    value = row.get(name)
    return value is not None and not pd.isna(value)
