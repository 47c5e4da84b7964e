"""What must hold for every image: cropping, padding, flips, units, order of readers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from radstudy.features.extract import extract, extract_lesions
from radstudy.features.filters import laplacian_of_gaussian, wavelet_images
from radstudy.features.names import feature_names
from radstudy.features.settings import ExtractionSettings
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume

SEEDS = st.integers(0, 2**32 - 1)
ORIGINAL = {"setting": {"binWidth": 30}}


def lesion(seed: int, shape=(16, 15, 12)) -> tuple[np.ndarray, np.ndarray]:
    """Rounded intensities and a mask of random blobs, (I, J, K), at least 4 voxels across."""
    rng = np.random.default_rng(seed)
    image = np.round(rng.normal(400, 120, shape)).astype(np.float32)
    mask = np.zeros(shape, dtype=bool)
    for _ in range(3):
        low = rng.integers(3, np.array(shape) - 8)
        high = low + rng.integers(2, 5, 3)
        mask[low[0] : high[0], low[1] : high[1], low[2] : high[2]] = True
    return image, mask


def affine(rng: np.random.Generator, spacing) -> np.ndarray:
    turned, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    matrix = np.eye(4)
    matrix[:3, :3] = turned * np.asarray(spacing)
    matrix[:3, 3] = rng.normal(0, 50, 3)
    return matrix


def features(image, mask, matrix, chosen=ORIGINAL):
    return extract(Volume(image, matrix), Roi(mask, matrix), chosen)


def assert_same(left, right, tolerance=1e-9):
    assert left.keys() == right.keys()
    for name, value in left.items():
        assert right[name] == pytest.approx(value, rel=tolerance, abs=1e-9, nan_ok=True), name


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_where_the_patient_lies_does_not_matter(seed):
    image, mask = lesion(seed)
    straight = features(image, mask, np.diag([1.1, 1.3, 2.0, 1.0]))
    oblique = features(image, mask, affine(np.random.default_rng(seed), (1.1, 1.3, 2.0)))
    assert_same(straight, oblique)


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.sampled_from([0, 1, 2]))
def test_a_file_stored_the_other_way_round_gives_the_same(seed, axis):
    """Voxels and affine flipped together are the same patient; the mesh's ambiguous cubes may tell them apart."""
    image, mask = lesion(seed)
    matrix = np.diag([1.1, 1.3, 2.0, 1.0])
    turned = matrix.copy()
    turned[:3, axis] = -matrix[:3, axis]
    turned[:3, 3] = matrix[:3, axis] * (image.shape[axis] - 1)
    names = {"firstorder": None, "glcm": None, "glrlm": None, "glszm": None, "gldm": None, "ngtdm": None}
    chosen = {**ORIGINAL, "imageType": {"Original": {}, "Gradient": {}}, "featureClass": names}
    flipped = features(np.flip(image, axis), np.flip(mask, axis), turned, chosen)
    assert_same(features(image, mask, matrix, chosen), flipped, 1e-6)


@settings(max_examples=10, deadline=None)
@given(SEEDS, st.tuples(*[st.integers(0, 3)] * 6))
def test_background_around_the_image_does_not_matter_without_filters(seed, pads):
    image, mask = lesion(seed)
    width = [(pads[0], pads[1]), (pads[2], pads[3]), (pads[4], pads[5])]
    matrix = np.diag([1.0, 1.0, 2.0, 1.0])
    assert features(image, mask, matrix) == features(np.pad(image, width), np.pad(mask, width), matrix)


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_memory_order_does_not_matter(seed):
    image, mask = lesion(seed)
    matrix = np.diag([1.4, 1.4, 3.0, 1.0])
    chosen = {
        "setting": {"resampledPixelSpacing": [1, 1, 1]},
        "imageType": {"LoG": {"sigma": [1.0]}, "Wavelet": {}},
        "featureClass": {"firstorder": None},
    }
    stored = Volume(np.asfortranarray(image), matrix, stored_dtype=np.int16)
    other = Volume(np.ascontiguousarray(image), matrix, stored_dtype=np.int16)
    first = extract(stored, Roi(np.asfortranarray(mask), matrix), chosen)
    assert first == extract(other, Roi(np.ascontiguousarray(mask), matrix), chosen)


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_readers_do_not_influence_one_another(seed):
    image, mask = lesion(seed)
    matrix = np.diag([1.0, 1.0, 2.0, 1.0])
    volume, rois = Volume(image, matrix), [Roi(mask, matrix), Roi(lesion(seed + 1)[1], matrix)]
    forward = [item.values for item in extract_lesions(volume, rois, ORIGINAL)]
    backward = [item.values for item in extract_lesions(volume, rois[::-1], ORIGINAL)]
    assert forward == backward[::-1]


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_nothing_given_is_changed(seed):
    image, mask = lesion(seed)
    matrix = np.diag([1.2, 1.2, 2.0, 1.0])
    before = image.copy(), mask.copy()
    features(image, mask, matrix, {"setting": {"resampledPixelSpacing": [1, 1, 1]}, "imageType": {"SquareRoot": {}}})
    np.testing.assert_array_equal(image, before[0])
    np.testing.assert_array_equal(mask, before[1])


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.floats(0.5, 4.0))
def test_log_of_a_constant_is_zero_and_log_is_linear(seed, sigma):
    rng = np.random.default_rng(seed)
    box, spacing = ((0, 9), (0, 10), (0, 11)), (1.0, 1.5, 2.0)
    constant = np.full((9, 10, 11), 250.0)
    np.testing.assert_allclose(laplacian_of_gaussian(constant, box, spacing, sigma), 0.0, atol=2e-4)
    first, second = rng.normal(0, 100, (2, 9, 10, 11))
    parts = [
        laplacian_of_gaussian(image, box, spacing, sigma).astype(float) for image in (first, second, first + 2 * second)
    ]
    np.testing.assert_allclose(parts[0] + 2 * parts[1], parts[2], atol=1e-3)


@settings(max_examples=20, deadline=None)
@given(SEEDS, st.sampled_from(["haar", "coif1", "db4", "sym6"]))
def test_wavelet_energy(seed, wavelet):
    """Sub-bands of an orthogonal wavelet hold eight times the energy of an image of even size."""
    image = np.random.default_rng(seed).normal(0, 1, (6, 8, 10))
    bands = wavelet_images(image, ((0, 6), (0, 8), (0, 10)), wavelet)
    assert sum(float((band.voxels**2).sum()) for band in bands) == pytest.approx(8 * float((image**2).sum()))


@settings(max_examples=25, deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "binWidth": st.floats(0.1, 100),
            "binCount": st.integers(2, 128),
            "resampledPixelSpacing": st.lists(st.floats(0.5, 3), min_size=3, max_size=3),
            "force2D": st.booleans(),
            "weightingNorm": st.sampled_from([None, "euclidean", "manhattan"]),
            "distances": st.lists(st.integers(1, 3), min_size=1, max_size=3),
            "sigma": st.lists(st.one_of(st.integers(1, 5), st.floats(0.5, 5)), max_size=3),
        },
    )
)
def test_settings_round_trip(setting):
    chosen = ExtractionSettings.from_dict({"setting": setting, "imageType": {"Original": {}, "LoG": {}, "Wavelet": {}}})
    again = ExtractionSettings.from_dict(chosen.as_dict())
    assert again == chosen
    assert again.key() == chosen.key()
    assert len(feature_names(again)) == 14 + 93 * (9 + len(chosen.sigma) - 4 * chosen.force_2d)
