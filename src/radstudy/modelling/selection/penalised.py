"""Selection by the coefficients of an L1-penalised logistic regression: LASSO and elastic net."""

from __future__ import annotations

from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from radstudy.modelling.folds import patients_of, smaller_class
from radstudy.modelling.penalised import Path, fit_path, fold_losses, strengths_of
from radstudy.modelling.selection.ranking import chosen, most_of
from radstudy.modelling.selection.step import FeatureFilter
from radstudy.modelling.validation import Table


class PenalisedFilter(FeatureFilter):
    """Filter that keeps the features with a non-zero coefficient in an L1-penalised logistic regression.

    Parameters
    ----------
    mix : share of L1; 1 is the LASSO, less keeps groups of related features together (elastic net).
    rule : "best", the penalty with the lowest mean log-loss over the folds; "one-se", the strongest within a standard
        error of it. Without folds (one patient in a class) the strongest, which keeps nothing.
    folds, strengths : number of folds and of penalties.
    most : largest number of features that the penalty may keep: a number, "events/10", or None.
    random_state : seed of the folds.

    Attributes
    ----------
    strength_ : the chosen penalty.
    coefficients_ : (features,) per unit, at the chosen penalty, on all training rows.
    losses_ : (folds, strengths).
    """

    _needs_outcome = True

    def __init__(
        self,
        mix: float = 1.0,
        rule: str = "best",
        folds: int = 5,
        strengths: int = 50,
        most: int | str | None = None,
        random_state: int | None = 0,
    ) -> None:
        self.mix = mix
        self.rule = rule
        self.folds = folds
        self.strengths = strengths
        self.most = most
        self.random_state = random_state

    def fit(self, X: Table, y: ArrayLike) -> Self:
        """Learn which columns to keep from X (rows, features) and y (rows,)."""
        values, outcome = self._checked_pair(X, y)
        groups = patients_of(X)
        self.strength_, self.losses_ = float("nan"), np.empty((0, self.strengths))
        self.coefficients_ = np.zeros(values.shape[1])
        if values.shape[1]:
            strengths = strengths_of(values, outcome, self.mix, self.strengths)
            path = fit_path(values, outcome, self.mix, strengths)
            allowed = self._allowed(path, smaller_class(outcome, groups))
            self.losses_ = fold_losses(
                values, outcome, groups, self.mix, strengths, folds=self.folds, seed=self.random_state
            )
            index = chosen(self.losses_[:, :allowed], self.rule) if len(self.losses_) else 0
            self.strength_, self.coefficients_ = float(strengths[index]), path.coefficients[index]
        kept = self.coefficients_ != 0
        why = f"coefficient 0 at strength {self.strength_:.4g}"
        return self._keep(kept, {str(name): why for name in self._names()[~kept]})

    def _allowed(self, path: Path, events: int) -> int:
        """Count the strengths of the path, from the strongest, that keep no more features than the cap."""
        if self.most is None:
            return len(path.strengths)
        too_many = (path.coefficients != 0).sum(axis=1) > most_of(self.most, events)
        return int(np.argmax(too_many)) if too_many.any() else len(path.strengths)
