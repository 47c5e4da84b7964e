"""Change of a fixed model's predictions on another reader's masks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from radstudy.modelling.assessment.performance import Scored
from radstudy.modelling.lesions import joined, lesions_note
from radstudy.protocol.sections import Interval
from radstudy.statistics import auc_ci, bland_altman, proportion

SETS = ("training", "testing", "all")


def moved_row(first: Scored, other: Scored, reader: str, cutoff: float, section: Interval) -> dict[str, Any]:
    """Compute the change of a model's probabilities from the first reader's masks to another reader's.

    Parameters
    ----------
    first, other : the same patients, with the first reader's and with the other reader's features.
    reader : the other reader.
    cutoff : of the model, as fixed on the training set.
    section : methods and level of the intervals (Newcombe's instead of a bootstrap).

    Returns
    -------
    A row of evaluate/other_reader/moved.csv. AUCs on these patients; mean absolute difference of the probabilities;
    bias (first minus other) and limits of agreement; number of patients who cross the cut-off.
    """
    record: dict[str, Any] = {**first.place, "reader": reader, "rows": len(first.y), "positives": int(first.y.sum())}
    notes: list[str] = []
    if first.has_both_classes:
        method = section.auc if section.auc not in ("bootstrap", "bca") else "newcombe"
        for name, scored in (("first", first), ("other", other)):
            area = auc_ci(scored.y, scored.probability, method=method, level=section.level)
            notes.append(area.note)
            record |= {f"auc_{name}": area.auc, f"auc_{name}_low": area.ci[0], f"auc_{name}_high": area.ci[1]}
    else:
        notes.append("one class only: no AUC")
    agreed = bland_altman(first.probability, other.probability, level=section.level)
    notes += [agreed.note, lesions_note(first.patients)]
    record |= {
        "mean_absolute_difference": float(np.abs(first.probability - other.probability).mean()),
        "bias": agreed.bias, "bias_low": agreed.bias_ci[0], "bias_high": agreed.bias_ci[1], "sd": agreed.sd,
        "lower": agreed.lower, "lower_low": agreed.lower_ci[0], "lower_high": agreed.lower_ci[1],
        "upper": agreed.upper, "upper_low": agreed.upper_ci[0], "upper_high": agreed.upper_ci[1],
    }  # fmt: skip
    changed = int(((first.probability >= cutoff) != (other.probability >= cutoff)).sum())
    share = proportion(changed, len(first.y), level=section.level, method=section.proportion)
    record |= {"changed": changed, "changed_share": share.value, "changed_low": share.ci[0],
               "changed_high": share.ci[1]}  # fmt: skip
    return {**record, "note": joined(*notes)}


def in_set(model: str, which: str, probability: pd.Series, rows: pd.DataFrame) -> Scored:
    """Return the probabilities of one set, or of all rows.

    Parameters
    ----------
    model, which : the model, and "training", "testing" or "all".
    probability : by (patient, lesion).
    rows : of the cohort, with ``outcome`` and ``set``.
    """
    chosen = rows.loc[probability.index]
    part = probability if which == "all" else probability[(chosen["set"] == which).to_numpy()]
    patients = part.index.get_level_values("patient").to_numpy(dtype=object)
    outcome = rows.loc[part.index, "outcome"].to_numpy(dtype=np.int64)
    return Scored(model, which, outcome, part.to_numpy(dtype=float), patients)
