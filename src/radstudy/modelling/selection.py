"""The selection chain as scikit-learn transformers, each fitted on training rows alone.

Every step says what it dropped and why: ``dropped_`` maps the name of a feature to the reason. A step may leave no
feature at all; the steps after it then pass the empty table on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.ensemble import GradientBoostingClassifier
from sklearn.utils import ClassifierTags
from sklearn.utils.validation import check_is_fitted

from radstudy.modelling.validation import binary_outcome, checked_pair, checked_table
from radstudy.statistics import auc_columns, mann_whitney_columns, student_columns

Array = NDArray[np.float64]


class _Step(BaseEstimator):  # type: ignore[misc]
    """What the steps share: validated input, which may have no column left, and the names of its columns."""

    _nan_is_fine = False
    _needs_outcome = False

    def _checked(self, X: Any, *, reset: bool) -> Array:
        return checked_table(self, X, reset=reset, allow_nan=self._nan_is_fine)

    def _checked_pair(self, X: Any, y: ArrayLike) -> tuple[Array, NDArray[np.int64]]:
        values, outcome = checked_pair(self, X, y)
        return values, binary_outcome(outcome)

    def _names(self) -> NDArray[np.object_]:
        names = getattr(self, "feature_names_in_", None)
        return np.array([f"x{i}" for i in range(self.n_features_in_)], dtype=object) if names is None else names

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = self._nan_is_fine
        if self._needs_outcome:
            tags.target_tags.required = True
            tags.classifier_tags = ClassifierTags(multi_class=False)
        return tags


class FeatureFilter(TransformerMixin, _Step):  # type: ignore[misc]
    """A step that keeps some columns: `kept_` (bool, one a column) and `dropped_` (name to reason)."""

    def transform(self, X: Any) -> Array:
        """The kept columns of X, in their order."""
        check_is_fitted(self, "kept_")
        values = self._checked(X, reset=False)
        return values[:, self.kept_]

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the kept columns."""
        check_is_fitted(self, "kept_")
        names: NDArray[np.object_] = self._names()[self.kept_]
        return names

    def _keep(self, kept: NDArray[np.bool_], reasons: dict[str, str]) -> Self:
        self.kept_ = kept
        self.dropped_ = reasons
        return self


