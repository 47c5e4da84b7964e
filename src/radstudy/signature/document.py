"""The file signature.json: a fitted model as plain JSON, with everything that a patient's probability depends on."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
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
from radstudy.protocol.prepare import PreparationStep, preparation_step
from radstudy.protocol.sections import Extract
from radstudy.provenance import machine, versions
from radstudy.signature.check_vector import CheckVector, check_vector
from radstudy.signature.definitions import definition_of
from radstudy.signature.refits import RefittedForms
from radstudy.signature.soundness import FROM_TABLE, of_table, require_sound
from radstudy.signature.training import TrainingDistribution, training_distribution
from radstudy.store import content_hash, plain, read_json, write_text
from radstudy.table import CLINICAL, SEPARATOR, variable_of

SCHEMA = 2  # the layout of signature.json; radstudy.signature.schema describes it
READABLE = (1, 2)  # 1: before the hash, the test vector, the refits and the performance
FORMAT = f"radstudy signature {SCHEMA}"
USE = "Research use only, not a medical device."
_EXTRACTION = "extraction"  # of a study with a PyRadiomics parameter file
_DISTRIBUTION = "training_distribution"  # absent in a signature of an earlier version
_ABOUT = ("population", "cutoff_rule", "acquisition", "cohort", "performance", "machine")
_REFITS, _VECTOR, HASH = "refits", "test_vector", "hash"


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
    refits : the formulas of bootstrap samples, for intervals; None before the study's step `evaluate`, or if it has no
        bootstrap.
    vector : inputs with the results that they must give; None in a signature of an earlier version.
    about : further parts of the file, as plain JSON: ``population``, ``cutoff_rule``, ``acquisition`` (sequence to the
        ranges of the training images), ``cohort``, ``performance`` and ``machine``; empty if not known.
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
    refits: RefittedForms | None = None
    vector: CheckVector | None = None
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def steps(self) -> tuple[PreparationStep, ...]:
        """The preparation of its images, in order."""
        return tuple(preparation_step(dict(step)) for step in self.prepare)

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
    signature = Signature(
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
        about={
            "cutoff_rule": {"rule": protocol.evaluate.cutoff.rule, **protocol.evaluate.cutoff.model_dump(mode="json")},
            "machine": machine(),
        },
    )  # fmt: skip
    return with_vector(signature)


def with_vector(signature: Signature) -> Signature:
    """Return the signature with its test vector."""
    from_table = bool(signature.extract.get(FROM_TABLE))
    vector = check_vector(
        signature.form, signature.steps,
        None if from_table else signature.settings, None if from_table else Extract.model_validate(signature.extract),
    )  # fmt: skip
    return replace(signature, vector=vector)


def write_signature(signature: Signature, path: Path) -> None:
    """Write a signature as JSON, in the layout of `radstudy.signature.schema`, with the hash of its content."""
    write_text(path, _in_lines(document_of(signature)))


def document_of(signature: Signature) -> dict[str, Any]:
    """Return the content of signature.json as plain JSON."""
    from_table = bool(signature.extract.get(FROM_TABLE))
    terms = [
        {**asdict(term), "definition": definition_of(term.name, signature.clinical, from_table=from_table)}
        for term in signature.form.terms
    ]
    document = plain({
        **{name: getattr(signature, name) for name in ("study", "model", "notice", "outcome", "cutoff")},
        "use": USE,
        "formula": {
            "log_odds": "intercept + sum of coefficient * (value - centre) / scale",
            "intercept": signature.form.intercept,
            "terms": terms,
        },
        **{
            name: getattr(signature, name)
            for name in ("sequences", "clinical", "prepare", "extract", "training", "versions")
        },
        **({} if signature.extraction is None else {_EXTRACTION: signature.extraction}),
        "settings": _settings(signature),
        _DISTRIBUTION: signature.distribution and signature.distribution.as_dict(),
        **{name: signature.about.get(name) for name in _ABOUT},
        _REFITS: signature.refits and signature.refits.as_dict(),
        _VECTOR: signature.vector and signature.vector.as_dict(),
    })  # fmt: skip
    return {"format": FORMAT, HASH: content_hash({"format": FORMAT, **document}), **document}


def _settings(signature: Signature) -> dict[str, Any]:
    """Return the order of all steps with every setting, including defaults, and their hash."""
    extraction = None if signature.extract.get(FROM_TABLE) else signature.settings.as_dict()
    order = [*(word for step in signature.prepare for word in step), *(["extract"] if extraction else [])]
    return {
        "order": order,
        "extraction": extraction,
        HASH: content_hash({"prepare": signature.prepare, "extraction": extraction}),
    }


_NUMBERS = re.compile(r"\[\n\s+([^\[\]{}\"]*?)\n\s*\]")  # a list without texts, lists and objects inside


def _in_lines(document: object) -> str:
    """Write JSON with each list of numbers on one line; no text contains a line break, so none is changed."""
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    return _NUMBERS.sub(lambda match: f"[{' '.join(match[1].split())}]", text) + "\n"


def stated_hash(document: Mapping[str, Any]) -> tuple[str, str]:
    """Return the hash that a file states, and the hash of its content."""
    content = {name: value for name, value in document.items() if name != HASH}
    return str(document.get(HASH)), content_hash(content)


def read_signature(path: Path) -> Signature:
    """Read a signature.

    Raises
    ------
    RefusedError : the file is missing, is not JSON, is not a signature, is incomplete, or was edited by hand.
    """
    return signature_of(read_document(path), path)


def read_document(path: Path) -> dict[str, Any]:
    """Read the content of a signature, of which nothing is verified but that it is a JSON object.

    Raises
    ------
    RefusedError : the file is missing, too large or not JSON.
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
    return document if isinstance(document, dict) else {}


