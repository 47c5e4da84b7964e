"""The error tree of radstudy, with the command line's exit code for each error.

Every expected problem is one of these; anything else that escapes is a bug (exit code 1).
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

_ALIKE, _LIKEWISE = 3, 8  # problems of one kind that are printed whole; places that are named if there are more


class RadstudyError(Exception):
    """Base of every expected error; `exit_code` is what the command line returns."""

    exit_code = 1


class UsageError(RadstudyError):
    """The command was called with arguments that do not fit together."""

    exit_code = 2


class StorageError(RadstudyError):
    """The results cannot be written: no space, no permission, no such disk; finished work is kept."""

    exit_code = 2

    def __init__(self, path: str | Path, reason: str) -> None:
        self.path, self.reason = str(path), reason
        super().__init__(
            f"{path} cannot be written: {reason}. To do: make room, or choose a folder that you may write to, and give "
            "the same command again; finished work is not repeated"
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by its parts."""
        return (StorageError, (self.path, self.reason))


class StoppedError(RadstudyError):
    """The command was asked to stop; finished work is kept.

    Parameters
    ----------
    folder : in which it worked.
    """

    exit_code = 2

    def __init__(self, folder: str | Path) -> None:
        self.folder = str(folder)
        super().__init__(f"stopped, as was asked. Finished work is kept in {folder}; the same command goes on")

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by its parts."""
        return (StoppedError, (self.folder,))


class ProcessError(RadstudyError):
    """No process can be started, or one was ended while it was not working on a file of the user."""

    exit_code = 2

    def __init__(self, problem: str, remedy: str) -> None:
        self.problem, self.remedy = problem, remedy
        super().__init__(f"{problem}. To do: {remedy}")

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by its parts."""
        return (ProcessError, (self.problem, self.remedy))


OF_THE_DISK = {
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR,
}  # fmt: skip


def is_expected(error: BaseException) -> bool:
    """True if an error explains what to do, or comes from a full or closed disk; any other error is a bug."""
    return isinstance(error, RadstudyError) or (isinstance(error, OSError) and error.errno in OF_THE_DISK)


@dataclass(frozen=True)
class FileProblem:
    """One problem of a settings file.

    Parameters
    ----------
    line : counted from 1; None if it belongs to no line.
    place : the names, and numbers in lists, that lead to the setting; () if it belongs to none.
    message : the problem, and what to do.
    """

    line: int | None
    place: tuple[str | int, ...]
    message: str


class StudyFileError(RadstudyError):
    """study.yaml (or a settings file) cannot be understood; names the line and the remedy.

    Attributes
    ----------
    problems : those of single settings, if they are known one by one.
    """

    exit_code = 3

    def __init__(self, message: str, problems: tuple[FileProblem, ...] = ()) -> None:
        super().__init__(message)
        self.problems = problems


class DataError(RadstudyError):
    """Something is wrong with the data of one or more cases."""

    exit_code = 4


