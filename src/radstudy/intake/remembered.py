"""Records in the private folder that imports leave for later ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from radstudy.kept import DamagedRecordError
from radstudy.store import read_json

Kind = TypeVar("Kind", dict[str, Any], list[Any])


def remembered(file: Path, kind: type[Kind], lost: str) -> Kind:
    """Read a JSON file of the private folder; empty if there is none yet.

    Parameters
    ----------
    file : the file to read.
    kind : dict or list, as it was written.
    lost : the consequence of its loss, for the message.

    Raises
    ------
    DamagedRecordError : it is damaged. This import's images do not suffice to restore it, so the user decides.
    """
    if not file.is_file():
        return kind()
    try:
        content = read_json(file)
    except (OSError, ValueError) as error:
        problem = f"cannot be read ({type(error).__name__})"
    else:
        if isinstance(content, kind):
            return content
        problem = "does not have the content that an import writes"
    raise DamagedRecordError(
        f"{file} {problem}: it is damaged. Without it {lost}. To do: restore it from a copy; or delete it, and import "
        "all sources again"
    )
