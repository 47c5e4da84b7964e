"""The steps on images, on a cohort of a few small volumes: several lesions of one mask, and what becomes of them."""

import numpy as np
import pandas as pd
import pytest

from radstudy.features.extract import extract
from radstudy.formats.raster import write_raster
from radstudy.protocol.load import parse_protocol
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
        mask[2:8, 3:9, 2:7], mask[11:18, 5:14, 4:10] = 1, 2
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


def test_largest_takes_the_larger_lesion(cohort):
    run = run_until_extracted(cohort, "largest")
    assert set(pd.read_csv(run.path("prepare", "lesions.csv"))["native_voxels"]) == {7 * 9 * 6}
