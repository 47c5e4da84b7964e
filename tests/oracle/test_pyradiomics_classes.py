"""Every feature class against PyRadiomics 3.0.1 on random phantoms (values: pyradiomics_classes_make.py)."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np
import pytest

from oracle.pyradiomics_classes_phantoms import phantoms
from radstudy.features.discretise import discretise
from radstudy.features.firstorder import first_order
from radstudy.features.shape import shape
from radstudy.features.shape2d import shape2d
from radstudy.features.texture import TEXTURES, glcm, gldm, glrlm, glszm, ngtdm, textures

HERE = Path(__file__).parent


def _reference():
    values: dict = {}
    with (HERE / "pyradiomics_classes.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            values.setdefault((row["phantom"], row["family"]), {})[row["feature"]] = float(row["value"])
    return values


REFERENCE = _reference()
CASES = [(phantom, family) for phantom in phantoms() for family in phantom.families]


def _options(settings, *names):
    translated = {
        "distances": settings.get("distances", (1,)),
        "force2d": settings.get("force2Ddimension") if settings.get("force2D") else None,
        "symmetric": settings.get("symmetricalGLCM", True),
        "weighting_norm": settings.get("weightingNorm"),
        "gldm_a": settings.get("gldm_a", 0),
    }
    return {name: translated[name] for name in names}


def _bins(settings):
    return {"bin_width": settings.get("binWidth", 25), "bin_count": settings.get("binCount")}


def compute(phantom, family, features):
    settings, spacing = phantom.settings, phantom.spacing_zyx
    if family == "shape":
        return shape(phantom.mask, spacing, features=features)
    if family == "shape2D":
        across = settings["force2Ddimension"]
        row_mm, column_mm = (step for axis, step in enumerate(spacing) if axis != across)
        return shape2d(phantom.mask.squeeze(axis=across), (row_mm, column_mm), features=features)
    if family == "firstorder":
        return first_order(
            phantom.image, phantom.mask, **_bins(settings), voxel_array_shift=settings.get("voxelArrayShift", 0),
            voxel_volume_mm3=float(np.prod(spacing)), features=features,
        )  # fmt: skip
    binned = discretise(phantom.image, phantom.mask, **_bins(settings))
    one, options = {
        "glcm": (glcm, ("distances", "force2d", "symmetric", "weighting_norm")),
        "glrlm": (glrlm, ("force2d", "weighting_norm")),
        "glszm": (glszm, ("force2d",)),
        "gldm": (gldm, ("distances", "force2d", "gldm_a")),
        "ngtdm": (ngtdm, ("distances", "force2d")),
    }[family]
    extra = {"spacing_zyx": spacing} if family in ("glcm", "glrlm") else {}
    return one(binned.levels, binned.n_levels, **_options(settings, *options), **extra, features=features)


@pytest.mark.parametrize(("phantom", "family"), CASES, ids=[f"{p.name}-{f}" for p, f in CASES])
def test_values_are_pyradiomics(phantom, family):
    expected = REFERENCE[phantom.name, family]
    computed = compute(phantom, family, list(expected))
    wrong = [(name, computed[name], value) for name, value in expected.items() if not _same(computed[name], value)]
    assert not wrong


def _same(ours, theirs):
    if math.isnan(theirs) or math.isnan(ours):
        return math.isnan(theirs) and math.isnan(ours)
    return math.isclose(ours, theirs, rel_tol=1e-6, abs_tol=1e-9)


@pytest.mark.parametrize("phantom", [p for p in phantoms() if set(TEXTURES) <= set(p.families)], ids=lambda p: p.name)
def test_all_textures_together_are_the_same(phantom):
    binned = discretise(phantom.image, phantom.mask, **_bins(phantom.settings))
    options = _options(phantom.settings, "distances", "force2d", "symmetric", "weighting_norm", "gldm_a")
    together = textures(binned.levels, binned.n_levels, **options, spacing_zyx=phantom.spacing_zyx)
    for family in TEXTURES:
        alone = compute(phantom, family, None)
        assert list(alone) == list(together[family])
        np.testing.assert_array_equal(list(together[family].values()), list(alone.values()))
