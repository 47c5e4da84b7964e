"""Training and testing sets: given by a column, or drawn at random by patient, stratified by outcome, from a seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from radstudy.errors import CohortError, TableProblem
from radstudy.statistics.apportionment import shared_out, training_size
from radstudy.streams import Stream, generator_of

_WORDS = {"training": "training", "train": "training", "testing": "testing", "test": "testing"}


def made_split(outcome: pd.Series[int], *, train: float, stratify: bool, seed: int) -> pd.Series[str]:
    """Draw the training set at random.

    Whole patients are drawn; a patient's stratum is positive if any of the lesions is. The number of training patients
    is ``floor(train * n)``, divided among the strata in proportion by largest remainder: 65 + 42 patients at 0.70 are
    split into 74 = 45 + 29 and 33 = 20 + 13.

    Parameters
    ----------
    outcome : 0 or 1, indexed (patient, lesion).
    train : fraction of the patients to train with, between 0 and 1.
    stratify : whether to keep the proportions of the outcome.
    seed : seed of the draw, which depends on the patients' identifiers and outcomes, not on the order of the rows.

    Returns
    -------
    "training" or "testing", indexed as `outcome`.
    """
    strata = outcome.groupby(level="patient").max().sort_index()
    patients = strata.index.to_numpy()
    total = training_size(len(patients), train)
    rng = generator_of(seed, Stream.SPLIT)
    chosen: set[str] = set()
    if stratify:
        groups = [patients[strata.to_numpy() == value] for value in (0, 1)]
        for members, size in zip(groups, shared_out(total, [len(group) for group in groups]), strict=True):
            chosen.update(rng.permutation(members)[:size])
    else:
        chosen.update(rng.permutation(patients)[:total])
    sets = ["training" if patient in chosen else "testing" for patient in outcome.index.get_level_values("patient")]
    return pd.Series(sets, index=outcome.index)


def given_split(column: pd.Series[Any], name: str, table: Path) -> pd.Series[str]:
    """Read the split from a column.

    Raises
    ------
    CohortError : a value is neither training nor testing, or a patient is in both sets; names the table.
    """
    problems = []
    sets = {}
    for row, value in zip(column.index, column, strict=True):
        word = None if pd.isna(value) else _WORDS.get(str(value).lower())
        if word is None:
            text = f"Patient {row[0]}: '{name}' is '{value}'. To do: write training or testing"
            problems.append(TableProblem(text, rows=[row], column=name))
        sets[row] = word
    result = pd.Series(list(sets.values()), index=column.index)
    both = result.groupby(level="patient").nunique()
    for patient in both.index[both > 1]:
        text = f"Patient {patient} is in both sets. To do: put all lesions of a patient into the same set"
        rows = [row for row in result.index if row[0] == patient]
        problems.append(TableProblem(text, rows=rows, column=name))
    if problems:
        raise CohortError(f"{table}: the split by column '{name}' cannot be used:", problems)
    return result
