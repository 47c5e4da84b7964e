"""The section `model` of study.yaml: selection, classifiers, and the features of each model."""

from __future__ import annotations

from typing import Annotated, Any, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from radstudy.protocol.base import Section
from radstudy.protocol.classifiers import AnyClassifier, Classifier, classifiers_in
from radstudy.protocol.selection import AnySelectionStep, Harmonise, SelectionStep
from radstudy.protocol.shipped import default


class ClinicalModel(Section):
    """A model of clinical variables: univariate screening, then all variables that passed, together."""

    univariate_below: Annotated[float, Field(gt=0, le=1)] = default("model.clinical.univariate_below")
    variables: tuple[str, ...] | None = Field(None, description="Candidates; None: all in the codebook.")


class Model(Section):
    """One model: the features it is built from, and its classifier."""

    sequences: tuple[str, ...] | None = Field(None, description="All features of these sequences, then selected.")
    pool: tuple[str, ...] | None = Field(None, description="Features that these models selected, then reduced again.")
    add: tuple[str, ...] | None = Field(None, description="Features of these models side by side, none dropped.")
    clinical: ClinicalModel | None = Field(None, description="Clinical variables.")
    like: str | None = Field(None, description="The features of this model, for another classifier.")
    fit: AnyClassifier | None = Field(None, description="Its own classifier; None: the first of model.fit.")

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
        sources = ("sequences", "pool", "add", "clinical", "like")
        given = [name for name in sources if getattr(self, name) is not None]
        if len(given) != 1:
            raise PydanticCustomError(
                "one_of", "a model takes exactly one of {names}; given: {given}",
                {"names": ", ".join(sources), "given": ", ".join(given) or "none"},
            )  # fmt: skip
        if self.like is not None and self.fit is None:
            raise PydanticCustomError("like", "a model 'like' another needs its own 'fit'", {})
        return self


class Modelling(Section):
    """Selection and models."""

    select: tuple[AnySelectionStep, ...]
    fit: tuple[AnyClassifier, ...] = default(
        "model.fit",
        min_length=1,
        description="The classifier, or several to compare: every model is then fitted by each of them.",
    )
    models: dict[str, Model]
    signature: str | None = Field(
        None, description="The model written to signature.json; None: the last one that is a formula."
    )

    @field_validator("select")
    @classmethod
    def _harmonised_first(cls, steps: tuple[SelectionStep, ...]) -> tuple[SelectionStep, ...]:
        if any(isinstance(step, Harmonise) for step in steps[1:]):
            raise PydanticCustomError(
                "harmonise", "'harmonise' must be the first step of 'select', and there only once: ComBat needs the "
                "features as they were measured", {},
            )  # fmt: skip
        return steps

    @field_validator("fit", mode="before")
    @classmethod
    def _as_list(cls, given: Any) -> Any:
        return classifiers_in(given)

    @field_validator("fit")
    @classmethod
    def _each_once(cls, given: tuple[Classifier, ...]) -> tuple[Classifier, ...]:
        words = [fit.word for fit in given]
        if len(set(words)) != len(words):
            raise PydanticCustomError(
                "fit", "a classifier is named twice; for a second one of the same kind, define a model 'like' "
                "another, with its own 'fit'", {},
            )  # fmt: skip
        return given

    @field_validator("models")
    @classmethod
    def _one_a_classifier(cls, models: dict[str, Model], info: ValidationInfo) -> dict[str, Model]:
        """Repeat every model that names no classifier for each classifier after the first."""
        written: dict[str, Model] = {}
        for name, model in models.items():
            written[name] = model
            for fit in info.data.get("fit", ())[1:] if model.fit is None else ():
                label = f"{name} ({fit.word})"
                if label not in models:
                    written[label] = Model(like=name, fit=fit)
        return written

    def fit_of(self, name: str) -> Classifier:
        """The classifier of a model."""
        return self.models[name].fit or self.fit[0]

    @property
    def harmonise(self) -> Harmonise | None:
        """The step that harmonises the sites; None if the study has none."""
        return next((step for step in self.select if isinstance(step, Harmonise)), None)

    def harmonises(self, name: str) -> bool:
        """True if a model's features are harmonised: it has features of a sequence, directly or through others."""
        model = self.models[self.source_of(name)]
        others = (*(model.pool or ()), *(model.add or ()))
        return self.harmonise is not None and (model.sequences is not None or any(map(self.harmonises, others)))

    def source_of(self, name: str) -> str:
        """The model that a model's features come from: its own name, unless it is 'like' another."""
        like = self.models[name].like
        return name if like is None else self.source_of(like)

    @property
    def signature_model(self) -> str | None:
        """The name of the model that goes into signature.json; None if no model is a formula."""
        if self.signature is not None:
            return self.signature
        linear = [name for name in self.models if self.fit_of(name).linear and not self.harmonises(name)]
        own = [name for name in linear if self.models[name].like is None] or linear
        return own[-1] if own else None
