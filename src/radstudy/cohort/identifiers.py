"""Texts of a study that may identify a patient or a reader, and must not appear in a log."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

import pandas as pd

from radstudy.bugs import Words
from radstudy.cohort.rows import named_columns
from radstudy.cohort.spreadsheet import read_sheet
from radstudy.errors import RadstudyError
from radstudy.protocol import Protocol

_SHORTEST, _SHORTEST_NUMBER = 3, 4  # characters of a cell in columns that the study does not use


def identifiers_of(protocol: Protocol, data: Path, out: Path) -> Words:
    """Return a function that collects the texts that may identify a patient or a reader; see `radstudy.bugs.hiding`.

    These are the cells of the patient column, the texts and longer numbers of all columns that the study file does
    not name (names, dates of birth, notes), the readers, and the folders of the data and the results. The table is
    read when the function is first called.

    Parameters
    ----------
    protocol, data, out : protocol, data folder and output folder of the run.
    """

    @cache
    def words() -> frozenset[str] | None:
        section = protocol.cohort
        try:
            table = read_sheet(data / section.table, section.sheet).table
        except (RadstudyError, OSError):
            return None
        used = {column for setting, column in named_columns(section).items() if setting != "patient"}
        return frozenset((*cells_of(table, section.patient, used), *section.readers, *map(str, (data, out))))

    return words


def cells_of(table: pd.DataFrame, patient: str, used: Collection[str] = ()) -> Iterator[str]:
    """Yield the cells of a table that may identify a person.

    Parameters
    ----------
    table : text cells.
    patient : the patient column, of which every cell counts.
    used : columns whose values identify no one.
    """
    for column in table.columns:
        cells = {cell for cell in table[column] if isinstance(cell, str)}
        if column == patient:
            yield from cells
        elif column not in used:
            yield from (cell for cell in cells if len(cell) >= (_SHORTEST_NUMBER if _is_number(cell) else _SHORTEST))


def _is_number(cell: str) -> bool:
    return cell.replace(".", "", 1).replace(",", "", 1).lstrip("+-").isdigit()
