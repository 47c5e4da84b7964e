"""Check for features that were scaled, or columns that were selected, before the patients were split."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from radstudy.modelling.leaks.finding import Inspected, LeakFinding, listed
from radstudy.statistics import mann_whitney_columns

CHECK = "scaling"
SELECTION = "selection"
CLOSE = 2e-3  # of a standard deviation; tables are often written with three digits
FEWEST_COLUMNS, FEWEST_VALUES = 2, 5
LEAST_SHARE = 0.25  # of the columns; a few may have such values by chance, a scaled table has them in all
SELECTED_BELOW, LEAST_EFFECTIVE = 0.05, 5.0
_REMEDY = "give the features as extracted; 'standardise: zscore' in model.select scales them by the training rows alone"


def find_scaling(seen: Inspected) -> Iterator[LeakFinding]:
    """Find columns with exactly the mean and SD, median and quartiles, or range that result from scaling over all rows.

    Mean 0 within 0.002 SD, and SD 1 within 0.002 (with n or n - 1); or median 0 and interquartile range 1 likewise; or
    a range of exactly [0, 1] or [-1, 1] with at least five different values; in at least two columns and a quarter of a
    sequence's. A feature as extracted meets the first two by chance with a probability of about 1e-5, and has no reason
    to meet the last.

    Parameters
    ----------
    seen : the study.
    """
    for sequence in seen.sequences if seen.features is not None else ():
        for name, frame in _groups(seen, sequence):
            scaled = scaled_columns(frame)
            training = frame[_in_set(seen, frame, "training")]
            if not scaled:
                continue
            how, columns, share = scaled
            of_training = scaled_columns(training)
            if of_training and len(of_training[1]) >= len(columns):  # by the training rows alone: as it should be
                continue
            yield LeakFinding(
                "error", CHECK, f"the features of {sequence} were scaled over training and testing rows together",
                f"{how} over {len(frame)} rows ({name}) in {len(columns)} of {frame.shape[1]} columns ({share:.0%})",
                f"{sequence}: {listed(columns)}", _REMEDY,
            )  # fmt: skip
            break
        else:
            yield from _each_set_by_itself(seen, sequence)


def _groups(seen: Inspected, sequence: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """Yield the sets of rows that the features may have been scaled over."""
    if seen.features is None:
        return
    mine = seen.features.of(sequence, seen.reader).dropna(axis=1, how="all")
    yield "all of the cohort", mine[mine.index.isin(seen.rows.index)]
    yield "all of the table", mine
    of_sequence = seen.features.frame.index.get_level_values("sequence") == sequence
    everybody = seen.features.frame[of_sequence].droplevel("sequence").dropna(axis=1, how="all")
    if len(everybody) != len(mine):
        yield "all of the table, all readers", everybody


def _in_set(seen: Inspected, frame: pd.DataFrame, which: str) -> NDArray[np.bool_]:
    sets = seen.rows["set"].reindex(frame.index)
    return np.asarray(sets == which, dtype=np.bool_)


def _each_set_by_itself(seen: Inspected, sequence: str) -> Iterator[LeakFinding]:
    frame = seen.table_of(sequence)
    scaled = {which: scaled_columns(frame[_in_set(seen, frame, which)]) for which in ("training", "testing")}
    if not scaled["testing"]:
        return
    how, columns, share = scaled["testing"]
    also = " and so were the training rows by theirs" if scaled["training"] else ""
    yield LeakFinding(
        "error", CHECK, f"the testing rows of {sequence} were scaled by their own values{also}: this is impossible for "
        "the next patient",
        f"{how} over the testing rows in {len(columns)} of {frame.shape[1]} columns ({share:.0%})",
        f"{sequence}: {listed(columns)}", _REMEDY,
    )  # fmt: skip


def scaled_columns(frame: pd.DataFrame) -> tuple[str, list[str], float] | None:
    """Return the kind of scaling, the scaled columns and their share; None if the rows were not scaled.

    Parameters
    ----------
    frame : rows x features.
    """
    values = frame.to_numpy(dtype=float)
    if len(values) < FEWEST_VALUES:
        return None
    kept = np.flatnonzero(~np.isnan(values).all(axis=0))
    values = values[:, kept]
    lowest, highest = np.nanmin(values, axis=0), np.nanmax(values, axis=0)
    varies = highest > lowest
    scalings = {
        "mean 0 and SD 1": _z_scored(values) & varies,
        "median 0 and interquartile range 1": _robust(values) & varies,
        "range 0 to 1": _many_values(values, (lowest == 0) & (highest == 1)),
        "range -1 to 1": _many_values(values, (lowest == -1) & (highest == 1)),
    }
    for how, hit in scalings.items():
        share = float(hit.sum()) / max(int(varies.sum()), 1)
        if hit.sum() >= FEWEST_COLUMNS and share >= LEAST_SHARE:
            return how, [str(frame.columns[kept[k]]) for k in np.flatnonzero(hit)], share
    return None


def _z_scored(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    close: NDArray[np.bool_] = np.abs(np.nanmean(values, axis=0)) < CLOSE
    deviation = [np.abs(np.nanstd(values, axis=0, ddof=ddof) - 1) < CLOSE for ddof in (0, 1)]
    hit: NDArray[np.bool_] = close & (deviation[0] | deviation[1])
    return hit


def _robust(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """True for median 0 and interquartile range 1, except for whole numbers: counts may have both by chance."""
    low, middle, high = np.nanquantile(values, [0.25, 0.5, 0.75], axis=0)
    whole = (values == np.round(values)) | np.isnan(values)
    hit: NDArray[np.bool_] = (np.abs(middle) < CLOSE) & (np.abs(high - low - 1) < CLOSE) & ~whole.all(axis=0)
    return hit


def _many_values(values: NDArray[np.float64], where: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return those of the columns `where` that have several values: 0 and 1 alone are not a scale."""
    hit = where.copy()
    for column in np.flatnonzero(where):
        known = values[:, column]
        hit[column] = len(np.unique(known[~np.isnan(known)])) >= FEWEST_VALUES
    return hit


