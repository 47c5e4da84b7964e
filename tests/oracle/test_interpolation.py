"""Interpolation of every third slice of real lesions, against ITK's morphological contour interpolation."""

import csv
from pathlib import Path

import numpy as np
import pytest

from radstudy.app.reading.interpolation import interpolated
from radstudy.imaging.roi import Roi

HERE = Path(__file__).parent
EVERY = 3


def expected():
    with (HERE / "interpolation.csv").open(encoding="utf-8", newline="") as stream:
        return {row["patient"]: float(row["dice_itk"]) for row in csv.DictReader(stream)}


def interpolated_dice(roi):
    slices = np.flatnonzero(roi.mask.any(axis=(0, 1)))
    drawn = sorted({*range(slices[0], slices[-1] + 1, EVERY), int(slices[-1])})
    sparse = np.zeros_like(roi.mask)
    sparse[:, :, drawn] = roi.mask[:, :, drawn]
    between = [number for number in range(slices[0], slices[-1] + 1) if number not in drawn]
    result = interpolated(sparse, 2, np.linalg.norm(roi.affine[:3, :3], axis=0))
    one, other = result[:, :, between], roi.mask[:, :, between]
    return 2 * (one & other).sum() / (one.sum() + other.sum())


def test_real_lesions_are_interpolated_as_well_as_by_itk(real_data):
    itk = expected()
    assert len(itk) == 20
    ours = {name: interpolated_dice(Roi.read(real_data / "sts" / name / "MR_T1_mask.nii.gz")) for name in itk}
    assert np.median(list(ours.values())) >= np.median(list(itk.values())) - 0.01
    worse = {name: (round(dice, 3), itk[name]) for name, dice in ours.items() if dice < itk[name] - 0.02}
    assert not worse
    assert np.median(list(ours.values())) == pytest.approx(0.97, abs=0.01)
