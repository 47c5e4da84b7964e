"""Writes src/radstudy/doctor/reference.csv: PyRadiomics' values of the self-test's lesion.

Run where PyRadiomics 3.0.1 is installed, with the project's sources on the path:
``PYTHONPATH=src/radstudy/doctor python tests/oracle/doctor_make.py``. The committed file was made with Python 3.9,
NumPy 1.26 and SimpleITK 2.5.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import phantom
import radiomics
import SimpleITK as sitk
from radiomics.featureextractor import RadiomicsFeatureExtractor

OUT = Path(__file__).parents[2] / "src" / "radstudy" / "doctor" / "reference.csv"
KEPT = ("original_", "log-sigma-2-0-mm-3D_", "wavelet-LLH_")
NOT_IN_THE_SET = (
    "_MCC",
    "_SumAverage",
    "_Busyness",
    "_Coarseness",
    "_Complexity",
    "_Strength",
    "_ngtdm_Contrast",
)  # of feature_sets/pyradiomics-1218.yaml


def image_of(array: np.ndarray, kind: type) -> sitk.Image:
    image = sitk.GetImageFromArray(array.transpose(2, 1, 0).astype(kind))
    image.SetSpacing(phantom.SPACING_MM)
    image.SetDirection((-1, 0, 0, 0, -1, 0, 0, 0, 1))  # RAS axes, in ITK's LPS
    return image


if __name__ == "__main__":
    radiomics.setVerbosity(60)
    voxels, lesion = phantom.phantom()
    extractor = RadiomicsFeatureExtractor(
        binWidth=25.0, resampledPixelSpacing=[1.0, 1.0, 1.0], interpolator="sitkBSpline", padDistance=5,
        additionalInfo=False,
    )  # fmt: skip
    extractor.enableImageTypeByName("LoG", customArgs={"sigma": [2.0]})
    extractor.enableImageTypeByName("Wavelet")
    values = extractor.execute(image_of(voxels, np.float32), image_of(lesion, np.uint8))
    with OUT.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["feature", "value"])
        writer.writerows(
            (name, f"{float(value):.10g}")
            for name, value in values.items()
            if name.startswith(KEPT) and not name.endswith(NOT_IN_THE_SET)
        )
