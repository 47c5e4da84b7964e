"""The drop-in extractor against PyRadiomics 3.0.1: names, order, types, diagnostics and values (compat_make.py)."""

from __future__ import annotations

import gzip
import json
import logging
import math
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

from oracle import compat_cases
from radstudy.compat import RadiomicsFeatureExtractor
from radstudy.compat.toolbox import handler

RELATIVE, NEAR_ZERO = 1e-6, 1e-12
NO_WIDTH = 1e-7  # an axis of a lesion on one line: the root of an eigenvalue that is 0 up to rounding
OURS = "diagnostics_Versions_"  # the only entries that may differ


@cache
def reference():
    with gzip.open(Path(__file__).parent / "compat.json.gz", "rt", encoding="utf-8") as file:
        return json.load(file)


@pytest.fixture(autouse=True)
def _quiet():
    before = handler.level
    handler.setLevel(logging.CRITICAL)
    yield
    handler.setLevel(before)


def near(ours, theirs, zero=NEAR_ZERO):
    return math.isclose(ours, theirs, rel_tol=RELATIVE, abs_tol=zero) or (math.isnan(ours) and math.isnan(theirs))


def same_text(ours, theirs):
    """True if two diagnostics say the same, up to the last digits of their numbers."""
    if str(ours) == theirs:
        return True
    numbers = [[float(one) for one in text.strip("()").split(",")] for text in (str(ours), theirs)]
    return all(near(a, b) for a, b in zip(*numbers, strict=True))


def differs(name, kind, theirs, ours):
    if type(ours).__name__ != kind:
        return f"{name}: {type(ours).__name__} for {kind}"
    if kind == "Image":
        return None
    if kind in ("ndarray", "float64") and not name.startswith("diagnostics"):
        ok = (
            near(float(ours), theirs, NO_WIDTH if "_shape" in name else NEAR_ZERO)
            and ours.dtype == np.float64
            and ours.ndim == 0
        )
    else:
        ok = name.startswith(OURS) or name.endswith("Configuration_Settings") or same_text(ours, theirs)
    return None if ok else f"{name}: {ours!r} for {theirs!r}"


@pytest.mark.parametrize("case", compat_cases.CASES, ids=lambda case: case.__name__)
def test_a_call_returns_what_pyradiomics_returns(case):
    theirs = reference()[case.__name__]
    ours = case(RadiomicsFeatureExtractor)
    assert list(ours) == [name for name, _, _ in theirs]
    assert [text for name, kind, value in theirs if (text := differs(name, kind, value, ours[name]))] == []


@pytest.mark.parametrize("case", compat_cases.MAPS, ids=lambda case: case.__name__)
def test_maps_are_the_images_that_pyradiomics_returns(case):
    theirs = reference()[case.__name__]
    ours = case(RadiomicsFeatureExtractor)
    assert list(ours) == [name for name, _, _ in theirs]
    assert [text for name, kind, value in theirs if (text := differs(name, kind, value, ours[name]))] == []
    for name, (size, spacing, origin, voxels) in [(name, value) for name, kind, value in theirs if kind == "Image"]:
        image = ours[name]
        assert list(image.GetSize()) == size, name
        assert np.allclose(image.GetSpacing(), spacing, rtol=1e-12), name
        assert np.allclose(image.GetOrigin(), origin, rtol=1e-12), name
        apart = [(a, b) for a, b in zip(sitk.GetArrayFromImage(image).ravel().tolist(), voxels, strict=True)
                 if not near(a, b)]  # fmt: skip
        # PyRadiomics averages JointAverage over directions without a pair too, and gets NaN.
        assert not [pair for pair in apart if not (name.endswith("glcm_JointAverage") and math.isnan(pair[1]))], name


@pytest.mark.parametrize("case", compat_cases.REFUSED, ids=lambda case: case.__name__)
def test_what_pyradiomics_refuses_is_a_value_error(case):
    assert reference()["refused"][case.__name__][0] in ("ValueError", "RuntimeError", "AssertionError")
    with pytest.raises(ValueError, match=r"To do: |give two"):
        case(RadiomicsFeatureExtractor)
