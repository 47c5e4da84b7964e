"""review.csv and review.xlsx: questions to a reader, and the answers, read back and checked.

Both tables are the same; a reader fills in either. A key begins with a letter, so that no spreadsheet takes it for a
number: v for a volume, m for a segmentation or structure set, x for the choice between a patient's examinations.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from pathlib import Path

from radstudy.cells import unguarded
from radstudy.errors import DataError, UsageError
from radstudy.intake.csv_rows import read_rows, write_rows
from radstudy.intake.remembered import remembered
from radstudy.store import write_bytes, write_json
from radstudy.workbook import saved, write_text

REVIEW_COLUMNS = [
    "patient", "role", "reader", "suggested", "file", "description", "reason", "kind", "points", "evidence", "images",
    "plane", "b_value", "seconds", "examination", "series", "warnings", "volume",
]  # fmt: skip
_NEEDED = ("patient", "role", "volume")
ANSWERED = ("role", "reader")  # the columns that a reader fills in
NOT_WANTED, NO_SERIES = "-", "--"
VOLUME, MASK, EXAMINATION = "v", "m", "x"
CSV, XLSX = "review.csv", "review.xlsx"
_WRITTEN = "review.json"  # in the private folder: the answers that the import has written into both tables
_KEY = re.compile(rf"([{VOLUME}{MASK}{EXAMINATION}]?)([0-9a-f]{{16}})")
_ROLE = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_READER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_KNOWN_ROLES = re.compile(r"T2WI|T1WI|DWI|DWI_b\d+|DCE[1-9]\d*")
_ALIKE = 0.75
_HERE = "this answer"  # place of an answer that is in no table yet


@dataclass(frozen=True)
class Answers:
    """A reader's answers.

    Parameters
    ----------
    roles : mark of a volume to its role; "-" leaves the volume out, "--" every volume of its series without an answer.
    readers : mark of a drawing to its reader; "-" leaves it out.
    examinations : mark of a patient's examinations to the number of the one to take, or first or last.
    places : mark to the position of the answer, for messages.
    """

    roles: Mapping[str, str] = field(default_factory=dict)
    readers: Mapping[str, str] = field(default_factory=dict)
    examinations: Mapping[str, str] = field(default_factory=dict)
    places: Mapping[str, str] = field(default_factory=dict)

    def without(self, known: Iterable[str]) -> list[str]:
        """List the positions of answers whose keys are not known."""
        known = set(known)
        return [place for mark, place in self.places.items() if mark not in known]


def key_of(kind: str, mark: str) -> str:
    """The key by which the tables show a mark."""
    return f"{kind}{mark}"


def mark_of(key: str) -> str:
    """The mark of a table's key, with or without its letter; "" if it is not a key."""
    match = _KEY.fullmatch(key.strip())
    return match.group(2) if match else ""


def read_answers(out: Path, private: Path) -> Answers:
    """Read the answers in review.csv and review.xlsx; what was changed in one of them counts.

    Parameters
    ----------
    out, private : output folder and private folder of the import.

    Raises
    ------
    DataError : a table cannot be read, or has lost its columns.
    UsageError : an answer has an invalid key; the two tables disagree; a role or reader cannot be used, or resembles
        one that exists.
    """
    tables = {name: rows for name in (CSV, XLSX) if (rows := _read(out / name)) is not None}
    for name, rows in tables.items():
        gone = [column for column in _NEEDED if rows and column not in rows[0]]
        if gone:
            raise DataError(f"{out / name}: the column '{gone[0]}' is missing. To do: delete the file and import again")
    problems: list[str] = []
    given = {name: _given(name, rows, problems) for name, rows in tables.items()}
    merged = _merged(given, _written(private), problems)
    places = {mark: row.place for mark, row in merged.items()}
    by_kind: dict[str, dict[str, str]] = {VOLUME: {}, MASK: {}, EXAMINATION: {}}
    for mark, row in merged.items():
        by_kind[row.kind][mark] = row.answer
    problems += [problem for mark, row in merged.items() if (problem := _unfit(row))]
    problems += _spelt_alike([row for row in merged.values() if row.kind == VOLUME])
    if problems:
        raise UsageError(
            "\n  ".join([f"{out / CSV}: answers that cannot be used; nothing was written:", *dict.fromkeys(problems)])
        )
    return Answers(by_kind[VOLUME], by_kind[MASK], by_kind[EXAMINATION], places)


