"""Extraction as a transformer of scikit-learn: a table of paths in, features out."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from radstudy.batch.many import CaseResult, OnFailure, extract_many, warn_of
from radstudy.errors import UsageError
from radstudy.features.given import Settings, settings_from
from radstudy.features.names import feature_names


class FeatureExtractor(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """Features of the lesions that a table names.

    Nothing is learnt from the rows, so it may stand before or inside a cross-validation; before is faster.

    Parameters
    ----------
    settings : as in `radstudy.extract`.
    image, mask, label : columns of the table with the images, the masks and the labels. A table without the label's
        column has none; None: none.
    jobs : processes, as in `radstudy.extract_many`.
    on_failure : "raise": the first case that fails ends the work with its error; "nan": its features are NaN, and a
        warning tells of it.

    Attributes
    ----------
    settings_ : the settings as they were read by `fit`.
    feature_names_in_, n_features_in_ : columns of the table.

    Examples
    --------
    >>> extractor = FeatureExtractor({"imageType": {"Original": {}}, "featureClass": {"firstorder": ["Mean"]}})
    >>> extractor.fit(pd.DataFrame({"image": ["i.nii"], "mask": ["m.nii"]})).get_feature_names_out()
    array(['original_firstorder_Mean'], dtype=object)
    """

    def __init__(
        self,
        settings: Settings | None = None,
        image: str = "image",
        mask: str = "mask",
        label: str | None = "label",
        jobs: int | None = None,
        on_failure: OnFailure = "raise",
    ) -> None:
        self.settings = settings
        self.image = image
        self.mask = mask
        self.label = label
        self.jobs = jobs
        self.on_failure = on_failure

    def fit(self, X: pd.DataFrame, y: object = None) -> Self:
        """Read the settings and check the table's columns; no image is opened.

        Raises
        ------
        StudyFileError : the settings cannot be used.
        UsageError : the table lacks a column, or is not a DataFrame.
        """
        if self.on_failure not in ("nan", "raise"):
            raise UsageError(f"unknown on_failure '{self.on_failure}'; choose from nan, raise")
        self._require_columns(X)
        self.settings_ = settings_from(self.settings)
        self.feature_names_in_ = np.array([str(name) for name in X.columns], dtype=object)
        self.n_features_in_ = len(self.feature_names_in_)
        return self

    def transform(self, X: pd.DataFrame) -> NDArray[np.float64]:
        """Compute the features of each row, (rows, features).

        Raises
        ------
        CaseError : a case failed, with `on_failure="raise"`.
        UsageError : the table lacks a column.
        """
        check_is_fitted(self)
        self._require_columns(X)
        names = feature_names(self.settings_)
        values = np.full((len(X), len(names)), np.nan)
        failures: list[CaseResult] = []
        for result in extract_many(self._rows(X), self.settings_, jobs=self.jobs):
            if result.failure is None:
                values[result.number] = [result.features[name] for name in names]
            elif self.on_failure == "raise":
                raise result.failure.error
            else:
                failures.append(result)
        warn_of(failures, len(X))
        return values

    def get_feature_names_out(self, input_features: object = None) -> NDArray[Any]:
        """Return PyRadiomics' names of the features, in the order of the columns of `transform`."""
        check_is_fitted(self)
        return np.array(feature_names(self.settings_), dtype=object)

    def _rows(self, X: pd.DataFrame) -> list[tuple[Any, ...]]:
        labels = X[self.label] if self.label is not None and self.label in X.columns else [None] * len(X)
        return list(zip(X[self.image], X[self.mask], labels, strict=True))

    def _require_columns(self, X: object) -> None:
        if not isinstance(X, pd.DataFrame):
            raise UsageError(f"the table is a {type(X).__name__}; give a DataFrame of paths, one row per lesion")
        lacking = [name for name in (self.image, self.mask) if name not in X.columns]
        if lacking:
            raise UsageError(
                f"the table has no column {' and no column '.join(lacking)}: its columns are "
                f"{', '.join(map(str, X.columns[:20]))}. Name them by FeatureExtractor(image=..., mask=...)"
            )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.string = True
        tags.input_tags.two_d_array = False
        tags.no_validation = True
        return tags
