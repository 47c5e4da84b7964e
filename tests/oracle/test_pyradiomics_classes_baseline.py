"""Feature classes against the baselines that PyRadiomics publishes with its own tests (brain1, breast1).

Source: the baseline_*.csv files of PyRadiomics' repository, values of its versions 1.3 to 2.2. Columns that resample
the image are not this half's: they are in the tests of the whole extraction.
"""

from __future__ import annotations

import ast
import csv

import numpy as np
import pytest
import SimpleITK

from radstudy.features.discretise import discretise
from radstudy.features.firstorder import first_order
from radstudy.features.shape import shape
from radstudy.features.texture import textures

TEXTURE_COLUMNS = ("", "_2d", "_FBN", "_flatRegion", "_normalization", "_resegmentation")
COLUMNS = {  # those that need no resampling, as far as they are published
    "firstorder": ("", "_normalization", "_resegmentation"),
    "shape": ("",),
    "glcm": (*TEXTURE_COLUMNS, "_combined"),
    "glrlm": (*TEXTURE_COLUMNS, "_combined"),
    "glszm": TEXTURE_COLUMNS,
    "gldm": TEXTURE_COLUMNS,
    "ngtdm": TEXTURE_COLUMNS,
}
CASES = [(family, column) for family, columns in COLUMNS.items() for column in columns]

# The published shape baseline is of version 2.0.1b1, before the triangle table changed. What 3.0.1 itself gives for
# brain1 (pyradiomics_classes_make.py's classes on the two files; breast1 did not change):
NEWER = {("shape", "brain1"): {"MeshVolume": 16147.51180013021, "SurfaceArea": 6438.821603779402}}
AFTER_THEM = ("Sphericity", "SurfaceVolumeRatio")


def _baseline(folder, family):
    with (folder / "pyradiomics" / f"baseline_{family}.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    settings = next(row for row in rows if row["featureName"] == "diagnostics_Configuration_Settings")
    prefix = f"original_{family}_"
    values = {row["featureName"].removeprefix(prefix): row for row in rows if row["featureName"].startswith(prefix)}
    return settings, values


def _case(folder, name, settings):
    read = SimpleITK.ReadImage(str(folder / "pyradiomics" / f"{name}_image.nrrd"))
    label = SimpleITK.ReadImage(str(folder / "pyradiomics" / f"{name}_label.nrrd"))
    image = SimpleITK.GetArrayFromImage(read)
    mask = SimpleITK.GetArrayFromImage(label) == settings["label"]
    if settings["normalize"]:
        image = (image - image.mean()) / image.std(ddof=1) * settings["normalizeScale"]
    if settings.get("resegmentMode") == "sigma":
        inside = image[mask]
        low, high = inside.mean() + np.array(settings["resegmentRange"]) * inside.std()
        mask &= (image >= low) & (image <= high)
    return image, mask, read.GetSpacing()[::-1]


@pytest.mark.parametrize("name", ["brain1", "breast1"])
@pytest.mark.parametrize(("family", "column"), CASES)
def test_published_baseline(real_data, family, name, column):
    settings_row, rows = _baseline(real_data, family)
    settings = ast.literal_eval(settings_row[name + column])
    image, mask, spacing = _case(real_data, name, settings)
    bins = {"bin_width": settings.get("binWidth", 25), "bin_count": settings.get("binCount")}
    if family == "shape":
        found = shape(mask, spacing)
    elif family == "firstorder":
        found = first_order(
            image, mask, **bins, voxel_array_shift=settings.get("voxelArrayShift", 0),
            voxel_volume_mm3=float(np.prod(spacing)),
        )  # fmt: skip
    else:
        binned = discretise(image, mask, **bins)
        force2d = settings["force2Ddimension"] if settings["force2D"] else None
        found = textures(
            binned.levels, binned.n_levels, [family], force2d=force2d, spacing_zyx=spacing,
            weighting_norm=settings.get("weightingNorm"), gldm_a=settings.get("gldm_a", 0),
        )[family]  # fmt: skip
    expected = {feature: float(row[name + column]) for feature, row in rows.items()}
    if (family, name) in NEWER:
        expected |= NEWER[family, name]
        expected = {feature: value for feature, value in expected.items() if feature not in AFTER_THEM}
    assert {feature: found[feature] for feature in expected} == pytest.approx(expected, rel=1e-6, abs=1e-9)
