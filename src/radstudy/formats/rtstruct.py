"""RT structure sets: each region's contours as points in RAS.

References
----------
DICOM PS3.3, C.8.8.5 (Structure Set), C.8.8.6 (ROI Contour): points are patient coordinates in mm, so a contour of an
oblique series is tilted like its slices; reading only x and y would squeeze it.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from radstudy.bounds import FURTHEST_MM
from radstudy.errors import CaseError
from radstudy.formats.dicom_file import UnreadableError
from radstudy.formats.dicom_frames import dicom_border, read_dataset
from radstudy.formats.dicom_values import text_of, value_of, whole_of
from radstudy.space.axes import points_ras_of_lps

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

EXCLUSIVE = "CLOSEDPLANAR_XOR"  # where contours overlap, the shared part is left out
CLOSED = ("CLOSED_PLANAR", EXCLUSIVE, "INTERPOLATED_PLANAR")  # the last: computed between drawn ones


@dataclass(frozen=True, eq=False)
class Structure:
    """One region of a structure set.

    Parameters
    ----------
    number, name : ROINumber and ROIName.
    contours : closed planar contours, each float64 (n, 3) RAS mm, n at least 3.
    exclusive : whether they are combined by exclusive or.
    notes : contours that enclose nothing and were left out.
    problem : why the region cannot be used; None if it can. Other regions of the file are not affected.
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
    path : an RT Structure Set Storage file.

    Returns
    -------
    The regions in the file's order; one that was named but never drawn, or is marked only by points, has no contours. A
    contour of one or two points is left out, with a note. An open contour, or one with broken coordinates, is a problem
    of its own region only.

    Raises
    ------
    CaseError : the file is broken, or describes no region.
    """
    with dicom_border(path, "structure set"), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # INTERPOLATED_PLANAR is longer than its VR allows; others quote values
        dataset = read_dataset(path)
        described = value_of(dataset, "StructureSetROISequence") or []
        if not described:
            raise CaseError("the structure set describes no region", "export it again with its regions")
        drawn = _Drawn.of_file(dataset)
        numbers = [_number(item, "ROINumber") for item in described]
        return [_region(item, number, numbers, drawn) for item, number in zip(described, numbers, strict=True)]


@dataclass(frozen=True)
class _Drawn:
    """The contours of a file.

    Parameters
    ----------
    contours : region number to its contours.
    repeated : numbers for which the file has more than one set of contours.
    nameless : number of contour sets that name no region.
    """

    contours: dict[int, Sequence[Any]]
    repeated: frozenset[int]
    nameless: int

    @classmethod
    def of_file(cls, dataset: Dataset) -> _Drawn:
        """Collect all contour sets by the region that each names."""
        contours: dict[int, Sequence[Any]] = {}
        repeated, nameless = set(), 0
        for item in value_of(dataset, "ROIContourSequence") or []:
            number = _number(item, "ReferencedROINumber")
            if number is None:
                nameless += 1
                continue
            if number in contours:
                repeated.add(number)
            contours[number] = _contours(item)
        return cls(contours, frozenset(repeated), nameless)


def _number(item: Any, keyword: str) -> int | None:
    try:
        return whole_of(value_of(item, keyword))
    except UnreadableError:
        return None


def _contours(item: Any) -> Sequence[Any]:
    """The contours of a set; an unreadable set counts as one contour that cannot be used."""
    try:
        contours: Sequence[Any] = value_of(item, "ContourSequence") or []
    except UnreadableError:
        return [None]
    return contours


def _region(item: Any, number: int | None, numbers: Sequence[int | None], drawn: _Drawn) -> Structure:
    """One region; a fault of it does not keep the others from being used."""
    name = text_of(item, "ROIName")
    problem = ""
    if number is None:
        problem = "it has no number (ROINumber), so its contours cannot be found"
    elif numbers.count(number) > 1:
        problem = f"{numbers.count(number)} regions share its number"
    elif number in drawn.repeated:
        problem = "the file has several contour sets with its number"
    elif drawn.nameless and not drawn.contours.get(number):
        problem = f"{drawn.nameless} contour set(s) name no region and may belong to it"
    if problem:
        error = CaseError(f"region {number or '(no number)'} '{name}': {problem}", "export the structure set again")
        return Structure(number or 0, name, (), problem=error)
    return _structure(number or 0, name, drawn.contours.get(number or 0, []))


def _structure(number: int, name: str, items: Sequence[Any]) -> Structure:
    contours, small, kinds = [], [], []
    try:
        kinds = [text_of(item, "ContourGeometricType") if item is not None else "" for item in items]
        if items and set(kinds) == {"POINT"}:
            return Structure(number, name, (), notes=(f"it is only marked by {len(items)} point(s); nothing is drawn",))
        for index, (item, kind) in enumerate(zip(items, kinds, strict=True), 1):
            points = _points(item, kind, index)
            if len(points) < 3:
                small.append(index)
            else:
                contours.append(points)
    except UnreadableError as error:
        problem = CaseError(f"region {number} '{name}': {error}", "export the structure set again")
        return Structure(number, name, (), problem=problem)
    except CaseError as error:
        problem = CaseError(f"region {number} '{name}': {error.problem}", error.remedy)
        return Structure(number, name, (), problem=problem)
    notes = [f"contour {index} has fewer than three points, encloses nothing and was left out" for index in small[:1]]
    if len(small) > 1:
        notes = [f"{len(small)} contours have fewer than three points, enclose nothing and were left out"]
    return Structure(number, name, tuple(contours), EXCLUSIVE in kinds, tuple(notes))


def _points(contour: Any, kind: str, index: int) -> NDArray[np.float64]:
    """(n, 3) RAS mm."""
    if contour is None:
        raise CaseError("its contours cannot be read", "export the structure set again")
    if kind not in CLOSED:
        raise CaseError(
            f"contour {index} is of the type {kind or '(none)'}, which encloses nothing",
            "delete it, or close it, and export again",
        )
    try:
        values = contour.get("ContourData")
        numbers = np.asarray([] if values is None or values == "" else values, dtype=np.float64).reshape(-1)
    except Exception as error:  # a value that is not text, or not numbers
        raise CaseError(
            f"contour {index} has coordinates that are not numbers", "draw it again, or delete it"
        ) from error
    if numbers.size % 3 or not (np.abs(numbers) <= FURTHEST_MM).all():
        raise CaseError(
            f"contour {index} has {numbers.size} coordinates, which are not points of three finite numbers each",
            "delete it, or draw it again",
        )
    stated = whole_of(value_of(contour, "NumberOfContourPoints"))
    if stated is not None and stated * 3 != numbers.size:
        raise CaseError(
            f"contour {index} states {stated} points but has {numbers.size // 3}",
            "delete it, or draw it again",
        )
    return points_ras_of_lps(numbers.reshape(-1, 3))
