"""The mask formats: one file each, and `MASK_FORMATS`, the only place where all of them are named."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from radstudy.errors import CaseError
from radstudy.imaging.masks.formats.dicom_seg import DICOM_SEG
from radstudy.imaging.masks.formats.label_map import LABEL_MAP
from radstudy.imaging.masks.formats.rtstruct import RTSTRUCT
from radstudy.imaging.masks.formats.slicer import SLICER
from radstudy.imaging.masks.mask_format import MaskFile, MaskFormat

# The first that knows a file reads it; the last takes whatever is not DICOM.
MASK_FORMATS = (SLICER, DICOM_SEG, RTSTRUCT, LABEL_MAP)


def format_of(path: str | Path) -> MaskFormat:
    """The format of a mask file; of a file that is not there the label map, whose reader says so.

    Raises
    ------
    CaseError : it is a DICOM object of another kind, or cannot be read as one.
    """
    file = MaskFile(Path(path))
    known = next((each for each in MASK_FORMATS if each.knows(file)), None)
    if known is None:
        name = getattr(file.dicom_class, "name", file.dicom_class) or "no stated class"
        raise CaseError(f"this DICOM file is no mask ({name})", "give a SEG or an RTSTRUCT file", file=path)
    return known


def format_written_as(name: str) -> MaskFormat | None:
    """The format that a file name asks for; None where no mask is written under it."""
    return next((each for each in MASK_FORMATS if name.lower().endswith(each.suffixes or ("\0",))), None)


def files_of_mask(path: Path) -> tuple[Path, ...]:
    """All files that a mask consists of, itself first.

    By its name and header, as every format sees a file of that name: which one it is may take long to tell.

    Raises
    ------
    CaseError : it cannot be read; a TransientError where another run may.
    """
    each_once = dict.fromkeys(each.parts for each in MASK_FORMATS)
    return tuple(dict.fromkeys(part for parts in each_once for part in parts(path)))


def listed(formats: Iterable[MaskFormat] = MASK_FORMATS) -> str:
    """The formats in words: "a, b or c"."""
    *others, last = [each.words for each in formats]
    return f"{', '.join(others)} or {last}" if others else last


def written_suffixes() -> tuple[str, ...]:
    """The ends of names that masks are written under."""
    return tuple(suffix for each in MASK_FORMATS for suffix in each.suffixes)
