"""Feature maps: several at once, and those that cannot be made. (Values: tests/oracle/test_pyradiomics_maps.py.)"""

import numpy as np
import pytest
from scipy.ndimage import binary_erosion

from radstudy.errors import CaseError, UsageError
from radstudy.features.given import settings_from
from radstudy.features.maps import feature_map, feature_maps, without_map
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume

SETTINGS = {
    "setting": {"resampledPixelSpacing": [2, 2, 2], "interpolator": "sitkBSpline", "padDistance": 3},
    "imageType": {"Original": {}, "LoG": {"sigma": [2.0]}},
}
MEAN, ENTROPY = "original_firstorder_Mean", "log-sigma-2-0-mm-3D_glcm_JointEntropy"


@pytest.fixture
def lesion():
    rng = np.random.default_rng(0)
    affine = np.diag([-1.5, 1.5, 3.0, 1.0])
    affine[:3, 3] = (20, -10, 5)
    mask = np.zeros((24, 22, 14), dtype=bool)
    mask[6:17, 5:16, 4:10] = True
    return Volume(rng.normal(300, 60, mask.shape).astype(np.float32), affine), Roi(mask, affine, reader="a")


def test_several_maps_at_once_are_those_made_alone(lesion):
    made = feature_maps(*lesion, [MEAN, ENTROPY], SETTINGS)
    assert made.problems == {}
    assert made.radius == 1
    for name, found in made.maps.items():
        np.testing.assert_array_equal(found.voxels, feature_map(*lesion, name, SETTINGS).voxels)


def test_image_mask_and_maps_lie_on_one_grid(lesion):
    made = feature_maps(*lesion, [MEAN], SETTINGS)
    (values,) = made.maps.values()
    np.testing.assert_array_equal(made.image.affine, values.affine)
    np.testing.assert_array_equal(made.roi.affine, values.affine)
    np.testing.assert_array_equal(np.isfinite(values.voxels), made.roi.mask)
    np.testing.assert_allclose(made.image.spacing_mm, 2)
    at = tuple(np.argwhere(binary_erosion(made.roi.mask, np.ones((3, 3, 3))))[0])  # its whole cube counts
    cube = tuple(slice(index - 1, index + 2) for index in at)
    assert made.roi.mask[cube].all()
    assert values.voxels[at] == pytest.approx(made.image.voxels[cube].mean(), rel=1e-5)


def test_a_feature_whose_image_cannot_be_made_is_a_problem_and_the_others_are_mapped(lesion):
    volume, roi = lesion
    thin = np.zeros_like(roi.mask)
    thin[8:12, 8:12, 5] = True
    settings = {"setting": {"padDistance": 0, "preCrop": True}, "imageType": SETTINGS["imageType"]}
    made = feature_maps(volume, Roi(thin, volume.affine, reader="a"), [ENTROPY, MEAN], settings)
    assert list(made.maps) == [MEAN]
    assert "log-sigma-2-0-mm-3D cannot be computed" in str(made.problems[ENTROPY])
    with pytest.raises(CaseError, match="reader a"):
        feature_map(volume, Roi(thin, volume.affine, reader="a"), ENTROPY, settings)


@pytest.mark.parametrize(
    ("feature", "says"),
    [
        ("original_shape_Sphericity", "has no map"),
        ("original_glcm_Entropy", "glcm has no feature 'Entropy'"),
        ("JointEntropy", "is not a feature's full name"),
        ("wavelet-LLH_firstorder_Mean", "do not include the image 'wavelet-LLH'; choose from original, log-sigma"),
    ],
)
def test_what_has_no_map_says_why(lesion, feature, says):
    (problem,) = without_map([MEAN, feature], settings_from(SETTINGS))
    assert says in problem
    with pytest.raises(UsageError) as refused:
        feature_maps(*lesion, [MEAN, feature], SETTINGS)
    assert str(refused.value) == problem


def test_what_lies_outside_the_lesion_is_as_the_settings_say_and_unmasked_kernels_are_refused(lesion):
    made = feature_map(*lesion, MEAN, {**SETTINGS, "voxelSetting": {"initValue": -7}})
    inside = np.isfinite(feature_map(*lesion, MEAN, SETTINGS).voxels)
    assert (made.voxels[~inside] == -7).all() and (made.voxels[inside] != -7).all()
    unmasked = {**SETTINGS, "voxelSetting": {"maskedKernel": False}}
    with pytest.raises(UsageError, match="maps that include neighbours outside the lesion are not supported"):
        feature_map(*lesion, MEAN, unmasked)
    assert "maskedKernel is false" in without_map([MEAN], settings_from(unmasked))[0]
