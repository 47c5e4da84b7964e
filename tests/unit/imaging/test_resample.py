"""Resampling: SimpleITK on the whole image is the oracle; the grid's rules are PyRadiomics'."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from radstudy.imaging.box import bounding_box, padded
from radstudy.imaging.header import Header, header_of
from radstudy.imaging.resample import resample, to_dtype
from radstudy.imaging.resampling_grid import resampling_grid

ORIGIN = (-101.3, 57.77, -12.125)


def turned(a, b):
    about_z = np.array([[np.cos(a), -np.sin(a), 0], [np.sin(a), np.cos(a), 0], [0, 0, 1]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    return about_z @ about_x


DIRECTIONS = {
    "identity": np.eye(3),
    "flipped": np.diag([-1.0, -1.0, 1.0]),
    "sagittal": np.array([[0, 0, 1.0], [1, 0, 0], [0, 1, 0]]),
    "oblique": turned(0.3, 0.2),
}


def case(dtype, shape, spacing):
    rng = np.random.default_rng(11)
    image = np.clip(rng.normal(120, 60, shape), 0, 250)
    image[:, : shape[1] // 3] = 100
    z, y, x = np.meshgrid(*[np.arange(n) for n in shape], indexing="ij")
    centre = [n * part for n, part in zip(shape, (0.4, 0.55, 0.3), strict=True)]
    radius = ((z - centre[0]) * spacing[2] / 9) ** 2 + ((y - centre[1]) * spacing[1] / 12) ** 2
    mask = radius + ((x - centre[2]) * spacing[0] / 12) ** 2 < 1
    return image.astype(dtype), mask


def by_itk(array, header, grid, interpolator, pixel_type):
    """SimpleITK on the whole image, on the grid whose first voxel is where ours is."""
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(header.spacing_mm)
    image.SetOrigin(header.origin_mm)
    image.SetDirection(header.direction)
    new, old = np.array(grid.spacing_mm), np.array(header.spacing_mm)
    corner = [
        round(float(c.min() - 0.5 * (n - o) / o) * o / n) for c, n, o in zip(grid.coordinates, new, old, strict=True)
    ]
    start = 0.5 * (new - old) / old + corner / (old / new)
    filter_ = sitk.ResampleImageFilter()
    filter_.SetOutputSpacing(new.tolist())
    filter_.SetOutputDirection(header.direction)
    filter_.SetOutputOrigin(image.TransformContinuousIndexToPhysicalPoint(start.tolist()))
    filter_.SetSize(list(grid.size))
    filter_.SetInterpolator(getattr(sitk, interpolator))
    filter_.SetOutputPixelType(pixel_type)
    return sitk.GetArrayFromImage(filter_.Execute(image))


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize(
    ("spacing", "wanted"),
    [
        ((1.125, 1.125, 1.5), (1, 1, 1)),
        ((1.0, 1.0, 3.0), (1, 1, 1)),
        ((1.5, 1.5, 1.5), (1, 1, 0)),
        ((0.7, 0.7, 2.0), (2, 2, 2)),
    ],
)
@pytest.mark.parametrize("interpolator", ["sitkBSpline", "sitkLinear", "sitkNearestNeighbor"])
@pytest.mark.parametrize("dtype", [np.int16, np.float32])
def test_image_and_mask_are_itk_inside_the_lesion(direction, spacing, wanted, interpolator, dtype):
    image, mask = case(dtype, (24, 60, 57), spacing)
    header = Header(spacing, ORIGIN, tuple(DIRECTIONS[direction].ravel().tolist()))
    region = resample(image, mask, header, spacing_mm=wanted, interpolator=interpolator, dtype=dtype)
    grid = resampling_grid(bounding_box(mask), mask.shape, header, wanted, 5)
    assert region.image.dtype == dtype
    expected_mask = by_itk(mask.astype(np.uint8), header, grid, "sitkNearestNeighbor", sitk.sitkUInt8) > 0
    np.testing.assert_array_equal(region.mask, expected_mask)
    pixel_type = sitk.sitkInt16 if dtype is np.int16 else sitk.sitkFloat32
    expected = by_itk(image, header, grid, interpolator, pixel_type)
    np.testing.assert_array_equal(region.image, expected)


@pytest.mark.parametrize("shape", [(12, 30, 31), (19, 18, 17), (30, 9, 40)])
def test_a_lesion_that_fills_the_image_is_itk_to_the_last_bit(shape):
    image, mask = np.random.default_rng(4).normal(0, 100, shape), np.ones(shape, dtype=bool)
    header = Header((1.0, 1.0, 3.0), (3.3, -7.1, 12.9), tuple(np.eye(3).ravel().tolist()))
    grid = resampling_grid(bounding_box(mask), shape, header, (1, 1, 1), 5)
    region = resample(image, mask, header, spacing_mm=(1, 1, 1))
    np.testing.assert_array_equal(region.image, by_itk(image, header, grid, "sitkBSpline", sitk.sitkFloat64))


def test_far_margin_changes_no_bit():
    image, mask = case(np.float64, (50, 160, 160), (1.0, 1.0, 3.0))
    header = Header((1.0, 1.0, 3.0), ORIGIN, tuple(np.eye(3).ravel().tolist()))
    near = resample(image, mask, header, spacing_mm=(1, 1, 1))
    far = resample(image, mask, header, spacing_mm=(1, 1, 1), margin=200)
    np.testing.assert_array_equal(near.image, far.image)


def test_equal_spacing_crops_with_the_pad():
    image, mask = case(np.int16, (24, 60, 57), (1.0, 1.0, 1.0))
    region = resample(image, mask, header_of(np.eye(4)), spacing_mm=(1.0, 1.0, 1.000001), pad=3, dtype=np.int16)
    box = padded(bounding_box(mask), 3, mask.shape)
    np.testing.assert_array_equal(region.image, image[tuple(slice(*edge) for edge in box)])
    assert region.mask.sum() == mask.sum()


def test_one_slice_keeps_its_thickness():
    mask = np.zeros((10, 30, 30), dtype=bool)
    mask[4, 10:20, 10:20] = True
    region = resample(np.ones(mask.shape), mask, header_of(np.diag([2.0, 2.0, 5.0, 1.0])), spacing_mm=(1, 1, 1))
    assert region.spacing_mm == (1.0, 1.0, 5.0)
    assert region.mask.sum() == 400


def test_types_are_cut_and_truncated_as_itk_does():
    values = np.array([-3.7, -0.2, 3.999, 255.9, 300.0])
    np.testing.assert_array_equal(to_dtype(values, np.uint8), [0, 0, 3, 255, 255])
    np.testing.assert_array_equal(to_dtype(values, np.int16), [-3, 0, 3, 255, 300])
    assert to_dtype(values, np.float32).dtype == np.float32


def by_itk_around_the_centre(array, header, spacing, interpolator):
    """SimpleITK on IBSI's grid: the same centre, ceil(extent / spacing) voxels."""
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(header.spacing_mm)
    image.SetOrigin(header.origin_mm)
    image.SetDirection(header.direction)
    old, count = np.array(header.spacing_mm), np.array(array.shape[::-1])
    size = np.ceil(count * old / spacing - 1e-6).astype(int)
    start = (count - 1) / 2 - (size - 1) / 2 * spacing / old
    filter_ = sitk.ResampleImageFilter()
    filter_.SetOutputSpacing(list(map(float, spacing)))
    filter_.SetOutputDirection(header.direction)
    filter_.SetOutputOrigin(image.TransformContinuousIndexToPhysicalPoint(start.tolist()))
    filter_.SetSize(size.tolist())
    filter_.SetInterpolator(getattr(sitk, interpolator))
    filter_.SetOutputPixelType(sitk.sitkFloat64)
    return sitk.GetArrayFromImage(filter_.Execute(image))


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("spacing", [(1.125, 1.125, 1.5), (1.0, 1.0, 3.0), (0.7, 0.7, 2.0)])
@pytest.mark.parametrize("interpolator", ["sitkBSpline", "sitkLinear", "sitkNearestNeighbor"])
def test_the_grid_around_the_centre_is_itk_on_the_whole_image(direction, spacing, interpolator):
    image, mask = case(np.float64, (24, 60, 57), spacing)
    header = Header(spacing, ORIGIN, tuple(DIRECTIONS[direction].ravel().tolist()))
    new = np.array([1.7, 1.7, 1.7])
    region = resample(image, mask, header, spacing_mm=tuple(new), interpolator=interpolator, pad=500, align="centre",
                      partial_volume=0.5)  # fmt: skip
    expected = by_itk_around_the_centre(image, header, new, interpolator)
    assert region.image.shape == expected.shape
    different = np.argwhere(np.abs(region.image - expected) > 1e-9)
    if interpolator == "sitkNearestNeighbor":  # a sample half-way between two voxels is rounding's to decide
        grid = resampling_grid(bounding_box(mask), mask.shape, header, tuple(new), 500, "centre")
        x, y, z = (np.broadcast_to(c, expected.shape)[tuple(different.T)] for c in grid.coordinates)
        assert (np.abs(np.stack([x, y, z]) % 1 - 0.5).min(axis=0) < 1e-9).all()
    else:
        assert not different.size
    share = by_itk_around_the_centre(mask.astype(float), header, new, "sitkLinear")
    np.testing.assert_array_equal(region.mask, share >= 0.5 - 1e-6)
    near = resample(image, mask, header, spacing_mm=tuple(new), pad=2, align="centre", partial_volume=0.5)
    assert near.mask.sum() == region.mask.sum()
    assert near.image.size < region.image.size