def check_matched(answers: Answers, known: Iterable[str], out: Path) -> None:
    """Refuse answers whose keys do not belong to anything imported.

    Raises
    ------
    UsageError : there are such answers.
    """
    lost = answers.without(known)
    if lost:
        raise UsageError(
            "\n  ".join(
                [
                    f"{out / CSV}: answers to questions that are no longer asked; nothing was written:",
                    *(f"{place}: no volume, mask or examination has this key" for place in lost),
                    "To do: delete these rows (or restore their keys, column volume; series.csv lists those of all "
                    "volumes) and import again",
                ]
            )
        )


@dataclass(frozen=True)
class StandingAnswer:
    """The answer to a question as the two tables have it now.

    Parameters
    ----------
    answer : the one that counts; "" if there is none.
    disputed : the answer in review.xlsx, if both tables were changed since the import and disagree; None if not.
    outdated : True if review.xlsx has another answer than the one that counts, which was changed there.
    """

    answer: str
    disputed: str | None = None
    outdated: bool = False


def standing_answers(
    out: Path, private: Path, workbook: Sequence[Mapping[str, str]] | None
) -> dict[str, StandingAnswer]:
    """Map the mark of each question to its answer, by the same rule as `read_answers`, whatever else is wrong.

    Parameters
    ----------
    out, private : output folder and private folder of the import.
    workbook : the rows of review.xlsx (`read_workbook`); None if there is none.
    """
    tables = {CSV: read_rows(out / CSV), XLSX: workbook or []}
    given = {name: _given(name, rows, []) for name, rows in tables.items()}
    written = _written(private)
    standing = {}
    for mark in dict.fromkeys(mark for rows in given.values() for mark in rows):
        one, other = (given[name][mark].answer if mark in given[name] else None for name in (CSV, XLSX))
        before = written.get(mark, "")
        ours, theirs = one not in (None, before), other not in (None, before)
        answer = (one if ours or other is None or not theirs else other) or ""
        disputed = other if ours and theirs and one != other else None
        standing[mark] = StandingAnswer(answer, disputed, theirs)
    return standing


def read_workbook(out: Path) -> list[dict[str, str]] | None:
    """The rows of review.xlsx; None if there is none.

    Raises
    ------
    DataError : it cannot be read.
    """
    return _read(out / XLSX)


def answer_problem(key: str, answer: str, others: Iterable[str] = ()) -> str:
    """Explain why an answer to a question cannot be used; "" if it can.

    Parameters
    ----------
    key : of the question, as in the column volume.
    answer : a role, reader or examination.
    others : the roles in answers to other questions.
    """
    match = _KEY.fullmatch(key)
    if match is None:
        return f"'{key}' is not the key of a question"
    if not answer:
        return ""
    kind = match.group(1) or VOLUME
    problem = _unfit(_Row(kind, answer, _HERE))
    if not problem and kind == VOLUME:
        rows = [_Row(VOLUME, answer, _HERE), *(_Row(VOLUME, other, "") for other in others)]
        alike = [text for text in _spelt_alike(rows) if _HERE in text]
        problem = alike[0].replace(f" ({_HERE})", "").replace(" ()", "") if alike else ""
    return problem.removeprefix(f"{_HERE}: ")


def write_review(rows: Sequence[Mapping[str, str]], out: Path, private: Path) -> None:
    """Write both tables, and keep a separate copy of the answers, so that a later change in one table is noticed.

    Columns that a reader has added (remarks) are kept with their rows.
    """
    own = _own_columns(out)
    rows = [{**row, **own.get(mark_of(row.get("volume", "")), {})} for row in rows]
    columns = list(dict.fromkeys([*REVIEW_COLUMNS, *(name for row in own.values() for name in row)]))
    write_rows(out / CSV, columns, rows)
    write_bytes(out / XLSX, _workbook(rows, columns))
    answers = {row["volume"]: [row.get(column, "") for column in ANSWERED] for row in rows if row.get("volume")}
    write_json(private / _WRITTEN, answers, private=True)


def _own_columns(out: Path) -> dict[str, dict[str, str]]:
    """Map marks to the texts in columns that a reader has added; if the two tables differ, both texts are kept."""
    texts_of: dict[str, dict[str, str]] = {}
    for name in (CSV, XLSX):
        for row in _read(out / name) or ():
            mark = mark_of(row.get("volume", ""))
            for column, text in row.items():
                if mark and column not in REVIEW_COLUMNS:
                    texts = [texts_of.setdefault(mark, {}).get(column, ""), text]
                    texts_of[mark][column] = " / ".join(dict.fromkeys(filter(None, texts)))
    return texts_of


