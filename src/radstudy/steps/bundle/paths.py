"""Paths of a study file without what they tell of a computer: its disks, folders and users."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

OUTSIDE = "OUTSIDE_THE_DATA_FOLDER"


def without_places(settings: Any, data: Path) -> Any:
    """Settings whose absolute paths start from the data folder; of a path that lies outside, its last part is left.

    Parameters
    ----------
    settings : mappings, lists and values.
    data : folder that relative paths start from.
    """
    if isinstance(settings, dict):
        return {name: without_places(one, data) for name, one in settings.items()}
    if isinstance(settings, list | tuple):
        return [without_places(one, data) for one in settings]
    if not isinstance(settings, str) or "\n" in settings:
        return settings
    if not PurePosixPath(settings).is_absolute() and not PureWindowsPath(settings).is_absolute():
        return settings
    try:
        return Path(settings).relative_to(data).as_posix()
    except ValueError:
        return f"{OUTSIDE}/{PureWindowsPath(settings).name}"
