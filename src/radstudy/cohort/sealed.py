"""The cohort without the outcomes of its testing patients, which a sealed run never receives."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from radstudy.cohort.rows import words_of
from radstudy.cohort.spreadsheet import read_sheet
from radstudy.protocol import Protocol
from radstudy.store import content_hash, file_hash


def without_testing_outcomes(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with an empty outcome (NaN) in the testing set; training outcomes stay 0 or 1.

    Parameters
    ----------
    rows : with ``outcome`` (0 or 1) and ``set``.
    """
    return rows.assign(outcome=rows["outcome"].astype("Int64").mask(rows["set"] == "testing"))


def with_outcome(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows whose outcome is known, 0 or 1: all, or the training rows of a sealed run."""
    known = rows["outcome"].notna()
    return rows if known.all() else rows[known].assign(outcome=rows.loc[known, "outcome"].astype("int64"))


def is_sealed(rows: pd.DataFrame) -> bool:
    """True if these are the rows of a sealed run: a testing row without its outcome."""
    return bool(rows.loc[rows["set"] == "testing", "outcome"].isna().any())


def table_hash(protocol: Protocol, folder: Path) -> str:
    """Hash of the cohort's table as a run knows it: of a study that declares sealed results, without its outcomes.

    So no key of a sealed run depends on a testing outcome, and to unseal makes no step run again that reads none.

    Parameters
    ----------
    protocol : the study file.
    folder : folder that the table's path starts from.
    """
    section = protocol.cohort
    if not protocol.evaluate.sealed:
        return file_hash(folder / section.table)
    sheet = read_sheet(folder / section.table, section.sheet, words_of(section))
    names = [name for name in sheet.table.columns if name != section.outcome.column]
    texts = sheet.table[names].astype(object).where(sheet.table[names].notna(), None)
    return content_hash({
        "columns": list(map(str, names)), "lines": [int(line) for line in texts.index],
        "cells": texts.to_numpy().tolist(), "numbers": sheet.typed[names].to_numpy().tolist(),
        "separator": sheet.separator,
    })  # fmt: skip
