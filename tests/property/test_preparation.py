"""What must hold for every image: mirrors, gains and offsets."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radstudy.imaging.box import bounding_box
from radstudy.imaging.header import header_of
from radstudy.imaging.intensity import reference_parameters, rescale_parameters, zscore_parameters
from radstudy.imaging.resample import resample
from radstudy.imaging.resampling_grid import resampling_grid
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume

sizes = st.tuples(*[st.integers(5, 14)] * 3)
spacings = st.tuples(*[st.floats(0.5, 4)] * 3)


@settings(deadline=None, max_examples=25)
@given(shape=sizes, old=spacings, new=spacings, axis=st.integers(0, 2), seed=st.integers(0, 99))
def test_a_mirrored_image_is_resampled_to_the_mirror_around_its_centre(shape, old, new, axis, seed):
    """IBSI's grid shares the image's centre, so it has no preferred side; PyRadiomics' grid has one."""
    rng = np.random.default_rng(seed)
    image, mask = rng.normal(size=shape), rng.random(shape) < 0.4
    mask[shape[0] // 2, shape[1] // 2, shape[2] // 2] = True
    header = header_of(np.diag([*old, 1.0]))
    asked = {"spacing_mm": new, "pad": 999, "interpolator": "sitkLinear", "align": "centre", "partial_volume": 0.4321}
    straight = resample(image, mask, header, **asked)
    mirrored = resample(np.flip(image, axis), np.flip(mask, axis), header, **asked)
    np.testing.assert_allclose(np.flip(mirrored.image, axis), straight.image, atol=1e-9)
    np.testing.assert_array_equal(np.flip(mirrored.mask, axis), straight.mask)


@settings(deadline=None, max_examples=50)
@given(shape=sizes, old=spacings, new=spacings)
def test_the_grid_around_the_centre_covers_the_image_and_not_a_voxel_more(shape, old, new):
    grid = resampling_grid(bounding_box(np.ones(shape, bool)), shape, header_of(np.diag([*old, 1.0])), new, 0, "centre")
    if grid is None:
        return
    for size, spacing, voxels, was, c in zip(
        grid.size, grid.spacing_mm, shape[::-1], old, grid.coordinates, strict=True
    ):
        assert voxels * was <= size * spacing * (1 + 1e-6)
        assert (size - 1) * spacing < voxels * was
        assert c.min() >= -0.5
        assert c.max() <= voxels - 0.5
        assert c.min() + c.max() == pytest.approx(voxels - 1, abs=1e-9)


@settings(deadline=None, max_examples=40)
@given(gain=st.floats(0.01, 100), offset=st.floats(-500, 500), over=st.sampled_from(["volume", "foreground"]))
def test_gain_and_offset_of_the_scanner_are_gone(gain, offset, over):
    voxels = np.random.default_rng(0).normal(100, 5, (12, 11, 9))
    voxels[3:9, 3:8, 2:7] += 300
    one, other = (Volume(v, np.eye(4)) for v in (voxels, voxels * gain + offset))
    for scale in (
        lambda v: zscore_parameters(v, over=over).apply(v).voxels,
        lambda v: rescale_parameters(v, from_=(1, 99), over=over).apply(v).voxels,
    ):
        np.testing.assert_allclose(scale(one), scale(other), rtol=1e-6, atol=1e-4)


@settings(deadline=None, max_examples=40)
@given(gain=st.floats(0.01, 100), to=st.floats(1, 5000))
def test_a_reference_tissue_takes_the_gain_away(gain, to):
    voxels = np.random.default_rng(0).normal(100, 5, (8, 8, 8))
    mask = np.zeros(voxels.shape, bool)
    mask[2:5, 2:5, 2:5] = True
    one, other = (Volume(v, np.eye(4)) for v in (voxels, voxels * gain))
    scaled = [reference_parameters(v, Roi(mask, np.eye(4)), to=to).apply(v).voxels for v in (one, other)]
    np.testing.assert_allclose(*scaled, rtol=1e-9)
    assert np.median(scaled[0][mask]) == pytest.approx(to)
