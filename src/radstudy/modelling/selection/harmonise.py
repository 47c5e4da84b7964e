"""ComBat as a step of the selection: refitted on the training rows of every split, fold and permutation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from radstudy.modelling.harmonisation import fit_combat
from radstudy.modelling.harmonisation.problems import unusable_features
from radstudy.modelling.selection.step import Array, FeatureFilter
from radstudy.modelling.validation import Table
from radstudy.table import CLINICAL, SITE_IS, variable_of


class Harmoniser(FeatureFilter):
    """Step that brings the features of all sites to one location and scale, and drops those for which it cannot.

    Its table has, beside the features, a column ``site=NAME`` (0 or 1) of every site, and the covariates that are kept;
    both are taken out.

    Parameters
    ----------
    keep : clinical variables whose effect is kept.
    reference : the site that stays as it is; None: all move.
    mean_only : adjust the location alone.
    empirical_bayes : shrink each site's estimates towards their mean over the features.

    Attributes
    ----------
    combat_ : `ComBat`, the fitted parameters.
    beside_ : bool, one per column: True for sites and covariates.
    """

    _nan_is_fine = True

    def __init__(
        self,
        keep: Sequence[str] = (),
        reference: str | None = None,
        mean_only: bool = False,
        empirical_bayes: bool = True,
    ) -> None:
        self.keep = keep
        self.reference = reference
        self.mean_only = mean_only
        self.empirical_bayes = empirical_bayes

    def fit(self, X: Table, y: ArrayLike | None = None) -> Self:
        """Fit ComBat to X (rows, columns). The outcome is not used."""
        values = self._checked(X, reset=True)
        names = self._names()
        of_site = np.array([str(name).startswith(SITE_IS) for name in names], dtype=bool)
        covariate = np.array(
            [str(name).startswith(CLINICAL) and variable_of(str(name)) in set(self.keep) for name in names], dtype=bool
        )
        self.beside_: NDArray[np.bool_] = of_site | covariate
        self._of_site, self._covariate = of_site, covariate
        if not of_site.any():
            raise ValueError(f"the table has no column of a site ({SITE_IS}NAME)")
        usable = self._usable(values)
        features = np.flatnonzero(~self.beside_)
        kept = self.beside_.copy()
        kept[features] = [column not in usable for column in range(len(features))]
        self._keep(kept & ~self.beside_, {str(names[features[column]]): why for column, why in usable.items()})
        self.combat_ = fit_combat(
            values[:, self.kept_], self._sites(values), values[:, covariate],
            features=[str(name) for name in names[self.kept_]], kept=[str(name) for name in names[covariate]],
            reference=self.reference or "", mean_only=self.mean_only, empirical_bayes=self.empirical_bayes,
        )  # fmt: skip
        return self

    def transform(self, X: Table) -> Array:
        """Return the harmonised features of X; rows of a site that was not fitted are refused."""
        check_is_fitted(self, "combat_")
        values = self._checked(X, reset=False)
        return self.combat_.adjust(values[:, self.kept_], self._sites(values), values[:, self._covariate])

    def _sites(self, values: Array) -> list[str]:
        names = [str(name).removeprefix(SITE_IS) for name in self._names()[self._of_site]]
        return [names[place] for place in values[:, self._of_site].argmax(axis=1)]

    def _usable(self, values: Array) -> dict[int, str]:
        """Return the features that cannot be harmonised, by position among the features, with the reason of each."""
        here = values[:, self._of_site]
        here = here[:, here.any(axis=0)]
        kept = values[:, self._covariate]
        design = np.hstack([here, kept[:, np.ptp(kept, axis=0) > 0]])
        present = set(self._sites(values))
        every = [str(name).removeprefix(SITE_IS) for name in self._names()[self._of_site]]
        order = [name for name in every if name in present]
        place = order.index(self.reference) if self.reference in order else None
        return unusable_features(
            values[:, ~self.beside_], design, here.shape[1], mean_only=self.mean_only, reference=place
        )
