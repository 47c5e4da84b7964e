"""Data that ComBat refuses, and the reasons: too few rows, constant features, covariates confounded with the site."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from radstudy.errors import DataError
from radstudy.modelling.validation import TooFewError

Array = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

FLAT = 1e-10  # pooled standard deviation, as a share of the feature's own, below which nothing is left to scale


class NotHarmonisedError(TooFewError):
    """Rows cannot be harmonised: a site has too few, was not fitted, or is confounded with a covariate."""


def indicators(sites: Sequence[str], names: Sequence[str]) -> Array:
    """Return (rows, sites): 1 in the column of the row's site, else 0."""
    table: Array = (np.asarray(sites, dtype=object)[:, None] == np.asarray(names, dtype=object)).astype(np.float64)
    return table


def refuse_few(sites: Sequence[str], names: Sequence[str], *, mean_only: bool) -> None:
    """Raise NotHarmonisedError if there is one site alone, or a site has too few rows for its scale."""
    if len(names) < 2:
        raise NotHarmonisedError(
            f"all training rows are of one site ({', '.join(names)}): there is nothing to harmonise. To do: remove the "
            "step harmonise, or correct cohort.site"
        )
    counts = {name: sum(site == name for site in sites) for name in names}
    alone = [name for name, count in counts.items() if count < 2]
    if alone and not mean_only:
        raise NotHarmonisedError(
            f"the site '{alone[0]}' has one training row, from which no scale can be estimated. To do: write "
            "mean_only: true, or exclude the site"
        )


def refuse_confounded(design: Array, sites: int, covariates: Sequence[str]) -> None:
    """Raise NotHarmonisedError if the effect of a covariate cannot be told from that of the sites.

    Parameters
    ----------
    design : (rows, sites + covariates) indicators of the sites, then the covariates that are not constant.
    sites : number of sites.
    covariates : their names.
    """
    rank = int(np.linalg.matrix_rank(_scaled(design[:, :sites])))
    for number, name in enumerate(covariates):
        now = int(np.linalg.matrix_rank(_scaled(design[:, : sites + number + 1])))
        if now == rank:
            others = " and the covariates before it" if number else ""
            raise NotHarmonisedError(
                f"'{name}' is confounded with the site: the sites{others} determine its value in every training row, "
                "so ComBat cannot tell which of the two moves a feature, and would remove what it should keep. To do: "
                f"remove '{name}' from harmonise.keep, or do not harmonise these sites"
            )
        rank = now


def refuse_outcome_among(covariates: Array, names: Sequence[str], outcome: Array) -> None:
    """Raise DataError if a covariate is the outcome under another name.

    Parameters
    ----------
    covariates : (rows, covariates), of which missing values are left out.
    names : of the covariates.
    outcome : (rows,) 0 or 1.
    """
    for name, column in zip(names, covariates.T, strict=True):
        known = np.isfinite(column)
        groups = [column[known & (outcome == value)] for value in (0, 1)]
        if all(len(group) > 1 and np.ptp(group) == 0 for group in groups) and groups[0][0] != groups[1][0]:
            raise DataError(
                f"harmonise: keep: '{name}' is the outcome: each class has one value of it. {WHY_NOT_THE_OUTCOME}. "
                "To do: remove it from harmonise.keep"
            )


WHY_NOT_THE_OUTCOME = (
    "ComBat would then move every feature by what the outcome says: the outcome leaks into the features, a model of "
    "noise looks better than chance, and a new patient, whose outcome nobody knows, could not be harmonised"
)


def unusable_features(
    values: Array, design: Array, sites: int, *, mean_only: bool, reference: int | None
) -> dict[int, str]:
    """Return the columns that cannot be harmonised, with the reason of each.

    Parameters
    ----------
    values : (rows, features), NaN where missing.
    design : (rows, sites + covariates) as in `refuse_confounded`.
    sites : number of sites.
    mean_only : True if no scale is needed.
    reference : position of the reference site, whose rows alone give the pooled deviation; None: all rows do.
    """
    reasons: dict[int, str] = {}
    belongs = design[:, :sites] == 1
    for column, feature in enumerate(values.T):
        known = np.isfinite(feature)
        if reason := _of_sites(feature, known, belongs, mean_only) or _of_fit(
            feature, known, design, belongs, reference
        ):
            reasons[column] = reason
    return reasons


def _of_sites(feature: Array, known: BoolArray, belongs: BoolArray, mean_only: bool) -> str:
    """The reason why a feature's location or scale cannot be estimated in some site, or ""."""
    for member in belongs.T:
        here = feature[known & member]
        if not len(here):
            return "no training row of some site has a value"
        if not mean_only and len(here) < 2:
            return "a single training row of some site has a value: no scale"
        if not mean_only and np.ptp(here) == 0:
            return "constant in the training rows of some site: no scale"
    return ""


def _of_fit(feature: Array, known: BoolArray, design: Array, belongs: BoolArray, reference: int | None) -> str:
    """The reason why a feature has no residual variance, or its effects cannot be told apart, or ""."""
    part, own = design[known], feature[known]
    if not known.all() and np.linalg.matrix_rank(_scaled(part)) < design.shape[1]:
        return "site and covariates are confounded in the training rows that have a value"
    rest = own - part @ np.linalg.lstsq(part, own, rcond=None)[0]
    if reference is not None:
        rest = rest[belongs[known][:, reference]]
    size = max(float(np.abs(own - own.mean()).max()), float(np.abs(own).max()) * 1e-6)
    return "sites and covariates leave no variance" if np.sqrt(np.mean(rest**2)) <= FLAT * size else ""


def _scaled(design: Array) -> Array:
    """Return the columns, each divided by its largest absolute value, so that the rank does not depend on units."""
    size = np.abs(design).max(axis=0, initial=0.0)
    scaled: Array = design / np.where(size > 0, size, 1.0)
    return scaled
