"""What a PyRadiomics parameter file means, and how it is refused."""

from __future__ import annotations

import pytest

from radstudy.errors import StudyFileError
from radstudy.features.names import explain_count, image_names
from radstudy.features.settings import ExtractionSettings, ImageType

YAML = """\
# A parameter file as PyRadiomics' users write it
imageType:
  Original: {}
  LoG:
    sigma: [1.0, 3]
    binWidth: 10
  Wavelet: {}
featureClass:
  shape:
  firstorder: []
  glcm:
    - Contrast
    - Idm
setting:
  binWidth: 25
  interpolator: 'sitkBSpline'
  resampledPixelSpacing: [1, 1, 0]
  label: 2
  additionalInfo: true
"""


def test_reads_a_parameter_file_unchanged(tmp_path):
    file = tmp_path / "Params.yaml"
    file.write_text(YAML, encoding="utf-8")
    settings = ExtractionSettings.from_pyradiomics(file)
    assert settings.bin_width == 25.0
    assert settings.resampled_spacing_mm == (1.0, 1.0, 0.0)
    assert settings.label == 2
    assert settings.feature_classes[2] == ("glcm", ("Contrast", "Idm"))
    assert settings.image_types[1] == ImageType("LoG", (("sigma", (1.0, 3)), ("binWidth", 10.0)))
    assert settings.for_image_type(settings.image_types[1]).bin_width == 10.0
    assert image_names(settings)[:3] == ["original", "log-sigma-1-0-mm-3D", "log-sigma-3-mm-3D"]
    assert explain_count(settings) == "14 shape + 11 images x 20 (firstorder 18, glcm 2) = 234 features"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("setting:\n  binwidth: 25\n", 2, "did you mean binWidth"),
        ("settings:\n  binWidth: 25\n", 1, "did you mean setting"),
        ("imageType:\n  Log:\n    sigma: [1]\n", 2, "did you mean LoG"),
        ("imageType:\n  LBP3D:\n    lbp3DLevels: 0\n", 3, "from 1 to 20"),
        ("imageType:\n  LBP2D:\n    lbp2DMethod: riu2\n", 3, "one of uniform, default, ror, nri_uniform, var"),
        ("imageType:\n  Wavelet:\n    wavelet: dmey\n", 3, "expected one of haar"),
        ("imageType:\n  LoG:\n    padDistance: 4\n", 3, "move it to the section setting"),
        ("featureClass:\n  glcm: [Contrst]\n", 2, "did you mean Contrast"),
        ("featureClass:\n  glcm: [Homogeneity1]\n", 2, "equal to Id"),
        ("featureClass:\n  shape2D: [Flatness]\n", 2, "did you mean"),
        ("featureClass:\n  glcm: Contrast\n", 2, "a list of features"),
        ("setting:\n  binWidth: -1\n", 2, "a number above 0"),
        ("setting:\n  binWidth: wide\n", 2, "a number"),
        ("setting:\n  force2D: 1\n", 2, "true or false"),
        ("setting:\n  resampledPixelSpacing: [1]\n", 2, "a list of 2 to 3 values"),
        ("setting:\n  interpolator: sitkGaussian\n", 2, "one of sitkBSpline"),
        ("setting:\n  label_channel: 0\n", 2, "not supported"),
        ("setting:\n  minimumROIDimensions: 4\n", 2, "from 1 to 3"),
        ("voxelSetting:\n  kernelRadius: 0\n", 2, "1 or more"),
        ("voxelSetting:\n  maskedKernel: 2\n", 2, "true or false"),
        ("voxelSetting:\n  initValue: none\n", 2, "a number, or nan"),
        ("setting: 5\n", 1, "must contain names with values"),
    ],
)
def test_refuses_by_name_and_line(tmp_path, text, line, says):
    file = tmp_path / "Params.yaml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(StudyFileError) as refused:
        ExtractionSettings.from_pyradiomics(file)
    assert f"line {line}:" in str(refused.value)
    assert says in str(refused.value)


def test_reads_local_binary_patterns_and_the_shape_of_one_plane():
    layout = {"imageType": {"Original": {}, "LBP2D": {"lbp2DRadius": 2, "binWidth": 1}, "LBP3D": {"lbp3DLevels": 3}},
              "featureClass": {"shape2D": None, "firstorder": ["Mean"]}}  # fmt: skip
    settings = ExtractionSettings.from_pyradiomics(layout)
    assert image_names(settings) == ["original", "lbp-2D", "lbp-3D-m1", "lbp-3D-m2", "lbp-3D-m3", "lbp-3D-k"]
    assert explain_count(settings) == "9 shape2D + 6 images x 1 (firstorder 1) = 15 features"
    assert settings.for_image_type(settings.image_types[1]).lbp_2d_radius == 2.0
    assert ExtractionSettings.from_dict(settings.as_dict()) == settings


def test_two_spacings_are_those_of_an_image_of_two_axes():
    settings = ExtractionSettings.from_pyradiomics({"setting": {"resampledPixelSpacing": [0.5, 0.4]}})
    assert settings.resampled_spacing_mm == (0.5, 0.4, 0.0)


def test_settings_that_came_later_leave_older_keys_alone():
    assert not [name for name in ExtractionSettings().as_dict()["setting"] if name.startswith("lbp")]
    other = ExtractionSettings.from_pyradiomics({"setting": {"lbp2DSamples": 9}})
    assert other.as_dict()["setting"]["lbp2DSamples"] == 9
    assert other.key() != ExtractionSettings().key()


def test_refuses_what_is_no_parameter_file(tmp_path):
    file = tmp_path / "Params.yaml"
    with pytest.raises(StudyFileError, match="cannot be read"):
        ExtractionSettings.from_pyradiomics(file)
    file.write_text("a: [1, 2", encoding="utf-8")
    with pytest.raises(StudyFileError, match="this is not YAML"):
        ExtractionSettings.from_pyradiomics(file)
    file.write_text("- 1\n", encoding="utf-8")
    with pytest.raises(StudyFileError, match="expected the keys"):
        ExtractionSettings.from_pyradiomics(file)
    file.write_text("", encoding="utf-8")
    assert ExtractionSettings.from_pyradiomics(file) == ExtractionSettings()


def test_a_name_given_twice(tmp_path):
    file = tmp_path / "Params.yaml"
    file.write_text("featureClass:\n  shape:\n  # all\n  shape:\n  glcm: [Id]\n", encoding="utf-8")
    assert ExtractionSettings.from_pyradiomics(file).feature_classes[1] == ("glcm", ("Id",))
    file.write_text("setting:\n  binWidth: 25\n  binWidth: 5\n", encoding="utf-8")
    with pytest.raises(StudyFileError, match="line 3: binWidth is given twice"):
        ExtractionSettings.from_pyradiomics(file)


@pytest.mark.parametrize("written", ["initValue: nan", "initValue: .nan", "maskedKernel: false", "initValue: 0"])
def test_what_only_maps_depend_on_is_no_reason_to_refuse_an_extraction(tmp_path, written):
    """`initValue: nan` is PyRadiomics' own example of a voxel-based extraction."""
    file = tmp_path / "Params.yaml"
    file.write_text(f"voxelSetting:\n  kernelRadius: 2\n  {written}\n", encoding="utf-8")
    assert ExtractionSettings.from_pyradiomics(file).kernel_radius == 2
