"""Problems of the cohort table and patients that it counts: the loader's own words, each beside its cells."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from radstudy.app.lead.cohort_table import CohortSheet, missing_columns
from radstudy.app.lead.flow import cohort_of
from radstudy.app.lead.projects import Project
from radstudy.cohort.manifest import Cohort
from radstudy.cohort.rows import as_named, excluded_rows, identified_rows
from radstudy.errors import CohortError, RadstudyError, TableProblem
from radstudy.protocol import Protocol

WHOLE_ROW = -1


@dataclass(frozen=True)
class PlacedProblem:
    """A problem with the cells that it concerns.

    Parameters
    ----------
    text : the loader's sentence.
    cells : line and number of the column, `WHOLE_ROW` for all; empty for the table or a whole column.
    column : number of that column; None for the table.
    """

    text: str
    cells: tuple[tuple[int, int], ...] = ()
    column: int | None = None


@dataclass(frozen=True)
class MissingFile:
    """An image or a mask that a row lacks.

    Parameters
    ----------
    lines : of the patient's rows.
    place : sequence and reader.
    problem, remedy, file : in the loader's words.
    """

    lines: tuple[int, ...]
    place: str
    problem: str
    remedy: str
    file: str


@dataclass(frozen=True)
class PatientCounts:
    """Patients of the flow chart.

    Parameters
    ----------
    screened : in the table.
    excluded : reason to patients without another row that is kept.
    kept, lesions : analysed; rows kept.
    negative, positive : of those kept, in the whole cohort.
    unknown : kept, without one of the two outcomes.
    training, testing : None while the table has problems.
    """

    screened: int
    excluded: tuple[tuple[str, int], ...]
    kept: int
    lesions: int
    negative: int
    positive: int
    unknown: int = 0
    training: int | None = None
    testing: int | None = None


@dataclass(frozen=True)
class CohortState:
    """The cohort table as `radstudy run --step cohort` would take it.

    Parameters
    ----------
    problems : to resolve first.
    missing : files that rows lack.
    notes : remarks on how the table was read.
    counts : of patients; None if the rows cannot be told apart.
    lacking : columns that the study file names and the table lacks.
    """

    problems: tuple[PlacedProblem, ...]
    missing: tuple[MissingFile, ...]
    notes: tuple[str, ...]
    counts: PatientCounts | None
    lacking: tuple[str, ...]


def command_of(project: Project) -> str:
    """The command that checks the same."""
    return shlex.join(["radstudy", "run", str(project.study), "--step", "cohort"])


def state_of(project: Project, protocol: Protocol, sheet: CohortSheet) -> CohortState:
    """The table's problems, missing files and counts.

    Parameters
    ----------
    project : the study.
    protocol : its study file.
    sheet : the table.
    """
    lines = _lines_of(sheet)
    try:
        cohort = cohort_of(project, protocol)
    except CohortError as error:
        problems = tuple(_placed(problem, sheet, lines) for problem in error.problems)
        lacking = missing_columns(protocol, sheet, error.problems)
        is_located = bool(lacking) or any(one.cells or one.column is not None for one in problems)
        heading = () if is_located else (error.heading,)
        return CohortState((*map(PlacedProblem, heading), *problems), (), (), _counts_of_table(sheet), lacking)
    except RadstudyError as error:
        return CohortState((PlacedProblem(str(error)),), (), (), _counts_of_table(sheet), ())
    missing = tuple(
        MissingFile(
            tuple(line for key, numbers in lines.items() if key[0] == one.patient and one.lesion in ("", key[1])
                  for line in numbers),
            ", ".join(part for part in (one.sequence, one.reader) if part), one.problem, one.remedy, one.file,
        )
        for one in cohort.failures
    )  # fmt: skip
    return CohortState((), missing, cohort.notes, _counts(cohort), ())


def _lines_of(sheet: CohortSheet) -> dict[tuple[str, str], list[int]]:
    """The lines of each (patient, lesion), as the loader tells them apart."""
    section, names = sheet.section, sheet.grid.columns
    if section.patient not in names or (section.lesion and section.lesion not in names):
        return {}
    lines: dict[tuple[str, str], list[int]] = {}
    identified, _ = identified_rows(section, sheet.content.table)
    for (patient, lesion), line in zip(identified.index, identified["_line"], strict=True):
        lines.setdefault((str(patient), str(lesion)), []).append(int(line))
    return lines


def _placed(problem: str, sheet: CohortSheet, lines: Mapping[tuple[str, str], Sequence[int]]) -> PlacedProblem:
    if not isinstance(problem, TableProblem):
        return PlacedProblem(problem)
    column = next((n for n, name in enumerate(sheet.grid.columns) if name == problem.column), None)
    rows = [*problem.lines, *(line for row in problem.rows for line in lines.get(row, ()))]
    at = WHOLE_ROW if column is None else column
    return PlacedProblem(str(problem), tuple((line, at) for line in dict.fromkeys(rows)), column)


def _counts(cohort: Cohort) -> PatientCounts:
    flow = cohort.flow()
    excluded = tuple((str(one["reason"]), int(one["patients"])) for one in flow["excluded"])
    return PatientCounts(
        flow["screened"], excluded, flow["kept"], flow["lesions"], flow["negative"], flow["positive"],
        training=flow["training"]["patients"], testing=flow["testing"]["patients"],
    )  # fmt: skip


def _counts_of_table(sheet: CohortSheet) -> PatientCounts | None:
    """Counts while the loader refuses the table; no sets, because they cannot be drawn yet."""
    section, names = sheet.section, sheet.grid.columns
    needed = [section.patient, *([section.lesion] if section.lesion else [])]
    if any(name not in names for name in needed):
        return None
    identified, _ = identified_rows(section, sheet.content.table)
    identified = identified[identified.index.get_level_values("patient") != ""]
    has_reasons = section.exclude in names
    reasons = excluded_rows(section, identified) if has_reasons else identified.iloc[:0].assign(reason="")
    kept = identified.loc[~identified.index.isin(reasons.index)]
    patients = set(kept.index.get_level_values("patient"))
    gone = {
        str(patient): str(reason)
        for (patient, _), reason in reversed(list(reasons["reason"].items()))
        if patient not in patients
    }
    counts = _by_outcome(sheet, kept)
    return PatientCounts(
        len(patients) + len(gone), tuple(Counter(_in_order(gone, reasons.index)).items()), len(patients), len(kept),
        counts["negative"], counts["positive"], counts["unknown"],
    )  # fmt: skip


def _in_order(gone: Mapping[str, str], index: pd.Index) -> Iterable[str]:
    return [gone[patient] for patient in dict.fromkeys(index.get_level_values("patient")) if patient in gone]


def _by_outcome(sheet: CohortSheet, kept: pd.DataFrame) -> Counter[str]:
    outcome = sheet.section.outcome
    values = next((column.values for column in sheet.columns if column.role == "outcome.column"), ())
    if not values or outcome.column not in kept.columns:
        return Counter(unknown=kept.index.get_level_values("patient").nunique())
    named = as_named(kept[outcome.column], list(values))
    words: dict[str, set[str]] = {}
    for patient, value in zip(kept.index.get_level_values("patient"), named, strict=True):
        words.setdefault(patient, set()).add(str(value))
    return Counter(
        "positive" if outcome.positive in own else "negative" if own & set(values) else "unknown"
        for own in words.values()
    )
