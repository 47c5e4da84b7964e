"""Writes pyradiomics_classes.csv: PyRadiomics 3.0.1's values of every phantom, family and feature.

Run where PyRadiomics 3.0.1 is installed: ``python tests/oracle/pyradiomics_classes_make.py``. The committed file was
made with Python 3.11, NumPy 2.4.6 and SimpleITK 2.5; its phantoms of one plane with Python 3.9, NumPy 1.26.4.
"""

from __future__ import annotations

import csv
import logging
import sys
import warnings
from pathlib import Path

import numpy as np
import SimpleITK
from radiomics import firstorder, glcm, gldm, glrlm, glszm, imageoperations, ngtdm, shape, shape2D

sys.path.insert(0, str(Path(__file__).parent))
from pyradiomics_classes_phantoms import phantoms

CLASSES = {
    "firstorder": firstorder.RadiomicsFirstOrder,
    "shape": shape.RadiomicsShape,
    "shape2D": shape2D.RadiomicsShape2D,
    "glcm": glcm.RadiomicsGLCM,
    "glrlm": glrlm.RadiomicsGLRLM,
    "glszm": glszm.RadiomicsGLSZM,
    "gldm": gldm.RadiomicsGLDM,
    "ngtdm": ngtdm.RadiomicsNGTDM,
}


def rows():
    for phantom in phantoms():
        image = SimpleITK.GetImageFromArray(phantom.image)
        mask = SimpleITK.GetImageFromArray(phantom.mask.astype(np.uint8))
        for one in (image, mask):
            one.SetSpacing(phantom.spacing_zyx[::-1])
        box, _ = imageoperations.checkMask(image, mask, minimumROIDimensions=1, label=1)
        image, mask = imageoperations.cropToTumorMask(image, mask, box)
        for family in phantom.families:
            calculator = CLASSES[family](image, mask, label=1, **phantom.settings)
            calculator.enableAllFeatures()
            if family == "firstorder":
                calculator.enableFeatureByName("StandardDeviation")
            if family == "shape":
                for name in ("Compactness1", "Compactness2", "SphericalDisproportion"):
                    calculator.enableFeatureByName(name)
            if family == "shape2D":
                calculator.enableFeatureByName("SphericalDisproportion")
            for name, value in calculator.execute().items():
                yield phantom.name, family, name, repr(float(value))


def main() -> None:
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    with Path(__file__).with_name("pyradiomics_classes.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["phantom", "family", "feature", "value"])
        writer.writerows(rows())


if __name__ == "__main__":
    main()
