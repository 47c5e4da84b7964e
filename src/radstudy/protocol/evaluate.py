"""The sections `evaluate` and `report` of study.yaml."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from radstudy.protocol.base import Fraction, Positive, Section
from radstudy.protocol.shipped import default, default_group


class CutoffSection(Section):
    """The cut-off on the predicted probability, chosen on the training set by Youden's index or by one other rule."""

    youden: Literal["training"] = default(
        "evaluate.cutoff.youden", description="The largest Youden index, unless another rule is given."
    )
    sensitivity: Fraction | None = Field(None, description="The highest cut-off with at least this sensitivity.")
    specificity: Fraction | None = Field(None, description="The lowest cut-off with at least this specificity.")
    cost_ratio: Positive | None = Field(None, description="The lowest cost: of a false negative over a false positive.")

    @model_validator(mode="after")
    def _one_rule(self) -> Self:
        given = [n for n in ("sensitivity", "specificity", "cost_ratio") if getattr(self, n) is not None]
        if len(given) > 1:
            raise ValueError(f"one rule sets the cut-off, not {' and '.join(given)}: keep one")
        return self

    @property
    def rule(self) -> Literal["youden", "sensitivity", "specificity", "cost"]:
        """The name of the rule."""
        if self.sensitivity is not None:
            return "sensitivity"
        if self.specificity is not None:
            return "specificity"
        return "youden" if self.cost_ratio is None else "cost"

    @property
    def target(self) -> float | None:
        """The sensitivity or specificity to be reached."""
        return self.sensitivity or self.specificity


class Interval(Section):
    """Confidence intervals."""

    auc: Literal["delong", "logit-delong", "newcombe", "hanley-mcneil", "bootstrap", "bca"] = default(
        "evaluate.interval.auc"
    )
    proportion: Literal["wilson", "clopper-pearson"] = default("evaluate.interval.proportion")
    level: Fraction = default("evaluate.interval.level")


class Regression(Section):
    """Multivariable logistic regression of each model's variables on the training rows, as SPSS prints it."""

    interval: Literal["profile", "wald"] = default(
        "evaluate.regression.interval", description="Interval of the odds ratios."
    )
    separation: Literal["firth", "note"] = default(
        "evaluate.regression.separation", description="If the outcome is separated: Firth's penalty, or only a note."
    )


class Compare(Section):
    """Comparison of the models' AUCs."""

    adjust: Literal["holm", "none"] = default(
        "evaluate.compare.adjust", description="Correction over all pairs, in addition to the raw p-values."
    )


Slow = bool | int | None
_SLOW = (
    "Models with a step or classifier that the engine does not support are refitted by scikit-learn, which is slow; "
    "the time is estimated and printed first. false: they are left out and named. A number: at most this many {what}. "
    "true: as without this line, but all models share their permutations."
)


class ChanceSection(Section):
    """Chance calibration: the same models on permuted outcomes, next to every AUC."""

    permutations: Annotated[int, Field(ge=19)] = default(
        "evaluate.chance.permutations", description="How many; 19 is the fewest for p = 0.05."
    )
    incremental: bool = default(
        "evaluate.chance.incremental",
        description="Also permute the radiomics features against outcome and clinical variables, for models of both.",
    )
    slow: Annotated[bool, Field(strict=True)] | Annotated[int, Field(ge=19)] | None = Field(
        None, description=_SLOW.format(what="permutations")
    )


class Baselines(Section):
    """Predictors without radiomics, as rows below the models' performance; no model is compared with them."""

    volume: bool = default(
        "evaluate.baselines.volume", description="The logarithm of the lesion's volume on each sequence."
    )
    age: str | None = default(
        "evaluate.baselines.age", description="The numeric clinical variable that holds the age, if there is one."
    )
    shuffled: bool = Field(
        False,
        description="Repeat every model with images on lesions with shuffled voxels; the first reader's lesions are "
        "extracted a second time.",
    )


