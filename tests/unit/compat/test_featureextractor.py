"""The drop-in class: its state, what it reads, and what it says. Values: tests/oracle/test_compat.py."""

import copy
import json
import logging
import pickle

import numpy as np
import pytest
import SimpleITK as sitk

from oracle.compat_cases import given
from radstudy.compat import RadiomicsFeatureExtractor, featureextractor
from radstudy.compat.images import UnusableLesionError
from radstudy.compat.settings import DEFAULTS, UnusableSettingsError
from radstudy.errors import CaseError, StudyFileError


def small(**settings):
    extractor = RadiomicsFeatureExtractor(label=2, additionalInfo=False, **settings)
    extractor.disableAllFeatures()
    extractor.enableFeaturesByName(firstorder=["Mean"])
    return extractor


def test_without_arguments_it_has_the_defaults_of_pyradiomics():
    extractor = RadiomicsFeatureExtractor()
    assert extractor.settings == DEFAULTS
    assert extractor.enabledImagetypes == {"Original": {}}
    assert list(extractor.enabledFeatures) == ["firstorder", "glcm", "gldm", "glrlm", "glszm", "ngtdm", "shape"]
    assert extractor.featureClassNames == [*extractor.enabledFeatures, "shape2D"]
    assert RadiomicsFeatureExtractor(None).settings == DEFAULTS


def test_one_extractor_does_not_change_the_next():
    one = RadiomicsFeatureExtractor()
    one.settings["distances"].append(2)
    one.enableImageTypeByName("LoG", customArgs={"sigma": [1.0]})
    assert RadiomicsFeatureExtractor().settings["distances"] == [1]
    assert RadiomicsFeatureExtractor().enabledImagetypes == {"Original": {}}


PARAMS = {"setting": {"binWidth": 7, "label_channel": 1}, "imageType": {"LoG": {"sigma": [2]}},
          "featureClass": {"glcm": ["Id"], "shape": None}, "voxelSetting": {"kernelRadius": 2}}  # fmt: skip


@pytest.mark.parametrize("how", ["dictionary", "yaml", "path", "json", "loadJSONParams"])
def test_parameters_are_read_from_whatever_holds_them(how, tmp_path):
    file = tmp_path / "params.yaml"
    file.write_text(json.dumps(PARAMS), encoding="utf-8")  # JSON is YAML
    extractor = RadiomicsFeatureExtractor(binCount=4)
    if how == "loadJSONParams":
        extractor.loadJSONParams(json.dumps(PARAMS))
    elif how == "json":
        extractor.loadParams(file)
    else:
        extractor = RadiomicsFeatureExtractor({"dictionary": PARAMS, "yaml": str(file), "path": file}[how])
    assert extractor.settings == {**DEFAULTS, "binWidth": 7, "label_channel": 1, "kernelRadius": 2}
    assert extractor.enabledImagetypes == {"LoG": {"sigma": [2]}}
    assert extractor.enabledFeatures == {"glcm": ["Id"], "shape": None}


def test_settings_given_by_name_override_those_of_the_parameters():
    assert RadiomicsFeatureExtractor(PARAMS, binWidth=9).settings["binWidth"] == 9


def test_a_parameter_file_that_cannot_be_used_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"nowhere\.yaml is not there"):
        RadiomicsFeatureExtractor("nowhere.yaml")
    file = tmp_path / "params.yaml"
    file.write_text("setting:\n  binWidth: 25\n  binwidth: 5\n", encoding="utf-8")
    with pytest.raises(UnusableSettingsError, match=r"params\.yaml, line 3: unknown setting 'binwidth'") as caught:
        RadiomicsFeatureExtractor(file)
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, StudyFileError)
    with pytest.raises(UnusableSettingsError, match="not JSON"):
        RadiomicsFeatureExtractor().loadJSONParams("{")


def test_image_types_and_classes_are_switched(caplog):
    extractor = RadiomicsFeatureExtractor()
    extractor.enableAllImageTypes()
    assert len(extractor.enabledImagetypes) == 10
    extractor.enableImageTypeByName("Original", enabled=False)
    extractor.enableImageTypeByName("Blur")
    assert next(iter(extractor.enabledImagetypes)) == "Exponential"
    extractor.disableAllImageTypes()
    extractor.enableImageTypes(Wavelet={"level": 2})
    assert extractor.enabledImagetypes == {"Wavelet": {"level": 2}}
    extractor.enableFeatureClassByName("ngtdm", enabled=False)
    extractor.enableFeatureClassByName("texture")
    extractor.enableAllFeatures()
    assert set(extractor.enabledFeatures) == set(extractor.featureClassNames)
    assert [one.args[0] for one in caplog.records] == ["Blur", "texture"]
    assert "is unknown and is ignored" in caplog.text


def test_a_setting_without_effect_is_said_once(caplog):
    extractor = small(verbose=True, binwidth=5)
    for _ in range(2):
        assert extractor.execute(*given())
    assert [one.getMessage().partition(" is not")[0] for one in caplog.records if one.levelno >= logging.WARNING] == [
        "verbose", "binwidth",
    ]  # fmt: skip
    assert "did you mean binWidth?" in caplog.text


