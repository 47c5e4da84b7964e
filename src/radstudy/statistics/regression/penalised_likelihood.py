"""Maximisation of Firth's penalised likelihood, which has a maximum even under separation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from radstudy.errors import DataError
from radstudy.statistics.kernels.firth import climb
from radstudy.statistics.outcome import BoolArray, FloatArray

_MOST_STEPS = 200


def maximise_penalised(
    design: FloatArray,
    positive: BoolArray,
    *,
    start: FloatArray | None = None,
    held: NDArray[np.intp] | None = None,
) -> tuple[FloatArray, float]:
    """Maximise ``log likelihood + log det(X' W X) / 2`` by Newton's method; return (coefficients, maximum).

    Parameters
    ----------
    design : (n, columns), standardised, of full rank.
    positive : (n,) the outcome.
    start : (columns,) starting point; by default 0.
    held : columns that keep the value of `start`. The penalty stays that of all columns, so this is the profile of the
        penalised likelihood.

    Raises
    ------
    DataError : no convergence.

    References
    ----------
    Firth D, Biometrika 1993;80:27, doi 10.1093/biomet/80.1.27.
    """
    columns = design.shape[1]
    begin = np.zeros(columns) if start is None else np.asarray(start, dtype=np.float64)
    free = np.setdiff1d(np.arange(columns), [] if held is None else held).astype(np.int64)
    beta, best, rests = climb(np.ascontiguousarray(design.T), positive.astype(np.float64), begin, free, _MOST_STEPS)
    if not rests and held is None:
        raise DataError("Firth's regression did not converge: are variables nearly collinear?")
    return beta, float(best)  # far out on a profile, the value reached is good enough
