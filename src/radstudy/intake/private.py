"""The private folder with what identifies patients: accessible only to its owner, checked, and reported if not."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from radstudy.errors import UsageError
from radstudy.store import make_folders, storing

_OTHERS = stat.S_IRWXG | stat.S_IRWXO  # permissions of group and others
# files written by an import; a folder with anything else is not used only for imports
_OWN = {"pseudonyms.csv", "pseudonyms.csv.key", "persons.json", "review.json", "skipped.csv", "failures.json",
        "drawings.json", "drawings", "pulled", "asked"}  # fmt: skip
_told: set[Path] = set()  # folders already reported in this process as impossible to protect


def private_folder(path: Path, say: Callable[[str], None] = lambda message: None) -> None:
    """Create the private folder with mode 0700, or remove the access of others to an existing one.

    A folder that also holds other files, or belongs to another user, may be open for a reason: it is not changed, and
    refused. If the file system has no permissions (Windows, FAT, some network shares), this is reported once, and the
    import continues.

    Parameters
    ----------
    path : the folder.
    say : prints a message.

    Raises
    ------
    UsageError : others may read the folder, and this program must not change its permissions.
    StorageError : it cannot be created.
    """
    with storing(path):
        existed = path.is_dir()
        make_folders(path, private=True)
        if not _has_permissions(path):
            if path.resolve() not in _told:
                _told.add(path.resolve())
                say(
                    f"{path} cannot be closed to others: its file system has no permissions (Windows, FAT, a network "
                    "share). It identifies patients. To do: make sure that no one else can open it, or give --private "
                    "a folder on a disk that has permissions"
                )
            return
        if existed:
            _close(path, say)


def _has_permissions(folder: Path) -> bool:
    """True if the file system keeps the permissions of a new folder created in this one."""
    probe = Path(tempfile.mkdtemp(prefix=".part-", dir=folder))
    try:
        return not stat.S_IMODE(probe.stat().st_mode) & _OTHERS
    finally:
        probe.rmdir()


def _close(path: Path, say: Callable[[str], None]) -> None:
    """Remove the permissions of group and others from the folder and its contents, and report it."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & _OTHERS:
        foreign = sorted(file.name for file in path.iterdir() if file.name not in _OWN and file.name[0] != ".")
        if foreign or path.stat().st_uid != os.geteuid():
            why = (
                f"it also holds {foreign[0]}, which no import has written" if foreign else "it belongs to another user"
            )
            raise UsageError(
                f"{path} will hold data that identify patients, but others may open it (mode {mode:04o}); {why}, so "
                "its permissions were not changed. Nothing was imported. To do: give --private a separate folder, or "
                f"close this one: chmod 700 '{path}'"
            )
        path.chmod(mode & ~_OTHERS)
    opened = [file for file in _inside(path) if stat.S_IMODE(file.stat().st_mode) & _OTHERS]
    for file in opened:
        file.chmod(stat.S_IMODE(file.stat().st_mode) & ~_OTHERS)
    if mode & _OTHERS:
        more = f", and so are {len(opened)} files and folders in it" if opened else ""
        say(f"{path} identifies patients and was open to others (mode {mode:04o}): it is now closed (0700){more}")
    elif opened:
        say(f"{len(opened)} files and folders in {path} were open to others: only their owner can open them now")


def _inside(folder: Path) -> Iterator[Path]:
    """Yield all files and folders below a folder, except links."""
    for place, folders, files in os.walk(folder):
        yield from (file for name in (*folders, *files) if not (file := Path(place) / name).is_symlink())
