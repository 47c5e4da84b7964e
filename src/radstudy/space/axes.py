"""Orders of array axes and patient frames, with a named function for every conversion between them.

The axes of an array have one of two orders:

- ``ijk``: (I, J, K), as the file counts its voxels; I runs fastest in most files. `Volume`, `Roi` and `Grid` use it.
- ``zyx``: the same axes in reverse, (K, J, I). ITK's arrays, NumPy's row-major convention and the kernels use it.

Two frames of the patient, both in mm: ``ras`` (right, anterior, superior), which this program computes in, and ``lps``
(left, posterior, superior), which DICOM and ITK store. They differ in the signs of the first two axes, so the
conversion is its own inverse. Both directions have a name, so that the code shows which frame the result is in.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_SIGNS = (-1.0, -1.0, 1.0, 1.0)  # of x, y, z and the homogeneous 1

Scalar = TypeVar("Scalar", bound=np.generic)


def zyx_of_ijk(array: NDArray[Scalar]) -> NDArray[Scalar]:
    """Return a view of an (I, J, K) array with its axes as (K, J, I).

    Examples
    --------
    >>> zyx_of_ijk(np.zeros((2, 3, 4))).shape
    (4, 3, 2)
    """
    return array.transpose(2, 1, 0)


def ijk_of_zyx(array: NDArray[Scalar]) -> NDArray[Scalar]:
    """Return a view of a (K, J, I) array with its axes as (I, J, K)."""
    return array.transpose(2, 1, 0)


def ras_of_lps(lps: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convert a vector, axes or an affine that maps to LPS so that it maps to RAS.

    Parameters
    ----------
    lps : float64, a vector (3,), axes or a rotation's rows (3, n), or an affine (4, 4), whose first axis is LPS.

    Examples
    --------
    >>> ras_of_lps(np.array([10.0, 20.0, 30.0])).tolist()
    [-10.0, -20.0, 30.0]
    """
    flipped: NDArray[np.float64] = np.diag(_SIGNS[: len(lps)]) @ lps
    return flipped


def lps_of_ras(ras: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convert a vector, axes or an affine that maps to RAS so that it maps to LPS; see `ras_of_lps`."""
    return ras_of_lps(ras)


def points_ras_of_lps(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convert points (n, 3) from LPS to RAS.

    Examples
    --------
    >>> points_ras_of_lps(np.array([[1.0, 2.0, 3.0]])).tolist()
    [[-1.0, -2.0, 3.0]]
    """
    flipped: NDArray[np.float64] = points * np.array(_SIGNS[:3])
    return flipped


def map_between_frames(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convert a (3, 3) linear map from RAS to RAS into the same map from LPS to LPS, or back."""
    flip = np.diag(_SIGNS[:3])
    flipped: NDArray[np.float64] = flip @ linear @ flip
    return flipped


def axes_to_left_back_head(axes_ras: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convert (3, 3) columns along right, front, head to columns along left, back, head, both in RAS."""
    turned: NDArray[np.float64] = axes_ras @ np.diag(_SIGNS[:3])
    return turned
