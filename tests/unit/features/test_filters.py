"""Derived images: ITK and PyWavelets where they are installed, the formulas of the pointwise filters by hand."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from radstudy.features.filters import (
    filtered_images,
    gradient_magnitude,
    laplacian_of_gaussian,
    log_problem,
    wavelet_images,
)
from radstudy.features.settings import ExtractionSettings
from radstudy.features.wavelets import WAVELETS, wavelet_filters

SPACING = (0.9, 1.1, 2.5)
WHOLE = ((0, 12), (0, 17), (0, 21))
PART = ((2, 9), (0, 11), (14, 21))


def random_image(dtype, shape=(12, 17, 21)):
    return np.random.default_rng(5).normal(300, 200, shape).astype(dtype)


def cut(array, box):
    return array[tuple(slice(*edge) for edge in box)]


def itk_image(array):
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(SPACING)
    return image


@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.float64])
@pytest.mark.parametrize("box", [WHOLE, PART])
@pytest.mark.parametrize("sigma", [0.7, 2.0, 4.5])
def test_log_is_itk_to_the_last_bit(dtype, box, sigma):
    image = random_image(dtype)
    filter_ = sitk.LaplacianRecursiveGaussianImageFilter()
    filter_.SetNormalizeAcrossScale(True)
    filter_.SetSigma(sigma)
    expected = sitk.GetArrayFromImage(filter_.Execute(itk_image(image)))
    np.testing.assert_array_equal(laplacian_of_gaussian(image, box, SPACING, sigma), cut(expected, box))


def test_log_far_from_the_border_needs_only_its_margin():
    image = random_image(np.float32, (40, 90, 150))
    box = ((18, 22), (40, 50), (70, 80))
    filter_ = sitk.LaplacianRecursiveGaussianImageFilter()
    filter_.SetNormalizeAcrossScale(True)
    filter_.SetSigma(1.0)
    expected = cut(sitk.GetArrayFromImage(filter_.Execute(itk_image(image))), box)
    np.testing.assert_array_equal(laplacian_of_gaussian(image, box, SPACING, 1.0), expected)


def test_log_is_skipped_where_pyradiomics_skips_it():
    assert log_problem((3, 30, 30), (1, 1, 1), 1.0) == "the image is 30 x 30 x 3 voxels; LoG needs 4 along every axis"
    assert "needs 6 x 6 x 6" in log_problem((5, 30, 30), (1, 1, 1), 5.0)
    assert log_problem((6, 30, 30), (1, 1, 1), 5.0) == ""
    with pytest.raises(ValueError, match="4 voxels"):
        laplacian_of_gaussian(np.zeros((3, 5, 5)), ((0, 3), (0, 5), (0, 5)), (1, 1, 1), 1.0)


@pytest.mark.parametrize("box", [WHOLE, PART])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32, np.float64])
def test_gradient_is_itk(dtype, box):
    image = random_image(dtype)
    expected = sitk.GetArrayFromImage(sitk.GradientMagnitude(itk_image(image)))
    np.testing.assert_array_equal(gradient_magnitude(image, box, SPACING), cut(expected, box))


@pytest.mark.parametrize("name", WAVELETS)
def test_wavelet_taps(name):
    pywt = pytest.importorskip("pywt")
    low, high = wavelet_filters(name)
    np.testing.assert_array_equal(low, pywt.Wavelet(name).dec_lo)
    np.testing.assert_array_equal(high, pywt.Wavelet(name).dec_hi)
    impulse = np.zeros(64, dtype=np.float32)
    impulse[32] = 1
    response = pywt.swt(impulse, name, level=1)[0][0][32 - low.size // 2 :][: low.size]
    np.testing.assert_array_equal(wavelet_filters(name, np.float32)[0], response)


@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.float64])
@pytest.mark.parametrize(("wavelet", "level", "start_level"), [("coif1", 1, 0), ("db3", 2, 0), ("haar", 1, 1)])
@pytest.mark.parametrize("box", [WHOLE, PART])
def test_wavelets_are_pywavelets(dtype, wavelet, level, start_level, box):
    pywt = pytest.importorskip("pywt")
    image = random_image(dtype)
    data = np.pad(image, [(0, size % 2) for size in image.shape], "wrap")
    expected = {}
    for number in range(start_level + level):
        bands = pywt.swtn(data, wavelet, level=1, axes=(2, 1, 0))[0]
        data = bands["aaa"]
        prefix = "wavelet-" if number == start_level else f"wavelet{number - start_level + 1}-"
        if number >= start_level:
            expected |= {prefix + name.replace("a", "L").replace("d", "H"): part for name, part in bands.items()}
        if start_level <= number < start_level + level - 1:
            del expected[prefix + "LLL"]
    found = {image.name: image.voxels for image in wavelet_images(image, box, wavelet, level, start_level)}
    assert list(found)[-1].endswith("LLL")
    assert sorted(found) == sorted(expected)
    for name, voxels in found.items():
        assert voxels.dtype == expected[name].dtype
        inside = cut(expected[name], box)
        # the sum wraps in another order at the periodic border
        tolerance = (2e-6 if dtype is np.float32 else 1e-14) * np.abs(image).max()
        np.testing.assert_allclose(voxels, inside, rtol=0, atol=tolerance)


def of_type(name, image, box=WHOLE):
    settings = ExtractionSettings.from_pyradiomics({"imageType": {name: {}}})
    inside = np.ones(cut(image, box).shape, bool)
    (found,) = filtered_images(image, box, SPACING, settings.image_types[0], settings, inside=inside)
    assert found.name == name.lower()
    return found.voxels


def test_pointwise_filters_rescale_to_the_whole_image():
    image = np.zeros((12, 17, 21), dtype=np.int16)
    image[0, 0, 0] = -400
    image[5, 5, 5] = 100
    box = ((5, 6), (5, 6), (4, 6))
    assert of_type("Original", image, box).dtype == np.int16
    np.testing.assert_allclose(of_type("Square", image, box).ravel(), [0, 100**2 / 400])
    np.testing.assert_allclose(of_type("SquareRoot", image, box).ravel(), [0, np.sqrt(100 * 400)])
    np.testing.assert_allclose(of_type("Logarithm", image, box).ravel(), [0, np.log(101) * 400 / np.log(401)])
    np.testing.assert_allclose(of_type("Exponential", image, box).ravel(), [1, np.exp(np.log(400) * 100 / 400)])
    np.testing.assert_allclose(of_type("SquareRoot", image)[0, 0, 0], -400)
    np.testing.assert_allclose(of_type("Logarithm", image)[0, 0, 0], -400)


def test_pointwise_filters_of_an_empty_image_are_not_finite_without_a_warning():
    image = np.zeros((12, 17, 21))
    assert not np.isfinite(of_type("Square", image)).any()
    assert not np.isfinite(of_type("Logarithm", image)).any()
