"""IBSI's CT phantom, configuration C: the interpolated image and mask have the consensus' size and intensities."""

import numpy as np
import pandas as pd
import pytest

from radstudy.imaging.header import header_of
from radstudy.imaging.resample import resample
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume


@pytest.fixture(scope="module")
def interpolated(real_data):
    image = Volume.read(real_data / "ibsi" / "ct_phantom" / "image.nii.gz")
    roi = Roi.read(real_data / "ibsi" / "ct_phantom" / "mask.nii.gz")
    region = resample(
        image.voxels.transpose(2, 1, 0), roi.mask.transpose(2, 1, 0), header_of(image.affine), spacing_mm=(2, 2, 2),
        pad=1000, interpolator="sitkLinear", align="centre", partial_volume=0.5,
    )  # fmt: skip
    return region, np.round(region.image)


@pytest.fixture(scope="module")
def reference(real_data):
    table = pd.read_csv(real_data / "ibsi" / "ibsi1_reference_values.csv")
    return table[table["configuration"] == "config_C"].set_index("tag")[["reference_value", "tolerance"]]


def test_the_interpolated_phantom_is_the_consensus(interpolated, reference):
    region, image = interpolated
    inside = image[region.mask]
    box = [np.ptp(np.flatnonzero(region.mask.any(axis=axes))) + 1 for axes in ((0, 1), (0, 2), (1, 2))]
    ours = {
        **dict(zip([f"img_dim_{a}_interp_img" for a in "xyz"], image.shape[::-1], strict=True)),
        **dict(zip([f"int_mask_bb_dim_{a}_interp_roi" for a in "xyz"], box, strict=True)),
        "mean_int_interp_img": image.mean(),
        "min_int_interp_img": image.min(),
        "max_int_interp_img": image.max(),
        "int_mask_vox_count_interp_roi": inside.size,
        "int_mask_mean_int_interp_roi": inside.mean(),
        "int_mask_min_int_interp_roi": inside.min(),
        "int_mask_max_int_interp_roi": inside.max(),
    }
    for tag, value in ours.items():
        expected, tolerance = reference.loc[tag]
        assert abs(value - expected) <= tolerance + 0.5 * 10.0 ** -(1 if "roi" in tag and "mean" in tag else 0), tag
