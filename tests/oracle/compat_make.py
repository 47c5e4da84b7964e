"""Writes compat.json.gz: what PyRadiomics 3.0.1 returns for every case of compat_cases.py, in its order.

Run where PyRadiomics 3.0.1 is installed: ``python tests/oracle/compat_make.py``. The committed file was made with
Python 3.9, NumPy 1.26.4, SimpleITK 2.5.7, PyWavelets 1.6.0, scikit-image 0.24.0 and trimesh 4.12.2.

A value is [name, type, text or number]; of a map the size, spacing, origin, and its voxels.
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import compat_cases
import numpy as np
import radiomics
import SimpleITK as sitk
from radiomics.featureextractor import RadiomicsFeatureExtractor

HERE = Path(__file__).parent
vars(np)["float"] = float  # PyRadiomics 3.0.1 uses the old name, which NumPy 1.24 dropped


def kept(name, value):
    if isinstance(value, sitk.Image):
        voxels = [float(f"{one:.12g}") for one in sitk.GetArrayFromImage(value).ravel().tolist()]
        place = [list(value.GetSize()), list(value.GetSpacing()), list(value.GetOrigin())]
        return [name, "Image", [*place, voxels]]
    if isinstance(value, (np.ndarray, np.floating)) and not name.startswith("diagnostics"):
        return [name, type(value).__name__, float(f"{float(value):.13g}")]
    return [name, type(value).__name__, str(value)]


def refused(case):
    sitk.ProcessObject.SetGlobalDefaultCoordinateTolerance(1e-6)  # geometryTolerance of an earlier case stays set
    sitk.ProcessObject.SetGlobalDefaultDirectionTolerance(1e-6)
    try:
        case(RadiomicsFeatureExtractor)
    except Exception as error:
        return [type(error).__name__, str(error)]
    raise AssertionError(f"{case.__name__} was not refused")


if __name__ == "__main__":
    radiomics.setVerbosity(60)
    content = {}
    for case in (*compat_cases.CASES, *compat_cases.MAPS):
        content[case.__name__] = [kept(*item) for item in case(RadiomicsFeatureExtractor).items()]
        print(case.__name__, len(content[case.__name__]))
    content["refused"] = {case.__name__: refused(case) for case in compat_cases.REFUSED}
    print(content["refused"])
    with gzip.GzipFile(HERE / "compat.json.gz", "wb", mtime=0) as packed:
        packed.write(json.dumps(content, separators=(",", ":")).encode())
