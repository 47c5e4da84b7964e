"""Files that a command may replace: those that it wrote itself and that have not changed since, and no others.

Next to each file that a command writes at the user's request, the folder ``.radstudy`` keeps a hash under the file's
name. A file without a hash, or with other content, is a user's work.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from radstudy.errors import StorageError, UsageError
from radstudy.store import file_hash, write_text

FOLDER = ".radstudy"
_VOXELS = {".mhd": (".raw", ".zraw"), ".nhdr": (".raw", ".raw.gz")}  # voxel files of a header


def is_own(file: Path) -> bool:
    """True if a command wrote this file, and it has not changed since."""
    record = file.parent / FOLDER / file.name
    try:
        return record.read_text(encoding="utf-8").strip() == file_hash(file)
    except OSError:
        return False


def refuse_foreign(*files: Path) -> None:
    """Refuse to replace a file that no command wrote, or that has changed since.

    Raises
    ------
    UsageError : there are such files; the message names them. Nothing was written.
    """
    foreign = [str(file) for file in files if (file.exists() or file.is_symlink()) and not is_own(file)]
    if foreign:
        raise UsageError(
            f"{', '.join(foreign)}: this already exists, and radstudy did not write it (or it was changed since). "
            "Nothing was written. To do: choose another --out, or move the file away"
        )


def remember(*files: Path) -> None:
    """Record that a command wrote these files, with their present content."""
    for file in files:
        if file.is_file():
            write_text(file.parent / FOLDER / file.name, file_hash(file) + "\n")


def files_of(out: Path) -> tuple[Path, ...]:
    """The files that are created when an image is written: itself, and those that may hold its voxels."""
    return (out, *(out.with_name(out.stem + ending) for ending in _VOXELS.get(out.suffix.lower(), ())))


@contextmanager
def owning(*files: Path) -> Iterator[None]:
    """Refuse foreign files, and after the files are written, remember them; see `refuse_foreign`.

    If there is no room to record a new file, it is removed again: the next command would take it for a user's work and
    refuse to go on.
    """
    refuse_foreign(*files)
    new = [file for file in files if not file.exists()]
    yield
    try:
        remember(*files)
    except StorageError:
        for file in new:
            file.unlink(missing_ok=True)
        raise
