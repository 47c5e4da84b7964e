"""A mask format: how its files are known, read and written, and what is said of it.

Nothing heavy is imported here nor at the head of a format's own file: the command line names the formats in its help.
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
    """A mask file, and what several formats know their own by; looked at once.

    Parameters
    ----------
    path : of the file, which need not be there.
    """

    path: Path

    @cached_property
    def dicom_class(self) -> str | None:
        """The SOP class of a DICOM object, "" where it states none; None where the file is not DICOM."""
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
    name : as the file calls it; "" in a plain label map.
    drawn : whether it holds anything.
    draw : gives its voxels, on the grid of the file itself or, for contours, of the image; raises a CaseError where
        this part cannot be used.
    notes : what a reader should know of a part in which nothing is drawn.
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
    folder : of its files; None where none was given.
    phase : which of its volumes, from 1; None where it holds one only.
    """

    folder: Path | None = None
    phase: int | None = None


@dataclass(frozen=True)
class MaskFormat:
    """One format of mask files; it is used everywhere once it is in `radstudy.imaging.masks.formats.MASK_FORMATS`.

    Parameters
    ----------
    name : short, of its own.
    words : what a user calls such a file, in the middle of a sentence: in ``--help`` and docs/masks.md.
    called_by : what its regions are called by, for docs/masks.md.
    holds : what it can hold, for docs/masks.md.
    knows : whether a file is of this format, by its content where it has one to tell. The first format that knows a
        file reads it.
    read : the segments of a file, in its own order. Takes the file, the image's grid or None, and whether what lies
        between the image's voxels is taken to the nearest. It reads bytes through `radstudy.formats.reading` alone, so
        that they are recorded, and refuses, by name, a file that is cut off.
    needs_image : whether a file has no grid of its own that fits its image, so that the image has to be given.
    parts : all files that a mask of this name consists of, itself first: changed bytes of any make it another mask.
    suffixes : names that it is written under, in lower case; () where it is not written.
    write : writes masks of one grid, at least one, into a file; what the format cannot hold is refused by name. None
        where it is not written.
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
    """The parts of a mask that is one file."""
    return (path,)


def raster_files(path: Path) -> tuple[Path, ...]:
    """The parts of a mask that is stored as an image: pairs of NIfTI, detached data of NRRD and MetaImage.

    Raises
    ------
    CaseError : its header cannot be read.
    """
    from radstudy.formats.reading import files_of

    return files_of(path)


def names_of(masks: Sequence[MaskOnGrid]) -> list[str]:
    """Names to write masks under: their labels, or lesion 1, lesion 2 ... where those are numbers.

    Raises
    ------
    CaseError : two of them have one name.
    """
    names = [f"lesion {i}" if not mask.label or mask.label.isdigit() else mask.label for i, mask in enumerate(masks, 1)]
    if len(set(names)) != len(names):
        raise CaseError(f"two regions have one name ({', '.join(names)})", "give each a label of its own")
    return names
