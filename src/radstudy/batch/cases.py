"""The cases of a batch: what is an image, a mask and a label in a row of any kind."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from radstudy.errors import CaseError, UsageError
from radstudy.imaging.masks.read import Label, label_of
from radstudy.imaging.objects import is_foreign, placed_array
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume

if TYPE_CHECKING:
    import pandas as pd

IMAGE, MASK, LABEL, CHANNEL = "image", "mask", "label", "label_channel"  # in any case: PyRadiomics writes Image, Mask
ROLES = (IMAGE, MASK, LABEL, CHANNEL)

Row = Mapping[str, Any] | Sequence[Any]


@dataclass(frozen=True, eq=False)
class BatchCase:
    """One lesion to extract.

    Parameters
    ----------
    image, mask : paths, or objects in memory.
    label : of the lesion in the mask; None takes the settings' label, or the only one present.
    """

    image: Any
    mask: Any
    label: Label | None = None


def rows_of(cases: pd.DataFrame | Iterable[Row]) -> Iterator[Row]:
    """The rows of a DataFrame as dictionaries; of anything else, its items, drawn one by one.

    Raises
    ------
    UsageError : the DataFrame lacks a column, or has one twice; `cases` is not a table and not rows.
    """
    columns = getattr(cases, "columns", None)
    if columns is not None:
        names = [str(name) for name in columns]
        roles_of(names)
        return (
            dict(zip(names, row, strict=True))
            for row in cases.itertuples(index=False, name=None)  # type: ignore[union-attr]
        )
    if isinstance(cases, str | bytes | PathLike | Mapping) or not isinstance(cases, Iterable):
        raise UsageError(
            f"the cases are a {type(cases).__name__}; give a DataFrame with the columns image and mask, or rows: "
            "dictionaries, or tuples (image, mask) or (image, mask, label). A table's file is read by "
            "'radstudy extract --batch'"
        )
    return iter(cases)  # type: ignore[arg-type]  # no DataFrame, which has columns


def roles_of(names: Sequence[str]) -> dict[str, str]:
    """The columns for image, mask, label and label channel by their roles, as far as they are there.

    Parameters
    ----------
    names : of the table's columns; roles are recognised in any case.

    Raises
    ------
    UsageError : image or mask is lacking, or there are two columns for one role.
    """
    roles: dict[str, str] = {}
    for name in names:
        role = name.strip().lower()
        if role in ROLES and role in roles:
            raise UsageError(f"the cases have two columns for the {role}: '{roles[role]}' and '{name}'. Remove one")
        if role in ROLES:
            roles[role] = name
    lacking = [role.capitalize() for role in (IMAGE, MASK) if role not in roles]
    if lacking:
        raise UsageError(
            f"the cases have no column {' and no column '.join(lacking)}: their columns are {', '.join(names[:20])}. "
            "Call the column with the image's path Image, and the one with the mask's path Mask"
        )
    return roles


def case_of(row: Row, folder: Path | None = None) -> BatchCase:
    """The case of one row.

    Parameters
    ----------
    row : a dictionary with image and mask, and label if there are several; or a tuple in this order.
    folder : that relative paths start from; None: the present one.

    Raises
    ------
    CaseError : there is no image or mask, or the label cannot be one.
    """
    cells = _cells(row)
    for role in (IMAGE, MASK):
        if _is_empty(cells.get(role)):
            raise CaseError(f"the row has no {role}", f"give the path of its {role}, or remove the row")
    channel = cells.get(CHANNEL)
    if not _is_empty(channel) and str(channel).strip() not in ("0", "0.0"):
        raise CaseError(
            f"label channel {channel} is asked for, but masks with several channels are not supported",
            "export one label map for each lesion",
        )
    return BatchCase(_in(folder, cells[IMAGE]), _in(folder, cells[MASK]), _label(cells.get(LABEL)))


def portable(image: Any) -> Any:
    """An image that any process takes: objects of other libraries as plain arrays with their place."""
    is_ours = isinstance(image, str | PathLike | Volume | Roi)
    return placed_array(image) if not is_ours and is_foreign(image) else image


def _cells(row: Row) -> dict[str, Any]:
    if isinstance(row, Mapping):
        return {str(name).strip().lower(): value for name, value in row.items()}
    if isinstance(row, str | bytes) or not isinstance(row, Sequence) or not 2 <= len(row) <= 3:
        raise CaseError(
            f"the row is a {type(row).__name__}, not a dictionary with image and mask, or a tuple of 2 or 3",
            "give {'image': ..., 'mask': ...} or (image, mask, label)",
        )
    return dict(zip((IMAGE, MASK, LABEL), row, strict=False))


def _in(folder: Path | None, given: Any) -> Any:
    return folder / given if folder is not None and isinstance(given, str | PathLike) else given


def _is_empty(value: Any) -> bool:
    """True for None, a text of blanks, and a table's NaN and NA."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return True
    return (isinstance(value, float) and math.isnan(value)) or type(value).__name__ in ("NAType", "NaTType")


def _label(value: Any) -> Label | None:
    if _is_empty(value):
        return None
    text = str(value.strip() if isinstance(value, str) else value)
    try:
        return label_of(text.removesuffix(".0"))  # tables turn whole numbers into floats where a cell is empty
    except UsageError:
        raise CaseError(f"the label is {text}", "give a number from 1, a segment's name, largest or union") from None
