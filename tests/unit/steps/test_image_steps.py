"""The steps on images, on a cohort of a few small volumes: several lesions of one mask, and what becomes of them."""

import errno
import json
import os
import stat

import numpy as np
import pandas as pd
import pytest

from radstudy import study
from radstudy.errors import StorageError, StudyFileError
from radstudy.features.extract import extract
from radstudy.formats.raster import read_raster, write_raster
from radstudy.imaging.volume import Volume
from radstudy.protocol.load import parse_protocol
from radstudy.steps import extract as extract_step
from radstudy.steps import prepare as prepare_step
from radstudy.steps.cohort import do_cohort
from radstudy.steps.extract import do_extract, read_features
from radstudy.steps.prepare import do_prepare
from radstudy.steps.run import Run, read_failures

STUDY = """
study: several lesions of one mask
cohort:
  table: cohort.csv
  patient: id
  lesion: lesion
  outcome: {column: y, positive: "1"}
  split: {column: set}
  images: "{patient}.nii.gz"
  masks: "{patient}_mask.nii.gz"
  readers: [a]
  label: LABEL
sequences: [T2]
prepare: []
extract: {spacing_mm: null, images: {original: true, log_sigma_mm: [], wavelet: null}}
agree: {icc: null}
model: {select: [{impute: median}, {standardise: zscore}], models: {T2: [T2]}}
"""
SETTINGS = {"imageType": {"Original": {}}, "featureClass": {"shape": [], "firstorder": []}}


@pytest.fixture
def cohort(tmp_path):
    """Four patients, each with two lesions, labels 1 and 2, in one mask; one row a lesion."""
    rows = []
    for number in range(4):
        rng = np.random.default_rng(number)
        mask = np.zeros((20, 18, 12), dtype=np.uint8)
        mask[2:8, 3 + number : 9 + number, 2:7], mask[11:18, 5 + number : 14 + number, 4:10] = 1, 2
        write_raster(tmp_path / f"P{number}.nii.gz", rng.integers(0, 400, mask.shape).astype(np.int16), np.eye(4))
        write_raster(tmp_path / f"P{number}_mask.nii.gz", mask, np.eye(4))
        split = "training" if number < 2 else "testing"
        rows += [(f"P{number}", lesion, number % 2, split) for lesion in ("1", "2")]
    pd.DataFrame(rows, columns=["id", "lesion", "y", "set"]).to_csv(tmp_path / "cohort.csv", index=False)
    return tmp_path


def run_until_extracted(folder, label):
    run = Run(
        parse_protocol(STUDY.replace("LABEL", label)), folder, folder / label, 1, lambda _: None, lambda i, _n, _w: i
    )
    for step in (do_cohort, do_prepare, do_extract):
        step(run)
    return run


def test_every_row_of_a_patient_is_the_label_of_its_number(cohort):
    run = run_until_extracted(cohort, "lesion")
    table = read_features(run).frame
    assert len(table) == 8
    for lesion in (1, 2):
        alone = extract(cohort / "P0.nii.gz", cohort / "P0_mask.nii.gz", SETTINGS, label=lesion)
        row = table.loc[("P0", str(lesion), "T2", "a")]
        assert all(row[name] == pytest.approx(value, rel=1e-12) for name, value in alone.items())


def test_several_labels_without_a_rule_are_refused_by_name(cohort):
    with pytest.raises(Exception, match="no lesion can be used"):
        run_until_extracted(cohort, "null")
    failures = read_failures(cohort / "null" / "prepare" / "failures.csv")
    assert all("2 labels (1, 2)" in failure.problem for failure in failures)


