"""Processing of a whole volume, slab by slab along its slowest axis, on as many threads as the process may use.

A slab's temporary arrays fit the processor's cache; those of whole volumes would not. Kernels and NumPy's loops run
without the interpreter's lock, so threads are enough.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

Result = TypeVar("Result")

_MOST = 8  # memory, not arithmetic, bounds these passes


def thread_count() -> int:
    """Return the number of threads a process may use: OMP_NUM_THREADS (1 in a cohort's workers), or the cores."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(min(int(said) if said.isdigit() else cores, cores, _MOST), 1)


def in_slabs(function: Callable[[slice], Result], count: int, threads: int | None = None) -> list[Result]:
    """Apply a function to one range of planes per thread; return the results in the planes' order.

    Parameters
    ----------
    function : called with a slice of range(count); its results must not depend on the distribution of the planes.
    count : number of planes.
    threads : None takes `thread_count`.
    """
    wanted = min(threads or thread_count(), count)
    ends = [count * part // wanted for part in range(wanted + 1)]
    slabs = [slice(first, last) for first, last in pairwise(ends)]
    if wanted == 1:
        return [function(slabs[0])]
    with ThreadPoolExecutor(wanted) as pool:
        return list(pool.map(function, slabs))
