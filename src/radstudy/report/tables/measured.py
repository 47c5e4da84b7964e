"""The cell of a measure of performance in the report's tables."""

from __future__ import annotations

from typing import Any

import pandas as pd

from radstudy.modelling.assessment.measures import PerformanceMeasure
from radstudy.report.display import NOTHING, number, percent, whole
from radstudy.report.tables.noted import quoted_note
from radstudy.report.tables.structure import Cell, Footnotes


def measure_cell(row: Any, measure: PerformanceMeasure, marks: Footnotes, kind: str = "number") -> Cell:
    """A percentage such as 84.6 [11/13], or a number, with its interval below.

    Parameters
    ----------
    row : row of table3.csv.
    measure : the measure.
    marks : the table's footnotes, for the measure's own note.
    kind : kind of the cell.
    """
    if measure.counts is None:
        return value_cell(row, measure.name, 3, marks, measure.note_column, kind)
    value = row.get(measure.name)
    if value is None or pd.isna(value):
        return Cell(NOTHING, kind=kind)
    above, below = (_total([row[count] for count in counts]) for counts in measure.counts)
    low, high = (number(100 * row[f"{measure.name}_{end}"], 1) for end in ("low", "high"))
    return Cell(f"{percent(above, below)} [{whole(above)}/{whole(below)}]", below=f"{low} to {high}", kind=kind)


def _total(counts: list[Any]) -> Any:
    """The sum of some counts of a row."""
    return sum(counts[1:], counts[0])


def value_cell(row: Any, name: str, digits: int, marks: Footnotes, why: str, kind: str = "number") -> Cell:
    """A number with its interval below, and the note in the column `why` as a footnote.

    Parameters
    ----------
    row : row of a table with the columns `name`, ``<name>_low`` and ``<name>_high``.
    name : column of the value.
    digits : decimals.
    marks : the table's footnotes.
    why : column of its note; "" for none.
    kind : kind of the cell.
    """
    value = row.get(name)
    note = quoted_note(row.get(why))
    mark = marks.mark(note) if note else ""
    if value is None or pd.isna(value):
        return Cell(NOTHING, mark=mark, kind=kind)
    low, high = row.get(f"{name}_low"), row.get(f"{name}_high")
    known = low is not None and high is not None and not pd.isna(low) and not pd.isna(high)
    below = f"{number(low, digits)} to {number(high, digits)}" if known else ""
    return Cell(number(value, digits), below=below, mark=mark, kind=kind)
