"""The codebook beside the cohort table: its clinical variables, and proposals for columns that it lacks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from radstudy.app.lead.cohort_table import CohortSheet
from radstudy.app.lead.projects import Project
from radstudy.app.lead.protocol_edits import FormEdit
from radstudy.app.lead.protocol_page import Saved, save
from radstudy.cohort.plausible import range_of
from radstudy.cohort.rows import named_columns
from radstudy.errors import CohortError, UsageError
from radstudy.protocol import Protocol
from radstudy.protocol.base import fields_of
from radstudy.store import bytes_hash

_FEWEST, _MOST_LEVELS = 2, 8
_CLINICAL = ("cohort", "clinical")


@dataclass(frozen=True)
class CodebookEntry:
    """A clinical variable of the study file.

    Parameters
    ----------
    name, column, label, unit : of it.
    levels : in their order; None for a number.
    range : smallest and largest possible number; None for any.
    """

    name: str
    column: str
    label: str
    unit: str
    levels: tuple[str, ...] | None
    range: tuple[float, float] | None


@dataclass(frozen=True)
class VariableProposal:
    """A column that could become a clinical variable.

    Parameters
    ----------
    column : its name.
    kind : number, levels, or neither.
    levels : the texts that occur, in alphabetical order.
    different : number of different texts.
    smallest, largest : of numbers.
    """

    column: str
    kind: Literal["number", "levels", "text"]
    levels: tuple[str, ...] = ()
    different: int = 0
    smallest: float | None = None
    largest: float | None = None


def codebook_of(protocol: Protocol) -> tuple[CodebookEntry, ...]:
    """The clinical variables of a study file."""
    return tuple(
        CodebookEntry(name, one.column or name, one.label or "", one.unit, one.levels,
                      None if one.levels is not None else range_of(one))
        for name, one in protocol.cohort.clinical.items()
    )  # fmt: skip


def proposals_of(protocol: Protocol, sheet: CohortSheet) -> tuple[VariableProposal, ...]:
    """Columns that no setting names, each with what it could be; nothing is taken without a word.

    Parameters
    ----------
    protocol : the study file.
    sheet : the table.
    """
    section = protocol.cohort
    used = {*named_columns(section).values()}
    for pattern in (section.images, section.masks, *section.reader_files.values()):
        used |= set(fields_of(pattern))
    table = sheet.content.table
    free = [str(name) for name in table.columns if name not in used]
    numbers = _numbers(sheet, free)
    return tuple(_proposal(name, table[name].dropna(), numbers.get(name)) for name in free)


def _numbers(sheet: CohortSheet, columns: Sequence[str]) -> Mapping[str, pd.Series[float]]:
    """Columns that hold numbers alone."""
    content = sheet.content
    read = {}
    for name in columns:
        try:
            table, _ = content.with_numbers([name], sheet.section.decimal)
        except CohortError:  # uncertain decimal marks: the column is shown as text
            continue
        given = table[name].dropna()
        numbers = pd.to_numeric(given, errors="coerce")
        if len(given) and numbers.notna().all():
            read[name] = numbers.astype(float)
    return read


def _proposal(name: str, texts: pd.Series[Any], numbers: pd.Series[float] | None) -> VariableProposal:
    levels = tuple(sorted(map(str, texts.unique())))
    fits = _FEWEST <= len(levels) <= _MOST_LEVELS
    if numbers is not None and not (fits and len(levels) <= _FEWEST):
        return VariableProposal(
            name, "number", levels if fits else (), len(levels), float(numbers.min()), float(numbers.max())
        )
    return VariableProposal(name, "levels" if fits else "text", levels if fits else (), len(levels))


@dataclass(frozen=True)
class NewVariable:
    """A clinical variable to write into the study file.

    Parameters
    ----------
    column : of the table.
    label, unit : "" for none.
    levels : in their order; None for a number.
    range : None for any.
    table : the report's table that shows it.
    """

    column: str
    label: str = ""
    unit: str = ""
    levels: tuple[str, ...] | None = None
    range: tuple[float, float] | None = None
    table: Literal["clinical", "imaging"] = "clinical"

    def settings(self) -> dict[str, Any]:
        """As the study file has it."""
        return {
            **({"label": self.label} if self.label else {}),
            **({"unit": self.unit} if self.unit and self.levels is None else {}),
            **({"levels": list(self.levels)} if self.levels is not None else {}),
            **({"range": list(self.range)} if self.range is not None else {}),
            **({"table": self.table} if self.table != "clinical" else {}),
        }


def add_variable(project: Project, version: str, variable: NewVariable) -> Saved:
    """Write a clinical variable into the study file, if the file is still the one that was read.

    Parameters
    ----------
    project : the study.
    version : hash of the study file.
    variable : confirmed by the user.

    Raises
    ------
    UsageError : the variable has no name.
    """
    if not variable.column.strip():
        raise UsageError("the variable has no name")
    return save(project, version, [FormEdit("insert", (*_CLINICAL, variable.column), variable.settings())])


def name_exclusions(project: Project, version: str, column: str) -> Saved:
    """Write the name of the column with reasons for exclusion into the study file.

    Parameters
    ----------
    project, version : see `add_variable`.
    column : its name.
    """
    return save(project, version, [FormEdit("set", ("cohort", "exclude"), column)])


def study_version(project: Project) -> str:
    """A hash of the study file; "" if there is none."""
    return bytes_hash(project.study.read_bytes()) if project.has_study else ""
