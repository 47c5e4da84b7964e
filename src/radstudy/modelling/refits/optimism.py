"""Performance of a whole pipeline on unseen rows, estimated from its refits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class NestedValidation:
    """Repeated cross-validation of the whole pipeline.

    Attributes
    ----------
    fold_aucs : model to float (repeats, folds): AUC of the rows left out; NaN if they are of one class.
    log_odds : model to float (repeats, rows): each row's score when it was left out; NaN if it was not scored.
    selected : model to the names selected in each fold, repeat by repeat.
    test_share : number of rows left out divided by number of training rows.
    """

    repeats: int
    folds: int
    fold_aucs: Mapping[str, Array]
    log_odds: Mapping[str, Array]
    selected: Mapping[str, tuple[tuple[str, ...], ...]]
    test_share: float

    def mean_auc(self, model: str) -> float:
        """Return the mean of the folds' AUCs. (The AUC of scores pooled over folds is biased low in small samples.)"""
        return float(np.nanmean(self.fold_aucs[model]))

    def standard_error(self, model: str) -> float:
        """Return the standard error, corrected for overlapping training sets: ``sqrt((1/(k r) + n_test/n_train) s^2)``.

        s^2 is the variance of all k r AUCs. Approximate: it was derived for errors, not for AUCs.

        References
        ----------
        Nadeau C, Bengio Y, Mach Learn 2003;52:239, doi 10.1023/A:1024068626366. Bouckaert RR, Frank E, PAKDD 2004:3.
        """
        values = self.fold_aucs[model][np.isfinite(self.fold_aucs[model])]
        if len(values) < 2:
            return float("nan")
        return float(np.sqrt((1 / len(values) + self.test_share) * values.var(ddof=1)))


@dataclass(frozen=True, eq=False)
class Bootstrap:
    """Results of the whole pipeline on patients drawn with replacement.

    Attributes
    ----------
    apparent : model to the AUC of the model fitted to all rows, on those rows.
    in_bag, original, out_of_bag : model to float (resamples,): AUC of each resample's model on its own rows, on all
        rows, and on the rows of patients that were not drawn.
    brier, slope : of the out-of-bag rows; NaN where not defined.
    selected : model to the names selected in each resample.
    coefficients : model to the coefficients of each resample, (features,) of its standardised features in the order of
        their names; NaN if the model is not a formula.
    """

    resamples: int
    apparent: Mapping[str, float]
    in_bag: Mapping[str, Array]
    original: Mapping[str, Array]
    out_of_bag: Mapping[str, Array]
    brier: Mapping[str, Array]
    slope: Mapping[str, Array]
    selected: Mapping[str, tuple[tuple[str, ...], ...]]
    coefficients: Mapping[str, tuple[Array, ...]] = field(default_factory=dict)

    def out_of_bag_auc(self, model: str) -> float:
        """Return the mean out-of-bag AUC, which is not optimistic."""
        return float(np.nanmean(self.out_of_bag[model]))

    def harrell(self, model: str) -> float:
        """Return the apparent AUC minus the mean optimism. Optimistic after selection.

        References
        ----------
        Harrell FE, Lee KL, Mark DB, Stat Med 1996;15:361.
        """
        return self.apparent[model] - float(np.nanmean(self.in_bag[model] - self.original[model]))

    def weighted_632(self, model: str) -> float:
        """Return 0.368 apparent + 0.632 out-of-bag AUC. Optimistic after selection."""
        return 0.368 * self.apparent[model] + 0.632 * self.out_of_bag_auc(model)

    def weighted_632_plus(self, model: str) -> float:
        """Return the .632+ estimate: the out-of-bag AUC's weight grows with the relative overfitting (chance is 0.5).

        References
        ----------
        Efron B, Tibshirani R, J Am Stat Assoc 1997;92:548, doi 10.1080/01621459.1997.10474007; for the AUC: Sahiner B,
        Chan HP, Hadjiiski L, Med Phys 2008;35:1559, doi 10.1118/1.2868757.
        """
        apparent, outside = self.apparent[model], max(0.5, self.out_of_bag_auc(model))
        overfitting = (apparent - outside) / (apparent - 0.5) if outside < apparent and apparent > 0.5 else 0.0
        weight = 0.632 / (1 - 0.368 * overfitting)
        return (1 - weight) * apparent + weight * outside


def selection_frequency(selected: tuple[tuple[str, ...], ...]) -> dict[str, float]:
    """Return the frequency with which each feature was selected, the most frequent first."""
    counts: dict[str, int] = {}
    for names in selected:
        for name in names:
            counts[name] = counts.get(name, 0) + 1
    return {name: counts[name] / len(selected) for name in sorted(counts, key=lambda name: (-counts[name], name))}
