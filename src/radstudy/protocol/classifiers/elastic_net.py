"""The classifier `elastic_net`."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from radstudy.protocol.classifiers.classifier import Classifier, Folds
from radstudy.protocol.selection.size import rule_told
from radstudy.protocol.shipped import default
from radstudy.protocol.words import numbers_listed


class ElasticNet(Classifier):
    """Logistic regression with a mix of L1 and L2 penalties; leaves features out of the formula."""

    word = "elastic_net"
    linear = True

    folds: Folds = default("model.classifiers.elastic_net.folds")
    mixes: tuple[Annotated[float, Field(gt=0, le=1)], ...] = default(
        "model.classifiers.elastic_net.mixes",
        min_length=1,
        description="Shares of L1 tried (glmnet's alpha); 1 is the LASSO.",
        json_schema_extra={
            "why": "Shares of L1 tried (glmnet's alpha): 1 is the LASSO, less keeps related features together."
        },
    )
    strengths: Annotated[int, Field(ge=2)] = default(
        "model.classifiers.elastic_net.strengths",
        description="Penalties tried per share.",
        json_schema_extra={
            "why": "Penalties tried per share, from the smallest that keeps no feature to a hundredth of it."
        },
    )
    rule: Literal["best", "one-se"] = default(
        "model.classifiers.elastic_net.rule",
        description="As in select.lasso.",
        json_schema_extra={
            "why": "best keeps more features; one-se, the strongest penalty within a standard error, keeps fewer."
        },
    )

    def told(self) -> str:
        """Describe it for the methods text."""
        return (
            f"Logistic regression with an elastic-net penalty; its share of L1 (of {numbers_listed(self.mixes)}) and "
            f"its strength (of {self.strengths}) had {rule_told(self.rule)} in {self.folds}-fold cross-validation."
        )
