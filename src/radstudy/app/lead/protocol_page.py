"""The protocol of a study as a form: read from the study file, checked by the loader alone, written back line by line.

An edit that the loader refuses is never written: it stays in the form, with the loader's message. A file that was
changed since the form was read is never overwritten: the two are shown.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from radstudy.app.lead.projects import Project
from radstudy.app.lead.protocol_edits import FormEdit, edited
from radstudy.app.lead.protocol_settings import FormField, StudySettings
from radstudy.errors import FileProblem, RadstudyError, StorageError, StudyFileError, UsageError
from radstudy.protocol import Protocol
from radstudy.protocol.edit import LineChange, changed_lines, settings_of
from radstudy.protocol.fields import PARTS
from radstudy.protocol.load import parse_protocol
from radstudy.protocol.upgrade import Upgrade, upgrade_of
from radstudy.protocol.yaml_text import read_yaml_text
from radstudy.store import bytes_hash, make_folders, write_bytes

_LOCK, _PATIENCE_S = "study.lock", 20.0


@dataclass(frozen=True)
class Counts:
    """Numbers of features and models that a protocol leads to.

    Parameters
    ----------
    per_sequence : features of one sequence; None if a table brings them.
    sequences, models : their number.
    slow : models that only scikit-learn can refit, to the reason.
    problem : the reason why features cannot be counted; "" if they can.
    """

    per_sequence: int | None
    sequences: int
    models: int
    slow: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""

    @property
    def features(self) -> int | None:
        """Of all sequences."""
        return None if self.per_sequence is None else self.per_sequence * self.sequences


@dataclass(frozen=True)
class StudyFilePage:
    """A study file as a form.

    Parameters
    ----------
    text : of the file with the form's edits; "" if there is no file.
    written : of the file itself.
    version : hash of the file that was read; "" if there is none.
    parts : step to its settings; empty if the text is not YAML.
    problems : of the loader.
    changes : lines that the edits change.
    """

    text: str
    written: str
    version: str
    parts: Mapping[str, tuple[FormField, ...]]
    problems: tuple[FileProblem, ...]
    changes: tuple[LineChange, ...]

    @property
    def may_save(self) -> bool:
        """True if there is something to write, and the loader accepts it."""
        return bool(self.changes) and not self.problems

    @property
    def lines(self) -> list[tuple[int, str, bool]]:
        """The lines of the text, each with its number and whether the edits changed it."""
        new = {change.line + n for change in self.changes for n in range(len(change.after))}
        text = self.text.removeprefix("\ufeff").splitlines()
        return [(number, line, number in new) for number, line in enumerate(text, 1)]

    @property
    def stray(self) -> tuple[FileProblem, ...]:
        """Messages that stand at no field."""
        shown = {
            text for fields in self.parts.values() for one in fields for inner in one.walk() for text in inner.problems
        }
        return tuple(problem for problem in self.problems if problem.message not in shown)

    def differing(self) -> int:
        """The number of settings that differ from what holds without the file's own."""
        inner = (one for fields in self.parts.values() for outer in fields for one in outer.walk())
        return sum(one.differs and one.is_written and one.setting.kind != "group" for one in inner)


@dataclass(frozen=True)
class Saved:
    """The outcome of saving.

    Parameters
    ----------
    is_written : True if the file has the new content.
    changes : lines that were changed.
    problems : for which nothing was written.
    theirs, mine : the file as another wrote it meanwhile, and with one's own edits; None if nobody did. `mine` is
        None if the edits do not fit the other file.
    version : hash of the file as it is now.
    """

    is_written: bool
    changes: tuple[LineChange, ...] = ()
    problems: tuple[FileProblem, ...] = ()
    theirs: str | None = None
    mine: str | None = None
    version: str = ""


def read_page(project: Project, edits: Sequence[FormEdit] = (), text: str | None = None) -> StudyFilePage:
    """The form of a study's file.

    Parameters
    ----------
    project : the study.
    edits : done in the form and not yet written.
    text : of the file as it was written in the form, before the edits; None if only the edits were made.

    Raises
    ------
    EditRefusedError : an edit cannot be done surely.
    StudyFileError : the file cannot be read at all (not UTF-8, too large).
    """
    if not project.has_study:
        return StudyFilePage("", "", "", {}, (), ())
    content = _content(project.study)
    written = content.decode("utf-8")
    new = edited(written if text is None else text, edits)
    _, problems = checked(new)
    parts = _parts(new, problems)
    return StudyFilePage(new, written, bytes_hash(content), parts, problems, changed_lines(written, new))


