"""The whole of study.yaml: its sections put together, and what must hold between them.

Each section is frozen and refuses names that it does not know. Field descriptions are what the documentation prints.
"""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

from radstudy.protocol.agree import Agree, Icc
from radstudy.protocol.base import Section, unknown
from radstudy.protocol.cohort import ClinicalVariable, Cohort, Outcome, Split, Transfer
from radstudy.protocol.evaluate import Compare, Cutoff, Evaluate, Interval, Report
from radstudy.protocol.extract import Extract, Images, Maps
from radstudy.protocol.model import (
    BoostedTrees,
    ClinicalModel,
    Collinear,
    Fit,
    Logistic,
    Model,
    Modelling,
    Select,
    Univariate,
)
from radstudy.protocol.prepare import N4, Prepare, Reference, Rescale, ZScore

__all__ = [
    "N4",
    "STEPS",
    "Agree",
    "BoostedTrees",
    "ClinicalModel",
    "ClinicalVariable",
    "Cohort",
    "Collinear",
    "Compare",
    "Cutoff",
    "Evaluate",
    "Extract",
    "Fit",
    "Icc",
    "Images",
    "Interval",
    "Logistic",
    "Maps",
    "Model",
    "Modelling",
    "Outcome",
    "Prepare",
    "Protocol",
    "Reference",
    "Report",
    "Rescale",
    "Select",
    "Split",
    "Transfer",
    "Univariate",
    "ZScore",
]

STEPS = ("cohort", "prepare", "extract", "agree", "model", "evaluate", "report")


class Protocol(Section):
    """The whole study file."""

    study: str = Field(description="Title of the study.")
    preset: str | None = Field(None, description="Protocol whose settings hold wherever this file is silent.")
    notice: str = Field("", description="A sentence printed on every table, figure and page.")
    seed: Annotated[int, Field(ge=0)] = Field(0, description="Seed of everything random.")
    cohort: Cohort
    sequences: tuple[str, ...]
    prepare: tuple[Prepare, ...] = ()
    extract: Extract = Extract()
    agree: Agree = Agree()
    model: Modelling
    evaluate: Evaluate = Evaluate()
    report: Report = Report()

    @field_validator("sequences")
    @classmethod
    def _sequences_differ(cls, sequences: tuple[str, ...]) -> tuple[str, ...]:
        if not sequences or len(set(sequences)) != len(sequences):
            raise PydanticCustomError("sequences", "name at least one sequence, each once", {})
        for name in sequences:
            if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_+.-]*", name):
                raise PydanticCustomError(
                    "sequences", "'{name}' cannot be a sequence's name: use letters, digits, _ + . -", {"name": name}
                )
        return sequences

    @field_validator("prepare")
    @classmethod
    def _one_reference(cls, steps: tuple[Prepare, ...]) -> tuple[Prepare, ...]:
        if sum(step.reference is not None for step in steps) > 1:
            raise PydanticCustomError("prepare", "give one step 'reference' at most", {})
        return steps

    @model_validator(mode="after")
    def _transfer_between_known_sequences(self) -> Self:
        transfer = self.cohort.transfer
        for name in (transfer.from_, *transfer.to) if transfer is not None else ():
            if name not in self.sequences:
                raise unknown("cohort.transfer: sequence", name, self.sequences)
        return self

    @model_validator(mode="after")
    def _models_refer_to_what_exists(self) -> Self:
        models = self.model.models
        if not models:
            raise PydanticCustomError("models", "there is no model", {})
        for name, model in models.items():
            self._check_references(name, model)
            self._check_cycle(name, ())
            self._check_size(name, model)
        if self.model.signature is not None and self.model.signature not in models:
            raise unknown("model.signature", self.model.signature, tuple(models))
        return self

    def _check_references(self, name: str, model: Model) -> None:
        for sequence in model.sequences or ():
            if sequence not in self.sequences:
                raise unknown(f"model '{name}': sequence", sequence, self.sequences)
        for other in (*(model.pool or ()), *(model.add or ())):
            if other not in self.model.models:
                raise unknown(f"model '{name}': model", other, tuple(self.model.models))
        for other in model.pool or ():
            if self.model.models[other].clinical is not None:
                raise PydanticCustomError(
                    "pool", "model '{name}' pools the clinical model '{other}'; use 'add'",
                    {"name": name, "other": other},
                )  # fmt: skip
        for variable in (model.clinical.variables or ()) if model.clinical else ():
            if variable not in self.cohort.clinical:
                raise unknown(f"model '{name}': clinical variable", variable, tuple(self.cohort.clinical))

    def _check_cycle(self, name: str, above: tuple[str, ...]) -> None:
        if name in above:
            path = " -> ".join((*above, name))
            raise PydanticCustomError("cycle", "the models refer to each other in a circle: {path}", {"path": path})
        model = self.model.models[name]
        for other in (*(model.pool or ()), *(model.add or ())):
            if other in self.model.models:
                self._check_cycle(other, (*above, name))

    def _check_size(self, name: str, model: Model) -> None:
        trees = next((step.boosted_trees for step in self.model.select if step.boosted_trees), None)
        if trees and isinstance(trees.keep, dict) and (model.sequences or model.pool) and name not in trees.keep:
            raise PydanticCustomError(
                "keep", "select.boosted_trees.keep says no number for model '{name}'", {"name": name}
            )  # fmt: skip

    @property
    def reader(self) -> str:
        """The reader whose masks train the models."""
        return self.cohort.readers[0]

    @property
    def reference(self) -> Reference | None:
        """The reference tissue that intensities are divided by; None where the study file asks for none."""
        return next((step.reference for step in self.prepare if step.reference is not None), None)

    @property
    def signature_model(self) -> str:
        """The name of the model that goes into signature.json."""
        return self.model.signature or list(self.model.models)[-1]
