"""Comparison of the two outcome groups by clinical and conventional imaging characteristics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from radstudy.report.analysed import analysed_rows, counts
from radstudy.report.cited import quoted
from radstudy.report.display import NOTHING, number, p_text, whole
from radstudy.report.facts import TESTING, TRAINING, AbsentError, RunFacts
from radstudy.report.part import report_part
from radstudy.report.tables.structure import Cell, Footnotes, Table, heads


@report_part(
    "clinical",
    reads=("evaluate/table1.csv", "cohort/rows.csv", "model/predictions.csv"),
    rows_independent=False,
)
def clinical(facts: RunFacts) -> Table:
    """Clinical characteristics in the training and testing sets."""
    return _side_by_side(facts, "table1", "clinical", "Clinical characteristic", (TRAINING, TESTING))


@report_part(
    "imaging",
    reads=("evaluate/table2.csv", "cohort/rows.csv", "model/predictions.csv"),
    rows_independent=False,
)
def imaging(facts: RunFacts) -> Table:
    """Conventional MRI characteristics in the training and testing sets."""
    return _side_by_side(facts, "table2", "imaging", "MRI characteristic", (TRAINING, TESTING))


@report_part(
    "clinical_whole_cohort",
    reads=("evaluate/table1.csv", "cohort/rows.csv", "model/predictions.csv"),
    rows_independent=False,
)
def clinical_whole(facts: RunFacts) -> Table:
    """Clinical characteristics of the whole cohort."""
    return _side_by_side(facts, "table1", "clinical", "Clinical characteristic", ("all",))


@report_part(
    "imaging_whole_cohort",
    reads=("evaluate/table2.csv", "cohort/rows.csv", "model/predictions.csv"),
    rows_independent=False,
)
def imaging_whole(facts: RunFacts) -> Table:
    """Conventional MRI characteristics of the whole cohort."""
    return _side_by_side(facts, "table2", "imaging", "MRI characteristic", ("all",))


_SET_NAMES = {TRAINING: "Training set", TESTING: "Testing set", "all": "Whole cohort"}


def _side_by_side(facts: RunFacts, file: str, kind: str, heading: str, sets: Sequence[str]) -> Table:
    frame = facts.frame(f"evaluate/{file}.csv")
    if not len(frame):
        raise AbsentError(f"The study file names no {kind} variables, so there is nothing to compare here.")
    frame = frame[frame["set"].isin(sets)]
    notes = Footnotes()
    rows: list[list[Cell]] = []
    for variable in frame["variable"].unique():
        parts = [frame[(frame["variable"] == variable) & (frame["set"] == which)] for which in sets]
        first = parts[0].iloc[0]
        rows += _continuous(first, parts, notes) if first["kind"] == "continuous" else _categorical(first, parts, notes)
    lines = [
        *notes.lines(),
        *_counted(facts, frame),
        "Percentages refer to the members of the group with a known value. SD: standard deviation. "
        "P-values are two-sided and not adjusted for the number of characteristics; * marks p < 0.05.",
    ]
    return Table(_header(facts, frame, heading, sets), rows, frame, lines)


_PER_LESION = (
    "Counted per lesion, because values differ between the lesions of some patients. The test treats the lesions as "
    "independent, so its p-value is too small"
)


def _counted(facts: RunFacts, frame: pd.DataFrame) -> list[str]:
    """Notes on who is counted, if not every patient of the cohort has exactly one lesion in the table."""
    rows = analysed_rows(facts)
    several = len(rows) - rows["patient"].nunique()
    gone = facts.frame("cohort/rows.csv")["patient"].nunique() - rows["patient"].nunique()
    if "counted" not in frame:
        older = "This run is from a version that counted lesions, not patients" if several else ""
        return (
            [f"{older}: lesions of one patient are treated as independent, and the p-values are too small."]
            if older
            else []
        )
    said = []
    if gone:
        said.append(f"Patients without a lesion that any model could use are left out ({gone:,}; see the flowchart).")
    if several:
        kind = ", ".join(f"{which}: {len(part):,}" for which, part in rows.groupby("set", sort=False))
        said.append(
            f"Patients count once, and as positive if any of their lesions is; {len(rows):,} lesions ({kind}). A value "
            "shared by all lesions of a patient counts once."
        )
    return said


def _header(facts: RunFacts, frame: pd.DataFrame, heading: str, sets: Sequence[str]) -> list[list[Cell]]:
    rows = analysed_rows(facts)
    sizes = [counts(rows, which) if "counted" in frame else facts.sizes(which) for which in sets]
    bands = [f"{_SET_NAMES[which]} (n = {size[0] + size[1]})" for which, size in zip(sets, sizes, strict=True)]
    top = [Cell(""), *(Cell(band, span=3, kind="band") for band in bands)]
    names = [heading]
    for negative, positive in sizes:
        names += [
            f"{facts.groups[0]} (n\u00a0=\u00a0{negative})",
            f"{facts.groups[1]} (n\u00a0=\u00a0{positive})",
            "p\u2011value",
        ]
    return [top, heads(names)]


def _p_cell(row: Any, notes: Footnotes) -> Cell:
    test = str(row["test"])
    text = p_text(row["p_value"])
    if text == NOTHING:
        return Cell(text, mark=notes.mark(f"Not tested: {quoted(row['note']) or test}"), kind="number")
    mark = notes.mark(f"{test} test")
    strong = row["p_value"] < 0.05
    return Cell(text + ("*" if strong else ""), mark=mark, kind="number strong" if strong else "number")


def _label(first: Any, what: str, notes: Footnotes) -> Cell:
    unit = f" ({first['unit']})" if first["unit"] and first["kind"] == "continuous" else ""
    own = first.get("counted") == "lesions"
    mark = notes.mark(_PER_LESION) if own else ""
    return Cell(f"{first['label']}{unit}, {'per lesion, ' if own else ''}{what}", mark=mark, kind="group")


def _continuous(first: Any, parts: Sequence[pd.DataFrame], notes: Footnotes) -> list[list[Cell]]:
    cells = [_label(first, "mean ± SD", notes)]
    for part in parts:
        row = part.iloc[0]
        cells += [
            Cell(f"{number(row[f'{g}_mean'], 2)} ± {number(row[f'{g}_sd'], 2)}", kind="number")
            for g in ("negative", "positive")
        ]
        cells.append(_p_cell(row, notes))
    return [cells, *_missing(parts)]


def _categorical(first: Any, parts: Sequence[pd.DataFrame], notes: Footnotes) -> list[list[Cell]]:
    head = [_label(first, "n (%)", notes)]
    for part in parts:
        head += [Cell(""), Cell(""), _p_cell(part.iloc[0], notes)]
    rows = [head]
    for index, level in enumerate(parts[0]["level"]):
        cells = [Cell(str(level), kind="level")]
        for part in parts:
            row = part.iloc[index]
            cells += [
                Cell(f"{whole(row[f'{g}_n'])} ({number(row[f'{g}_percent'], 1)})", kind="number")
                for g in ("negative", "positive")
            ]
            cells.append(Cell(""))
        rows.append(cells)
    return [*rows, *_missing(parts)]


def _missing(parts: Sequence[pd.DataFrame]) -> list[list[Cell]]:
    counts = [(part.iloc[0]["negative_missing"], part.iloc[0]["positive_missing"]) for part in parts]
    if not any(map(any, counts)):
        return []
    cells = [Cell("missing", kind="level quiet")]
    for pair in counts:
        cells += [*(Cell(whole(count), kind="number quiet") for count in pair), Cell("")]
    return [cells]
