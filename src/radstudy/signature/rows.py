"""Predictions for many patients whose features are known: probabilities, and the applicability of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from radstudy.cohort.codebook import design_columns
from radstudy.errors import RefusedError
from radstudy.protocol.sections import ClinicalVariable
from radstudy.signature.applicability import (
    NOT_CHECKED,
    Seen,
    UnlikeTraining,
    check_acquisition,
    check_images,
    check_joint,
    check_terms,
    not_checked,
)
from radstudy.signature.document import Signature
from radstudy.table import CLINICAL, SEPARATOR, FeatureTable, variable_of

_SHOWN = 8
Row = tuple[str, str]


@dataclass(frozen=True, eq=False)
class PredictedRows:
    """Predictions for the rows of a cohort.

    Parameters
    ----------
    rows : indexed (patient, lesion): ``log_odds``, ``probability``, ``inside`` (no finding refuses), ``imputed``
        (number of values replaced by the training median).
    design : the same rows, by the formula's terms, without imputation.
    findings : row to its differences from the training patients.
    missing : row to the reason why nothing can be predicted for it.
    not_checked : what the signature has no data to compare with.
    """

    rows: pd.DataFrame
    design: pd.DataFrame
    findings: Mapping[Row, tuple[UnlikeTraining, ...]]
    missing: Mapping[Row, str]
    not_checked: tuple[UnlikeTraining, ...]


def design_of_signature(
    signature: Signature, rows: pd.DataFrame, features: FeatureTable | None, reader: str
) -> pd.DataFrame:
    """Return the columns of a formula for the rows of a cohort; NaN where a row has no value.

    Parameters
    ----------
    signature : the model.
    rows : of the cohort, indexed (patient, lesion), with the clinical variables coded by the signature's codebook.
    features : of all readers; None if the model uses no image.
    reader : the one whose features to use.

    Raises
    ------
    RefusedError : features that the model uses are not in the table.
    """
    codebook = {name: ClinicalVariable.model_validate(dict(item)) for name, item in signature.clinical.items()}
    parts = [design_columns(codebook, rows)]
    tables = {} if features is None else {name: features.of(name, reader) for name in signature.sequences}
    for sequence, part in tables.items():
        part.columns = pd.Index([f"{sequence}{SEPARATOR}{name}" for name in part.columns])
        parts.append(part.reindex(rows.index))
    table = pd.concat(parts, axis=1)
    names = [term.name for term in signature.form.terms]
    if lacking := [name for name in names if name not in table.columns]:
        more = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
        raise RefusedError(
            f"the model '{signature.model}' cannot be applied: {len(lacking)} of its {len(names)} features are not in "
            f"the table: {', '.join(lacking[:_SHOWN])}{more}. To do: give the columns the names that the signature has"
        )
    return table[names]


def predict_rows(
    signature: Signature, design: pd.DataFrame, seen: Mapping[Row, Mapping[str, Seen]] | None = None
) -> PredictedRows:
    """Predict for every row that has all values, and compare each with the training patients.

    Parameters
    ----------
    signature : the model.
    design : as `design_of_signature` returns it.
    seen : row to the facts of its images; None without images.
    """
    terms = signature.form.terms
    filled = design.copy()
    for term in terms:
        if term.imputation is not None:
            filled[term.name] = filled[term.name].fillna(term.imputation)
    missing = {row: why for row in design.index if (why := _why_not(signature, design.loc[row], filled.loc[row]))}
    kept = [row for row in design.index if row not in missing]
    own, used = design.loc[kept], filled.loc[kept]
    findings = {row: _unlike(signature, own.loc[row], used.loc[row], (seen or {}).get(row, {})) for row in kept}
    with np.errstate(over="ignore"):  # for log-odds below -709 the probability is 0
        probability = signature.form.probability(own)
    rows = pd.DataFrame(
        {
            "log_odds": signature.form.log_odds(own),
            "probability": probability,
            "inside": [not any(one.refuses for one in findings[row]) for row in kept],
            "imputed": own.isna().sum(axis=1).to_numpy(dtype=int),
        },
        index=own.index,
    )
    lacking = not_checked(signature.distribution, signature.sequences if seen is not None else ())
    return PredictedRows(rows, own, findings, missing, tuple(lacking))


def _why_not(signature: Signature, own: pd.Series[Any], filled: pd.Series[Any]) -> str:
    """Return the reason why a row cannot be predicted, or ""."""
    reasons = []
    for sequence in signature.sequences:
        names = [name for name in own.index if str(name).startswith(f"{sequence}{SEPARATOR}")]
        if names and own[names].isna().all():
            reasons.append(f"no feature of {sequence}")
            filled = filled.drop(names)
    gaps = [str(name) for name in filled.index[filled.isna()]]
    clinical = dict.fromkeys(variable_of(name) for name in gaps if name.startswith(CLINICAL))
    reasons += [f"{name} is missing" for name in clinical]
    reasons += [f"{name} has no value" for name in gaps if not name.startswith(CLINICAL)]
    return "; ".join(reasons)


def _unlike(
    signature: Signature, own: pd.Series[Any], used: pd.Series[Any], seen: Mapping[str, Seen]
) -> tuple[UnlikeTraining, ...]:
    """Return all ways in which a row differs from the training patients."""
    values = {str(name): float(value) for name, value in own.items()}
    joint = None if signature.distribution is None else signature.distribution.joint
    return (
        *check_images(seen, signature.distribution, compared=False),
        *(one for one in check_acquisition(seen, signature.about.get("acquisition")) if one.kind != NOT_CHECKED),
        *check_terms(signature.form.terms, values, signature.distribution),
        *check_joint(joint, {str(name): float(value) for name, value in used.items()}),
    )
