"""RT structure sets: each region's contours as points in RAS.

References
----------
DICOM PS3.3, C.8.8.5 (Structure Set), C.8.8.6 (ROI Contour): points are patient coordinates in mm, so a contour of an
oblique series is tilted as its slices are; to read x and y alone would squeeze it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.errors import CaseError
from radstudy.formats.dicom_frames import read_dataset

CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
_LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Structure:
    """One region of a structure set.

    Parameters
    ----------
    number, name : ROINumber and ROIName.
    contours : closed planar contours, each float64 (n, 3) RAS mm, n at least 3.
    """

    number: int
    name: str
    contours: tuple[NDArray[np.float64], ...]


def read_rtstruct(path: str | Path) -> list[Structure]:
    """Read every region of an RT structure set.

    Parameters
    ----------
    path : a file of RT Structure Set Storage.

    Returns
    -------
    The regions in the file's order; one that was named but never drawn has no contours.

    Raises
    ------
    CaseError : the file is broken, or a contour is no closed planar one of three points or more.
    """
    dataset = read_dataset(path)
    drawn: dict[int, Any] = {
        int(item.ReferencedROINumber): item.get("ContourSequence") or []
        for item in dataset.get("ROIContourSequence") or []
    }
    structures = []
    for item in dataset.get("StructureSetROISequence") or []:
        number, name = int(item.ROINumber), str(item.get("ROIName", ""))
        try:
            contours = tuple(_points(contour, index) for index, contour in enumerate(drawn.get(number, []), 1))
        except CaseError as error:
            raise CaseError(f"region {number} '{name}': {error.problem}", error.remedy, file=path) from error
        structures.append(Structure(number, name, contours))
    if not structures:
        raise CaseError("the structure set describes no region", "export it again with its regions", file=path)
    return structures


def _points(contour: Any, index: int) -> NDArray[np.float64]:
    kind = contour.get("ContourGeometricType")
    if kind not in CLOSED:
        raise CaseError(
            f"contour {index} is of the type {kind}, which encloses nothing", "delete it, or close it, and export again"
        )
    numbers = np.asarray(contour.get("ContourData") or [], dtype=np.float64)
    if numbers.size < 9 or numbers.size % 3 or not np.isfinite(numbers).all():
        raise CaseError(
            f"contour {index} has {numbers.size} coordinates; a closed one needs three points or more",
            "delete it, or draw it again",
        )
    points: NDArray[np.float64] = numbers.reshape(-1, 3) * _LPS_TO_RAS
    return points
