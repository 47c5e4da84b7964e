"""The share of each feature in the log-odds of each lesion, by a model's formula."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray


def contributions(terms: pd.DataFrame, design: pd.DataFrame, training: NDArray[np.bool_]) -> pd.DataFrame:
    """Compute what each feature of a model adds to the log-odds of each lesion.

    A term adds ``coefficient * (value - centre) / scale``; the intercept and all terms of a lesion sum to its log-odds.

    Parameters
    ----------
    terms : the model's rows of model/features.csv; without coefficients if the model is not a formula.
    design : the model's rows of the design table, indexed (patient, lesion).
    training : (rows of `design`,) True for training rows.

    Returns
    -------
    One row per lesion and feature: ``patient``, ``lesion``, ``feature``, ``value`` (NaN if missing), ``imputed`` (the
    value that replaced a missing one, else NaN), ``percentile`` of the value among the training rows (`percentiles`)
    and ``contribution`` (NaN without a formula).

    Examples
    --------
    >>> terms = pd.DataFrame([{"feature": "T2:x", "imputation": 3.0, "centre": 2.0, "scale": 0.5, "coefficient": -1.0}])
    >>> index = pd.MultiIndex.from_tuples([("1", "1"), ("2", "1")], names=["patient", "lesion"])
    >>> design = pd.DataFrame({"T2:x": [1.0, np.nan]}, index=index)
    >>> contributions(terms, design, np.array([True, True]))["contribution"].tolist()
    [2.0, -2.0]
    """
    parts = [_of_term(term, design, training) for term in terms.to_dict("records")]
    names = ["patient", "lesion", "feature", "value", "imputed", "percentile", "contribution"]
    if not parts:
        return pd.DataFrame(columns=names)
    whole = pd.concat(parts, keys=range(len(parts)), names=["term"]).reset_index()
    order = np.tile(np.arange(len(design)), len(parts))
    return whole.iloc[np.argsort(order, kind="stable")][names].reset_index(drop=True)


def _of_term(term: dict[Any, Any], design: pd.DataFrame, training: NDArray[np.bool_]) -> pd.DataFrame:
    values = design[term["feature"]].to_numpy(dtype=float)
    missing = np.isnan(values)
    imputed = np.where(missing, float(term["imputation"]), np.nan)
    used = np.where(missing, imputed, values)
    share = float(term["coefficient"]) * ((used - float(term["centre"])) / float(term["scale"]))
    return pd.DataFrame(
        {"feature": term["feature"], "value": values, "imputed": imputed,
         "percentile": percentiles(values, values[training]), "contribution": share},
        index=design.index,
    )  # fmt: skip


def percentiles(values: ArrayLike, reference: ArrayLike) -> NDArray[np.float64]:
    """Compute the percentile of values among others: the share below, and half of the share that is equal, in per cent.

    Parameters
    ----------
    values : (n,) NaN gives NaN.
    reference : (m,) NaN is left out; without any other value, all percentiles are NaN.

    Examples
    --------
    >>> percentiles([0.0, 2.0, 9.0], [1.0, 2.0, 3.0, np.nan]).tolist()
    [0.0, 50.0, 100.0]
    """
    values = np.asarray(values, dtype=float)
    known = np.sort(np.asarray(reference, dtype=float)[~np.isnan(reference)])
    if not known.size:
        return np.full(values.shape, np.nan)
    below, up_to = np.searchsorted(known, values, "left"), np.searchsorted(known, values, "right")
    return np.where(np.isnan(values), np.nan, 100 * (below + up_to) / (2 * known.size))
