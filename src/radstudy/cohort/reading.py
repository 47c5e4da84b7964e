"""The record of the reading room, taken into the cohort: characteristics, and the sequences that show the lesion.

A clinical variable whose column the cohort table lacks is filled from ``<name>_final`` of answers.csv. Where several
readers judged one sequence, the first reader's word counts, because that reader's masks train the models; if the first
reader said nothing, the majority of the others; a tie changes nothing. Every contradiction is named.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pandas as pd

from radstudy.artefacts.declaration import UndeclaredError
from radstudy.artefacts.reading import ANSWERS, FINAL, NOT_ASSESSABLE, SUMMARY, VISIBILITY
from radstudy.cohort.rows import ROW, as_named, visible_on
from radstudy.cohort.spreadsheet import read_sheet
from radstudy.errors import CohortError, TableProblem
from radstudy.formats.reading import content_of
from radstudy.protocol.sections import ClinicalVariable, CohortSection, Protocol
from radstudy.table import each_lesion

LesionKey = tuple[str, str]
_FOLDER = "reading"
_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}
_FIRST_TASK = "masks"  # of two judgements of one reader, the one given while drawing


@dataclass(frozen=True, eq=False)
class RoomRecord:
    """The record of the reading room, as far as the cohort needs it; empty if the study was not read there.

    Parameters
    ----------
    answers : str cells, None if empty, indexed (patient, lesion); None without answers.csv.
    unseen : (patient, lesion) to the sequences on which the lesion is not visible, or that are optional and cannot be
        evaluated.
    excluded : (patient, lesion) to the reason for exclusion: a sequence cannot be evaluated.
    seen : (patient, lesion) to the sequences on which the lesion is visible.
    notes : contradictions between readers, and rows of unknown sequences.
    """

    answers: pd.DataFrame | None = None
    unseen: Mapping[LesionKey, frozenset[str]] = field(default_factory=dict)
    excluded: Mapping[LesionKey, str] = field(default_factory=dict)
    seen: Mapping[LesionKey, frozenset[str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def finals(self, section: CohortSection) -> dict[str, str]:
        """Clinical variable to its column in answers.csv, of those that it has."""
        if self.answers is None:
            return {}
        return {name: f"{name}{FINAL}" for name in section.clinical if f"{name}{FINAL}" in self.answers.columns}

    def columns(self, section: CohortSection) -> set[str]:
        """The columns of the cohort table that answers.csv can fill."""
        return {section.clinical[name].column or name for name in self.finals(section)}


def reading_folder(protocol: Protocol, data: Path) -> Path:
    """The folder of the reading room's record.

    Parameters
    ----------
    protocol : the study file.
    data : folder that its relative paths start from.
    """
    named = getattr(getattr(protocol, "reading", None), "folder", _FOLDER)
    return data / str(named)


def record_files(protocol: Protocol, data: Path) -> list[Path]:
    """The files of the record that a run reads, of those that exist."""
    folder = reading_folder(protocol, data)
    return [file for one in (ANSWERS, VISIBILITY, SUMMARY) if (file := folder / one.path).is_file()]


def read_record(protocol: Protocol, data: Path) -> RoomRecord:
    """Read the record of the reading room.

    Raises
    ------
    CohortError, DataError : a table cannot be read, lacks a column, or names a lesion twice.
    """
    visibility = reading_folder(protocol, data) / VISIBILITY.path
    answers = read_answers(protocol, data)
    if not visibility.is_file():
        return RoomRecord(answers)
    return _with_visibility(protocol, visibility, answers)


def read_answers(protocol: Protocol, data: Path) -> pd.DataFrame | None:
    """Read answers.csv, indexed (patient, lesion): text, None where nothing was answered; None without the file.

    Numbers have a decimal point; an answer that is no observation (not assessable) is None.

    Raises
    ------
    CohortError, DataError : the table cannot be read, has no column patient or lesion, or names a lesion twice.
    """
    file = reading_folder(protocol, data) / ANSWERS.path
    if not file.is_file():
        return None
    clinical = protocol.cohort.clinical
    words = {column: variable.levels or () for column, variable in _item_columns(file, clinical)}
    sheet = read_sheet(file, None, words)
    _require(file, sheet.table, ROW)
    numbers = [column for column, variable in _item_columns(file, clinical) if variable.levels is None]
    table, _ = sheet.with_numbers(numbers, setting="")
    table = table.mask(table == NOT_ASSESSABLE)
    table = table.assign(lesion=table["lesion"].fillna("1")).set_index(list(ROW))
    twice = table.index[table.index.duplicated()].unique()
    if len(twice):
        raise CohortError(
            f"{file}: lesions appear twice. To do: write the record again from the lead's page",
            [_who(cast(LesionKey, key)) for key in twice],
        )
    return table


def _item_columns(file: Path, clinical: Mapping[str, ClinicalVariable]) -> list[tuple[str, ClinicalVariable]]:
    """The columns of answers.csv that belong to clinical variables."""
    header = content_of(file).split(b"\n", 1)[0].decode("utf-8-sig", errors="replace").strip()
    columns = [column.strip('"') for column in header.replace(";", ",").split(",")]
    return [(column, clinical[name]) for column in columns if (name := column.rpartition("_")[0]) in clinical]


def with_answers(
    section: CohortSection, identified: pd.DataFrame, record: RoomRecord
) -> tuple[pd.DataFrame, list[str], list[str]]:
    """Fill clinical variables from the record.

    Parameters
    ----------
    section : of the study file.
    identified : the table's rows, indexed (patient, lesion).
    record : of the reading room.

    Returns
    -------
    The rows; notes on what was filled; cells in which table and record contradict each other.
    """
    notes: list[str] = []
    problems: list[str] = []
    filled = identified
    for name, final in record.finals(section).items():
        variable = section.clinical[name]
        column = variable.column or name
        given = cast(pd.DataFrame, record.answers)[final].reindex(identified.index)
        if column in identified.columns:
            own = identified[column]
            problems += _contradictions(own, given, name, variable, section.table)
            given = own.where(own.notna(), given)
            new = int((own.isna() & given.notna()).sum())
        else:
            new = int(given.notna().sum())
        if new or column not in identified.columns:
            notes.append(f"{name} of {new} of {len(given)} lesion(s) is the reading room's final value.")
        filled = filled.assign(**{column: given})
    if record.answers is not None:
        strange = [_who(cast(LesionKey, key)) for key in record.answers.index if key not in identified.index]
        if strange:
            notes.append(f"The reading room has answers on lesions that {section.table} lacks: {', '.join(strange)}.")
    return filled, notes, problems


def _contradictions(
    own: pd.Series[str], given: pd.Series[str], name: str, variable: ClinicalVariable, table: str
) -> list[str]:
    both = own.notna() & given.notna()
    return [
        TableProblem(
            f"{_who(cast(LesionKey, key))}: '{own.name}' is '{cell}' in {table}, but the readers' final value of "
            f"{name} is '{answer}' ({name}{FINAL} in {ANSWERS.path}). To do: correct or empty the cell, or remove the "
            "column from the table; the answers themselves can only be changed in the reading room",
            rows=[cast(LesionKey, key)],
            column=str(own.name),
        )
        for key, cell, answer in zip(own.index[both], own[both], given[both], strict=True)
        if not _same(cell, answer, variable)
    ]


def _same(cell: str, answer: str, variable: ClinicalVariable) -> bool:
    if variable.levels is not None:
        one, other = as_named(pd.Series([cell, answer]), variable.levels).tolist()
        return bool(one == other)
    try:
        return float(cell) == float(answer)
    except ValueError:
        return cell == answer


def with_exclusions(excluded: pd.DataFrame, identified: pd.DataFrame, record: RoomRecord) -> pd.DataFrame:
    """The excluded rows and those that readers could not evaluate, in the table's order; the table's reason counts."""
    if not record.excluded:
        return excluded
    reasons: dict[Any, str] = {**record.excluded, **excluded["reason"].to_dict()}
    index = pd.MultiIndex.from_tuples(
        [key for key in dict.fromkeys(identified.index) if key in reasons], names=list(ROW)
    )
    return pd.DataFrame({"reason": pd.Series([reasons[key] for key in index], index=index, dtype=object)})


def contradicted_visibility(section: CohortSection, kept: pd.DataFrame, record: RoomRecord) -> list[str]:
    """Sequences on which the cohort table (`cohort.visible`) and the readers contradict each other."""
    problems: list[str] = []
    for patient, lesion, row in each_lesion(kept):
        said = visible_on(section, row)
        if said is None:
            continue
        wrong = [(name, "visible", "not visible") for name in sorted(record.unseen.get((patient, lesion), ()))]
        wrong = [one for one in wrong if one[0] in said]
        hidden = sorted(record.seen.get((patient, lesion), frozenset()) - said)
        wrong += [(name, "not visible", "visible") for name in hidden]
        problems += [
            TableProblem(
                f"{_who((patient, lesion))}, {name}: the lesion is {ours} according to '{section.visible}' in "
                f"{section.table}, but {theirs} according to the readers ({VISIBILITY.path}). To do: correct or empty "
                "the cell",
                rows=[(patient, lesion)],
                column=section.visible or "",
            )
            for name, ours, theirs in wrong
        ]
    return problems


def _with_visibility(protocol: Protocol, file: Path, answers: pd.DataFrame | None) -> RoomRecord:
    table = read_sheet(file).table
    _require(file, table, VISIBILITY.names[:-1])
    notes: list[str] = []
    unseen: dict[LesionKey, set[str]] = {}
    seen: dict[LesionKey, set[str]] = {}
    excluded: dict[LesionKey, list[str]] = {}
    strange = sorted(set(table["sequence"].dropna()) - set(protocol.sequences))
    if strange:
        notes.append(f"{file.name} names sequences that the study file does not have: {', '.join(strange)}.")
    for key, sequence, rows in _by_sequence(table, protocol.sequences):
        visible, evaluable = (_decided(protocol, rows, what, (key, sequence), file, notes)
                              for what in ("visible", "evaluable"))  # fmt: skip
        if evaluable is False and sequence in protocol.cohort.optional_sequences:
            unseen.setdefault(key, set()).add(sequence)
            notes.append(f"{_who(key)}: {sequence} is left out, because it cannot be evaluated{_reason(rows)}.")
        elif evaluable is False:
            excluded.setdefault(key, []).append(f"{sequence} not evaluable{_reason(rows)}")
        elif visible is False:
            unseen.setdefault(key, set()).add(sequence)
        elif visible:
            seen.setdefault(key, set()).add(sequence)
    return RoomRecord(
        answers,
        {key: frozenset(names) for key, names in unseen.items()},
        {key: "; ".join(reasons) for key, reasons in excluded.items()},
        {key: frozenset(names) for key, names in seen.items()},
        tuple(notes),
    )


def _by_sequence(
    table: pd.DataFrame, sequences: Iterable[str]
) -> list[tuple[LesionKey, str, dict[str, dict[str, Any]]]]:
    """Each lesion and sequence with the row of every reader, in the order of the table and of the study's sequences."""
    rows: dict[tuple[LesionKey, str], dict[str, dict[str, Any]]] = {}
    records = cast("list[dict[str, Any]]", table.assign(lesion=table["lesion"].fillna("1")).to_dict("records"))
    for record in sorted(records, key=lambda record: record.get("task") == _FIRST_TASK):
        key = (str(record["patient"]), str(record["lesion"]))
        rows.setdefault((key, str(record["sequence"])), {})[str(record["reader"])] = record
    order = list(dict.fromkeys((str(one["patient"]), str(one["lesion"])) for one in records))
    return [(key, name, rows[key, name]) for key in order for name in sequences if (key, name) in rows]


