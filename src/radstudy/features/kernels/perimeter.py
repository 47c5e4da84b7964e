"""Outline of a lesion in one plane: marching squares for perimeter and area, outline vertices for the diameter.

A square joins four pixel centres; the outline crosses a side half-way if one end is lesion and the other is not.
Lorensen and Cline 1987 (doi 10.1145/37402.37422) in two dimensions. A square whose two opposite corners are inside is
ambiguous; as in PyRadiomics 3.0.1 the corners are then separate, so pixels that touch at a corner do not join.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radstudy.compiled import jit

Int64 = NDArray[np.int64]

# Of squares by their corners (0, 0), (0, 1), (1, 0), (1, 1) (row, column; bits 0 ... 3): eighths of the square inside
# the outline, and how often the outline follows the columns' direction, the rows' direction, and a diagonal.
SQUARES = np.array([
    # inside, along a row, along a column, diagonal
    (0, 0, 0, 0), (1, 0, 0, 1), (1, 0, 0, 1), (4, 1, 0, 0), (1, 0, 0, 1), (4, 0, 1, 0), (2, 0, 0, 2), (7, 0, 0, 1),
    (1, 0, 0, 1), (2, 0, 0, 2), (4, 0, 1, 0), (7, 0, 0, 1), (4, 1, 0, 0), (7, 0, 0, 1), (7, 0, 0, 1), (8, 0, 0, 0),
], dtype=np.int64)  # fmt: skip


@jit()
def count_squares(padded: NDArray[np.uint8]) -> Int64:
    """Count the squares of each kind.

    Parameters
    ----------
    padded : uint8 (rows, columns), 1 inside, with one empty pixel on every side.

    Returns
    -------
    int64 (16,), by the bits of the four corners, as in `SQUARES`.
    """
    counts = np.zeros(16, np.int64)
    for row in range(padded.shape[0] - 1):
        for column in range(padded.shape[1] - 1):
            corners = (
                padded[row, column]
                | padded[row, column + 1] << 1
                | padded[row + 1, column] << 2
                | padded[row + 1, column + 1] << 3
            )
            counts[corners] += 1
    return counts


@jit()
def vertex_ends(padded: NDArray[np.uint8]) -> Int64:
    """Find the first and last outline vertex in each row of the half-pixel grid.

    Only these can be the ends of the longest diameter.

    Returns
    -------
    int64 (2, 1, 2 rows), first and last column in half pixels; last < 0: none. As `surface.planar_hulls` takes them.
    """
    rows, columns = padded.shape
    ends = np.empty((2, 1, 2 * rows), np.int64)
    ends[0], ends[1] = 2 * columns, -1
    for row in range(rows - 1):
        for column in range(columns - 1):
            here = padded[row, column]
            for down in range(2):
                if padded[row + down, column + 1 - down] != here:
                    half_row, half_column = 2 * row + down, 2 * column + 1 - down
                    ends[0, 0, half_row] = min(ends[0, 0, half_row], half_column)
                    ends[1, 0, half_row] = max(ends[1, 0, half_row], half_column)
    return ends