def test_files_and_images_give_the_same(tmp_path):
    image, mask = given()
    files = tmp_path / "image.nii.gz", tmp_path / "mask.nrrd"
    sitk.WriteImage(image, files[0])
    sitk.WriteImage(mask, files[1])
    extractor = small()
    assert extractor.execute(str(files[0]), files[1]) == extractor.execute(image, mask)


def test_refusals_name_the_file_and_are_value_errors(tmp_path):
    image, mask = given()
    file = tmp_path / "mask.nrrd"
    sitk.WriteImage(mask, file)
    with pytest.raises(UnusableLesionError, match=r"file .*mask\.nrrd: the mask has no voxel with label 9") as caught:
        small().execute(image, file, label=9)
    assert isinstance(caught.value, CaseError)
    broken = tmp_path / "broken.nrrd"
    broken.write_bytes(b"NRRD")
    for bad, problem in ((broken, "cannot read the image"), (np.zeros((3, 3, 3)), "the image is a ndarray"),
                         (sitk.Compose(image, image), "2 components")):  # fmt: skip
        with pytest.raises(UnusableLesionError, match=problem):
            small().execute(bad, mask)


@pytest.mark.parametrize("label", [0, -1, 1.5, "1", True])
def test_a_label_is_a_whole_number_from_one(label):
    with pytest.raises(UnusableLesionError, match="give a whole number from 1"):
        small().execute(*given(), label=label)


def test_a_label_may_be_any_kind_of_whole_number():
    assert small().execute(*given(), label=np.int64(2)) == small().execute(*given(), label=2.0)


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"interpolator": "sitkGaussian", "resampledPixelSpacing": [1, 1, 1]}, "interpolator is 'sitkGaussian'"),
        ({"binWidth": 0}, "binWidth is 0"),
        ({"weightingNorm": "max"}, "weightingNorm is 'max'"),
    ],
)
def test_a_value_that_cannot_be_used_is_named(settings, problem):
    with pytest.raises(UnusableSettingsError, match=problem):
        small(**settings).execute(*given())


def test_an_interpolator_is_not_looked_at_without_resampling():
    assert small(interpolator="sitkGaussian").execute(*given())


def test_maps_with_neighbours_outside_the_lesion_are_refused():
    with pytest.raises(UnusableSettingsError, match="maskedKernel is False"):
        small(maskedKernel=False).execute(*given(), voxelBased=True)


def test_a_mask_that_fills_its_image_is_a_lesion():
    image, _ = given()
    whole = sitk.Cast(image * 0 + 1, sitk.sitkUInt8)
    mean = small().execute(image, whole, label=1)["original_firstorder_Mean"]
    assert float(mean) == pytest.approx(sitk.GetArrayFromImage(image).mean())


def test_it_can_be_copied_pickled_and_derived_from():
    class Wrapper(RadiomicsFeatureExtractor):
        def execute(self, image, mask, label=None):
            return dict(super().execute(image, mask, label=label))

    extractor = small()
    expected = extractor.execute(*given())
    assert pickle.loads(pickle.dumps(extractor)).execute(*given()) == expected
    assert copy.deepcopy(extractor).execute(*given()) == expected
    wrapper = Wrapper({"featureClass": {"firstorder": ["Mean"]}}, label=2, additionalInfo=False)
    assert wrapper.execute(*given()) == dict(expected)


def test_the_diagnostics_keep_the_settings_of_their_call():
    extractor = RadiomicsFeatureExtractor(label=2)
    extractor.disableAllFeatures()
    result = extractor.execute(*given())
    extractor.settings["binWidth"] = 1
    extractor.enableImageTypeByName("Square")
    assert "binWidth" not in result["diagnostics_Configuration_Settings"]
    assert result["diagnostics_Configuration_EnabledImageTypes"] == {"Original": {}}
    assert result["diagnostics_Versions_PyRadiomics"].endswith("(conventions of PyRadiomics 3.0.1)")


def test_features_of_an_image_as_it_is():
    image, mask = given()
    extractor = RadiomicsFeatureExtractor(binWidth=3)  # not used, as in PyRadiomics
    extractor.disableAllFeatures()
    extractor.enableFeaturesByName(firstorder=["Entropy"], shape=["VoxelVolume"])
    got = extractor.computeFeatures(image, mask, "mine", label=2, binWidth=25)
    whole = RadiomicsFeatureExtractor(label=2).execute(image, mask)
    assert dict(got) == {"mine_firstorder_Entropy": whole["original_firstorder_Entropy"]}
    volume = extractor.computeShape(image, mask, None, label=2)
    assert dict(volume) == {"original_shape_VoxelVolume": whole["original_shape_VoxelVolume"]}


def test_images_as_features_see_them():
    image, mask = RadiomicsFeatureExtractor.loadImage(*given(), label=2, resampledPixelSpacing=[1, 1, 1])
    assert image.GetSpacing() == mask.GetSpacing() == (1, 1, 1)
    assert image.GetPixelID() == sitk.sitkInt16
    assert np.unique(sitk.GetArrayFromImage(mask)).tolist() == [0, 2]
    with pytest.raises(TypeError, match="generalInfo"):
        RadiomicsFeatureExtractor.loadImage(*given(), object())


def test_the_names_of_its_module():
    assert featureextractor.getFeatureClasses()["glcm"].family == "glcm"
    with pytest.raises(AttributeError, match="PyRadiomics 2"):
        _ = featureextractor.RadiomicsFeaturesExtractor