def _decided(
    protocol: Protocol,
    rows: Mapping[str, Mapping[str, Any]],
    what: str,
    where: tuple[LesionKey, str],
    file: Path,
    notes: list[str],
) -> bool | None:
    """The word that counts on one sequence: see the module. None if nobody said anything, or others are tied."""
    said = {reader: _flag(row[what], where, file) for reader, row in rows.items()}
    known = {reader: word for reader, word in said.items() if word is not None}
    counts = Counter(known.values())
    decided: bool | None = known.get(protocol.reader)
    if decided is None and counts[True] != counts[False]:
        decided = counts[True] > counts[False]
    if len(counts) > 1:
        told = ", ".join(f"{reader} {'yes' if word else 'no'}" for reader, word in sorted(known.items()))
        taken = "nothing is changed" if decided is None else f"'{'yes' if decided else 'no'}' is used"
        notes.append(f"{_who(where[0])}, {where[1]}: readers disagree on {what} ({told}); {taken}.")
    return decided


def _flag(cell: Any, where: tuple[LesionKey, str], file: Path) -> bool | None:
    if cell is None or pd.isna(cell):
        return None
    word = _BOOLEANS.get(str(cell).strip().lower())
    if word is None:
        raise CohortError(
            f"{file}: a cell is neither True nor False. To do: write the record again from the lead's page",
            [f"{_who(where[0])}, {where[1]}: '{cell}'"],
        )
    return word


