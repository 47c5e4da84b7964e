"""The performance of the models, the counts behind it, and the comparison of every pair of models."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pandas as pd

from radstudy.modelling.assessment.measures import AUC, COUNTS, shown_in
from radstudy.modelling.lesions import without_lesions_note
from radstudy.report.baselines import BASELINES, baseline_note, baselines
from radstudy.report.chance import (
    CHANCE_BASELINES,
    CHANCE_FILE,
    INCREMENTAL,
    ChanceOfModel,
    chance_notes,
    chance_of,
    empty_note,
    family,
    has_kind,
)
from radstudy.report.display import NOTHING, interval, number, p_text, significant, whole
from radstudy.report.facts import TESTING, TRAINING, AbsentError, RunFacts
from radstudy.report.part import report_part
from radstudy.report.tables.measured import measure_cell
from radstudy.report.tables.noted import quoted_note
from radstudy.report.tables.structure import Cell, Footnotes, Row, Table, by_set, numbers, words
from radstudy.statistics.incremental import NESTED_WARNING

# the name of the set in a row, and below it a caveat on its values
SET_NAMES = {TRAINING: ("training", "apparent, selection ignored"), TESTING: ("testing", "")}
_FORMER_WARNING = "nested models: DeLong's test of the patients they were fitted on is not valid"  # of earlier runs
_RADIOMICS = "below p, all models, and corrected over the models of both"
_SHOWN, _WITH_COUNTS = shown_in("performance"), shown_in("performance_counts")


@report_part(
    "performance",
    reads=("evaluate/table3.csv", "model/models.json", BASELINES, CHANCE_FILE, CHANCE_BASELINES),
    rows_independent=True,
)
def performance(facts: RunFacts) -> Table:
    """AUC, the AUC reached by chance, and the measures at the cut-off, by model and set."""
    frame = _table3(facts)
    columns = _Columns(facts)
    names = ["Model", "Set", "n (positive)", AUC.heading, *columns.names, *(measure.heading for measure in _SHOWN),
             "Cut-off"]  # fmt: skip
    header = [[
        replace(cell, below=columns.below.get(cell.text, ""))
        for cell in (*words(names[:2]), *numbers(names[2:]))
    ]]  # fmt: skip
    marks = Footnotes()
    rows = _by_model(facts, frame, columns, marks, len(names))
    below = baselines(facts)
    rows += _baseline_rows(below, columns, marks, len(names))
    settings = facts.protocol.evaluate.interval
    notes = [
        *marks.lines(),
        f"Cut-off: {cutoff_rule(facts)}{applied(facts)}; a patient at or above it is classified as "
        "positive. Counts in brackets.",
        f"Below each value: its {facts.level} confidence interval, by {INTERVALS[settings.auc]} for the AUC and by the "
        f"{settings.proportion.title()} method for proportions.",
        "Training values are apparent: features, model and cut-off were all determined on the same patients, and the "
        "intervals ignore that selection. They show how well the model fits, not how well it predicts.",
        *filter(None, [*chance_notes(facts, radiomics=_RADIOMICS), empty_note(facts)]),
        *([baseline_note(below)] if len(below) else []),
    ]
    whole = pd.concat([frame.assign(kind="model"), below], ignore_index=True) if len(below) else frame
    return Table(header, rows, whole, notes)


class _Columns:
    """The columns on chance that the run has.

    Attributes
    ----------
    names : names of the columns.
    below : name to the text below it.
    """

    below: Mapping[str, str] = MappingProxyType({"Chance": "p one-sided", "p, all models": "one-sided"})

    def __init__(self, facts: RunFacts) -> None:
        self._facts = facts
        further = bool(family(facts)) or has_kind(facts, INCREMENTAL)
        self.names = ["Chance", *(["p, all models"] if further else [])]

    def cells(self, model: str, which: str, kind: str) -> list[Cell]:
        """The cells of a model's row."""
        outcome = chance_of(self._facts, model, which)
        cells = [_chance(outcome, kind)]
        if len(self.names) > 1:
            added = chance_of(self._facts, model, which, INCREMENTAL)
            below = _radiomics(added) if added else ""
            cells.append(Cell(p_text(outcome.p_max_t if outcome else None), below=below, kind=kind))
        return cells


