from __future__ import annotations

import numpy as np
import pytest

from radstudy import Roi, Volume
from radstudy.errors import CaseError, StudyFileError
from radstudy.features.ibsi.filters import (
    Gabor,
    LaplacianOfGaussian,
    Laws,
    Mean,
    NoFilter,
    SeparableWavelet,
    SimoncelliWavelet,
)
from radstudy.features.ibsi.response_maps import filtered_statistics, response_map

ALL = [
    Mean(3),
    LaplacianOfGaussian(1.0),
    Laws(("L5", "E5", "S5"), rotation_invariant=True, energy_distance=2),
    Gabor(1.0, 2.0, 1.0, theta_step_degrees=45.0),
    SeparableWavelet("db2", "LLH", rotation_invariant=True),
    SimoncelliWavelet(),
]
NAMES = [type(one).__name__ for one in ALL]


def volume(shape=(12, 12, 12), spacing=(1.0, 1.0, 1.0)):
    voxels = np.random.default_rng(3).normal(0, 50, shape).astype(np.float32)
    return Volume(voxels, np.diag([*spacing, 1.0]))


@pytest.mark.parametrize("applied", ALL, ids=NAMES)
def test_statistics_come_from_the_response_map(applied):
    image = volume()
    mask = np.zeros(image.voxels.shape, dtype=bool)
    mask[5:8, 5:7, 4:8] = True
    found = filtered_statistics(image, Roi(mask, image.affine), {}, applied)
    inside = response_map(image, applied).voxels[mask]
    assert found["stat_mean"] == pytest.approx(inside.mean(), abs=1e-9)
    assert found["stat_max"] == pytest.approx(inside.max(), abs=1e-9)


@pytest.mark.parametrize("applied", [ALL[0], *ALL[3:5]], ids=["Mean", "Gabor", "SeparableWavelet"])
@pytest.mark.parametrize("boundary", ["constant", "nearest", "wrap", "reflect"])
def test_every_boundary_gives_a_map_of_the_same_size(applied, boundary):
    assert response_map(volume(), applied, boundary=boundary).voxels.shape == (12, 12, 12)


def test_a_slice_does_not_see_its_neighbours():
    image = volume()
    other = image.voxels.copy()
    other[:, :, 4:] += 100
    for applied in (Mean(5), LaplacianOfGaussian(1.5), Laws(("L5", "E5"), True), SeparableWavelet("haar", "LH")):
        one, two = (response_map(case, applied, by_slice=True) for case in (image, Volume(other, image.affine)))
        np.testing.assert_array_equal(one.voxels[:, :, :4], two.voxels[:, :, :4])


@pytest.mark.parametrize("applied", [LaplacianOfGaussian(1.5), SeparableWavelet("db3", "HHL")])
def test_a_constant_has_no_response(applied):
    flat = Volume(np.full((12, 12, 12), 70.0, np.float32), np.eye(4))
    np.testing.assert_allclose(response_map(flat, applied).voxels, 0.0, atol=0.1)


def test_what_does_not_fit_is_named():
    with pytest.raises(StudyFileError, match="size is 4; give an odd"):
        Mean(4)
    with pytest.raises(StudyFileError, match="boundary is 'mirror'; give one of constant"):
        response_map(volume(), Mean(3), boundary="mirror")
    with pytest.raises(StudyFileError, match="L-H does not fit: give 3 of L, H"):
        response_map(volume(), SeparableWavelet("haar", "LH"))
    with pytest.raises(StudyFileError, match="unknown wavelet or level: 'db99'"):
        response_map(volume(), SeparableWavelet("db99", "LLH"))
    with pytest.raises(StudyFileError, match="pooling is 'min'"):
        response_map(volume(), SeparableWavelet("haar", "LLH", pooling="min"))
    with pytest.raises(CaseError, match="equal spacing"):
        response_map(volume(spacing=(1.0, 1.0, 3.0)), LaplacianOfGaussian(1.5))
    with pytest.raises(CaseError, match="not finite"):
        response_map(Volume(np.full((3, 3, 3), np.nan, np.float32), np.eye(4)), NoFilter())
