"""RT structure sets: each region's contours as points in RAS.

References
----------
DICOM PS3.3, C.8.8.5 (Structure Set), C.8.8.6 (ROI Contour): points are patient coordinates in mm, so a contour of an
oblique series is tilted as its slices are; to read x and y alone would squeeze it.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.errors import CaseError
from radstudy.formats.dicom_frames import read_dataset

EXCLUSIVE = "CLOSEDPLANAR_XOR"  # contours that overlap leave out what they share
CLOSED = ("CLOSED_PLANAR", EXCLUSIVE, "INTERPOLATED_PLANAR")  # the last: computed between drawn ones
_LPS_TO_RAS = np.array([-1.0, -1.0, 1.0])


@dataclass(frozen=True, eq=False)
class Structure:
    """One region of a structure set.

    Parameters
    ----------
    number, name : ROINumber and ROIName.
    contours : closed planar contours, each float64 (n, 3) RAS mm, n at least 3.
    exclusive : whether they are to be combined by exclusive or.
    notes : contours that enclose nothing and were left out.
    problem : why the region cannot be used; None where it can. The file's other regions can.
    """

    number: int
    name: str
    contours: tuple[NDArray[np.float64], ...]
    exclusive: bool = False
    notes: tuple[str, ...] = ()
    problem: CaseError | None = None


def read_rtstruct(path: str | Path) -> list[Structure]:
    """Read every region of an RT structure set.

    Parameters
    ----------
    path : a file of RT Structure Set Storage.

    Returns
    -------
    The regions in the file's order; one that was named but never drawn, or is marked by points only, has no contours. A
    contour of one or two points is left out, with a note. An open contour, or one whose coordinates are broken, is the
    problem of its own region alone.

    Raises
    ------
    CaseError : the file is broken, or describes no region.
    """
    dataset = read_dataset(path)
    drawn: dict[int, Any] = {
        int(item.ReferencedROINumber): item.get("ContourSequence") or []
        for item in dataset.get("ROIContourSequence") or []
    }
    described = dataset.get("StructureSetROISequence") or []
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", message="The value length"
        )  # INTERPOLATED_PLANAR is longer than its VR allows
        structures = [
            _structure(int(item.ROINumber), str(item.get("ROIName", "")), drawn.get(int(item.ROINumber), []))
            for item in described
        ]
    if not structures:
        raise CaseError("the structure set describes no region", "export it again with its regions", file=path)
    return structures


def _structure(number: int, name: str, items: Sequence[Any]) -> Structure:
    kinds = [str(item.get("ContourGeometricType", "")) for item in items]
    if items and set(kinds) == {"POINT"}:
        return Structure(number, name, (), notes=(f"{len(items)} point(s) mark it, and nothing is drawn",))
    contours, small = [], []
    try:
        for index, (item, kind) in enumerate(zip(items, kinds, strict=True), 1):
            points = _points(item, kind, index)
            if len(points) < 3:
                small.append(index)
            else:
                contours.append(points)
    except CaseError as error:
        problem = CaseError(f"region {number} '{name}': {error.problem}", error.remedy)
        return Structure(number, name, (), problem=problem)
    notes = [f"contour {index} has fewer than three points, encloses nothing and was left out" for index in small[:1]]
    if len(small) > 1:
        notes = [f"{len(small)} contours have fewer than three points, enclose nothing and were left out"]
    return Structure(number, name, tuple(contours), EXCLUSIVE in kinds, tuple(notes))


def _points(contour: Any, kind: str, index: int) -> NDArray[np.float64]:
    """(n, 3) RAS mm."""
    if kind not in CLOSED:
        raise CaseError(
            f"contour {index} is of the type {kind or '(none)'}, which encloses nothing",
            "delete it, or close it, and export again",
        )
    numbers = np.asarray(contour.get("ContourData") or [], dtype=np.float64)
    if numbers.size % 3 or not np.isfinite(numbers).all():
        raise CaseError(
            f"contour {index} has {numbers.size} coordinates, which are not points of three finite numbers each",
            "delete it, or draw it again",
        )
    points: NDArray[np.float64] = numbers.reshape(-1, 3) * _LPS_TO_RAS
    return points
