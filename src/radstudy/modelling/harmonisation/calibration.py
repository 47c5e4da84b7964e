"""A site that training did not have: its location and scale from patients of it who are not evaluated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from radstudy.modelling.harmonisation.parameters import ComBat
from radstudy.modelling.harmonisation.problems import NotHarmonisedError
from radstudy.modelling.harmonisation.shrinkage import site_effect

Array = NDArray[np.float64]
FEWEST = 5  # patients: below this a standard deviation is known to within a factor of two at best


@dataclass(frozen=True, eq=False)
class CalibratedSite:
    """A ComBat with a new site, and the patients whom the site's location and scale were estimated from.

    Parameters
    ----------
    combat : the parameters, with the new site as their last.
    site : its name.
    patients : who must not be evaluated; they are not part of the parameters, which leave the hospital.
    """

    combat: ComBat
    site: str
    patients: frozenset[str]

    @property
    def n(self) -> int:
        """The number of patients that the site was calibrated on."""
        return len(self.patients)

    def adjust(
        self, values: ArrayLike, sites: Sequence[str], patients: Sequence[str], covariates: ArrayLike | None = None
    ) -> Array:
        """Harmonise rows of patients who were not used for the calibration.

        Parameters
        ----------
        values, sites, covariates : as in `ComBat.adjust`.
        patients : (rows,) the patient of each row.

        Raises
        ------
        NotHarmonisedError : a patient was used for the calibration.
        """
        again = sorted(self.patients & set(patients))
        if again:
            raise NotHarmonisedError(
                f"{len(again)} of the patients to be evaluated were used to calibrate the site '{self.site}' (one: "
                f"{again[0]}): the same patients cannot do both. To do: evaluate the others alone"
            )
        return self.combat.adjust(values, sites, covariates)


def calibrated(
    combat: ComBat,
    site: str,
    values: ArrayLike,
    patients: Sequence[str],
    covariates: ArrayLike | None = None,
) -> CalibratedSite:
    """Add a site to a fitted ComBat; everything that training fitted stays as it is.

    Parameters
    ----------
    combat : the fitted parameters.
    site : name of the new site.
    values : (rows, features) of its patients, in the order of ``combat.features``.
    patients : (rows,) the patient of each row.
    covariates : (rows, covariates) as in training.

    Raises
    ------
    NotHarmonisedError : the site was fitted before, there are fewer than five patients, or a feature does not vary.
    """
    if site in combat.sites:
        raise NotHarmonisedError(f"the site '{site}' was fitted in training: it needs no calibration")
    distinct = frozenset(map(str, patients))
    if len(distinct) < FEWEST:
        raise NotHarmonisedError(
            f"the site '{site}' has {len(distinct)} patients to be calibrated on; at least {FEWEST} are needed"
        )
    table = np.asarray(values, dtype=np.float64)
    kept = combat.kept_values(covariates, len(table))
    for name, column in zip(combat.features, table.T, strict=True):
        known = column[np.isfinite(column)]
        if len(known) < 2 or np.ptp(known) == 0:
            raise NotHarmonisedError(f"the feature '{name}' does not vary at the site '{site}': no scale")
    effect = site_effect(
        combat.standardised(table, kept), mean_only=combat.mean_only, empirical_bayes=combat.empirical_bayes
    )
    added = replace(
        combat, sites=(*combat.sites, site), rows=(*combat.rows, len(table)),
        shift=np.vstack([combat.shift, effect.shift]), spread=np.vstack([combat.spread, effect.spread]),
    )  # fmt: skip
    return CalibratedSite(added, site, distinct)
