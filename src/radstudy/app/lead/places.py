"""Folders and files of this computer, for a page on which one is chosen."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from radstudy.errors import UsageError

_MOST = 500


def listed(path: str, *, start: Path, files: tuple[str, ...] = ()) -> Mapping[str, Any]:
    """The folders in a folder, and its files of some kinds.

    Parameters
    ----------
    path : the folder, or a file in it; "" for the one to start from.
    start : that one.
    files : suffixes of files to list, such as .csv; none by default.

    Returns
    -------
    ``path``, ``parent`` ("" for the topmost), ``folders`` and ``files`` (names), ``more`` (entries left out).

    Raises
    ------
    UsageError : there is no such folder, or it may not be read.
    """
    folder = Path(path).expanduser() if path.strip() else start
    if folder.is_file():
        folder = folder.parent
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name.lower())
    except OSError as error:
        raise UsageError(f"{folder} cannot be opened: {error.strerror}") from None
    folders = [entry.name for entry in entries if _is_folder(entry) and not entry.name.startswith(".")]
    chosen = [
        entry.name for entry in entries if not _is_folder(entry) and entry.name.lower().endswith(files or ("\0",))
    ]
    resolved = folder.resolve()
    return {
        "path": str(resolved), "parent": "" if resolved.parent == resolved else str(resolved.parent),
        "folders": folders[:_MOST], "files": chosen[:_MOST],
        "more": max(0, len(folders) - _MOST) + max(0, len(chosen) - _MOST),
        "entries": len(entries),
    }  # fmt: skip


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
