"""Where voxels lie on the screen, and which belong to what was drawn: from the rules alone, apart from the page.

Anatomical axes come from nibabel, polygons from matplotlib; distances are those of patient coordinates in mm.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import nibabel as nib
import numpy as np
from matplotlib.path import Path as Outline
from numpy.typing import NDArray

Points = NDArray[np.float64]
WORLD = {"axial": (0, 1, 2), "sagittal": (1, 2, 0), "coronal": (0, 2, 1)}
"""Patient axes across, down and through; the screen runs to L, P and I."""


@dataclass(frozen=True)
class Screen:
    """A view whose image lies in its middle.

    Parameters
    ----------
    left, top, width, height : of the canvas, CSS pixels.
    zoom : 1: the image fits the view.
    """

    left: float
    top: float
    width: float
    height: float
    shape: tuple[int, int, int]
    affine: NDArray[np.float64]
    plane: str
    slice: int
    zoom: float

    @property
    def axes(self) -> tuple[int, int, int]:
        """Array axes across, down and through."""
        nearest = nib.orientations.io_orientation(self.affine)[:, 0].astype(int).tolist()
        across, down, through = (nearest.index(world) for world in WORLD[self.plane])
        return across, down, through

    @property
    def mm(self) -> NDArray[np.float64]:
        return np.linalg.norm(self.affine[:3, :3], axis=0)

    @property
    def px_per_mm(self) -> float:
        across, down, _ = self.axes
        fits = self.width / (self.shape[across] * self.mm[across]), self.height / (self.shape[down] * self.mm[down])
        return self.zoom * min(fits)

    def index(self, points: Points) -> Points:
        """Continuous (i, j, k) of points (n, 2) of the window."""
        flips = nib.orientations.io_orientation(self.affine)[:, 1]
        across, down, through = self.axes
        index = np.empty((len(points), 3))
        middle = self.left + self.width / 2, self.top + self.height / 2
        for axis, place, centre in ((across, points[:, 0], middle[0]), (down, points[:, 1], middle[1])):
            from_middle = (place - centre) / (self.px_per_mm * self.mm[axis])
            index[:, axis] = (self.shape[axis] - 1) / 2 - flips[axis] * from_middle
        index[:, through] = self.slice
        return index

    def point(self, index: NDArray[Any]) -> tuple[float, float]:
        """The window's point of a continuous (i, j, k)."""
        flips = nib.orientations.io_orientation(self.affine)[:, 1]
        across, down, _ = self.axes
        place = [
            centre - flips[axis] * (index[axis] - (self.shape[axis] - 1) / 2) * self.px_per_mm * self.mm[axis]
            for axis, centre in ((across, self.left + self.width / 2), (down, self.top + self.height / 2))
        ]
        return float(place[0]), float(place[1])

    def in_polygon(self, points: Points) -> NDArray[np.bool_]:
        """Voxels whose centre lies inside a polygon of the window."""
        across, down, through = self.axes
        x, y = sorted((across, down))
        corners = self.index(points)[:, [x, y]]
        grid = np.stack(np.meshgrid(np.arange(self.shape[x]), np.arange(self.shape[y]), indexing="ij"), -1)
        centres = grid.reshape(-1, 2).astype(float)
        ways = np.stack([corners, np.roll(corners, -1, axis=0)], 1)
        assert min(_distances(centres, *way).min() for way in ways) > 1e-7, (
            "a centre lies on an edge: choose other points"
        )
        inside = Outline(np.vstack([corners, corners[:1]]), closed=True).contains_points(centres)
        mask = np.zeros(self.shape, bool)
        plane = inside.reshape(self.shape[x], self.shape[y])
        mask[tuple(self.slice if axis == through else slice(None) for axis in range(3))] = plane
        return mask

    def near_way(self, points: Points, radius_mm: float, *, ball: bool) -> NDArray[np.bool_]:
        """Voxels whose centre lies within a radius of a way on the window: on the slice, or in space."""
        centres = np.stack(np.meshgrid(*map(np.arange, self.shape), indexing="ij"), -1).reshape(-1, 3)
        patient = nib.affines.apply_affine(self.affine, centres)
        way = nib.affines.apply_affine(self.affine, self.index(points))
        ends = [(way[0], way[0])] if len(way) == 1 else list(pairwise(way))
        distance = np.min([_distances(patient, a, b) for a, b in ends], axis=0)
        assert np.abs(distance - radius_mm).min() > 1e-7, "a centre lies on the rim: choose another radius"
        mask = (distance <= radius_mm).reshape(self.shape)
        if not ball:
            through = self.axes[2]
            mask &= (
                np.arange(self.shape[through]).reshape([-1 if axis == through else 1 for axis in range(3)])
                == self.slice
            )
        return mask


def _distances(points: Points, a: Points, b: Points) -> NDArray[np.float64]:
    """Distance of points from the way from a to b."""
    along = b - a
    length2 = float(along @ along)
    part = np.clip((points - a) @ along / length2, 0, 1) if length2 else np.zeros(len(points))
    return np.linalg.norm(points - a - part[:, None] * along, axis=1)
