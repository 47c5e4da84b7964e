"""Measures of each model beyond Table 3, and the incremental value of one model over another."""

from __future__ import annotations

from typing import Any

import pandas as pd

from radstudy.modelling.assessment.measures import shown_in
from radstudy.report.display import NOTHING, interval, number, p_text, whole
from radstudy.report.facts import AbsentError, RunFacts
from radstudy.report.part import report_part
from radstudy.report.tables.measured import measure_cell, value_cell
from radstudy.report.tables.noted import quoted_note
from radstudy.report.tables.performance import valid_tests
from radstudy.report.tables.structure import Cell, Footnotes, Row, Table, by_set, numbers, words

_PAIR = ("model", "set")
_SHOWN = shown_in("performance_measures")


@report_part("performance_measures", reads=("evaluate/table3.csv", "evaluate/calibration.csv"), rows_independent=True)
def measures(facts: RunFacts) -> Table:
    """Measures beyond the table of performance, with Brier score and calibration, testing above training."""
    table, calibration = facts.frame("evaluate/table3.csv"), facts.frame("evaluate/calibration.csv")
    if not len(table):
        raise AbsentError("No model could be fitted, so there is no performance to report.")
    calibrated = calibration.rename(columns={"rows": "calibration_rows", "note": "calibration_note"})
    frame = table.merge(calibrated, on=list(_PAIR), how="left") if len(calibrated) else table
    names = ["Model", *(measure.heading for measure in _SHOWN), "Brier score", "Calibration slope",
             "Calibration intercept"]  # fmt: skip
    notes = Footnotes()
    rows = by_set(table, len(names), lambda row: _measures_row(row, _calibration_of(row, calibration), notes))
    lines = [
        *notes.lines(),
        f"Below each value: its {facts.level} confidence interval. F1 and balanced accuracy (mean of sensitivity and "
        "specificity) at the training cut-off; F1 and average precision depend on the proportion of positives. Brier "
        "score: mean squared error of the probabilities, 0 is perfect. A calibration slope of 1 and an intercept of 0 "
        "are ideal: a slope below 1 means that predictions are too extreme, an intercept above 0 that they are too "
        "low.",
        "Training values ignore that features, model and cut-off were all determined on the same patients.",
    ]
    return Table([[*words(names[:1]), *numbers(names[1:])]], rows, frame, lines)


def _calibration_of(row: Any, calibration: pd.DataFrame) -> Any:
    """The calibration of a model in a set; an empty record if it has none."""
    if not len(calibration):
        return {}
    own = calibration[(calibration["model"] == row["model"]) & (calibration["set"] == row["set"])]
    return own.iloc[0] if len(own) else {}


def _measures_row(row: Any, calibration: Any, notes: Footnotes) -> Row:
    return [
        Cell(str(row["model"]), kind="level name"),
        *(measure_cell(row, measure, notes) for measure in _SHOWN),
        Cell(number(calibration.get("brier")), kind="number"),
        value_cell(calibration, "slope", 2, notes, "note"),
        value_cell(calibration, "intercept", 2, notes, "note"),
    ]


@report_part("incremental_value", reads=("evaluate/incremental.csv",), rows_independent=True)
def incremental(facts: RunFacts) -> Table:
    """The gain of a model over the one with which it is compared."""
    frame = valid_tests(facts.frame("evaluate/incremental.csv"))
    if not len(frame):
        raise AbsentError("There is no pair of models of which one is meant to add to the other.")
    names = ["Model", "Added to", "n", "AUC difference (CI)", "p-value", "IDI (CI)", "NRI (CI)", "NRI, positives",
             "NRI, negatives"]  # fmt: skip
    notes = Footnotes()
    rows = by_set(frame, len(names), lambda row: _increment_row(row, notes))
    lines = [
        *notes.lines(),
        "Differences: the model minus the one it is added to, on the patients that both can use. AUC: DeLong's test. "
        "IDI: gain in mean probability in positives minus that in negatives. NRI (continuous): net share of patients "
        "whose probability moves in the right direction, positives and negatives added. Every model here is built from "
        "the one it is added to.",
        "Training values are descriptive: features were selected and models fitted on these same patients. DeLong's "
        "test is not valid there, so the difference has no interval and no p-value.",
    ]
    header = [[*words(names[:2]), *numbers(names[2:])]]
    return Table(header, rows, frame, lines)


def _increment_row(row: Any, notes: Footnotes) -> Row:
    note = quoted_note(row["note"])
    mark = notes.mark(note) if note else ""
    return [
        Cell(str(row["extended"]), mark=mark, kind="level name"), Cell(str(row["base"]), kind="name"),
        *numbers([
            whole(row["rows"]),
            interval(row["auc_difference"], row["auc_low"], row["auc_high"]), p_text(row["auc_p_value"]),
            interval(row["idi"], row["idi_low"], row["idi_high"]),
            interval(row["nri"], row["nri_low"], row["nri_high"], 2),
            number(row["nri_events"], 2), number(row["nri_nonevents"], 2),
        ]),
    ]  # fmt: skip


@report_part("mcnemar", reads=("evaluate/mcnemar.csv", "cohort/rows.csv"), rows_independent=True)
def mcnemar(facts: RunFacts) -> Table:
    """McNemar's test of the accuracy of every pair, at the training cut-offs."""
    frame = facts.frame("evaluate/mcnemar.csv")
    if not len(frame):
        raise AbsentError("Fewer than two models could be fitted, so there is nothing to compare.")
    names = ["Model 1", "Model 2", "n", "Only 1 right", "Only 2 right", "Difference of accuracy, %", "p-value",
             "p, adjusted"]  # fmt: skip
    notes = Footnotes()
    rows = by_set(frame, len(names), lambda row: _mcnemar_row(row, notes))
    lines = [
        *notes.lines(),
        f"McNemar's test on the {facts.case_word} that both models can use, each model at its own training cut-off. "
        f"Only 1 right: {facts.case_word} that only model 1 classifies correctly.{_adjusted(facts)}",
    ]
    return Table([[*words(names[:2]), *numbers(names[2:])]], rows, frame, lines)


def _adjusted(facts: RunFacts) -> str:
    holm = facts.protocol.evaluate.compare.adjust == "holm"
    return " Adjusted: by Holm's method, over all pairs of the set." if holm else ""


def _mcnemar_row(row: Any, notes: Footnotes) -> Row:
    note = quoted_note(row["note"])
    mark = notes.mark(note) if note else ""
    strong = " strong" if row["p_adjusted"] < 0.05 else ""
    return [
        Cell(str(row["model_a"]), mark=mark, kind="level name"), Cell(str(row["model_b"]), kind="name"),
        *numbers([*(NOTHING if pd.isna(row[name]) else whole(row[name]) for name in ("rows", "only_a", "only_b")),
                  number(100 * row["difference"], 1), p_text(row["p_value"])]),
        Cell(p_text(row["p_adjusted"]), kind=f"number{strong}"),
    ]  # fmt: skip
