"""Description of a mask format: recognising, reading and writing its files, and its text in help and docs.

Neither this module nor the formats import anything heavy at the top: the command line lists the formats in its help.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from radstudy.errors import CaseError
from radstudy.formats.raster_names import SUFFIXES

if TYPE_CHECKING:
    from radstudy.imaging.masks.mask_on_grid import MaskOnGrid
    from radstudy.space.grid import Grid


@dataclass(frozen=True)
class MaskFile:
    """A mask file with the facts by which formats recognise their own files; each is read once.

    Parameters
    ----------
    path : of the file, which need not exist.
    """

    path: Path

    @cached_property
    def dicom_class(self) -> str | None:
        """SOP class of a DICOM object, "" if it states none; None if the file is not DICOM."""
        if str(self.path).lower().endswith(SUFFIXES):
            return None
        from radstudy.formats.dicom_frames import dicom_border, is_dicom, read_dataset
        from radstudy.formats.dicom_values import value_of

        if not is_dicom(self.path):
            return None
        with dicom_border(self.path, "mask"):
            stated: str | None = value_of(read_dataset(self.path, stop_before_pixels=True), "SOPClassUID")
            return stated or ""


@dataclass(frozen=True, eq=False)
class Segment:
    """One part of a mask file.

    Parameters
    ----------
    number : label value, SegmentNumber or ROINumber.
    name : the segment's name in the file; "" in a plain label map.
    drawn : whether the segment contains anything.
    draw : returns its voxels, on the grid of the file itself or, for contours, of the image; raises a CaseError if this
        part cannot be used.
    notes : facts that a reader should know about a part in which nothing is drawn.
    """

    number: int
    name: str
    drawn: bool
    draw: Callable[[], MaskOnGrid]
    notes: tuple[str, ...] = ()

    @property
    def shown(self) -> str:
        """Number and name, for messages."""
        return f"{self.number} '{self.name}'" if self.name else str(self.number)


@dataclass(frozen=True)
class DicomSeries:
    """The series that a mask is written for.

    Parameters
    ----------
    folder : of its files; None if none was given.
    phase : number of the volume, from 1; None if the series has only one.
    """

    folder: Path | None = None
    phase: int | None = None


@dataclass(frozen=True)
class MaskFormat:
    """One format of mask files, used everywhere once it is listed in `radstudy.imaging.masks.formats.MASK_FORMATS`.

    Parameters
    ----------
    name : short and unique.
    words : the user's name for such a file, within a sentence: in ``--help`` and docs/masks.md.
    called_by : the attribute that names its regions, for docs/masks.md.
    holds : the content that it can store, for docs/masks.md.
    knows : True if a file is of this format, judged by its content if possible. The first format that knows a file
        reads it.
    read : the segments of a file, in its own order. Takes the file, the image's grid or None, and whether parts between
        the image's voxels are assigned to the nearest ones. It reads bytes only through `radstudy.formats.reading`, so
        that they are recorded, and refuses a truncated file by name.
    needs_image : True if a file has no grid of its own that fits its image, so that the image has to be given.
    parts : all files that a mask of this name consists of, itself first: changed bytes in any of them change the mask.
    suffixes : file name suffixes for writing, in lower case; () if the format is not written.
    write : writes masks of one grid, at least one, into a file; content that the format cannot store is refused by
        name. None if the format is not written.
    """

    name: str
    words: str
    called_by: str
    holds: str
    knows: Callable[[MaskFile], bool]
    read: Callable[[Path, Grid | None, bool], list[Segment]]
    needs_image: bool
    parts: Callable[[Path], tuple[Path, ...]]
    suffixes: tuple[str, ...] = ()
    write: Callable[[Path, Sequence[MaskOnGrid], DicomSeries], None] | None = None


def one_file(path: Path) -> tuple[Path, ...]:
    """Return the parts of a mask that is a single file."""
    return (path,)


def raster_files(path: Path) -> tuple[Path, ...]:
    """Return the parts of a mask stored as an image: NIfTI pairs, detached data of NRRD and MetaImage.

    Raises
    ------
    CaseError : the header cannot be read.
    """
    from radstudy.formats.reading import files_of

    return files_of(path)


def names_of(masks: Sequence[MaskOnGrid]) -> list[str]:
    """Return the names to write masks under: their labels, or lesion 1, lesion 2 ... if those are numbers.

    Raises
    ------
    CaseError : two masks have the same name.
    """
    names = [f"lesion {i}" if not mask.label or mask.label.isdigit() else mask.label for i, mask in enumerate(masks, 1)]
    if len(set(names)) != len(names):
        raise CaseError(f"two regions have the same name ({', '.join(names)})", "give each its own label")
    return names
