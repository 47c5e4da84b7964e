"""The frozen parameters of a fitted ComBat, and the adjustment of rows by them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radstudy.modelling.harmonisation.problems import NotHarmonisedError

Array = NDArray[np.float64]
FORMAT = "combat/1"


@dataclass(frozen=True, eq=False)
class ComBat:
    """A fitted ComBat: a feature is ``mean + covariates @ coefficients + deviation * (shift + sqrt(spread) * noise)``.

    Parameters
    ----------
    features : names, in the order of the columns.
    sites : names, in the order of the rows of `shift`.
    rows : rows that each site was estimated from.
    covariates : names of the covariates whose effect is kept.
    mean : (features,) weighted mean of the sites, or that of the reference site, in the feature's unit.
    coefficients : (covariates, features) effects that are kept, in the feature's unit.
    deviation : (features,) pooled standard deviation, in the feature's unit.
    shift : (sites, features) location of each site, in pooled standard deviations.
    spread : (sites, features) variance of each site, in pooled variances; 1 if the mean alone is adjusted.
    reference : the site that is left as it is; "" if there is none.
    mean_only : True if the scale is not adjusted.
    empirical_bayes : True if shift and spread are shrunk towards the site's mean over all features.
    """

    features: tuple[str, ...]
    sites: tuple[str, ...]
    rows: tuple[int, ...]
    covariates: tuple[str, ...]
    mean: Array
    coefficients: Array
    deviation: Array
    shift: Array
    spread: Array
    reference: str = ""
    mean_only: bool = False
    empirical_bayes: bool = True

    def standardised(self, values: Array, kept: Array) -> Array:
        """Return values (rows, features) without mean and kept effects, in pooled standard deviations."""
        scaled: Array = (values - self.mean - kept @ self.coefficients) / self.deviation
        return scaled

    def adjust(self, values: ArrayLike, sites: Sequence[str], covariates: ArrayLike | None = None) -> Array:
        """Harmonise rows, which may be new ones, of sites that were fitted.

        Parameters
        ----------
        values : (rows, features); NaN stays NaN.
        sites : (rows,) names.
        covariates : (rows, covariates) finite numbers; None if there are none.

        Returns
        -------
        (rows, features), in the features' units. Rows of the reference site are unchanged.

        Raises
        ------
        NotHarmonisedError : a site was not fitted, or a covariate is missing.
        """
        table = np.asarray(values, dtype=np.float64)
        kept = self.kept_values(covariates, len(table))
        place = self.places(sites)
        fitted = self.mean + kept @ self.coefficients
        standard = (table - fitted) / self.deviation
        adjusted: Array = (standard - self.shift[place]) / np.sqrt(self.spread[place]) * self.deviation + fitted
        unchanged = np.asarray(sites, dtype=object) == self.reference
        return np.where(unchanged[:, None], table, adjusted) if self.reference else adjusted

    def places(self, sites: Sequence[str]) -> NDArray[np.intp]:
        """Return each row's position among the fitted sites; refuse a site that was not fitted."""
        known = {name: number for number, name in enumerate(self.sites)}
        unseen = sorted({str(name) for name in sites if name not in known})
        if unseen:
            raise NotHarmonisedError(
                f"no training row is of the site {_quoted(unseen)}, so its location and scale are not known (fitted: "
                f"{_quoted(self.sites)}). To do: calibrate it on patients of that site who are not evaluated, or leave "
                "it out"
            )
        return np.array([known[name] for name in sites], dtype=np.intp)

    def kept_values(self, covariates: ArrayLike | None, rows: int) -> Array:
        """Return the covariates as (rows, covariates) numbers; refuse a missing one."""
        kept = np.zeros((rows, 0)) if covariates is None else np.asarray(covariates, dtype=np.float64)
        if kept.shape != (rows, len(self.covariates)):
            raise ValueError(f"covariates must be ({rows}, {len(self.covariates)}), not {kept.shape}")
        if not np.isfinite(kept).all():
            missing = [
                name for name, column in zip(self.covariates, kept.T, strict=True) if not np.isfinite(column).all()
            ]
            raise NotHarmonisedError(f"a row has no value of {_quoted(missing)}, whose effect ComBat keeps")
        return kept

    def as_json(self) -> dict[str, Any]:
        """Return plain lists and numbers, with the format's name; exact when read again."""
        arrays = {name: getattr(self, name).tolist() for name in _ARRAYS}
        texts = {name: list(getattr(self, name)) for name in ("features", "sites", "rows", "covariates")}
        return {
            "format": FORMAT, **texts, **arrays, "reference": self.reference, "mean_only": self.mean_only,
            "empirical_bayes": self.empirical_bayes,
        }  # fmt: skip

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> ComBat:
        """Read what `as_json` returns; raise ValueError for another format, or numbers that do not fit together."""
        if record.get("format") != FORMAT:
            raise ValueError(f"the parameters have the format '{record.get('format')}'; this program reads '{FORMAT}'")
        features, sites, covariates = len(record["features"]), len(record["sites"]), len(record["covariates"])
        shapes = {
            "mean": (features,), "coefficients": (covariates, features), "deviation": (features,),
            "shift": (sites, features), "spread": (sites, features),
        }  # fmt: skip
        arrays = {}
        for name, shape in shapes.items():
            array = np.asarray(record[name], dtype=np.float64).reshape(-1)
            if array.size != int(np.prod(shape)) or not np.isfinite(array).all():
                raise ValueError(f"'{name}' must have {shape} finite numbers")
            arrays[name] = array.reshape(shape)
        if (arrays["deviation"] <= 0).any() or (arrays["spread"] <= 0).any():
            raise ValueError("'deviation' and 'spread' must be above 0")
        return cls(
            tuple(record["features"]), tuple(record["sites"]), tuple(record["rows"]), tuple(record["covariates"]),
            **arrays, reference=record["reference"], mean_only=record["mean_only"],
            empirical_bayes=record["empirical_bayes"],
        )  # fmt: skip


_ARRAYS = ("mean", "coefficients", "deviation", "shift", "spread")


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)
