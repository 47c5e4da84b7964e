"""A study whose extraction is a PyRadiomics parameter file: every step reads the file's settings, not the section's."""

import json

import numpy as np
import pandas as pd
import pytest

from radstudy.errors import StudyFileError
from radstudy.formats.raster import write_raster
from radstudy.protocol.load import parse_protocol
from radstudy.signature.document import read_signature
from radstudy.signature.predict import predict_patient
from radstudy.steps.run import read_failures
from radstudy.study import run

STUDY = """
study: settings of a file
cohort:
  table: cohort.csv
  patient: id
  outcome: {column: y, positive: "1"}
  split: {column: set}
  images: "{patient}.nii.gz"
  masks: "{patient}_mask.nii.gz"
  readers: [a]
sequences: [T2]
prepare: []
EXTRACT
agree: {icc: null}
model:
  select: [{impute: median}, {standardise: zscore}, {boosted_trees: {keep: 2, trees: 5}}]
  models: {T2: [T2]}
evaluate: {chance: null, resampling: null, baselines: null}
"""
BY_FILE = "extract: {params: params.yaml}"
FEATURES = "featureClass: {firstorder: [Mean, Median, Variance]}\n"
SPACING = 0.5
PATIENTS = 12


@pytest.fixture
def folder(tmp_path):
    """Voxels of 0.5 mm, grey levels 0 to 400, lesions of 5 x 5 x 5 voxels: 8 to 27 at 1 mm, too few for the default."""
    rows = []
    for number in range(PATIENTS):
        rng = np.random.default_rng(number)
        voxels = rng.integers(0, 400, (24, 22, 20)).astype(np.int16)
        mask = np.zeros(voxels.shape, dtype=np.uint8)
        mask[9:14, 8:13, 7:12] = 1
        voxels[mask > 0] += np.int16(60 * (number % 2))
        affine = np.diag([SPACING] * 3 + [1.0])
        write_raster(tmp_path / f"P{number}.nii.gz", voxels, affine)
        write_raster(tmp_path / f"P{number}_mask.nii.gz", mask, affine)
        rows.append((f"P{number}", number % 2, "training" if number < 8 else "testing"))
    pd.DataFrame(rows, columns=["id", "y", "set"]).to_csv(tmp_path / "cohort.csv", index=False)
    return tmp_path


def made(folder, params, *, extract=BY_FILE, until="extract"):
    (folder / "params.yaml").write_text(params + FEATURES, encoding="utf-8")
    said = []
    run(parse_protocol(STUDY.replace("EXTRACT", extract)), data=folder, out=folder / "run", until=until, jobs=1,
        say=said.append)  # fmt: skip
    return said


def lesions(folder, step="prepare"):
    return pd.read_csv(folder / "run" / step / "lesions.csv", keep_default_na=False)


def test_lesions_are_not_refused_for_a_spacing_that_nothing_is_extracted_with(folder):
    made(folder, "imageType: {Original: {}}\n")  # not resampled: 125 voxels stay 125
    checked = lesions(folder)
    assert len(checked) == PATIENTS
    assert set(checked["resampled_voxels"]) == {125}
    assert read_failures(folder / "run" / "prepare" / "failures.csv") == []


def test_lesions_are_refused_for_the_spacing_of_the_file(folder):
    small = "imageType: {Original: {}}\nsetting: {resampledPixelSpacing: [2, 2, 2]}\n"
    with pytest.raises(Exception, match="no lesion can be used"):
        made(
            folder, small, extract="extract: {params: params.yaml, minimum_voxels: 20, spacing_mm: [0.25, 0.25, 0.25]}"
        )
    problems = {failure.problem for failure in read_failures(folder / "run" / "prepare" / "failures.csv")}
    assert problems == {"the lesion's 125 voxels become 1 after resampling, fewer than 20"}


RESAMPLED = """
setting: {resampledPixelSpacing: [1, 0, 1], binWidth: 200, sigma: [0.4, 3]}
imageType: {Original: {binWidth: 50}, LoG: {}}
"""


