"""The step `recursive`."""

from __future__ import annotations

from typing import Literal

from radstudy.protocol.base import Fraction
from radstudy.protocol.selection.size import Count, Size, SizedStep, size_by_default, size_told
from radstudy.protocol.shipped import default


class Recursive(SizedStep):
    """Recursive elimination: fit, drop the weakest, fit again."""

    word = "recursive"
    heading = "Recursive elimination"
    again = "recursive elimination"
    gaps = "refused"

    keep: Size = size_by_default("model.select.recursive.keep")
    with_: Literal["logistic", "linear-svm"] = default(
        "model.select.recursive.with",
        alias="with",
        description="The model whose coefficients decide; both use z-scores.",
        json_schema_extra={"why": "The deciding model; linear-svm is the original method's (SVM-RFE)."},
    )
    drop: Count | Fraction = default(
        "model.select.recursive.drop",
        description="Features dropped per round: a number, or a share of those left.",
        json_schema_extra={"why": "Features dropped per round; one at a time is the most careful, a share is faster."},
    )

    def told(self) -> str:
        """Describe it for the methods text."""
        model = "logistic regression" if self.with_ == "logistic" else "linear support vector machine"
        number = f"{self.drop} per round" if self.drop >= 1 else f"{100 * self.drop:g}% per round"
        return f"recursive elimination by a {model}'s coefficients ({number}) left at most {size_told(self.keep)}"
