"""The drop-in extractor on PyRadiomics' brain1 and breast1: settings, diagnostics and values of its baselines."""

from __future__ import annotations

import ast
import csv

import pytest

from radstudy.compat import RadiomicsFeatureExtractor

CASES = [
    f"{name}{variant}"
    for name in ("brain1", "breast1")
    for variant in ("", "_2d", "_FBN", "_combined", "_normalization", "_resampling", "_resegmentation")
]
FAMILIES = ("firstorder", "glcm", "gldm", "glrlm", "glszm", "ngtdm")
_VERSIONS = "diagnostics_Versions_"


def baseline(folder, family, case):
    """The rows of a family's table for a case; none if the family has no such case."""
    with (folder / f"baseline_{family}.csv").open(newline="", encoding="utf-8") as file:
        return {row["featureName"]: row[case] for row in csv.DictReader(file) if row.get(case)}


def same(ours, theirs):
    try:
        return ast.literal_eval(str(ours)) == pytest.approx(ast.literal_eval(theirs), rel=1e-6)
    except (SyntaxError, ValueError):
        return str(ours) == theirs


@pytest.mark.parametrize("case", CASES)
def test_baselines_come_out(real_data, case):
    folder = real_data / "pyradiomics"
    files = [str(folder / f"{case.partition('_')[0]}_{what}.nrrd") for what in ("image", "label")]
    compared = 0
    for family in FAMILIES:
        theirs = baseline(folder, family, case)
        if not theirs:
            continue
        compared += len(theirs)
        settings = ast.literal_eval(theirs["diagnostics_Configuration_Settings"])
        extractor = RadiomicsFeatureExtractor({"setting": settings, "featureClass": {family: []}})
        ours = extractor.execute(*files)
        wrong = {
            name: (ours.get(name), value)
            for name, value in theirs.items()
            if not name.startswith((_VERSIONS, "diagnostics_Configuration")) and not same(ours.get(name), value)
        }
        assert wrong == {}, family
    assert compared > 50
