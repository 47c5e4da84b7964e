"""Feature classes against the IBSI-1 reference values of the digital phantom, whose intensities are grey levels.

Source: ibsi1_reference_values.csv (Zwanenburg et al. 2020, doi 10.1148/radiol.2020191145), each value with its
published tolerance. Aggregations: 3D, averaged over directions; and 3D, of the sum of directions.
"""

from __future__ import annotations

import csv

import numpy as np
import pytest
import SimpleITK

from radstudy.catalogue import CATALOGUE, feature_names
from radstudy.features.firstorder import first_order
from radstudy.features.shape import shape
from radstudy.features.texture import TEXTURES, textures

# PyRadiomics departs from IBSI here (radstudy.catalogue says how): value to add to ours before comparing
DEPARTURES = {"stat_kurt": -3.0}
SAMPLE_COVARIANCE = {"morph_pca_maj_axis", "morph_pca_min_axis", "morph_pca_least_axis"}  # IBSI divides by n - 1


@pytest.fixture(scope="module")
def references(real_data):
    with (real_data / "ibsi" / "ibsi1_reference_values.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["configuration"] == "digital_phantom"]
    return {row["tag"]: (float(row["reference_value"]), float(row["tolerance"])) for row in rows if row["tolerance"]}


@pytest.fixture(scope="module")
def phantom(real_data):
    folder = real_data / "ibsi" / "ibsi1_digital_phantom"
    image, mask = (SimpleITK.ReadImage(str(folder / f"{name}.nii.gz")) for name in ("image", "mask"))
    inside = SimpleITK.GetArrayFromImage(mask) > 0
    return SimpleITK.GetArrayFromImage(image).astype(np.int32), inside, image.GetSpacing()[::-1]


def _computed(phantom, weighting_norm):
    image, inside, spacing = phantom
    levels = np.where(inside, image, 0).astype(np.int32)
    found = textures(levels, int(levels.max()), TEXTURES, weighting_norm=weighting_norm)
    found["shape"] = shape(inside, spacing, [*feature_names("shape"), "Compactness1", "Compactness2",
                                             "SphericalDisproportion"])  # fmt: skip
    found["firstorder"] = first_order(image, inside, bin_width=1.0, voxel_volume_mm3=float(np.prod(spacing)))
    return found


@pytest.mark.parametrize(("aggregation", "weighting_norm"), [("3D_avg", None), ("3D_comb", "no_weighting")])
def test_every_tagged_feature_is_inside_its_tolerance(references, phantom, aggregation, weighting_norm):
    found = _computed(phantom, weighting_norm)
    wrong, compared = [], 0
    for one in CATALOGUE:
        value = found.get(one.family, {}).get(one.name)
        if not one.ibsi_tag or value is None:
            continue
        tag = next(t for t in (one.ibsi_tag, f"{one.ibsi_tag}_3D", f"{one.ibsi_tag}_{aggregation}") if t in references)
        reference, tolerance = references[tag]
        compared += 1
        # printed to three digits: the last one may be rounded by half
        allowed = tolerance + 0.5 * 10.0 ** (np.floor(np.log10(max(abs(reference), 1e-12))) - 2)
        if one.ibsi_tag in SAMPLE_COVARIANCE:
            voxels = int(phantom[1].sum())
            value *= (voxels / (voxels - 1)) ** 0.5
        if abs(value + DEPARTURES.get(one.ibsi_tag, 0.0) - reference) > allowed:
            wrong.append((tag, value, reference, tolerance))
    assert compared > 90
    assert not wrong
