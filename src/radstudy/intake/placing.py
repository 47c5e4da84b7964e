"""Assignment of a drawing to the patient's volumes, and its regions on their grids.

A drawing that names its series is placed on the volumes of that series; one that names none, or a series that was left
out, on the volumes where its positions fall on voxels. Either way it is also placed on all volumes of the same kind
(DCE, or DWI) and grid: all phases of a dynamic scan share one contour. If it names no imported series and fits volumes
of different kinds or grids, the intended one is not known: nothing is written, and the reason is listed. A mask of one
sequence is never written for another, even on the same grid: a reader has to confirm that (docs/transfer.md).
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radstudy.errors import CaseError
from radstudy.formats.dicom_series import same_grid
from radstudy.formats.raster import read_grid
from radstudy.imaging.masks.mask_format import Segment
from radstudy.imaging.masks.placing import place_mask
from radstudy.imaging.masks.read import segments_of
from radstudy.intake.volumes import volumes_in
from radstudy.space.grid import Grid

BY_SERIES, BY_POSITION, BY_FOLDER = "by its series", "by position", "by its folder"
_CHOOSE = "put it onto its image with radstudy mask convert"
_DECIDE = "give them roles in review.csv and import again"


@dataclass(frozen=True, eq=False)
class Target:
    """A volume written by an import.

    Parameters
    ----------
    file : path inside the patient's folder.
    role : "" if a reader has to decide first.
    places : keyed marks of its series, frame of reference and examination.
    grid : grid of its voxels.
    """

    file: str
    role: str
    places: Mapping[str, str]
    grid: Grid

    @property
    def kind(self) -> str:
        """The role without its number, which all phases or all b-values share; without a role, the series."""
        return self.role.rstrip("0123456789") or f"series {self.places.get('series')}"

    @property
    def shown(self) -> str:
        """Role, or file if it has none, for messages."""
        return self.role or self.file


@dataclass(frozen=True, eq=False)
class PlacedRegion:
    """One region of a drawing on one grid, or the reason why it is on none.

    Parameters
    ----------
    number, name : as in the file; 0 and "" for the whole file.
    mask : bool (I, J, K); None if it was not placed.
    on : the volumes with a role on whose grid it lies.
    drawn_on : of these, the volumes of the series that it names.
    placed : how the volumes were found.
    note : remarks for the reader.
    reason : why it was not placed; "" if it was.
    fault : whether the file is at fault, rather than a question being open.
    """

    number: int
    name: str
    mask: NDArray[np.bool_] | None = None
    on: tuple[Target, ...] = ()
    drawn_on: tuple[Target, ...] = ()
    placed: str = ""
    note: str = ""
    reason: str = ""
    fault: bool = False


def targets_in(folder: Path) -> list[Target]:
    """List the volumes that imports have written into a patient's folder."""
    targets = []
    for file, record in volumes_in(folder):
        inside = file.relative_to(folder).as_posix()
        if file.is_file():
            role = "" if "/" in inside else str(record.get("role", ""))
            targets.append(Target(inside, role, record.get("places") or {}, read_grid(file)))
    return targets


def regions_on(
    file: Path,
    targets: Sequence[Target],
    *,
    series: Sequence[str],
    spaces: Sequence[str],
    examination: str,
    by_folder: bool = False,
) -> Iterator[PlacedRegion]:
    """Yield the regions of a drawing, each on the grid of the volumes that it belongs to.

    Parameters
    ----------
    file : DICOM SEG, RTSTRUCT or .seg.nrrd.
    targets : the patient's volumes.
    series, spaces, examination : keyed marks of the series and frames of reference that it names, and of its study.
    by_folder : whether it names none itself, and these are taken from the images in its folder.

    Yields
    ------
    One `PlacedRegion` per region and grid; one for the whole file if it cannot be read or shares no space with a
    volume.
    """
    named = [target for target in targets if target.places.get("series") in series]
    near = [target for target in targets if target in named or _one_space(target, spaces, examination)]
    if not near:
        yield PlacedRegion(0, "", reason="no volume of its examination or frame of reference was imported")
        return
    grids = [grid for grid in _alike(near) if not named or any(target in named for target in grid)]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pydicom's warnings quote values of the header
            segments = [segments_of(file, grid[0].grid) for grid in grids]
    except CaseError as error:
        yield PlacedRegion(0, "", reason=error.problem, fault=True)
        return
    elsewhere = bool(series) and not named
    distinct = len({part.number for part in segments[0]}) == len(segments[0])  # segments in layers may share a number
    for place, parts in enumerate(zip(*segments, strict=True), 1):
        number = parts[0].number if distinct else place
        for region in _of_segment(number, parts, grids, named, elsewhere):
            yield replace(region, placed=BY_FOLDER) if by_folder and region.placed == BY_SERIES else region


