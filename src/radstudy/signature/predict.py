"""Prediction for one patient: images, masks and clinical values in, the model's probability out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radstudy.errors import CaseError, RefusedError
from radstudy.features.extract import extract_lesions
from radstudy.features.of_study import lesion_rules
from radstudy.imaging.lesion_check import check_lesion
from radstudy.imaging.preparation import prepare_volume, read_reference
from radstudy.imaging.roi import Label
from radstudy.imaging.volume import Volume
from radstudy.modelling.models import Term
from radstudy.protocol.prepare import reference_in
from radstudy.protocol.sections import Extract
from radstudy.signature.applicability import (
    NOT_CHECKED,
    Seen,
    UnlikeTraining,
    UnlikeTrainingError,
    check_acquisition,
    check_images,
    check_joint,
    check_sampling,
    check_terms,
    not_checked,
)
from radstudy.signature.document import USE, Signature
from radstudy.signature.patient import (
    Given,
    PatientSequence,
    clinical_values,
    feature_values,
    raise_all,
    read_sequences,
)
from radstudy.signature.refits import ProbabilityInterval
from radstudy.signature.soundness import FROM_TABLE
from radstudy.table import SEPARATOR


@dataclass(frozen=True)
class Contribution:
    """One term of the formula for this patient: its value and its contribution to the log-odds."""

    name: str
    value: float
    log_odds: float
    outside_training: bool


@dataclass(frozen=True)
class Prediction:
    """A model's prediction for one patient.

    Parameters
    ----------
    probability : of the positive outcome.
    positive : whether the probability reaches the cut-off that was fixed on the training set.
    cutoff : that cut-off.
    contributions : the terms, largest first.
    warnings : facts to know before using the probability.
    signature : the model.
    findings : differences from the training patients; those that refuse were overruled by the user.
    interval : of the probability, by refits that redo the selection; None if the signature has no refits.
    """

    probability: float
    positive: bool
    cutoff: float
    contributions: tuple[Contribution, ...]
    warnings: tuple[str, ...]
    signature: Signature
    findings: tuple[UnlikeTraining, ...] = ()
    interval: ProbabilityInterval | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return the prediction as plain JSON, for machines."""
        return {
            "study": self.signature.study,
            "model": self.signature.model,
            "notice": self.signature.notice,
            "use": USE,
            "outcome": dict(self.signature.outcome),
            "refused": False,
            "probability": self.probability,
            "interval": None if self.interval is None else asdict(self.interval),
            "cutoff": self.cutoff if np.isfinite(self.cutoff) else None,
            "positive": self.positive,
            "contributions": [vars(item) for item in self.contributions],
            "outside_range": any(finding.refuses for finding in self.findings),
            "findings": [finding.as_dict() for finding in self.findings],
            "warnings": list(self.warnings),
        }

    def as_text(self) -> str:
        """Return the prediction as text, for people."""
        outcome = self.signature.outcome
        call = f"{'at or above' if self.positive else 'below'} the training cut-off of {self.cutoff:.3f}"
        if np.isinf(self.cutoff):
            call = "the study's rule for the cut-off classifies no patient as positive"
        lines = [self.signature.notice] if self.signature.notice else []
        lines += [
            f"{self.signature.study}: model '{self.signature.model}'",
            *self._headline(),
            f"Probability of {outcome['label']} = {outcome['positive']}: {shown(self.probability)} ({call})",
            *self.interval_lines(),
            "Contributions to the log-odds:",
        ]
        lines += [
            f"  {item.log_odds:+.3f}  {item.name} = {item.value:.6g}"
            + ("  (outside the training range)" if item.outside_training else "")
            for item in self.contributions
        ]
        lines += [f"Warning: {warning}" for warning in self.warnings]
        return "\n".join([*lines, f"{USE} Not for decisions about care."])

    def interval_lines(self) -> list[str]:
        """Return the lines on the interval, or on why there is none."""
        interval = self.interval
        if interval is None:
            return ["No interval: the signature has no refits."]
        if interval.low is None or interval.high is None:
            return [f"No interval: {interval.note}."]
        line = (
            f"{100 * interval.level:g} % interval: {shown(interval.low)} to {shown(interval.high)} ({interval.used} "
            "refits on bootstrap samples of the training patients, the selection redone)"
        )
        return [line, *([f"  {interval.note}"] if interval.note else [])]

    def _headline(self) -> list[str]:
        """Return the lines above the probability."""
        overruled = [finding for finding in self.findings if finding.refuses]
        remarks = [finding for finding in self.findings if not finding.refuses]
        lines = []
        if overruled:
            lines.append(
                "THIS PATIENT DIFFERS FROM THE PATIENTS THAT THE MODEL WAS TRAINED ON: the probability below is "
                "printed because of --outside-range, and its accuracy is unknown."
            )
            lines += [f"  {number}. {finding.message}" for number, finding in enumerate(overruled, 1)]
        return lines + [f"Look at this first: {finding.message}" for finding in remarks]


