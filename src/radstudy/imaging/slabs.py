"""Work on a whole volume, slab by slab along its slowest axis, on as many threads as the process may use.

A slab's temporary arrays stay in the processor's cache, where whole volumes of them would not. Kernels and NumPy's
loops run without the interpreter's lock, so threads are enough.
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
    """Threads that a process may use: what OMP_NUM_THREADS says (a cohort's worker processes get 1), or the cores."""
    said = os.environ.get("OMP_NUM_THREADS", "")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(min(int(said) if said.isdigit() else cores, cores, _MOST), 1)


def in_slabs(function: Callable[[slice], Result], count: int, threads: int | None = None) -> list[Result]:
    """Apply a function to one range of planes a thread; the results in the planes' order.

    Parameters
    ----------
    function : given a slice of range(count); must not depend on how the planes are shared out.
    count : planes.
    threads : None takes `thread_count`.
    """
    wanted = min(threads or thread_count(), count)
    ends = [count * part // wanted for part in range(wanted + 1)]
    slabs = [slice(first, last) for first, last in pairwise(ends)]
    if wanted == 1:
        return [function(slabs[0])]
    with ThreadPoolExecutor(wanted) as pool:
        return list(pool.map(function, slabs))
