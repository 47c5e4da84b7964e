"""Unexpected errors: their tracebacks, kept without anything that could name a patient.

Code that goes on after an unforeseen error calls `note`. In a worker process the traceback waits in `collecting` and
comes back with the task's result; in the program it is written to the log of `logged_in` (a run's ``run.log``), and
after `show_on_stderr` to stderr, too. The identifier, such as ``bug-3f2a``, links a traceback to its lines in
``failures.csv``.

A message may quote input: a name, a path, a cell of the cohort's table. The log and the report show it masked
(`masked`); stderr, and the program's own errors, show it as it is.
"""

from __future__ import annotations

import hashlib
import logging
import platform
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from copy import copy
from dataclasses import dataclass, replace
from logging.handlers import RotatingFileHandler
from pathlib import Path
from types import TracebackType

from radstudy._version import __version__
from radstudy.errors import is_expected

LOG = "run.log"  # in the folder of a run
_LOGGER = logging.getLogger(__name__)
_MOST_BYTES, _EARLIER_LOGS = 1_000_000, 3
_DEEPEST = 3  # frames that distinguish one bug from another, whatever the caller
_KEPT_AS = "__radstudy_bug__"  # attribute of an error that has crossed from a worker process
_HIDDEN = "***"

Words = Callable[[], Iterable[str] | None]
"""Returns words that are known to name patients; None if they cannot be determined: then no message is shown."""


# --- a bug ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class CodeFrame:
    """One call of a traceback: file (from the package's folder on, never a user's), line, function."""

    file: str
    line: int
    function: str


@dataclass(frozen=True)
class Link:
    """One error of a chain: its type, its message as it was raised, its frames (outermost first)."""

    kind: str
    message: str
    frames: tuple[CodeFrame, ...]


@dataclass(frozen=True)
class Bug:
    """An unexpected error.

    Parameters
    ----------
    id : such as ``bug-3f2a``: the same for the same error at the same place, in every process and on every computer.
    links : the error, preceded by its causes, the first cause first.
    whole : Python's own traceback, with the message as it is, for stderr.
    doing : the work in progress, such as "extract".
    """

    id: str
    links: tuple[Link, ...]
    whole: str
    doing: str = ""

    @property
    def kind(self) -> str:
        """The error's type."""
        return self.links[-1].kind

    @property
    def said(self) -> str:
        """Type and masked message in one line, with the identifier."""
        message = masked(self.links[-1].message)
        return f"{self.kind}{': ' if message else ''}{message} ({self.id})"

    @property
    def traceback(self) -> str:
        """Type, file, line and function of each frame, and the message as `masked` leaves it."""
        parts = []
        for link in self.links:
            frames = "".join(
                f'  File "{frame.file}", line {frame.line}, in {frame.function}\n' for frame in link.frames
            )
            message = masked(link.message)
            parts.append(f"Traceback (outermost call first):\n{frames}{link.kind}{': ' if message else ''}{message}\n")
        return "\nwhich led to:\n\n".join(parts)


def bug_of(error: BaseException) -> Bug:
    """The bug behind an unexpected error; for an error from a worker process, the worker's bug."""
    known = getattr(error, _KEPT_AS, None)
    if isinstance(known, Bug):
        return known
    links = tuple(_link(one) for one in _chain(error))
    deepest = [[link.kind, *((frame.file, frame.line, frame.function) for frame in link.frames[-_DEEPEST:])]
               for link in links]  # fmt: skip
    digest = hashlib.blake2b(repr(deepest).encode(), digest_size=2).hexdigest()
    return Bug(f"bug-{digest}", links, "".join(traceback.format_exception(error)))


def with_bug(error: Exception, bug: Bug) -> Exception:
    """Attach the bug to an error that will be pickled, so that it keeps the traceback of this process."""
    setattr(error, _KEPT_AS, bug)
    return error


def _chain(error: BaseException) -> list[BaseException]:
    """The error and its causes, the first cause first."""
    chain: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and one not in chain:
        chain.append(one)
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    return chain[::-1]


