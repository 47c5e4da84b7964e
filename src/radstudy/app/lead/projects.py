"""The studies in a folder: which there are, where each has its files, and new ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from radstudy.errors import DataError, UsageError
from radstudy.file_names import is_reserved
from radstudy.store import content_hash, make_folders, read_json, storing, write_json

OWN = ".radstudy-app"  # in a folder of studies, and in a study's: what the pages note for themselves
STUDY, IMAGES = "study.yaml", "images"
_KNOWN, _SETUP = "known.json", "setup.json"
_DEPTH, _MOST_FOLDERS = 3, 2_000
_NOT_A_STUDY = {
    "runs",
    "images",
    "masks",
    "report",
    "reading",
    "model",
    "evaluate",
    "prepare",
    "extract",
    "node_modules",
}
_OF_A_STUDY = re.compile(r"^(cohort|preset)\s*:", re.MULTILINE)
_NAME = re.compile(r"[\w][\w .-]{0,79}")
_LARGEST_STUDY_FILE = 1 << 20


class NoSuchStudyError(DataError):
    """The id names no study of this folder."""


@dataclass(frozen=True)
class Project:
    """A study, from its first image to its report; its study file may not exist yet.

    Parameters
    ----------
    study : the study file.
    """

    study: Path

    @property
    def id(self) -> str:
        """Name in addresses of pages: the same for the same file."""
        return content_hash(str(self.study))[:12]

    @property
    def folder(self) -> Path:
        """The folder of the study file."""
        return self.study.parent

    @property
    def name(self) -> str:
        """Name to show: that of the folder, and of the study file unless it is study.yaml."""
        folder = self.folder.parent.name if self.folder.name == "data" else self.folder.name
        return folder if self.study.name == STUDY else f"{folder} · {self.study.stem}"

    @property
    def images(self) -> Path:
        """The folder that the study's import writes."""
        return self.folder / IMAGES

    @property
    def private(self) -> Path:
        """The import's folder for what identifies patients."""
        return self.folder / f"{IMAGES}.private"

    @property
    def run(self) -> Path:
        """The folder of the results: runs/STUDY, or that of `radstudy demo`, which is the one above the data."""
        own, above = self._usual_run, self.folder.parent
        is_demo = self.folder.name == "data" and (above / "cohort").is_dir()
        return above if is_demo and not own.exists() else own

    @property
    def out_option(self) -> list[str]:
        """The option --out of a command on this study; empty where its default is right."""
        return [] if self.run == self._usual_run else ["--out", str(self.run)]

    @property
    def _usual_run(self) -> Path:
        return self.folder / "runs" / self.study.stem

    @property
    def notes(self) -> Path:
        """The folder in which the pages keep their notes on this study; every one can be done without."""
        return self.folder / OWN / self.study.stem

    @property
    def has_study(self) -> bool:
        """True if the study file exists."""
        return self.study.is_file()

    def setup(self) -> dict[str, object]:
        """The answers that were given when the study was begun: where its data come from."""
        try:
            noted = read_json(self.notes / _SETUP)
        except (OSError, ValueError):
            return {}
        return dict(noted) if isinstance(noted, dict) else {}

    def note_setup(self, **said: object) -> None:
        """Keep what was said, beside what was said before."""
        make_folders(self.notes)
        write_json(self.notes / _SETUP, self.setup() | said)

    def changed(self) -> float:
        """Time of the last change, in seconds since 1970."""
        files = (self.study, self.run / "report.html", self.run / "run.log", self.images / "cohort.csv", self.folder)
        return max((file.stat().st_mtime for file in files if file.exists()), default=0.0)


