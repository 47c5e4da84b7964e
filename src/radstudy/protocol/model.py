"""The section `model` of study.yaml: selection, classifiers, and what each model is built from."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, field_validator, model_validator

from radstudy.protocol.base import Fraction, Section, one_of


class Collinear(Section):
    """Of a correlated pair keep the feature with the higher univariate power."""

    above: Fraction = Field(0.80, description="Absolute Pearson correlation above this.")
    keep: Literal["stronger"] = Field("stronger", description="Higher training |AUC - 0.5|, ties by name.")


class Univariate(Section):
    """Keep features that differ between the two groups."""

    test: Literal["mann-whitney", "student"] = "mann-whitney"
    below: Fraction = Field(0.05, description="Keep features with p below this.")


class BoostedTrees(Section):
    """Keep the features that gradient-boosted decision trees find most important."""

    keep: Annotated[int, Field(ge=1)] | dict[str, Annotated[int, Field(ge=1)]] = Field(
        5, description="How many, or how many per model."
    )
    trees: Annotated[int, Field(ge=1)] = 100
    depth: Annotated[int, Field(ge=1)] = 3
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.1
    subsample: Annotated[float, Field(gt=0, le=1)] = 1.0


class Select(Section):
    """One step of feature selection; the list in study.yaml is run in its order."""

    impute: Literal["median"] | None = None
    standardise: Literal["zscore"] | None = None
    collinear: Collinear | None = None
    univariate: Univariate | None = None
    boosted_trees: BoostedTrees | None = None

    @field_validator("collinear", "univariate", "boosted_trees", mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        return {} if value is None else value

    @model_validator(mode="after")
    def _one(self) -> Self:
        one_of(self, "a step of 'select'")
        return self


class Logistic(Section):
    """Logistic regression whose penalty is chosen by cross-validation on the training rows."""

    penalty: Literal["l2"] = "l2"
    folds: Annotated[int, Field(ge=2)] = 5
    strengths: Annotated[int, Field(ge=1)] = Field(10, description="Penalties tried, log-spaced from 1e-4 to 1e4 (C).")


class Fit(Section):
    """The classifier."""

    logistic: Logistic = Logistic()


class ClinicalModel(Section):
    """A model of clinical variables: univariate screening, then all that passed together."""

    univariate_below: Annotated[float, Field(gt=0, le=1)] = 0.05
    variables: tuple[str, ...] | None = Field(None, description="Candidates; None: all of the codebook.")


class Model(Section):
    """One model: from which features it is built."""

    sequences: tuple[str, ...] | None = Field(None, description="All features of these sequences, then selected.")
    pool: tuple[str, ...] | None = Field(None, description="Features that these models selected, then reduced again.")
    add: tuple[str, ...] | None = Field(None, description="Features of these models side by side, none dropped.")
    clinical: ClinicalModel | None = Field(None, description="Clinical variables.")

    @model_validator(mode="before")
    @classmethod
    def _shorthand(cls, given: Any) -> Any:
        if isinstance(given, list | tuple):
            return {"sequences": given}
        if isinstance(given, dict) and "clinical" in given and given["clinical"] is None:
            return {**given, "clinical": {}}
        return given

    @model_validator(mode="after")
    def _one(self) -> Self:
        one_of(self, "a model")
        return self


class Modelling(Section):
    """Selection and models."""

    select: tuple[Select, ...]
    fit: Fit = Fit()
    models: dict[str, Model]
    signature: str | None = Field(None, description="The model written to signature.json; None: the last one.")
