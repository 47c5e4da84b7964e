from __future__ import annotations

import pytest

from radstudy.errors import StudyFileError
from radstudy.features.ibsi.settings import CONFIGURATIONS, IbsiSettings, ibsi_settings


def test_a_name_a_dictionary_and_settings_are_the_same_thing():
    fields = {"spacing_mm": [2, 2, 2], "round_intensities": True, "resegment_sigma": 3.0, "bin_count": 32}
    assert ibsi_settings(fields) == ibsi_settings("D") == ibsi_settings("config_D") == CONFIGURATIONS["D"]
    assert ibsi_settings(CONFIGURATIONS["D"]) is CONFIGURATIONS["D"]


def test_textures_follow_the_slices_unless_told_otherwise():
    assert IbsiSettings(by_slice=True).dimensions == ("2D", "2.5D")
    assert IbsiSettings().dimensions == ("3D",)
    assert IbsiSettings(by_slice=True, dimensions=("3D",)).dimensions == ("3D",)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"bins": 3}, "no field 'bins'.*bin_count"),
        ({"bin_count": 32, "bin_width": 25}, "not both"),
        ({"bin_width": 0}, "bin_width is 0"),
        ({"ivh_bin_width": 1, "ivh_bin_count": 10}, "not both"),
        ({"interpolation": "spline"}, "'spline'.*cubic"),
        ({"spacing_mm": (1, 1)}, "mm along x, y and z"),
        ({"mask_threshold": 0}, "mask_threshold is 0"),
        ({"resegment_range": (400, -1000)}, "lowest, highest"),
        ({"dimensions": ("4D",)}, "'4D'.*2.5D"),
    ],
)
def test_what_cannot_be_used_is_named(fields, message):
    with pytest.raises(StudyFileError, match=message):
        ibsi_settings(fields)


def test_an_unknown_configuration_lists_the_known():
    with pytest.raises(StudyFileError, match=r"'F'.*digital_phantom"):
        ibsi_settings("F")
