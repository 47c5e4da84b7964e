"""Checks for impossible or doubtful clinical numbers: an age of 590, 999 for a missing value, a slipped digit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from radstudy.errors import TableProblem
from radstudy.protocol.sections import ClinicalVariable

_SHOWN = 8
_OF_UNIT = {
    **dict.fromkeys(("year", "years", "y", "yr", "yrs"), (0.0, 120.0)),
    "mm": (0.0, 3000.0),  # of a lesion or of a whole person
    "cm": (0.0, 300.0),
    "kg": (0.0, 500.0),
    **dict.fromkeys(("kg/m2", "kg/m\u00b2", "kg/m^2"), (5.0, 150.0)),
}
_CODES = (9.0, 99.0, 999.0, 9999.0, 99999.0)  # also their negatives, and -1: common codes for a missing value
_FEWEST = 8
_DECADES, _DEVIATIONS = 1.0, 6.0


def range_of(variable: ClinicalVariable) -> tuple[float, float] | None:
    """Range of allowed values, from the codebook or by the unit; None if neither is known."""
    return variable.range or _OF_UNIT.get(variable.unit.strip().lower())


def implausible(numbers: pd.Series[float], name: str, variable: ClinicalVariable) -> list[TableProblem]:
    """List the numbers outside the variable's range, as problems.

    Parameters
    ----------
    numbers : indexed (patient, lesion), NaN if missing.
    name : name of the variable.
    variable : its entry in the codebook.
    """
    limits = range_of(variable)
    if limits is None:
        return []
    wrong = numbers[(numbers < limits[0]) | (numbers > limits[1])]
    unit = f" {variable.unit}" if variable.unit else ""
    return [
        TableProblem(
            f"{patients_of(cells)}: {name} is {value:g}{unit}, outside {limits[0]:g} to {limits[1]:g}{unit}. To do: "
            f"correct the table, or set cohort.clinical.{name}.range, such as "
            f"[{min(limits[0], value):g}, {max(limits[1], value):g}]",
            rows=cells.index,
        )
        for value, cells in wrong.groupby(wrong, sort=False)
    ]


def suspicious(numbers: pd.Series[float], name: str, variable: ClinicalVariable) -> list[str]:
    """List numbers that are used but should be checked by a person.

    These are common codes for a missing value (-1, -9, 99, 999 and so on) that lie outside all other values; and values
    that differ from the median by more than a factor of 10 and by more than six median absolute deviations (of the
    decimal logarithms, among at least eight positive values). A range in the codebook rules out the first.

    Parameters
    ----------
    numbers, name, variable : see `implausible`.
    """
    coded = _look_like_codes(numbers) if variable.range is None else numbers.iloc[:0]
    apart = _orders_apart(numbers.drop(coded.index))
    median = float(numbers.median())
    return [
        *(
            f"{patients_of(cells)}: {name} is {value:g}, a common code for a missing value, and is used as a number. "
            f"If it means missing, leave the cell empty; if not, set cohort.clinical.{name}.range"
            for value, cells in coded.groupby(coded, sort=False)
        ),
        *(
            f"{patients_of(cells)}: {name} is {value:g}, the median is {median:g}: more than a factor of 10 apart. "
            "Check for a slipped digit or another unit"
            for value, cells in apart.groupby(apart, sort=False)
        ),
    ]


def _look_like_codes(numbers: pd.Series[float]) -> pd.Series[float]:
    codes = [*_CODES, *(-code for code in _CODES), -1.0]
    known = numbers.dropna()
    coded, others = known[known.isin(codes)], known[~known.isin(codes)]
    if not len(coded) or not len(others):
        return coded.iloc[:0]
    low, high = float(others.min()), float(others.max())
    negative = (coded < 0) & (low >= 0)
    far = coded > high + 2 * max(high - low, 0.1 * abs(high))
    return coded[negative | far]


def _orders_apart(numbers: pd.Series[float]) -> pd.Series[float]:
    positive = numbers[numbers > 0]
    if len(positive) < _FEWEST:
        return positive.iloc[:0]
    logs = pd.Series(np.log10(positive), index=positive.index)
    away = (logs - logs.median()).abs()
    return positive[away > max(_DECADES, _DEVIATIONS * float(away.median()))]


def patients_of(cells: pd.Series[Any]) -> str:
    """The patients of some rows, for messages."""
    patients = [str(patient) for patient in dict.fromkeys(cells.index.get_level_values(0))]
    if len(patients) == 1:
        return f"Patient {patients[0]}"
    more = f" and {len(patients) - _SHOWN} more" if len(patients) > _SHOWN else ""
    return f"{len(patients)} patients ({', '.join(patients[:_SHOWN])}{more})"
