"""Parts of a signature that describe the study: acquisition, cohort, population and performance, as plain JSON."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from radstudy.artefacts.records.acquisition import Acquisition
from radstudy.protocol.sections import ClinicalVariable
from radstudy.store import content_hash

_PLACE = ("patient", "sequence")
Rows = Iterable[Mapping[str, Any]]


def acquisition_facts(images: Rows, sequences: Sequence[str], patients: set[str]) -> dict[str, Any]:
    """Summarise the acquisition of the training images: ranges of numbers, and all values of texts.

    Parameters
    ----------
    images : rows of report/acquisition.csv.
    sequences : that the signature needs.
    patients : of the training set.
    """
    facts: dict[str, Any] = {}
    for sequence in sequences:
        mine = [row for row in images if row["sequence"] == sequence and str(row["patient"]) in patients]
        if not mine:
            continue
        columns = {name: [row[name] for row in mine if row[name] not in (None, "")] for name in _NAMES}
        known = {name: values for name, values in columns.items() if values}
        facts[sequence] = {
            "images": len(mine),
            "ranges": {
                name: {"count": len(values), "low": float(min(values)), "high": float(max(values))}
                for name, values in known.items() if not isinstance(values[0], str)
            },
            "values": {name: sorted(set(values)) for name, values in known.items() if isinstance(values[0], str)},
        }  # fmt: skip
    return facts


_NAMES = tuple(name for name in Acquisition.__dataclass_fields__ if name not in _PLACE)


def cohort_facts(rows: pd.DataFrame, clinical: Mapping[str, ClinicalVariable]) -> dict[str, Any]:
    """Describe the cohort: sizes of the sets, the training patients' clinical variables, and a hash of its rows.

    Parameters
    ----------
    rows : cohort/rows.csv, indexed (patient, lesion).
    clinical : the study's codebook.
    """
    sets = {which: rows[rows["set"] == which] for which in ("training", "testing")}
    training = sets["training"]
    return {
        **{which: _sizes(part) for which, part in sets.items()},
        "clinical": {
            name: _summary(training[name], variable) for name, variable in clinical.items() if name in training.columns
        },
        "hash": content_hash(
            [[*index, str(row["set"]), int(row["outcome"])] for index, row in zip(rows.index, rows.to_dict("records"),
                                                                                  strict=True)]
        ),
    }  # fmt: skip


def _sizes(rows: pd.DataFrame) -> dict[str, int]:
    patients = rows.index.get_level_values("patient")
    return {"patients": patients.nunique(), "lesions": len(rows), "positive": int(rows["outcome"].sum())}


def _summary(values: pd.Series, variable: ClinicalVariable) -> dict[str, Any]:
    if variable.levels is not None:
        counts = values.astype(str).value_counts()
        return {"levels": {level: int(counts.get(level, 0)) for level in variable.levels}}
    known = pd.to_numeric(values, errors="coerce").dropna()
    quartiles = [float(value) for value in np.quantile(known, [0.25, 0.5, 0.75])] if len(known) else [None] * 3
    return {"known": len(known), "unit": variable.unit, **dict(zip(("q1", "median", "q3"), quartiles, strict=True))}


def population_facts(flow: Mapping[str, Any], outcome: Mapping[str, Any], study: str) -> dict[str, Any]:
    """Describe the patients that the signature is meant for: those of the study's cohort.

    Parameters
    ----------
    flow : cohort/flow.json.
    outcome : of the signature.
    study : its name.
    """
    training = flow["training"]
    return {
        "description": (
            f"Patients as in the cohort of the study '{study}', for whom {outcome['label']} is to be predicted: "
            f"{training['patients']} trained the model, {training['positive']} of them with "
            f"{outcome['label']} = {outcome['positive']}. The study states no wider use."
        ),
        "excluded": [str(item["reason"]) for item in flow["excluded"]],
    }


def performance_facts(name: str, tables: Mapping[str, pd.DataFrame]) -> dict[str, Any]:
    """Collect a model's performance from the study's tables; a part that was not computed is None.

    Parameters
    ----------
    name : the model.
    tables : ``performance`` (evaluate/table3.csv), ``calibration``, ``resampling`` and ``chance``, those that exist.
    """
    mine = {which: table[table["model"] == name] for which, table in tables.items() if "model" in table.columns}
    own = mine.get("performance", pd.DataFrame(columns=["set"]))
    calibration = mine.get("calibration", pd.DataFrame(columns=["set"]))
    nested = _first(mine.get("resampling"))
    chance = mine.get("chance")
    chance = None if chance is None else chance[chance["kind"] == "outcome"]
    return {
        "training": _first(own[own["set"] == "training"]),
        "testing": _first(own[own["set"] == "testing"]),
        "nested": None if nested is None else {key: nested[key] for key in _NESTED if key in nested} or None,
        "chance": None if chance is None or chance.empty else {
            str(row["measure"]): {key: value for key, value in _known(row).items() if key in _CHANCE}
            for row in chance.to_dict("records") if row.get("measure")
        },
        "calibration": _first(calibration[calibration["set"] == "testing"]),
    }  # fmt: skip


_NESTED = ("nested_auc", "nested_low", "nested_high", "repeats", "folds")
_CHANCE = ("permutations", "observed", "p_value", "chance_median", "chance_low", "chance_high")


def _first(rows: pd.DataFrame | None) -> dict[str, Any] | None:
    if rows is None or rows.empty:
        return None
    return {key: value for key, value in _known(rows.iloc[0].to_dict()).items() if key not in ("model", "set")} or None


def _known(row: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the cells that have a value."""
    return {
        str(key): value
        for key, value in row.items()
        if value is not None and value != "" and not (isinstance(value, float) and math.isnan(value))
    }
