"""Intensity scales: what their limits are taken from, that a record applies again, and what is refused."""

import json

import numpy as np
import pytest
import SimpleITK as sitk

from radstudy.errors import CaseError
from radstudy.formats.raster import write_raster
from radstudy.imaging.foreground import foreground
from radstudy.imaging.intensity import reference_parameters, rescale_parameters, zscore_parameters
from radstudy.imaging.preparation import Preparation, prepare_volume, read_reference
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume
from radstudy.protocol.prepare import N4, Reference, Rescale, ZScoreSection, preparation_step

AFFINE = np.diag([1.0, 1.0, 2.0, 1.0])


@pytest.fixture
def volume():
    """Tissue about 500 in a block of air about 10, and fat about 900 in its corner."""
    rng = np.random.default_rng(1)
    voxels = rng.normal(10, 2, (24, 20, 12))
    voxels[4:20, 4:16, 2:10] = rng.normal(500, 40, (16, 12, 8))
    voxels[4:8, 4:8, 2:6] = rng.normal(900, 10, (4, 4, 4))
    return Volume(voxels.astype(np.float32), AFFINE, history=("read x.nii",))


@pytest.fixture
def fat(volume):
    mask = np.zeros(volume.voxels.shape, bool)
    mask[4:8, 4:8, 2:6] = True
    return Roi(mask, AFFINE, source="fat.nii.gz")


def test_the_foreground_is_simpleitks_otsu(volume):
    image = sitk.GetImageFromArray(volume.voxels.transpose(2, 1, 0))
    expected = sitk.GetArrayFromImage(sitk.OtsuThreshold(image, 0, 1, 200)).transpose(2, 1, 0) == 1
    np.testing.assert_array_equal(foreground(volume), expected)
    assert foreground(volume)[4:20, 4:16, 2:10].mean() > 0.99


@pytest.mark.parametrize("over", ["volume", "foreground"])
def test_zscore_over_the_volume_or_its_foreground(volume, over):
    done = prepare_volume(volume, [ZScoreSection(scale=100, over=over)])[0]
    counted = done.voxels[foreground(volume)] if over == "foreground" else done.voxels
    assert counted.mean(dtype=np.float64) == pytest.approx(0, abs=1e-3)
    assert counted.std(dtype=np.float64) == pytest.approx(100, rel=1e-5)
    assert ("foreground" in done.history[-1]) == (over == "foreground")


def test_air_moves_the_volumes_percentiles_and_not_the_foregrounds(volume):
    padded = Volume(np.pad(volume.voxels, ((0, 40), (0, 0), (0, 0)), mode="edge"), AFFINE)
    assert np.allclose(padded.voxels[24:], volume.voxels[-1])

    def limits(which, over):
        scale = rescale_parameters(which, from_=(5, 95), over=over)
        return scale.low, scale.high

    assert limits(padded, "foreground") == pytest.approx(limits(volume, "foreground"), rel=1e-6)
    assert limits(padded, "volume") != pytest.approx(limits(volume, "volume"), rel=1e-2)


def test_percentiles_clip_and_minmax_does_not(volume):
    assert rescale_parameters(volume).apply(volume).voxels.max() == pytest.approx(2000)
    low, high = np.percentile(volume.voxels[foreground(volume)], [1, 99])
    step = Rescale.model_validate({"to": [0, 100], "from": [1, 99], "over": "foreground"})
    done = prepare_volume(volume, [step])[0].voxels
    expected = (np.clip(volume.voxels.astype(np.float64), low, high) - low) * 100 / (high - low)
    np.testing.assert_allclose(done, expected, atol=1e-4)


