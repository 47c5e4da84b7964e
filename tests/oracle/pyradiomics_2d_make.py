"""Writes pyradiomics_2d.csv.gz: PyRadiomics 3.0.1's values of every case in pyradiomics_2d_cases.json.

Run where PyRadiomics 3.0.1, scikit-image and trimesh are installed: ``python tests/oracle/pyradiomics_2d_make.py
FOLDER_OF_REAL_DATA``. The committed file was made with Python 3.9, NumPy 1.26.4, SimpleITK 2.5, PyWavelets 1.6,
scikit-image 0.24.0, trimesh 4.12.2 and SciPy 1.13.1.

A case is a whole image ("image", "mask", "params"), or one slice of it: "slice" is its number and "across" the axis
of the file that it is cut across. "axes" is 2 for an image of two axes, 3 for a volume of one slice; "eight_bits"
stretches the slice to 0 ... 255, as an ultrasound image has them; "pixel_mm" replaces its pixel size.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import sys
from pathlib import Path

import numpy as np
import SimpleITK as sitk

HERE = Path(__file__).parent
CASES = json.loads((HERE / "pyradiomics_2d_cases.json").read_text(encoding="utf-8"))


def images_of(case: dict, data: Path) -> tuple[sitk.Image, sitk.Image]:
    """The image and the mask of a case; used by the test as well."""
    image, mask = (sitk.ReadImage(str(data / case[name])) for name in ("image", "mask"))
    if "slice" not in case:
        return image, mask
    number, across = case["slice"], case["across"]
    cut = [slice(None)] * 3
    cut[across] = number if case["axes"] == 2 else slice(number, number + 1)
    image, mask = image[tuple(cut)], mask[tuple(cut)]
    if case.get("eight_bits"):
        values = sitk.GetArrayFromImage(image).astype(np.float64)
        grey = np.floor(255 * (values - values.min()) / (values.max() - values.min())).astype(np.uint8)
        stretched = sitk.GetImageFromArray(grey)
        stretched.CopyInformation(image)
        image = stretched
    if "pixel_mm" in case:
        for one in (image, mask):
            one.SetSpacing(case["pixel_mm"])
            one.SetOrigin([0.0] * one.GetDimension())
            one.SetDirection(np.eye(one.GetDimension()).ravel().tolist())
    return image, mask


def rows(data: Path):
    from radiomics.featureextractor import RadiomicsFeatureExtractor

    for name, case in CASES.items():
        params = json.loads(json.dumps(case["params"]))
        params["setting"]["additionalInfo"] = False
        values = RadiomicsFeatureExtractor(params).execute(*images_of(case, data))
        print(name, len(values))
        yield from ((name, feature, f"{float(value):.13g}") for feature, value in values.items())


if __name__ == "__main__":
    import radiomics

    radiomics.setVerbosity(60)
    with (
        gzip.GzipFile(HERE / "pyradiomics_2d.csv.gz", "wb", mtime=0) as packed,
        io.TextIOWrapper(packed, encoding="utf-8", newline="") as text,
    ):
        writer = csv.writer(text)
        writer.writerow(["case", "feature", "value"])
        writer.writerows(rows(Path(sys.argv[1])))
