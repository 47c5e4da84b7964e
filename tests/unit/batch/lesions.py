"""Small lesions in files, and settings under which a lesion takes milliseconds."""

import numpy as np
import pandas as pd
import SimpleITK as sitk

SETTINGS = {
    "setting": {"binWidth": 10},
    "imageType": {"Original": {}},
    "featureClass": {"firstorder": ["Mean", "Energy"], "shape": ["VoxelVolume"]},
}
NAMES = ["original_shape_VoxelVolume", "original_firstorder_Mean", "original_firstorder_Energy"]


def write_lesions(folder, count=4):
    """Write images and masks of two labels each; return a table of their paths."""
    rows = []
    for number in range(count):
        rng = np.random.default_rng(number)
        image = sitk.GetImageFromArray(rng.integers(0, 500, (6, 8, 9)).astype(np.int16))
        mask = np.zeros((6, 8, 9), np.uint8)
        mask[1:4, 2 : 5 + number % 2, 2:6] = 1
        mask[4:6, 5:8, 6:9] = 2
        case = folder / f"P{number:03}"
        case.mkdir(parents=True)
        sitk.WriteImage(image, str(case / "image.nii.gz"))
        sitk.WriteImage(sitk.GetImageFromArray(mask), str(case / "mask.nii.gz"))
        rows.append({"image": str(case / "image.nii.gz"), "mask": str(case / "mask.nii.gz"), "label": 1 + number % 2})
    return pd.DataFrame(rows)