def test_the_reference_tissues_median_becomes_the_stated_value(volume, fat):
    step = Reference(mask="x", tissue="fat", to=1000)
    done, preparation = prepare_volume(volume, [step], fat)
    assert np.median(done.voxels[fat.mask]) == pytest.approx(1000, rel=1e-6)
    factor = 1000 / np.median(volume.voxels[fat.mask])
    np.testing.assert_allclose(done.voxels, volume.voxels * factor, rtol=1e-6)
    assert done.history[-1].startswith("median of 64 voxels of fat: 0..")
    again = Preparation.from_dict(json.loads(json.dumps(preparation.as_dict()))).apply(volume)
    np.testing.assert_array_equal(again.voxels, done.voxels)
    assert again.history == done.history


def test_every_step_is_in_the_history_with_its_numbers(volume, fat):
    steps = [N4(shrink=2, iterations=[3, 2]), Rescale(to=[0, 2000]), preparation_step({"zscore": None})]
    with pytest.raises(ValueError, match="exactly one"):
        preparation_step({"n4": {}, "zscore": {}})
    done, _ = prepare_volume(volume, steps, fat)
    read, n4, rescaled, zscored = done.history
    assert read == "read x.nii"
    assert n4 == "N4 (3, 2 iterations, 5 x 5 x 5 control points)"
    assert rescaled.startswith("rescale from minmax: ")
    assert rescaled.endswith("to 0..2000")
    assert zscored.startswith("z-score: ")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda roi: Roi(np.zeros_like(roi.mask), AFFINE, source="fat.nii.gz"), "mask of the fat is empty"),
        (lambda roi: Roi(roi.mask, AFFINE @ np.diag([2, 1, 1, 1.0]), source="fat.nii.gz"),
         "mask of the fat: .*grid: its spacing"),
        (lambda roi: Roi(roi.mask[:-1], AFFINE, source="fat.nii.gz"), "mask of the fat: .*its size"),
    ],
)  # fmt: skip
def test_a_reference_that_cannot_be_used_is_named(volume, fat, change, says):
    with pytest.raises(CaseError, match=says) as caught:
        reference_parameters(volume, change(fat), tissue="fat")
    assert "fat.nii.gz" in str(caught.value)
    assert caught.value.remedy


def test_a_reference_without_signal_is_refused(volume, fat):
    dark = volume.with_voxels(volume.voxels - 2000, "subtract")
    with pytest.raises(CaseError, match=r"the median of the fat is -1\d+"):
        reference_parameters(dark, fat, tissue="fat")
    with pytest.raises(CaseError, match="the mask of the fat, by which images are scaled, is missing"):
        prepare_volume(volume, [Reference(mask="x", tissue="fat")])


def test_reading_a_reference_names_tissue_file_and_remedy(volume, tmp_path):
    section = Reference(mask="x", tissue="muscle")
    write_raster(tmp_path / "m.nii.gz", np.zeros((3, 3, 3), np.uint8), AFFINE)
    for name, problem in (("m.nii.gz", "is empty"), ("none.nii.gz", "does not exist")):
        with pytest.raises(CaseError, match=f"mask of the muscle: .*{problem}") as caught:
            read_reference(tmp_path / name, section)
        assert name in caught.value.file
        assert "draw some muscle" in caught.value.remedy
    assert read_reference(None, section) is None


def test_a_small_reference_is_a_warning(volume, fat):
    mask = np.zeros_like(fat.mask)
    mask[5, 5, 2:5] = True
    step = Reference(mask="x", tissue="fat")
    assert prepare_volume(volume, [step], fat)[1].warnings == ()
    assert prepare_volume(volume, [step], Roi(mask, AFFINE))[1].warnings == ("the mask of the fat has only 3 voxels",)


def test_an_image_without_foreground_or_contrast_is_refused():
    flat = Volume(np.full((4, 4, 4), 7, np.float32), AFFINE)
    with pytest.raises(CaseError, match="all are 7"):
        zscore_parameters(flat)
    with pytest.raises(CaseError, match=r"no foreground|cannot be rescaled"):
        rescale_parameters(flat, from_=(1, 99), over="foreground")
    broken = Volume(np.array([[[np.nan, 1.0]]], np.float32), AFFINE)
    with pytest.raises(CaseError, match="not finite"):
        rescale_parameters(broken)
