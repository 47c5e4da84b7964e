"""Names and counts of images and features."""

from __future__ import annotations

from radstudy.features.names import explain_count, feature_names, image_names
from radstudy.features.of_study import her2_ihc2plus
from radstudy.features.settings import ExtractionSettings


def test_wavelet_names():
    two = {"imageType": {"Wavelet": {"level": 2, "force2D": True}}}
    assert image_names(ExtractionSettings.from_dict(two)) == [
        "wavelet-LH", "wavelet-HL", "wavelet-HH", "wavelet2-LH", "wavelet2-HL", "wavelet2-HH", "wavelet2-LL",
    ]  # fmt: skip


def test_preset_is_the_reference_study():
    settings = her2_ihc2plus()
    counts = {family: len(chosen) for family, chosen in settings.feature_classes}
    assert counts == {"shape": 14, "firstorder": 18, "glcm": 22, "glrlm": 16, "glszm": 16, "gldm": 14}
    assert settings.key() == "0976f21339487cfe"  # of the first version: what its studies' features are keyed by
    names = feature_names(settings)
    assert len(names) == len(set(names)) == 1218
    assert names[0].startswith("original_shape_")
    assert "wavelet-LLH_firstorder_Mean" in names
    assert not [name for name in names if name.endswith(("_MCC", "_SumAverage"))]
    assert (settings.bin_width, settings.pad_distance, settings.interpolator) == (25.0, 5, "sitkBSpline")


def test_defaults_are_pyradiomics():
    settings = ExtractionSettings.from_pyradiomics({})
    assert image_names(settings) == ["original"]
    assert explain_count(settings) == (
        "14 shape + 1 image x 93 (firstorder 18, glcm 24, gldm 14, glrlm 16, glszm 16, ngtdm 5) = 107 features"
    )
    assert settings == ExtractionSettings()
