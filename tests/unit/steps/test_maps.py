"""The maps of the step extract: their files, what is computed again and what is not, and what is refused."""

import re

import numpy as np
import pandas as pd
import pytest

from radstudy.errors import CohortError, StudyFileError
from radstudy.features.maps import feature_map
from radstudy.formats.raster import write_raster
from radstudy.protocol.load import parse_protocol
from radstudy.steps import extract as extract_step
from radstudy.steps import maps as maps_step
from radstudy.steps.cohort import do_cohort
from radstudy.steps.extract import do_extract
from radstudy.steps.prepare import do_prepare
from radstudy.steps.run import Run

STUDY = """
study: maps
cohort:
  table: cohort.csv
  patient: id
  outcome: {column: y, positive: "1"}
  split: {column: set}
  images: "{patient}.nii.gz"
  masks: "{patient}_{reader}.nii.gz"
  readers: [a, b]
sequences: [T2]
prepare: []
extract:
  spacing_mm: [2, 2, 2]
  images: {original: true, log_sigma_mm: [], wavelet: null}
  features: {firstorder: [Mean]}
  MAPS
agree: {icc: null}
model: {select: [{impute: median}, {standardise: zscore}], models: {T2: [T2]}}
"""
MEAN, ENTROPY = "original_firstorder_Mean", "original_glcm_JointEntropy"
SETTINGS = {
    "setting": {"resampledPixelSpacing": [2, 2, 2], "interpolator": "sitkBSpline", "padDistance": 5},
    "imageType": {"Original": {}},
}


@pytest.fixture
def cohort(tmp_path):
    """Four patients, read twice."""
    rows = []
    for number in range(4):
        rng = np.random.default_rng(number)
        mask = np.zeros((20, 18, 12), dtype=np.uint8)
        mask[5:15, 4:12, 3:9] = 1
        affine = np.diag([-1.5, -1.5, 2.0, 1.0])
        write_raster(tmp_path / f"P{number}.nii.gz", rng.integers(0, 400, mask.shape).astype(np.int16), affine)
        for reader in "ab":
            mask[5, 4, 3], mask[14, 4, 3 : 3 + number] = reader == "a", 0  # nobody has another's mask
            write_raster(tmp_path / f"P{number}_{reader}.nii.gz", mask, affine)
        rows.append((f"P{number}", number % 2, "training" if number < 2 else "testing"))
    pd.DataFrame(rows, columns=["id", "y", "set"]).to_csv(tmp_path / "cohort.csv", index=False)
    return tmp_path


def run_of(folder, maps="", said=None):
    protocol = parse_protocol(STUDY.replace("MAPS", f"maps: {maps}" if maps else ""))
    say = (lambda _: None) if said is None else said.append
    return Run(protocol, folder, folder / "run", 1, say, lambda i, _n, _w: i)


def extracted(folder, maps="", said=None):
    run = run_of(folder, maps, said)
    for step in (do_cohort, do_prepare, do_extract):
        step(run)
    return run


def asked(features=(MEAN, ENTROPY), patients="null"):
    return f"{{features: [{', '.join(features)}], patients: {patients}}}"


def test_the_files_hold_the_maps_the_image_and_the_mask_in_three_planes(cohort):
    run = extracted(cohort, asked(patients="[P1, P2]"))
    files = sorted(path.name for path in run.path("extract", "maps").glob("*.npz"))
    assert files == ["P1_1_T2.npz", "P2_1_T2.npz"]
    planes = np.load(run.path("extract", "maps", "P1_1_T2.npz"))
    for index, name in enumerate(("axial", "coronal", "sagittal")):
        assert planes[f"name_{index}"] == name
        assert planes[f"mask_a_{index}"].any()
        for feature in (MEAN, ENTROPY):
            values = planes[f"overlay_{feature}_{index}"]
            assert values.dtype == np.float32
            assert values.shape == planes[f"image_{index}"].shape
            np.testing.assert_array_equal(np.isfinite(values), planes[f"mask_a_{index}"])
    assert not [name for name in planes if name.startswith("mask_b")]
    whole = feature_map(cohort / "P1.nii.gz", cohort / "P1_a.nii.gz", ENTROPY, SETTINGS).voxels
    assert set(planes[f"overlay_{ENTROPY}_0"].ravel()[planes["mask_a_0"].ravel()]) <= set(
        whole[np.isfinite(whole)].astype(np.float32)
    )
    listed = pd.read_csv(run.path("extract", "maps", "maps.csv"), keep_default_na=False)
    assert listed[["patient", "feature"]].to_numpy().tolist() == [
        [patient, feature] for patient in ("P1", "P2") for feature in (MEAN, ENTROPY)
    ]
    assert set(listed["radius"]) == {1}
    assert set(listed["spacing_mm"]) == {"2 x 2 x 2"}
    assert set(listed["voxels"]) == {int(np.isfinite(whole).sum())}


