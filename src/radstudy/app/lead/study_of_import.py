"""The study file that fits an import, and the outcomes that are joined to it by hospital number, in memory.

Nothing that identifies a patient leaves this module: columns by name, counts, pseudonyms, and an outcome's few values.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from radstudy.app.lead.projects import Project
from radstudy.cohort.of_import import TABLE
from radstudy.cohort.outcomes import Joined, join_outcomes
from radstudy.cohort.spreadsheet import read_table
from radstudy.errors import RadstudyError, UsageError
from radstudy.intake.csv_rows import read_rows
from radstudy.protocol import load_protocol
from radstudy.steps.start import JOINED, OutcomeTable, Started, start_from_import

_FEW = 6  # values of an outcome that can be shown; more may be names
_FEWEST = 3  # patients
_KEY = "pseudonyms.csv"


@dataclass(frozen=True)
class OutcomeChoices:
    """A table that outcomes come from, and its columns.

    Parameters
    ----------
    file : CSV or XLSX with hospital numbers.
    identifier : its column with them; "": the one that fits most.
    outcome : its column with the outcome; "": the only one with two values.
    positive : the outcome's positive value; "": the later one in alphabetical order.
    clinical : further columns to take.
    """

    file: str
    identifier: str = ""
    outcome: str = ""
    positive: str = ""
    clinical: tuple[str, ...] = ()


@dataclass(frozen=True)
class OutcomePreview:
    """Result of joining outcomes to an import, before anything is written.

    Parameters
    ----------
    columns : of the table, in its order.
    identifier : the column with hospital numbers; "" if none fits.
    likely : columns with two values each, which may be the outcome.
    rows : of the table.
    patients, matched : imported patients, and those with a row in the table.
    outcome, values : the outcome's column and its values; empty if they cannot be shown.
    notes : rows of either table without a match, by line or pseudonym.
    problem : why it cannot be joined like this; "" if it can.
    """

    columns: tuple[str, ...]
    identifier: str
    likely: tuple[str, ...]
    rows: int
    patients: int
    matched: int
    outcome: str = ""
    values: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    problem: str = ""


def preview_outcomes(project: Project, choices: OutcomeChoices) -> OutcomePreview:
    """Join a table of outcomes to the import, and write nothing.

    Parameters
    ----------
    project : the study, with an import.
    choices : of the table; what is left out is proposed.

    Raises
    ------
    UsageError, DataError : a table cannot be read.
    """
    table, _ = read_table(_file(choices.file))
    columns = tuple(map(str, table.columns))
    known = {row["patient_id"] for row in read_rows(project.private / _KEY)}
    if known & set(columns):
        raise UsageError("the first row of the table is a patient, not a heading: give each column a name there")
    matches = {name: len(known & set(map(str, table[name].dropna()))) for name in columns}
    identifier = choices.identifier or max(columns, key=lambda name: matches[name], default="")
    likely = tuple(name for name in columns if name != identifier and table[name].nunique() == 2)
    patients = {row["pseudonym"] for row in read_rows(project.private / _KEY)}
    imported = {next(iter(row.values())) for row in read_rows(project.images / TABLE)} & patients
    preview = OutcomePreview(columns, identifier if matches.get(identifier) else "", likely, len(table), len(imported),
                             matches.get(identifier, 0))  # fmt: skip
    if not preview.identifier:
        problem = "no column holds the hospital numbers (PatientIDs) of the imported patients as their images do"
        return OutcomePreview(columns, "", likely, len(table), len(imported), 0, problem=problem)
    try:
        joined = _joined(project, choices, preview)
    except RadstudyError as error:
        return _with_problem(preview, str(error))
    return _with_joined(preview, joined)


def _with_problem(preview: OutcomePreview, problem: str) -> OutcomePreview:
    return OutcomePreview(
        preview.columns, preview.identifier, preview.likely, preview.rows, preview.patients, preview.matched,
        problem=problem,
    )  # fmt: skip


def _with_joined(preview: OutcomePreview, joined: Joined) -> OutcomePreview:
    counts = joined.table[joined.outcome].value_counts()
    shown = tuple(joined.values) if _may_be_shown(counts) else ()
    problem = "" if shown else (
        f"the column '{joined.outcome}' has {len(joined.values)} different values among the imported patients, some of "
        "one patient only: it is not an outcome with two values. To do: choose another column"
    )  # fmt: skip
    with_outcome = int(joined.table[joined.outcome].notna().sum())
    return OutcomePreview(
        preview.columns, preview.identifier, preview.likely, preview.rows, preview.patients, with_outcome,
        joined.outcome, shown, joined.notes, problem,
    )  # fmt: skip


def _may_be_shown(counts: pd.Series) -> bool:
    """True if values are those of groups of patients, not of single ones, which could be names or numbers."""
    few = len(counts) <= 2 and int(counts.sum()) > _FEWEST
    return 1 <= len(counts) <= _FEW and (few or int(counts.min()) > 1)


def _joined(project: Project, choices: OutcomeChoices, preview: OutcomePreview) -> Joined:
    return join_outcomes(
        project.images / TABLE, _file(choices.file), project.private / _KEY, identifier=preview.identifier,
        outcome=choices.outcome or None, clinical=choices.clinical,
    )  # fmt: skip


def start_study(project: Project, choices: OutcomeChoices | None = None) -> Started:
    """Write the study file that fits the import, as `radstudy init --from` does; nothing is overwritten.

    Parameters
    ----------
    project : the study, with an import.
    choices : the table of outcomes; None: they are filled in later.

    Raises
    ------
    UsageError, DataError : a file exists already, or the tables do not fit together.
    """
    if project.has_study:
        raise UsageError(f"{project.study} exists already, and is never overwritten: change it on the page Protocol")
    if choices is None:
        return start_from_import(project.folder, project.images)
    preview = preview_outcomes(project, choices)
    if preview.problem:
        raise UsageError(preview.problem)
    table = OutcomeTable(
        _file(choices.file), preview.identifier, project.private, preview.outcome, choices.positive or None,
        choices.clinical,
    )  # fmt: skip
    return start_from_import(project.folder, project.images, table)


def start_command(project: Project, choices: OutcomeChoices | None = None) -> str:
    """The command that does the same as `start_study`.

    Parameters
    ----------
    project, choices : as there.
    """
    parts = ["radstudy", "init", str(project.folder), "--from", str(project.images)]
    if choices is not None:
        named = [("--outcomes", str(_file(choices.file))), ("--id-column", choices.identifier),
                 ("--outcome", choices.outcome),
                 ("--positive", choices.positive), *(("--clinical", name) for name in choices.clinical)]  # fmt: skip
        parts += [part for name, value in named if value for part in (name, value)]
    return shlex.join(parts)


@dataclass(frozen=True)
class PatientsFile:
    """The table of patients that the study reads: one file, and the imported patients that it does not have.

    Parameters
    ----------
    file : the table; before there is a study file, the import's own.
    missing : pseudonyms of imported patients without a row.
    """

    file: Path
    missing: tuple[str, ...] = ()


def patients_file(project: Project) -> PatientsFile:
    """The table of patients of a study that began with an import.

    Parameters
    ----------
    project : the study.
    """
    own = project.images / TABLE
    try:
        table = project.folder / load_protocol(project.study).cohort.table
        if not project.has_study or table.resolve() == own.resolve() or not own.is_file():
            return PatientsFile(table)
        listed = {next(iter(row.values())) for row in read_rows(table)}
    except (RadstudyError, OSError):
        joined = project.folder / JOINED
        return PatientsFile(joined if project.has_study and joined.is_file() else own)
    imported = [next(iter(row.values())) for row in read_rows(own)]
    return PatientsFile(table, tuple(sorted(set(imported) - listed)))


def _file(text: str) -> Path:
    path = Path(text.strip()).expanduser()
    if not text.strip() or not path.is_file():
        raise UsageError(f"there is no file '{text.strip()}': choose a CSV or XLSX with hospital numbers and outcomes")
    return path.resolve()
