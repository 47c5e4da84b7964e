"""From the folder of a real examination to its maps and features: each command on the files of the one before.

The patient's own PE1 and SER series, made by the workstation, are not imported and are the expected values here.
"""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pydicom
import pytest

from radstudy import Roi, Volume
from radstudy.derive.run import derive
from radstudy.features.extract import extract

RECIPE = """
mask: "{patient}/masks/DCE1_Breast.nii.gz"
diameter: false
dce:
  phases: ["{patient}/DCE1.nii.gz", "{patient}/DCE2.nii.gz", "{patient}/DCE3.nii.gz"]
  maps: [early, ser]
  motion: false
"""


@pytest.fixture(scope="module")
def derived(patient, tmp_path_factory):
    """The patient's folder of maps and the row of the new table; times come from the sidecars of the import."""
    folder = tmp_path_factory.mktemp("derived")
    (folder / "derive.yaml").write_text(RECIPE, encoding="utf-8")
    table, lost = derive(patient.parent / "cohort.csv", folder / "derive.yaml", folder / "out", jobs=1)
    assert lost == 0
    (row,) = pd.read_csv(table, keep_default_na=False).to_dict("records")
    return folder / "out", row


def on_grid(folder: Path, grid: Volume) -> np.ndarray:
    """The rescaled pixels of a DICOM series, each slice where its header says that it lies."""
    voxels = np.full(grid.voxels.shape, np.nan)
    for file in folder.iterdir():
        item = pydicom.dcmread(file)
        place = np.linalg.solve(grid.affine, [*np.multiply(item.ImagePositionPatient, [-1.0, -1.0, 1.0]), 1.0])[:3]
        assert np.abs(place - np.rint(place)).max() < 1e-3 and np.abs(place[:2]).max() < 1e-3
        voxels[:, :, round(place[2])] = item.pixel_array.T * float(item.get("RescaleSlope", 1))
    assert np.isfinite(voxels).all()
    return voxels


def test_its_segmentation_is_a_mask_on_every_phase(patient, real_data):
    """Voxel by voxel what the SEG's own frames hold, put where each says that it lies."""
    seg = pydicom.dcmread(real_data / "breast_dce" / "UCSF-BR-06" / "mask" / "1-1.dcm")
    table = pd.read_csv(patient.parent / "masks.csv")
    assert table["role"].tolist() == ["DCE1", "DCE2", "DCE3"]
    assert set(table["voxels"]) == {82_527} and set(table["slices"]) == {42}
    assert set(table["placed"]) == {"by position"}  # it names no series
    assert table["note"].str.contains("any of DCE1, DCE2, DCE3, which share one grid").all()
    image = Volume.read(patient / "DCE2.nii.gz")
    expected = np.zeros(image.voxels.shape, bool)
    for frame, groups in zip(seg.pixel_array, seg.PerFrameFunctionalGroupsSequence, strict=True):
        position = np.multiply(groups.PlanePositionSequence[0].ImagePositionPatient, [-1.0, -1.0, 1.0])
        slice_ = np.linalg.solve(image.affine, [*position, 1.0])[2]
        assert abs(slice_ - round(slice_)) < 1e-2
        expected[:, :, round(slice_)] = (frame > 127).T
    for file in table["file"]:
        np.testing.assert_array_equal(Roi.read(patient.parent / file, None, image).mask, expected)


def test_the_maps_are_the_workstations_own(patient, real_data, derived):
    out, row = derived
    early, ser = Volume.read(out / row["DCE_early"]), Volume.read(out / row["DCE_ser"])
    region = Roi.read(patient / "masks" / "DCE1_Breast.nii.gz", None, early).mask
    theirs = on_grid(real_data / "breast_dce" / "UCSF-BR-06" / "image_dce_pe1", early)
    shown = region & (theirs > 0)  # elsewhere the workstation wrote 0
    assert shown.sum() == 77_047
    np.testing.assert_array_equal(np.trunc(early.voxels[shown].astype(float) + 1e-4), theirs[shown])
    theirs = on_grid(real_data / "breast_dce" / "UCSF-BR-06" / "image_dce_ser", ser)
    shown = region & (theirs > 0)
    assert shown.sum() == 41_105
    assert np.abs(ser.voxels[shown] - theirs[shown]).max() < 0.00051  # the file holds thousandths


def test_the_times_of_the_curve_are_those_of_the_sidecars(patient, derived):
    _, row = derived
    assert row["curve_times_s"] == "0; 407; 761"
    image = Volume.read(patient / "DCE1.nii.gz")
    region = Roi.read(patient / "masks" / "DCE1_Breast.nii.gz", None, image).mask
    signal = [float(Volume.read(patient / f"DCE{n}.nii.gz").voxels[region].mean()) for n in (1, 2, 3)]
    assert [float(value) for value in row["curve_signal"].split("; ")] == pytest.approx(signal, rel=1e-5)


def test_a_phase_with_its_mask_gives_the_reference_studys_features(patient):
    features = extract(patient / "DCE2.nii.gz", patient / "masks" / "DCE2_Breast.nii.gz")
    assert len(features) == 1218
    assert all(math.isfinite(value) for value in features.values())
    image = Volume.read(patient / "DCE2.nii.gz")
    region = Roi.read(patient / "masks" / "DCE2_Breast.nii.gz", None, image)
    assert features["original_shape_VoxelVolume"] > 0.95 * region.volume_mm3
