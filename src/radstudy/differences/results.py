"""Compare the results of two runs: patients, feature values, reproducible features, selections, AUCs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from radstudy.artefacts.agree import ICC
from radstudy.artefacts.cohort import EXCLUDED, ROWS
from radstudy.artefacts.evaluate import TABLE3
from radstudy.artefacts.model import FEATURES
from radstudy.differences.finished import FinishedRun

SAME = 1e-9  # relative; feature values that differ by less are the same

Lesion = tuple[str, str]


@dataclass(frozen=True)
class RowChanges:
    """Rows of the cohort that differ, as (patient, lesion).

    Parameters
    ----------
    lost, gained : only in the first run, only in the second; with the other run's reason of exclusion, or "".
    moved : in another set (training, testing), with both names.
    outcome : with another outcome.
    variables : clinical variable to the number of rows with another value; variables of one run alone count all rows.
    """

    lost: Mapping[Lesion, str]
    gained: Mapping[Lesion, str]
    moved: Mapping[Lesion, tuple[str, str]]
    outcome: tuple[Lesion, ...]
    variables: Mapping[str, int]


@dataclass(frozen=True)
class ValueChanges:
    """Feature values of one sequence that differ.

    Parameters
    ----------
    sequence : its name.
    only_before, only_after : features that only one of the runs has computed.
    lesions : lesions of a reader that both have.
    values : values that both have.
    changed : values that differ by more than `SAME`, or of which one is missing.
    largest : the largest relative difference, |a - b| / max(|a|, |b|).
    feature : the feature with that difference.
    """

    sequence: str
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    lesions: int
    values: int
    changed: int
    largest: float
    feature: str


@dataclass(frozen=True)
class SetChange:
    """Names in one run alone: features that are reproducible, or that a model uses."""

    of_what: str
    before: int
    after: int
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]


@dataclass(frozen=True)
class AucChange:
    """The AUC of a model in a set; NaN where a run has none."""

    model: str
    which: str
    before: float
    after: float


def row_changes(before: FinishedRun, after: FinishedRun) -> RowChanges:
    """Compare the rows of the two cohorts."""
    old, new = (_by_lesion(run.table(ROWS)) for run in (before, after))
    why_old, why_new = (_reasons(run) for run in (before, after))
    both = [lesion for lesion in old.index if lesion in new.index]
    a, b = old.loc[both], new.loc[both]
    variables = [str(name) for name in dict.fromkeys([*old.columns, *new.columns]) if name not in ("outcome", "set")]
    return RowChanges(
        {lesion: why_new.get(lesion, "") for lesion in old.index if lesion not in new.index},
        {lesion: why_old.get(lesion, "") for lesion in new.index if lesion not in old.index},
        {lesion: (str(one), str(other)) for lesion, one, other in zip(both, a["set"], b["set"], strict=True)
         if one != other},
        tuple(lesion for lesion, one, other in zip(both, a["outcome"], b["outcome"], strict=True)
              if one != other and not pd.isna(one) and not pd.isna(other)),  # NaN: sealed in that run
        {name: count for name in variables if (count := _differing(a, b, name))},
    )  # fmt: skip


def value_changes(before: FinishedRun, after: FinishedRun) -> list[ValueChanges]:
    """Compare the feature values, sequence by sequence; sequences whose values are all the same are left out."""
    old, new = before.features, after.features
    changes = []
    for sequence in sorted(_sequences(old) | _sequences(new)):
        a, b = (_of_sequence(frame, sequence) for frame in (old, new))
        change = _values(sequence, a, b)
        if change.changed or change.only_before or change.only_after:
            changes.append(change)
    return changes


def reproducible_changes(before: FinishedRun, after: FinishedRun) -> list[SetChange]:
    """Compare the features of each sequence that are reproducible between the readers."""
    return _set_changes(*({str(sequence): set(part.loc[part["kept"].astype(bool), "feature"])
                           for sequence, part in run.table(ICC).groupby("sequence", sort=False)}
                          for run in (before, after)))  # fmt: skip


def selection_changes(before: FinishedRun, after: FinishedRun) -> list[SetChange]:
    """Compare the features and variables that each model uses."""
    return _set_changes(*({str(model): set(part["feature"])
                           for model, part in run.table(FEATURES).groupby("model", sort=False)}
                          for run in (before, after)))  # fmt: skip


def auc_changes(before: FinishedRun, after: FinishedRun) -> list[AucChange]:
    """Compare the AUC of every model in every set; equal ones are left out."""
    old, new = ({(str(model), str(which)): float(auc) for model, which, auc in
                 run.table(TABLE3).reindex(columns=["model", "set", "auc"]).itertuples(index=False)}
                for run in (before, after))  # fmt: skip
    pairs = [(key, old.get(key, np.nan), new.get(key, np.nan)) for key in dict.fromkeys([*old, *new])]
    return [AucChange(*key, a, b) for key, a, b in pairs if not _equal(a, b)]


def _equal(a: float, b: float) -> bool:
    return bool((np.isnan(a) and np.isnan(b)) or np.isclose(a, b, rtol=SAME, atol=0))


def _by_lesion(rows: pd.DataFrame) -> pd.DataFrame:
    frame = rows.assign(patient=rows["patient"].astype(str), lesion=rows["lesion"].astype(str))
    return frame.set_index(["patient", "lesion"])


def _reasons(run: FinishedRun) -> dict[Lesion, str]:
    rows = run.table(EXCLUDED)
    return {(str(patient), str(lesion)): str(reason) for patient, lesion, reason in
            rows[["patient", "lesion", "reason"]].itertuples(index=False)}  # fmt: skip


def _differing(a: pd.DataFrame, b: pd.DataFrame, name: str) -> int:
    """Rows in which a variable differs; a variable of one run alone differs in all rows."""
    if name not in a or name not in b:
        return len(a)
    one, other = a[name].astype(object), b[name].astype(object)
    return int(((one != other) & ~(one.isna() & other.isna())).sum())


def _sequences(features: pd.DataFrame) -> set[str]:
    return set(features.index.get_level_values("sequence")) if len(features) else set()


def _of_sequence(features: pd.DataFrame, sequence: str) -> pd.DataFrame:
    """Rows (patient, lesion, reader) of a sequence, with the features that it has values of."""
    if sequence not in _sequences(features):
        return pd.DataFrame()
    rows = features[features.index.get_level_values("sequence") == sequence].droplevel("sequence")
    return rows.dropna(axis=1, how="all")


def _values(sequence: str, a: pd.DataFrame, b: pd.DataFrame) -> ValueChanges:
    names = [str(name) for name in a.columns if name in b.columns]
    only_a = tuple(str(name) for name in a.columns if name not in b.columns)
    only_b = tuple(str(name) for name in b.columns if name not in a.columns)
    rows = a.index.intersection(b.index)
    one, other = a.loc[rows, names].to_numpy(float), b.loc[rows, names].to_numpy(float)
    scale = np.maximum(np.abs(one), np.abs(other))
    missing = np.isnan(one) != np.isnan(other)
    relative = np.divide(np.abs(one - other), scale, out=np.zeros_like(scale), where=scale > 0)
    relative = np.where(np.isnan(relative), 0.0, relative)
    place = np.unravel_index(int(relative.argmax()), relative.shape) if relative.size else None
    return ValueChanges(
        sequence, only_a, only_b, len(rows), one.size, int(((relative > SAME) | missing).sum()),
        float(relative[place]) if place else 0.0, names[int(place[1])] if place else "",
    )  # fmt: skip


def _set_changes(before: Mapping[str, set[str]], after: Mapping[str, set[str]]) -> list[SetChange]:
    changes = []
    for name in dict.fromkeys([*before, *after]):
        old, new = before.get(name, set()), after.get(name, set())
        if old != new:
            changes.append(SetChange(name, len(old), len(new), tuple(sorted(old - new)), tuple(sorted(new - old))))
    return changes
