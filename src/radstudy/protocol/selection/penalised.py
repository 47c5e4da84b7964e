"""The steps `lasso` and `elastic_net`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from radstudy.protocol.base import Section
from radstudy.protocol.selection.size import Count, PerEvents, cap_told, rule_told
from radstudy.protocol.selection.step import SelectionStep
from radstudy.protocol.shipped import default


class Lasso(SelectionStep, Section):
    """Keep the features whose coefficient in an L1-penalised logistic regression is not zero."""

    word = "lasso"
    heading = "LASSO"
    again = "the LASSO"
    gaps = "refused"

    rule: Literal["best", "one-se"] = default(
        "model.select.lasso.rule",
        description="Penalty with the lowest cross-validated log-loss, or the strongest within a standard error.",
        json_schema_extra={
            "why": "best keeps more features; one-se, the strongest penalty within a standard error, keeps fewer."
        },
    )
    folds: Annotated[int, Field(ge=2)] = default(
        "model.select.lasso.folds",
        json_schema_extra={"why": "The folds choose the penalty only; they estimate no performance."},
    )
    strengths: Annotated[int, Field(ge=2)] = default(
        "model.select.lasso.strengths",
        description="Penalties tried, from the smallest that keeps no feature.",
        json_schema_extra={"why": "Penalties tried, from the smallest that keeps no feature to a hundredth of it."},
    )
    most: Count | PerEvents | None = Field(
        None,
        description="Only penalties that keep at most this many; None: no cap.",
        json_schema_extra={
            "why": "A cap on the number of features; events/10 is one per ten patients of the smaller class."
        },
    )

    def told(self) -> str:
        """Describe it for the methods text."""
        return (
            f"features with a coefficient other than 0 in {self._penalty()} logistic regression stayed (of "
            f"{self.strengths} penalties the one with {rule_told(self.rule)} in {self.folds}-fold "
            f"cross-validation{cap_told(self.most)})"
        )

    def _penalty(self) -> str:
        return "an L1-penalised (LASSO)"


class ElasticNetSelection(Lasso):
    """As lasso, with a mix of L1 and L2, which keeps groups of related features together."""

    word = "elastic_net"
    heading = "Elastic net"
    again = "the elastic net"
    gaps = "refused"

    mix: Annotated[float, Field(gt=0, le=1)] = default(
        "model.select.elastic_net.mix",
        description="Share of L1 (glmnet's alpha); 1 is the LASSO.",
        json_schema_extra={
            "why": "Share of L1 (glmnet's alpha): 1 is the LASSO, less keeps related features together."
        },
    )

    def _penalty(self) -> str:
        return super()._penalty() if self.mix == 1 else f"an elastic-net (share of L1 {self.mix:g})"
