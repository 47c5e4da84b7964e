"""One lesion from image to numbers: what is given, what is refused, and why a value is missing."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest

from radstudy.errors import CaseError, StudyFileError, UsageError
from radstudy.features.extract import extract, extract_lesions
from radstudy.features.ibsi.extract import extract_ibsi
from radstudy.features.maps import feature_map
from radstudy.features.names import feature_names
from radstudy.features.settings import ExtractionSettings, ImageType
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume

AFFINE = np.diag([1.25, 1.25, 2.0, 1.0])
SMALL = {"setting": {"binWidth": 25}, "featureClass": {"shape": None, "firstorder": None, "glcm": ["Contrast"]}}


def volume(shape=(30, 28, 20), dtype=np.float32, stored=np.int16):
    rng = np.random.default_rng(3)
    return Volume(np.round(rng.normal(300, 80, shape)).astype(dtype), AFFINE, stored_dtype=stored)


def ball(shape=(30, 28, 20), radius=5.0, centre=(14, 13, 9)):
    grid = np.meshgrid(*[np.arange(n) for n in shape], indexing="ij")
    return sum(((g - c) / radius) ** 2 for g, c in zip(grid, centre, strict=True)) < 1


def test_default_is_the_reference_study():
    values = extract(volume(), Roi(ball(), AFFINE))
    assert len(values) == 1218
    assert all(isinstance(value, float) for value in values.values())
    assert values["original_shape_VoxelVolume"] == pytest.approx(ball().sum() * 1.25 * 1.25 * 2.0, rel=0.05)


def test_files_and_arrays_give_the_same(tmp_path):
    import SimpleITK as sitk

    from radstudy.formats.raster import to_sitk

    whole, mask = volume(), ball()
    image = to_sitk(whole.voxels.astype(np.int16), AFFINE)
    sitk.WriteImage(image, str(tmp_path / "image.nii.gz"))
    labels = mask.astype(np.uint8) * 3
    labels[0, 0, 0] = 7
    sitk.WriteImage(to_sitk(labels, AFFINE), str(tmp_path / "mask.nrrd"))
    direct = extract(whole, Roi(mask, AFFINE), SMALL)
    assert extract(tmp_path / "image.nii.gz", str(tmp_path / "mask.nrrd"), SMALL, label=3) == direct
    with_label = {**SMALL, "setting": {"label": 3}}
    assert extract(tmp_path / "image.nii.gz", tmp_path / "mask.nrrd", with_label) == direct
    with pytest.raises(CaseError, match="2 labels"):
        extract(tmp_path / "image.nii.gz", tmp_path / "mask.nrrd", SMALL)
    (tmp_path / "params.yaml").write_text(
        "setting: {binWidth: 25}\nfeatureClass: {firstorder: [Mean]}\n", encoding="utf-8"
    )
    only = extract(tmp_path / "image.nii.gz", tmp_path / "mask.nrrd", tmp_path / "params.yaml", label=3)
    assert only == {"original_firstorder_Mean": direct["original_firstorder_Mean"]}


def test_stored_type_decides_whether_values_are_truncated():
    settings = {"setting": {"resampledPixelSpacing": [1, 1, 1]}, "featureClass": {"firstorder": ["Median"]}}
    whole, lesion = volume(), Roi(ball(), AFFINE)
    as_file = extract(whole, lesion, settings)["original_firstorder_Median"]
    exact = {**settings, "setting": {**settings["setting"], "roundToStoredType": False}}
    as_number = extract(whole, lesion, exact)["original_firstorder_Median"]
    assert as_file == int(as_file)
    assert as_number != int(as_number)
    assert as_file == pytest.approx(as_number, abs=1.0)


def test_several_masks_and_diagnostics():
    lesions = extract_lesions(volume(), [Roi(ball(), AFFINE), Roi(ball(radius=3), AFFINE)], SMALL)
    assert [lesion.diagnostics["native_voxels"] for lesion in lesions] == [ball().sum(), ball(radius=3).sum()]
    first = lesions[0]
    assert list(first.values) == feature_names(ExtractionSettings.from_dict(SMALL))
    assert first.missing == {}
    assert first.diagnostics["volume_change_percent"] == pytest.approx(0.0, abs=1e-9)
    assert first.diagnostics["bounding_box"] == [10, 18, 9, 17, 5, 13]
    assert first.diagnostics["bins_original"] > 8
    again = extract_lesions(volume(), [Roi(ball(), AFFINE)], SMALL)[0]
    assert again.diagnostics == first.diagnostics
    assert lesions[1].diagnostics["mask_checksum"] != first.diagnostics["mask_checksum"]


def test_log_too_large_for_the_image_is_missing_with_its_reason():
    settings = ExtractionSettings(
        image_types=(ImageType("Original"), ImageType("LoG", (("sigma", (1.0, 60.0)),))),
        feature_classes=(("firstorder", ("Mean",)), ("glcm", ("Contrast",))),
    )
    (lesion,) = extract_lesions(volume(), [Roi(ball(), AFFINE)], settings)
    assert math.isfinite(lesion.values["log-sigma-1-0-mm-3D_glcm_Contrast"])
    assert math.isnan(lesion.values["log-sigma-60-0-mm-3D_glcm_Contrast"])
    assert set(lesion.missing) == {"log-sigma-60-0-mm-3D_firstorder_Mean", "log-sigma-60-0-mm-3D_glcm_Contrast"}
    assert "needs 49 x 49 x 31" in lesion.missing["log-sigma-60-0-mm-3D_glcm_Contrast"]


def test_voxels_without_neighbours_are_missing_with_a_reason():
    mask = np.zeros((30, 28, 20), dtype=bool)
    mask[5::6, 5::6, 5::6] = True
    (lesion,) = extract_lesions(volume(), [Roi(mask, AFFINE)], {"featureClass": {"glcm": ["Contrast"]}})
    assert math.isnan(lesion.values["original_glcm_Contrast"])
    assert "neighbours" in lesion.missing["original_glcm_Contrast"]


def test_constant_image_has_values_and_reasons():
    constant = Volume(np.zeros((30, 28, 20), dtype=np.float32), AFFINE)
    settings = {"imageType": {"Original": {}, "Square": {}}, "featureClass": {"firstorder": None}}
    (lesion,) = extract_lesions(constant, [Roi(ball(), AFFINE)], settings)
    assert lesion.values["original_firstorder_Variance"] == 0.0
    assert math.isnan(lesion.values["square_firstorder_Mean"])
    assert "not finite" in lesion.missing["square_firstorder_Mean"]
    with pytest.raises(CaseError, match="constant"):
        extract(constant, Roi(ball(), AFFINE), {"setting": {"normalize": True}})


def masked(*where):
    mask = np.zeros((30, 28, 20), dtype=bool)
    mask[where] = True
    return mask


@pytest.mark.parametrize(
    ("mask", "setting", "says"),
    [
        (masked(slice(0, 0)), {}, "the mask is empty"),
        (masked(3, 3, 3), {}, "single voxel"),
        (masked(slice(3, 6), 3, 3), {}, "1 of the required 2 dimensions"),
        (masked(slice(3, 6), slice(3, 6), 3), {"minimumROIDimensions": 3}, "2 of the required 3 dimensions"),
        (ball(radius=2), {"minimumROISize": 500}, "more than 500"),
        (masked(slice(3, 5), slice(3, 5), 3), {"resampledPixelSpacing": [9, 9, 9]}, "mask (disappears|is a single)"),
        (ball(), {"resegmentRange": [5000]}, "resegmentation to 5000 leaves 0"),
    ],
)
def test_refuses_masks_with_the_reason(mask, setting, says):
    with pytest.raises(CaseError, match=says):
        extract(volume(), Roi(mask, AFFINE), {"setting": setting})


@pytest.mark.parametrize("ask", [extract, partial(feature_map, feature="original_firstorder_Mean")])
def test_a_refused_lesion_names_the_file_of_the_settings(ask, tmp_path):
    settings = tmp_path / "params.yaml"
    settings.write_text("setting: {resampledPixelSpacing: [1, 900000, 1]}\nimageType: {Original: {}}\n")
    with pytest.raises(CaseError, match=r"disappears.*the settings are .*params\.yaml"):
        ask(volume(), Roi(ball(), AFFINE), settings=settings)


@pytest.mark.parametrize("ask", [extract, partial(feature_map, feature="original_firstorder_Mean")])
def test_a_label_that_the_settings_name_and_the_mask_lacks_names_both_files(ask, tmp_path):
    settings, mask = tmp_path / "params.yaml", tmp_path / "mask.nii.gz"
    settings.write_text("setting: {label: 11}\nimageType: {Original: {}}\n")
    Roi(ball(), AFFINE).write(mask)
    with pytest.raises(CaseError, match=r"mask\.nii\.gz: label 11 is not in the mask.*the settings are .*params\.yaml"):
        ask(volume(), mask, settings=settings)


def test_refuses_a_mask_on_another_grid_and_places_it_if_asked():
    shifted = AFFINE.copy()
    shifted[:3, 3] = 1.25, 0, 0
    with pytest.raises(CaseError, match=r"not on its image's grid.*reader B|reader B.*not on its image's grid"):
        extract(volume(), Roi(ball(), shifted, reader="B"), SMALL)
    corrected = extract(volume(), Roi(ball(), shifted), {**SMALL, "setting": {"correctMask": True}})
    moved = np.roll(ball(), 1, axis=0)
    assert corrected == extract(volume(), Roi(moved, AFFINE), SMALL)


def test_not_finite_inside_and_outside():
    inside = volume(stored=np.float32)
    inside.voxels[14, 13, 9] = np.nan
    with pytest.raises(CaseError, match="1 of the lesion's"):
        extract(inside, Roi(ball(), AFFINE), SMALL)
    outside = volume(stored=np.float32)
    outside.voxels[25, 13, 9] = np.nan
    assert math.isfinite(extract(outside, Roi(ball(), AFFINE), SMALL)["original_firstorder_Mean"])
    with pytest.raises(CaseError, match="spreads into it"):
        extract(outside, Roi(ball(), AFFINE))
    (lesion,) = extract_lesions(outside, [Roi(ball(), AFFINE)], {"imageType": {"LoG": {"sigma": [3.0]}}})
    assert all("not finite" in reason for reason in lesion.missing.values())


def test_normalised_with_outliers_clipped():
    settings = {
        "setting": {"normalize": True, "normalizeScale": 100, "removeOutliers": 1},
        "featureClass": {"firstorder": None},
    }
    values = extract(volume(), Roi(ball(), AFFINE), settings)
    assert values["original_firstorder_Maximum"] == 100.0
    assert values["original_firstorder_Minimum"] == -100.0


@pytest.mark.parametrize("dtype", [">f4", ">f8", "g", "?"])
def test_pixel_types_that_no_file_has_give_the_features_of_the_next_one(dtype):
    """A type that the kernels do not know was a compiler's error, and an image of bool was resampled into True."""
    same = {">f4": "f4", ">f8": "f8", "g": "f8", "?": "u1"}[dtype]
    settings = {**SMALL, "setting": {"binWidth": 0.25, "resampledPixelSpacing": [1, 1, 1]},
                "imageType": {"Original": {}, "LoG": {"sigma": [2.0]}}}  # fmt: skip
    voxels = np.random.default_rng(1).normal(4, 2, (30, 28, 20)) > 3 if dtype == "?" else volume().voxels
    roi = Roi(ball(), AFFINE)
    given, expected = (extract(Volume(voxels.astype(t), AFFINE), roi, settings) for t in (dtype, same))
    assert given == expected


@pytest.mark.parametrize(("image", "mask"), [(np.ones((3, 3, 3)), None), (None, np.ones((3, 3, 3))), (None, 5)])
@pytest.mark.parametrize("extract_it", [extract, lambda image, mask: extract_ibsi(image, mask, "C")])
def test_an_array_is_refused_with_what_to_write_instead(image, mask, extract_it):
    with pytest.raises(UsageError, match=r"radstudy\.(Volume|Roi)\(array"):
        extract_it(volume() if image is None else image, Roi(ball(), AFFINE) if mask is None else mask)


def test_settings_of_another_kind_are_refused():
    roi = Roi(ball(), AFFINE)
    with pytest.raises(StudyFileError, match="a dictionary or a path, not int"):
        extract(volume(), roi, 25)
    with pytest.raises(StudyFileError, match=r"configuration's name.*not NoneType"):
        extract_ibsi(volume(), roi, None)
