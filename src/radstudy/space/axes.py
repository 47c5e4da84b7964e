"""Orders of axes and frames of the patient: every change from one to another, by name.

Two orders of an array's axes:

- ``ijk``: (I, J, K), as the file counts its voxels; I runs fastest in most files. `Volume`, `Roi` and `Grid` have it.
- ``zyx``: the same axes the other way round, (K, J, I). ITK's arrays, NumPy's rows-first habit and the kernels have it.

Two frames of the patient, both in mm: ``ras`` (right, anterior, superior), which this program computes in, and ``lps``
(left, posterior, superior), which DICOM and ITK store. They differ by the signs of the first two axes, so each way is
its own inverse; both have a name, so that a line says which frame it ends in.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

_SIGNS = (-1.0, -1.0, 1.0, 1.0)  # of x, y, z and the homogeneous 1

Scalar = TypeVar("Scalar", bound=np.generic)


def zyx_of_ijk(array: NDArray[Scalar]) -> NDArray[Scalar]:
    """An (I, J, K) array as (K, J, I): a view.

    Examples
    --------
    >>> zyx_of_ijk(np.zeros((2, 3, 4))).shape
    (4, 3, 2)
    """
    return array.transpose(2, 1, 0)


def ijk_of_zyx(array: NDArray[Scalar]) -> NDArray[Scalar]:
    """A (K, J, I) array as (I, J, K): a view."""
    return array.transpose(2, 1, 0)


def ras_of_lps(lps: NDArray[np.float64]) -> NDArray[np.float64]:
    """What ends in LPS as what ends in RAS.

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
    """What ends in RAS as what ends in LPS; as `ras_of_lps`."""
    return ras_of_lps(ras)


def points_ras_of_lps(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points (n, 3) in LPS as points in RAS.

    Examples
    --------
    >>> points_ras_of_lps(np.array([[1.0, 2.0, 3.0]])).tolist()
    [[-1.0, -2.0, 3.0]]
    """
    flipped: NDArray[np.float64] = points * np.array(_SIGNS[:3])
    return flipped


def map_between_frames(linear: NDArray[np.float64]) -> NDArray[np.float64]:
    """The (3, 3) linear map of the one frame, from RAS to RAS, as that of the other, from LPS to LPS, or back."""
    flip = np.diag(_SIGNS[:3])
    flipped: NDArray[np.float64] = flip @ linear @ flip
    return flipped


def axes_to_left_back_head(axes_ras: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3, 3) columns along right, front, head as columns along left, back, head, both in RAS."""
    turned: NDArray[np.float64] = axes_ras @ np.diag(_SIGNS[:3])
    return turned
