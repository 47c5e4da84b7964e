"""The kernels that an extraction needs last, compiled beside a process that compiles those that it needs first.

    python -m radstudy.features.ahead

numba compiles one function at a time in a process, and keeps each on disk, where the other process finds it: the first
extraction on a computer is ready in two thirds of the time.
"""

from __future__ import annotations

import sys

import numpy as np

from radstudy.announcing import when_compiling
from radstudy.features.filters import laplacian_of_gaussian, wavelet_images
from radstudy.features.texture import textures
from radstudy.parallel import cores
from radstudy.parallel.program import beside


def compile_ahead() -> None:
    """Let a process beside this one compile a part of the kernels, as soon as this one compiles its first."""
    if cores() > 1:
        when_compiling(lambda: beside([sys.executable, "-m", __name__]))


def compile_the_last() -> None:
    """Compile the kernels of textures, then those of LoG and wavelets: another process comes to them in this order."""
    levels = np.ones((4, 4, 4), np.int32)
    levels[::2] = 2
    textures(levels, 2)
    image = np.arange(8**3, dtype=np.float32).reshape(8, 8, 8)
    box = ((2, 6), (2, 6), (2, 6))
    laplacian_of_gaussian(image, box, (1.0, 1.0, 1.0), 1.0)
    for _ in wavelet_images(image, box, "coif1"):
        pass


if __name__ == "__main__":
    compile_the_last()
