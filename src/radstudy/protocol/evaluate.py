"""The sections `evaluate` and `report` of study.yaml."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from radstudy.protocol.base import Fraction, Section


class Cutoff(Section):
    """The cut-off on the predicted probability."""

    youden: Literal["training"] = Field("training", description="Youden's index on the training set.")


class Interval(Section):
    """Confidence intervals."""

    auc: Literal["delong", "logit-delong", "newcombe", "hanley-mcneil", "bootstrap"] = "logit-delong"
    proportion: Literal["wilson", "clopper-pearson"] = "wilson"
    level: Fraction = 0.95


class Compare(Section):
    """Comparison of the models' AUCs."""

    adjust: Literal["holm", "none"] = Field("holm", description="Correction over all pairs, beside the raw p-values.")


class Evaluate(Section):
    """Performance and comparisons."""

    cutoff: Cutoff = Cutoff()
    interval: Interval = Interval()
    compare: Compare = Compare()
    continuous: Literal["student", "welch", "mann-whitney", "auto-spss"] = Field(
        "student", description="Test of continuous variables in Tables 1 and 2."
    )


class Report(Section):
    """What the report holds."""

    figures: tuple[Literal["svg", "png"], ...] = ("svg", "png")
    quality_pictures: bool = Field(True, description="A picture of every lesion with its contours.")
