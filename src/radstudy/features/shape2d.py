"""Shape features of a mask in one plane as in PyRadiomics 3.0.1: an outline, its diameter, and the principal axes."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.catalogue import feature_names
from radstudy.errors import CaseError
from radstudy.features.kernels import perimeter, surface


def shape2d(
    mask: NDArray[Any], spacing_yx: tuple[float, float], features: Iterable[str] | None = None
) -> dict[str, float]:
    """Compute the two-dimensional shape features.

    Parameters
    ----------
    mask : (rows, columns), non-zero inside the lesion.
    spacing_yx : mm between rows, and between columns.
    features : names; None for PyRadiomics' 9 (SphericalDisproportion when named).

    Returns
    -------
    values : Elongation is NaN for a single pixel, which has no axes; nothing else is NaN.

    Raises
    ------
    CaseError : the mask has no pixels.
    UsageError : a feature is unknown.

    Examples
    --------
    >>> shape2d(np.ones((2, 2)), (1.0, 1.0), ["PixelSurface", "MeshSurface"])
    {'PixelSurface': 4.0, 'MeshSurface': 3.5}
    """
    names = feature_names("shape2D", features)
    cropped = surface.crop_and_pad(np.ascontiguousarray(mask, dtype=bool).view(np.uint8)[None])
    if cropped.size == 0:
        raise CaseError("the lesion has no voxels", "draw the lesion")
    row_mm, column_mm = (float(mm) for mm in spacing_yx)
    computed = _outline(cropped[1], row_mm, column_mm) | _axes(cropped[1:2], row_mm, column_mm)
    return {name: computed[name] for name in names}


def _outline(padded: NDArray[np.uint8], row_mm: float, column_mm: float) -> dict[str, float]:
    counts = perimeter.count_squares(padded)
    eighths, along_rows, along_columns, diagonals = (int(total) for total in counts @ perimeter.SQUARES)
    area = eighths * (row_mm * column_mm) / 8
    length = along_rows * column_mm + along_columns * row_mm + diagonals * (math.hypot(row_mm, column_mm) / 2)
    circle = 2 * math.sqrt(math.pi * area)  # of equal area
    return {
        "MeshSurface": area,
        "Perimeter": length,
        "PerimeterSurfaceRatio": length / area,
        "Sphericity": circle / length,
        "SphericalDisproportion": length / circle,
        "MaximumDiameter": surface.planar_hulls(perimeter.vertex_ends(padded), row_mm / 2, column_mm / 2)[1],
    }


def _axes(padded: NDArray[np.uint8], row_mm: float, column_mm: float) -> dict[str, float]:
    count, _, y, x, _, yy, xx, _, _, yx = (int(total) for total in surface.moments(padded))
    # Integers until here, so a line of pixels along a row or a column has a minor axis of exactly 0.
    rows, columns, both = ((count * yy - y * y), (count * xx - x * x), (count * yx - y * x))
    scale = np.outer([row_mm, column_mm], [row_mm, column_mm])
    covariance = np.array([[rows, both], [both, columns]], dtype=np.float64) / count**2 * scale
    minor, major = np.maximum(np.linalg.eigvalsh(covariance), 0.0)
    return {
        "PixelSurface": count * (row_mm * column_mm),
        "MajorAxisLength": 4 * float(np.sqrt(major)),
        "MinorAxisLength": 4 * float(np.sqrt(minor)),
        "Elongation": float(np.sqrt(minor / major)) if major > 0 else float("nan"),
    }