def _of_segment(
    number: int,
    parts: Sequence[Segment],
    grids: Sequence[Sequence[Target]],
    named: Sequence[Target],
    elsewhere: bool,
) -> Iterator[PlacedRegion]:
    name = parts[0].name
    if not parts[0].drawn:
        yield PlacedRegion(number, name, reason="; ".join(["nothing is drawn in it", *parts[0].notes]))
        return
    fits, misses = [], []
    for part, grid in zip(parts, grids, strict=True):
        try:
            fits.append((grid, *_drawn(part, grid[0].grid)))
        except CaseError as error:
            misses.append(f"{_listed(grid)}: {error.problem}")
    if not fits:
        before = "the series that it names was not imported; " if elsewhere else ""
        yield PlacedRegion(number, name, reason=before + "; ".join(misses), fault=not elsewhere)
        return
    if len(fits) > 1 and not named:
        where = " and ".join(_listed(grid) for grid, *_ in fits)
        why = "names a series that was not imported" if elsewhere else "names no series"
        what_to_do = _CHOOSE if all(target.role for grid, *_ in fits for target in grid) else _DECIDE
        reason = f"it {why} and fits volumes of {len(fits)} kinds or grids ({where}): {what_to_do}"
        yield PlacedRegion(number, name, reason=reason)
        return
    for grid, mask, notes in fits:
        with_role = tuple(target for target in grid if target.role)
        if not with_role:
            reason = f"it belongs to {_listed(grid)}, which has no role yet: give one in review.csv and import again"
            yield PlacedRegion(number, name, reason=reason)
            continue
        placed = BY_SERIES if named else BY_POSITION
        note = "; ".join(filter(None, [_note(grid, with_role, named, elsewhere), *notes]))
        drawn_on = tuple(target for target in with_role if target in named)
        yield PlacedRegion(number, name, mask, with_role, drawn_on, placed, note)


def _note(grid: Sequence[Target], on: Sequence[Target], named: Sequence[Target], elsewhere: bool) -> str:
    """Note on what the file leaves open."""
    notes = ["the series that it names was not imported"] if elsewhere else []
    drawn_on = [target for target in grid if target in named] or list(on)
    if len(drawn_on) > 1:
        notes.append(f"it may have been drawn on any of {_listed(drawn_on)}, which share one grid")
    elif named and len(on) > 1:
        notes.append(f"drawn on {drawn_on[0].shown}; the others have its grid")
    return "; ".join(notes)


def _drawn(segment: Segment, grid: Grid) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    part = segment.draw()
    placed = place_mask(part, grid).mask
    if not placed.any():
        raise CaseError("no voxel lies inside it")
    return placed, part.notes


def _one_space(target: Target, spaces: Sequence[str], examination: str) -> bool:
    """True if positions of the drawing and of the volume can be compared."""
    own = target.places.get("frame_of_reference")
    return own in spaces if own and spaces else target.places.get("examination") == examination


def _alike(targets: Sequence[Target]) -> list[list[Target]]:
    """Group the volumes by kind and grid."""
    groups: list[list[Target]] = []
    for target in targets:
        alike = (each for each in groups if each[0].kind == target.kind and same_grid(each[0].grid, target.grid))
        group = next(alike, None)
        if group is None:
            groups.append([target])
        else:
            group.append(target)
    return groups


def _listed(targets: Sequence[Target]) -> str:
    return ", ".join(target.shown for target in targets)
