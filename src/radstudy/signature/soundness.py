"""Validation of a signature.json before use: the type of each part, and the consistency between parts."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from itertools import chain
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from radstudy.errors import StudyFileError
from radstudy.features.of_study import settings_of_study
from radstudy.features.settings import ExtractionSettings
from radstudy.modelling.models import LinearForm
from radstudy.protocol.prepare import preparation_step
from radstudy.protocol.sections import ClinicalVariable, Extract, Features
from radstudy.signature.training import TrainingDistribution
from radstudy.table import CLINICAL, SEPARATOR

FROM_TABLE = "from_feature_table"  # key in `extract` if the study did not compute features itself
STANDARDISED = "standardised"  # key in `extract` if the study declared how its table had been standardised


def of_table(features: Features) -> dict[str, Any]:
    """Return the section `extract` of a signature whose features were computed elsewhere."""
    declared = {} if features.standardised is None else {STANDARDISED: features.standardised}
    return {FROM_TABLE: True, **declared}


def require_sound(document: Mapping[str, Any], form: LinearForm, distribution: TrainingDistribution | None) -> None:
    """Refuse a signature with a part of the wrong type, or with inconsistent parts.

    Parameters
    ----------
    document : content of the file.
    form, distribution : the objects read from two of its parts.

    Raises
    ------
    ValueError : names the first problem.
    """
    problems = chain(_kinds(document), _sections(document), _terms(document, form), _joint(form, distribution))
    if (first := next(problems, None)) is not None:
        raise ValueError(first)


def _kinds(document: Mapping[str, Any]) -> Iterator[str]:
    for name in ("study", "model", "notice"):
        if not isinstance(document[name], str):
            yield f"'{name}' is not text: {document[name]!r}"
    for name in ("outcome", "clinical", "extract", "training", "versions"):
        if not isinstance(document[name], dict):
            yield f"'{name}' does not contain names with values: {document[name]!r}"
    for name in ("sequences", "prepare"):
        if not isinstance(document[name], list):
            yield f"'{name}' is not a list: {document[name]!r}"
    sequences = document["sequences"]
    if not all(isinstance(name, str) and name for name in sequences) or len(set(sequences)) < len(sequences):
        yield f"'sequences' is not a list of different names: {sequences!r}"
    for name in ("positive", "label"):
        if not isinstance(document["outcome"].get(name), str | int | float):
            yield f"'outcome' has no '{name}'"
    cutoff = document["cutoff"]
    if cutoff is not None and not (isinstance(cutoff, int | float) and 0 <= cutoff <= 1):
        yield f"'cutoff' is not a probability: {cutoff!r}"


def _sections(document: Mapping[str, Any]) -> Iterator[str]:
    """Check the parts that also appear in a study file."""
    parts: list[tuple[str, Callable[[Any], object], Any]] = [
        (f"prepare, step {number}", preparation_step, step) for number, step in enumerate(document["prepare"], 1)
    ]
    parts += [
        (f"clinical, {name}", ClinicalVariable.model_validate, item) for name, item in document["clinical"].items()
    ]
    if not document["extract"].get(FROM_TABLE):
        parts.append(("extract", Extract.model_validate, document["extract"]))
    for name, read, item in parts:
        try:
            section = read(item)
            if isinstance(section, Extract) and section.params is None:
                settings_of_study(section, Path())
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            yield f"'{name}{', ' if where else ''}{where}' cannot be used: {first['msg']}"
        except StudyFileError as error:
            yield f"'{name}' cannot be used: {error}"
    if (extraction := document.get("extraction")) is not None:
        if not isinstance(extraction, dict):
            yield f"'extraction' does not contain names with values: {extraction!r}"
        try:
            ExtractionSettings.from_dict(extraction)
        except StudyFileError as error:
            yield f"'extraction' cannot be used: {error}"


def _terms(document: Mapping[str, Any], form: LinearForm) -> Iterator[str]:
    """Check that each term belongs to a sequence or a clinical variable, and that its numbers are finite."""
    if not math.isfinite(form.intercept):
        yield f"the intercept is {form.intercept}"
    names = [term.name for term in form.terms]
    if len(set(names)) < len(names):
        yield "a term appears twice in the formula"
    clinical = {name: ClinicalVariable.model_validate(item) for name, item in document["clinical"].items()}
    known = set()
    for name, variable in clinical.items():
        levels = variable.levels
        known |= {f"{CLINICAL}{name}"} if levels is None else {f"{CLINICAL}{name}={level}" for level in levels[1:]}
    for term in form.terms:
        low, high = term.training_range
        if not (math.isfinite(low) and math.isfinite(high) and low <= high):
            yield f"the training range of {term.name} is {low} to {high}"
        if term.imputation is not None and not math.isfinite(term.imputation):
            yield f"the imputation of {term.name} is {term.imputation}"
        of_image = any(term.name.startswith(f"{name}{SEPARATOR}") for name in document["sequences"])
        if term.name not in known and not of_image:
            yield f"the term '{term.name}' belongs to no sequence and no clinical variable of the signature"


def _joint(form: LinearForm, distribution: TrainingDistribution | None) -> Iterator[str]:
    """Check the bounds of the terms, and that the joint distribution has one row and column per term of the formula."""
    if distribution is None:
        return
    if not (math.isfinite(distribution.widened) and distribution.widened >= 0):
        yield f"the training ranges are widened by {distribution.widened}"
    joint = distribution.joint
    if joint is None:
        return
    count = len(joint.names)
    rows = [joint.centre, joint.scale, *joint.precision]
    if len(joint.precision) != count or any(len(row) != count for row in rows):
        yield "the joint distribution of the training values has rows of different lengths"
    if not all(math.isfinite(value) for row in rows for value in row) or any(value <= 0 for value in joint.scale):
        yield "the joint distribution of the training values has numbers that cannot be used"
    if not math.isfinite(joint.largest):
        yield f"the largest joint distance is {joint.largest}"
    unknown = sorted(set(joint.names) - {term.name for term in form.terms})
    if unknown:
        yield f"the joint distribution names '{unknown[0]}', which is not a term of the formula"
