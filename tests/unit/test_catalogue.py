from __future__ import annotations

import pytest

from radstudy.catalogue import CATALOGUE, FAMILIES, feature, feature_names
from radstudy.errors import UsageError


def test_counts_are_pyradiomics():
    counts = {family: len(feature_names(family)) for family in FAMILIES}
    assert counts == {"shape": 14, "firstorder": 18, "glcm": 24, "glrlm": 16, "glszm": 16, "gldm": 14, "ngtdm": 5}


def test_every_name_once_a_family():
    assert len({(one.family, one.name) for one in CATALOGUE}) == len(CATALOGUE)


def test_order_is_alphabetical_as_pyradiomics_lists_its_methods():
    for family in FAMILIES:
        assert list(feature_names(family)) == sorted(feature_names(family), key="get{}FeatureValue".format)


def test_deprecated_features_only_by_name():
    assert "StandardDeviation" not in feature_names("firstorder")
    assert feature_names("firstorder", ["StandardDeviation"]) == ("StandardDeviation",)


def test_a_missing_tag_has_a_reason():
    for one in CATALOGUE:
        assert one.ibsi_tag or "not defined by IBSI" in one.departs


def test_unknown_names_list_the_known():
    with pytest.raises(UsageError, match=r"'glcmx'.*ngtdm"):
        feature_names("glcmx")
    with pytest.raises(UsageError, match=r"'Homogeneity'.*InverseVariance"):
        feature("glcm", "Homogeneity")


def test_tags_are_in_the_reference_values(real_data):
    import csv

    with (real_data / "ibsi" / "ibsi1_reference_values.csv").open(encoding="utf-8") as file:
        tags = {row["tag"] for row in csv.DictReader(file)}
    for one in CATALOGUE:
        stem = one.ibsi_tag
        assert not stem or {stem, f"{stem}_3D", f"{stem}_3D_avg"} & tags, one