@pytest.mark.parametrize(("bound", "flagged"), [(1e-12, True), (1.0, False)])
def test_a_volume_whose_field_rounding_moves_is_flagged(cohort, monkeypatch, bound, flagged):
    monkeypatch.setattr(prepare_step, "SENSITIVE", bound)
    study = STUDY.replace("LABEL", "lesion").replace("prepare: []", "prepare: [{n4: {shrink: 2, iterations: [6]}}]")
    run = Run(parse_protocol(study), cohort, cohort / "run", 1, lambda _: None, lambda i, _n, _w: i)
    do_cohort(run)
    do_prepare(run)
    volumes = pd.read_csv(run.path("prepare", "volumes.csv"), keep_default_na=False)
    assert ((volumes["field_shift"] > 0) & (volumes["field_shift"] < 0.1)).all()
    assert volumes["warnings"].str.contains("rounding alone may move the bias field").eq(flagged).all()
    quality = json.loads(run.path("prepare", "quality.json").read_text())
    shifts = sorted(one["field_shift"] for one in quality.values())
    assert shifts == pytest.approx(sorted(volumes["field_shift"]), rel=1e-12)


def test_without_a_bias_field_nothing_is_said_of_rounding(cohort):
    run = run_until_extracted(cohort, "lesion")
    volumes = pd.read_csv(run.path("prepare", "volumes.csv"))
    assert volumes["field_shift"].isna().all()
    assert volumes["warnings"].isna().all()


def test_largest_takes_the_larger_lesion(cohort):
    table = pd.read_csv(cohort / "cohort.csv", dtype=str)
    table[table["lesion"] == "1"].to_csv(cohort / "cohort.csv", index=False)
    run = run_until_extracted(cohort, "largest")
    assert set(pd.read_csv(run.path("prepare", "lesions.csv"))["native_voxels"]) == {7 * 9 * 6}


N4_AND_SCALE = "[{n4: {shrink: 2}}, {rescale: {to: [0, 2000], from: minmax}}]"
PREPARED = STUDY.replace("prepare: []", f"prepare: {N4_AND_SCALE}").replace("LABEL", "lesion")


def _study_run(folder, name, until):
    return study.run(parse_protocol(PREPARED), data=folder, out=folder / name, until=until, jobs=1)


def test_features_taken_while_a_volume_is_in_memory_are_those_of_the_step_alone(cohort):
    _study_run(cohort, "together", "extract")
    _study_run(cohort, "apart", "prepare")
    assert not (cohort / "apart" / "extract").exists()
    _study_run(cohort, "apart", "extract")
    together, apart = (
        pd.read_parquet(cohort / name / "extract" / "features.parquet") for name in ("together", "apart")
    )
    pd.testing.assert_frame_equal(together, apart, check_exact=True)


def test_no_file_is_read_twice_where_features_are_wanted_with_the_preparation(cohort, monkeypatch):
    read = []
    monkeypatch.setattr(Volume, "read", classmethod(lambda cls, path: read.append(path) or cls(*read_raster(path))))
    _study_run(cohort, "once", "extract")
    assert len(read) == len(set(read)) == 4


def test_an_unknown_setting_of_the_extraction_stops_the_run_before_anything_is_prepared(cohort):
    text = PREPARED.replace("extract: {", "extract: {maps: {features: [original_glcm_Nothing]}, ")
    with pytest.raises(StudyFileError, match="no feature 'Nothing'"):
        study.run(parse_protocol(text), data=cohort, out=cohort / "bad", until="extract", jobs=1)
    assert not (cohort / "bad" / "prepare").exists()


def test_an_error_in_the_extraction_is_reported_by_its_step_and_loses_no_preparation(cohort, monkeypatch):
    real = extract_step.extract_lesions

    def broken(volume, rois, settings):
        if "P2" in volume.history[0]:
            raise ZeroDivisionError("planted")
        return real(volume, rois, settings)

    monkeypatch.setattr(extract_step, "extract_lesions", broken)
    assert _study_run(cohort, "broken", "extract") == 2
    assert len(pd.read_csv(cohort / "broken" / "prepare" / "volumes.csv")) == 4
    failures = read_failures(cohort / "broken" / "extract" / "failures.csv")
    assert {failure.patient for failure in failures} == {"P2"} and all("planted" in f.problem for f in failures)


