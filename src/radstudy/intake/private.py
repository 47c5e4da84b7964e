"""The folder of what identifies patients: for its owner alone, from its first byte on, checked and said."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from radstudy.errors import UsageError
from radstudy.store import make_folders, storing

_OTHERS = stat.S_IRWXG | stat.S_IRWXO  # what group and others may do
# what an import writes there; a folder with anything else in it is not the import's alone
_OWN = {"pseudonyms.csv", "pseudonyms.csv.key", "persons.json", "review.json", "skipped.csv", "failures.json",
        "drawings.json", "drawings", "pulled"}  # fmt: skip
_told: set[Path] = set()  # folders of which it was said in this process that they cannot be closed


def private_folder(path: Path, say: Callable[[str], None] = lambda message: None) -> None:
    """Make the folder of what identifies patients, with mode 0700, or close it where it is there and open to others.

    A folder that holds other things than an import's, or belongs to somebody else, may be open for a reason: it is left
    as it is and refused. Where the file system has no permissions (Windows, FAT, some network shares), that is said
    once, and the import goes on.

    Parameters
    ----------
    path : of the folder.
    say : prints a message.

    Raises
    ------
    UsageError : others may read the folder, and it is not this program's to close.
    StorageError : it cannot be made.
    """
    with storing(path):
        there = path.is_dir()
        make_folders(path, private=True)
        if not _has_permissions(path):
            if path.resolve() not in _told:
                _told.add(path.resolve())
                say(
                    f"{path} cannot be closed to others: its file system keeps no permissions (Windows, FAT, a network "
                    "share). It identifies patients. To do: make sure that nobody else can open it, or give --private "
                    "a folder on a disk that keeps permissions"
                )
            return
        if there:
            _close(path, say)


def _has_permissions(folder: Path) -> bool:
    """Whether a folder that is made in this one for its owner alone is for its owner alone."""
    probe = Path(tempfile.mkdtemp(prefix=".part-", dir=folder))
    try:
        return not stat.S_IMODE(probe.stat().st_mode) & _OTHERS
    finally:
        probe.rmdir()


def _close(path: Path, say: Callable[[str], None]) -> None:
    """Take from group and others what they may do with the folder and what is in it, and say so."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & _OTHERS:
        foreign = sorted(file.name for file in path.iterdir() if file.name not in _OWN and file.name[0] != ".")
        if foreign or path.stat().st_uid != os.geteuid():
            why = (
                f"it also holds {foreign[0]}, which no import has written" if foreign else "it belongs to somebody else"
            )
            raise UsageError(
                f"{path} is to hold what identifies patients, and others may open it (mode {mode:04o}); {why}, so it "
                "is left as it is. Nothing was imported. To do: give --private a folder of its own, or close this one: "
                f"chmod 700 '{path}'"
            )
        path.chmod(mode & ~_OTHERS)
    opened = [file for file in _inside(path) if stat.S_IMODE(file.stat().st_mode) & _OTHERS]
    for file in opened:
        file.chmod(stat.S_IMODE(file.stat().st_mode) & ~_OTHERS)
    if mode & _OTHERS:
        more = f", and so are {len(opened)} files and folders in it" if opened else ""
        say(f"{path} identifies patients and was open to others (mode {mode:04o}): it is closed now (0700){more}")
    elif opened:
        say(f"{len(opened)} files and folders in {path} were open to others: they are for their owner alone now")


def _inside(folder: Path) -> Iterator[Path]:
    """All files and folders below a folder; what links point to is left out."""
    for place, folders, files in os.walk(folder):
        yield from (file for name in (*folders, *files) if not (file := Path(place) / name).is_symlink())
