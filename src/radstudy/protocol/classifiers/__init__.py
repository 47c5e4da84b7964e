"""The classifiers of `model.fit` in study.yaml, one line each, all tuned by folds within the training rows.

A new classifier is a file here with its class, its place in `CLASSIFIERS`, and its estimator in `modelling/classifiers`
and `modelling/build.py`.
"""

from __future__ import annotations

from typing import Annotated, Any

from radstudy.protocol.classifiers.classifier import Classifier
from radstudy.protocol.classifiers.elastic_net import ElasticNet
from radstudy.protocol.classifiers.gradient_boosting import GradientBoosting
from radstudy.protocol.classifiers.knn import NearestNeighbours
from radstudy.protocol.classifiers.logistic import Logistic
from radstudy.protocol.classifiers.random_forest import RandomForest
from radstudy.protocol.classifiers.svm import Svm
from radstudy.protocol.kinds import OneOf

__all__ = [
    "CLASSIFIERS",
    "AnyClassifier",
    "Classifier",
    "ElasticNet",
    "GradientBoosting",
    "Logistic",
    "NearestNeighbours",
    "RandomForest",
    "Svm",
    "classifiers_in",
]

CLASSIFIERS: tuple[type[Classifier], ...] = (
    Logistic,
    ElasticNet,
    Svm,
    RandomForest,
    GradientBoosting,
    NearestNeighbours,
)

AnyClassifier = Annotated[
    Classifier,
    OneOf(
        "a classifier",
        CLASSIFIERS,
        as_text=True,
        noted_when_absent=("logistic", "elastic_net", "svm", "random_forest", "gradient_boosting", "knn"),
    ),
]


def classifiers_in(given: Any) -> Any:
    """Turn `fit` of the study file (a word, a mapping, or a list of these) into a list of classifiers."""
    if isinstance(given, str | Classifier):
        return [given]
    if isinstance(given, dict):
        return [{name: value} for name, value in given.items()]
    return given
