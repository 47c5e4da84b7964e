"""The classifier `svm`."""

from __future__ import annotations

from typing import Literal

from radstudy.protocol.base import Positive
from radstudy.protocol.classifiers.classifier import LOWEST_BRIER, Classifier, Folds, Weights, weights_told
from radstudy.protocol.shipped import default
from radstudy.protocol.words import numbers_listed


class Svm(Classifier):
    """Support vector machine; probabilities by Platt's calibration on grouped folds."""

    word = "svm"
    linear = False

    kernel: Literal["rbf", "linear"] = default(
        "model.classifiers.svm.kernel",
        json_schema_extra={"why": "rbf can bend the border between the groups; linear cannot, and overfits less."},
    )
    strengths: tuple[Positive, ...] = default(
        "model.classifiers.svm.strengths",
        min_length=1,
        description="Values of C tried.",
        json_schema_extra={"why": "Values of C tried; the smaller, the smoother the border."},
    )
    folds: Folds = default("model.classifiers.svm.folds")
    weights: Weights = default("model.classifiers.svm.weights")

    def told(self) -> str:
        """Describe it for the methods text."""
        return (
            f"A support vector machine ({self.kernel} kernel, z-scores{weights_told(self.weights)}) with "
            f"probabilities by Platt's sigmoid on out-of-fold values; its C (of {numbers_listed(self.strengths)}) "
            f"{LOWEST_BRIER.format(folds=self.folds)}"
        )
