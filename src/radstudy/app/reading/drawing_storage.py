"""Strokes in the reading room's database: drawn in the tab that holds a case, or taken in from another program."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.app.reading import stored_answers, stored_masks
from radstudy.app.reading.case_storage import CaseStorage
from radstudy.app.reading.refusals import HeldElsewhereError, OtherImageError, ReadingError
from radstudy.app.reading.stored_answers import Stage
from radstudy.app.reading.stored_cases import ReaderCase, case_by_id, holder_of, require_not_closed
from radstudy.app.reading.stored_masks import DisplayUse, NewStroke
from radstudy.app.reading.strokes import Codes, DrawingGrid, Runs, checked_runs, checked_tool, difference

_LONGEST_VIEW = 10_000  # letters


@dataclass(frozen=True, eq=False)
class Stroke:
    """A stroke to store.

    Parameters
    ----------
    sequence : on which it was drawn.
    revision : how many strokes the sender knows.
    tool : a name of `radstudy.app.reading.strokes.TOOL_CODES`.
    runs : int (n, 3) start, length, code.
    view : settings of the display, plain JSON.
    """

    sequence: str
    revision: int
    tool: str
    runs: Runs
    view: Mapping[str, Any] = field(default_factory=dict)


class DrawingStorage(CaseStorage):
    """The part of `Storage` that keeps what is drawn."""

    def append_stroke(
        self, case: ReaderCase, tab: str, stroke: Stroke, grid: DrawingGrid, *, off: Collection[str] = ()
    ) -> int:
        """Store a stroke; the new revision.

        Parameters
        ----------
        case, tab : of the request.
        stroke : to store.
        grid : of the image that it was drawn on, as it is now.
        off : names of `CODES` that the study switches off.

        Raises
        ------
        BehindError : other strokes are stored than the sender knows; carries revision and mask.
        StrokeError : the tool or a run cannot be.
        OtherImageError : the mask was begun on another image.
        HeldElsewhereError, ClosedCaseError, UnknownCaseError : see the class.
        """
        runs = checked_runs(stroke.runs, grid.size)
        checked_tool(stroke.tool, runs, off)
        view = json.dumps(dict(stroke.view), ensure_ascii=False, allow_nan=False, sort_keys=True)
        if len(view) > _LONGEST_VIEW:
            raise ReadingError(f"the settings of the display are longer than {_LONGEST_VIEW} letters")
        with self._changing(case, tab) as (connection, one):
            if one.task != "masks":
                raise ReadingError("lesions are drawn in the task 'masks'")
            new = NewStroke(stroke.sequence, stroke.revision, stroke.tool, runs, view, self._now())
            return stored_masks.append(connection, one.id, new, grid)

    def codes(
        self, case_id: str, sequence: str, *, revision: int | None = None, stage: Stage | None = None
    ) -> Codes | None:
        """A mask: which tool put each voxel there; None where nothing was ever drawn.

        Parameters
        ----------
        case_id, sequence : of the mask.
        revision : after so many strokes; None: all.
        stage : as it was first or last closed instead; None where it was not.
        """
        with self._database.reading() as connection:
            if stage is not None:
                revision = self._closed_at(connection, case_id, sequence, stage)
                if revision is None:
                    return None
            grid = stored_masks.grid_of(connection, case_id, sequence, revision)
            return None if grid is None else stored_masks.codes_at(connection, case_id, sequence, grid, revision)

    @staticmethod
    def _closed_at(connection: sqlite3.Connection, case_id: str, sequence: str, stage: Stage | None) -> int | None:
        """The revision that a mask had when it was first or last closed; None where it was not, and without a stage."""
        closed = None if stage is None else stored_answers.masks_at_stage(connection, case_id, stage)
        return None if closed is None else closed.get(sequence)

    def grid(self, case_id: str, sequence: str, *, stage: Stage | None = None) -> DrawingGrid | None:
        """The grid that a mask is drawn on, or was when it was closed; None where nothing is drawn."""
        with self._database.reading() as connection:
            revision = self._closed_at(connection, case_id, sequence, stage)
            return stored_masks.grid_of(connection, case_id, sequence, revision)

    def displays(self, case_id: str, sequence: str, *, stage: Stage | None = None) -> tuple[DisplayUse, ...]:
        """With which settings of the display a mask was drawn, until now or until it was closed."""
        with self._database.reading() as connection:
            revision = self._closed_at(connection, case_id, sequence, stage)
            return stored_masks.displays_of(connection, case_id, sequence, revision)

    def take_in(self, case_id: str, sequence: str, codes: NDArray[np.uint8], grid: DrawingGrid, detail: str) -> int:
        """Put a mask that was drawn elsewhere in the place of a reader's; the new revision.

        Parameters
        ----------
        case_id, sequence : of the mask.
        codes : (size,) as of `codes_of(mask, CODES["taken_in"])`.
        grid : of the image.
        detail : for the audit: from which program and file.

        Raises
        ------
        ClosedCaseError : the case is closed.
        HeldElsewhereError : its reader has it open.
        """
        if codes.shape != (grid.size,):
            raise OtherImageError(f"{sequence}: the mask has {codes.size} voxels, the image {grid.size}")
        with self._database.writing() as connection:
            one = case_by_id(connection, case_id)
            require_not_closed(connection, one)
            if holder_of(connection, one.id) is not None:
                raise HeldElsewhereError(f"{one.id} is open: the reader has to leave it first")
            stored_masks.require_grid(connection, one.id, sequence, grid)
            revision = stored_masks.revision_of(connection, one.id, sequence)
            runs = difference(stored_masks.codes_at(connection, one.id, sequence, grid), codes)
            stroke = NewStroke(sequence, revision, "taken_in", runs, "{}", self._now())
            self._note(connection, one, "mask taken in", detail, sequence=sequence)
            connection.execute(
                "UPDATE assignments SET opened_at = coalesce(opened_at, ?) WHERE id = ?", (self._now(), one.id)
            )
            return stored_masks.append(connection, one.id, stroke, grid)
