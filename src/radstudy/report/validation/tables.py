"""The tables of a validation."""

from __future__ import annotations

from typing import Any

import pandas as pd

from radstudy.artefacts import validate as files
from radstudy.artefacts.declaration import STEP_FOLDERS
from radstudy.modelling.assessment.measures import MEASURES, PerformanceMeasure
from radstudy.modelling.recalibration import FORMULA, RECALIBRATIONS
from radstudy.provenance import PROVENANCE
from radstudy.report.cited import counted, quoted, tally
from radstudy.report.display import NOTHING, interval, number, percent, whole
from radstudy.report.facts import AbsentError, RunFacts
from radstudy.report.part import report_part
from radstudy.report.tables.measured import measure_cell, value_cell
from radstudy.report.tables.noted import quoted_note
from radstudy.report.tables.structure import Cell, Footnotes, Row, Table, heads, numbers, words
from radstudy.report.validation.measured import (
    ALL,
    CALIBRATION,
    CASE_MIX,
    DEVELOPMENT,
    FINDINGS,
    INSIDE,
    MISSING,
    PERFORMANCE,
    PREDICTIONS,
    SET_NAMES,
    known,
    line_of,
    of_set,
)

_AT_CUTOFF = ("sensitivity", "specificity", "accuracy", "ppv", "npv")
_MOST = 200  # rows of a table of patients in the page; the CSV file has all


@report_part(
    "validated_flow", reads=("cohort/flow.json", "cohort/rows.csv", PREDICTIONS, MISSING), rows_independent=False
)
def flow(facts: RunFacts) -> Table:
    """Patients screened, excluded and included; rows predicted, and those inside the range."""
    document, predicted = facts.document("cohort/flow.json"), facts.frame(PREDICTIONS)
    missing = facts.frame(MISSING)
    rows: list[Row] = [[Cell("Patients screened"), Cell(whole(document["screened"]), kind="number")]]
    for item in document["excluded"]:
        named = Cell(f"excluded: {quoted(item['reason'])}", kind="level")
        rows.append([named, Cell(whole(item["patients"]), kind="number")])
    rows.append([Cell("Patients included"), Cell(whole(document["kept"]), kind="number")])
    several = facts.case_word != "patients"
    if several:
        rows.append([Cell("Lesions included"), Cell(whole(document["lesions"]), kind="number")])
    word = facts.case_word.capitalize()
    if len(missing):
        rows.append([Cell("not predicted: a value or a sequence is missing", kind="level"),
                     Cell(whole(counted(missing, "patient")), kind="number")])  # fmt: skip
    rows.append([Cell(f"{word} predicted"), Cell(whole(counted(predicted, "patient")), kind="number")])
    rows.append([Cell(facts.groups[1], kind="level"), Cell(whole(tally(predicted, outcome=1)), kind="number")])
    rows.append([Cell("outside the range of the signature", kind="level"),
                 Cell(whole(tally(predicted, inside=False)), kind="number")])  # fmt: skip
    rows.append([Cell("inside it", kind="level"), Cell(whole(tally(predicted, inside=True)), kind="number")])
    frame = pd.DataFrame([{"stage": row[0].text, "count": row[1].text} for row in rows])
    return Table([heads(["", "n"])], rows, frame)


# --- development and validation ----------------------------------------------------------------------------------


