"""A reader's answers on transferred masks: prepare/transferred.csv, filled in and kept next to the study file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from radstudy.cohort.spreadsheet import read_table
from radstudy.errors import CohortError

_YES, _NO = ("yes", "y", "true", "1"), ("no", "n", "false", "0")


@dataclass(frozen=True)
class Answer:
    """A reader's answer on one transferred mask."""

    confirmed: bool
    by: str = ""


def read_answers(file: Path) -> dict[str, Answer]:
    """Read the answers by the mask's fingerprint, which covers patient, lesion, sequence and every voxel of the mask.

    Parameters
    ----------
    file : CSV or XLSX with the columns ``mask`` and ``confirmed`` (yes or no; empty: no answer yet), and optionally
        ``confirmed_by``. A file that does not exist holds no answers.

    Raises
    ------
    CohortError : a column is missing, an answer is neither yes nor no, or two answers to one mask differ.
    """
    if not file.exists():
        return {}
    table, _ = read_table(file)
    missing = [name for name in ("mask", "confirmed") if name not in table.columns]
    if missing:
        remedy = "fill in a copy of prepare/transferred.csv"
        raise CohortError(f"{file} cannot be used:", [f"the column '{name}' is missing; {remedy}" for name in missing])
    answers: dict[str, Answer] = {}
    problems = []
    for number, row in zip(table.index + 2, table.to_dict("records"), strict=True):
        mask, reply = row["mask"], row["confirmed"]
        if pd.isna(mask) or pd.isna(reply):
            continue
        if reply.lower() not in (*_YES, *_NO):
            problems.append(f"line {number}: confirmed is '{reply}'. To do: write yes or no, or leave it empty")
            continue
        by = row.get("confirmed_by")
        answer = Answer(reply.lower() in _YES, "" if by is None or pd.isna(by) else str(by))
        if answers.setdefault(mask, answer).confirmed != answer.confirmed:
            problems.append(f"line {number}: the mask {mask} has both answers, yes and no. To do: keep one line")
    if problems:
        raise CohortError(f"{file} has {len(problems)} problem(s) to resolve first:", problems)
    return answers
