"""One `jit` for every compiled kernel: cached on disk, without the interpreter lock.

numba refuses, at import, to cache a function when neither the package's folder nor the user's cache folder can be
written (a hospital workstation with a read-only home). Then the kernel is compiled anew in each process instead.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def jit(**options: Any) -> Callable[[Function], Function]:
    """Decorate a kernel: ``numba.njit(nogil=True, cache=True)``, uncached where no cache can be written.

    Parameters
    ----------
    **options : passed to ``numba.njit`` (``fastmath``, ``parallel``, ...).
    """

    def decorate(function: Function) -> Function:
        try:
            return numba.njit(nogil=True, cache=True, **options)(function)  # type: ignore[no-any-return]
        except RuntimeError:  # "cannot cache function ...: no locator available"
            return numba.njit(nogil=True, **options)(function)  # type: ignore[no-any-return]

    return decorate