def read_review(out: Path) -> list[dict[str, str]]:
    """Read the rows of review.csv, as written by an import or filled in by a reader."""
    return [{**dict.fromkeys(REVIEW_COLUMNS, ""), **row} for row in read_rows(out / CSV)]


@dataclass(frozen=True)
class _Row:
    """One answer."""

    kind: str
    answer: str
    place: str


def _given(name: str, rows: Sequence[Mapping[str, str]], problems: list[str]) -> dict[str, _Row]:
    """Map marks to the answers of one table, including empty ones."""
    answers: dict[str, _Row] = {}
    for number, row in enumerate(rows, 2):
        key = row.get("volume", "").strip()
        place = f"{name}, row {number} (patient {row.get('patient', '')}, series {row.get('series', '') or '-'})"
        role, reader = (row.get(column, "").strip() for column in ANSWERED)
        match = _KEY.fullmatch(key)
        if match is None:
            if role or reader:
                problems.append(
                    f"{place}: '{key}' in the column volume is not a key (a spreadsheet may have changed it). "
                    f"To do: answer in {XLSX}, or delete the row and import again"
                )
            continue
        kind = match.group(1) or VOLUME
        if kind == MASK and role not in ("", NOT_WANTED):
            problems.append(f"{place}: a mask needs the name of its reader in the column reader, not a role")
            continue
        if kind != MASK and reader:
            problems.append(f"{place}: only masks have a reader; '{reader}' cannot be used here")
            continue
        answer = (reader or role) if kind == MASK else role
        mark = match.group(2)
        if mark in answers and answers[mark].answer != answer:
            problems.append(f"{place}: another row has the same key but a different answer")
        answers[mark] = _Row(kind, answer, place)
    return answers


def _merged(
    given: Mapping[str, Mapping[str, _Row]], written: Mapping[str, str], problems: list[str]
) -> dict[str, _Row]:
    """Merge the answers of both tables: one that differs from what the import has written is the newer one."""
    merged: dict[str, _Row] = {}
    for mark in dict.fromkeys(mark for rows in given.values() for mark in rows):
        rows = [rows[mark] for rows in given.values() if mark in rows]
        changed = [row for row in rows if row.answer != written.get(mark, "")]
        if len({row.answer for row in changed}) > 1:
            one, other = changed
            problems.append(
                f"{one.place} says '{one.answer}', but {other.place} '{other.answer}'. To do: make them equal, or "
                "delete one of the two files"
            )
        chosen = (changed or rows)[0]
        if chosen.answer:
            merged[mark] = chosen
    return merged


def _written(private: Path) -> dict[str, str]:
    file = private / _WRITTEN
    known = remembered(file, dict, "it is not known which answers of a reader are new")
    return {mark_of(key): next(filter(None, values), "") for key, values in known.items()}


def _unfit(row: _Row) -> str:
    """Explain why an answer cannot be used; "" if it can."""
    if row.answer == NOT_WANTED or (row.answer == NO_SERIES and row.kind == VOLUME):
        return "" if row.kind != EXAMINATION else f"{row.place}: write the number of the examination, or first or last"
    if row.kind == MASK:
        return "" if _READER.fullmatch(row.answer) else (
            f"{row.place}: the reader '{row.answer}' cannot be used. To do: use letters, digits, _ and - (ASCII only), "
            "such as reader1, or a single - to leave the mask out"
        )  # fmt: skip
    if row.kind == EXAMINATION:
        fits = row.answer in ("first", "last") or re.fullmatch(r"[1-9]\d*", row.answer)
        return "" if fits else (
            f"{row.place}: '{row.answer}' is not an examination. To do: write its number, or first or last"
        )  # fmt: skip
    if not _ROLE.fullmatch(row.answer):
        return (
            f"{row.place}: the role '{row.answer}' cannot be used. To do: use letters, digits, _ and -, such as T2WI, "
            "DWI_b1000 or DCE3, a single - to leave the volume out, or -- for its whole series"
        )
    meant = role_meant(row.answer)
    return f"{row.place}: the role '{row.answer}' is not known. Did you mean {meant}?" if meant else ""


