"""A small lesion made of whole numbers alone, and PyRadiomics' values of its features.

tests/oracle/doctor_make.py wrote reference.csv with PyRadiomics 3.0.1; the image is the same on every computer.
"""

from __future__ import annotations

import csv
from importlib import resources

import numpy as np
from numpy.typing import NDArray

SIZE, SPACING_MM = (24, 22, 16), (1.2, 1.2, 1.6)
_REFERENCE = "reference.csv"


def phantom() -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Voxels, int64 (I, J, K), and the lesion, bool (I, J, K), on a grid of `SPACING_MM`."""
    i, j, k = np.indices(SIZE)
    lesion = ((i - 12) ** 2 * 4 + (j - 11) ** 2 * 5 + (k - 8) ** 2 * 9) < 240
    texture = (i * 37 + j * 61 + k * 89 + i * j * 5 + j * k * 11) % 173
    return np.where(lesion, 420 + texture, 150 + texture // 3 + 4 * i), lesion


def reference() -> dict[str, float]:
    """Feature name to PyRadiomics' value."""
    text = (resources.files(__package__) / _REFERENCE).read_text(encoding="utf-8")
    return {row["feature"]: float(row["value"]) for row in csv.DictReader(text.splitlines())}