class CaseError(DataError):
    """One case cannot be used; names the patient, sequence, reader and file, the problem and the remedy.

    Parameters
    ----------
    problem : what is wrong, with the value seen.
    remedy : what the user can do about it.
    patient, lesion, sequence, reader, file : the case, as far as it is known.

    Examples
    --------
    >>> print(CaseError("the mask is empty", "draw the lesion", patient="017", sequence="DWI", reader="reader2"))
    Patient 017, DWI, reader reader2: the mask is empty. To do: draw the lesion.
    """

    def __init__(
        self,
        problem: str,
        remedy: str = "",
        *,
        patient: str = "",
        lesion: str = "",
        sequence: str = "",
        reader: str = "",
        file: str | Path = "",
    ) -> None:
        self.problem = problem.rstrip(".")
        self.remedy = remedy.rstrip(".")
        self.patient = patient
        self.lesion = lesion
        self.sequence = sequence
        self.reader = reader
        self.file = str(file)
        super().__init__(self._message())

    @property
    def place(self) -> str:
        """Patient, lesion, sequence and reader, as far as they are known."""
        where = [
            f"Patient {self.patient}" if self.patient else "",
            f"lesion {self.lesion}" if self.lesion else "",
            self.sequence,
            f"reader {self.reader}" if self.reader else "",
        ]
        return ", ".join(part for part in where if part)

    def _message(self) -> str:
        place = ", ".join(filter(None, [self.place, f"file {self.file}" if self.file else ""]))
        message = f"{place}: {self.problem}." if place else f"{self.problem}."
        return f"{message} To do: {self.remedy}." if self.remedy else message

    def located(
        self, *, patient: str = "", lesion: str = "", sequence: str = "", reader: str = "", file: str | Path = ""
    ) -> CaseError:
        """The same error, with the parts of its place that were unknown when it was raised."""
        return type(self)(
            self.problem,
            self.remedy,
            patient=self.patient or patient,
            lesion=self.lesion or lesion,
            sequence=self.sequence or sequence,
            reader=self.reader or reader,
            file=self.file or file,
        )

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle with all parts, so that an error raised in a worker process arrives whole."""
        return (_rebuild_case_error, (type(self), self.problem, self.remedy, self.patient, self.lesion, self.sequence,
                                      self.reader, self.file))  # fmt: skip


def _rebuild_case_error(
    kind: type[CaseError], problem: str, remedy: str, patient: str, lesion: str, sequence: str, reader: str, file: str
) -> CaseError:
    return kind(
        problem, remedy, patient=patient, lesion=lesion, sequence=sequence, reader=reader, file=file
    )  # fmt: skip


class TransientError(CaseError):
    """A case failed because of the computer, not because of its own data: the next run tries it again."""


# When reading: another run meets these again, until the study's files are changed.
FINAL = {
    errno.EISDIR: "it is a folder",
    errno.ENOTDIR: "a part of its path is a file, not a folder",
    errno.ENAMETOOLONG: "its name is too long",
    errno.ELOOP: "it is a link to itself",
    errno.EINVAL: "the system does not accept its name",
    errno.EILSEQ: "its name contains letters that the disk does not support",
}
# When reading: another run may not meet these. A number in neither list is treated as one of them.
TRANSIENT = {
    **dict.fromkeys((errno.ENOENT, errno.ENXIO, errno.ENODEV, errno.ESTALE), "it is not there at the moment"),
    **dict.fromkeys((errno.EACCES, errno.EPERM), "it may not be read"),
    **dict.fromkeys((errno.EIO, errno.EBADF), "the disk or the share reports an error"),
    **dict.fromkeys((errno.ENOMEM, errno.ENOBUFS), "there is not enough memory"),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), "too many files are open"),
    **dict.fromkeys((errno.EAGAIN, errno.EBUSY, errno.EINTR, errno.EDEADLK, errno.ENOLCK), "it is in use elsewhere"),
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EROFS), "there is no room for a copy of it"),
    **dict.fromkeys(
        (errno.ETIMEDOUT, errno.EHOSTDOWN, errno.EHOSTUNREACH, errno.ENETDOWN, errno.ENETUNREACH, errno.ENETRESET,
         errno.ECONNRESET, errno.ECONNREFUSED, errno.ECONNABORTED, errno.ENOTCONN, errno.EPIPE, errno.ESHUTDOWN),
        "the share does not answer",
    ),
}  # fmt: skip


def unreadable(error: OSError, file: str | Path) -> CaseError:
    """The error for a file that cannot be read: a `TransientError` if another run may be able to read it.

    Parameters
    ----------
    error : from the system; one without a number concerns the content, and is final.
    file : the file.
    """
    code = error.errno
    if code is None or code in FINAL:
        why = FINAL.get(code, str(error)) if code is not None else str(error)
        return CaseError(f"the file cannot be read: {why}", "correct the path or export the file again", file=file)
    if code == errno.ENOENT:
        return TransientError("the file does not exist", "correct the path or add the file", file=file)
    why = f"{TRANSIENT[code]} ({os.strerror(code)})" if code in TRANSIENT else os.strerror(code)
    remedy = "make sure that the disk or share is connected and the file readable, then give the same command again"
    return TransientError(f"the file cannot be read now: {why}", remedy, file=file)


class TableProblem(str):
    """A problem of a table as a sentence, with the cells that it concerns, so that a page can show it beside them.

    Parameters
    ----------
    text : the sentence.
    rows : (patient, lesion) of the rows.
    lines : numbers of rows in the file, counted from 1, where these are known instead.
    column : name of the column; "" for the whole row.
    """

    __slots__ = ("column", "lines", "rows")

    def __new__(
        cls, text: str, *, rows: Iterable[tuple[str, str]] = (), lines: Iterable[int] = (), column: str = ""
    ) -> TableProblem:
        """A sentence with its cells."""
        problem = super().__new__(cls, text)
        problem.rows = tuple((str(patient), str(lesion)) for patient, lesion in rows)
        problem.lines = tuple(map(int, lines))
        problem.column = column
        return problem

    rows: tuple[tuple[str, str], ...]
    lines: tuple[int, ...]
    column: str


class CohortError(DataError):
    """Several problems in the cohort, all listed at once."""

    def __init__(self, heading: str, problems: Sequence[str]) -> None:
        self.heading = heading
        self.problems = tuple(problems)
        parts = [(place if colon else "", problem, rest) for problem in self.problems
                 for place, colon, rest in (problem.partition(": "),)]  # fmt: skip
        lines = "\n".join(f"  {number}. {problem}" for number, problem in enumerate(_grouped(parts), 1))
        super().__init__(f"{heading}\n{lines}")

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle by its parts."""
        return (CohortError, (self.heading, self.problems))


class RefusedError(RadstudyError):
    """The input does not fit the model or signature that it was given to, or what is asked may not be done yet; nothing
    was computed.
    """

    exit_code = 5


def grouped(errors: Iterable[CaseError]) -> list[str]:
    r"""The errors as lines; for each kind, the first in full and the places of the others.

    Examples
    --------
    >>> print(*grouped(CaseError("the mask is empty", patient=f"P{number}") for number in range(1, 7)), sep="\n")
    Patient P1: the mask is empty.
        and 5 more like this: Patient P2; Patient P3; Patient P4; Patient P5; Patient P6
    """
    parts = [(error.place, str(error), f"{error.problem}. {error.remedy}") for error in errors]
    return _grouped([(place, whole, re.sub(r"'[^']*'|\S*[/\\]\S*", "'", rest)) for place, whole, rest in parts])


def _grouped(parts: Iterable[tuple[str, str, str]]) -> list[str]:
    """Lines from tuples (place, whole message, common part of messages of one kind)."""
    kinds: dict[str, list[tuple[str, str]]] = {}
    for place, whole, common in parts:
        kinds.setdefault(common if place else whole, []).append((place, whole))
    lines: list[str] = []
    for alike in kinds.values():
        if len(alike) <= _ALIKE:
            lines += [whole for _, whole in alike]
            continue
        places = list(dict.fromkeys(place for place, _ in alike[1:]))
        more = f" and {len(places) - _LIKEWISE} more" if len(places) > _LIKEWISE else ""
        listed = "; ".join(places[:_LIKEWISE])
        lines.append(f"{alike[0][1]}\n    and {len(alike) - 1} more like this: {listed}{more}")
    return lines