def save(project: Project, version: str, edits: Sequence[FormEdit] = (), text: str | None = None) -> Saved:
    """Write the edits of a form, if the file is still the one that the form was read from, and the loader accepts it.

    Parameters
    ----------
    project : the study.
    version : hash of the file that was read.
    edits, text : as in `read_page`.

    Raises
    ------
    EditRefusedError : an edit cannot be done surely.
    StorageError : the file cannot be written, or another process writes it for long.
    """
    from filelock import FileLock, Timeout

    make_folders(project.notes)
    try:
        with FileLock(str(project.notes / _LOCK), timeout=_PATIENCE_S):
            return _saved(project.study, version, edits, text)
    except Timeout:
        raise StorageError(project.study, "another process is writing it") from None


def _saved(file: Path, version: str, edits: Sequence[FormEdit], text: str | None) -> Saved:
    content = _content(file)
    written, now = content.decode("utf-8"), bytes_hash(content)
    if now != version:
        return Saved(False, theirs=written, mine=_on_top(written if text is None else text, edits), version=now)
    new = edited(written if text is None else text, edits)
    _, problems = checked(new)
    if problems:
        return Saved(False, problems=problems, version=now)
    encoded = new.encode("utf-8")
    if encoded != content:
        write_bytes(file, encoded)
    return Saved(True, changed_lines(written, new), version=bytes_hash(encoded))


def _on_top(text: str, edits: Sequence[FormEdit]) -> str | None:
    try:
        return edited(text, edits)
    except StudyFileError:
        return None


@lru_cache(maxsize=8)
def checked(text: str) -> tuple[Protocol | None, tuple[FileProblem, ...]]:
    """The protocol of a text, or the loader's problems with it.

    Parameters
    ----------
    text : of a study file.
    """
    try:
        return parse_protocol(text.removeprefix("\ufeff")), ()
    except StudyFileError as error:
        return None, error.problems or (FileProblem(None, (), str(error)),)


def counts(project: Project, edits: Sequence[FormEdit] = (), text: str | None = None) -> Counts | None:
    """The numbers of features and models of a study's form; None while the loader refuses it.

    Parameters
    ----------
    project, edits, text : as in `read_page`.
    """
    protocol = protocol_in_form(project, edits, text)
    return None if protocol is None else counts_of(protocol, project.folder)


def protocol_in_form(project: Project, edits: Sequence[FormEdit] = (), text: str | None = None) -> Protocol | None:
    """The protocol as the form has it; None while the loader refuses it."""
    if not project.has_study:
        return None
    return checked(edited(_content(project.study).decode("utf-8") if text is None else text, edits))[0]


def counts_of(protocol: Protocol, folder: Path) -> Counts:
    """Count the features and models of a protocol, without reading an image.

    Parameters
    ----------
    protocol : the study's.
    folder : that its paths start from.
    """
    from radstudy.features.names import feature_names
    from radstudy.features.of_study import settings_of_study
    from radstudy.modelling.refits.engine.plan import why_not

    slow = {name: why for name in protocol.model.models if (why := why_not(protocol, name))}
    per_sequence, problem = None, ""
    if protocol.features is None:
        try:
            per_sequence = len(feature_names(settings_of_study(protocol.extract, folder)))
        except RadstudyError as error:
            problem = str(error)
    return Counts(per_sequence, len(protocol.sequences), len(protocol.model.models), slow, problem)


def newer_versions(project: Project) -> Upgrade | None:
    """Changes by a newer preset or newer defaults; None if nothing is newer or the file is refused."""
    try:
        return upgrade_of(project.study)
    except RadstudyError:
        return None


def begin_file(project: Project) -> None:
    """Write a study file to adapt: one that fits the study's import, or the reference protocol's.

    A table cohort.csv stays as it is; where there is none, an empty one is written.

    Raises
    ------
    UsageError, DataError : a file exists already, or the import's tables do not fit together.
    """
    from radstudy.protocol.template import write_template
    from radstudy.steps.start import start_from_import

    if project.has_study:
        raise UsageError(f"{project.study} exists already, and is never overwritten: load the page again")
    if (project.images / "cohort.csv").is_file():
        start_from_import(project.folder, project.images)
    else:
        write_template(project.folder, keep_table=True)


def _content(file: Path) -> bytes:
    read_yaml_text(file)  # for its bounds and errors; here the line ends and the byte order mark stay
    return file.read_bytes()


def _parts(text: str, problems: tuple[FileProblem, ...]) -> dict[str, tuple[FormField, ...]]:
    try:
        fields = StudySettings(settings_of(text), problems).fields()
    except StudyFileError:
        return {}
    return {part: tuple(one for one in fields if one.setting.part == part) for part in PARTS}