def test_asking_for_maps_extracts_and_prepares_nothing_again(cohort, monkeypatch):
    before = extracted(cohort)
    assert not before.path("extract", "maps").exists()
    keys = {step: before.key_of(step) for step in ("prepare", "extract")}
    monkeypatch.setattr(extract_step, "extract_lesions", lambda *_: pytest.fail("a lesion was extracted again"))
    said = []
    run = extracted(cohort, asked(patients="[P1]"), said)
    assert {step: run.key_of(step) for step in keys} == keys
    assert said[:3] == ["cohort: already done", "prepare: already done", "extract: already done"]
    assert said[3].startswith("extract/maps: done")


def test_maps_that_are_there_are_not_made_again_and_those_not_asked_for_go(cohort, monkeypatch):
    extracted(cohort, asked((MEAN,), "[P1, P2]"))
    made = []
    real = maps_step.feature_maps
    monkeypatch.setattr(maps_step, "feature_maps", lambda *given: made.append(given[1].source) or real(*given))
    said = []
    extracted(cohort, asked((MEAN,), "[P1, P2]"), said)
    assert said[-1] == "extract/maps: already done"
    run = extracted(cohort, asked((MEAN,), "[P2, P3]"))
    assert [source.endswith("P3_a.nii.gz") for source in made] == [True]
    assert sorted(path.name for path in run.path("extract", "maps").glob("*.npz")) == ["P2_1_T2.npz", "P3_1_T2.npz"]
    run.path("extract", "maps", "provenance.json").unlink()  # as a run that was stopped leaves it
    run.path("extract", "maps", "P3_1_T2.npz").unlink()
    extracted(cohort, asked((MEAN,), "[P2, P3]"))
    assert len(made) == 2
    assert made[1].endswith("P3_a.nii.gz")


def test_a_map_that_cannot_be_made_is_a_row_and_the_others_are_there(cohort, monkeypatch):
    real = maps_step.feature_maps

    def failing(image, roi, *rest):
        if "P1" in roi.source:
            raise ValueError("a bug")
        return real(image, roi, *rest)

    monkeypatch.setattr(maps_step, "feature_maps", failing)
    said = []
    run = extracted(cohort, asked((MEAN,)), said)
    rows = pd.read_csv(run.path("extract", "maps", "maps.csv"), keep_default_na=False)
    assert rows["patient"].tolist() == ["P0", "P1", "P2", "P3"]
    problems = [re.sub(r" \(bug-[0-9a-f]{4}\)$", "", text) for text in rows["problem"]]
    assert problems == ["", "unexpected ValueError: a bug", "", ""]
    assert "run.log" in rows["remedy"][1]
    assert len(list(run.path("extract", "maps").glob("*.npz"))) == 3
    assert any(line.startswith(f"Patient P1, T2: no map of {MEAN}: unexpected ValueError") for line in said)


def test_a_patient_whose_lesion_was_lost_on_the_way_is_a_row(cohort):
    small = np.zeros((20, 18, 12), dtype=np.uint8)
    small[5, 5, 5] = 1  # a voxel: refused by prepare
    write_raster(cohort / "P1_a.nii.gz", small, np.diag([-1.5, -1.5, 2.0, 1.0]))
    run = extracted(cohort, asked((MEAN,), "[P1, P2]"))
    rows = pd.read_csv(run.path("extract", "maps", "maps.csv"), keep_default_na=False)
    assert rows["patient"].tolist() == ["P2", "P1"]
    assert "passed the preparation" in rows["problem"][1]


@pytest.mark.parametrize(
    ("maps", "error", "says"),
    [
        (asked(("original_shape_Sphericity",)), StudyFileError, "maps.features.*\n.*Sphericity: shape .* has no map"),
        (asked((MEAN, "original_glcm_Entropy")), StudyFileError, "glcm has no feature 'Entropy'"),
        (asked(("wavelet-LLH_glcm_Contrast",)), StudyFileError, "the image 'wavelet-LLH'; choose from original"),
        (asked((MEAN,), "[P1, P11]"), CohortError, "extract.maps.patients .*\n  1. P11; did you mean P1?"),
    ],
)
def test_what_cannot_be_mapped_is_refused_before_anything_is_extracted(cohort, maps, error, says):
    run = run_of(cohort, maps)
    do_cohort(run)
    do_prepare(run)
    with pytest.raises(error, match=says):
        do_extract(run)
    assert not run.path("extract").exists()


@pytest.mark.parametrize(
    ("maps", "says"),
    [
        ("{features: []}", "'features' must name at least one, each only once"),
        (asked((MEAN, MEAN)), "'features' must name at least one, each only once"),
        (asked((MEAN,), "[]"), "'patients' must name at least one, each only once"),
        ("{feature: [x]}", "did you mean 'features'"),
    ],
)
def test_the_study_file_refuses_what_means_nothing(cohort, maps, says):
    with pytest.raises(StudyFileError, match=says):
        run_of(cohort, maps)


def test_identifiers_that_look_like_numbers_are_text(cohort):
    assert run_of(cohort, asked((MEAN,), "[7, '007']")).protocol.extract.maps.patients == ("7", "007")