def _link(error: BaseException) -> Link:
    return Link(type(error).__name__, str(error), tuple(_frames(error.__traceback__)))


def _frames(begin: TracebackType | None) -> Iterator[CodeFrame]:
    for frame, line in traceback.walk_tb(begin):
        yield CodeFrame(_own_path(frame.f_code.co_filename), line or 0, frame.f_code.co_name)


def _own_path(file: str) -> str:
    """A source file's path within its package or library: no home folder, no name of a user."""
    path = Path(file)
    roots = [Path(__file__).parent.parent, *(Path(root) for root in sorted(sys.path, key=len, reverse=True) if root)]
    inside = next((root for root in roots if path.is_relative_to(root)), path.parent)
    return path.relative_to(inside).as_posix()


# --- what is hidden ---------------------------------------------------------------------------------------------------

_PATTERNS = [
    re.compile(pattern)
    for pattern in (
        r"(?:[A-Za-z]:)?[^\s'\"<>()\[\],;=]*[/\\][^\s'\"<>()\[\],;]*",  # paths
        r"[^\s'\"]+\.(?:nii|nii\.gz|nrrd|nhdr|mha|mhd|raw|hdr|img|dcm|ima|seg|csv|tsv|txt|xlsx?|json|npz|parquet|gz)\b",
        r"\b\d+(?:\.\d+){4,}\b",  # DICOM UIDs
        r"[^\s'\"^]+\^[^\s'\"]*",  # a person's name as DICOM writes it
        r"\b(?:\d{4}[-./]\d{1,2}[-./]\d{1,2}|\d{1,2}[-./]\d{1,2}[-./]\d{4}|(?:19|20)\d{6})\b",  # dates
        r"\b\d{6,}\b",  # numbers as long as patient numbers
    )
]
_QUOTED = re.compile(r"'([^'\n]*)'|\"([^\"\n]*)\"")
_A_NAME_OF_OURS = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*\Z")  # of a column, a key, an argument
_WORDS: ContextVar[tuple[Words, ...]] = ContextVar("_WORDS", default=())


@contextmanager
def hiding(words: Words) -> Iterator[None]:
    """Show messages without these words in this context.

    Parameters
    ----------
    words : called when a message must be masked; returns patients' and readers' names, cells, paths.
    """
    before = _WORDS.set((*_WORDS.get(), words))
    try:
        yield
    finally:
        _WORDS.reset(before)


def masked(message: str) -> str:
    """Mask everything in a message that names a patient, or that looks as if it could.

    This hides the words of `hiding` (in any case, and numbers also without leading zeros), paths, names of data files,
    DICOM UIDs and person names, dates, long numbers, and quoted texts that are not lower-case words such as the names
    of columns.

    Examples
    --------
    >>> with hiding(lambda: ["P007", "Huber"]):
    ...     masked("'native_voxels' of p007, drawn by 'Dr Huber' (/data/P007/t2.nii.gz) at 12.03.1961")
    "'native_voxels' of ***, drawn by '***' (***) at ***"
    """
    hidden: set[str] = set()
    for words in _WORDS.get():
        try:
            known = words()
        except Exception:  # in the table, which may have caused the error
            known = None
        if known is None:
            return "(the message is not shown, because it might name a patient)" if message else ""
        hidden.update(word for word in known if word.strip())
    message = _without(message, hidden)
    for pattern in _PATTERNS:
        message = pattern.sub(_HIDDEN, message)
    return _QUOTED.sub(_quoted, message)


def _without(message: str, words: set[str]) -> str:
    """The message without these words, the longest first."""
    numbers = {str(int(word)) for word in words if word.isdecimal()}
    for word in sorted(words | numbers, key=len, reverse=True):
        if word.casefold() in message.casefold():
            message = re.sub(rf"(?<![^\W_]){re.escape(word)}(?![^\W_])", _HIDDEN, message, flags=re.IGNORECASE)
    return message


def _quoted(match: re.Match[str]) -> str:
    text = match[1] if match[1] is not None else match[2]
    mark = match[0][0]
    return match[0] if not text or _A_NAME_OF_OURS.match(text) else f"{mark}{_HIDDEN}{mark}"