def find_selection(seen: Inspected) -> Iterator[LeakFinding]:
    """Find sequences of a given table whose columns are all associated with the outcome: probably selected on all rows.

    Features as extracted are not all associated with an outcome. Every p-value of a sequence (Mann-Whitney, all rows)
    below 0.05 counts if the columns are worth at least five independent ones (Li and Ji's effective number), so that
    noise produces it with a probability of about 0.05^5 = 3e-7.

    Parameters
    ----------
    seen : the study.

    References
    ----------
    Li J, Ji L, Heredity 2005;95:221, doi 10.1038/sj.hdy.6800717 (effective number of tests).
    """
    for sequence in seen.sequences if seen.given else ():
        frame = seen.table_of(sequence)
        values = frame.to_numpy(dtype=float)
        varies = np.isfinite(values).all(axis=0) & (np.ptp(values, axis=0) > 0) if len(values) else np.zeros(0, bool)
        values = values[:, varies]
        if values.shape[1] < LEAST_EFFECTIVE:
            continue
        p_values = mann_whitney_columns(values, seen.outcome_of(frame.index))
        effective = effective_number(values)
        if np.nanmax(p_values) >= SELECTED_BELOW or effective < LEAST_EFFECTIVE:
            continue
        yield LeakFinding(
            "warning", SELECTION, f"every column of {sequence} is associated with the outcome, testing rows included: "
            "were they selected on all patients before this study?",
            f"largest of {len(p_values)} p-values {np.max(p_values):.3g} (Mann-Whitney, {len(frame)} rows); the "
            f"columns are worth {effective:.0f} independent ones, so chance produces this with a probability below "
            f"{SELECTED_BELOW**effective:.0e}",
            f"{sequence}: {listed(list(frame.columns[varies]))}",
            "give all features that were extracted, and let model.select choose on the training rows",
        )  # fmt: skip


def effective_number(values: NDArray[np.float64]) -> float:
    """Compute Li and Ji's effective number of independent columns: sum over eigenvalues x of the correlations of
    ``(x >= 1) + (x - floor(x))``.
    """
    largest = np.abs(values).max(axis=0)
    values = values / np.where(largest > 0, largest, 1.0)  # so that no square overflows
    eigenvalues = np.clip(np.linalg.eigvalsh(np.atleast_2d(np.corrcoef(values, rowvar=False))), 0, None)
    eigenvalues = np.round(eigenvalues, 9)
    return float(((eigenvalues >= 1) + (eigenvalues - np.floor(eigenvalues))).sum())
