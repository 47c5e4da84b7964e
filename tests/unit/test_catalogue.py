from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest
from pydicom.sr.codedict import codes

from radstudy.catalogue import BY_HAND, CATALOGUE, FAMILIES, IBSI, PYRADIOMICS, feature, feature_names
from radstudy.errors import UsageError
from radstudy.features.kernels import formulas


def test_counts_are_pyradiomics():
    counts = {family: len(feature_names(family)) for family in FAMILIES}
    assert counts == {"shape": 14, "shape2D": 9, "firstorder": 18, "glcm": 24, "glrlm": 16, "glszm": 16, "gldm": 14,
                      "ngtdm": 5}  # fmt: skip


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


TESTS = Path(__file__).parents[1]
SLOTS = {
    "glcm": formulas.GLCM_SLOTS,
    "glrlm": formulas.SIZE_SLOTS,
    "glszm": formulas.SIZE_SLOTS,
    "gldm": formulas.SIZE_SLOTS,
    "ngtdm": formulas.NGTDM_SLOTS,
}
UNNAMED = {"gldm": {"GreyNonUniformityNormalised", "Percentage"}}  # values for which PyRadiomics has no name


@pytest.mark.parametrize("family", SLOTS)
def test_every_value_of_a_kernel_has_one_feature_and_no_other(family):
    named = [one.slot for one in CATALOGUE if one.family == family and one.slot]
    assert len(set(named)) == len(named)
    assert set(named) == set(SLOTS[family]) - UNNAMED.get(family, set())
    assert {one.name for one in CATALOGUE if one.family == family and not one.slot} <= {"MCC"}


@pytest.mark.parametrize("family", ["shape", "shape2D", "firstorder"])
def test_only_textures_have_a_slot(family):
    assert not [one.slot for one in CATALOGUE if one.family == family and one.slot]


@pytest.mark.parametrize("slots", [formulas.GLCM_SLOTS, formulas.SIZE_SLOTS, formulas.NGTDM_SLOTS])
def test_every_slot_has_a_constant_of_its_place(slots):
    text = Path(formulas.__file__).read_text("utf-8")
    name = next(name for name in ("GLCM_SLOTS", "SIZE_SLOTS", "NGTDM_SLOTS") if getattr(formulas, name) is slots)
    constants = dict(re.findall(rf'^(\w+) = {name}\.index\("(\w+)"\)$', text, re.M))
    assert sorted(constants.values()) == sorted(slots)
    assert all(getattr(formulas, constant) == slots.index(slot) for constant, slot in constants.items())


def _listed(path, *columns):
    with path.open(encoding="utf-8") as file:
        return {tuple(row[column] for column in columns) for row in csv.DictReader(file)}


def test_every_feature_is_in_the_reference_that_it_names(real_data):
    ours = _listed(TESTS / "oracle" / "pyradiomics_classes.csv", "family", "feature")
    tags = {tag for (tag,) in _listed(real_data / "ibsi" / "ibsi1_reference_values.csv", "tag")}
    by_hand = TESTS / "unit" / "features" / "by_hand.csv"
    computed = _listed(by_hand, "family", "feature") if by_hand.exists() else set()
    for one in CATALOGUE:
        stem = one.ibsi_tag
        found = {
            PYRADIOMICS: (one.family, one.name) in ours,
            IBSI: bool(stem and {stem, f"{stem}_3D", f"{stem}_3D_avg"} & tags),
            BY_HAND: (one.family, one.name) in computed,
        }
        assert found[one.reference], f"{one.family} {one.name} is not in its reference, {one.reference}"


def test_tags_are_in_the_reference_values(real_data):
    with (real_data / "ibsi" / "ibsi1_reference_values.csv").open(encoding="utf-8") as file:
        tags = {row["tag"] for row in csv.DictReader(file)}
    for one in CATALOGUE:
        stem = one.ibsi_tag
        assert not stem or {stem, f"{stem}_3D", f"{stem}_3D_avg"} & tags, one


NAMED_OTHERWISE = {  # in PyRadiomics than in DICOM
    "Id": "InverseDifference", "Idm": "InverseDifferenceMoment", "Idn": "NormalizedInverseDifference",
    "Idmn": "NormalizedInverseDifferenceMoment", "Imc1": "FirstMeasureInformationCorrelation",
    "Imc2": "SecondMeasureInformationCorrelation", "JointEnergy": "AngularSecondMoment",
    "MaximumProbability": "JointMaximum", "SumSquares": "JointVariance", "Entropy": "IntensityHistogramEntropy",
    "Uniformity": "IntensityHistogramUniformity", "VoxelVolume": "VolumeVoxelSummation",
    "Maximum3DDiameter": "Maximum 3D Diameter", "RunVariance": "RunLengthVariance",
    "ZoneEntropy": "ZoneSizeEntropy", "ZoneVariance": "ZoneSizeVariance", "ZonePercentage": "SizeZonePercentage",
    "LargeDependence": "HighDependence", "SmallDependence": "LowDependence",
    "LargeArea": "LargeZone", "SmallArea": "SmallZone",
}  # fmt: skip


def _words(text):
    spaced = re.sub(r"([a-z])([A-Z0-9])", r"\1 \2", text).lower()
    for ours, dicoms in (("gray", "grey"), ("non uniformity", "nonuniformity"), ("non-uniformity", "nonuniformity")):
        spaced = spaced.replace(ours, dicoms)
    return {word.rstrip("s") for word in re.findall("[a-z0-9]+", spaced)}


def test_codes_are_those_of_dicom():
    """By pydicom, which has DICOM's coding scheme IBSI; statistics of the intensities are not in it."""
    meanings = {one.value: one.meaning for name in codes.IBSI.dir() if (one := getattr(codes.IBSI, name))}
    tagged = [one for one in CATALOGUE if one.ibsi_tag]
    assert len({one.ibsi_code for one in tagged}) == len(tagged) == 105
    assert all(re.fullmatch("[0-9A-Z]{4}", one.ibsi_code) for one in tagged)
    known = [one for one in tagged if one.ibsi_code in meanings]
    assert len(known) == 90
    for one in known:
        name = NAMED_OTHERWISE.get(one.name, one.name)
        for start in ("LargeDependence", "SmallDependence", "LargeArea", "SmallArea"):
            name = name.replace(start, NAMED_OTHERWISE[start])
        meaning = meanings[one.ibsi_code]
        assert _words(name) <= _words(meaning), (one.name, meaning)
        family = {"glcm": "glcm", "ngtdm": "ngtdm", "glrlm": "run", "glszm": "zone"}.get(one.family)
        assert family is None or family in _words(meaning), (one.name, meaning)
