"""The classifiers of `model.fit` in study.yaml, each one line; all tuned by folds inside the training rows."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from radstudy.protocol.base import Positive, Section, one_of
from radstudy.protocol.selection import Count
from radstudy.protocol.shipped import default

Folds = Annotated[int, Field(ge=2)]
_FOLDS = "Folds that choose the setting; a patient's lesions stay in one."


class Logistic(Section):
    """Logistic regression whose penalty is chosen by cross-validation on the training rows."""

    penalty: Literal["l2"] = default("model.classifiers.logistic.penalty")
    folds: Folds = default("model.classifiers.logistic.folds")
    strengths: Annotated[int, Field(ge=1)] = default(
        "model.classifiers.logistic.strengths", description="Penalties tried, log-spaced from 1e-4 to 1e4 (C)."
    )


class ElasticNet(Section):
    """Logistic regression with a mix of L1 and L2 penalties; leaves features out of the formula."""

    folds: Folds = default("model.classifiers.elastic_net.folds", description=_FOLDS)
    mixes: tuple[Annotated[float, Field(gt=0, le=1)], ...] = default(
        "model.classifiers.elastic_net.mixes",
        min_length=1,
        description="Shares of L1 tried (glmnet's alpha); 1 is the LASSO.",
    )
    strengths: Annotated[int, Field(ge=2)] = default(
        "model.classifiers.elastic_net.strengths", description="Penalties tried per share."
    )
    rule: Literal["best", "one-se"] = default("model.classifiers.elastic_net.rule", description="As in select.lasso.")


class Svm(Section):
    """Support vector machine; probabilities by Platt's calibration on grouped folds."""

    kernel: Literal["rbf", "linear"] = default("model.classifiers.svm.kernel")
    strengths: tuple[Positive, ...] = default(
        "model.classifiers.svm.strengths", min_length=1, description="Values of C tried."
    )
    folds: Folds = default("model.classifiers.svm.folds", description=_FOLDS)
    weights: Literal["none", "balanced"] = default(
        "model.classifiers.svm.weights", description="balanced: the smaller class counts as much."
    )


class RandomForest(Section):
    """Random forest."""

    trees: Count = default("model.classifiers.random_forest.trees")
    smallest_leaf: tuple[Count, ...] = default(
        "model.classifiers.random_forest.smallest_leaf", min_length=1, description="Rows of the smallest leaf, tried."
    )
    folds: Folds = default("model.classifiers.random_forest.folds", description=_FOLDS)
    weights: Literal["none", "balanced"] = default(
        "model.classifiers.random_forest.weights", description="balanced: the smaller class counts as much."
    )


class GradientBoosting(Section):
    """Gradient-boosted decision trees as a classifier."""

    trees: tuple[Count, ...] = default(
        "model.classifiers.gradient_boosting.trees", min_length=1, description="Numbers of trees tried."
    )
    depth: tuple[Count, ...] = default(
        "model.classifiers.gradient_boosting.depth", min_length=1, description="Depths tried."
    )
    learning_rate: Annotated[float, Field(gt=0, le=1)] = default("model.classifiers.gradient_boosting.learning_rate")
    subsample: Annotated[float, Field(gt=0, le=1)] = default("model.classifiers.gradient_boosting.subsample")
    folds: Folds = default("model.classifiers.gradient_boosting.folds", description=_FOLDS)


class NearestNeighbours(Section):
    """The share of positives among the nearest training rows (z-scores, Euclidean distance)."""

    neighbours: tuple[Count, ...] = default(
        "model.classifiers.knn.neighbours", min_length=1, description="Numbers tried."
    )
    folds: Folds = default("model.classifiers.knn.folds", description=_FOLDS)


class Fit(Section):
    """One classifier."""

    logistic: Logistic | None = None
    elastic_net: ElasticNet | None = None
    svm: Svm | None = None
    random_forest: RandomForest | None = None
    gradient_boosting: GradientBoosting | None = None
    knn: NearestNeighbours | None = None

    @model_validator(mode="before")
    @classmethod
    def _word(cls, given: Any) -> Any:
        return {given: {}} if isinstance(given, str) else given

    @field_validator("*", mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        return {} if value is None else value

    @model_validator(mode="after")
    def _one(self) -> Self:
        one_of(self, "a classifier")
        return self

    @property
    def kind(self) -> str:
        """The classifier's word in the study file."""
        return next(name for name, value in self if value is not None)

    @property
    def linear(self) -> bool:
        """Whether the fitted model is a formula, which signature.json can hold."""
        return self.kind in ("logistic", "elastic_net")


def classifiers(given: Any) -> Any:
    """What `fit` may look like in the study file (a word, a mapping, a list of these), as a list of classifiers."""
    if isinstance(given, str | Fit):
        return [given]
    if isinstance(given, dict):
        return [{name: value} for name, value in given.items()]
    return given
