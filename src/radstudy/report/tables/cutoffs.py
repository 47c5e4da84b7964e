"""Performance at several cut-offs, on out-of-fold probabilities."""

from __future__ import annotations

from typing import Any

import pandas as pd

from radstudy.report.display import NOTHING, number, plural_span
from radstudy.report.facts import RunFacts
from radstudy.report.out_of_fold import FILE, SUMMARY, CutoffCounts, counts_at, net_benefit_at, out_of_fold
from radstudy.report.part import report_part
from radstudy.report.resampled import resampled
from radstudy.report.tables.structure import Cell, Row, Table, numbers

TENTHS = tuple(tenth / 10 for tenth in range(1, 10))
EXPLORATORY = "Exploratory: not part of the study's results, which use the cut-off from the training set."


@report_part("cutoffs", reads=(FILE, SUMMARY, "cohort/rows.csv"), rows_independent=False)
def cutoffs(facts: RunFacts) -> Table:
    """Sensitivity, specificity, predictive values, accuracy and net benefit at cut-offs from 0.1 to 0.9."""
    frame, name = out_of_fold(facts), facts.explained_model
    counted = [(cutoff, counts_at(frame, name, cutoff)) for cutoff in TENTHS]
    records = [_record(cutoff, counts) for cutoff, counts in counted]
    rows: list[Row] = [
        [Cell(f"{cutoff:.1f}", kind="number"), *numbers([*_shares(counts), number(net_benefit_at(counts, cutoff), 3)])]
        for cutoff, counts in counted
    ]
    names = ["Cut-off", "Sensitivity", "Specificity", "PPV", "NPV", "Accuracy", "Net benefit"]
    return Table([numbers(names)], rows, pd.DataFrame(records), _notes(facts, name))


def measures(counts: CutoffCounts) -> dict[str, tuple[Any, Any]]:
    """Measure to its numerator and denominator."""
    tp, fp, tn, fn = counts.tp, counts.fp, counts.tn, counts.fn
    return {"sensitivity": (tp, tp + fn), "specificity": (tn, tn + fp), "ppv": (tp, tp + fp), "npv": (tn, tn + fn),
            "accuracy": (tp + tn, tp + fp + tn + fn)}  # fmt: skip


def _shares(counts: CutoffCounts) -> list[str]:
    return [
        f"{number(part / whole)} ({part} of {whole})" if whole else f"{NOTHING} ({part} of {whole})"
        for part, whole in measures(counts).values()
    ]


def _record(cutoff: float, counts: CutoffCounts) -> dict[str, Any]:
    shares = {name: float(part / whole) if whole else None for name, (part, whole) in measures(counts).items()}
    return {"cutoff": cutoff, "tp": int(counts.tp), "fp": int(counts.fp), "tn": int(counts.tn), "fn": int(counts.fn),
            **shares, "net_benefit": float(net_benefit_at(counts, cutoff))}  # fmt: skip


def _notes(facts: RunFacts, name: str) -> list[str]:
    summary = resampled(facts)
    own = summary[summary["model"] == name]
    repeats = plural_span(own["repeats"], "repeat") if len(own) else "the repeats"
    return [
        f"{EXPLORATORY} Model {name}, all {facts.case_word}; positive if the probability is at least the cut-off. The "
        f"probability of each is the median over {repeats} of nested cross-validation, each predicted by a pipeline "
        "that was selected and fitted without that patient.",
    ]
