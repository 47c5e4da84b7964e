"""Closed cases as the record, the lead's page and the computations between readers take them, however they are stored.

Masks are runs of codes (start, length, code) over the image's own grid in Fortran order, voxels outside left out: a
study's masks fit into memory, and voxels are counted without unfolding them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.app.reading.forms import SequenceAnswer
from radstudy.app.reading.roster import Lesion
from radstudy.app.reading.strokes import Runs
from radstudy.artefacts.reading import NOT_ASSESSABLE, TOOL_COLUMNS
from radstudy.errors import CaseError
from radstudy.imaging.masks.mask_format import DicomSeries
from radstudy.imaging.masks.mask_on_grid import MaskOnGrid
from radstudy.space.grid import Grid

MASKS, CHARACTERISTICS, ARBITRATION = "masks", "characteristics", "arbitration"


@dataclass(frozen=True, eq=False, kw_only=True)
class Drawing:
    """A reader's drawing of one lesion on one sequence, without its place in space.

    Parameters
    ----------
    sequence : by its name in the study file.
    runs : int64 (n, 3) start, length and code, ascending, without overlap, no code 0.
    displays : settings of the display as JSON, each with the number of strokes drawn with them.
    """

    sequence: str
    runs: Runs
    displays: tuple[tuple[str, int], ...] = ()

    @property
    def voxel_count(self) -> int:
        """Number of voxels inside."""
        return int(self.runs[:, 1].sum())

    @property
    def voxels_by_tool(self) -> dict[str, int]:
        """Tool to the voxels that it put into the mask, all tools in the order of their codes."""
        counts = np.zeros(len(TOOL_COLUMNS) + 1, np.int64)
        np.add.at(counts, self.runs[:, 2], self.runs[:, 1])
        return {name: int(counts[code]) for code, name in enumerate(TOOL_COLUMNS, 1)}

    def strokes_by_image(self) -> dict[str, int]:
        """Image that was shown (prepared, acquired) to the strokes drawn on it, where the settings say it."""
        strokes: dict[str, int] = {}
        for settings, count in self.displays:
            shown = json.loads(settings).get("image")
            if isinstance(shown, str) and shown:
                strokes[shown] = strokes.get(shown, 0) + count
        return strokes


@dataclass(frozen=True, eq=False, kw_only=True)
class UnplacedDrawing(Drawing):
    """A drawing whose image is not there as it was drawn on: no mask file is made of it.

    Parameters
    ----------
    problem : names the image, and what is wrong with it.
    """

    problem: CaseError


@dataclass(frozen=True, eq=False, kw_only=True)
class DrawnSequence(Drawing):
    """A reader's mask of one lesion on one sequence.

    Parameters
    ----------
    image : the image file, whose header the mask file takes over.
    grid : of the image, in the file's own order of axes.
    dicom : the series that the image came from, if its folder is known: a DICOM SEG is then written too.
    """

    image: Path
    grid: Grid
    dicom: DicomSeries | None = None

    def mask(self) -> NDArray[np.bool_]:
        """The mask, bool (I, J, K).

        Raises
        ------
        CaseError : a run does not lie on the grid.
        """
        flat = np.zeros(int(np.prod(self.grid.shape)), bool)
        flat[self.voxels] = True
        return flat.reshape(self.grid.shape, order="F")

    @cached_property
    def voxels(self) -> NDArray[np.int64]:
        """Indices of the mask's voxels in Fortran order, ascending.

        Raises
        ------
        CaseError : a run does not lie on the grid.
        """
        start, length = self.runs[:, 0], self.runs[:, 1]
        size = int(np.prod(self.grid.shape))
        if len(self.runs) and (start.min() < 0 or length.min() < 1 or (start + length).max() > size):
            raise CaseError(
                f"the stored mask reaches beyond the image's {size} voxels", "open the case again and draw it again",
                sequence=self.sequence, file=self.image,
            )  # fmt: skip
        before = np.repeat(np.cumsum(length) - length, length)
        return np.asarray(np.repeat(start, length) + np.arange(int(length.sum())) - before, np.int64)

    def on_grid(self, reader: str) -> MaskOnGrid:
        """The mask in space, with the name of its reader."""
        return MaskOnGrid(self.mask(), self.grid.affine, "lesion", reader, str(self.image))


@dataclass(frozen=True, eq=False)
class ClosedCase:
    """A case that a reader has closed; of one that is open again, the state in which it was closed last.

    Parameters
    ----------
    reader, task, patient, lesion : identify it.
    opened_at, closed_at : first opening and first closing, UTC, ISO 8601; "" if they are not known.
    times_closed : more than 1 if it was opened again.
    drawn : masks, in the order of the study's sequences; without those that are empty.
    unplaced : drawings whose image is not there as it was drawn on.
    answers : item to the first locked answer.
    decided : of an arbitration, item to the decision.
    per_sequence : sequence to judgement.
    computed : item to the value that the program computed from mask and phases.
    repeat : True for the second reading of a lesion by the same reader.
    practice : True for a synthetic case: nothing of it is recorded.
    opened_outcomes : True if the reader had learned outcomes before closing it first.
    columns : cells of the cohort table that the patterns of mask files name.
    """

    reader: str
    task: str
    patient: str
    lesion: str
    opened_at: str = ""
    closed_at: str = ""
    times_closed: int = 1
    drawn: tuple[DrawnSequence, ...] = ()
    answers: Mapping[str, Any] = field(default_factory=dict)
    decided: Mapping[str, Any] = field(default_factory=dict)
    per_sequence: Mapping[str, SequenceAnswer] = field(default_factory=dict)
    computed: Mapping[str, Any] = field(default_factory=dict)
    repeat: bool = False
    practice: bool = False
    opened_outcomes: bool = False
    columns: Mapping[str, Any] = field(default_factory=dict)
    unplaced: tuple[UnplacedDrawing, ...] = ()

    @property
    def drawings(self) -> tuple[Drawing, ...]:
        """Everything that was drawn, placed or not."""
        return tuple(one for one in (*self.drawn, *self.unplaced) if one.voxel_count)

    @property
    def key(self) -> Lesion:
        """(patient, lesion)."""
        return self.patient, self.lesion


def of_task(cases: Iterable[ClosedCase], task: str, *, repeat: bool = False) -> list[ClosedCase]:
    """The cases of a task, repeats or first readings, sorted by patient, lesion and reader; never practice."""
    chosen = [case for case in cases if case.task == task and case.repeat is repeat and not case.practice]
    return sorted(chosen, key=lambda case: (*case.key, case.reader))


def dice(first: DrawnSequence, second: DrawnSequence) -> float:
    """The Dice coefficient ``2 |A and B| / (|A| + |B|)`` of two masks on one grid, from their runs.

    Raises
    ------
    CaseError : the grids differ, or both masks are empty.
    """
    problem = first.grid.difference(second.grid)
    if problem:
        raise CaseError(
            f"two masks of one lesion are on different grids: {problem}", "draw both on the same image",
            sequence=first.sequence, file=first.image,
        )  # fmt: skip
    total = first.voxel_count + second.voxel_count
    if not total:
        raise CaseError("both masks are empty", "draw the lesion", sequence=first.sequence, file=first.image)
    both = len(np.intersect1d(first.voxels, second.voxels, assume_unique=True))
    return 2 * both / total


def boxed(drawn: Sequence[DrawnSequence], readers: Sequence[str]) -> list[MaskOnGrid]:
    """The masks of one lesion in space, cut to the box that holds all of them.

    Parameters
    ----------
    drawn : on one sequence, on the same grid; not all of them empty.
    readers : of each mask.

    Returns
    -------
    The masks, each with its reader's name; the affine is that of the box. Masks of another grid are given whole.
    """
    grid = drawn[0].grid
    if any(one.grid.difference(grid) for one in drawn):
        return [one.on_grid(reader) for one, reader in zip(drawn, readers, strict=True)]
    places = [np.array(np.unravel_index(one.voxels, grid.shape, order="F")) for one in drawn]
    every = np.concatenate(places, axis=1)
    low, high = every.min(axis=1), every.max(axis=1) + 1
    affine = grid.affine.copy()
    affine[:3, 3] += affine[:3, :3] @ low
    masks = []
    for one, place, reader in zip(drawn, places, readers, strict=True):
        mask = np.zeros(high - low, bool)
        mask[tuple(place - low[:, None])] = True
        masks.append(MaskOnGrid(mask, affine, "lesion", reader, str(one.image)))
    return masks


def observations(pairs: Iterable[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """The pairs of answers in which both are observations: given, and not `NOT_ASSESSABLE`."""
    return [pair for pair in pairs if not any(value in (None, "", NOT_ASSESSABLE) for value in pair)]


def drawn_on(cases: Sequence[ClosedCase], sequence: str) -> dict[Lesion, dict[str, DrawnSequence]]:
    """Lesion to reader to mask on one sequence."""
    masks: dict[Lesion, dict[str, DrawnSequence]] = {}
    for case in cases:
        for one in case.drawn:
            if one.sequence == sequence and one.voxel_count:
                masks.setdefault(case.key, {})[case.reader] = one
    return masks