def shown(probability: float) -> str:
    """Format a probability with three decimals, without showing a certainty due to rounding."""
    if probability < 0.0005:
        return "below 0.001"
    return "above 0.999" if probability > 0.9995 else f"{probability:.3f}"


def refused(signature: Signature, findings: Sequence[UnlikeTraining]) -> dict[str, Any]:
    """Return the plain JSON for a refused prediction; see `Prediction.as_dict`."""
    return {
        "study": signature.study,
        "model": signature.model,
        "notice": signature.notice,
        "use": USE,
        "outcome": dict(signature.outcome),
        "refused": True,
        "probability": None,
        "findings": [finding.as_dict() for finding in findings],
    }


def predict_patient(
    signature: Signature,
    *,
    images: Mapping[str, Path],
    masks: Mapping[str, Path],
    clinical: Mapping[str, str],
    label: Label | None = None,
    references: Mapping[str, Path] | None = None,
    outside_range: bool = False,
) -> Prediction:
    """Predict for one patient: prepare, extract and apply the formula exactly as the study did.

    Parameters
    ----------
    signature : the model.
    images, masks : sequence to file, for the sequences that the signature needs.
    clinical : variable to value, as in the cohort table.
    label : the lesion's label in the masks; None takes the only one present.
    references : sequence to mask of the reference tissue, if the study scaled its images by one.
    outside_range : return the probability even if the patient differs from the training patients, with the reasons.

    Raises
    ------
    RefusedError : an image, a mask or a clinical value is missing, does not fit, or is not used by the model.
    UnlikeTrainingError : the patient differs from the training patients; `findings` lists the differences.
    CaseError, CohortError : one or several images or masks cannot be used.
    """
    if signature.extract.get(FROM_TABLE) and signature.sequences:
        raise RefusedError(
            f"the model '{signature.model}' was made from a table of features that were computed elsewhere; how they "
            "were computed is not known here, so no image can be used. To do: apply the formula in signature.json to "
            "features of the same origin"
        )
    given = Given(images, masks, clinical, label, references or {})
    values = clinical_values(signature, given)
    features, warnings, findings = _of_images(signature, given)
    return _predicted(signature, {**values, **features}, warnings, findings, outside_range=outside_range)


def predict_features(
    signature: Signature,
    *,
    features: Mapping[str, float],
    clinical: Mapping[str, str],
    outside_range: bool = False,
) -> Prediction:
    """Predict for one patient from features that were computed before, as the study computed them.

    Parameters
    ----------
    signature : the model.
    features : column, such as ``DWI:original_firstorder_Mean``, to value; NaN where missing.
    clinical : variable to value, as in the cohort table.
    outside_range : as in `predict_patient`.

    Raises
    ------
    RefusedError : a feature or a clinical value is missing or does not fit.
    UnlikeTrainingError : the patient differs from the training patients; `findings` lists the differences.
    """
    values = {
        **feature_values(signature, features),
        **clinical_values(signature, Given({}, {}, clinical, None, {}), images=False),
    }
    note = UnlikeTraining(
        NOT_CHECKED, "images",
        "images and masks were not checked: the features were given",
        False,
    )  # fmt: skip
    findings = [note] if signature.sequences else []
    return _predicted(signature, values, [], findings, outside_range=outside_range)


