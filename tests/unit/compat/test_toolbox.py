"""The names around the class: functions, feature classes, image operations, and what is not there."""

import logging
import subprocess
import sys

import numpy as np
import pytest
import SimpleITK as sitk

import radstudy.compat as radiomics
from oracle.compat_cases import given
from radstudy.compat import RadiomicsFeatureExtractor, firstorder, getFeatureClasses, imageoperations, shape
from radstudy.compat.images import UnusableLesionError
from radstudy.compat.settings import UnusableSettingsError


@pytest.mark.parametrize("name", ["getParameterValidationFiles", "cMatrices", "progressReporter"])
def test_a_name_without_counterpart_says_so(name):
    with pytest.raises(AttributeError, match=f"radiomics.{name} has no counterpart in radstudy.compat: "):
        getattr(radiomics, name)


def test_an_unknown_name_is_an_import_error():
    with pytest.raises(ImportError, match="cannot import name 'texture'"):
        from radstudy.compat import texture  # noqa: F401


def test_the_version_is_pyradiomics_and_ours():
    from packaging.version import Version

    assert Version(radiomics.__version__) >= Version("3.0.1")
    assert "radstudy" in radiomics.__version__


def test_verbosity_is_that_of_the_handler():
    before = radiomics.handler.level
    radiomics.setVerbosity(60)
    assert radiomics.handler.level == 60
    radiomics.setVerbosity(5)
    assert radiomics.handler.level == radiomics.logger.level == logging.DEBUG
    radiomics.setVerbosity(before)
    radiomics.logger.setLevel(logging.INFO)


def test_the_logger_is_the_one_that_scripts_name():
    assert radiomics.logger is logging.getLogger("radiomics")
    assert radiomics.logger.handlers[0] is radiomics.handler


def test_a_test_case_is_looked_for_and_not_downloaded(tmp_path):
    with pytest.raises(ValueError, match="choose from brain1"):
        radiomics.getTestCase("head1")
    with pytest.raises(FileNotFoundError, match="radstudy downloads nothing"):
        radiomics.getTestCase("brain1", tmp_path)
    for name in ("brain1_image.nrrd", "brain1_label.nrrd", "brain1_label_2D.nrrd"):
        (tmp_path / name).touch()
    assert radiomics.getTestCase("Brain1_2D", tmp_path)[1] == str(tmp_path / "brain1_label_2D.nrrd")


def test_nothing_is_compiled_when_it_is_imported():
    code = "import sys, radstudy.compat; print('numba' in sys.modules, 'SimpleITK' in sys.modules)"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert answer.stdout.split() == ["False", "False"]


def test_a_feature_class_gives_the_values_of_the_extractor():
    image, mask = given()
    whole = RadiomicsFeatureExtractor(label=2).execute(image, mask)
    features = firstorder.RadiomicsFirstOrder(image, mask, label=2)
    features.enableFeatureByName("Mean")
    assert features.execute() == features.featureValues == {"Mean": whole["original_firstorder_Mean"]}
    features.disableAllFeatures()
    assert len(features.execute()) == 18
    assert (
        shape.RadiomicsShape(image, mask, label=2).getVoxelVolumeFeatureValue() == (whole["original_shape_VoxelVolume"])
    )


def test_feature_classes_know_their_names():
    classes = getFeatureClasses()
    assert list(classes) == ["firstorder", "glcm", "gldm", "glrlm", "glszm", "ngtdm", "shape", "shape2D"]
    assert classes["glcm"].getFeatureNames()["Homogeneity1"] is True
    assert classes["glcm"].getFeatureNames()["Id"] is False
    for name, family in classes.items():
        for feature in family.getFeatureNames():
            assert getattr(family, f"get{feature}FeatureValue").__doc__, (name, feature)


def test_a_feature_class_refuses_what_it_has_not():
    image, mask = given()
    features = getFeatureClasses()["glcm"](image, mask)
    with pytest.raises(LookupError, match="glcm has no feature 'Mean'"):
        features.enableFeatureByName("Mean")
    with pytest.raises(DeprecationWarning, match="equal to Id"):
        features.getHomogeneity1FeatureValue()
    with pytest.raises(ValueError, match="image or mask is None"):
        getFeatureClasses()["glcm"](image, None)
    with pytest.raises(UnusableSettingsError, match="computes no maps"):
        getFeatureClasses()["glcm"](image, mask, voxelBased=True)