class Projects:
    """The studies of a folder, and others that were opened from it.

    Parameters
    ----------
    folder : in which new studies are made, each in a folder of its own.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()

    def all(self) -> list[Project]:
        """All studies, the one that was changed last first."""
        studies = {project.study: project for project in (*self._in_folder(), *self._known())}
        return sorted(studies.values(), key=Project.changed, reverse=True)

    def get(self, project_id: str) -> Project:
        """The study of an id.

        Raises
        ------
        NoSuchStudyError : there is none.
        """
        for project in self.all():
            if project.id == project_id:
                return project
        raise NoSuchStudyError("there is no such study here any more: go back to the list of studies")

    def begin(self, name: str) -> Project:
        """Begin a study in a new folder.

        Parameters
        ----------
        name : of the folder.

        Raises
        ------
        UsageError : it cannot be a folder's name, or there is one already.
        """
        project = Project(self.new_folder(name) / STUDY)
        project.note_setup()
        return project

    def new_folder(self, name: str) -> Path:
        """Make a folder for a study.

        Parameters
        ----------
        name : of the folder.

        Raises
        ------
        UsageError : it cannot be a folder's name, or there is one already.
        """
        name = name.strip()
        if not _NAME.fullmatch(name) or is_reserved(name):
            raise UsageError(f"'{name}' cannot be a folder's name: use letters, digits, spaces, - and _")
        folder = self.folder / name
        with storing(folder):
            try:
                folder.mkdir(parents=True)
            except FileExistsError:
                raise UsageError(f"{folder} exists already: choose another name") from None
        return folder

    def open(self, path: Path) -> Project:
        """Add a study of another folder to the list.

        Parameters
        ----------
        path : a study file, or a folder with one.

        Raises
        ------
        UsageError : there is no study.
        """
        path = path.expanduser().resolve()
        files = [path] if path.is_file() else [project.study for project in _in(path)] if path.is_dir() else []
        if not files or not _is_study(files[0]):
            raise UsageError(f"{path} is no study file, and no folder with one (study.yaml)")
        make_folders(self.folder / OWN)
        write_json(self.folder / OWN / _KNOWN, list(dict.fromkeys([str(files[0]), *self._opened()])))
        return Project(files[0])

    def _known(self) -> Iterator[Project]:
        yield from (Project(Path(path)) for path in self._opened() if Path(path).is_file())

    def _opened(self) -> list[str]:
        """Study files of other folders, those too whose disk is not there now."""
        try:
            known = read_json(self.folder / OWN / _KNOWN)
        except (OSError, ValueError):
            return []
        return [str(path) for path in known] if isinstance(known, list) else []

    def _in_folder(self) -> Iterator[Project]:
        waiting, seen = [(self.folder, 0)], 0
        while waiting and seen < _MOST_FOLDERS:
            folder, depth = waiting.pop(0)
            seen += 1
            yield from _in(folder)
            if depth < _DEPTH:
                waiting += [(inner, depth + 1) for inner in _inner(folder)]


def _in(folder: Path) -> list[Project]:
    """The studies whose files are in a folder, and one that was begun there and has no file yet."""
    try:
        files = sorted(file for file in folder.iterdir() if file.suffix in (".yaml", ".yml") and _is_study(file))
    except OSError:
        return []
    begun = folder / STUDY
    if begun not in files and (folder / OWN / begun.stem / _SETUP).is_file():
        files.append(begun)
    return [Project(file) for file in files]


def _inner(folder: Path) -> list[Path]:
    try:
        inner = sorted(entry for entry in folder.iterdir() if entry.is_dir() and not entry.is_symlink())
    except OSError:
        return []
    return [entry for entry in inner if entry.name.lower() not in _NOT_A_STUDY and not entry.name.startswith(".")
            and not entry.name.endswith(".private")]  # fmt: skip


def _is_study(file: Path) -> bool:
    """True if a file is named study.yaml, or reads like a study file; it may be broken."""
    if file.name == STUDY:
        return file.is_file()
    try:
        if file.stat().st_size > _LARGEST_STUDY_FILE:
            return False
        return bool(_OF_A_STUDY.search(file.read_text(encoding="utf-8", errors="replace")))
    except OSError:
        return False