def role_meant(answer: str) -> str:
    """The known role that an answer resembles; "" if it is one, or a different name altogether.

    Examples
    --------
    >>> role_meant("t2wi"), role_meant("dwi-B0800"), role_meant("T2W"), role_meant("T2WI_sag"), role_meant("DCE3")
    ('T2WI', 'DWI_b800', 'T2WI', '', '')
    """
    if _KNOWN_ROLES.fullmatch(answer):
        return ""
    plain = re.sub(r"[_\-\s]+", "", answer).upper()
    stem, number = re.fullmatch(r"(.*?)(\d*)", plain).groups()  # type: ignore[union-attr]
    number = number.lstrip("0") or number[-1:]
    if stem == "DCE" and number not in ("", "0"):
        return f"DCE{number}"
    if stem in ("DWI", "DWIB") and number:
        return f"DWI_b{number}"
    for kind in ("T2WI", "T1WI", "DWI", "DCE"):
        if plain == kind:
            return "" if answer == kind else kind
        longer = answer.startswith(kind)  # the user's own name, such as T2WI_sag
        letters = stem if kind == "DCE" else plain
        near = SequenceMatcher(None, letters, kind).ratio() >= _ALIKE or sorted(letters) == sorted(kind)
        if near and not longer and abs(len(letters) - len(kind)) <= 1:
            return f"{kind}{number}" if kind == "DCE" and number else kind
    return ""


def _spelt_alike(rows: Sequence[_Row]) -> list[str]:
    """Messages on the user's own roles that differ only in case or in _ and -."""
    spellings: dict[str, dict[str, str]] = {}
    for row in rows:
        spellings.setdefault(re.sub(r"[_-]", "", row.answer).upper(), {}).setdefault(row.answer, row.place)
    return [
        " and ".join(f"'{answer}' ({place})" for answer, place in places.items())
        + ": the same role in several spellings? To do: use one spelling"
        for plain, places in spellings.items()
        if plain and len(places) > 1
    ]


def _read(file: Path) -> list[dict[str, str]] | None:
    """Read the rows of a table as text; None if the file does not exist."""
    if not file.is_file():
        return None
    return read_rows(file) if file.suffix == ".csv" else _read_workbook(file)


def _read_workbook(file: Path) -> list[dict[str, str]]:
    from openpyxl import load_workbook

    try:
        sheet = load_workbook(io.BytesIO(file.read_bytes()), data_only=True).worksheets[0]
        lines = [[_text(value) for value in line] for line in sheet.iter_rows(values_only=True)]
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, IndexError) as error:
        raise DataError(
            f"{file}: the table cannot be read ({type(error).__name__}). To do: save it again as .xlsx, or delete it "
            f"and answer in {CSV}"
        ) from error
    names = lines[0] if lines else []
    rows = [{name: cell for name, cell in zip(names, line, strict=False) if name} for line in lines[1:]]
    return [row for row in rows if any(row.values())]


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else unguarded(str(value))


def _workbook(rows: Sequence[Mapping[str, str]], columns: Sequence[str]) -> bytes:
    """The table as .xlsx: every cell as text, the columns to fill in coloured; the same rows yield the same bytes."""
    import datetime

    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font, PatternFill
    from openpyxl.utils import get_column_letter

    book = Workbook()
    book.properties.created = book.properties.modified = datetime.datetime(2000, 1, 1)
    sheet = book.worksheets[0]
    sheet.title = "review"
    widths = {"description": 34, "reason": 60, "evidence": 40, "volume": 20, "role": 14, "reader": 14}
    for number, name in enumerate(columns, 1):
        head = sheet.cell(1, number)
        write_text(head, name)
        head.font = Font(bold=True)
        sheet.column_dimensions[get_column_letter(number)].width = widths.get(name, 12)
        for line, row in enumerate(rows, 2):
            cell = sheet.cell(line, number)
            cell.number_format = "@"  # an answer that is typed in stays text
            if text := str(row.get(name, "")):
                write_text(cell, text)
            cell.alignment = Alignment(vertical="top", wrap_text=name in ("description", "reason", "evidence"))
            if name in ANSWERED:
                cell.fill = PatternFill("solid", start_color="FFF6D6")
    sheet.freeze_panes = "D2"
    return saved(book)


def examination_of(answer: str, count: int, patient: str) -> int:
    """The number, from 1, of the requested examination.

    Raises
    ------
    UsageError : there is no such examination.
    """
    if answer in ("first", "last"):
        return 1 if answer == "first" else count
    if not answer.isdigit():
        raise UsageError(f"--examination takes first or last, not '{answer}'")
    if int(answer) > count:
        raise UsageError(f"{CSV}: patient {patient} has {count} examinations, not {answer}. To do: correct the number")
    return int(answer)
