"""The sections of study.yaml: what each setting is, what it may be, and its default.

Each section is frozen and refuses names that it does not know. Field descriptions are what the documentation prints.
"""

from __future__ import annotations

import difflib
import math
import re
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator
from pydantic_core import PydanticCustomError

Fraction = Annotated[float, Field(gt=0, lt=1)]
Positive = Annotated[float, Field(gt=0)]
STEPS = ("cohort", "prepare", "extract", "agree", "model", "evaluate", "report")


class Section(BaseModel):
    """A part of the study file: frozen, and a misspelt setting is an error that names the nearest right one."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, strict=False)

    @model_validator(mode="before")
    @classmethod
    def _refuse_unknown(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        known = [field.alias or name for name, field in cls.model_fields.items()]
        for key in given:
            if key not in known and key not in cls.model_fields:
                near = difflib.get_close_matches(str(key), known, n=1, cutoff=0.5)
                hint = f"did you mean '{near[0]}'?" if near else f"known here: {', '.join(known)}"
                raise PydanticCustomError(
                    "unknown_setting", "there is no setting '{key}' here; {hint}", {"key": str(key), "hint": hint}
                )
        return given


def _one_of(section: Section, what: str) -> Section:
    given = [name for name, value in section if value is not None]
    if len(given) != 1:
        names = ", ".join(type(section).model_fields)
        raise PydanticCustomError(
            "one_of", "{what} takes exactly one of {names}; given: {given}",
            {"what": what, "names": names, "given": ", ".join(given) or "none"},
        )  # fmt: skip
    return section


# --- cohort ----------------------------------------------------------------------------------------------------


class Outcome(Section):
    """The binary outcome."""

    column: str = Field(description="Column of the cohort table that holds the outcome.")
    positive: str = Field("1", description="The value that counts as positive (outcome = 1).")
    negative: str | None = Field(None, description="The value of the other class; by default the only other one.")
    label: str | None = Field(None, description="How tables call the outcome.")
    labels: tuple[str, str] | None = Field(None, description="How tables call the negative and the positive group.")

    @field_validator("positive", "negative", mode="before")
    @classmethod
    def _as_text(cls, value: Any) -> Any:
        return _text(value)


class Split(Section):
    """Training and testing: made here (seeded, stratified, by patient) or given by a column."""

    train: Fraction | None = Field(None, description="Share of the patients that train the models.")
    stratify: bool = Field(True, description="Keep the outcome's shares equal in both sets.")
    column: str | None = Field(None, description="Column that holds 'training' or 'testing' for each row.")

    @model_validator(mode="after")
    def _made_or_given(self) -> Self:
        if (self.train is None) == (self.column is None):
            raise PydanticCustomError("split", "give either 'train' (a share) or 'column' (a given split)", {})
        return self


class ClinicalVariable(Section):
    """One clinical variable or conventional imaging characteristic, as the codebook knows it."""

    column: str | None = Field(None, description="Its column in the cohort table; by default its own name.")
    label: str | None = Field(None, description="How tables call it.")
    unit: str = Field("", description="Unit of a continuous variable.")
    levels: tuple[str, ...] | None = Field(
        None, description="The values it may take, in order; the first is the reference. None: a number."
    )
    table: Literal["clinical", "imaging"] = Field("clinical", description="Table 1 (clinical) or Table 2 (imaging).")
    model: bool = Field(True, description="Whether the clinical model may use it.")

    @field_validator("levels", mode="before")
    @classmethod
    def _levels_as_text(cls, value: Any) -> Any:
        return [_text(item) for item in value] if isinstance(value, list | tuple) else value

    @model_validator(mode="after")
    def _levels_differ(self) -> Self:
        if self.levels is not None and len(set(self.levels)) != len(self.levels):
            raise PydanticCustomError("levels", "a level is named twice", {})
        if self.levels is not None and len(self.levels) < 2:
            raise PydanticCustomError("levels", "a variable with levels needs at least two", {})
        return self


class Transfer(Section):
    """Masks carried from the sequence they were drawn on to others; a reader has to confirm each (docs/transfer.md)."""

    from_: str = Field(alias="from", description="The sequence on which the first reader has drawn the lesion.")
    to: tuple[str, ...] = Field(description="Sequences that take its mask where the first reader has drawn none.")
    rigid: bool = Field(
        True, description="Fit the motion between the two sequences; false: the scanner's coordinates alone."
    )
    partial_volume: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="Share of a voxel that the mask must cover; None: the nearest voxel of the mask."
    )
    confirmed: str = Field(
        "transferred.csv", description="Table with a reader's answers: prepare/transferred.csv, filled in."
    )
    accept_unconfirmed: bool = Field(False, description="Use transferred masks that no reader has confirmed.")

    @model_validator(mode="after")
    def _elsewhere(self) -> Self:
        if not self.to or self.from_ in self.to or len(set(self.to)) != len(self.to):
            raise PydanticCustomError("transfer", "'to' names other sequences than 'from', each once", {})
        return self


class Cohort(Section):
    """Who is in, and where their files are."""

    table: str = Field("cohort.csv", description="CSV or XLSX, one row a lesion; relative to the study file.")
    sheet: str | None = Field(None, description="Sheet of an XLSX file; by default the first.")
    patient: str = Field("patient_id", description="Column with the patient's identifier.")
    lesion: str | None = Field(None, description="Column with the lesion's identifier; None: one lesion a patient.")
    side: str | None = Field(None, description="Column with the lesion's side.")
    outcome: Outcome
    exclude: str | None = Field(None, description="Column with the reason for exclusion, empty for those kept.")
    visible: str | None = Field(
        None, description="Column with the sequences on which the lesion is visible (a; b; c); None: on all."
    )
    split: Split
    images: str = Field(description="Pattern of the image files: {patient}, {lesion}, {sequence} or any column; *.")
    masks: str = Field(description="Pattern of the mask files: as images, and {reader}.")
    readers: tuple[str, ...] = Field(description="The readers; the first one's masks train the models.")
    optional_sequences: tuple[str, ...] = Field(
        (), description="Sequences that not every patient has: where neither image nor mask is there, go on without."
    )
    label: int | Literal["largest", "union", "lesion"] | None = Field(
        None,
        description="Which part of a mask is the lesion. None: its only label (several are an error); a number: that "
        "label; lesion: the label that the row's lesion number names, so that every row of a patient is a lesion of "
        "one mask; largest: the largest connected piece; union: all labels together.",
    )
    transfer: Transfer | None = Field(None, description="Carry masks to sequences on which none was drawn.")
    clinical: dict[str, ClinicalVariable] = Field(default_factory=dict, description="The codebook.")

    @field_validator("clinical", mode="before")
    @classmethod
    def _bare_variable(cls, given: Any) -> Any:
        return {k: ({} if v is None else v) for k, v in given.items()} if isinstance(given, dict) else given

    @field_validator("readers")
    @classmethod
    def _readers_differ(cls, readers: tuple[str, ...]) -> tuple[str, ...]:
        if not readers or len(set(readers)) != len(readers):
            raise PydanticCustomError("readers", "name at least one reader, each once", {})
        return readers


# --- prepare ---------------------------------------------------------------------------------------------------


class N4(Section):
    """N4 bias-field correction; the defaults are those of 3D Slicer's module."""

    shrink: Annotated[int, Field(ge=1)] | tuple[int, int, int] = Field(4, description="Shrink factor, or one an axis.")
    iterations: tuple[Annotated[int, Field(ge=1)], ...] = Field((50, 40, 30), description="At most, per level.")
    convergence: Positive = Field(1e-4, description="Stop a level when the field changes less than this.")


