"""Mask formats: one module each, and `MASK_FORMATS`, the only list of all of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from radstudy.errors import CaseError
from radstudy.imaging.masks.formats.dicom_seg import DICOM_SEG
from radstudy.imaging.masks.formats.label_map import LABEL_MAP
from radstudy.imaging.masks.formats.picture import PICTURE
from radstudy.imaging.masks.formats.rtstruct import RTSTRUCT
from radstudy.imaging.masks.formats.slicer import SLICER
from radstudy.imaging.masks.mask_format import MaskFile, MaskFormat

# The first format that knows a file reads it; the last one takes every file that is not DICOM.
MASK_FORMATS = (SLICER, DICOM_SEG, RTSTRUCT, PICTURE, LABEL_MAP)


def format_of(path: str | Path) -> MaskFormat:
    """Return the format of a mask file; for a missing file the label map, whose reader reports it.

    Raises
    ------
    CaseError : the file is a DICOM object of another kind, or a DICOM file that cannot be read.
    """
    file = MaskFile(Path(path))
    known = next((each for each in MASK_FORMATS if each.knows(file)), None)
    if known is None:
        name = getattr(file.dicom_class, "name", file.dicom_class) or "no stated class"
        raise CaseError(f"this DICOM file is not a mask ({name})", "give a SEG or an RTSTRUCT file", file=path)
    return known


def format_written_as(name: str) -> MaskFormat | None:
    """Return the format to write for a file name; None if no mask format has such a name."""
    return next((each for each in MASK_FORMATS if name.lower().endswith(each.suffixes or ("\0",))), None)


def files_of_mask(path: Path) -> tuple[Path, ...]:
    """Return all files that a mask consists of, itself first.

    Decided by name and header only, because finding out the format may take long.

    Raises
    ------
    CaseError : the file cannot be read; a TransientError if another run may be able to read it.
    """
    each_once = dict.fromkeys(each.parts for each in MASK_FORMATS)
    return tuple(dict.fromkeys(part for parts in each_once for part in parts(path)))


def listed(formats: Iterable[MaskFormat] = MASK_FORMATS) -> str:
    """List the formats as text: "a, b or c"."""
    *others, last = [each.words for each in formats]
    return f"{', '.join(others)} or {last}" if others else last


def written_suffixes() -> tuple[str, ...]:
    """Return the file name suffixes of the formats that can be written."""
    return tuple(suffix for each in MASK_FORMATS for suffix in each.suffixes)
