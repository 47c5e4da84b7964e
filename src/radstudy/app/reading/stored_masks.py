"""Strokes in the database: appended one by one, folded into a mask at any revision, a snapshot after every 64.

A mask that is begun anew, since its image is another one now, goes on with the count of its strokes: those before stay,
and what was closed then is read on the grid of then.
"""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

import numpy as np

from radstudy.app.reading.refusals import BehindError, OtherImageError
from radstudy.app.reading.strokes import (
    SNAPSHOT_EVERY,
    Codes,
    DrawingGrid,
    Runs,
    fold,
    packed,
    runs_of,
    unpacked,
)

BEGUN_ANEW = "begun_anew"  # in the place of a tool, of the stroke that ends a drawing on a former image
_LAST = 2**31


@dataclass(frozen=True, eq=False)
class StoredMask:
    """A mask as it is stored.

    Parameters
    ----------
    revision : how many strokes it is made of.
    runs : of the whole mask, voxels outside left out.
    grid : that it is drawn on.
    """

    revision: int
    runs: Runs
    grid: DrawingGrid


@dataclass(frozen=True)
class DisplayUse:
    """With which settings of the display a mask was drawn: their JSON, and how many strokes were drawn with them."""

    settings: str
    strokes: int


@dataclass(frozen=True, eq=False)
class NewStroke:
    """A stroke as it is stored, checked: see `radstudy.app.reading.storage.Storage.append_stroke`."""

    sequence: str
    revision: int
    tool: str
    runs: Runs
    settings: str
    at: str


def append(connection: sqlite3.Connection, case: str, stroke: NewStroke, grid: DrawingGrid) -> int:
    """Store a stroke; the new revision.

    Raises
    ------
    BehindError : other strokes are stored than the sender knows.
    OtherImageError : the mask was begun on another image.
    """
    require_grid(connection, case, stroke.sequence, grid)
    stored = revision_of(connection, case, stroke.sequence)
    if stroke.revision != stored:
        text = f"{stroke.sequence}: {stored} strokes are stored, and {stroke.revision} are known where this was drawn"
        raise BehindError(text, stored, runs=runs_of(codes_at(connection, case, stroke.sequence, grid)))
    _store(connection, case, stroke)
    if (stored + 1) % SNAPSHOT_EVERY == 0:
        whole = packed(runs_of(codes_at(connection, case, stroke.sequence, grid)))
        connection.execute("INSERT INTO snapshots VALUES (?, ?, ?, ?)", (case, stroke.sequence, stored + 1, whole))
    return stored + 1


def begin_anew(connection: sqlite3.Connection, case: str, sequence: str, grid: DrawingGrid, at: str) -> None:
    """Begin a mask anew on another image.

    Raises
    ------
    OtherImageError : nothing is drawn, or the image is the one that it is drawn on.
    """
    known = grid_of(connection, case, sequence)
    if known is None:
        raise OtherImageError(f"{sequence}: nothing is drawn yet")
    if known == grid:
        raise OtherImageError(f"{sequence}: the image is the one that the lesion is drawn on")
    stored = revision_of(connection, case, sequence)
    _store(connection, case, NewStroke(sequence, stored, BEGUN_ANEW, np.zeros((0, 3), np.int64), "{}", at))
    connection.execute("INSERT INTO grids VALUES (?, ?, ?, ?, ?, ?, ?)", (case, sequence, stored + 1, *_row_of(grid)))


def _store(connection: sqlite3.Connection, case: str, stroke: NewStroke) -> None:
    connection.execute("INSERT OR IGNORE INTO displays (settings) VALUES (?)", (stroke.settings,))
    (display,) = connection.execute("SELECT id FROM displays WHERE settings = ?", (stroke.settings,)).fetchone()
    row = (case, stroke.sequence, stroke.revision, stroke.tool, packed(stroke.runs), display, stroke.at)
    connection.execute("INSERT INTO strokes VALUES (?, ?, ?, ?, ?, ?, ?)", row)


def _row_of(grid: DrawingGrid) -> tuple[int, int, int, str]:
    return (*grid.shape, grid.identity)


