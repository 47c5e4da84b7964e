"""ComBat fitted to training rows: the location and scale of every feature at every site, covariates kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radstudy.modelling.harmonisation.parameters import ComBat
from radstudy.modelling.harmonisation.problems import (
    NotHarmonisedError,
    indicators,
    refuse_confounded,
    refuse_few,
    unusable_features,
)
from radstudy.modelling.harmonisation.shrinkage import site_effect

Array = NDArray[np.float64]


def fit_combat(
    values: ArrayLike,
    sites: Sequence[str],
    covariates: ArrayLike | None = None,
    *,
    features: Sequence[str] = (),
    kept: Sequence[str] = (),
    reference: str = "",
    mean_only: bool = False,
    empirical_bayes: bool = True,
) -> ComBat:
    """Fit ComBat to training rows.

    Parameters
    ----------
    values : (rows, features); NaN where a value is missing: it takes no part and stays missing.
    sites : (rows,) name of each row's site, scanner or batch.
    covariates : (rows, covariates) finite numbers whose effect on the features is kept; levels as 0 and 1. Never the
        outcome (`refuse_outcome_among`).
    features, kept : names of the columns of `values` and `covariates`; left out: numbers.
    reference : the site that stays as it is, and to which the others are moved; "": their weighted mean.
    mean_only : adjust the location alone.
    empirical_bayes : shrink each site's locations and scales towards their mean over the features.

    Raises
    ------
    NotHarmonisedError : one site alone, a site with one row (unless `mean_only`), an unknown reference, a covariate
        that the sites determine, or a feature that cannot be harmonised (`unusable_features`).

    References
    ----------
    Johnson WE, Li C, Rabinovic A, Biostatistics 2007;8(1):118-127, doi 10.1093/biostatistics/kxj037.
    Fortin JP et al., NeuroImage 2018;167:104-120, doi 10.1016/j.neuroimage.2017.11.024.

    Examples
    --------
    >>> values = np.array([[1.0, 10], [2, 12], [3, 11], [11, 30], [12, 33], [13, 39]])
    >>> fitted = fit_combat(values, ["A", "A", "A", "B", "B", "B"], empirical_bayes=False)
    >>> fitted.adjust(values, ["A", "A", "A", "B", "B", "B"]).reshape(2, 3, 2).mean(axis=1).round(9).tolist()
    [[7.0, 22.5], [7.0, 22.5]]
    """
    table = np.asarray(values, dtype=np.float64)
    sites = [str(site) for site in sites]
    names = tuple(sorted(set(sites)))
    kept_values = np.zeros((len(table), 0)) if covariates is None else np.asarray(covariates, dtype=np.float64)
    features = tuple(features) or tuple(map(str, range(table.shape[1])))
    kept = tuple(kept) or tuple(map(str, range(kept_values.shape[1])))
    refuse_few(sites, names, mean_only=mean_only)
    if reference and reference not in names:
        raise NotHarmonisedError(f"the reference site '{reference}' has no training row (sites: {', '.join(names)})")
    varies = np.ptp(kept_values, axis=0) > 0
    design = np.hstack([indicators(sites, names), kept_values[:, varies]])
    refuse_confounded(design, len(names), [name for name, used in zip(kept, varies, strict=True) if used])
    place = names.index(reference) if reference else None
    for column, why in unusable_features(table, design, len(names), mean_only=mean_only, reference=place).items():
        raise NotHarmonisedError(f"the feature '{features[column]}' cannot be harmonised: {why}")
    effects = _effects(table, design)
    belongs = design[:, : len(names)] == 1
    mean = belongs.mean(axis=0) @ effects[: len(names)] if place is None else effects[place]
    coefficients = np.zeros((len(kept), table.shape[1]))
    coefficients[varies] = effects[len(names) :]
    rest = (table - design @ effects)[slice(None) if place is None else belongs[:, place]]
    deviation = np.sqrt(np.nanmean(rest**2, axis=0))
    standard = (table - mean - kept_values @ coefficients) / deviation
    estimates = [
        site_effect(standard[member], mean_only=mean_only, empirical_bayes=empirical_bayes) for member in belongs.T
    ]
    shift = np.array([one.shift for one in estimates])
    spread = np.array([one.spread for one in estimates])
    if place is not None:
        shift[place], spread[place] = 0.0, 1.0
    rows = tuple(int(member.sum()) for member in belongs.T)
    return ComBat(
        features, names, rows, kept, mean, coefficients, deviation, shift, spread, reference, mean_only,
        empirical_bayes and table.shape[1] > 1,
    )  # fmt: skip


def _effects(values: Array, design: Array) -> Array:
    """Return the least-squares effects, (columns of the design, features), each on the rows that have a value."""
    effects = np.empty((design.shape[1], values.shape[1]))
    known = np.isfinite(values)
    whole = known.all(axis=0)
    effects[:, whole] = np.linalg.lstsq(design, values[:, whole], rcond=None)[0]
    for column in np.flatnonzero(~whole):
        rows = known[:, column]
        effects[:, column] = np.linalg.lstsq(design[rows], values[rows, column], rcond=None)[0]
    return effects
