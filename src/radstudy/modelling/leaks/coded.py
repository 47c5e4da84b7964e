"""Check for columns that contain the outcome itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import special

from radstudy.modelling.leaks.finding import Inspected, LeakFinding, counts_of, listed, p_of, words_of
from radstudy.statistics import auc_columns, categorical_test, mann_whitney_columns

CHECK = "outcome in a column"
BELOW = 0.001  # the adjusted p-value: Bonferroni over all columns examined
NEARLY = 0.98  # an AUC, or a share of patients, that no honest single column reaches in such a study
FEW_VALUES = 6
_SAYS_LITTLE = frozenset(
    [
        "status",
        "positive",
        "negative",
        "result",
        "results",
        "class",
        "group",
        "value",
        "type",
        "level",
        "grade",
        "score",
        "other",
        "yes",
        "no",
        "pos",
        "neg",
        "test",
    ]
)
_TELLING = frozenset(("outcome", "target", "label", "endpoint", "groundtruth"))
_REMEDY = (
    "check when this was measured: a value known only after, or from, the outcome cannot predict it. Remove it from "
    "the table, or write 'model: false' for a clinical variable that is only described"
)


def find_coded(seen: Inspected) -> Iterator[LeakFinding]:
    """Find candidate columns that are a function of the outcome, or nearly, or are named after it.

    An error if a column separates the classes without overlap (or each of its levels has one class only) and chance
    would do that in any of the columns with a probability below 0.001: ``2 / C(n, n_positive)`` for one column of
    numbers, the exact or chi-square test for levels, times the number of columns. A warning if the AUC, or the share of
    patients that the levels classify, is at least 0.98 and the adjusted p-value is below 0.001. A feature with gaps is
    examined over the rows that have it, and so is the pattern of its gaps.

    Parameters
    ----------
    seen : the study.
    """
    columns = len(seen.candidates) + sum(seen.table_of(sequence).shape[1] for sequence in seen.sequences)
    for name in seen.candidates:
        yield from _of_clinical(seen, name, columns)
    for sequence in seen.sequences:
        yield from _of_features(seen, sequence, columns)
    yield from _names(seen)


def _of_features(seen: Inspected, sequence: str, columns: int) -> Iterator[LeakFinding]:
    """Examine every column over the rows that have it, and the gaps of columns: a median fills all of them alike."""
    frame = seen.table_of(sequence)
    known = np.isfinite(frame.to_numpy(dtype=float))
    patterns: dict[bytes, list[int]] = {}
    for column in range(known.shape[1]):
        patterns.setdefault(known[:, column].tobytes(), []).append(column)
    for chosen in patterns.values():
        yield from _of_values(seen, sequence, frame.loc[known[:, chosen[0]]].iloc[:, chosen], columns)
    gapped = np.flatnonzero(~known.all(axis=0))
    there = pd.DataFrame(
        known[:, gapped].astype(float), index=frame.index,
        columns=[f"whether {frame.columns[int(column)]} is available" for column in gapped],
    )  # fmt: skip
    yield from _of_values(seen, sequence, there, columns + len(gapped))


def _of_values(seen: Inspected, sequence: str, frame: pd.DataFrame, columns: int) -> Iterator[LeakFinding]:
    y = seen.outcome_of(frame.index)
    if frame.shape[1] == 0 or len(np.unique(y)) < 2:
        return
    values = frame.to_numpy(dtype=float)
    areas = auc_columns(values, y)
    areas = np.maximum(areas, 1 - areas)
    separated = (areas == 1) & (columns * p_of_separation(y) < BELOW)
    near = (areas >= NEARLY) & (columns * mann_whitney_columns(values, y) < BELOW) & ~separated
    for severity, hit, how in (("error", separated, "separate the classes without overlap"),
                               ("warning", near, "nearly separate the classes")):  # fmt: skip
        if not hit.any():
            continue
        yield LeakFinding(
            "error" if severity == "error" else "warning", CHECK,
            f"{int(hit.sum())} feature(s) of {sequence} {how}",
            f"AUC {areas[hit].min():.3f} to {areas[hit].max():.3f} over {len(frame)} rows; adjusted for {columns} "
            f"columns {p_of(min(1.0, float(columns * p_of_separation(y)))) if severity == 'error' else 'p < 0.001'}",
            f"{sequence}: {listed(list(frame.columns[hit]))}", _REMEDY,
        )  # fmt: skip


def p_of_separation(y: NDArray[Any]) -> float:
    """Compute the probability that a column without ties, independent of the outcome, separates the classes.

    ``2 / C(n, n_positive)``: two of all orders of the outcomes have no overlap.
    """
    n, positive = len(y), int(np.sum(y))
    return float(np.exp(np.log(2) + special.gammaln(positive + 1) + special.gammaln(n - positive + 1)
                        - special.gammaln(n + 1)))  # fmt: skip


def _of_clinical(seen: Inspected, name: str, columns: int) -> Iterator[LeakFinding]:
    column = seen.rows[name].dropna()
    y = seen.outcome_of(column.index)
    if len(np.unique(y)) < 2 or column.nunique() < 2:
        return
    measure, p_value, what = _association(column, y)
    adjusted = min(1.0, columns * p_value)
    if measure < NEARLY or adjusted >= BELOW:
        return
    sure = measure == 1
    yield LeakFinding(
        "error" if sure else "warning", CHECK,
        f"the clinical variable '{name}' {'is' if sure else 'is nearly'} a function of the outcome",
        f"{what} {measure:.3f} over {len(column)} rows; adjusted for {columns} columns {p_of(adjusted)}", name, _REMEDY,
    )  # fmt: skip


def _association(column: pd.Series, y: NDArray[np.int64]) -> tuple[float, float, str]:
    """Return the share of patients of their level's class, for levels and numbers with few values; else the AUC."""
    if isinstance(column.dtype, pd.CategoricalDtype) or column.nunique() <= FEW_VALUES:
        counts = counts_of(y, column.to_numpy(dtype=object)).to_numpy()
        share = float(counts.max(axis=0).sum() / counts.sum())
        return share, float(categorical_test(counts).p_value), "share of patients whose class is their level's"
    values = column.to_numpy(dtype=float)[:, None]
    area = float(auc_columns(values, y)[0])
    area = max(area, 1 - area)
    p_value = p_of_separation(y) if area == 1 else float(mann_whitney_columns(values, y)[0])
    return area, p_value, "AUC"


def _names(seen: Inspected) -> Iterator[LeakFinding]:
    telling = {word for text in seen.outcome_words for word in words_of(text) if len(word) > 2} - _SAYS_LITTLE
    named = [name for name in seen.candidates if (telling | _TELLING) & set(words_of(name))]
    if seen.given:
        named += [f"{sequence}: {name}" for sequence in seen.sequences for name in seen.table_of(sequence).columns
                  if (telling | _TELLING) & set(words_of(str(name)))]  # fmt: skip
    if named:
        yield LeakFinding(
            "warning", CHECK, "columns that models may use are named after the outcome",
            f"the outcome's words: {', '.join(sorted(telling | _TELLING))}", listed(named), _REMEDY,
        )  # fmt: skip