@report_part(
    "validated_beside", reads=("cohort/rows.csv", DEVELOPMENT, PERFORMANCE, CALIBRATION, CASE_MIX),
    rows_independent=True,
)  # fmt: skip
def beside(facts: RunFacts) -> Table:
    """The model as developed, beside the validation: all patients, then those inside the range."""
    developed, notes = facts.document(DEVELOPMENT), Footnotes()
    sets = [which for which in (ALL, INSIDE) if known(of_set(facts, PERFORMANCE, which), "rows")]
    performance = {which: of_set(facts, PERFORMANCE, which) for which in sets}
    rows: list[Row] = [
        _line(facts.case_word.capitalize(), whole(developed["rows"]),
              [Cell(whole(row["rows"]), kind="number") for row in performance.values()]),
        _line(facts.groups[1], _share(developed["positives"], developed["rows"]),
              [Cell(_share(row["positives"], row["rows"]), kind="number") for row in performance.values()]),
    ]  # fmt: skip
    rows.append(_line("AUC", _developed(developed, "auc"),
                      [value_cell(row, "auc", 3, notes, "") for row in performance.values()]))  # fmt: skip
    mixes = [of_set(facts, CASE_MIX, which) for which in sets]
    rows.append(_line("AUC expected from the case mix", NOTHING,
                      [value_cell(mix, "expected_auc", 3, notes, "") for mix in mixes]))  # fmt: skip
    lines = [line_of(facts, FORMULA, which) for which in sets]
    for name, heading, digits in (("oe", "Observed over expected", 2), ("intercept", "Calibration in the large", 2),
                                  ("slope", "Calibration slope", 2), ("brier", "Brier score", 3),
                                  ("scaled_brier", "Scaled Brier score", 3),
                                  ("ici", "Mean distance of the curve", 3)):  # fmt: skip
        cells = [value_cell(line, name, digits, notes, "note" if name == "slope" else "") for line in lines]
        rows.append(_line(heading, _developed(developed, f"calibration_{name}"), cells))
    rows += [_line(one.heading, _developed(developed, one.name),
                   [measure_cell(row, one, notes) for row in performance.values()]) for one in _measures()]  # fmt: skip
    header = [[Cell(""), *numbers(["Development", *(f"Validation: {SET_NAMES[which]}" for which in sets)])]]
    cut = developed["cutoff"]
    at = "the rule calls no patient positive" if cut is None else f"at or above {number(cut)}"
    lines_below = [
        *notes.lines(),
        f"Below each value: its {facts.level} confidence interval. Positive: {at}, the cut-off of the signature, fixed "
        "in development. Inside the range: nothing about the patient would make the signature refuse to predict.",
        "Development: what the signature states of its training rows and its performance; – where it states nothing.",
    ]
    frame = facts.frame(PERFORMANCE).merge(
        facts.frame(CALIBRATION).rename(columns={"rows": "calibration_rows", "positives": "calibration_positives",
                                                 "note": "calibration_note", "auc": "auc_of_version"}),
        on="set", how="left",
    )  # fmt: skip
    return Table(header, rows, frame[frame["version"] == FORMULA], lines_below)


def _measures() -> list[PerformanceMeasure]:
    return [measure for measure in MEASURES if measure.name in _AT_CUTOFF]


def _line(name: str, developed: str, cells: list[Cell]) -> Row:
    return [Cell(name, kind="level"), Cell(developed, kind="number"), *cells]


def _share(part: Any, rows: Any) -> str:
    if part is None or not rows:
        return NOTHING
    return f"{whole(part)} ({percent(part, rows)}%)"


def _developed(developed: Any, measure: str) -> str:
    """The figures that a signature states of a measure, each with its source."""
    own = [item for item in developed["performance"] if item["measure"] == measure]
    told = []
    for item in own:
        value, low, high = (item[name] for name in ("value", "low", "high"))
        if measure in _AT_CUTOFF:
            value, low, high = (None if end is None else 100 * end for end in (value, low, high))
        told.append(f"{interval(value, low, high, 1 if measure in _AT_CUTOFF else 3)}, {quoted(item['source'])}")
    return "; ".join(told) or NOTHING


# --- calibration -------------------------------------------------------------------------------------------------


@report_part("validated_calibration", reads=(CALIBRATION,), rows_independent=True)
def calibration(facts: RunFacts) -> Table:
    """Calibration of the formula as published and after each recalibration, cross-fitted."""
    frame, notes = facts.frame(CALIBRATION), Footnotes()
    own = frame[frame["set"] == ALL]
    names = ["Formula", "AUC", "Observed over expected", "In the large", "Slope", "Brier score", "Scaled Brier score",
             "Mean distance of the curve"]  # fmt: skip
    rows = [_calibration_row(row, notes) for _, row in own.iterrows()]
    folds = own["folds"].dropna() if "folds" in own else own["set"][:0]
    count = f"{whole(folds.iloc[0])}" if len(folds) else "several"
    meaning = "; ".join(f"{one.name}: {one.words}" for one in RECALIBRATIONS)
    lines = [
        *notes.lines(),
        f"Below each value: its {facts.level} confidence interval. {meaning}. Recalibrated formulas are cross-fitted: "
        f"each of {count} folds is predicted by a formula recalibrated on the other folds, so no patient is evaluated "
        "with an estimate that used the patient's own outcome. Their intervals ignore that the formula was estimated.",
        "The AUC of 'in the large' and 'slope' is the mean within the folds; neither changes the order of patients "
        "unless the slope is negative. Nothing else in this report uses a recalibrated formula.",
    ]
    return Table([[*words(names[:1]), *numbers(names[1:])]], rows, own, lines)


def _calibration_row(row: Any, notes: Footnotes) -> Row:
    note = quoted_note(row["note"])
    return [
        Cell(str(row["version"]), mark=notes.mark(note) if note else "", kind="level name"),
        Cell(number(row.get("auc")), kind="number"),
        *(value_cell(row, name, 2, notes, "") for name in ("oe", "intercept", "slope")),
        *(Cell(number(row.get(name)), kind="number") for name in ("brier", "scaled_brier", "ici")),
    ]


