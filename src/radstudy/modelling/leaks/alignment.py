"""Check for an outcome that is aligned with time, site or manner of the patients' inclusion."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radstudy.modelling.leaks.finding import Inspected, LeakFinding, Severity, counts_of, p_of
from radstudy.statistics import auc_columns, categorical_test, holm, mann_whitney_columns

CHECK = "batch aligned with outcome"
BELOW = 0.01  # Holm over all tests of this file: one clean study in a hundred has a false alarm
STRONG = 0.9
MOST_LEVELS = 30
_PLACE = re.compile(
    r"site|cent(er|re)|hospital|institut|clinic|scanner|vendor|manufactur|station|machine|device|tesla|field.?strength"
    r"|coil|batch|software|sequence.?version|annotator|radiologist", re.IGNORECASE,
)  # fmt: skip
_WHEN = re.compile(r"date|datum|day|month|year|jahr|acquired|scanned", re.IGNORECASE)
_FORMATS = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%d/%m/%Y", "%m/%d/%Y", "%d-%m-%Y", "%Y-%m-%d %H:%M:%S")
_BARE_FORMATS = ("%Y%m%d", "%Y-%m", "%Y")  # digits alone are a date only if the column's name indicates one


@dataclass(frozen=True)
class Test:
    """One possible alignment: its p-value, and how well it separates the classes (0.5 to 1)."""

    what: str
    where: str
    p_value: float
    tells: float
    evidence: str
    severity: Severity
    remedy: str


def find_alignment(seen: Inspected) -> Iterator[LeakFinding]:
    """Find order, identifiers, dates, sites, scanners and missing values that are associated with the outcome.

    Order in the table, identifiers and dates are tested by Mann-Whitney's test, sites, scanners, acquisition parameters
    and missing values by chi-square or the exact test. All p-values together are adjusted by Holm's method and
    reported below 0.01. An association that separates the classes with an AUC (or share of patients) of at least 0.9
    is an error: a model that recognises the batch needs no biology.

    Parameters
    ----------
    seen : the study.
    """
    tests = _tests(seen)
    adjusted = holm([test.p_value for test in tests])
    for test, p_value in zip(tests, adjusted, strict=True):
        if not p_value < BELOW:
            continue
        severity: Severity = "error" if test.severity != "note" and test.tells >= STRONG else test.severity
        yield LeakFinding(
            severity, CHECK, test.what,
            f"{test.evidence}; {p_of(test.p_value)}, adjusted for {len(tests)} tests {p_of(float(p_value))}",
            test.where, test.remedy,
        )  # fmt: skip


def possible_alignments(seen: Inspected) -> list[str]:
    """Return what the outcome is tested against: the order of rows, identifiers, columns, gaps; each once.

    Parameters
    ----------
    seen : the study.
    """
    names = {"row": "the order of the rows", "identifier": "the identifiers"}
    there = [names.get(test.where, test.where) for test in _of_values(seen)]
    return list(dict.fromkeys([*there, *(f"the presence of {test.where}" for test in _missing(seen))]))


def _tests(seen: Inspected) -> list[Test]:
    return [*_of_values(seen), *_missing(seen)]


def _of_values(seen: Inspected) -> list[Test]:
    return [*_order(seen), *_dates(seen), *_places(seen)]


# --- order and time ----------------------------------------------------------------------------------------------


def _order(seen: Inspected) -> Iterator[Test]:
    position = pd.Series(np.arange(len(seen.rows), dtype=float), index=seen.rows.index)
    remedy = (
        "no result of this study depends on the order of rows, but check where the two classes come from: two combined "
        "lists often differ in scanner, year or reader as well"
    )
    yield from _ranked(seen, position, "the order of the table's rows follows the outcome", "row", "note", remedy)
    names = sorted({str(name) for name in seen.rows.index.get_level_values("patient")}, key=_natural)
    rank = {name: float(place) for place, name in enumerate(names)}
    numbers = pd.Series([rank[str(name)] for name, _ in seen.rows.index], index=seen.rows.index)
    remedy = "compare scanner, protocol and year of the two classes, and state in the paper how they were collected"
    yield from _ranked(seen, numbers, "the patients' identifiers follow the outcome", "identifier", "warning", remedy)


def _natural(name: str) -> tuple[tuple[int, str], ...]:
    """Return a key that sorts P2 before P10."""
    return tuple((int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name))


def _dates(seen: Inspected) -> Iterator[Test]:
    for name, column in _columns(seen):
        if (days := _as_days(name, column)) is None:
            continue
        remedy = (
            "compare scanner and protocol over time, and test on patients of both classes from the same years; a model "
            "may have learned the year"
        )
        yield from _ranked(seen, days, f"the date '{name}' follows the outcome", name, "warning", remedy)


def _columns(seen: Inspected) -> Iterator[tuple[str, pd.Series]]:
    """Yield the columns of the cohort's table without a role."""
    if seen.others is not None:
        for name in seen.others.columns:
            yield str(name), seen.others[name].dropna()


