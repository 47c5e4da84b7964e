"""The next patient: images, masks and clinical values in, the model's own probability out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radstudy.errors import CaseError, RefusedError
from radstudy.features.extract import extract_lesions
from radstudy.features.of_study import settings_of_study
from radstudy.imaging.lesion_check import check_lesion, check_readable
from radstudy.imaging.preparation import prepare_volume, read_reference
from radstudy.imaging.roi import Label, Roi
from radstudy.imaging.volume import Volume
from radstudy.modelling.models import Term
from radstudy.protocol.sections import ClinicalVariable, Extract, Prepare
from radstudy.signature.document import FROM_TABLE, Signature
from radstudy.table import CLINICAL, SEPARATOR


@dataclass(frozen=True)
class Contribution:
    """One term of the formula for this patient: its value and what it adds to the log-odds."""

    name: str
    value: float
    log_odds: float
    outside_training: bool


@dataclass(frozen=True)
class Prediction:
    """A model's answer for one patient.

    Parameters
    ----------
    probability : of the positive outcome.
    positive : whether the probability reaches the cut-off that was fixed on the training set.
    cutoff : that cut-off.
    contributions : the terms, largest first.
    warnings : what to know before using the number.
    signature : the model.
    """

    probability: float
    positive: bool
    cutoff: float
    contributions: tuple[Contribution, ...]
    warnings: tuple[str, ...]
    signature: Signature

    def as_dict(self) -> dict[str, Any]:
        """For machines."""
        return {
            "study": self.signature.study,
            "model": self.signature.model,
            "notice": self.signature.notice,
            "outcome": dict(self.signature.outcome),
            "probability": self.probability,
            "cutoff": self.cutoff if np.isfinite(self.cutoff) else None,
            "positive": self.positive,
            "contributions": [vars(item) for item in self.contributions],
            "warnings": list(self.warnings),
        }

    def as_text(self) -> str:
        """For people."""
        outcome = self.signature.outcome
        call = f"{'at or above' if self.positive else 'below'} the training cut-off of {self.cutoff:.3f}"
        if np.isinf(self.cutoff):
            call = "by the study's rule for the cut-off nobody is called positive"
        lines = [self.signature.notice] if self.signature.notice else []
        lines += [
            f"{self.signature.study}: model '{self.signature.model}'",
            f"Probability of {outcome['label']} = {outcome['positive']}: {self.probability:.3f} ({call})",
            "What adds to the log-odds:",
        ]
        lines += [
            f"  {item.log_odds:+.3f}  {item.name} = {item.value:.6g}"
            + ("  (outside the training range)" if item.outside_training else "")
            for item in self.contributions
        ]
        lines += [f"Warning: {warning}" for warning in self.warnings]
        return "\n".join([*lines, "A research model: not a medical device, not for decisions about care."])


def predict_patient(
    signature: Signature,
    *,
    images: Mapping[str, Path],
    masks: Mapping[str, Path],
    clinical: Mapping[str, str],
    label: Label | None = None,
    references: Mapping[str, Path] | None = None,
) -> Prediction:
    """Prepare, extract and apply the formula, exactly as the study did.

    Parameters
    ----------
    signature : the model.
    images, masks : sequence to file; those that the signature needs.
    clinical : variable to value, as in the cohort table.
    label : of the lesion in the masks; None takes the only one present.
    references : sequence to mask of the reference tissue, where the study scaled its images by one.

    Raises
    ------
    RefusedError : an image, a mask or a clinical value that the model needs is missing or does not fit.
    CaseError : an image or mask cannot be used.
    """
    tissue = references or {}
    if signature.extract.get(FROM_TABLE) and signature.sequences:
        raise RefusedError(
            f"the model '{signature.model}' was made from a table of features that were computed elsewhere; what made "
            "them is not known here, so no image can be used. To do: apply the formula in signature.json to features "
            "of the same origin"
        )
    _require(signature, images, masks, clinical, tissue)
    values: dict[str, float] = {}
    warnings: list[str] = []
    for sequence in signature.sequences:
        found, notes = _features(signature, sequence, images[sequence], masks[sequence], label, tissue.get(sequence))
        values |= {f"{sequence}{SEPARATOR}{name}": value for name, value in found.items()}
        warnings += [f"{sequence}: {note}" for note in notes]
    values |= _clinical(signature, clinical)
    design = pd.DataFrame([{term.name: values[term.name] for term in signature.form.terms}], index=[0])
    log_odds = float(signature.form.log_odds(design)[0])
    if not np.isfinite(log_odds):
        lost = [term.name for term in signature.form.terms if np.isnan(values[term.name]) and term.imputation is None]
        raise RefusedError(f"the model cannot be applied: {', '.join(lost)} has no value for this patient")
    warnings += [
        f"{term.name} has no value for this patient; the training median was used"
        for term in signature.form.terms
        if np.isnan(values[term.name])
    ]
    terms = [_contribution(term, values[term.name]) for term in signature.form.terms]
    probability = float(1 / (1 + np.exp(-log_odds)))
    return Prediction(
        probability,
        probability >= signature.cutoff,
        signature.cutoff,
        tuple(sorted(terms, key=lambda item: -abs(item.log_odds))),
        tuple(warnings),
        signature,
    )


def _require(
    signature: Signature,
    images: Mapping[str, Path],
    masks: Mapping[str, Path],
    clinical: Mapping[str, str],
    references: Mapping[str, Path],
) -> None:
    problems = [f"--image {name}=FILE is missing" for name in signature.sequences if name not in images]
    problems += [f"--mask {name}=FILE is missing" for name in signature.sequences if name not in masks]
    tissue = next((step["reference"]["tissue"] for step in signature.prepare if "reference" in step), None)
    if tissue is not None:
        wanted = [name for name in signature.sequences if name not in references]
        problems += [f"--reference {name}=FILE (mask of the {tissue}) is missing" for name in wanted]
    problems += [f"--clinical {name}=VALUE is missing" for name in signature.clinical if name not in clinical]
    if problems:
        raise RefusedError(f"the model '{signature.model}' needs more: {'; '.join(problems)}")


def _features(
    signature: Signature, sequence: str, image: Path, mask: Path, label: Label | None, reference: Path | None
) -> tuple[Mapping[str, float], tuple[str, ...]]:
    extract = Extract.model_validate(signature.extract)
    if extract.params is not None:
        raise RefusedError("this signature was made with a PyRadiomics parameter file that it does not hold")
    steps = tuple(Prepare.model_validate(step) for step in signature.prepare)
    section = next((step.reference for step in steps if step.reference is not None), None)
    try:
        volume = Volume.read(image)
        check_readable(volume)
        prepared, _ = prepare_volume(volume, steps, read_reference(reference, section, volume))
        roi = Roi.read(mask, label, prepared)
        facts = check_lesion(
            prepared, roi, spacing_mm=extract.spacing_mm, pad=extract.margin_voxels, bin_width=extract.bin_width,
            minimum_native=extract.minimum_native_voxels, minimum_resampled=extract.minimum_voxels,
            sigmas_mm=extract.images.log_sigma_mm,
        )  # fmt: skip
        (lesion,) = extract_lesions(prepared, [roi], settings_of_study(extract, Path()))
    except CaseError as error:
        raise error.located(sequence=sequence) from error
    return lesion.values, facts.warnings


def _clinical(signature: Signature, given: Mapping[str, str]) -> dict[str, float]:
    values: dict[str, float] = {}
    for name, codebook in signature.clinical.items():
        variable = ClinicalVariable.model_validate(codebook)
        text = given[name].strip()
        if variable.levels is None:
            try:
                values[f"{CLINICAL}{name}"] = float(text)
            except ValueError:
                raise RefusedError(f"--clinical {name}={text}: this is not a number") from None
        elif text not in variable.levels:
            raise RefusedError(f"--clinical {name}={text}: the model knows {', '.join(variable.levels)}")
        else:
            values |= {f"{CLINICAL}{name}={level}": float(text == level) for level in variable.levels[1:]}
    return values


def _contribution(term: Term, value: float) -> Contribution:
    used = term.imputation if np.isnan(value) and term.imputation is not None else value
    low, high = term.training_range
    adds = term.coefficient * (used - term.centre) / term.scale
    return Contribution(term.name, float(used), float(adds), bool(not low <= used <= high))