@report_part("validated_formulas", reads=(files.FORMULAS.path,), rows_independent=False)
def formulas(facts: RunFacts) -> Table:
    """Formulas recalibrated on all patients."""
    frame = facts.frame(files.FORMULAS.path)
    if not len(frame):
        raise AbsentError("No formula could be recalibrated.")
    rows = [
        [Cell(str(row["version"]), kind="name"), Cell(str(row["term"]) or quoted(row["note"])),
         *numbers([number(row["published"], 4), number(row["value"], 4)])]
        for _, row in frame.iterrows()
    ]  # fmt: skip
    notes = [
        "Coefficients per standard deviation of the training rows. Estimated on all patients of this cohort, for use "
        "in other patients like them; this report evaluates none of these formulas on these patients."
    ]
    return Table([[*words(["Recalibration", "Term"]), *numbers(["Published", "Recalibrated"])]], rows, frame, notes)


# --- subgroups, case mix, sample size ----------------------------------------------------------------------------


@report_part("validated_subgroups", reads=(files.SUBGROUPS.path,), rows_independent=True)
def subgroups(facts: RunFacts) -> Table:
    """The formula as published in subgroups."""
    frame, notes = facts.frame(files.SUBGROUPS.path), Footnotes()
    if not len(frame):
        raise AbsentError(
            "No subgroups were requested. To do: name columns of the cohort table (--by, or validate.by)."
        )
    names = ["", "n", facts.groups[1], "AUC", "Observed over expected", "In the large", "Slope"]
    rows: list[Row] = []
    for column, part in frame.groupby("column", sort=False):
        rows.append([Cell(str(column), span=len(names), kind="group")])
        rows += [_group_row(row, notes) for _, row in part.iterrows()]
    lines = [
        *notes.lines(),
        f"All patients, formula as published. Below each value: its {facts.level} confidence interval. Subgroups are "
        "not tested against each other.",
    ]
    return Table([[*words(names[:1]), *numbers(names[1:])]], rows, frame, lines)


def _group_row(row: Any, notes: Footnotes) -> Row:
    note = quoted_note(row["note"])
    return [
        Cell(quoted(row["level"]), mark=notes.mark(note) if note else "", kind="level name"),
        *numbers([whole(row["rows"]), whole(row["positives"])]),
        value_cell(row, "auc", 3, notes, ""),
        *(value_cell(row, name, 2, notes, "") for name in ("oe", "intercept", "slope")),
    ]


@report_part("validated_case_mix", reads=(CASE_MIX,), rows_independent=True)
def case_mix(facts: RunFacts) -> Table:
    """The AUC observed beside the one to be expected from the case mix."""
    frame, notes = facts.frame(CASE_MIX), Footnotes()
    names = [
        "Patients",
        "n",
        "AUC",
        "Expected from the case mix",
        "Expected after recalibration",
        "Log-odds, mean (SD)",
    ]
    rows = [
        [Cell(SET_NAMES[str(row["set"])], kind="level name"), Cell(whole(row["rows"]), kind="number"),
         value_cell(row, "auc", 3, notes, "note"), value_cell(row, "expected_auc", 3, notes, ""),
         Cell(number(row.get("expected_recalibrated")), kind="number"),
         Cell(f"{number(row.get('log_odds_mean'), 2)} ({number(row.get('log_odds_sd'), 2)})", kind="number")]
        for _, row in frame.iterrows()
    ]  # fmt: skip
    lines = [
        *notes.lines(),
        "Expected from the case mix: the AUC that the formula would have in these patients if every predicted "
        "probability were right (model-based concordance). It depends on how much the predictions differ, not on the "
        "outcome. An observed AUC below it means that the formula ranks these patients worse than it claims; an "
        "expected AUC below that of the development means that these patients are more alike.",
    ]
    return Table([[*words(names[:1]), *numbers(names[1:])]], rows, frame, lines)


@report_part("validated_sample_size", reads=(files.SAMPLE_SIZE.path,), rows_independent=False)
def sample_size(facts: RunFacts) -> Table:
    """Patients needed for precise estimates."""
    frame = facts.frame(files.SAMPLE_SIZE.path)
    names = ["Estimate", "Width of the 95% interval wanted", "Width here", "Patients needed", "Patients here"]
    rows = [
        [Cell(str(row["criterion"]), kind="level name"),
         *numbers([number(row["width"], 2), number(row["reached"], 2), whole(row["needed"]), whole(row["rows"])])]
        for _, row in frame.iterrows()
    ]  # fmt: skip
    lines = [
        "Riley and colleagues 2021: for a validation with the share of positives, the AUC and the distribution of "
        "predictions of this cohort, if the model were calibrated. Computed after the validation: it plans the next."
    ]
    return Table([[*words(names[:1]), *numbers(names[1:])]], rows, frame, lines)


# --- patients ----------------------------------------------------------------------------------------------------


