"""Image and mask in memory or as files: the same lesion to all that computes features of it."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from radstudy import Roi, Volume, extract, extract_ibsi
from radstudy.errors import UsageError
from radstudy.features.ibsi.filters import Mean
from radstudy.features.ibsi.response_maps import filtered_statistics
from radstudy.features.maps import feature_map, feature_maps

AFFINE = np.diag([-1.0, -1.0, 1.0, 1.0])
PLAIN = {"featureClass": {"firstorder": ["Mean"]}}
MEAN = "original_firstorder_Mean"


def image():
    return Volume(np.random.default_rng(2).normal(100, 20, (12, 11, 10)).astype(np.float32), AFFINE)


def pieces():
    """One label in two pieces, and another label: 64, 8 and 27 voxels."""
    drawn = np.zeros((12, 11, 10), np.uint8)
    drawn[1:5, 1:5, 1:5] = 1
    drawn[9:11, 1:3, 1:3] = 1
    drawn[7:10, 7:10, 6:9] = 2
    return drawn


CALLS = {
    "extract": lambda *given, **label: extract(*given, PLAIN, **label)[MEAN],
    "feature_map": lambda *given, **label: np.nanmean(feature_map(*given, MEAN, PLAIN, **label).voxels),
    "feature_maps": lambda *given, **label: np.nanmean(
        feature_maps(*given, [MEAN], PLAIN, **label).maps[MEAN].voxels
    ),
    "extract_ibsi": lambda *given, **label: extract_ibsi(*given, {"bin_count": 8}, **label)["stat_mean", ""],
    "filtered_statistics": lambda *given, **label: filtered_statistics(*given, {}, Mean(3), **label)["stat_mean"],
}  # fmt: skip


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("label", [1, "largest"])
def test_a_label_beside_a_mask_that_is_no_file_is_refused(call, label):
    with pytest.raises(UsageError, match="a label was given, but the mask is a Roi"):
        call(image(), Roi(pieces() == 1, AFFINE), label=label)


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
@pytest.mark.parametrize("label", [1, 2, "largest", "union"])
def test_files_are_what_they_hold(tmp_path, call, label):
    drawn = pieces()
    largest = np.zeros(drawn.shape, bool)
    largest[1:5, 1:5, 1:5] = True
    inside = {1: drawn == 1, 2: drawn == 2, "largest": largest, "union": drawn > 0}[label]
    image().write(tmp_path / "image.nii.gz")
    sitk.WriteImage(sitk.GetImageFromArray(drawn.transpose(2, 1, 0)), tmp_path / "mask.nrrd")
    files = call(tmp_path / "image.nii.gz", tmp_path / "mask.nrrd", label=label)
    assert files == call(image(), Roi(inside, AFFINE))