def test_a_mask_is_checked_and_cut():
    image, mask = given()
    box, corrected = imageoperations.checkMask(image, mask, label=2)
    assert (box.tolist(), corrected) == ([14, 19, 13, 17, 8, 10], None)
    part, label = imageoperations.cropToTumorMask(image, mask, box)
    assert part.GetSize() == label.GetSize() == (6, 5, 3)
    assert imageoperations.cropToTumorMask(image, mask, box, padDistance=5)[0].GetSize() == (13, 12, 9)
    with pytest.raises(UnusableLesionError, match="no voxel with label 8"):
        imageoperations.checkMask(image, mask, label=8)
    assert imageoperations.getMask(sitk.Compose(mask, mask), label=3).GetPixelID() == sitk.sitkUInt32


def test_a_mask_on_another_grid_is_corrected_if_asked():
    image, mask = given()
    cropped = mask[2:22, 1:18, 0:12]
    with pytest.raises(UnusableLesionError, match="different grids: the size is"):
        imageoperations.checkMask(image, cropped)
    _, corrected = imageoperations.checkMask(image, cropped, correctMask=True)
    assert np.array_equal(sitk.GetArrayFromImage(corrected) == 1, sitk.GetArrayFromImage(mask) == 1)


def test_two_axes_go_through_the_operations():
    image, mask = (one[:, :, 9] for one in given())
    box, _ = imageoperations.checkMask(image, mask, label=2)
    assert box.tolist() == [14, 19, 13, 17]
    assert imageoperations.cropToTumorMask(image, mask, box)[0].GetSize() == (6, 5)
    (image_there, name, _), *_ = imageoperations.getWaveletImage(image, mask)
    assert (image_there.GetDimension(), name) == (2, "wavelet-LH")
    resampled, _ = imageoperations.resampleImage(image, mask, label=2, resampledPixelSpacing=[1, 1])
    assert resampled.GetSpacing() == (1, 1)


def test_filters_give_the_images_that_features_see():
    image, mask = given(np.float64)
    extractor = RadiomicsFeatureExtractor(label=2, additionalInfo=False)
    extractor.disableAllFeatures()
    extractor.enableFeaturesByName(firstorder=["Mean"])
    extractor.disableAllImageTypes()
    extractor.enableImageTypes(LoG={"sigma": [1.0]}, Square={}, Gradient={})
    derived = [*imageoperations.getLoGImage(image, mask, sigma=[1.0, 90.0]), *imageoperations.getSquareImage(image),
               *imageoperations.getGradientImage(image, mask)]  # fmt: skip
    inside = sitk.GetArrayFromImage(mask) == 2
    means = {f"{name}_firstorder_Mean": sitk.GetArrayFromImage(one)[inside].mean() for one, name, _ in derived}
    got = {name: float(value) for name, value in extractor.execute(image, mask).items()}
    assert list(got) == list(means)
    assert got == pytest.approx(means, rel=1e-6)


def test_an_image_is_normalised_and_a_mask_resegmented():
    image, mask = given()
    normal = sitk.GetArrayFromImage(imageoperations.normalizeImage(image, normalizeScale=10))
    assert normal.mean() == pytest.approx(0, abs=1e-9)
    assert normal.std(ddof=1) == pytest.approx(10)
    kept = sitk.GetArrayFromImage(imageoperations.resegmentMask(image, mask, resegmentRange=[100, 200], label=1))
    voxels = sitk.GetArrayFromImage(image)
    expected = (sitk.GetArrayFromImage(mask) == 1) & (voxels >= 100) & (voxels <= 200)
    assert np.array_equal(kept == 1, expected)
    for operation, setting in ((imageoperations.resampleImage, "resampledPixelSpacing"),
                               (imageoperations.resegmentMask, "resegmentRange")):  # fmt: skip
        with pytest.raises(ValueError, match=f"{setting} is not given"):
            operation(image, mask)
