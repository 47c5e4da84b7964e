"""Images of two axes, shapes of one slice and local binary patterns, through `extract`."""

from __future__ import annotations

import json

import nibabel as nib
import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from radstudy.cli import app
from radstudy.errors import CaseError, StudyFileError, UsageError
from radstudy.features.extract import extract, extract_lesions
from radstudy.features.maps import feature_map
from radstudy.features.of_study import settings_of_study
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume
from radstudy.protocol.sections import Extract

GREY = np.random.default_rng(7).integers(40, 220, (24, 30), dtype=np.uint8)
INSIDE = np.zeros(GREY.shape, bool)
INSIDE[6:17, 8:22] = True
INSIDE[6:9, 8:11] = False
AFFINE = np.diag([-0.5, -0.25, 1.0, 1.0])
PARAMS = {
    "setting": {"binWidth": 25},
    "imageType": {"Original": {}, "LoG": {"sigma": [1.0]}, "Wavelet": {"wavelet": "haar"}, "LBP2D": {"binWidth": 1}},
    "featureClass": {"shape2D": None, "firstorder": ["Mean", "Entropy"], "glcm": ["Contrast"]},
}


def flat():
    return Volume(GREY.T[:, :, None], AFFINE, planar=True), Roi(INSIDE.T[:, :, None], AFFINE)


def with_setting(**setting):
    return {**PARAMS, "setting": {**PARAMS["setting"], **setting}}


def test_a_picture_is_a_flat_nifti_is_an_array(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "i.png")
    Image.fromarray(INSIDE).save(tmp_path / "m.png")
    for name, array in (("i", GREY), ("m", INSIDE.astype(np.uint8))):
        nib.save(nib.Nifti1Image(array.T, np.diag([0.5, 0.25, 1, 1])), tmp_path / f"{name}.nii.gz")
    ours = extract(*flat(), PARAMS)
    assert {name.split("_")[0] for name in ours} == {
        "original", "log-sigma-1-0-mm-3D", "wavelet-LH", "wavelet-HL", "wavelet-HH", "wavelet-LL", "lbp-2D",
    }  # fmt: skip
    assert not any(np.isnan(value) for value in ours.values())
    assert extract(tmp_path / "i.png", tmp_path / "m.png", PARAMS, pixel_size_mm="0.5x0.25") == ours
    flipped = extract(tmp_path / "i.nii.gz", tmp_path / "m.nii.gz", PARAMS)
    assert flipped == pytest.approx(ours)


def test_the_command_takes_a_pixel_size(tmp_path):
    Image.fromarray(GREY).save(tmp_path / "i.png")
    Image.fromarray(INSIDE).save(tmp_path / "m.png")
    (tmp_path / "p.yaml").write_text(json.dumps(PARAMS), encoding="utf-8")
    command = ["extract", "--image", f"{tmp_path}/i.png", "--mask", f"{tmp_path}/m.png"]
    command += ["--settings", f"{tmp_path}/p.yaml", "--json"]
    with pytest.raises(CaseError, match="--pixel-size"):
        CliRunner().invoke(app, command, catch_exceptions=False)
    done = CliRunner().invoke(app, [*command, "--pixel-size", "0.5x0.25"])
    assert done.exit_code == 0
    assert json.loads(done.stdout) == pytest.approx(extract(*flat(), PARAMS))


def test_a_pixel_size_and_a_volume_do_not_go_together():
    with pytest.raises(UsageError, match="which has its own"):
        extract(*flat(), PARAMS, pixel_size_mm=0.5)


def test_force2d_has_no_effect_on_an_image_of_two_axes():
    assert extract(*flat(), with_setting(force2D=True, force2Ddimension=1)) == extract(*flat(), PARAMS)


def test_in_plane_resampling_takes_two_spacings():
    two, three = ([0.3, 0.3], [0.3, 0.3, 2.0])
    assert extract(*flat(), with_setting(resampledPixelSpacing=two)) == extract(
        *flat(), with_setting(resampledPixelSpacing=three)
    )


def test_what_needs_a_volume_is_missing_with_a_reason():
    params = {"imageType": {"LBP3D": {}}, "featureClass": {"shape": ["MeshVolume"], "firstorder": ["Mean"]}}
    (lesion,) = extract_lesions(flat()[0], [flat()[1]], params)
    assert all(np.isnan(value) for value in lesion.values.values())
    assert "shape2D describes them" in lesion.missing["original_shape_MeshVolume"]
    assert "LBP3D needs a volume" in lesion.missing["lbp-3D-k_firstorder_Mean"]


def test_a_map_of_a_flat_image_is_flat():
    local = feature_map(*flat(), "wavelet-LH_firstorder_Mean", PARAMS)
    assert local.planar
    assert np.isfinite(local.voxels[INSIDE.T[:, :, None]]).all()


# --- volumes -----------------------------------------------------------------------------------------------------


def thick(slices=1):
    mask = np.repeat(INSIDE.T[:, :, None], slices, axis=2)
    voxels = np.repeat(GREY.T[:, :, None], slices, axis=2)
    affine = np.diag([-0.5, -0.25, 3.0, 1.0])
    return Volume(voxels, affine), Roi(mask, affine)


def test_shape2d_of_one_slice_is_that_of_the_flat_image():
    one, plane = extract(*thick(), with_setting(force2D=True)), extract(*flat(), PARAMS)
    shapes = [name for name in plane if "shape2D" in name]
    assert len(shapes) == 9
    assert {name: one[name] for name in shapes} == {name: plane[name] for name in shapes}
    assert np.isnan(one["log-sigma-1-0-mm-3D_firstorder_Mean"])  # as PyRadiomics: LoG needs 4 slices of a volume


def test_shape2d_needs_force2d_and_one_slice():
    with pytest.raises(CaseError, match="force2D: true"):
        extract(*thick(), PARAMS)
    with pytest.raises(CaseError, match="extends over 3 slices"):
        extract(*thick(3), with_setting(force2D=True))


def test_a_study_refuses_shape2d_before_anything_is_read(tmp_path):
    (tmp_path / "p.yaml").write_text("featureClass: {shape2D: null}\n", encoding="utf-8")
    for section in ({"params": "p.yaml"}, {"features": {"shape2D": None}}):
        with pytest.raises(StudyFileError, match="shape2D describes one slice"):
            settings_of_study(Extract.model_validate(section), tmp_path)
    (tmp_path / "p.yaml").write_text("imageType: {LBP2D: {}, LBP3D: {}}\n", encoding="utf-8")
    settings = settings_of_study(Extract.model_validate({"params": "p.yaml"}), tmp_path)
    assert [one.name for one in settings.image_types] == ["LBP2D", "LBP3D"]


def test_a_volume_that_a_study_reads_has_three_axes(tmp_path):
    nib.save(nib.Nifti1Image(GREY.T, np.eye(4)), tmp_path / "i.nii.gz")
    assert Volume.read(tmp_path / "i.nii.gz").planar
    Image.fromarray(GREY).save(tmp_path / "i.png")
    for name in ("i.nii.gz", "i.png"):
        with pytest.raises(CaseError, match="gives no slice thickness"):
            Volume.read_3d(tmp_path / name)


def test_an_image_of_two_axes_has_one_slice():
    with pytest.raises(CaseError, match="has one slice, not 3"):
        Volume(np.zeros((4, 5, 3)), np.eye(4), planar=True)