def require_grid(connection: sqlite3.Connection, case: str, sequence: str, grid: DrawingGrid) -> None:
    """Note the grid of a mask that is begun, or refuse another one.

    Raises
    ------
    OtherImageError : the mask was begun on another image.
    """
    known = grid_of(connection, case, sequence)
    if known is None:
        connection.execute("INSERT INTO grids VALUES (?, ?, 0, ?, ?, ?, ?)", (case, sequence, *_row_of(grid)))
    elif known != grid:
        raise OtherImageError(
            f"{sequence}: the image is not the one on which {case} was drawn (then {known.shape} voxels, now "
            f"{grid.shape}, or other voxel sizes or positions). Nothing was stored. To do: tell the study lead, who "
            "puts the former image back, or has the lesion drawn anew"
        )


def grid_of(
    connection: sqlite3.Connection, case: str, sequence: str, revision: int | None = None
) -> DrawingGrid | None:
    """The grid that a mask is drawn on, now or after so many strokes; None where nothing is drawn."""
    known = _begun(connection, case, sequence, revision)
    return None if known is None else known[1]


def _begun(
    connection: sqlite3.Connection, case: str, sequence: str, revision: int | None
) -> tuple[int, DrawingGrid] | None:
    """The stroke with which a mask was begun that a revision belongs to, and its grid."""
    query = (
        "SELECT since, i, j, k, identity FROM grids WHERE case_id = ? AND sequence = ? AND since <= ? "
        "ORDER BY since DESC LIMIT 1"
    )
    row = connection.execute(query, (case, sequence, _LAST if revision is None else revision)).fetchone()
    return None if row is None else (row[0], DrawingGrid((row[1], row[2], row[3]), row[4]))


def revision_of(connection: sqlite3.Connection, case: str, sequence: str) -> int:
    """Number of strokes stored."""
    query = "SELECT count(*) FROM strokes WHERE case_id = ? AND sequence = ?"
    return int(connection.execute(query, (case, sequence)).fetchone()[0])


def codes_at(
    connection: sqlite3.Connection, case: str, sequence: str, grid: DrawingGrid, revision: int | None = None
) -> Codes:
    """The mask after so many strokes; None: after all of them."""
    until = _LAST if revision is None else revision
    begun = _begun(connection, case, sequence, revision)
    first = 0 if begun is None else begun[0]
    query = (
        "SELECT revision, runs FROM snapshots WHERE case_id = ? AND sequence = ? AND revision > ? AND revision <= ? "
        "ORDER BY revision DESC LIMIT 1"
    )
    snapshot = connection.execute(query, (case, sequence, first, until)).fetchone()
    since, start = (first, None) if snapshot is None else (snapshot[0], unpacked(snapshot[1]))
    query = (
        "SELECT runs FROM strokes WHERE case_id = ? AND sequence = ? AND revision >= ? AND revision < ? "
        "ORDER BY revision"
    )
    strokes = connection.execute(query, (case, sequence, since, until))
    return fold(grid.size, (unpacked(row[0]) for row in strokes), start)


def masks_of(connection: sqlite3.Connection, case: str) -> dict[str, StoredMask]:
    """Sequence to mask, of those on which something was drawn."""
    query = "SELECT DISTINCT sequence FROM grids WHERE case_id = ? ORDER BY 1"
    names = [row[0] for row in connection.execute(query, (case,))]
    masks = {}
    for name in names:
        grid = grid_of(connection, case, name)
        if grid is not None:
            codes = codes_at(connection, case, name, grid)
            masks[name] = StoredMask(revision_of(connection, case, name), runs_of(codes), grid)
    return masks


def displays_of(
    connection: sqlite3.Connection, case: str, sequence: str, revision: int | None = None
) -> tuple[DisplayUse, ...]:
    """The settings of the display that a mask was drawn with until a revision, those of most strokes first."""
    begun = _begun(connection, case, sequence, revision)
    first, until = 0 if begun is None else begun[0], _LAST if revision is None else revision
    query = (
        "SELECT settings, count(*) FROM strokes JOIN displays ON displays.id = display "
        "WHERE case_id = ? AND sequence = ? AND revision >= ? AND revision < ? "
        "GROUP BY display ORDER BY count(*) DESC, settings"
    )
    return tuple(DisplayUse(*row) for row in connection.execute(query, (case, sequence, first, until)))
