"""The methods text and the table of choices tell the settings that the features were computed with."""

import pytest

from radstudy.features.names import explain_count
from radstudy.features.of_study import settings_of_study
from radstudy.features.settings import ExtractionSettings
from radstudy.protocol.sections import Extract
from radstudy.report.sections import _all_settings
from radstudy.report.tables import TABLES
from radstudy.report.text.methods import methods

FILE = {
    "setting": {
        "resampledPixelSpacing": [3, 3, 0], "interpolator": "sitkLinear", "padDistance": 10, "binWidth": 5,
        "normalize": True, "normalizeScale": 100, "removeOutliers": 3, "sigma": [2], "force2D": True,
        "distances": [1, 2], "label": 7,
    },
    "imageType": {"Original": {}, "LoG": {"binWidth": 10}, "Wavelet": {"wavelet": "haar"}, "Square": {}},
    "featureClass": {"firstorder": ["Mean", "Median"], "glcm": ["Contrast"]},
}  # fmt: skip


def studied(facts, section, settings):
    extract = Extract.model_validate(section)
    object.__setattr__(facts, "protocol", facts.protocol.model_copy(update={"extract": extract}))
    facts.documents["extract/summary.json"] = {"explained": explain_count(settings), "settings": settings.as_dict()}
    return facts


def text_of(facts):
    return " ".join(part.text for part in methods(facts))


def test_the_settings_of_a_parameter_file_are_told(facts):
    text = text_of(studied(facts, {"params": "p.yaml"}, ExtractionSettings.from_dict(FILE)))
    assert (
        "For the extraction every image was normalised (z-score over the whole volume, values beyond 3 standard "
        "deviations set to that limit) and multiplied by 100. By the PyRadiomics parameter file 'p.yaml': lesions were "
        "resampled to 3 x 3 x the acquired mm (image by linear interpolation, mask by nearest neighbour), cropped with "
        "a margin of 10 voxels (Laplacian-of-Gaussian values depend on it) and discretised into bins of width 5. "
        "Features (7 images x 3 (firstorder 2, glcm 1) = 21 features), defined and named as in PyRadiomics 3.0.1, were "
        "computed on the original image, Laplacian-of-Gaussian images (sigma 2 mm) (bins of width 10), the 4 sub-bands "
        "of a stationary wavelet transform (haar) and its square. These other settings of PyRadiomics differed from "
        "its defaults: force2D true and distances [1, 2]. A lesion needed at least 8 voxels as drawn and 27 after "
        "resampling."
    ) in text


def test_those_of_the_study_file_are_told_as_ever(facts, tmp_path):
    section = {"spacing_mm": [1, 1, 1], "images": {"log_sigma_mm": [1, 2.5], "wavelet": "coif1"}}
    text = text_of(studied(facts, section, settings_of_study(Extract.model_validate(section), tmp_path)))
    assert (
        "Lesions were resampled to 1 x 1 x 1 mm (image by B-spline, mask by nearest neighbour), cropped with a margin "
        "of 5 voxels (Laplacian-of-Gaussian values depend on it) and discretised into bins of width 25. Features ("
    ) in text
    assert (
        "defined and named as in PyRadiomics 3.0.1, were computed on the original image, Laplacian-of-Gaussian images "
        "(sigma 1 and 2.5 mm) and the eight sub-bands of a stationary wavelet transform (coif1). A lesion needed at "
        "least 8 voxels as drawn and 27 after resampling."
    ) in text


def test_an_image_that_is_not_resampled_is_filtered_whole(facts, tmp_path):
    section = {"spacing_mm": None, "bin_width": None, "bin_count": 32}
    text = text_of(studied(facts, section, settings_of_study(Extract.model_validate(section), tmp_path)))
    assert "Lesions were not resampled, filtered within the whole image and discretised into 32 bins." in text


@pytest.mark.parametrize("bins", [{"binWidth": 5}, {"binCount": 16}])
def test_the_choices_of_a_parameter_file_have_its_values(facts, bins):
    file = {**FILE, "setting": {**FILE["setting"], **bins}}
    table = TABLES["choices"](studied(facts, {"params": "p.yaml"}, ExtractionSettings.from_dict(file))).frame
    told = table[table["step"] == "extract"].set_index("setting")
    values = told.loc[told["set_by"] == "parameter file", "value"].to_dict()
    bin_width = {"extract.bin_width": "5"} if "binWidth" in bins else {"extract.bin_count": "16"}
    assert values == {
        "extract.spacing_mm": "3, 3, 0", "extract.pad_voxels": "10", "extract.images.log_sigma_mm": "2",
        "extract.images.wavelet": "haar", "extract.features": "firstorder 2, glcm 1", **bin_width,
    }  # fmt: skip
    assert told.loc["extract.minimum_voxels", "set_by"] == "program's default"


def test_all_settings_of_the_page_hold_the_content_of_the_file(facts):
    settings = ExtractionSettings.from_dict(FILE)
    told = _all_settings(studied(facts, {"params": "p.yaml"}, settings))
    assert told["content of p.yaml"] == settings.as_dict()
    assert not [name for name in _all_settings(studied(facts, {}, settings)) if name.startswith("content")]


def test_every_image_type_has_words(facts):
    types = {"Original": {}, "Gradient": {}, "LBP2D": {"lbp2DRadius": 2, "binWidth": 1}, "LBP3D": {}}
    settings = ExtractionSettings.from_dict({"imageType": types, "featureClass": {"firstorder": ["Mean"]}})
    text = text_of(studied(facts, {"params": "p.yaml"}, settings))
    assert (
        "the magnitude of its gradient, its local binary pattern within slices (bins of width 1) and its local" in text
    )
    assert "differed from its defaults: lbp2DRadius of LBP2D 2.0" in text