# --- keeping ----------------------------------------------------------------------------------------------------------

_COLLECTED: ContextVar[list[Bug] | None] = ContextVar("_COLLECTED", default=None)


def note(error: BaseException, doing: str = "") -> Bug:
    """Keep the traceback of an unexpected error after which the work goes on.

    Parameters
    ----------
    error : as it was caught.
    doing : the work in progress, without names of patients.

    Returns
    -------
    The bug; its identifier must appear wherever the error is reported.
    """
    bug = bug_of(error)
    write(replace(bug, doing=doing or bug.doing))
    return bug


def write(bug: Bug) -> None:
    """Write a bug to the log; within `collecting`, keep it for the process that has the log."""
    collected = _COLLECTED.get()
    if collected is not None:
        collected.append(bug)
        return
    _LOGGER.error("%s", bug.said, extra={"bug": bug})


@contextmanager
def collecting() -> Iterator[list[Bug]]:
    """Collect the bugs noted in this context: a worker process has no log, and returns them with its result."""
    collected: list[Bug] = []
    before = _COLLECTED.set(collected)
    try:
        yield collected
    finally:
        _COLLECTED.reset(before)


@contextmanager
def logged_in(
    file: Path, *, say: Callable[[str], None] = lambda _: None, most_bytes: int = _MOST_BYTES
) -> Iterator[None]:
    """Write bugs in this context to a log; an unexpected error that ends the work is logged, too, and raised again.

    Parameters
    ----------
    file : the log, created for the first bug. When it is full it becomes FILE.1, which becomes FILE.2.
    say : called at the end with a line about the bugs and the file of their tracebacks.
    most_bytes : the size of a full log.
    """
    log = _Log(file, most_bytes)
    _LOGGER.addHandler(log)
    try:
        yield
    except Exception as error:
        if not is_expected(error):
            error.add_note(f"This is {note(error).id}.")
        raise
    finally:
        _LOGGER.removeHandler(log)
        log.close()
        if log.met:
            say(log.told())


class _Log(RotatingFileHandler):
    """A log of bugs. A failure to write it never ends the work."""

    def __init__(self, file: Path, most_bytes: int) -> None:
        super().__init__(file, maxBytes=most_bytes, backupCount=_EARLIER_LOGS, encoding="utf-8", delay=True)
        self.met: dict[str, None] = {}
        self._written: set[str] = set()
        self._problem = ""
        self.file = file
        self.setFormatter(logging.Formatter("%(asctime)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Write the bug with its traceback, or in one line if that traceback was written before."""
        bug = getattr(record, "bug", None)
        if not isinstance(bug, Bug):
            return
        self.met[bug.id] = None
        where, told = f" ({bug.doing})" if bug.doing else "", bug.traceback
        again = told in self._written
        self._written.add(told)
        own = copy(record)
        own.msg, own.args = bug.said + where + (": as above" if again else f"\n{_versions()}\n{told}"), ()
        super().emit(own)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        """Record the reason why the log cannot be written."""
        self._problem = str(sys.exc_info()[1])

    def told(self) -> str:
        """The message for the user at the end."""
        which = ", ".join(self.met)
        if self._problem:
            return (
                f"{which}: the program met unexpected errors, and {self.file} cannot be written "
                f"({self._problem}). To do: make room, give the same command again with --debug, and report the bug"
            )
        return (
            f"{which}: the program met an unexpected error. To do: report it as a bug, with {self.file}: "
            "it contains the traceback, and no names of patients"
        )


def _versions() -> str:
    return f"radstudy {__version__}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"


def show_on_stderr() -> None:
    """Print every bug's own traceback, with the message as it is, as ``--debug`` requests."""
    if not any(isinstance(handler, _ToStderr) for handler in _LOGGER.handlers):
        _LOGGER.addHandler(_ToStderr())


class _ToStderr(logging.Handler):
    """Print bugs as Python does."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print the bug to the present stderr."""
        bug = getattr(record, "bug", None)
        if isinstance(bug, Bug):
            sys.stderr.write(f"{bug.id}:\n{bug.whole}")
