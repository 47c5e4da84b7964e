"""Discretisation of a lesion's intensities into grey levels 1 ... n, as IBSI defines it.

References
----------
IBSI reference manual, section 2.7 (4R0B): fixed bin number K15C, fixed bin size Q3RU.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radstudy.errors import CaseError

_MOST_LEVELS = 10_000_000


def fixed_width(values: NDArray[np.float64], width: float, lowest: float) -> NDArray[np.int32]:
    """Discretise with bins of a fixed width: floor((x - lowest) / width) + 1.

    Parameters
    ----------
    values : (n,) intensities.
    width : of a bin, in the unit of `values`.
    lowest : lower edge of bin 1, in the same unit.

    Returns
    -------
    levels : int32 (n,), from 1.

    Raises
    ------
    CaseError : an intensity lies below the first bin, or there would be more than ten million bins.

    Examples
    --------
    >>> fixed_width(np.array([-1000.0, -975.0, 12.0]), 25, -1000)
    array([ 1,  2, 41], dtype=int32)
    """
    least, most = float(values.min()), float(values.max())
    if least < lowest:
        raise CaseError(
            f"the lesion's lowest intensity is {least:g}, below the first bin at {lowest:g}",
            "lower `lowest`, or resegment from that value",
        )
    if (most - lowest) / width > _MOST_LEVELS:
        raise CaseError(
            f"intensities from {lowest:g} to {most:g} would need more than {_MOST_LEVELS:,} bins of width {width:g}",
            "use a wider bin",
        )
    levels: NDArray[np.int32] = np.floor((values - lowest) / width).astype(np.int32) + np.int32(1)
    return levels


def fixed_count(values: NDArray[np.float64], count: int) -> NDArray[np.int32]:
    """Discretise with a fixed number of bins: floor(count (x - min) / (max - min)) + 1, at most count.

    Parameters
    ----------
    values : (n,) intensities.
    count : number of bins.

    Returns
    -------
    levels : int32 (n,), 1 ... count; all 1 if the intensities are equal.

    Examples
    --------
    >>> fixed_count(np.array([0.0, 4.9, 5.0, 10.0]), 2)
    array([1, 1, 2, 2], dtype=int32)
    """
    least, most = float(values.min()), float(values.max())
    if least == most:
        return np.ones(values.size, np.int32)
    numbers = np.floor(count * (values - least) / (most - least)) + 1
    levels: NDArray[np.int32] = np.minimum(numbers, count).astype(np.int32)
    return levels