class Rescale(Section):
    """Linear rescaling of the whole volume's intensities."""

    to: tuple[float, float] = Field((0.0, 2000.0), description="The new range.")
    from_: Literal["minmax"] | tuple[float, float] = Field(
        "minmax", alias="from", description="minmax, or a pair of percentiles such as [1, 99]."
    )
    over: Literal["volume", "foreground"] = Field(
        "volume", description="Which voxels the percentiles are of: all, or those above Otsu's threshold."
    )

    @model_validator(mode="after")
    def _ranges(self) -> Self:
        if self.to[0] >= self.to[1]:
            raise PydanticCustomError("range", "'to' must go from a lower to a higher value", {})
        if isinstance(self.from_, tuple) and not 0 <= self.from_[0] < self.from_[1] <= 100:
            raise PydanticCustomError("range", "'from' must be two percentiles, lower and higher, in 0-100", {})
        if self.from_ == "minmax" and self.over == "foreground":
            raise PydanticCustomError("over", "'over: foreground' needs percentiles, such as from: [1, 99]", {})
        return self


class ZScore(Section):
    """Subtract the volume's mean and divide by its standard deviation, then scale."""

    scale: Positive = Field(100.0, description="Standard deviation of the result; 100 suits a bin width of 25.")
    over: Literal["volume", "foreground"] = Field(
        "volume", description="Which voxels mean and standard deviation are of: all, or those above Otsu's threshold."
    )