class MedianImputer(FeatureFilter):
    """Fill missing values with the training median; drop features that no training row has.

    Attributes
    ----------
    medians_ : (features,) training medians, NaN for a dropped feature.
    imputed_ : name to number of training values filled in, for features that needed it.
    """

    _nan_is_fine = True

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn the medians of X (rows, features)."""
        values = self._checked(X, reset=True)
        names = self._names()
        missing = np.isnan(values)
        known = np.logical_not(missing.all(axis=0))
        self.medians_ = np.full(values.shape[1], np.nan)
        self.medians_[known] = np.nanmedian(values[:, known], axis=0)
        counts = missing.sum(axis=0)
        self.imputed_ = {str(names[i]): int(counts[i]) for i in np.flatnonzero(known & (counts > 0))}
        return self._keep(known, {str(name): "no training row has a value" for name in names[~known]})

    def transform(self, X: Any) -> Array:
        """X with its missing values filled, without the dropped columns."""
        kept = super().transform(X)
        return np.where(np.isnan(kept), self.medians_[self.kept_], kept)


class ZScore(OneToOneFeatureMixin, TransformerMixin, _Step):  # type: ignore[misc]
    """Subtract the training mean and divide by the training standard deviation (of the population, as z-scores are).

    A constant feature becomes 0; it is left to the filters to drop it.
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn mean and standard deviation of X (rows, features)."""
        values = self._checked(X, reset=True)
        self.mean_ = values.mean(axis=0)
        spread = values.std(axis=0)
        constant = spread <= 10 * np.finfo(float).eps * np.maximum(np.abs(self.mean_), np.finfo(float).tiny)
        self.scale_ = np.where(constant, 1.0, spread)
        return self

    def transform(self, X: Any) -> Array:
        """(X - mean) / scale."""
        check_is_fitted(self, "scale_")
        scaled: Array = (self._checked(X, reset=False) - self.mean_) / self.scale_
        return scaled


class CollinearityFilter(FeatureFilter):
    """Of any pair with an absolute Pearson correlation above a bound keep the one with the higher univariate power.

    Features are taken in the order of their training |AUC - 0.5|, ties by name; each one that is taken drops all that
    are left and correlate with it.

    Parameters
    ----------
    above : the bound on the absolute correlation.
    """

    _needs_outcome = True

    def __init__(self, above: float = 0.80) -> None:
        self.above = above

    def fit(self, X: Any, y: ArrayLike) -> Self:
        """Learn which columns to keep from X (rows, features) and y (rows,)."""
        values, outcome = self._checked_pair(X, y)
        names = self._names()
        kept = np.zeros(values.shape[1], dtype=bool)
        dropped: dict[str, str] = {}
        if values.shape[1]:
            power = np.abs(auc_columns(values, outcome) - 0.5)
            order = np.lexsort((names.astype(str), -np.round(power, 12)))
            related = absolute_correlation(values)
            alive = np.ones(values.shape[1], dtype=bool)
            for index in order:
                if not alive[index]:
                    continue
                kept[index] = True
                losers = alive & (related[index] > self.above)
                losers[index] = False
                for loser in np.flatnonzero(losers):
                    dropped[str(names[loser])] = f"|r| = {related[index, loser]:.3f} with {names[index]}"
                alive &= ~losers
                alive[index] = False
        return self._keep(kept, dropped)


def absolute_correlation(values: Array) -> Array:
    """(features, features) absolute Pearson correlations of (rows, features); 0 where a feature is constant."""
    centred = values - values.mean(axis=0)
    length = np.linalg.norm(centred, axis=0)
    usable = length > 1e-12 * np.maximum(np.abs(values).max(axis=0), np.finfo(float).tiny)
    unit = np.where(usable, centred / np.where(usable, length, 1.0), 0.0)
    related: Array = np.abs(unit.T @ unit)
    return related


class UnivariateFilter(FeatureFilter):
    """Keep the features that differ between the two groups.

    Parameters
    ----------
    test : "mann-whitney" (asymptotic, ties corrected, no continuity correction) or "student".
    below : keep features with p below this.

    Attributes
    ----------
    p_values_ : (features,), NaN for a constant feature.
    """

    _needs_outcome = True

    def __init__(self, test: str = "mann-whitney", below: float = 0.05) -> None:
        self.test = test
        self.below = below

    def fit(self, X: Any, y: ArrayLike) -> Self:
        """Learn which columns to keep from X (rows, features) and y (rows,)."""
        values, outcome = self._checked_pair(X, y)
        names = self._names()
        tests: dict[str, Callable[..., Array]] = {"mann-whitney": mann_whitney_columns, "student": student_columns}
        if self.test not in tests:
            raise ValueError(f"test must be one of {sorted(tests)}, not {self.test!r}")
        self.p_values_ = tests[self.test](values, outcome) if values.shape[1] else np.empty(0)
        kept = self.p_values_ < self.below
        reasons = {
            str(names[i]): f"p = {self.p_values_[i]:.3f}" if np.isfinite(self.p_values_[i]) else "constant"
            for i in np.flatnonzero(~kept)
        }
        return self._keep(kept, reasons)


class BoostedTreesFilter(FeatureFilter):
    """Keep the features that gradient-boosted decision trees find most important.

    Parameters
    ----------
    keep : how many to keep; where no more are left, all are kept.
    trees, depth, learning_rate, subsample : of scikit-learn's GradientBoostingClassifier.
    random_state : seed of the trees.

    Attributes
    ----------
    importances_ : (features,) impurity importance; NaN where nothing had to be dropped and no tree was grown.
    """

    _needs_outcome = True

    def __init__(
        self,
        keep: int = 5,
        trees: int = 100,
        depth: int = 3,
        learning_rate: float = 0.1,
        subsample: float = 1.0,
        random_state: int | None = 0,
    ) -> None:
        self.keep = keep
        self.trees = trees
        self.depth = depth
        self.learning_rate = learning_rate
        self.subsample = subsample
        self.random_state = random_state

    def fit(self, X: Any, y: ArrayLike) -> Self:
        """Learn which columns to keep from X (rows, features) and y (rows,)."""
        values, outcome = self._checked_pair(X, y)
        names = self._names()
        count = values.shape[1]
        self.importances_ = np.full(count, np.nan)
        if count <= self.keep:
            return self._keep(np.ones(count, dtype=bool), {})
        forest = GradientBoostingClassifier(
            n_estimators=self.trees,
            max_depth=self.depth,
            learning_rate=self.learning_rate,
            subsample=self.subsample,
            random_state=self.random_state,
        )
        self.importances_ = forest.fit(values, outcome).feature_importances_
        order = np.lexsort((names.astype(str), -self.importances_))
        kept = np.zeros(count, dtype=bool)
        kept[order[: self.keep]] = True
        rank = {int(index): place for place, index in enumerate(order, 1)}
        reasons = {
            str(names[i]): f"importance {self.importances_[i]:.4f}, rank {rank[int(i)]} of {count}"
            for i in np.flatnonzero(~kept)
        }
        return self._keep(kept, reasons)


class Columns(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Take columns of a design table by name.

    Parameters
    ----------
    prefixes : take names that begin so, such as ("DCE7:",).
    whole : take these names.
    """

    def __init__(self, prefixes: Sequence[str] = (), whole: Sequence[str] = ()) -> None:
        self.prefixes = prefixes
        self.whole = whole

    def fit(self, X: pd.DataFrame, y: Any = None) -> Self:
        """Remember the names of the columns."""
        self.feature_names_in_ = np.asarray(X.columns, dtype=object)
        self.n_features_in_ = len(self.feature_names_in_)
        starts = tuple(self.prefixes)
        self.names_ = [name for name in X.columns if str(name).startswith(starts) or name in set(self.whole)]
        return self

    def transform(self, X: pd.DataFrame) -> pd.DataFrame:
        """The chosen columns."""
        check_is_fitted(self, "names_")
        return X[self.names_]

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Names of the chosen columns."""
        check_is_fitted(self, "names_")
        return np.asarray(self.names_, dtype=object)
