"""A testing patient of the demo, predicted from DICOM copies of its image: the run's own probability.

Position and orientation in DICOM are decimal texts, so the geometry of a copy differs in the ninth digit, which
can decide which of two slices N4 samples (docs/n4.md), ITK's as well as ours: here the probability moves by 1e-4.
"""

import json
from dataclasses import dataclass

import nibabel
import numpy as np
import pandas as pd
import pytest

from radstudy import Volume
from unit.intake import synthetic


@dataclass(frozen=True)
class Copy(synthetic.Scan):
    """An examination whose slices are those of an array."""

    array: np.ndarray | None = None

    def pixels(self, volume, number):
        return np.ascontiguousarray(self.array[:, :, number].T)


def copy_of(image, tags):
    """A DICOM scan with the voxels and the geometry of a NIfTI image whose axes are column, row, slice."""
    array = np.asarray(nibabel.load(image).dataobj)
    affine = np.diag([-1, -1, 1, 1]) @ nibabel.load(image).affine  # LPS
    steps = np.linalg.norm(affine[:3, :3], axis=0)
    axes = affine[:3, :3] / steps
    assert np.cross(axes[:, 0], axes[:, 1]) @ axes[:, 2] > 0.999
    return Copy(
        tags, number=3, slices=array.shape[2], orientation=(*axes[:, 0], *axes[:, 1]), origin=tuple(affine[:3, 3]),
        spacing=(round(steps[1], 10), round(steps[0], 10)), step=float(steps[2]), size=array.shape[1::-1], array=array,
    )  # fmt: skip


def test_a_dicom_folder_gives_the_probability_of_its_import_and_that_of_the_run(demo, command, tmp_path):
    model, role = "DWI", "DWI_b1000"
    tags = {**synthetic.DWI, "DiffusionBValue": 1000.0, "ImageType": ["ORIGINAL", "PRIMARY", "DIFFUSION"]}
    scores = pd.read_csv(demo / "model" / "predictions.csv")
    scores = scores[(scores["model"] == model) & (scores["set"] == "testing")].set_index("patient")
    patient = scores.index[0]
    image = demo / "data" / "images" / patient / f"{model}.nii.gz"
    synthetic.write(tmp_path / "dicom", copy_of(image, tags))
    mask = demo / "data" / "masks" / patient / f"{model}_reader1.nii.gz"
    signature = demo / "model" / "signatures" / f"{model}.json"
    arguments = ["predict", signature, "--mask", f"{model}={mask}", "--json"]
    from_dicom = ("--dicom", tmp_path / "dicom", "--role", f"{model}={role}")
    answer = json.loads(command(*arguments, *from_dicom, check=0).stdout)
    command("import", tmp_path / "dicom", "--out", tmp_path / "out", check=0)
    (copied,) = (tmp_path / "out").glob(f"*/{role}.nii.gz")
    files = json.loads(command(*arguments, "--image", f"{model}={copied}", check=0).stdout)
    assert answer["probability"] == files["probability"]
    np.testing.assert_array_equal(Volume.read(copied).voxels, Volume.read(image).voxels)
    away = np.abs(Volume.read(copied).affine - Volume.read(image).affine).max()
    assert away < 1e-6  # mm: a number in DICOM has 16 characters
    tolerance = 1e-12 if away == 0 else 1e-3
    assert answer["probability"] == pytest.approx(scores.at[patient, "probability"], rel=0, abs=tolerance)
