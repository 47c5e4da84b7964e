"""The step `boosted_trees`."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from radstudy.protocol.selection.size import Count, Size, SizedStep, size_by_default, size_told
from radstudy.protocol.shipped import default


class BoostedTrees(SizedStep):
    """Keep the features that gradient-boosted decision trees find most important."""

    word = "boosted_trees"
    heading = "Boosted trees"
    again = "the trees"
    gaps = "refused"

    keep: Size = size_by_default("model.select.boosted_trees.keep")
    trees: Count = default("model.select.boosted_trees.trees", json_schema_extra={"why": "scikit-learn's default."})
    depth: Count = default("model.select.boosted_trees.depth", json_schema_extra={"why": "scikit-learn's default."})
    learning_rate: Annotated[float, Field(gt=0, le=1)] = default(
        "model.select.boosted_trees.learning_rate", json_schema_extra={"why": "scikit-learn's default."}
    )
    subsample: Annotated[float, Field(gt=0, le=1)] = default(
        "model.select.boosted_trees.subsample",
        json_schema_extra={"why": "scikit-learn's default: every tree sees all training rows."},
    )

    def told(self) -> str:
        """Describe it for the methods text."""
        return (
            f"the most important features of gradient-boosted decision trees stayed, at most {size_told(self.keep)} "
            f"(impurity importance; {self.trees} trees of depth {self.depth}, learning rate {self.learning_rate:g}, "
            f"subsample {self.subsample:g})"
        )