def _radiomics(added: ChanceOfModel) -> str:
    """The p-value of permuted radiomics features, corrected as the column's own is; an older run has none."""
    if added.p_max_t is None:
        return f"radiomics, not corrected {p_text(added.p_value)}"
    return f"radiomics {p_text(added.p_max_t)}"


def _baseline_rows(frame: pd.DataFrame, columns: _Columns, marks: Footnotes, width: int) -> list[list[Cell]]:
    """The baselines, under a separate heading below the study's models."""
    if not len(frame):
        return []
    head = [Cell("Baselines, without radiomics or without images; not in any comparison", span=width, kind="group")]
    return [head, *(_row(row, columns, marks, empty=False) for _, row in frame.iterrows())]


INTERVALS = {
    "delong": "DeLong's method",
    "logit-delong": "DeLong's method on the logit scale",
    "newcombe": "Newcombe's method 5",
    "hanley-mcneil": "Hanley and McNeil's method",
    "bootstrap": "stratified bootstrap",
    "bca": "stratified bootstrap, bias-corrected and accelerated",
}


def cutoff_rule(facts: RunFacts) -> str:
    """The rule of the cut-off, in words."""
    section = facts.protocol.evaluate.cutoff
    if section.rule == "youden":
        return "the probability with the largest Youden index in the training set (if tied, the lowest)"
    if section.rule == "cost":
        return (
            "the probability with the lowest cost in the training set, if a false negative costs "
            f"{section.cost_ratio:g} times as much as a false positive"
        )
    which = "highest" if section.rule == "sensitivity" else "lowest"
    bound = f"a {section.rule} of at least {100 * (section.target or 0):g}%"
    return f"the {which} probability with {bound} in the training set"


def applied(facts: RunFacts) -> str:
    """The words on the use of the cut-off in testing; "" if no model could be tested."""
    frame = facts.frames.get("evaluate/table3.csv")
    if frame is None or not {"set", "cutoff"} <= set(frame.columns):
        return ""
    tested = frame.loc[frame["set"] == TESTING, "cutoff"].notna().any()
    return ", applied unchanged to the testing set" if tested else ""


@report_part("performance_counts", reads=("evaluate/table3.csv",), rows_independent=True)
def counts(facts: RunFacts) -> Table:
    """The counts behind the performance, with predictive values."""
    frame = _table3(facts)
    names = ["Model", *(count.upper() for count in COUNTS), *(measure.heading for measure in _WITH_COUNTS)]
    marks = Footnotes()

    def row(record: Any) -> Row:
        four = [_whole(record.get(name)) for name in COUNTS]
        measured = (measure_cell(record, measure, marks) for measure in _WITH_COUNTS)
        return [Cell(record["model"], kind="level name"), *numbers(four), *measured]

    rows = by_set(frame, len(names), row)
    notes = [
        *marks.lines(),
        "TP, FP, TN, FN: true and false positives and negatives at the training cut-off. Predictive values apply "
        "only at this cohort's proportion of positives.",
    ]
    return Table([[*words(names[:1]), *numbers(names[1:])]], rows, frame, notes)


def _table3(facts: RunFacts) -> pd.DataFrame:
    frame = facts.frame("evaluate/table3.csv")
    if not len(frame):
        raise AbsentError("No model could be fitted, so there is no performance to report.")
    return frame


def _by_model(
    facts: RunFacts, frame: pd.DataFrame, columns: _Columns, marks: Footnotes, width: int
) -> list[list[Cell]]:  # fmt: skip
    records = facts.document("model/models.json")
    rows: list[list[Cell]] = []
    for name in facts.models:
        model = records.get(name, {})
        if not model.get("fitted"):
            rows.append([Cell(name), Cell(model.get("note") or "not fitted", span=width - 1, kind="quiet")])
            continue
        for _, row in frame[frame["model"] == name].iterrows():
            rows.append(_row(row, columns, marks, empty=bool(model.get("empty"))))
    return rows


