"""Feature maps against PyRadiomics 3.0.1's voxel-based extraction (values: pyradiomics_maps_make.py)."""

from __future__ import annotations

import csv
import gzip
import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from oracle.pyradiomics_maps_phantom import CASES, EVERY, SPACING_XYZ, phantom
from radstudy.features.maps import feature_map
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume

HERE = Path(__file__).parent
RELATIVE, NEAR_ZERO = 1e-6, 1e-12


@cache
def reference():
    values: dict[str, dict[str, list[float]]] = {}
    with gzip.open(HERE / "pyradiomics_maps.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            values.setdefault(row["case"], {}).setdefault(row["feature"], []).append(float(row["value"]))
    return values


def ours(case, feature):
    voxels, mask = phantom()
    affine = np.diag([-SPACING_XYZ[0], -SPACING_XYZ[1], SPACING_XYZ[2], 1.0])
    volume = Volume(voxels.transpose(2, 1, 0), affine, stored_dtype=np.int16)
    made = feature_map(volume, Roi(mask.transpose(2, 1, 0), affine), feature, CASES[case])
    return made.voxels.transpose(2, 1, 0)


def differ(ours_value, theirs_value, feature):
    if math.isclose(ours_value, theirs_value, rel_tol=RELATIVE, abs_tol=NEAR_ZERO):
        return False
    # PyRadiomics averages JointAverage over directions without a pair too, and gets NaN; its other features do not.
    return not (math.isnan(theirs_value) and (math.isnan(ours_value) or feature.endswith("glcm_JointAverage")))


@pytest.mark.parametrize("case", CASES)
def test_every_map_is_pyradiomics(case):
    theirs = reference()[case]
    image = next(iter(theirs)).split("_")[0]
    inside = np.flatnonzero(np.isfinite(ours(case, f"{image}_firstorder_Mean")))
    wrong = []
    for feature, expected in theirs.items():
        found = ours(case, feature).ravel()[inside][::EVERY]
        apart = [(a, b) for a, b in zip(found, expected, strict=True) if differ(a, b, feature)]
        if apart:
            wrong.append(f"{feature}: {len(apart)} of {len(expected)}, such as {apart[0]}")
    assert not wrong, f"{len(wrong)} of {len(theirs)}: " + "; ".join(wrong)
