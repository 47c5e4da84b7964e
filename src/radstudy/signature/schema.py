"""JSON Schema of signature.json, generated from the declarations below, by which a file is also checked.

    python -m radstudy.signature.schema .

writes docs/signature.schema.json and the copy in the package into the source tree that is named. A test compares them
with the declarations. A change of the layout raises `radstudy.signature.document.SCHEMA`.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from radstudy.signature.document import FORMAT, SCHEMA, USE

SCHEMA_FILES = ("docs/signature.schema.json", "src/radstudy/signature/signature.schema.json")
Plain = dict[str, Any]


class SignaturePart(BaseModel):
    """One object of the file: exactly these names."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class FeatureDefinition(SignaturePart):
    """Definition of an image feature."""

    kind: Literal["feature"]
    sequence: str
    feature: str = Field(description="PyRadiomics' name.")
    image: str | None = Field(None, description="Image type that it is computed on, such as original or wavelet-LLH.")
    family: str | None = None
    ibsi_code: str | None = Field(None, description="IBSI's permanent identifier, four characters; null without one.")
    ibsi_tag: str | None = Field(None, description="Tag of the IBSI reference values; null if IBSI does not define it.")
    departs_from_ibsi: str | None = Field(None, description="Difference of PyRadiomics' value from IBSI's, if any.")
    unit: str | None = Field(None, description="Of the value; intensity is the prepared image's own unit.")
    defined_by: str | None = Field(None, description="Definition, with the version of the algorithm.")


class ClinicalDefinition(SignaturePart):
    """Definition of a clinical term."""

    kind: Literal["clinical"]
    variable: str
    level: str | None = Field(description="Level that the value 1 stands for; null for a number.")
    unit: str


class FormulaTerm(SignaturePart):
    """One term: coefficient * (value - centre) / scale."""

    name: str
    imputation: float | None = Field(description="Replacement of a missing value; null: a missing value is refused.")
    centre: float
    scale: Annotated[float, Field(gt=0)]
    coefficient: float = Field(description="Change of the log-odds per scale.")
    training_range: tuple[float, float]
    definition: Annotated[FeatureDefinition | ClinicalDefinition, Field(discriminator="kind")]


class FormulaFacts(SignaturePart):
    """The model: log-odds of the positive outcome."""

    log_odds: str
    intercept: float
    terms: tuple[FormulaTerm, ...]


class OrderedSettings(SignaturePart):
    """Every setting of preparation and extraction, in order."""

    order: tuple[str, ...]
    extraction: Plain | None = Field(description="In PyRadiomics' layout with all defaults; null without extraction.")
    hash: str = Field(description="Of the preparation and the extraction (BLAKE2b, 128 bits, of sorted JSON).")


class CountedRange(SignaturePart):
    """Smallest and largest of a number of training values."""

    count: int
    low: float
    high: float


class GridRange(SignaturePart):
    """Grids of a sequence's training images, finest axis first, and ends of their intensities."""

    spacing_mm: tuple[CountedRange, ...]
    matrix: tuple[CountedRange, ...]
    scale: tuple[CountedRange, ...] = Field(
        description="Lower and upper end of the intensities before rescaling; empty without rescaling."
    )


class MaskPairFacts(SignaturePart):
    """A lesion's masks on two sequences."""

    first: str
    second: str
    distance_mm: CountedRange
    volume_ratio: CountedRange


class JointDistribution(SignaturePart):
    """Mean and inverse covariance of the formula's numbers, and the largest leave-one-out distance in training."""

    names: tuple[str, ...]
    centre: tuple[float, ...]
    scale: tuple[float, ...]
    precision: tuple[tuple[float, ...], ...]
    largest: float
    count: int


class Distribution(SignaturePart):
    """Distribution of the training data, with which the next patient is compared."""

    sequences: tuple[str, ...]
    variables: tuple[str, ...]
    images: dict[str, GridRange]
    volumes_mm3: dict[str, CountedRange]
    pairs: tuple[MaskPairFacts, ...]
    joint: JointDistribution | None
    widened: float = Field(
        ge=0, description="Share of its width by which a term's range is widened at each end; beyond, it is refused."
    )


class SequenceAcquisition(SignaturePart):
    """Acquisition of a sequence's training images, as far as their import recorded it."""

    images: int = Field(description="Training images whose acquisition is known.")
    ranges: dict[str, CountedRange] = Field(description="Such as field_strength_t, echo_time_ms, b_value.")
    values: dict[str, tuple[str, ...]] = Field(description="Such as manufacturer, model: all values of training.")