def signature_of(document: Mapping[str, Any], path: Path, *, unchanged: bool = True) -> Signature:
    """Read a signature from the content of its file.

    Parameters
    ----------
    document : content of the file.
    path : of the file, for messages.
    unchanged : refuse content whose hash is not the stated one.

    Raises
    ------
    RefusedError : as `read_signature`.
    """
    stated = document.get("format")
    if stated not in [f"radstudy signature {number}" for number in READABLE]:
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
        signature = Signature(
            form=form,
            sequences=tuple(document["sequences"]),
            prepare=tuple(document["prepare"]),
            distribution=distribution,
            extraction=document.get(_EXTRACTION),
            refits=None if (refits := document.get(_REFITS)) is None else RefittedForms.read(refits),
            vector=None if (vector := document.get(_VECTOR)) is None else CheckVector.read(vector),
            about={name: document[name] for name in _ABOUT if document.get(name) is not None},
            cutoff=float("inf") if document["cutoff"] is None else float(document["cutoff"]),
            **{
                name: document[name]
                for name in ("study", "model", "notice", "outcome", "clinical", "extract", "training", "versions")
            },
        )
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, OverflowError) as error:
        told = f"it has no {error}" if isinstance(error, KeyError) else str(error)
        raise RefusedError(
            f"{path} is a damaged signature: {told}. To do: copy it again from the folder of the run that wrote it"
        ) from None
    if unchanged:
        _require_unchanged(document, path)
    return signature


def _require_unchanged(document: Mapping[str, Any], path: Path) -> None:
    """Refuse a file that was edited after the program wrote it; files of format 1 have no hash."""
    if document["format"] == f"radstudy signature {READABLE[0]}":
        return
    stated, own = stated_hash(document)
    if stated != own:
        raise RefusedError(
            f"{path} was changed after radstudy wrote it: its content has the hash {own}, and the file states "
            f"{stated}. To do: copy it again from the folder of the run that wrote it"
        )


def _distribution(item: Mapping[str, Any] | None) -> TrainingDistribution | None:
    return None if item is None else TrainingDistribution.read(item)


def _term(item: Mapping[str, Any]) -> Term:
    imputation = None if item["imputation"] is None else float(item["imputation"])
    low, high = item["training_range"]
    centre, scale, coefficient = (float(item[name]) for name in ("centre", "scale", "coefficient"))
    if not np.isfinite([centre, scale, coefficient]).all() or scale <= 0:
        raise ValueError(f"term {item['name']} has no finite centre, scale and coefficient")
    return Term(str(item["name"]), imputation, centre, scale, coefficient, (float(low), float(high)))
