"""Position of each frame of a DICOM image in RAS: single-frame slices and enhanced multi-frame files.

References
----------
DICOM PS3.3, C.7.6.2.1.1 (position and orientation of a slice), C.7.6.16 (functional groups of multi-frame images).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.errors import InvalidDicomError

from radstudy.errors import CaseError, RadstudyError, TransientError, unreadable
from radstudy.formats.dicom_file import START, UnreadableError, is_bare, open_dataset
from radstudy.formats.dicom_values import first_item, numbers_of, value_of
from radstudy.formats.reading import opened
from radstudy.space.axes import points_ras_of_lps

_RIGHT_ANGLE = 1e-3


@dataclass(frozen=True, eq=False)
class Plane:
    """One slice of a mask.

    Parameters
    ----------
    pixels : bool (I, J), columns and rows of the frame.
    affine : float64 (4, 4), pixel index (i, j, 0) to RAS mm; the third column is the unit normal.
    frame : its number in the file, from 1.
    """

    pixels: NDArray[np.bool_]
    affine: NDArray[np.float64]
    frame: int


def is_dicom(path: str | Path) -> bool:
    """True if a file is DICOM by its content, or has the suffix .dcm."""
    file = Path(path)
    if not file.is_file():
        return False
    with opened(file) as stream:
        start = stream.read(START)
    return start[128:132] == b"DICM" or is_bare(start) or file.suffix.lower() == ".dcm"


def read_dataset(path: str | Path, *, stop_before_pixels: bool = False) -> Dataset:
    """Read a DICOM file.

    Raises
    ------
    CaseError : it is missing, truncated or not a DICOM file. A TransientError if another run may be able to read it.
    """
    file = Path(path)
    if not file.is_file():
        raise TransientError("the file does not exist", "correct the path or add the file", file=file)
    try:
        with opened(file) as stream:
            dataset: Dataset = open_dataset(stream, stop_before_pixels=stop_before_pixels)
            return dataset
    except (InvalidDicomError, UnreadableError, OSError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise unreadable(error, file) from error
        raise CaseError(
            f"the file cannot be read as DICOM ({error})", "export it again from its source", file=file
        ) from error


@contextmanager
def dicom_border(path: str | Path, what: str) -> Iterator[None]:
    """Turn any error that a damaged object causes inside the block into a CaseError that names the file.

    The error's own text may quote the header, and with it the patient: only its class is shown.

    Parameters
    ----------
    path : the object's file.
    what : the kind of object that was expected, such as "segmentation".
    """
    again = f"export the {what} again from its source"
    try:
        yield
    except CaseError as error:
        raise error.located(file=path) from error
    except RadstudyError:
        raise
    except UnreadableError as error:
        raise CaseError(f"the {what} is damaged: {error}", again, file=path) from error
    except Exception as error:  # a damaged file can make the parser and its decoders raise anything
        raise CaseError(f"the {what} cannot be read ({type(error).__name__})", again, file=path) from error


def slice_affine(
    position: Sequence[float], orientation: Sequence[float], spacing: Sequence[float]
) -> NDArray[np.float64]:
    """The affine of one slice: pixel (column i, row j, 0) to RAS mm.

    Parameters
    ----------
    position : ImagePositionPatient, mm, LPS: centre of the first pixel.
    orientation : ImageOrientationPatient: direction of increasing column index, then of increasing row index.
    spacing : PixelSpacing, mm: between rows, then between columns.

    Raises
    ------
    CaseError : the cosines are not unit vectors at right angles, or a number is not finite.

    Examples
    --------
    >>> slice_affine([10, 20, 30], [1, 0, 0, 0, 1, 0], [2, 3])[:3].tolist()
    [[-3.0, 0.0, 0.0, -10.0], [0.0, -2.0, 0.0, -20.0], [0.0, 0.0, 1.0, 30.0]]
    """
    parts = [numbers_of(value, count) for value, count in ((position, 3), (orientation, 6), (spacing, 2))]
    if any(part is None for part in parts):
        raise CaseError(
            f"a slice has the orientation {_shown(orientation)}, pixel spacing {_shown(spacing)} mm and position "
            f"{_shown(position)}",
            "export the series again",
        )
    along_i, along_j = np.asarray(orientation, dtype=np.float64).reshape(2, 3)
    between_rows, between_columns = (float(value) for value in spacing)
    sane = np.abs([along_i @ along_i - 1, along_j @ along_j - 1, along_i @ along_j]).max() <= _RIGHT_ANGLE
    if not (sane and between_rows > 0 and between_columns > 0 and np.isfinite(np.asarray(position, float)).all()):
        raise CaseError(
            f"a slice has the orientation {_shown(orientation)}, pixel spacing {_shown(spacing)} mm and position "
            f"{_shown(position)}",
            "export the series again",
        )
    affine = np.eye(4)
    columns = (along_i * between_columns, along_j * between_rows, np.cross(along_i, along_j), position)
    affine[:3] = points_ras_of_lps(np.column_stack(columns).T).T + 0.0  # no minus zero
    return affine


def _shown(values: Any) -> str:
    """Format numbers for a message; text, which may identify the patient, is not quoted."""
    try:
        return str([float(value) for value in values])
    except (TypeError, ValueError):
        return "(not numbers)"


def frame_affines(dataset: Dataset) -> list[NDArray[np.float64]]:
    """The affine of every frame of a DICOM image, in the file's order; see `slice_affine`.

    Raises
    ------
    CaseError : a frame has no position in the patient (microscopy, radiographs), or one that cannot be used.
    """
    groups = value_of(dataset, "PerFrameFunctionalGroupsSequence")
    if groups is None:
        values = [_attribute([dataset], name) for name in ("ImagePositionPatient", "ImageOrientationPatient",
                                                          "PixelSpacing")]  # fmt: skip
        missing = [name for name, value in zip(_PLACE, values, strict=True) if value is None]
        if missing:
            raise _unplaced(missing, 1)
        return [slice_affine(*values)]
    shared = _first(dataset, "SharedFunctionalGroupsSequence")
    return [_frame_affine([group, shared], number) for number, group in enumerate(groups, 1)]


_PLACE = {
    "ImagePositionPatient": "PlanePositionSequence",
    "ImageOrientationPatient": "PlaneOrientationSequence",
    "PixelSpacing": "PixelMeasuresSequence",
}


def _frame_affine(groups: list[Dataset | None], number: int) -> NDArray[np.float64]:
    values = {name: in_groups(groups, sequence, name) for name, sequence in _PLACE.items()}
    missing = [name for name, value in values.items() if value is None]
    if missing:
        raise _unplaced(missing, number)
    return slice_affine(*values.values())


def in_groups(groups: Sequence[Dataset | None], sequence: str, name: str) -> Any:
    """An attribute of a frame's functional groups, the frame's own before the shared ones; None if absent."""
    return _attribute([_first(group, sequence) for group in groups if group is not None], name)


def _attribute(places: Sequence[Dataset | None], name: str) -> Any:
    values = (value_of(place, name) for place in places if place is not None)
    return next((value for value in values if value is not None), None)


def _first(dataset: Dataset | None, sequence: str) -> Dataset | None:
    return None if dataset is None else first_item(value_of(dataset, sequence))


def _unplaced(missing: list[str], frame: int) -> CaseError:
    return CaseError(
        f"frame {frame} has no {' and no '.join(missing)}: it has no position in the patient",
        "use a mask or image from a tomographic series (MR, CT, PET)",
    )
