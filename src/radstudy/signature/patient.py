"""Input for one patient, checked against the needs of a signature, with all errors reported at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from radstudy.errors import CaseError, CohortError, RefusedError
from radstudy.formats.acquisition import MADE_BY, acquisition_of
from radstudy.imaging.lesion_check import check_readable
from radstudy.imaging.roi import Label, Roi
from radstudy.imaging.volume import Volume
from radstudy.protocol.sections import ClinicalVariable
from radstudy.signature.applicability import Seen, check_terms
from radstudy.signature.document import Signature
from radstudy.signature.mask_shape import mask_shape
from radstudy.table import CLINICAL


@dataclass(frozen=True)
class Given:
    """The arguments of a prediction.

    Parameters
    ----------
    images, masks : sequence to file.
    clinical : variable to value, as in the cohort table.
    label : the lesion's label in the masks; None takes the only one present.
    references : sequence to mask of the reference tissue.
    """

    images: Mapping[str, Path]
    masks: Mapping[str, Path]
    clinical: Mapping[str, str]
    label: Label | None
    references: Mapping[str, Path]


@dataclass(frozen=True, eq=False)
class PatientSequence:
    """One sequence of a patient, read from its files.

    Parameters
    ----------
    volume : the image as stored in the file.
    roi : the lesion's mask on the image.
    seen : the facts that are checked.
    """

    volume: Volume
    roi: Roi
    seen: Seen


def clinical_values(signature: Signature, given: Given, *, images: bool = True) -> dict[str, float]:
    """Return the clinical columns of the design table after checking that all arguments are needed and valid.

    Parameters
    ----------
    signature : the model.
    given : the arguments.
    images : whether the model's images have to be among them; False if the features were computed before.

    Raises
    ------
    RefusedError : arguments are missing, unknown to the model, or invalid; the message lists all of them.
    """
    problems = [*_missing(signature, given, images=images), *_unknown(signature, given)]
    values: dict[str, float] = {}
    further = signature.refits.clinical if signature.refits is not None else {}
    for name, codebook in {**further, **signature.clinical}.items():
        if name not in given.clinical:
            continue
        variable = ClinicalVariable.model_validate(codebook)
        text = given.clinical[name].strip()
        if variable.levels is None:
            values[f"{CLINICAL}{name}"] = number = _number(text)
            if not np.isfinite(number):
                problems.append(f"--clinical {name}={text}: this is not a number; write for example 54 or 54.5")
        elif text not in variable.levels:
            problems.append(f"--clinical {name}={text}: unknown value; choose from {', '.join(variable.levels)}")
        else:
            values |= {f"{CLINICAL}{name}={level}": float(text == level) for level in variable.levels[1:]}
    if problems:  # report everything at once
        terms = [term for term in signature.form.terms if np.isfinite(values.get(term.name, np.nan))]
        problems += [finding.message for finding in check_terms(terms, values, signature.distribution)]
    if len(problems) == 1:
        raise RefusedError(f"the arguments do not fit the model '{signature.model}': {problems[0]}")
    if problems:
        lines = "\n".join(f"  {number}. {problem}" for number, problem in enumerate(problems, 1))
        raise RefusedError(f"the arguments do not fit the model '{signature.model}':\n{lines}")
    return values


def _number(text: str) -> float:
    """Read a number in ordinary notation; NaN for anything else, such as 1_0, nan or inf."""
    try:
        return float("nan") if "_" in text else float(text)
    except ValueError:
        return float("nan")


def tissue_of(signature: Signature) -> str | None:
    """Return the reference tissue by which the study scaled its images."""
    return next((step["reference"]["tissue"] for step in signature.prepare if "reference" in step), None)


def feature_values(signature: Signature, features: Mapping[str, float]) -> dict[str, float]:
    """Return the columns of the formula and of its refits among features that were computed before.

    Raises
    ------
    RefusedError : a feature of the formula is not there, or a value is infinite; the message lists all of them.
    """
    terms = [term.name for term in signature.form.terms if not term.name.startswith(CLINICAL)]
    problems = [f"the column '{name}' is missing" for name in terms if name not in features]
    further = signature.refits.names if signature.refits is not None else ()
    values = {name: float(features[name]) for name in dict.fromkeys((*terms, *further)) if name in features}
    problems += [f"{name} is {value}" for name, value in values.items() if np.isinf(value)]
    if problems:
        raise RefusedError(f"the features do not fit the model '{signature.model}': {'; '.join(problems)}")
    return values


def _missing(signature: Signature, given: Given, *, images: bool) -> list[str]:
    needed = signature.sequences if images else ()
    problems = [f"--image {name}=FILE is missing" for name in needed if name not in given.images]
    problems += [f"--mask {name}=FILE is missing" for name in needed if name not in given.masks]
    if (tissue := tissue_of(signature)) is not None:
        wanted = [name for name in needed if name not in given.references]
        problems += [f"--reference {name}=FILE (mask of the {tissue}) is missing" for name in wanted]
    return problems + [
        f"--clinical {name}=VALUE is missing" for name in signature.clinical if name not in given.clinical
    ]


def _unknown(signature: Signature, given: Given) -> list[str]:
    """Find arguments that would have no effect, because a user who gives them expects one."""
    training, refits = signature.distribution, signature.refits
    sequences, variables = tuple(signature.sequences), tuple(signature.clinical)
    if refits is not None:  # for the interval
        sequences, variables = (*sequences, *refits.sequences), (*variables, *refits.clinical)
    of_study = (training.sequences, training.variables) if training is not None else ((), ())
    scaled = tissue_of(signature) is not None
    problems = [
        _no_use(option, name, uses, study)
        for option, names, uses, study in (
            ("--image", given.images, sequences, of_study[0]),
            ("--mask", given.masks, sequences, of_study[0]),
            ("--reference", given.references if scaled else (), sequences, of_study[0]),
            ("--clinical", given.clinical, variables, of_study[1]),
        )
        for name in names
        if name not in uses
    ]
    if not scaled:
        problems += [
            f"--reference {name}: the study did not scale its images by a reference tissue. Leave it out"
            for name in given.references
        ]
    if given.label is not None and not sequences:
        problems.append("--label: the model does not use images. Leave it out")
    return problems


def _no_use(option: str, name: str, uses: tuple[str, ...], of_study: tuple[str, ...]) -> str:
    if name in of_study:
        why = f"the study has '{name}', but this model does not use it. Leave it out"
    elif near := get_close_matches(name.casefold(), [use.casefold() for use in uses], 1):
        meant = next(use for use in uses if use.casefold() == near[0])
        why = f"the model does not know '{name}'; did you mean '{meant}'?"
    else:
        why = f"the model does not know '{name}'" + (f"; it uses {', '.join(uses)}" if uses else ". Leave it out")
    return f"{option} {name}: {why}"


def read_sequences(signature: Signature, given: Given) -> dict[str, PatientSequence]:
    """Read the images and masks that the model needs.

    Raises
    ------
    CaseError : a file cannot be used.
    CohortError : several files cannot be used; the message lists all of them.
    """
    read: dict[str, PatientSequence] = {}
    errors: list[CaseError] = []
    for sequence in sequences_given(signature, given):
        try:
            read[sequence] = _read(given.images[sequence], given.masks[sequence], given.label)
        except CaseError as error:
            errors.append(error.located(sequence=sequence))
    raise_all(errors)
    return read


def sequences_given(signature: Signature, given: Given) -> tuple[str, ...]:
    """Return the sequences that the model needs, and those of its refits for which image and mask are given."""
    refits = signature.refits.sequences if signature.refits is not None else ()
    further = (name for name in refits if name in given.images and name in given.masks)
    return tuple(dict.fromkeys((*signature.sequences, *further)))


def raise_all(errors: list[CaseError]) -> None:
    """Raise nothing without errors, a single error unchanged, and several errors as a list."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise CohortError("these files cannot be used:", [str(error) for error in errors])


def _read(image: Path, mask: Path, label: Label | None) -> PatientSequence:
    volume = Volume.read_3d(image)
    check_readable(volume)
    roi = Roi.read(mask, label, volume).on_grid_of(volume)
    if not roi.voxel_count:
        raise CaseError("the mask is empty", "draw the lesion", file=mask)
    seen = Seen(
        image, volume.voxels, volume.affine, volume.spacing_mm, roi.centre_mm, roi.volume_mm3, origin_of(image),
        mask_shape(roi.mask, volume.spacing_mm), acquisition_of(image, patient="", sequence=""),
    )  # fmt: skip
    return PatientSequence(volume, roi, seen)


def origin_of(image: Path) -> dict[str, Any]:
    """Read the file that `radstudy import` wrote next to an image; empty if there is none."""
    stem = image.name.removesuffix(".gz").rpartition(".")[0] or image.name
    try:
        record = json.loads(image.with_name(f"{stem}.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    made_here = isinstance(record, dict) and str(record.get("made_by", "")).startswith(MADE_BY)
    return record if made_here else {}