def _predicted(
    signature: Signature,
    values: Mapping[str, float],
    warnings: list[str],
    findings: list[UnlikeTraining],
    *,
    outside_range: bool,
) -> Prediction:
    """Apply the formula to a patient's values, unless they differ from the training patients'.

    Parameters
    ----------
    signature : the model.
    values : column of the design table to value, NaN where missing; those of the formula and of its refits.
    warnings, findings : so far.
    outside_range : as in `predict_patient`.
    """
    absent = [term.name for term in signature.form.terms if term.name not in values]
    if absent:
        raise RefusedError(
            f"the model '{signature.model}' cannot be applied: the settings of its signature do not compute "
            f"{', '.join(absent)}. To do: copy signature.json again from the folder of the run that wrote it"
        )
    used = {term.name: _used(term, values[term.name]) for term in signature.form.terms}
    lost = [name for name, value in used.items() if not np.isfinite(value)]
    if lost:
        raise RefusedError(f"the model cannot be applied: {', '.join(lost)} has no value for this patient")
    findings = [*findings, *check_terms(signature.form.terms, values, signature.distribution)]
    if signature.distribution is not None:
        findings += [*check_joint(signature.distribution.joint, used)]
    if any(finding.refuses for finding in findings) and not outside_range:
        raise UnlikeTrainingError(signature.model, findings)
    design = pd.DataFrame([{term.name: values[term.name] for term in signature.form.terms}], index=[0])
    warnings = warnings + [
        f"{term.name} has no value for this patient; the training median was used"
        for term in signature.form.terms
        if np.isnan(values[term.name])
    ]
    terms = [_contribution(term, used[term.name]) for term in signature.form.terms]
    with np.errstate(over="ignore"):  # for log-odds below -709 the probability is 0
        probability = float(signature.form.probability(design)[0])
    return Prediction(
        probability,
        probability >= signature.cutoff,
        signature.cutoff,
        tuple(sorted(terms, key=lambda item: -abs(item.log_odds))),
        tuple(warnings),
        signature,
        tuple(findings),
        None if signature.refits is None else signature.refits.interval(values),
    )


def _of_images(signature: Signature, given: Given) -> tuple[dict[str, float], list[str], list[UnlikeTraining]]:
    """Compute the features of all sequences by the formula's names, with warnings and findings on the images."""
    sequences = read_sequences(signature, given)
    seen = {name: sequence.seen for name, sequence in sequences.items()}
    values: dict[str, float] = {}
    warnings: list[str] = []
    errors: list[CaseError] = []
    for name, sequence in sequences.items():
        try:
            prepared, seen[name] = _prepared(signature, sequence, given.references.get(name))
            features, notes = _features(signature, prepared, sequence)
        except CaseError as error:
            errors.append(error.located(sequence=name))
            continue
        values |= {f"{name}{SEPARATOR}{feature}": value for feature, value in features.items()}
        warnings += [f"{name}: {note}" for note in notes]
    raise_all(errors)
    findings = [
        *check_images(seen, signature.distribution),
        *check_acquisition(seen, signature.about.get("acquisition")),
        *check_sampling({name: one.voxels.shape for name, one in seen.items()}, signature.steps),
        *not_checked(signature.distribution, tuple(seen)),
    ]
    return values, warnings, findings


def _prepared(signature: Signature, sequence: PatientSequence, reference: Path | None) -> tuple[Volume, Seen]:
    """Prepare a volume as the study did; return it, and the sequence's facts with the scale before rescaling."""
    steps, volume = signature.steps, sequence.volume
    section = reference_in(steps)
    prepared, preparation = prepare_volume(volume, steps, read_reference(reference, section, volume.grid))
    facts = preparation.facts()
    scale = None if facts["low"] is None else (facts["low"], facts["high"])
    return prepared, replace(sequence.seen, scale=scale)


def _features(
    signature: Signature, prepared: Volume, sequence: PatientSequence
) -> tuple[Mapping[str, float], tuple[str, ...]]:
    roi = sequence.roi
    settings = signature.settings
    facts = check_lesion(prepared, roi, lesion_rules(settings, Extract.model_validate(signature.extract)))
    (lesion,) = extract_lesions(prepared, [roi], settings)
    return lesion.values, facts.warnings


def _used(term: Term, value: float) -> float:
    return term.imputation if np.isnan(value) and term.imputation is not None else value


def _contribution(term: Term, value: float) -> Contribution:
    low, high = term.training_range
    adds = term.coefficient * (value - term.centre) / term.scale
    return Contribution(term.name, float(value), float(adds), bool(not low <= value <= high))
