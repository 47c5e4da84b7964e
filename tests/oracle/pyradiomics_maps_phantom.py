"""The phantom and the settings that feature maps are compared on; read by the test and by pyradiomics_maps_make.py."""

import numpy as np

SPACING_XYZ = (1.0, 1.5, 2.0)
EVERY = 5  # of the lesion's voxels, in their order: the ones whose values are kept

_CLASSES = {family: [] for family in ("firstorder", "glcm", "glrlm", "glszm", "gldm", "ngtdm")}
_BASE = {"binWidth": 25, "label": 1}

CASES = {
    "original": {"setting": _BASE, "imageType": {"Original": {}}, "featureClass": _CLASSES},
    "radius 2, bin count": {
        "setting": {"binCount": 8, "label": 1}, "imageType": {"Original": {}},
        "featureClass": _CLASSES, "voxelSetting": {"kernelRadius": 2},
    },
    "resampled, wavelet": {
        "setting": {**_BASE, "resampledPixelSpacing": [1, 1, 1], "interpolator": "sitkBSpline", "padDistance": 5},
        "imageType": {"Wavelet": {"wavelet": "coif1"}},
        "featureClass": {"firstorder": ["Mean", "Entropy", "Kurtosis"], "glcm": ["Contrast", "Imc1"]},
    },
}  # fmt: skip


def phantom() -> tuple[np.ndarray, np.ndarray]:
    """An int16 image and a mask (z, y, x): texture, a flat corner, a spur one voxel thin and a voxel on its own."""
    rng = np.random.default_rng(7)
    z, y, x = np.indices((9, 14, 16))
    image = 200 + 90 * np.sin(x / 1.7) * np.cos(y / 2.3) + 20 * z + rng.normal(0, 30, z.shape)
    image[:, :6, :6] = 150
    mask = (z - 4) ** 2 / 8 + (y - 6) ** 2 / 20 + (x - 7) ** 2 / 26 < 1
    mask[4, 6, 10:15] = True
    mask[1, 12, 14] = True
    return np.round(image).astype(np.int16), mask
