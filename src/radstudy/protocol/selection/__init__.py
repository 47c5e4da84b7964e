"""The steps of `model.select` in study.yaml: select features, fitted on training rows alone.

A new step is a file here with its class, its place in `SELECTION_STEPS`, and its estimator in `modelling/selection` and
`modelling/build.py`.
"""

from __future__ import annotations

from typing import Annotated

from radstudy.protocol.kinds import OneOf
from radstudy.protocol.selection.boosted_trees import BoostedTrees
from radstudy.protocol.selection.boruta import Boruta
from radstudy.protocol.selection.collinear import Collinear
from radstudy.protocol.selection.harmonise import Harmonise
from radstudy.protocol.selection.impute import Impute
from radstudy.protocol.selection.mrmr import Mrmr
from radstudy.protocol.selection.penalised import ElasticNetSelection, Lasso
from radstudy.protocol.selection.recursive import Recursive
from radstudy.protocol.selection.size import FoundSizeSection, Size, SizedStep
from radstudy.protocol.selection.standardise import Standardise
from radstudy.protocol.selection.step import SelectionStep
from radstudy.protocol.selection.univariate import Univariate
from radstudy.protocol.selection.variance import Variance

__all__ = [
    "SELECTION_STEPS",
    "AnySelectionStep",
    "BoostedTrees",
    "Boruta",
    "Collinear",
    "ElasticNetSelection",
    "FoundSizeSection",
    "Harmonise",
    "Impute",
    "Lasso",
    "Mrmr",
    "Recursive",
    "SelectionStep",
    "Size",
    "SizedStep",
    "Standardise",
    "Univariate",
    "Variance",
]

SELECTION_STEPS: tuple[type[SelectionStep], ...] = (
    Harmonise,
    Impute,
    Standardise,
    Variance,
    Collinear,
    Univariate,
    BoostedTrees,
    Lasso,
    ElasticNetSelection,
    Mrmr,
    Boruta,
    Recursive,
)

AnySelectionStep = Annotated[
    SelectionStep,
    OneOf(
        "a step of 'select'",
        SELECTION_STEPS,
        example=": write a selection step such as 'impute: median' or 'boosted_trees: {keep: 5}'",
        noted_when_absent=(
            "impute", "standardise", "variance", "collinear", "univariate", "boosted_trees", "lasso", "elastic_net",
            "mrmr", "boruta", "recursive",
        ),
    ),
]  # fmt: skip