class Nested(Section):
    """Repeated cross-validation of the whole pipeline, every step inside the folds."""

    repeats: Annotated[int, Field(ge=1)] = default("evaluate.resampling.nested.repeats")
    folds: Annotated[int, Field(ge=2)] = default("evaluate.resampling.nested.folds")


class Resampling(Section):
    """The whole pipeline on other rows: its performance inside the folds and on other splits, and its stability."""

    nested: Nested | None = default_group(
        "evaluate.resampling.nested", description="Nested, repeated cross-validation; null leaves it out."
    )
    splits: Annotated[int, Field(ge=0)] = default(
        "evaluate.resampling.splits",
        description="Random splits of the study's sizes, in addition to its own; 0 leaves them out.",
    )
    bootstrap: Annotated[int, Field(ge=0)] = default(
        "evaluate.resampling.bootstrap",
        description="Resamples of patients: out-of-bag values and the stability of the selection; 0: none.",
    )
    optimism: tuple[Literal["harrell", "632", "632+"], ...] = Field(
        (), description="Optimism corrections to show as well, with their results on permuted outcomes."
    )
    noise: Annotated[int, Field(ge=1)] = default(
        "evaluate.resampling.noise",
        description="Permuted outcomes on which the optimism corrections are tested; 25 resamples each.",
    )
    slow: Annotated[bool, Field(strict=True)] | Annotated[int, Field(ge=1)] | None = Field(
        None, description=_SLOW.format(what="repeats, splits and resamples each")
    )

    @model_validator(mode="after")
    def _corrections_have_resamples(self) -> Self:
        if self.optimism and not self.bootstrap:
            raise ValueError("optimism is corrected by the bootstrap: give bootstrap: 200, or leave optimism out")
        return self


class Primary(Section):
    """The model and the comparison that the report leads with: declared before any testing row is evaluated."""

    model: str = Field(description="The model whose testing AUC is the study's main result.")
    against: str = Field(description="The model that it is compared with.")


class Evaluate(Section):
    """Performance and comparisons."""

    primary: Primary | None = Field(
        None, description="The primary model and comparison; none: the report singles out no model."
    )
    sealed: Annotated[bool, Field(strict=True)] = Field(
        False,
        description="Withhold every result of the testing rows until 'radstudy unseal' opens them for the declared "
        "primary model and comparison.",
    )
    cutoff: CutoffSection = Field(default_factory=CutoffSection)
    interval: Interval = Field(default_factory=Interval)
    compare: Compare = Field(default_factory=Compare)
    regression: Regression = Field(default_factory=Regression)
    chance: ChanceSection | None = default_group(
        "evaluate.chance", description="None: no chance calibration, as the report then states."
    )
    baselines: Baselines | None = default_group(
        "evaluate.baselines", description="None: no baselines below the models."
    )
    resampling: Resampling | None = default_group(
        "evaluate.resampling", description="None: no resampling, as the report then states."
    )
    continuous: Literal["student", "welch", "mann-whitney", "auto-spss"] = default(
        "evaluate.continuous", description="Test of continuous variables between the groups."
    )

    @model_serializer(mode="wrap")
    def _sealed_if_it_is(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The settings, without `sealed` if it is false, so that other studies' keys and reports stay the same."""
        settings: dict[str, Any] = dump(self)
        return {name: value for name, value in settings.items() if name != "sealed" or value}


class Report(Section):
    """The contents of the report."""

    figures: tuple[Literal["svg", "png", "pdf", "tiff"], ...] = default(
        "report.figures", description="Kinds of files of each figure; png and tiff have 300 dpi."
    )
    quality_pictures: bool = default(
        "report.quality_pictures", description="A picture of every lesion with its contours."
    )
    leave_out: tuple[str, ...] = Field(
        (), description="Parts that the report leaves out, as outline.yaml names them: figure nomogram, table mcnemar."
    )
    move: dict[str, str] = Field(
        {}, description="Parts moved to the end of another section: {figure decision: figures}."
    )
