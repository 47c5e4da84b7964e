"""The longest diameter against PyRadiomics' definition, and motion against a known shift."""

import numpy as np
import pytest
from scipy import ndimage

from radstudy.errors import CaseError
from radstudy.features.shape import shape
from radstudy.imaging.parametric.diameter import maximum_diameter_mm
from radstudy.imaging.parametric.motion import motion_between
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume


@pytest.mark.parametrize("seed", range(6))
def test_the_diameter_is_that_of_the_shape_features(seed):
    rng = np.random.default_rng(seed)
    mask = ndimage.gaussian_filter(rng.random((24, 20, 16)), 2) > 0.505
    spacing = rng.uniform(0.5, 4, 3)
    turned = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    affine = np.eye(4)
    affine[:3, :3] = turned * spacing
    expected = shape(mask.transpose(2, 1, 0), tuple(spacing[::-1]), ["Maximum3DDiameter"])["Maximum3DDiameter"]
    assert maximum_diameter_mm(Roi(mask, affine)) == pytest.approx(expected, rel=1e-10)


def test_a_ball_of_30_mm_and_one_voxel():
    centre = np.stack(np.meshgrid(*[np.arange(41) - 20] * 3, indexing="ij"))
    ball = (centre**2).sum(axis=0) <= 15**2
    assert maximum_diameter_mm(Roi(ball, np.eye(4))) == pytest.approx(31, abs=0.2)  # to the voxels' outer faces
    one = np.zeros((3, 3, 3), bool)
    one[1, 1, 1] = True
    assert maximum_diameter_mm(Roi(one, np.diag([1.0, 2, 3, 1]))) == 3.0
    with pytest.raises(CaseError, match="the mask is empty"):
        maximum_diameter_mm(Roi(np.zeros((3, 3, 3)), np.eye(4)))


def test_a_known_shift_between_phases_is_measured_though_the_lesion_enhances():
    rng = np.random.default_rng(2)
    tissue = ndimage.gaussian_filter(rng.random((52, 52, 30)), 2.5)
    tissue = 200 + 4000 * (tissue - tissue.mean())
    centre = np.stack(np.meshgrid(*[np.arange(size) - size // 2 for size in tissue.shape], indexing="ij"))
    lesion = (centre**2).sum(axis=0) < 8**2
    affine = np.diag([1.2, 1.2, 1.5, 1])
    shift = np.array([1.5, -2.0, 0.5])  # voxels: 1.8, 2.4, 0.75 mm
    after = ndimage.shift(tissue + 250 * lesion, shift, order=3, mode="nearest")
    phases = [Volume(one.astype(np.float32), affine) for one in (tissue, after)]
    found = motion_between(phases, Roi(lesion, affine))
    assert found.largest_mm == pytest.approx(np.linalg.norm(shift * [1.2, 1.2, 1.5]), abs=0.15)
    with pytest.raises(CaseError, match="two phases"):
        motion_between(phases[:1], Roi(lesion, affine))
