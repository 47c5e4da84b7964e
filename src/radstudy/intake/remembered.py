"""What earlier imports have left in the private folder, for those to come."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from radstudy.kept import DamagedRecordError
from radstudy.store import read_json

Kind = TypeVar("Kind", dict[str, Any], list[Any])


def remembered(file: Path, kind: type[Kind], lost: str) -> Kind:
    """A JSON file of the private folder; empty where there is none yet.

    Parameters
    ----------
    file : to read.
    kind : dict or list, as it was written.
    lost : what an import without it does not know, for the message.

    Raises
    ------
    DamagedRecordError : it is damaged. It cannot be made again of this import's images alone, so the user decides.
    """
    if not file.is_file():
        return kind()
    try:
        found = read_json(file)
    except (OSError, ValueError) as error:
        problem = f"cannot be read ({type(error).__name__})"
    else:
        if isinstance(found, kind):
            return found
        problem = "does not hold what an import writes"
    raise DamagedRecordError(
        f"{file} {problem}: it is damaged. Without it {lost}. To do: restore it from a copy; or delete it, and import "
        "all sources again"
    )
