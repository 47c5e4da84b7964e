"""The step `univariate`."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from radstudy.protocol.base import Fraction, Section
from radstudy.protocol.selection.step import SelectionStep
from radstudy.protocol.shipped import default

_TESTS = {"mann-whitney": "Mann-Whitney U test", "student": "Student's t-test"}
_ADJUSTED = {
    "none": "not adjusted for their number",
    "holm": "adjusted for their number by Holm's method",
    "benjamini-hochberg": "adjusted for their number by Benjamini and Hochberg's method",
}


class Univariate(SelectionStep, Section):
    """Keep features that differ between the two groups."""

    word = "univariate"
    heading = "Univariate test"
    again = None
    gaps = "refused"

    test: Literal["mann-whitney", "student", "auc"] = default(
        "model.select.univariate.test",
        description="A test's p-value, or auc: the area under the ROC curve, in either direction.",
        json_schema_extra={
            "why": "mann-whitney assumes no distribution; student a normal one; auc is a bound, not a test."
        },
    )
    below: Fraction = default(
        "model.select.univariate.below",
        description="Keep features with p below this (mann-whitney, student).",
        json_schema_extra={"why": "A filter, not a finding."},
    )
    adjust: Literal["none", "holm", "benjamini-hochberg"] = default(
        "model.select.univariate.adjust",
        description="Adjust the p-values for the number of features that enter the step.",
        json_schema_extra={
            "why": "none: the p-values are not adjusted for the number of features that enter the step."
        },
    )
    above: Annotated[float, Field(ge=0.5, lt=1)] = default(
        "model.select.univariate.above",
        description="Keep features with an AUC above this (auc).",
        json_schema_extra={"why": "A bound on the training AUC, in either direction: a filter, not a finding."},
    )

    @model_validator(mode="after")
    def _words_that_fit(self) -> Self:
        given = sorted(self.idle() & self.model_fields_set)
        if given:
            raise PydanticCustomError(
                "univariate", "'{name}' has no effect with test: {test}", {"name": given[0], "test": self.test}
            )
        return self

    def idle(self) -> frozenset[str]:
        """The settings of the other kind of bound."""
        return frozenset({"below", "adjust"} if self.test == "auc" else {"above"})

    def told(self) -> str:
        """Describe it for the methods text."""
        if self.test == "auc":
            return f"features with an AUC, or one minus it, above {self.above:g} stayed"
        return f"features with p < {self.below:g} in a {_TESTS[self.test]} stayed ({_ADJUSTED[self.adjust]})"
