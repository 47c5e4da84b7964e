"""Writes pyradiomics_maps.csv.gz: PyRadiomics 3.0.1's voxel-based features of pyradiomics_maps_phantom.py.

Run where PyRadiomics 3.0.1 is installed: ``python tests/oracle/pyradiomics_maps_make.py``. The committed file was made
with Python 3.11, NumPy 2.4.6, SimpleITK 2.5 and PyWavelets 1.9. Kept are every fifth voxel of the lesion.
"""

from __future__ import annotations

import csv
import gzip
import io
from pathlib import Path

import numpy as np
import radiomics
import SimpleITK as sitk
from pyradiomics_maps_phantom import CASES, EVERY, SPACING_XYZ, phantom
from radiomics.featureextractor import RadiomicsFeatureExtractor

HERE = Path(__file__).parent


def as_image(array):
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(SPACING_XYZ)
    return image


def rows():
    voxels, mask = phantom()
    image, label = as_image(voxels), as_image(mask.astype(np.uint8))
    for case, params in CASES.items():
        params["setting"]["additionalInfo"] = False
        params.setdefault("voxelSetting", {})["initValue"] = -12345.0
        found = RadiomicsFeatureExtractor(params).execute(image, label, voxelBased=True)
        for name, value in found.items():
            array = sitk.GetArrayFromImage(value)
            inside = np.argwhere(array != -12345.0)[::EVERY]
            yield from ((case, name, *place, f"{array[tuple(place)]:.13g}") for place in inside.tolist())


if __name__ == "__main__":
    radiomics.setVerbosity(60)
    path = HERE / "pyradiomics_maps.csv.gz"
    with gzip.GzipFile(path, "wb", mtime=0) as packed, io.TextIOWrapper(packed, encoding="utf-8", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(["case", "feature", "z", "y", "x", "value"])
        writer.writerows(rows())