def test_numbers_and_warnings_are_of_the_files_settings(folder):
    """A 0 keeps an axis; the bins are the original image's; sigmas stand in `setting` as well as in `imageType`."""
    made(folder, RESAMPLED, extract="extract: {params: params.yaml, minimum_voxels: 8}")
    checked, extracted = lesions(folder), lesions(folder, "extract")
    for column in ("resampled_voxels", "volume_change_percent"):
        assert checked[column].tolist() == extracted[column].tolist()
    assert set(checked["resampled_voxels"]) <= {5 * n for n in (4, 6, 9)}
    assert set(checked["bins"].astype(float)) <= {8, 9, 10}  # of 50 over 0 to 460, not of 200, nor of 25
    assert checked["warnings"].str.contains("LoG sigma 0.4 mm is below the native spacing (0.50 mm)", regex=False).all()


@pytest.mark.parametrize(
    "params",
    [
        "setting: {resampledPixelSpacing: [1, 1, 1], interpolator: null}\nimageType: {Original: {}}\n",
        "setting: {resampledPixelSpacing: null}\nimageType: {Original: {}}\n",
    ],
)
def test_without_spacing_or_interpolator_nothing_is_resampled(folder, params):
    made(folder, params)
    assert set(lesions(folder)["resampled_voxels"]) == set(lesions(folder, "extract")["resampled_voxels"]) == {125}


@pytest.mark.parametrize(
    "setting", ["binCount: 16", "normalize: true, normalizeScale: 100", "resegmentRange: [100, 300]"]
)
def test_bins_are_not_told_where_the_prepared_image_does_not_have_them(folder, setting):
    made(folder, f"setting: {{{setting}}}\nimageType: {{Original: {{}}}}\n")
    checked = lesions(folder)
    assert set(checked["bins"]) == {""}
    assert not checked["warnings"].str.contains("bins").any()


def test_the_check_is_made_again_where_the_content_of_the_file_changes(folder):
    made(folder, "setting: {binWidth: 25}\nimageType: {Original: {}}\n")
    again = made(folder, "setting: {binWidth: 25}\nimageType: {Original: {}}\n# a remark\n")
    assert "prepare: already done" in again
    changed = made(folder, "setting: {binWidth: 5}\nimageType: {Original: {}}\n")
    assert "prepare: already done" not in changed
    assert (lesions(folder)["bins"].astype(float) > 60).all()


def test_the_key_of_a_study_without_a_file_holds_what_it_always_held(folder):
    made(folder, "", extract="extract: {spacing_mm: null, features: {firstorder: [Mean]}}", until="prepare")
    record = json.loads((folder / "run" / "prepare" / "provenance.json").read_text(encoding="utf-8"))
    assert record["settings"]["extract"] == {
        "spacing_mm": None, "bin_width": 25.0, "bin_count": None, "pad_voxels": 5,
        "images": {"original": True, "log_sigma_mm": [1.0, 2.0, 3.0, 4.0, 5.0], "wavelet": "coif1"},
        "features": {"firstorder": ["Mean"]}, "params": None, "minimum_native_voxels": 8, "minimum_voxels": 27,
    }  # fmt: skip


def test_a_file_that_cannot_be_used_is_said_before_any_work(folder):
    with pytest.raises(StudyFileError, match=r"params\.yaml, line 1.*binWidth"):
        made(folder, "setting: {binWidth: -1}\n", until="cohort")
    assert not (folder / "run" / "cohort").exists()


def test_predict_gives_the_runs_own_probability(folder):
    made(folder, RESAMPLED, extract="extract: {params: params.yaml, minimum_voxels: 8}", until="model")
    (folder / "params.yaml").unlink()
    signature = read_signature(folder / "run" / "signature.json")
    own = pd.read_csv(folder / "run" / "model" / "predictions.csv").set_index("patient")["probability"]
    for number in (0, 9, 10):
        found = predict_patient(
            signature, images={"T2": folder / f"P{number}.nii.gz"}, masks={"T2": folder / f"P{number}_mask.nii.gz"},
            clinical={}, outside_range=True,
        )  # fmt: skip
        assert found.probability == pytest.approx(own[f"P{number}"], rel=1e-13)
        assert any("LoG sigma 0.4 mm" in warning for warning in found.warnings)
