"""The steps of `model.select` in study.yaml: which features go on, fitted on training rows alone."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator
from pydantic_core import PydanticCustomError

from radstudy.protocol.base import Fraction, Section, one_of

Count = Annotated[int, Field(ge=1)]
PerEvents = Annotated[str, Field(pattern=r"^events/[1-9][0-9]*$")]


class FoundSize(Section):
    """A number of features that cross-validation inside the training rows finds."""

    cv: Literal["one-se", "best"] = Field(
        "one-se",
        description="one-se: the fewest features whose log-loss is within a standard error of the lowest; best: the "
        "number with the lowest.",
    )
    folds: Annotated[int, Field(ge=2)] = Field(5, description="Folds; a patient's lesions stay in one.")
    most: Count | PerEvents = Field(
        "events/10",
        description="At most so many; events/10: a tenth of the patients in the smaller class of the training rows.",
    )


def _kind_of_size(given: Any) -> str:
    if not isinstance(given, dict):
        return "size-found" if isinstance(given, FoundSize) else "size-number"
    known = {"cv", "most", "folds"}
    return "size-found" if known & set(given) and not isinstance(given.get("cv"), int) else "size-per-model"


_OneSize = Annotated[
    Annotated[Count, Tag("size-number")] | Annotated[FoundSize, Tag("size-found")], Discriminator(_kind_of_size)
]
Size = Annotated[
    Annotated[Count, Tag("size-number")]
    | Annotated[FoundSize, Tag("size-found")]
    | Annotated[dict[str, _OneSize], Tag("size-per-model")],
    Discriminator(_kind_of_size),
]
_SIZE = "How many; how many per model; or {cv: one-se, most: events/10}, found by cross-validation."


class Variance(Section):
    """Drop features that hardly vary (caret's nearZeroVar)."""

    ratio: Annotated[float, Field(ge=1)] = Field(
        19.0, description="The most common value is more than so many times as frequent as the second, and ..."
    )
    unique: Annotated[float, Field(ge=0, le=1)] = Field(
        0.10, description="... no more than this share of the rows has a value of its own. Constants always go."
    )


class Collinear(Section):
    """Of a correlated pair keep the feature with the higher univariate power."""

    above: Fraction = Field(0.80, description="Absolute Pearson correlation above this.")
    keep: Literal["stronger"] = Field("stronger", description="Higher training |AUC - 0.5|, ties by name.")


class Univariate(Section):
    """Keep features that differ between the two groups."""

    test: Literal["mann-whitney", "student", "auc"] = Field(
        "mann-whitney", description="A test's p-value, or auc: the area under the ROC curve, in either direction."
    )
    below: Fraction = Field(0.05, description="Keep features with p below this (mann-whitney, student).")
    adjust: Literal["none", "holm", "benjamini-hochberg"] = Field(
        "none", description="Adjust the p-values for the number of features that enter the step."
    )
    above: Annotated[float, Field(ge=0.5, lt=1)] = Field(
        0.65, description="Keep features with an AUC above this (auc)."
    )

    @model_validator(mode="after")
    def _words_that_fit(self) -> Self:
        unfit = {"below", "adjust"} if self.test == "auc" else {"above"}
        given = sorted(unfit & self.model_fields_set)
        if given:
            raise PydanticCustomError(
                "univariate", "'{name}' has no meaning with test: {test}", {"name": given[0], "test": self.test}
            )
        return self


class BoostedTrees(Section):
    """Keep the features that gradient-boosted decision trees find most important."""

    keep: Size = Field(5, description=_SIZE)
    trees: Count = 100
    depth: Count = 3
    learning_rate: Annotated[float, Field(gt=0, le=1)] = 0.1
    subsample: Annotated[float, Field(gt=0, le=1)] = 1.0


class Lasso(Section):
    """Keep the features whose coefficient in an L1-penalised logistic regression is not zero."""

    rule: Literal["best", "one-se"] = Field(
        "best",
        description="Penalty with the lowest cross-validated log-loss, or the strongest within a standard error.",
    )
    folds: Annotated[int, Field(ge=2)] = 5
    strengths: Annotated[int, Field(ge=2)] = Field(
        50, description="Penalties tried, from the smallest that keeps none."
    )
    most: Count | PerEvents | None = Field(None, description="Only penalties that keep at most so many; None: no cap.")


class ElasticNetSelection(Lasso):
    """As lasso, with a mix of L1 and L2, which keeps groups of related features together."""

    mix: Annotated[float, Field(gt=0, le=1)] = Field(0.5, description="Share of L1 (glmnet's alpha); 1 is the LASSO.")


class Mrmr(Section):
    """Minimum redundancy, maximum relevance: features that tell much, and not the same."""

    keep: Size = Field(5, description=_SIZE)
    score: Literal["quotient", "difference"] = Field(
        "quotient", description="F statistic divided by the mean |r| with those already chosen (FCQ), or less it (FCD)."
    )


class Boruta(Section):
    """All features that a random forest finds more important than their own shuffled copies."""

    alpha: Fraction = Field(0.05, description="Level of its binomial test.")
    rounds: Annotated[int, Field(ge=10)] = 100
    depth: Count = Field(5, description="Depth of the trees.")
    percentile: Annotated[float, Field(gt=0, le=100)] = Field(
        100.0, description="Of the copies' importance that must be beaten; 100, the strictest, is their maximum."
    )
    tentative: Literal["drop", "keep"] = Field("drop", description="Features undecided after the last round.")


class Recursive(Section):
    """Recursive elimination: fit, drop the weakest, fit again."""

    keep: Size = Field(5, description=_SIZE)
    with_: Literal["logistic", "linear-svm"] = Field(
        "logistic", alias="with", description="Whose coefficients decide; both see z-scores."
    )
    drop: Count | Fraction = Field(1, description="Features dropped a round: a number, or a share of those left.")


class Select(Section):
    """One step of feature selection; the list in study.yaml is run in its order."""

    impute: Literal["median"] | None = None
    standardise: Literal["zscore"] | None = None
    variance: Variance | None = None
    collinear: Collinear | None = None
    univariate: Univariate | None = None
    boosted_trees: BoostedTrees | None = None
    lasso: Lasso | None = None
    elastic_net: ElasticNetSelection | None = None
    mrmr: Mrmr | None = None
    boruta: Boruta | None = None
    recursive: Recursive | None = None

    @field_validator(
        "variance", "collinear", "univariate", "boosted_trees", "lasso", "elastic_net", "mrmr", "boruta", "recursive",
        mode="before",
    )  # fmt: skip
    @classmethod
    def _bare(cls, value: Any) -> Any:
        return {} if value is None else value

    @model_validator(mode="after")
    def _one(self) -> Self:
        one_of(self, "a step of 'select'")
        return self

    @property
    def name(self) -> str:
        """The step's word in the study file."""
        return next(name for name, value in self if value is not None)

    @property
    def size(self) -> int | FoundSize | dict[str, int | FoundSize] | None:
        """How many features the step keeps, where the study file says so."""
        for section in (self.boosted_trees, self.mrmr, self.recursive):
            if section is not None:
                return section.keep
        return None

    @property
    def reduces(self) -> bool:
        """Whether the step picks a final subset, which a pooled model makes again of the features it pools."""
        return self.name in ("boosted_trees", "lasso", "elastic_net", "mrmr", "boruta", "recursive")