def test_the_grid_around_the_centre_by_hand():
    """Four voxels of 3 mm become six of 2 mm: the first lies at -0.5 + 2/6 old voxels, the last as far from the end."""
    grid = resampling_grid(
        ((0, 1), (0, 1), (0, 4)), (1, 1, 4), header_of(np.diag([3.0, 3, 3, 1])), (2, 0, 0), 9, "centre"
    )
    assert grid.size == (6, 1, 1)
    np.testing.assert_allclose(grid.coordinates[0].ravel(), [-1 / 6, 0.5, 7 / 6, 11 / 6, 2.5, 19 / 6], atol=1e-12)
    exact = resampling_grid(
        ((0, 1), (0, 1), (0, 9)), (1, 1, 9), header_of(np.diag([0.1, 1, 1, 1])), (0.3, 0, 0), 9, "centre"
    )
    assert exact.size[0] == 3  # and not 4, although 9 * 0.1 / 0.3 is above 3 in floating point


@pytest.mark.parametrize(("threshold", "inside"), [(0.25, 3), (0.75, 3), (0.76, 1), (1.0, 1)])
def test_the_threshold_decides_on_partly_covered_voxels(threshold, inside):
    mask = np.zeros((1, 1, 11), bool)
    mask[..., 3:8] = True
    # 11 voxels of 1 mm become 5 of 2.25 mm around voxel 5: samples at 0.5, 2.75, 5, 7.25, 9.5.
    region = resample(np.ones(mask.shape), mask, header_of(np.eye(4)), spacing_mm=(2.25, 0, 0), align="centre", pad=9,
                      partial_volume=threshold)  # fmt: skip
    assert region.mask.shape == (1, 1, 5)
    assert region.mask.sum() == inside


def test_an_image_of_one_slice():
    mask = np.zeros((1, 20, 20), dtype=bool)
    mask[0, 5:15, 5:15] = True
    image = np.random.default_rng(2).normal(100, 10, mask.shape)
    header = header_of(np.diag([2.0, 2.0, 5.0, 1.0]))
    region = resample(image, mask, header, spacing_mm=(1, 1, 1))
    grid = resampling_grid(bounding_box(mask), mask.shape, header, (1, 1, 1), 5)
    np.testing.assert_array_equal(region.image, by_itk(image, header, grid, "sitkBSpline", sitk.sitkFloat64))