@report_part("validated_outside", reads=(FINDINGS, PREDICTIONS), rows_independent=False)
def outside(facts: RunFacts) -> Table:
    """Differences from the training patients, by kind: rows outside the range, and rows with a remark."""
    frame = facts.frame(FINDINGS)
    if not len(frame):
        raise AbsentError("No patient differs from the training patients in anything that is compared.")
    groups = frame.groupby(["kind", "where"], sort=False)
    rows: list[Row] = []
    records: list[dict[str, Any]] = []
    for (kind, where), part in groups:
        beyond, remarks = tally(part, refuses=True), tally(part, refuses=False)
        rows.append([Cell(str(kind)), Cell(str(where)), *numbers([whole(beyond), whole(remarks)])])
        records.append({"kind": kind, "where": where, "outside": int(beyond), "remarks": int(remarks)})
    order = sorted(range(len(rows)), key=lambda at: -int(records[at]["outside"]))
    lines = [
        "Outside: the signature would refuse to predict the patient; docs/predict.md lists the bounds. A patient may "
        "be outside for several reasons. Remark: beyond the training range, within the bounds."
    ]
    header = [[*words(["What is compared", "Where"]), *numbers(["Outside", "Remark"])]]
    return Table(header, [rows[at] for at in order], pd.DataFrame([records[at] for at in order]), lines)


@report_part("validated_outside_patients", reads=(FINDINGS,), rows_independent=False)
def outside_patients(facts: RunFacts) -> Table:
    """Every patient outside the range, with the reasons."""
    frame = facts.frame(FINDINGS)
    own = frame[frame["refuses"]] if len(frame) else frame
    if not len(own):
        raise AbsentError("No patient is outside the range of the signature.")
    rows = [words([quoted(row["patient"]), quoted(row["lesion"]), quoted(row["message"])])
            for _, row in own.head(_MOST).iterrows()]  # fmt: skip
    return Table([words(["Patient", "Lesion", "Reason"])], rows, own, _more(len(own)))


@report_part("validated_not_predicted", reads=(MISSING,), rows_independent=False)
def not_predicted(facts: RunFacts) -> Table:
    """Patients for whom nothing could be predicted."""
    frame = facts.frame(MISSING)
    if not len(frame):
        raise AbsentError("Every included patient could be predicted.")
    rows = [words([quoted(row["patient"]), quoted(row["lesion"]), quoted(row["reason"])])
            for _, row in frame.head(_MOST).iterrows()]  # fmt: skip
    return Table([words(["Patient", "Lesion", "What is missing"])], rows, frame, _more(len(frame)))


@report_part("validated_patients", reads=(PREDICTIONS,), rows_independent=False)
def predicted(facts: RunFacts) -> Table:
    """Outcome and probability of every patient."""
    frame = facts.frame(PREDICTIONS)
    rows = [
        [*words([quoted(row["patient"]), quoted(row["lesion"]), facts.groups[int(row["outcome"])]]),
         Cell(number(row["probability"]), kind="number"), Cell("yes" if row["positive"] else "no"),
         Cell("yes" if row["inside"] else "no"), Cell(number(row["slope"]), kind="number")]
        for _, row in frame.head(_MOST).iterrows()
    ]  # fmt: skip
    header = [[*words(["Patient", "Lesion", "Outcome"]), Cell("Probability", kind="number"),
               *words(["At or above the cut-off", "Inside the range"]),
               Cell("Recalibrated (slope, cross-fitted)", kind="number")]]  # fmt: skip
    return Table(header, rows, frame, _more(len(frame)))


def _more(count: int) -> list[str]:
    return [f"The first {_MOST} of {count} rows; the CSV file has all of them."] if count > _MOST else []


@report_part(
    "validated_steps", reads=tuple(f"{step}/{PROVENANCE}" for step in ("cohort", "prepare", "extract", "validate")),
    rows_independent=False,
)  # fmt: skip
def steps(facts: RunFacts) -> Table:
    """Time, duration and software versions of each step."""
    records = {step: record for step in STEP_FOLDERS if (record := facts.documents.get(f"{step}/{PROVENANCE}"))}
    own = {step: record for step, record in records.items() if step != "report"}
    rows = [
        [Cell(step), Cell(quoted(record["finished"])), Cell(number(record["seconds"], 1), kind="number"),
         Cell(quoted(record["code"])), Cell(quoted(record["key"]))]
        for step, record in own.items()
    ]  # fmt: skip
    used = {tuple(sorted(record["versions"].items())) for record in own.values()}
    notes = ["; ".join(f"{name} {quoted(version)}" for name, version in item) + "." for item in sorted(used)]
    told = ("finished", "seconds", "code", "key")
    frame = pd.DataFrame([{"step": step, **{k: r[k] for k in told}, **r["versions"]} for step, r in own.items()])
    header = [[*words(["Step", "Finished"]), *numbers(["Seconds"]), *words(["Program", "Key"])]]
    return Table(header, rows, frame, notes)