class Reference(Section):
    """Divide the volume so that the median of a reference tissue becomes a stated value."""

    mask: str = Field(description="Pattern of the tissue's masks, as cohort.images: {patient}, {sequence}, a column.")
    tissue: str = Field("reference tissue", description="What it is (fat, muscle), for messages and the report.")
    to: Positive = Field(1000.0, description="The tissue's median in the result.")
    label: int | None = Field(None, description="Label of the tissue in the masks; None: the only one present.")


class Prepare(Section):
    """One step of image preparation; the list in study.yaml is run in its order on every volume."""

    n4: N4 | None = None
    rescale: Rescale | None = None
    zscore: ZScore | None = None
    reference: Reference | None = None

    @field_validator("n4", "rescale", "zscore", "reference", mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        return {} if value is None else value

    @model_validator(mode="after")
    def _one(self) -> Self:
        _one_of(self, "a step of 'prepare'")
        return self


# --- extract ---------------------------------------------------------------------------------------------------


class Images(Section):
    """The image types that features are computed on."""

    original: bool = True
    log_sigma_mm: tuple[Positive, ...] = Field((), description="Laplacian of Gaussian, one image a sigma.")
    wavelet: str | None = Field(None, description="Stationary wavelet, eight sub-bands, such as coif1.")


class Maps(Section):
    """Maps of features over the first reader's lesions, for the report; no model uses them."""

    features: tuple[str, ...] = Field(
        description="Full names, such as original_glcm_JointEntropy; of images that are made, and not of shape."
    )
    patients: tuple[str, ...] | None = Field(None, description="Whose lesions are mapped; None: everybody's.")

    @field_validator("patients", mode="before")
    @classmethod
    def _as_text(cls, given: Any) -> Any:
        return [_text(item) for item in given] if isinstance(given, list | tuple) else given

    @model_validator(mode="after")
    def _each_once(self) -> Self:
        for what, names in (("features", self.features), ("patients", self.patients)):
            if names is not None and (not names or len(set(names)) != len(names)):
                raise PydanticCustomError("maps", "'{what}' names at least one, each once", {"what": what})
        return self


class Extract(Section):
    """From a lesion to its features."""

    spacing_mm: tuple[Positive, Positive, Positive] | None = Field(
        (1.0, 1.0, 1.0), description="Resample to this spacing; None: as acquired."
    )
    bin_width: Positive | None = Field(25.0, description="Width of a grey-level bin.")
    bin_count: Annotated[int, Field(ge=2)] | None = Field(None, description="Number of bins, instead of their width.")
    pad_voxels: Annotated[int, Field(ge=0)] | Literal["exact"] = Field(
        5,
        description="Margin around the lesion that filters may see, in resampled voxels; exact: 11 times the largest "
        "sigma, which gives the Laplacian of Gaussian of the whole image.",
    )
    images: Images = Images()
    features: Literal["pyradiomics-1218", "all"] | dict[str, list[str] | None] = Field(
        "pyradiomics-1218", description="pyradiomics-1218, all, or classes with their features (none listed: all)."
    )
    params: str | None = Field(None, description="A PyRadiomics parameter file; it replaces the settings above.")
    minimum_native_voxels: Annotated[int, Field(ge=1)] = Field(8, description="Smaller lesions are refused.")
    minimum_voxels: Annotated[int, Field(ge=1)] = Field(27, description="After resampling; smaller ones are refused.")

    maps: Maps | None = Field(None, description="Feature maps for the report; None: no map is computed.")

    def deciding_features(self) -> dict[str, Any]:
        """The settings that a feature's value depends on: all but the maps, which only show it."""
        return self.model_dump(mode="json", exclude={"maps"})

    @property
    def margin_voxels(self) -> int:
        """The margin as a number of voxels. (Images that are not resampled are filtered whole.)"""
        if self.pad_voxels != "exact":
            return self.pad_voxels
        widest = max(self.images.log_sigma_mm, default=0.0)
        return max(5, math.ceil(11 * widest / min(self.spacing_mm or (1.0,))))

    @model_validator(mode="after")
    def _one_binning(self) -> Self:
        if (self.bin_width is None) == (self.bin_count is None):
            raise PydanticCustomError("binning", "give either 'bin_width' or 'bin_count', set the other to null", {})
        return self


# --- agree -----------------------------------------------------------------------------------------------------


class Icc(Section):
    """The reproducibility filter."""

    form: Literal["ICC(1,1)", "ICC(2,1)", "ICC(3,1)"] = Field("ICC(2,1)", description="Shrout and Fleiss's name.")
    above: float = Field(0.75, ge=-1, lt=1, description="Features with an ICC above this are kept.")
    patients: Literal["all", "training"] = Field(
        "all", description="all doubly read patients (as published), or only those of the training set (strict)."
    )


class Agree(Section):
    """Agreement between the readers."""

    icc: Icc | None = Field(Icc(), description="None: no filter (one reader).")


# --- model -----------------------------------------------------------------------------------------------------


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
        _one_of(self, "a step of 'select'")
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
        _one_of(self, "a model")
        return self


class Modelling(Section):
    """Selection and models."""

    select: tuple[Select, ...]
    fit: Fit = Fit()
    models: dict[str, Model]
    signature: str | None = Field(None, description="The model written to signature.json; None: the last one.")


# --- evaluate and report ---------------------------------------------------------------------------------------


class Cutoff(Section):
    """The cut-off on the predicted probability."""

    youden: Literal["training"] = Field("training", description="Youden's index on the training set.")


class Interval(Section):
    """Confidence intervals."""

    auc: Literal["delong", "logit-delong", "newcombe", "hanley-mcneil", "bootstrap"] = "logit-delong"
    proportion: Literal["wilson", "clopper-pearson"] = "wilson"
    level: Fraction = 0.95


class Compare(Section):
    """Comparison of the models' AUCs."""

    adjust: Literal["holm", "none"] = Field("holm", description="Correction over all pairs, beside the raw p-values.")


class Evaluate(Section):
    """Performance and comparisons."""

    cutoff: Cutoff = Cutoff()
    interval: Interval = Interval()
    compare: Compare = Compare()
    continuous: Literal["student", "welch", "mann-whitney", "auto-spss"] = Field(
        "student", description="Test of continuous variables in Tables 1 and 2."
    )


class Report(Section):
    """What the report holds."""

    figures: tuple[Literal["svg", "png"], ...] = ("svg", "png")
    quality_pictures: bool = Field(True, description="A picture of every lesion with its contours.")


# --- the study -------------------------------------------------------------------------------------------------


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
                raise _unknown("cohort.transfer: sequence", name, self.sequences)
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
            raise _unknown("model.signature", self.model.signature, tuple(models))
        return self

    def _check_references(self, name: str, model: Model) -> None:
        for sequence in model.sequences or ():
            if sequence not in self.sequences:
                raise _unknown(f"model '{name}': sequence", sequence, self.sequences)
        for other in (*(model.pool or ()), *(model.add or ())):
            if other not in self.model.models:
                raise _unknown(f"model '{name}': model", other, tuple(self.model.models))
        for other in model.pool or ():
            if self.model.models[other].clinical is not None:
                raise PydanticCustomError(
                    "pool", "model '{name}' pools the clinical model '{other}'; use 'add'",
                    {"name": name, "other": other},
                )  # fmt: skip
        for variable in (model.clinical.variables or ()) if model.clinical else ():
            if variable not in self.cohort.clinical:
                raise _unknown(f"model '{name}': clinical variable", variable, tuple(self.cohort.clinical))

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


def _unknown(what: str, name: str, known: tuple[str, ...]) -> PydanticCustomError:
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean '{near[0]}'?" if near else f"known: {', '.join(known)}"
    return PydanticCustomError(
        "unknown_reference", "{what} '{name}' does not exist; {hint}", {"what": what, "name": name, "hint": hint}
    )


def _text(value: Any) -> Any:
    """Numbers and booleans of YAML as the text that the cohort table holds."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value) if isinstance(value, int | float) else value
