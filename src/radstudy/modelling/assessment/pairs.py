"""Comparison of models on the same patients: DeLong's test, McNemar's test, and the incremental value."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from radstudy.modelling.lesions import joined, lesions_note
from radstudy.statistics import delong_test, holm, incremental_value, mcnemar
from radstudy.statistics.incremental import NESTED_WARNING

_ONE_CLASS = "the patients with predictions of both models are of one class"
_NO_ROW = "no patient has predictions of both models"


def shared_rows(a: pd.DataFrame, b: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows that both models have; a and b: indexed (patient, lesion), ``outcome`` and ``probability``."""
    shared = a.index.intersection(b.index)
    return a.loc[shared], b.loc[shared]


def _several(shared: pd.DataFrame) -> str:
    """Return the note on rows that are several lesions of one patient."""
    return lesions_note(shared.index.get_level_values("patient"))


def delong_row(
    a: pd.DataFrame, b: pd.DataFrame, *, nested: bool, level: float, fitted_here: bool = False
) -> dict[str, Any]:
    """Compute DeLong's test of a minus b: a row of evaluate/delong.csv.

    Parameters
    ----------
    a, b : indexed (patient, lesion), ``outcome`` and ``probability``.
    nested : whether one model is built from the other.
    level : of the interval.
    fitted_here : whether the models were fitted on these rows; the test of nested ones is then not valid, and there is
        no interval and no p-value (Demler OV et al., Stat Med 2012;31:2577, doi 10.1002/sim.5328).
    """
    a, b = shared_rows(a, b)
    record: dict[str, Any] = {"rows": len(a), "nested": nested}
    if a["outcome"].nunique() < 2:
        return {**record, "p_value": None, "note": joined(_ONE_CLASS if len(a) else _NO_ROW, _several(a))}
    test = delong_test(a["outcome"].to_numpy(), a["probability"].to_numpy(), b["probability"].to_numpy(), level=level)
    if nested and fitted_here:
        note = joined(NESTED_WARNING, _several(a))
        return {**record, "difference": test.difference, "p_value": None, "p_adjusted": None, "note": note}
    return {
        **record, "difference": test.difference, "low": test.ci[0], "high": test.ci[1], "z": test.z,
        "p_value": test.p_value, "p_adjusted": None, "note": joined(test.note, _several(a)),
    }  # fmt: skip


def mcnemar_row(a: pd.DataFrame, b: pd.DataFrame, cutoffs: tuple[float, float]) -> dict[str, Any]:
    """Compute McNemar's exact test of correct classification at each model's cut-off: a row of evaluate/mcnemar.csv."""
    a, b = shared_rows(a, b)
    if not len(a):
        return {"rows": 0, "p_value": None, "note": _NO_ROW}
    right = [
        ((part["probability"] >= at) == (part["outcome"] == 1)).to_numpy().astype(int)
        for part, at in zip((a, b), cutoffs, strict=True)
    ]
    test = mcnemar(*right)
    return {
        "rows": len(a), "only_a": test.only_a, "only_b": test.only_b, "difference": test.difference,
        "statistic": test.statistic, "p_value": test.p_value, "p_adjusted": None,
        "note": joined(test.note, _several(a)),
    }  # fmt: skip


def incremental_row(
    base: pd.DataFrame, extended: pd.DataFrame, *, nested: bool, level: float, seed: int
) -> dict[str, Any]:
    """Compute what a model adds to one that it contains (AUC, IDI, continuous NRI): a row of evaluate/incremental.csv.

    `nested`: both were fitted on these rows; DeLong's interval and p-value are then not valid and not reported.
    """
    base, extended = shared_rows(base, extended)
    record: dict[str, Any] = {"rows": len(base), "nested": nested}
    if base["outcome"].nunique() < 2:
        return {**record, "note": joined(_ONE_CLASS if len(base) else _NO_ROW, _several(base))}
    value = incremental_value(
        base["outcome"].to_numpy(), base["probability"].to_numpy(), extended["probability"].to_numpy(), nested=nested,
        level=level, rng=np.random.default_rng(seed),
    )  # fmt: skip
    area, idi, nri = value.auc, value.idi, value.continuous_nri
    low, high, p_value = (None, None, None) if nested else (*area.ci, area.p_value)
    return {
        **record, "auc_difference": area.difference, "auc_low": low, "auc_high": high, "auc_p_value": p_value,
        "idi": idi.value, "idi_low": idi.ci[0], "idi_high": idi.ci[1], "nri": nri.value,
        "nri_low": nri.ci[0], "nri_high": nri.ci[1], "nri_events": nri.events, "nri_nonevents": nri.nonevents,
        "note": joined(value.note, _several(base)),
    }  # fmt: skip


def adjust(records: list[dict[str, Any]], method: str) -> list[dict[str, Any]]:
    """Fill in ``p_adjusted`` of the records that have a p-value; method: holm or none."""
    known = [record for record in records if record["p_value"] is not None and np.isfinite(record["p_value"])]
    if method == "holm":
        adjusted = holm(np.array([record["p_value"] for record in known]))
        for record, value in zip(known, adjusted, strict=True):
            record["p_adjusted"] = float(value)
    return records