def _row(row: Any, columns: _Columns, marks: Footnotes, *, empty: bool) -> list[Cell]:
    quiet = " quiet" if row["set"] == TRAINING else ""
    head = [
        Cell(row["model"] if row["set"] == TRAINING else "", kind="group name"),
        _set(row["set"], f"name{quiet}"),
        Cell(f"{whole(row['rows'])} ({whole(row['positives'])})", kind=f"number{quiet}"),
    ]
    note, width = quoted_note(row.get("note")), len(columns.names) + len(_SHOWN) + 2
    if empty:
        text = "no feature survived; intercept only, AUC 0.5"
        return [*head, Cell(text, span=width, kind=f"note{quiet}")]
    if pd.isna(row.get("auc")):
        return [*head, Cell(note, span=width, kind=f"note{quiet}")]
    limits = f"{number(row['auc_low'])} to {number(row['auc_high'])}"
    mark = marks.mark(note) if note else ""
    return [
        *head,
        Cell(number(row["auc"]), below=limits, mark=mark, kind=f"number{quiet or ' strong'}"),
        *columns.cells(row["model"], row["set"], f"number{quiet}"),
        *(measure_cell(row, measure, marks, f"number{quiet}") for measure in _SHOWN),
        Cell(significant(row["cutoff"], 3), kind=f"number{quiet}"),
    ]


def _chance(chance: ChanceOfModel | None, kind: str) -> Cell:
    """A cell such as 0.51, p 0.012, with 0.29 to 0.72 below."""
    if chance is None:
        return Cell(NOTHING, kind=kind)
    text = f"{number(chance.median)}, p {p_text(chance.p_value)}"
    below = "" if pd.isna(chance.low) else f"{number(chance.low)} to {number(chance.high)}"
    return Cell(text, below=below, kind=kind)


def _set(which: str, kind: str) -> Cell:
    text, below = SET_NAMES[which]
    return Cell(text, below=below, kind=kind)


def _whole(value: Any) -> str:
    return whole(value)


@report_part("delong_testing", reads=("evaluate/delong.csv",), rows_independent=True)
def comparisons(facts: RunFacts) -> Table:
    """DeLong's test of every pair, testing set."""
    return _pairs(facts, TESTING)


@report_part("delong_training", reads=("evaluate/delong.csv",), rows_independent=True)
def comparisons_training(facts: RunFacts) -> Table:
    """DeLong's test of every pair, training set: descriptive."""
    return _pairs(facts, TRAINING)


def _pair_note(note: object) -> str:
    """The note in a pair's row, without the parts that the footnotes already state for many pairs."""
    return "; ".join(
        part for part in without_lesions_note(note).split("; ") if part not in f"{NESTED_WARNING}; {_FORMER_WARNING}"
    )


_TESTS = ("low", "high", "z", "p_value", "p_adjusted", "auc_low", "auc_high", "auc_p_value")


def valid_tests(frame: pd.DataFrame) -> pd.DataFrame:
    """The pairs, without DeLong's test for nested models on their training patients; older runs have it."""
    if not len(frame) or "nested" not in frame:
        return frame
    frame, invalid = frame.copy(), (frame["set"] == TRAINING) & frame["nested"].eq(True)
    frame.loc[invalid, [name for name in _TESTS if name in frame]] = float("nan")
    return frame


def _pairs(facts: RunFacts, which: str) -> Table:
    frame = valid_tests(facts.frame("evaluate/delong.csv"))
    part = frame[frame["set"] == which]
    if not len(part):
        raise AbsentError("Fewer than two models could be fitted, so there is nothing to compare.")
    names = ["Model 1", "Model 2", "n", "AUC difference (CI)", "z", "p-value", "p, Holm", "Nested", "Note"]
    header = [[*words(names[:2]), *numbers(names[2:7]), *words(names[7:])]]
    rows = []
    for _, row in part.iterrows():
        strong = " strong" if row["p_adjusted"] < 0.05 else ""
        rows.append([
            Cell(row["model_a"], kind="name"), Cell(row["model_b"], kind="name"), *numbers([
                whole(row["rows"]), interval(row["difference"], row["low"], row["high"]), number(row["z"], 2),
                p_text(row["p_value"])]),
            Cell(p_text(row["p_adjusted"]), kind=f"number{strong}"), Cell("yes" if row["nested"] else ""),
            Cell(_pair_note(row["note"])),
        ])  # fmt: skip
    notes = [
        "Difference: AUC of model 1 minus AUC of model 2, on the rows that both can use. Holm: adjusted over all "
        "tested pairs of this set. Nested: one model is built from the other, so the two are not independent of each "
        "other.",
    ]
    if which == TRAINING:
        notes.append(
            "Descriptive only: the models were selected and fitted on these same patients. Nested pairs have no test "
            "here: DeLong's test is not valid on the patients on whom nested models were fitted."
        )
    return Table(header, rows, part, notes)
