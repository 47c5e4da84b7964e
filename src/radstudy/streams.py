"""The streams of random numbers that a study's seed is divided into, so that no two parts of a study share one."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np


class Stream(IntEnum):
    """Purposes of random numbers. A number never changes and is never reused: results depend on it."""

    SPLIT = 1  # patients to the training and testing sets
    PERMUTATIONS = 3  # outcomes for chance
    FOLDS = 4  # nested cross-validation
    SPLITS = 5  # other splits into training and testing
    BOOTSTRAP = 6
    NOISE = 7  # outcomes without any association; with two further numbers, the voxels of a shuffled lesion
    PLANNING = 8  # simulated studies
    READING = 9  # the reading room: orders, pseudonyms, who is read twice
    FORMS = 10  # bootstrap of the training patients, for the intervals of a signature


def generator_of(seed: int, stream: Stream, *numbers: int) -> np.random.Generator:
    """The generator of one repeat or case, so that the order of computing does not matter.

    Parameters
    ----------
    seed : the study's.
    stream : what is drawn.
    numbers : which repeat or case of the stream, each from 0 to 2**32 - 1.

    References
    ----------
    NumPy, "Parallel random number generation": SeedSequence with spawn keys.
    """
    import numpy as np

    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(int(stream), *numbers)))
