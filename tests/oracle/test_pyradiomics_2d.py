"""Shapes of one plane, local binary patterns and filters within planes against PyRadiomics 3.0.1 on real images.

The values were made by pyradiomics_2d_make.py. Every feature lies within 1e-6 of its value; those that are 0 but for
rounding are compared on the scale of `NEAR_ZERO`. Not compared: LBP2D of a normalised image, whose codes depend on the
last bits of equal neighbours.
"""

from __future__ import annotations

import csv
import gzip
import math
from functools import cache
from pathlib import Path

import pytest
import SimpleITK as sitk

from oracle.pyradiomics_2d_make import CASES, images_of
from radstudy.features.extract import extract

HERE = Path(__file__).parent
RELATIVE, NEAR_ZERO = 1e-6, 1e-12


@cache
def reference() -> dict[str, dict[str, float]]:
    values: dict[str, dict[str, float]] = {}
    with gzip.open(HERE / "pyradiomics_2d.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            values.setdefault(row["case"], {})[row["feature"]] = float(row["value"])
    return values


@pytest.mark.parametrize("case", CASES)
def test_every_feature_is_pyradiomics(case, real_data, tmp_path):
    image, mask = images_of(CASES[case], real_data)
    sitk.WriteImage(image, str(tmp_path / "image.nrrd"))
    sitk.WriteImage(mask, str(tmp_path / "mask.nrrd"))
    ours = extract(tmp_path / "image.nrrd", tmp_path / "mask.nrrd", CASES[case]["params"])
    theirs = reference()[case]
    assert list(ours) == list(theirs)
    wrong = [
        f"{name}: {ours[name]!r}, PyRadiomics {value!r}"
        for name, value in theirs.items()
        if not math.isclose(ours[name], value, rel_tol=RELATIVE, abs_tol=NEAR_ZERO)
        and not (math.isnan(ours[name]) and math.isnan(value))
    ]
    assert not wrong, f"{len(wrong)} of {len(theirs)}: " + "; ".join(wrong[:10])