class IntendedPopulation(SignaturePart):
    """Patients that the signature is meant for, as the study's cohort describes them."""

    description: str
    excluded: tuple[str, ...] = Field(description="Reasons for exclusion in the study.")


class CohortDescription(SignaturePart):
    """The patients that the model was made with."""

    training: dict[str, int]
    testing: dict[str, int]
    clinical: dict[str, Plain] = Field(description="Variable to median and quartiles, or to counts of its levels.")
    hash: str = Field(description="Of the cohort's rows.")


class PerformanceFacts(SignaturePart):
    """Performance in the study; null where it was not computed."""

    training: Plain | None
    testing: Plain | None
    nested: Plain | None = Field(description="Cross-validation with every step inside the folds.")
    chance: dict[str, Plain] | None = Field(description="The same models on permuted outcomes, by measure.")
    calibration: Plain | None = Field(description="In the testing rows.")


class RefitForm(SignaturePart):
    """The formula of one bootstrap sample; a term is [number of its name, slope, replacement of a missing value]."""

    intercept: float
    terms: tuple[tuple[int, float, float | None], ...]


class RefitForms(SignaturePart):
    """Formulas of bootstrap samples of the training patients, every step of the selection redone."""

    rule: str
    drawn: int
    level: float
    clinical: dict[str, Plain] = Field(description="Variables that some formula uses, with their codebook.")
    names: tuple[str, ...]
    forms: tuple[RefitForm, ...]


class VectorFacts(SignaturePart):
    """Values of the terms and what the formula gives for them."""

    values: dict[str, float | None]
    log_odds: float
    probability: float


class ImageFacts(SignaturePart):
    """A small image: one list per slice, the first axis fastest; masks are 0 and 1. Used for every sequence."""

    spacing_mm: tuple[float, float, float]
    size: tuple[int, int, int]
    voxels: tuple[tuple[int, ...], ...]
    lesion: tuple[tuple[int, ...], ...]
    reference: tuple[tuple[int, ...], ...]


class VectorAndImage(SignaturePart):
    """Inputs with the results that every correct reader of this file gets."""

    vector: VectorFacts
    image: ImageFacts | None
    measured: VectorFacts | None = Field(
        description="Features measured on the image, with the vector's clinical values."
    )
    why_no_image: str | None


class SignatureFile(SignaturePart):
    """A fitted model that can be used without the data it was fitted on."""

    format: Literal["radstudy signature 2"]
    hash: str = Field(description="Of everything else in the file (BLAKE2b, 128 bits, of JSON with sorted names).")
    study: str
    model: str
    notice: str
    outcome: Plain
    cutoff: Annotated[float, Field(ge=0, le=1)] | None = Field(
        description="On the probability; null if the rule classifies no patient as positive."
    )
    use: str
    formula: FormulaFacts
    sequences: tuple[str, ...]
    clinical: dict[str, Plain]
    prepare: tuple[Plain, ...]
    extract: Plain
    training: Plain
    versions: dict[str, str]
    extraction: Plain | None = Field(None, description="Content of a PyRadiomics parameter file, if the study had one.")
    settings: OrderedSettings
    training_distribution: Distribution | None
    population: IntendedPopulation | None
    cutoff_rule: Plain | None
    acquisition: dict[str, SequenceAcquisition] | None
    cohort: CohortDescription | None
    performance: PerformanceFacts | None
    machine: dict[str, str] | None
    refits: RefitForms | None
    test_vector: VectorAndImage | None


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of the current format."""
    schema = SignatureFile.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": f"{FORMAT}: a file of radstudy. {USE}",
        "x-version": SCHEMA,
    }


def schema_text() -> str:
    """Return the content of signature.schema.json."""
    return json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n"


def schema_problems(document: Mapping[str, Any]) -> list[str]:
    """List where a document is not as declared; the first ten."""
    try:
        SignatureFile.model_validate_json(json.dumps(document))
    except ValidationError as error:
        return [f"{'.'.join(map(str, one['loc'])) or 'the file'}: {one['msg']}" for one in error.errors()[:10]]
    return []


def write_all(root: Path) -> None:
    """Write the schema into a source tree."""
    for name in SCHEMA_FILES:
        (root / name).write_text(schema_text(), encoding="utf-8")


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))