def test_a_full_disk_stops_the_run_and_what_is_finished_is_kept(cohort, monkeypatch):
    """It is no fault of the case at hand: were it taken for one, the case would be lost for good."""
    _study_run(cohort, "undisturbed", "extract")
    calls, real = [], os.fsync

    def full(handle):
        if not stat.S_ISDIR(os.fstat(handle).st_mode):
            calls.append(handle)
        if len(calls) > 20:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(handle)

    with monkeypatch.context() as patch:
        patch.setattr("radstudy.store.os.fsync", full)
        with pytest.raises(StorageError, match="No space left on device"):
            _study_run(cohort, "full", "extract")
    assert list((cohort / "full" / "prepare" / "volumes").glob("*.json"))
    assert not list((cohort / "full").rglob("*.part"))
    assert _study_run(cohort, "full", "extract") == 0
    made, expected = (
        pd.read_parquet(cohort / name / "extract" / "features.parquet") for name in ("full", "undisturbed")
    )
    pd.testing.assert_frame_equal(made, expected, check_exact=True)


@pytest.mark.parametrize("where", ["prepare", "extract"])
def test_a_case_that_did_not_fit_into_memory_is_tried_again(cohort, monkeypatch, where):
    module, name = {"prepare": (prepare_step, "prepare_volume"), "extract": (extract_step, "extract_lesions")}[where]
    real = getattr(module, name)

    def small(volume, *rest, **more):
        if "P2" in volume.history[0]:
            raise MemoryError
        return real(volume, *rest, **more)

    with monkeypatch.context() as patch:
        patch.setattr(module, name, small)
        assert _study_run(cohort, "run", "extract") == 2
        assert "fewer --jobs" in read_failures(cohort / "run" / where / "failures.csv")[0].remedy
    assert len(pd.read_parquet(cohort / "run" / "extract" / "features.parquet")) == 6
    assert _study_run(cohort, "run", "extract") == 0
    assert len(pd.read_parquet(cohort / "run" / "extract" / "features.parquet")) == 8
    said = []
    study.run(parse_protocol(PREPARED), data=cohort, out=cohort / "run", until="extract", jobs=1, say=said.append)
    assert said == [f"{step}: already done" for step in ("cohort", "prepare", "extract")]


@pytest.mark.parametrize("broken", ["P2.nii.gz", "P2_mask.nii.gz"])
def test_a_file_that_cannot_be_opened_loses_its_case_alone(cohort, broken):
    (cohort / broken).unlink()
    (cohort / broken).mkdir()
    assert _study_run(cohort, "run", "extract") == 2
    failures = read_failures(cohort / "run" / "prepare" / "failures.csv")
    assert {failure.patient for failure in failures} == {"P2"}
    assert all(broken in failure.file and "bug" not in failure.remedy for failure in failures)
    assert len(pd.read_parquet(cohort / "run" / "extract" / "features.parquet")) == 6


def test_lesions_with_the_same_features_are_listed(cohort):
    """A file copied under another name, or a program that measured one label for every segment."""
    table = pd.read_csv(cohort / "cohort.csv", dtype=str)
    table["set"] = table["id"].map({"P0": "training", "P2": "training"}).fillna("testing")  # across sets it is refused
    table["y"] = table["id"].map({"P0": "0", "P1": "0"}).fillna("1")
    table.to_csv(cohort / "cohort.csv", index=False)
    for what in ("", "_mask"):
        (cohort / f"P3{what}.nii.gz").write_bytes((cohort / f"P1{what}.nii.gz").read_bytes())
    assert _study_run(cohort, "run", "extract") == 0
    listed = pd.read_csv(cohort / "run" / "extract" / "identical.csv", dtype=str)
    groups = {
        group: sorted(map(tuple, rows[["patient", "lesion"]].to_numpy())) for group, rows in listed.groupby("group")
    }
    assert sorted(groups.values()) == [[("P1", "1"), ("P3", "1")], [("P1", "2"), ("P3", "2")]]
