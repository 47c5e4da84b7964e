"""Agreement on one item of the form between two lists of answers: Cohen's kappa of levels, ICC(2,1) of numbers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from radstudy.app.reading.closed_case import observations
from radstudy.errors import DataError
from radstudy.statistics import cohen_kappa, icc

KAPPA, ICC = "kappa", "ICC(2,1)"


@dataclass(frozen=True)
class ItemAgreement:
    """Agreement on one item.

    Parameters
    ----------
    item : by its name in the form.
    measure : kappa, or ICC(2,1) for numbers.
    value, low, high : the coefficient and its 95 % limits; NaN with a note.
    lesions : pairs of answers that are both observations.
    equal : share of these pairs that are equal; NaN for numbers, and without pairs.
    note : the reason why the value is NaN, else "".
    """

    item: str
    measure: str
    value: float
    low: float
    high: float
    lesions: int
    equal: float = np.nan
    note: str = ""


def agreement_on(item: str, levels: tuple[str, ...] | None, answers: Iterable[tuple[Any, Any]]) -> ItemAgreement:
    """Compute the agreement on one item.

    Parameters
    ----------
    item : its name.
    levels : of the item; None for a number.
    answers : pairs; a pair with an answer that is no observation (missing, not assessable) is left out.
    """
    pairs = observations(answers)
    measure = ICC if levels is None else KAPPA
    fewest = 3 if levels is None else 2
    equal = np.nan if levels is None or not pairs else sum(one == two for one, two in pairs) / len(pairs)
    if len(pairs) < fewest:
        note = f"fewer than {fewest} lesions have both answers"
        return ItemAgreement(item, measure, np.nan, np.nan, np.nan, len(pairs), equal, note)
    if levels is None:
        result = icc(np.array(pairs, dtype=np.float64), ICC)
        return ItemAgreement(item, ICC, result.value, *result.ci, len(pairs), equal, result.reason)
    try:
        kappa = cohen_kappa([one for one, _ in pairs], [two for _, two in pairs], levels=levels)
    except DataError as error:
        return ItemAgreement(item, KAPPA, np.nan, np.nan, np.nan, len(pairs), equal, str(error))
    return ItemAgreement(item, KAPPA, kappa.value, *kappa.ci, len(pairs), equal, kappa.reason)
