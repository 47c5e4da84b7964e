"""`extract` against PyRadiomics 3.0.1 on real images (values: pyradiomics_extract_make.py) and its own baselines.

Every feature lies within 1e-6 of its value. Two kinds of feature are compared on another scale, because their own
value is a rounding error: GLCM Correlation, ClusterShade, Imc1 and first-order Skewness can be 0 by symmetry.
"""

from __future__ import annotations

import ast
import csv
import gzip
import json
import math
from functools import cache
from pathlib import Path

import pytest

from radstudy.features.extract import extract, extract_lesions
from radstudy.features.names import feature_names
from radstudy.features.settings import ExtractionSettings
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume

HERE = Path(__file__).parent
CASES = json.loads((HERE / "pyradiomics_extract_cases.json").read_text(encoding="utf-8"))
RELATIVE = 1e-6
NEAR_ZERO = 1e-12  # of a feature whose value is 0 but for rounding; the smallest others are above 1e-9


@cache
def reference() -> dict[str, dict[str, float]]:
    values: dict[str, dict[str, float]] = {}
    with gzip.open(HERE / "pyradiomics_extract.csv.gz", "rt", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            values.setdefault(row["case"], {})[row["feature"]] = float(row["value"])
    return values


def differing(ours: dict[str, float], theirs: dict[str, float]) -> list[str]:
    return [
        f"{name}: {ours[name]!r}, PyRadiomics {value!r}"
        for name, value in theirs.items()
        if not (
            math.isclose(ours[name], value, rel_tol=RELATIVE, abs_tol=NEAR_ZERO)
            or (math.isnan(ours[name]) and math.isnan(value))
        )
    ]


@pytest.mark.parametrize("case", CASES)
def test_every_feature_is_pyradiomics(case, real_data):
    theirs = reference()[case]
    ours = extract(real_data / CASES[case]["image"], real_data / CASES[case]["mask"], CASES[case]["params"])
    assert sorted(ours) == sorted(theirs)
    assert not (wrong := differing(ours, theirs)), f"{len(wrong)} of {len(theirs)}: " + "; ".join(wrong[:10])


@pytest.mark.parametrize("case", [case for case in CASES if case.endswith(("preset", "t2", "mr"))])
def test_volumes_read_before_are_the_same_as_files(case, real_data):
    """A Volume knows its affine, not its header; the header is made again from it."""
    volume, roi = Volume.read(real_data / CASES[case]["image"]), Roi.read(real_data / CASES[case]["mask"])
    (lesion,) = extract_lesions(volume, [roi], CASES[case]["params"])
    assert not (wrong := differing(lesion.values, reference()[case])), f"{len(wrong)}: " + "; ".join(wrong[:10])
    assert lesion.missing == {}


def test_feature_names_are_in_pyradiomics_order():
    for case, theirs in reference().items():
        settings = ExtractionSettings.from_pyradiomics(CASES[case]["params"])
        assert feature_names(settings) == list(theirs), case


# --- the baselines that PyRadiomics ships ------------------------------------------------------------------------

FAMILIES = ("firstorder", "shape", "glcm", "glrlm", "glszm", "gldm", "ngtdm")
# The mesh of one of brain1's ambiguous cubes changed after this baseline (2.0.1); PyRadiomics 3.0.1 gives our values.
OLD_MESH = {f"original_shape_{name}" for name in ("MeshVolume", "SurfaceArea", "SurfaceVolumeRatio", "Sphericity")}
VARIANTS = ("", "normalization", "resampling", "resegmentation", "2d", "FBN", "combined", "flatRegion")


def baseline(folder: Path, family: str, column: str) -> tuple[dict[str, object], dict[str, float]]:
    """Settings and values of one column of baseline_<family>.csv; no values where the family lacks the column."""
    settings: dict[str, object] = {}
    values: dict[str, float] = {}
    with (folder / "pyradiomics" / f"baseline_{family}.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if column not in row:
                break
            if row["featureName"] == "diagnostics_Configuration_Settings":
                settings = ast.literal_eval(row[column])
            elif not row["featureName"].startswith("diagnostics"):
                values[row["featureName"]] = float(row[column])
    return settings, values


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("case", ["brain1", "breast1"])
def test_baselines(case, variant, real_data):
    column = f"{case}_{variant}" if variant else case
    compared = 0
    for family in FAMILIES:
        settings, theirs = baseline(real_data, family, column)
        if not theirs:
            continue
        params = {"setting": settings, "featureClass": {family: None}}
        folder = real_data / "pyradiomics"
        ours = extract(folder / f"{case}_image.nrrd", folder / f"{case}_label.nrrd", params)
        if column == "brain1":
            assert all(math.isclose(ours[name], theirs[name], rel_tol=1e-3) for name in OLD_MESH & theirs.keys())
            theirs = {name: value for name, value in theirs.items() if name not in OLD_MESH}
        assert not (wrong := differing(ours, theirs)), f"{family}: {len(wrong)} of {len(theirs)}: {wrong[:5]}"
        compared += len(theirs)
    assert compared >= 5