def _as_days(name: str, column: pd.Series) -> pd.Series | None:
    """Convert a column to days since 1970; None unless nine tenths of it are dates of one format."""
    formats = (*_FORMATS, *_BARE_FORMATS) if _WHEN.search(name) else _FORMATS
    for pattern in formats if len(column) else ():
        parsed = pd.to_datetime(column.astype(str).str.strip(), format=pattern, errors="coerce").dropna()
        if len(parsed) >= 0.9 * len(column):
            return (parsed - pd.Timestamp(0)) / pd.Timedelta(days=1)
    return None


def _ranked(
    seen: Inspected, values: pd.Series, what: str, where: str, severity: Severity, remedy: str
) -> Iterator[Test]:
    y = seen.outcome_of(values.index)
    if len(np.unique(y)) < 2 or values.nunique() < 2:
        return
    column = values.to_numpy(dtype=float)[:, None]
    area, p_value = float(auc_columns(column, y)[0]), float(mann_whitney_columns(column, y)[0])
    late = "later" if area > 0.5 else "earlier"
    evidence = f"AUC {max(area, 1 - area):.3f} over {len(y)} rows, the positive ones {late}"
    yield Test(what, where, p_value, max(area, 1 - area), evidence, severity, remedy)


# --- places ------------------------------------------------------------------------------------------------------


def _places(seen: Inspected) -> Iterator[Test]:
    remedy = (
        "compare the classes within a {0}, or leave out the {0}s of one class; report the AUC by {0}. A model may have "
        "learned the {0}"
    )
    for name, column in _columns(seen):
        if _PLACE.search(name):
            yield from _levels(seen, column, f"'{name}' is associated with the outcome", name, remedy.format("site"))
    for name in seen.candidates:
        if _PLACE.search(name):
            column = seen.rows[name].dropna().astype(str)
            yield from _levels(seen, column, f"'{name}' is associated with the outcome", name, remedy.format("site"))
    for name, column in seen.acquisition.items():
        yield from _levels(
            seen, column[column.index.isin(seen.rows.index)], f"{name} is associated with the outcome", name,
            remedy.format("protocol"),
        )  # fmt: skip


def _levels(seen: Inspected, column: pd.Series, what: str, where: str, remedy: str) -> Iterator[Test]:
    y = seen.outcome_of(column.index)
    text = column.to_numpy(dtype=object)
    if len(np.unique(y)) < 2 or not 2 <= len(np.unique(text.astype(str))) <= MOST_LEVELS:
        return
    counts = counts_of(y, text)
    p_value = float(categorical_test(counts.to_numpy()).p_value)
    if np.isnan(p_value):
        return
    share = float(counts.max(axis=0).sum() / counts.to_numpy().sum())
    yield Test(what, where, p_value, share if _both_large(y) else 0.0, _positives(counts), "warning", remedy)


def _both_large(y: NDArray[np.int64]) -> bool:
    """True if both classes are large: if one is rare, the share of the larger one alone looks like a good guess."""
    return bool(min(y.mean(), 1 - y.mean()) > 1 - STRONG)


def _positives(counts: pd.DataFrame) -> str:
    total = counts.sum(axis=0).sort_values(ascending=False)
    shown = [f"{level} {int(counts.loc[1, level])} of {int(total[level])}" for level in total.index[:6]]
    return f"positive: {', '.join(shown)}{', ...' if len(total) > 6 else ''}"


# --- what is missing ---------------------------------------------------------------------------------------------


def _missing(seen: Inspected) -> Iterator[Test]:
    remedy = (
        "find out why the classes differ in what is known about them; models leave out patients with a missing value, "
        "so their patients are not the cohort's"
    )
    for name in seen.candidates:
        known = seen.rows[name].notna().map({True: "known", False: "missing"})
        yield from _levels(seen, known, f"whether '{name}' is known is associated with the outcome", name, remedy)
    for sequence in seen.sequences if seen.features is not None else ():
        there = np.where(seen.rows.index.isin(seen.table_of(sequence).index), "there", "missing")
        yield from _levels(
            seen, pd.Series(there, index=seen.rows.index),
            f"whether {sequence} is available is associated with the outcome", sequence, remedy,
        )  # fmt: skip
