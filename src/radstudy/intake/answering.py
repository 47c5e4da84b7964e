"""Answers that a page gives: written into review.csv at once, one request after the other, none lost.

review.csv is then the newer of the two tables, by the rule of `radstudy.intake.review`. Only where review.xlsx was
changed as well, both are written, so that the two never contradict each other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from radstudy.errors import UsageError
from radstudy.intake.csv_rows import read_rows, require_columns_of_all, write_rows
from radstudy.intake.review import (
    CSV,
    MASK,
    NO_SERIES,
    NOT_WANTED,
    REVIEW_COLUMNS,
    XLSX,
    StandingAnswer,
    answer_problem,
    mark_of,
    read_workbook,
    standing_answers,
    write_review,
)
from radstudy.store import storing
from radstudy.working import LOCK, worker_in

_SERIES = "series.csv"
_PATIENCE_S = 5.0
Stamp = tuple[int, int, int] | None
_workbooks: dict[Path, tuple[Stamp, list[dict[str, str]] | None]] = {}  # the last reading of each review.xlsx


@dataclass(frozen=True)
class AnswerChange:
    """A change of one answer.

    Parameters
    ----------
    key : of the question, as in the column volume.
    to : the new answer; "" takes the answer back.
    was : the answer that the page has shown: if another one stands there now, nothing is changed.
    """

    key: str
    to: str
    was: str


@dataclass(frozen=True)
class GivenAnswers:
    """Result of a request to change answers.

    Parameters
    ----------
    changed : key to the answer that stood there before.
    refused : key to the reason why its answer was not changed.
    """

    changed: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)


def answers_now(out: Path, private: Path) -> dict[str, StandingAnswer]:
    """Map the mark of each question to the answer that counts now.

    Parameters
    ----------
    out, private : output folder and private folder of the import.
    """
    return standing_answers(out, private, _workbook(out))


def give_answers(out: Path, private: Path, changes: Sequence[AnswerChange]) -> GivenAnswers:
    """Write answers into the review table; each is checked, and one that another page has changed meanwhile is refused.

    A question that the table does not have is taken from series.csv: a volume that was decided on, or left out.

    Parameters
    ----------
    out, private : output folder and private folder of the import.
    changes : of different questions.

    Raises
    ------
    UsageError : an import is working in the folder; it would not see the answers.
    StorageError : the table cannot be written. It then is as it was.
    """
    with _alone(out):
        require_columns_of_all(out / CSV)
        rows = read_rows(out / CSV)
        standing = answers_now(out, private)
        listed = {mark_of(row.get("volume", "")): row for row in rows}
        changed: dict[str, str] = {}
        refused: dict[str, str] = {}
        for change in changes:
            now = standing.get(mark_of(change.key), StandingAnswer("")).answer
            if reason := _why_not(change, now, standing):
                refused[change.key] = reason
                continue
            row = listed.get(mark_of(change.key)) or _added(out, change.key, rows)
            if row is None:
                refused[change.key] = "this question is no longer asked: load the page again"
                continue
            _write_into(row, change)
            changed[change.key] = now
        if changed:
            _write(rows, standing, [mark_of(key) for key in changed], out, private)
        return GivenAnswers(changed, refused)


def _why_not(change: AnswerChange, now: str, standing: Mapping[str, StandingAnswer]) -> str:
    if now not in (change.was, change.to):
        return f"it was answered meanwhile, in another window or in the table: '{now}'" if now else (
            "its answer was taken back meanwhile, in another window or in the table"
        )  # fmt: skip
    mine = mark_of(change.key)
    roles = {one.answer for mark, one in standing.items() if mark != mine} - {"", NOT_WANTED, NO_SERIES}
    return answer_problem(change.key, change.to, roles)


def _added(out: Path, key: str, rows: list[dict[str, str]]) -> dict[str, str] | None:
    """A new row of the review table, from series.csv; None if there is no such volume."""
    for listed in read_rows(out / _SERIES):
        if listed.get("volume") == key:
            row = {**dict.fromkeys(REVIEW_COLUMNS, ""), **{c: t for c, t in listed.items() if c in REVIEW_COLUMNS}}
            rows.append({**row, "role": ""})
            return rows[-1]
    return None


def _write_into(row: dict[str, str], change: AnswerChange) -> None:
    is_mask = change.key.startswith(MASK)
    row["role"], row["reader"] = ("", change.to) if is_mask else (change.to, "")


def _write(
    rows: Sequence[dict[str, str]],
    standing: Mapping[str, StandingAnswer],
    marks: Sequence[str],
    out: Path,
    private: Path,
) -> None:
    if not any(standing[mark].outdated for mark in marks if mark in standing):
        columns = dict.fromkeys([*(rows[0] if rows else ()), *REVIEW_COLUMNS])
        write_rows(out / CSV, list(columns), rows)
        return
    for row in rows:  # the answers that were given in review.xlsx alone
        one = standing.get(mark_of(row.get("volume", "")))
        if one is not None and one.outdated and one.disputed is None and mark_of(row["volume"]) not in marks:
            _write_into(row, AnswerChange(row["volume"], one.answer, ""))
    if any(one.disputed is not None for mark, one in standing.items() if mark not in marks):
        raise UsageError(f"{CSV} and {XLSX} disagree on other questions: answer those first")
    write_review(rows, out, private)


@contextmanager
def _alone(out: Path) -> Iterator[None]:
    """Hold the folder's lock, which an import holds as well."""
    from filelock import FileLock, Timeout

    with storing(out):
        lock = FileLock(str(out / LOCK), timeout=_PATIENCE_S, poll_interval=0.01)
        try:
            lock.acquire()
        except Timeout:
            who = worker_in(out)
            by = "" if who is None else f" (process {who.pid} on {who.host})"
            raise UsageError(f"an import works in this folder{by}: answer when it is done") from None
        try:
            yield
        finally:
            lock.release()


def _workbook(out: Path) -> list[dict[str, str]] | None:
    """The rows of review.xlsx, read again only if the file has changed: that takes a while."""
    stamp = _stamp(out / XLSX)
    if out not in _workbooks or _workbooks[out][0] != stamp:
        _workbooks[out] = stamp, read_workbook(out)
    return _workbooks[out][1]


def _stamp(file: Path) -> Stamp:
    try:
        known = file.stat()
    except FileNotFoundError:
        return None
    return known.st_mtime_ns, known.st_size, known.st_ino  # a file that was replaced is another one
