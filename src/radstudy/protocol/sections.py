"""The whole of study.yaml: its sections, and the checks across them.

Each section is frozen and refuses unknown names. The documentation prints the field descriptions.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Self

from pydantic import (
    Field,
    SerializerFunctionWrapHandler,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic.functional_validators import ModelWrapValidatorHandler
from pydantic_core import PydanticCustomError

from radstudy.protocol.agree import Agree, IccSection
from radstudy.protocol.base import Section, fields_of, unknown
from radstudy.protocol.cohort import ClinicalVariable, CohortSection, OutcomeSection, Split, TransferSection
from radstudy.protocol.evaluate import (
    Baselines,
    ChanceSection,
    Compare,
    CutoffSection,
    Evaluate,
    Interval,
    Nested,
    Primary,
    Report,
    Resampling,
)
from radstudy.protocol.extract import Extract, Images, Maps
from radstudy.protocol.features import FeatureColumns, Features
from radstudy.protocol.model import ClinicalModel, Model, Modelling
from radstudy.protocol.prepare import AnyPreparationStep, PreparationStep, Reference, reference_in
from radstudy.protocol.reading import ReadingSection, checked_reading
from radstudy.protocol.selection import SizedStep
from radstudy.protocol.shipped import FIRST, defaults_in_force, versions_of_defaults
from radstudy.protocol.validate import Validate

__all__ = [
    "SCHEMA",
    "STEPS",
    "UNNAMED_READER",
    "Agree",
    "Baselines",
    "ChanceSection",
    "ClinicalModel",
    "ClinicalVariable",
    "CohortSection",
    "Compare",
    "CutoffSection",
    "Evaluate",
    "Extract",
    "FeatureColumns",
    "Features",
    "IccSection",
    "Images",
    "Interval",
    "Maps",
    "Model",
    "Modelling",
    "Nested",
    "OutcomeSection",
    "Primary",
    "Protocol",
    "ReadingSection",
    "Report",
    "Resampling",
    "Split",
    "TransferSection",
    "Validate",
]

UNNAMED_READER = "reader"  # of a feature table without a reader's name
SCHEMA = 1  # the layout of a study file; a file without it has the first
STEPS = ("cohort", "prepare", "extract", "agree", "model", "evaluate", "report")


class Protocol(Section):
    """The whole study file."""

    schema_: Annotated[int, Field(ge=1, le=SCHEMA)] = Field(
        SCHEMA, alias="schema", description="Layout of the study file; a file without it has the first."
    )
    study: str = Field(description="Title of the study.")
    preset: str | None = Field(
        None,
        description="Protocol that provides every setting missing from this file, with its version: her2-ihc2plus/1; "
        "without a version it is version 1.",
    )
    defaults: int = Field(
        FIRST,
        description="Version of the values for settings that neither this file nor its preset has; left out: 1.",
    )
    notice: str = Field("", description="A sentence printed on every table, figure and page.")
    seed: Annotated[int, Field(ge=0)] = Field(0, description="Seed of everything random.")
    cohort: CohortSection
    sequences: tuple[str, ...]
    prepare: tuple[AnyPreparationStep, ...] = ()
    extract: Extract = Field(default_factory=Extract)
    features: Features | None = Field(None, description="A table of features, if the study begins without images.")
    agree: Agree = Field(default_factory=Agree)
    model: Modelling
    evaluate: Evaluate = Field(default_factory=Evaluate)
    report: Report = Field(default_factory=Report)
    validate_: Validate = Field(
        default_factory=Validate, alias="validate", description="External validation of a signature on this cohort."
    )
    reading: ReadingSection = Field(
        default_factory=ReadingSection, description="The reading room; no step depends on it."
    )

    @model_validator(mode="wrap")
    @classmethod
    def _by_its_defaults(cls, given: Any, make: ModelWrapValidatorHandler[Self]) -> Self:
        """Fill the settings that a section leaves out from the version of the defaults that the study names."""
        version, known = given.get("defaults", FIRST) if isinstance(given, dict) else FIRST, versions_of_defaults()
        if version not in known:
            raise PydanticCustomError(
                "defaults", "there is no version '{version}' of the defaults; choose from {known}. A later one needs a "
                "newer radstudy",
                {"version": str(version), "known": ", ".join(map(str, known)), "at": ("defaults",)},
            )  # fmt: skip
        with defaults_in_force(version):
            return make(given)

    @model_serializer(mode="wrap")
    def _with_versions_that_are_written(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """The settings, without versions if the study file has none, so that its keys and its report stay the same."""
        settings: dict[str, Any] = dump(self)
        written = self.model_fields_set
        own = {"schema": "schema_" in written, "defaults": "defaults" in written, "validate": "validate_" in written}
        versions = own | {f"{name}_": shown for name, shown in own.items() if name != "defaults"}
        return {name: value for name, value in settings.items() if versions.get(name, True)}

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
    def _one_reference(cls, steps: tuple[PreparationStep, ...]) -> tuple[PreparationStep, ...]:
        if sum(isinstance(step, Reference) for step in steps) > 1:
            raise PydanticCustomError("prepare", "give at most one step 'reference'", {})
        return steps

    @model_validator(mode="after")
    def _images_or_features(self) -> Self:
        if self.features is None:
            for name in ("images", "masks", "readers"):
                if not getattr(self.cohort, name) and not (name == "masks" and self._readers_have_own_masks()):
                    raise PydanticCustomError(
                        "missing_source", "cohort.{name} is missing: a study begins at images, masks and readers, or "
                        "at a table of features ('features')", {"name": name},
                    )  # fmt: skip
            self._check_patterns()
            return self
        if self.evaluate.baselines is not None and self.evaluate.baselines.shuffled:
            raise PydanticCustomError(
                "features", "a study that begins at a feature table has no images to shuffle (evaluate.baselines)", {}
            )
        if self.cohort.transfer is not None or self.extract.maps is not None:
            raise PydanticCustomError("features", "a study that begins at a feature table has no masks and no maps", {})
        self._check_layout(self.features)
        if len(self.cohort.readers) > 1 and self.features.reader is None:
            raise PydanticCustomError(
                "features", "cohort.readers names several readers: features.reader must name their column",
                {},
            )  # fmt: skip
        return self

    def _readers_have_own_masks(self) -> bool:
        cohort = self.cohort
        return bool(cohort.readers) and all(cohort.masks_of(reader)[0] for reader in cohort.readers)

    def _check_patterns(self) -> None:
        """Refuse patterns that give two sequences, readers or patients the same file: such a study looks perfect."""
        cohort = self.cohort
        if len(self.sequences) > 1 and "sequence" not in fields_of(cohort.images):
            raise PydanticCustomError(
                "images", "the pattern '{given}' has no {field}, so {names} would all be the same image. Write "
                "it where the file names differ, such as {example}",
                {"given": cohort.images, "field": "{sequence}", "names": ", ".join(self.sequences),
                 "example": "images/{patient}/{sequence}.nii.gz", "at": ("cohort", "images")},
            )  # fmt: skip
        self._check_readers_files()
        places = {"images": cohort.images, **{f"masks of {name}": cohort.masks_of(name)[0] for name in cohort.readers}}
        for what, pattern in places.items():
            if not set(fields_of(pattern)) - {"sequence", "reader"}:
                raise PydanticCustomError(
                    "pattern", "the pattern '{given}' ({what}) has no {field} and no column of the table, so all "
                    "patients would have the same file. Write {field} where the file names differ",
                    {"given": pattern, "what": what, "field": "{patient}",
                     "at": ("cohort", "images" if what == "images" else "masks")},
                )  # fmt: skip

    def _check_readers_files(self) -> None:
        cohort = self.cohort
        files: dict[str, str] = {}
        for reader in cohort.readers:
            pattern, text = cohort.masks_of(reader)
            filled = pattern.replace("{reader}", text)
            if filled in files:
                raise PydanticCustomError(
                    "masks", "the pattern '{given}' gives {one} and {other} the same mask files: every ICC between "
                    "them would be 1. Write {field} where the file names differ, such as {example}, or give each "
                    "reader a pattern: {mapping}",
                    {"given": pattern, "one": files[filled], "other": reader, "field": "{reader}",
                     "example": "masks/{patient}/{sequence}_{reader}.nii.gz", "at": ("cohort", "masks"),
                     "mapping": "readers: {" + files[filled] + ': "first/{patient}/{sequence}.nii.gz", ' + reader
                     + ': "second/{patient}/{sequence}.nii.gz"}'},
                )  # fmt: skip
            files[filled] = reader

    def _check_layout(self, features: Features) -> None:
        named = features.columns or features.tables or {}
        for name in named:
            if name not in self.sequences:
                raise unknown("features: sequence", name, self.sequences, ("features",))
        whole = features.sequence is not None or (features.table is not None and not features.columns)
        for name in () if whole else self.sequences:
            if name not in named:
                raise PydanticCustomError(
                    "features", "features names no columns and no file for '{name}'", {"name": name}
                )
        if (
            features.table is not None
            and features.sequence is None
            and not features.columns
            and len(self.sequences) > 1
        ):
            raise PydanticCustomError(
                "features", "one table holds several sequences: name the columns of each (columns, or sequence)", {}
            )

    @model_validator(mode="after")
    def _transfer_between_known_sequences(self) -> Self:
        transfer = self.cohort.transfer
        for name in (transfer.from_, *transfer.to) if transfer is not None else ():
            if name not in self.sequences:
                raise unknown("cohort.transfer: sequence", name, self.sequences, ("cohort", "transfer"))
        return self

    @model_validator(mode="after")
    def _scanners_of_images(self) -> Self:
        site = self.cohort.scanner_site
        if site is None:
            return self
        if self.features is not None:
            raise PydanticCustomError(
                "site", "a study that begins at a feature table has no images whose scanner an import recorded: name "
                "the column of the cohort table with the site (cohort.site: COLUMN)", {"at": ("cohort", "site")},
            )  # fmt: skip
        if site.sequence is not None and site.sequence not in self.sequences:
            raise unknown("cohort.site: sequence", site.sequence, self.sequences, ("cohort", "site", "sequence"))
        return self

    @model_validator(mode="after")
    def _readers_stay_blind(self) -> Self:
        checked_reading(self.reading, self.cohort, self.sequences, self.agree)
        return self

    @model_validator(mode="after")
    def _models_refer_to_what_exists(self) -> Self:
        models = self.model.models
        if not models:
            raise PydanticCustomError("models", "no model is defined", {})
        for name, model in models.items():
            self._check_references(name, model)
        for name in models:
            self._check_cycle(name, ())
        for name, model in models.items():
            self._check_pool(name, model)
            self._check_size(name, model)
        self._check_signature()
        self._check_harmonise()
        self._check_primary()
        self._check_sealed()
        return self

    def _check_primary(self) -> None:
        primary = self.evaluate.primary
        if primary is None:
            return
        for setting, name in (("model", primary.model), ("against", primary.against)):
            if name not in self.model.models:
                at = ("evaluate", "primary", setting)
                raise unknown(f"evaluate.primary.{setting}", name, tuple(self.model.models), at)
        if primary.model == primary.against:
            raise PydanticCustomError(
                "primary", "evaluate.primary compares '{name}' with itself: 'against' must name another model",
                {"name": primary.model, "at": ("evaluate", "primary", "against")},
            )  # fmt: skip

    def _check_sealed(self) -> None:
        """Refuse a second role of the outcome's column, which would show what the seal withholds."""
        outcome = self.cohort.outcome.column
        clinical, kappa = self.cohort.clinical.items(), self.agree.kappa.items()
        others: list[tuple[str, tuple[str, ...]]] = []
        others += [(f"cohort.clinical.{name}", (one.column or name,)) for name, one in clinical]
        others += [(f"agree.kappa.{name}", one.columns) for name, one in kappa]
        for setting, columns in others if self.evaluate.sealed else ():
            if outcome in columns:
                raise PydanticCustomError(
                    "sealed", "evaluate.sealed withholds the outcome of testing patients, but {setting} names its "
                    "column '{column}': give {setting} another column, or remove it",
                    {"setting": setting, "column": outcome, "at": ("evaluate", "sealed")},
                )  # fmt: skip

    def _check_signature(self) -> None:
        name = self.model.signature
        if name is None:
            return
        if name not in self.model.models:
            raise unknown("model.signature", name, tuple(self.model.models), ("model", "signature"))
        fit = self.model.fit_of(name)
        if not fit.linear:
            raise PydanticCustomError(
                "signature", "model.signature names '{name}', fitted by {kind}: not a formula, and only a formula "
                "(logistic, elastic_net) goes into signature.json. Name another model, or write 'signature: "
                "null'", {"name": name, "kind": fit.word, "at": ("model", "signature")},
            )  # fmt: skip

    def _check_harmonise(self) -> None:
        step = self.model.harmonise
        if step is None:
            return
        at = ("model", "select")
        if self.cohort.site is None:
            raise PydanticCustomError(
                "harmonise",
                "'harmonise' needs 'cohort.site': the column with each patient's site or scanner, or "
                "'{scanner: [manufacturer, model, field_strength_t]}' for the scanner that the import recorded",
                {"at": at},
            )
        for name in step.keep:
            variable = self.cohort.clinical.get(name)
            if name == self.cohort.outcome.column or (variable and variable.column == self.cohort.outcome.column):
                raise PydanticCustomError(
                    "harmonise", "harmonise.keep names the outcome ('{name}'). ComBat would then move every feature by "
                    "what the outcome says: it leaks into the features, a model of noise looks better than chance, and "
                    "a new patient, whose outcome nobody knows, could not be harmonised", {"name": name, "at": at},
                )  # fmt: skip
            if variable is None:
                raise unknown("harmonise.keep: clinical variable", name, tuple(self.cohort.clinical), at)
        if self.model.signature is not None and self.model.harmonises(self.model.signature):
            raise PydanticCustomError(
                "signature", "model.signature names '{name}', whose features are harmonised: a signature cannot yet "
                "hold the sites' parameters. Name another model, or leave 'signature' out",
                {"name": self.model.signature, "at": ("model", "signature")},
            )  # fmt: skip

    def _check_references(self, name: str, model: Model) -> None:
        for sequence in model.sequences or ():
            if sequence not in self.sequences:
                raise unknown(f"model '{name}': sequence", sequence, self.sequences, ("model", "models", name))
        for other in _named(model):
            if other not in self.model.models:
                raise unknown(f"model '{name}': model", other, tuple(self.model.models), ("model", "models", name))
        for variable in (model.clinical.variables or ()) if model.clinical else ():
            if variable not in self.cohort.clinical:
                known = tuple(self.cohort.clinical)
                raise unknown(f"model '{name}': clinical variable", variable, known, ("model", "models", name))

    def _check_pool(self, name: str, model: Model) -> None:
        for other in model.pool or ():
            if self.model.models[self.model.source_of(other)].clinical is not None:
                raise PydanticCustomError(
                    "pool", "model '{name}' pools the clinical model '{other}'; use 'add'",
                    {"name": name, "other": other, "at": ("model", "models", name)},
                )  # fmt: skip

    def _check_cycle(self, name: str, above: tuple[str, ...]) -> None:
        if name in above:
            path = " -> ".join((*above, name))
            raise PydanticCustomError("cycle", "the models refer to each other in a circle: {path}", {"path": path})
        model = self.model.models[name]
        for other in _named(model):
            if other in self.model.models:
                self._check_cycle(other, (*above, name))

    def _check_size(self, name: str, model: Model) -> None:
        """Require a size for every model that runs the step (those of sequences, and pools), if sizes are per model."""
        for step in self.model.select:
            sizes = step.keep if isinstance(step, SizedStep) else None
            if isinstance(sizes, dict) and (model.sequences or model.pool) and name not in sizes:
                raise PydanticCustomError(
                    "keep", "select.{step}.keep has no number for model '{name}'",
                    {"step": step.word, "name": name, "at": ("model", "select")},
                )  # fmt: skip

    @property
    def reader(self) -> str:
        """The reader whose masks, or rows of a feature table, train the models."""
        return self.cohort.readers[0] if self.cohort.readers else UNNAMED_READER

    @property
    def reference(self) -> Reference | None:
        """The reference tissue that intensities are divided by; None if the study file has none."""
        return reference_in(self.prepare)

    @property
    def signature_model(self) -> str | None:
        """The name of the model that goes into signature.json; None if no model is a formula."""
        return self.model.signature_model


def _named(model: Model) -> tuple[str, ...]:
    """The models that a model refers to."""
    return (*(model.pool or ()), *(model.add or ()), *((model.like,) if model.like else ()))
