"""Predictions for many patients, one per row of a table of features, or of image and mask files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from radstudy.errors import CaseError, CohortError, RadstudyError, RefusedError
from radstudy.signature.applicability import UnlikeTrainingError
from radstudy.signature.document import Signature
from radstudy.signature.patient import tissue_of
from radstudy.signature.predict import Prediction, predict_features, predict_patient, refused
from radstudy.store import read_csv
from radstudy.table import CLINICAL, SEPARATOR

PATIENT = "patient"
_FILES = ("image", "mask", "reference")  # image:DWI and so on
_NONE = ("", "NA", "NaN", "nan")


@dataclass(frozen=True)
class PatientOutcome:
    """One row of the table with its prediction.

    Parameters
    ----------
    patient : as in the table.
    prediction : None if there is none.
    error : reason why there is none.
    """

    patient: str
    prediction: Prediction | None
    error: RadstudyError | None = None

    @property
    def refused(self) -> bool:
        """True if the model does not apply to this patient, or an argument does not fit."""
        return isinstance(self.error, RefusedError)

    def as_row(self) -> dict[str, Any]:
        """Return the row of the resulting table."""
        prediction = self.prediction
        interval = None if prediction is None else prediction.interval
        reasons = [] if prediction is None else [finding.message for finding in prediction.findings]
        return {
            PATIENT: self.patient,
            "probability": None if prediction is None else prediction.probability,
            "low": interval and interval.low,
            "high": interval and interval.high,
            "positive": None if prediction is None else prediction.positive,
            "refused": self.refused,
            "outside_range": prediction is not None and any(finding.refuses for finding in prediction.findings),
            "reasons": "; ".join(reasons) if self.error is None else " ".join(str(self.error).split()),
        }

    def as_dict(self, signature: Signature) -> dict[str, Any]:
        """Return the prediction as plain JSON, for machines."""
        if self.prediction is not None:
            return {PATIENT: self.patient, **self.prediction.as_dict()}
        findings = self.error.findings if isinstance(self.error, UnlikeTrainingError) else ()
        return {
            PATIENT: self.patient,
            **refused(signature, findings),
            "refused": self.refused,
            "error": str(self.error),
        }


def predict_table(signature: Signature, table: Path, *, outside_range: bool = False) -> Iterator[PatientOutcome]:
    """Predict each row of a table; a row that cannot be predicted has its reason, and the others go on.

    Parameters
    ----------
    signature : the model.
    table : CSV with the column ``patient``, a column for each clinical variable, and either the features by their names
        in the formula (``DWI:original_firstorder_Mean``) or the files (``image:DWI``, ``mask:DWI``), whose paths start
        from the table's folder. An empty cell is a missing value.
    outside_range : as in `predict_patient`.

    Raises
    ------
    RefusedError : the table lacks columns; the message lists all of them.
    CaseError : it cannot be read.
    """
    rows = _read(table)
    _require_columns(signature, [str(name) for name in rows.columns], table)
    for row in rows.to_dict("records"):
        cells = {str(name): str(value).strip() for name, value in row.items()}
        yield _of_row(signature, cells, table.parent, outside_range=outside_range)


def unused_columns(signature: Signature, table: Path) -> list[str]:
    """List columns of the table that no prediction uses."""
    refits = signature.refits
    variables = {*signature.clinical, *(refits.clinical if refits is not None else ())}
    sequences = {*signature.sequences, *(refits.sequences if refits is not None else ())}
    names = {PATIENT, *variables, *(f"{CLINICAL}{name}" for name in variables)}
    names |= {f"{kind}{SEPARATOR}{name}" for kind in _FILES for name in sequences}
    names |= {term.name for term in signature.form.terms} | {*(refits.names if refits is not None else ())}
    return [str(name) for name in _read(table, rows=0).columns if str(name) not in names]


def _read(table: Path, rows: int | None = None) -> pd.DataFrame:
    try:
        return read_csv(table, dtype=str, keep_default_na=False, nrows=rows)
    except (OSError, ValueError) as error:  # pandas' parser errors are ValueErrors
        raise CaseError(f"cannot be read as a table: {error}", "give a CSV file in UTF-8", file=table) from None


def _require_columns(signature: Signature, columns: list[str], table: Path) -> None:
    needed = [PATIENT]
    if _has_files(columns):
        kinds = _FILES if tissue_of(signature) is not None else _FILES[:2]
        needed += [f"{kind}{SEPARATOR}{name}" for name in signature.sequences for kind in kinds]
    else:
        needed += [term.name for term in signature.form.terms if not term.name.startswith(CLINICAL)]
    missing = [name for name in needed if name not in columns]
    missing += [name for name in signature.clinical if not {name, f"{CLINICAL}{name}"} & {*columns}]
    if missing:
        raise RefusedError(
            f"{table} has no column {', '.join(missing)}. To do: one row per patient with 'patient', the clinical "
            "variables, and either the features by their names in the formula, or image:SEQUENCE and mask:SEQUENCE"
        )


def _has_files(columns: Iterable[str]) -> bool:
    return any(name.startswith(f"image{SEPARATOR}") for name in columns)


def _of_row(signature: Signature, cells: Mapping[str, str], folder: Path, *, outside_range: bool) -> PatientOutcome:
    patient = cells[PATIENT]
    refits = signature.refits.clinical if signature.refits is not None else {}
    clinical = {
        name: value
        for name in dict.fromkeys((*signature.clinical, *refits))
        if (value := cells.get(name, cells.get(f"{CLINICAL}{name}", ""))) not in _NONE
    }
    try:
        if _has_files(cells):
            files = {kind: _files(cells, kind, folder) for kind in _FILES}
            prediction = predict_patient(
                signature, images=files["image"], masks=files["mask"], references=files["reference"], clinical=clinical,
                outside_range=outside_range,
            )  # fmt: skip
        else:
            features = {name: _number(value, name) for name, value in cells.items() if _is_feature(signature, name)}
            prediction = predict_features(signature, features=features, clinical=clinical, outside_range=outside_range)
    except (RefusedError, CaseError, CohortError) as error:
        return PatientOutcome(patient, None, error)
    return PatientOutcome(patient, prediction)


def _files(cells: Mapping[str, str], kind: str, folder: Path) -> dict[str, Path]:
    begin = f"{kind}{SEPARATOR}"
    return {name.removeprefix(begin): folder / text for name, text in cells.items() if name.startswith(begin) and text}


def _is_feature(signature: Signature, name: str) -> bool:
    used = {term.name for term in signature.form.terms}
    return not name.startswith(CLINICAL) and (
        name in used or (signature.refits is not None and name in signature.refits.names)
    )


def _number(text: str, name: str) -> float:
    if text in _NONE:
        return float("nan")
    try:
        value = float("inf" if "_" in text else text)
    except ValueError:
        value = float("inf")
    if not np.isfinite(value):
        raise RefusedError(f"{name}={text}: this is not a number; write for example 54 or 54.5")
    return value
