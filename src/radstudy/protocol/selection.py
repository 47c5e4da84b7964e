"""The steps of `model.select` in study.yaml: which features go on, fitted on training rows alone."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator
from pydantic_core import PydanticCustomError

from radstudy.protocol.base import Fraction, Section, one_of
from radstudy.protocol.shipped import default

Count = Annotated[int, Field(ge=1)]
PerEvents = Annotated[str, Field(pattern=r"^events/[1-9][0-9]*$")]


class FoundSize(Section):
    """A number of features that cross-validation inside the training rows finds."""

    cv: Literal["one-se", "best"] = default(
        "model.select.size.cv",
        description="one-se: the fewest features whose log-loss is within a standard error of the lowest; best: the "
        "number with the lowest.",
    )
    folds: Annotated[int, Field(ge=2)] = default(
        "model.select.size.folds", description="Folds; a patient's lesions stay in one."
    )
    most: Count | PerEvents = default(
        "model.select.size.most",
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

    ratio: Annotated[float, Field(ge=1)] = default(
        "model.select.variance.ratio",
        description="The most common value is more than so many times as frequent as the second, and ...",
    )
    unique: Annotated[float, Field(ge=0, le=1)] = default(
        "model.select.variance.unique",
        description="... no more than this share of the rows has a value of its own. Constants always go.",
    )


class Collinear(Section):
    """Of a correlated pair keep the feature with the higher univariate power."""

    above: Fraction = default("model.select.collinear.above", description="Absolute Pearson correlation above this.")
    keep: Literal["stronger"] = default(
        "model.select.collinear.keep", description="Higher training |AUC - 0.5|, ties by name."
    )


class Univariate(Section):
    """Keep features that differ between the two groups."""

    test: Literal["mann-whitney", "student", "auc"] = default(
        "model.select.univariate.test",
        description="A test's p-value, or auc: the area under the ROC curve, in either direction.",
    )
    below: Fraction = default(
        "model.select.univariate.below", description="Keep features with p below this (mann-whitney, student)."
    )
    adjust: Literal["none", "holm", "benjamini-hochberg"] = default(
        "model.select.univariate.adjust",
        description="Adjust the p-values for the number of features that enter the step.",
    )
    above: Annotated[float, Field(ge=0.5, lt=1)] = default(
        "model.select.univariate.above", description="Keep features with an AUC above this (auc)."
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

    keep: Size = default("model.select.boosted_trees.keep", description=_SIZE)
    trees: Count = default("model.select.boosted_trees.trees")
    depth: Count = default("model.select.boosted_trees.depth")
    learning_rate: Annotated[float, Field(gt=0, le=1)] = default("model.select.boosted_trees.learning_rate")
    subsample: Annotated[float, Field(gt=0, le=1)] = default("model.select.boosted_trees.subsample")


class Lasso(Section):
    """Keep the features whose coefficient in an L1-penalised logistic regression is not zero."""

    rule: Literal["best", "one-se"] = default(
        "model.select.lasso.rule",
        description="Penalty with the lowest cross-validated log-loss, or the strongest within a standard error.",
    )
    folds: Annotated[int, Field(ge=2)] = default("model.select.lasso.folds")
    strengths: Annotated[int, Field(ge=2)] = default(
        "model.select.lasso.strengths", description="Penalties tried, from the smallest that keeps none."
    )
    most: Count | PerEvents | None = Field(None, description="Only penalties that keep at most so many; None: no cap.")


class ElasticNetSelection(Lasso):
    """As lasso, with a mix of L1 and L2, which keeps groups of related features together."""

    mix: Annotated[float, Field(gt=0, le=1)] = default(
        "model.select.elastic_net.mix", description="Share of L1 (glmnet's alpha); 1 is the LASSO."
    )


class Mrmr(Section):
    """Minimum redundancy, maximum relevance: features that tell much, and not the same."""

    keep: Size = default("model.select.mrmr.keep", description=_SIZE)
    score: Literal["quotient", "difference"] = default(
        "model.select.mrmr.score",
        description="F statistic divided by the mean |r| with those already chosen (FCQ), or less it (FCD).",
    )


class Boruta(Section):
    """All features that a random forest finds more important than their own shuffled copies."""

    alpha: Fraction = default("model.select.boruta.alpha", description="Level of its binomial test.")
    rounds: Annotated[int, Field(ge=10)] = default("model.select.boruta.rounds")
    depth: Count = default("model.select.boruta.depth", description="Depth of the trees.")
    percentile: Annotated[float, Field(gt=0, le=100)] = default(
        "model.select.boruta.percentile",
        description="Of the copies' importance that must be beaten; 100, the strictest, is their maximum.",
    )
    tentative: Literal["drop", "keep"] = default(
        "model.select.boruta.tentative", description="Features undecided after the last round."
    )


class Recursive(Section):
    """Recursive elimination: fit, drop the weakest, fit again."""

    keep: Size = default("model.select.recursive.keep", description=_SIZE)
    with_: Literal["logistic", "linear-svm"] = default(
        "model.select.recursive.with", alias="with", description="Whose coefficients decide; both see z-scores."
    )
    drop: Count | Fraction = default(
        "model.select.recursive.drop", description="Features dropped a round: a number, or a share of those left."
    )


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
