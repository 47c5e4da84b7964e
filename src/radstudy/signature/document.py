"""The file signature.json: a fitted model as plain JSON, with everything that a patient's probability depends on."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radstudy import bounds
from radstudy._version import __version__
from radstudy.errors import RefusedError
from radstudy.features.of_study import settings_of_study
from radstudy.features.settings import ExtractionSettings
from radstudy.modelling.assessment.performance import Scored, chosen_cutoff
from radstudy.modelling.models import LinearForm, Term, clinical_of, sequences_of
from radstudy.protocol import Protocol
from radstudy.protocol.sections import Extract
from radstudy.provenance import versions
from radstudy.signature.soundness import of_table, require_sound
from radstudy.signature.training import TrainingDistribution, training_distribution
from radstudy.store import content_hash, read_json, write_json
from radstudy.table import CLINICAL, SEPARATOR, variable_of

SCHEMA = 1  # the layout of signature.json
FORMAT = f"radstudy signature {SCHEMA}"
_EXTRACTION = "extraction"  # of a study with a PyRadiomics parameter file
_DISTRIBUTION = "training_distribution"  # absent in a signature of an earlier version


@dataclass(frozen=True, eq=False)
class Signature:
    """A fitted model that can be used without the data it was fitted on.

    Parameters
    ----------
    study, model, notice : its origin; the notice is printed with every prediction.
    outcome : ``positive``, ``negative`` and ``label`` of the predicted outcome.
    form : the formula.
    cutoff : on the probability; patients at or above it are classified as positive. By the rule of
        ``evaluate.cutoff``; infinite (null in the file) if that rule classifies no patient as positive.
    sequences : images that a prediction needs, without those that have no selected feature.
    clinical : clinical variables that a prediction needs, with their codebook.
    prepare, extract : sections of the study file, as plain dictionaries; for a study that started from a feature table
        `extract` states this, and no image can be used with the signature.
    training : number of patients, positives, and a hash of the training rows.
    versions : of the program and its libraries.
    distribution : distribution of the training lesions, beyond the range of each term; None in a signature of an
        earlier version.
    extraction : content of the PyRadiomics parameter file that `extract` names, in its layout; None if it names none
        and `extract` itself contains the settings.
    """

    study: str
    model: str
    notice: str
    outcome: Mapping[str, Any]
    form: LinearForm
    cutoff: float
    sequences: tuple[str, ...]
    clinical: Mapping[str, Mapping[str, Any]]
    prepare: tuple[Mapping[str, Any], ...]
    extract: Mapping[str, Any]
    training: Mapping[str, Any]
    versions: Mapping[str, str]
    distribution: TrainingDistribution | None = None
    extraction: Mapping[str, Any] | None = None

    @property
    def settings(self) -> ExtractionSettings:
        """Extraction settings for the features of the formula."""
        if self.extraction is not None:
            return ExtractionSettings.from_dict(self.extraction)
        return settings_of_study(Extract.model_validate(self.extract), Path())


def make_signature(
    protocol: Protocol,
    name: str,
    form: LinearForm,
    *,
    rows: pd.DataFrame,
    design: pd.DataFrame,
    probability: pd.Series,
    volumes: pd.DataFrame | None = None,
    lesions: pd.DataFrame | None = None,
    extraction: ExtractionSettings | None = None,
) -> Signature:
    """Create the signature of one fitted model.

    Parameters
    ----------
    protocol : the study's protocol.
    name : the model.
    form : its formula.
    rows : the cohort's rows that trained it.
    design : the same rows of the design table.
    probability : its predictions for those rows, in their order.
    volumes, lesions : prepare/volumes.csv and the first reader's rows of prepare/lesions.csv, if there are images.
    extraction : the study's settings; None if it started from a feature table.
    """
    outcome = rows["outcome"].to_numpy(dtype=np.int64)
    patients = rows.index.get_level_values("patient").to_numpy(dtype=object)
    training = Scored(name, "training", outcome, probability.to_numpy(dtype=float), patients)
    named = [term.name for term in form.terms]
    sequences = tuple(s for s in sequences_of(protocol, name) if any(n.startswith(s + SEPARATOR) for n in named))
    variables = {variable_of(column) for column in named if column.startswith(CLINICAL)}
    used = [variable for variable in clinical_of(protocol, name) if variable in variables]
    spec = protocol.cohort.outcome
    return Signature(
        study=protocol.study,
        model=name,
        notice=protocol.notice,
        outcome={"positive": spec.positive, "negative": spec.negative, "label": spec.label or spec.column},
        form=form,
        cutoff=chosen_cutoff(training, protocol.evaluate.cutoff),
        sequences=sequences,
        clinical={v: protocol.cohort.clinical[v].model_dump(mode="json") for v in used},
        prepare=tuple(
            protocol.model_dump(mode="json", by_alias=True, exclude_none=True, include={"prepare"})["prepare"]
        ),
        extract=protocol.extract.deciding_features() if protocol.features is None else of_table(protocol.features),
        training={
            "lesions": len(rows),
            "patients": int(rows.index.get_level_values("patient").nunique()),
            "positive": int(outcome.sum()),
            "rows_hash": content_hash([[*index, int(y)] for index, y in zip(rows.index, outcome, strict=True)]),
        },
        versions=versions(),
        distribution=training_distribution(
            form, design, needed=sequences, sequences=protocol.sequences, variables=tuple(protocol.cohort.clinical),
            volumes=volumes, lesions=lesions,
        ),
        extraction=None if extraction is None or protocol.extract.params is None else extraction.as_dict(),
    )  # fmt: skip


def write_signature(signature: Signature, path: Path) -> None:
    """Write a signature as JSON."""
    document = {
        "format": FORMAT,
        **{name: getattr(signature, name) for name in ("study", "model", "notice", "outcome", "cutoff")},
        "formula": {
            "log_odds": "intercept + sum of coefficient * (value - centre) / scale",
            "intercept": signature.form.intercept,
            "terms": [asdict(term) for term in signature.form.terms],
        },
        **{
            name: getattr(signature, name)
            for name in ("sequences", "clinical", "prepare", "extract", "training", "versions")
        },
        **({} if signature.extraction is None else {_EXTRACTION: signature.extraction}),
        _DISTRIBUTION: signature.distribution and signature.distribution.as_dict(),
    }
    write_json(path, document)


def read_signature(path: Path) -> Signature:
    """Read a signature.

    Raises
    ------
    RefusedError : the file is missing, is not JSON, is not a signature, or is incomplete.
    """
    try:
        bounds.SIGNATURE.require_of(RefusedError, path.stat().st_size, path)
        document = read_json(path)
        json.dumps(document, ensure_ascii=False).encode()  # half a character (\\ud800) could not be printed
    except FileNotFoundError:
        raise RefusedError(f"{path} does not exist. To do: 'radstudy run' writes signature.json") from None
    except (OSError, ValueError) as error:
        raise RefusedError(f"{path} is not a signature: {error}") from None
    except RecursionError:
        raise RefusedError(f"{path} is not a signature: its parts are nested too deeply") from None
    stated = document.get("format") if isinstance(document, dict) else None
    if stated != FORMAT:
        if (newer := re.fullmatch(r"radstudy signature ([1-9]\d{0,5})", str(stated))) and int(newer.group(1)) > SCHEMA:
            raise RefusedError(
                f"{path} has the format '{stated}'; this radstudy ({__version__}) reads formats up to {SCHEMA}. To do: "
                "install a newer radstudy"
            )
        raise RefusedError(f"{path} is not a signature of the format '{FORMAT}' (found: {stated})")
    try:
        formula = document["formula"]
        form = LinearForm(float(formula["intercept"]), tuple(_term(item) for item in formula["terms"]))
        distribution = _distribution(document.get(_DISTRIBUTION))
        require_sound(document, form, distribution)
        if (params := document["extract"].get("params")) is not None and document.get(_EXTRACTION) is None:
            raise RefusedError(
                f"{path} was made with a PyRadiomics parameter file, but does not contain it ({params}). To do: run "
                "the study again; the signature will then contain the file's settings"
            )
        return Signature(
            form=form,
            sequences=tuple(document["sequences"]),
            prepare=tuple(document["prepare"]),
            distribution=distribution,
            extraction=document.get(_EXTRACTION),
            cutoff=float("inf") if document["cutoff"] is None else float(document["cutoff"]),
            **{
                name: document[name]
                for name in ("study", "model", "notice", "outcome", "clinical", "extract", "training", "versions")
            },
        )
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        told = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise RefusedError(
            f"{path} is a damaged signature: {told}. To do: copy it again from the folder of the run that wrote it"
        ) from None


def _distribution(item: Mapping[str, Any] | None) -> TrainingDistribution | None:
    return None if item is None else TrainingDistribution.read(item)


def _term(item: Mapping[str, Any]) -> Term:
    imputation = None if item["imputation"] is None else float(item["imputation"])
    low, high = item["training_range"]
    centre, scale, coefficient = (float(item[name]) for name in ("centre", "scale", "coefficient"))
    if not np.isfinite([centre, scale, coefficient]).all() or scale <= 0:
        raise ValueError(f"term {item['name']} has no finite centre, scale and coefficient")
    return Term(str(item["name"]), imputation, centre, scale, coefficient, (float(low), float(high)))
