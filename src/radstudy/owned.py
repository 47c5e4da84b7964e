"""Files that a command may replace: those that it wrote itself, in the content that it gave them, and no others.

Beside each file that a command writes where its user told it to, the folder ``.radstudy`` keeps a hash under the file's
name. A file without one, or with another content, is somebody's work.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from radstudy.errors import StorageError, UsageError
from radstudy.store import file_hash, write_text

FOLDER = ".radstudy"
_VOXELS = {".mhd": (".raw", ".zraw"), ".nhdr": (".raw", ".raw.gz")}  # of a header, in a file of their own


def is_own(file: Path) -> bool:
    """Whether a command wrote this file, and nobody has changed it since."""
    record = file.parent / FOLDER / file.name
    try:
        return record.read_text(encoding="utf-8").strip() == file_hash(file)
    except OSError:
        return False


def refuse_foreign(*files: Path) -> None:
    """Refuse to write where something is that no command wrote, or that was changed since.

    Raises
    ------
    UsageError : names the files; nothing was written.
    """
    foreign = [str(file) for file in files if (file.exists() or file.is_symlink()) and not is_own(file)]
    if foreign:
        raise UsageError(
            f"{', '.join(foreign)}: this is there already, and it is not what radstudy wrote (or was changed since). "
            "Nothing was written. To do: choose another --out, or move the file away"
        )


def remember(*files: Path) -> None:
    """Note that these files are a command's own, in their present content."""
    for file in files:
        if file.is_file():
            write_text(file.parent / FOLDER / file.name, file_hash(file) + "\n")


def files_of(out: Path) -> tuple[Path, ...]:
    """The files that writing an image makes: itself, and those that may hold its voxels."""
    return (out, *(out.with_name(out.stem + ending) for ending in _VOXELS.get(out.suffix.lower(), ())))


@contextmanager
def owning(*files: Path) -> Iterator[None]:
    """Refuse foreign files, let them be written, and remember them; see `refuse_foreign`.

    Where there is no room to remember a new file by, it is taken away again: the next command would take it for
    somebody's own and refuse to go on.
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
