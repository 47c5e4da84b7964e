"""Strokes in the database: appended one by one, folded into a mask at any revision, a snapshot after every 64."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass

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
    connection.execute("INSERT OR IGNORE INTO displays (settings) VALUES (?)", (stroke.settings,))
    (display,) = connection.execute("SELECT id FROM displays WHERE settings = ?", (stroke.settings,)).fetchone()
    row = (case, stroke.sequence, stored, stroke.tool, packed(stroke.runs), display, stroke.at)
    connection.execute("INSERT INTO strokes VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    if (stored + 1) % SNAPSHOT_EVERY == 0:
        whole = packed(runs_of(codes_at(connection, case, stroke.sequence, grid)))
        connection.execute("INSERT INTO snapshots VALUES (?, ?, ?, ?)", (case, stroke.sequence, stored + 1, whole))
    return stored + 1


def require_grid(connection: sqlite3.Connection, case: str, sequence: str, grid: DrawingGrid) -> None:
    """Note the grid of a mask that is begun, or refuse another one.

    Raises
    ------
    OtherImageError : the mask was begun on another image.
    """
    known = grid_of(connection, case, sequence)
    if known is None:
        connection.execute("INSERT INTO grids VALUES (?, ?, ?, ?, ?, ?)", (case, sequence, *grid.shape, grid.identity))
    elif known != grid:
        raise OtherImageError(
            f"{sequence}: the image is not the one on which {case} was drawn (then {known.shape} voxels, now "
            f"{grid.shape}, or other voxel sizes or positions). Nothing was stored. To do: tell the study lead, who "
            "puts the former image back"
        )


def grid_of(connection: sqlite3.Connection, case: str, sequence: str) -> DrawingGrid | None:
    """The grid that a mask is drawn on; None where nothing is drawn."""
    query = "SELECT i, j, k, identity FROM grids WHERE case_id = ? AND sequence = ?"
    row = connection.execute(query, (case, sequence)).fetchone()
    return None if row is None else DrawingGrid((row[0], row[1], row[2]), row[3])


def revision_of(connection: sqlite3.Connection, case: str, sequence: str) -> int:
    """Number of strokes stored."""
    query = "SELECT count(*) FROM strokes WHERE case_id = ? AND sequence = ?"
    return int(connection.execute(query, (case, sequence)).fetchone()[0])


def codes_at(
    connection: sqlite3.Connection, case: str, sequence: str, grid: DrawingGrid, revision: int | None = None
) -> Codes:
    """The mask after so many strokes; None: after all of them."""
    until = _LAST if revision is None else revision
    query = (
        "SELECT revision, runs FROM snapshots WHERE case_id = ? AND sequence = ? AND revision <= ? "
        "ORDER BY revision DESC LIMIT 1"
    )
    snapshot = connection.execute(query, (case, sequence, until)).fetchone()
    since, start = (0, None) if snapshot is None else (snapshot[0], unpacked(snapshot[1]))
    query = (
        "SELECT runs FROM strokes WHERE case_id = ? AND sequence = ? AND revision >= ? AND revision < ? "
        "ORDER BY revision"
    )
    strokes = connection.execute(query, (case, sequence, since, until))
    return fold(grid.size, (unpacked(row[0]) for row in strokes), start)


def masks_of(connection: sqlite3.Connection, case: str) -> dict[str, StoredMask]:
    """Sequence to mask, of those on which something was drawn."""
    names = [row[0] for row in connection.execute("SELECT sequence FROM grids WHERE case_id = ? ORDER BY 1", (case,))]
    masks = {}
    for name in names:
        grid = grid_of(connection, case, name)
        if grid is not None:
            codes = codes_at(connection, case, name, grid)
            masks[name] = StoredMask(revision_of(connection, case, name), runs_of(codes), grid)
    return masks


def displays_of(connection: sqlite3.Connection, case: str, sequence: str) -> tuple[DisplayUse, ...]:
    """The settings of the display that a mask was drawn with, those of most strokes first."""
    query = (
        "SELECT settings, count(*) FROM strokes JOIN displays ON displays.id = display "
        "WHERE case_id = ? AND sequence = ? GROUP BY display ORDER BY count(*) DESC, settings"
    )
    return tuple(DisplayUse(*row) for row in connection.execute(query, (case, sequence)))