def _reason(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """The reasons that readers gave, each once, after a colon."""
    reasons = dict.fromkeys(
        str(row["reason"]) for row in rows.values()
        if not pd.isna(row["reason"]) and _BOOLEANS.get(str(row["evaluable"]).lower()) is False
    )  # fmt: skip
    return f": {', '.join(reasons)}" if reasons else ""


def read_summary(protocol: Protocol, data: Path) -> dict[str, Any] | None:
    """Read summary.json of the record; None if there is none.

    Raises
    ------
    CohortError : it cannot be read, or is not as this version writes it.
    """
    file = reading_folder(protocol, data) / SUMMARY.path
    if not file.is_file():
        return None
    try:
        content = json.loads(content_of(file))
        SUMMARY.check(content)
    except (ValueError, TypeError, AttributeError, UndeclaredError) as error:
        raise CohortError(
            f"{file} is not the summary that this version of the reading room writes. To do: write the record again "
            "from the lead's page, or move the file away", [str(error)],
        ) from error  # fmt: skip
    return dict(content)


def _require(file: Path, table: pd.DataFrame, columns: Iterable[str]) -> None:
    missing = [f"'{name}'" for name in columns if name not in table.columns]
    if missing:
        raise CohortError(
            f"{file} is not a table of the reading room: it lacks columns. To do: write the record again from the "
            "lead's page, or move the file away", missing,
        )  # fmt: skip


def _who(key: LesionKey) -> str:
    patient, lesion = key
    return f"Patient {patient}" if lesion == "1" else f"Patient {patient}, lesion {lesion}"
