"""Transferred masks from file to feature: marked, waiting until confirmed, and never part of the agreement."""

import numpy as np
import pandas as pd
import pytest

from radstudy.errors import CohortError
from radstudy.formats.raster import write_raster
from radstudy.imaging.roi import Roi
from radstudy.protocol.load import parse_protocol
from radstudy.steps.agree import do_agree
from radstudy.steps.cohort import do_cohort
from radstudy.steps.extract import do_extract, read_features
from radstudy.steps.prepare import do_prepare
from radstudy.steps.run import Run, read_failures
from radstudy.store import read_json

STUDY = """
study: test
cohort:
  patient: id
  outcome: {column: y, positive: "1"}
  split: {column: set}
  images: "{patient}_{sequence}.nii.gz"
  masks: "{patient}_{sequence}_{reader}.nii.gz"
  readers: [a, b]
  transfer: {from: DCE, to: [T2, DWI], rigid: false}
sequences: [DCE, T2, DWI]
prepare: [{zscore: {}}]
extract: {spacing_mm: null, features: {firstorder: [Mean, Range]}}
model: {select: [{boosted_trees: {keep: 2}}], models: {T2: [T2]}}
"""
SHAPES = {"DCE": ((32, 30, 20), 1.0), "T2": ((26, 24, 16), 1.25), "DWI": ((20, 18, 12), 1.8)}


def ball(shape, spacing, centre, radius):
    index = np.stack(np.meshgrid(*[np.arange(n) for n in shape], indexing="ij"), axis=-1) * spacing
    return ((index - centre) ** 2).sum(axis=-1) < radius**2


@pytest.fixture
def study(tmp_path):
    """Five patients, drawn twice on every sequence; p1 has no mask of reader a on T2 and none at all on DWI."""
    rng = np.random.default_rng(0)
    rows = ["id,y,set"]
    for number, patient in enumerate(["p1", "p2", "p3", "p4", "p5"]):
        rows.append(f"{patient},{number % 2},{'train' if number < 3 else 'test'}")
        for sequence, (shape, spacing) in SHAPES.items():
            affine = np.diag([spacing, spacing, spacing, 1.0])
            voxels = rng.normal(100 + 5 * number, 10, shape).astype(np.float32)
            write_raster(tmp_path / f"{patient}_{sequence}.nii.gz", voxels, affine)
            for reader, radius in (("a", 6.0), ("b", 5.5)):
                mask = ball(shape, spacing, (16, 15, 10), radius)
                write_raster(tmp_path / f"{patient}_{sequence}_{reader}.nii.gz", mask, affine)
    for name in ("p1_T2_a", "p1_DWI_a", "p1_DWI_b"):
        (tmp_path / f"{name}.nii.gz").unlink()
    (tmp_path / "cohort.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    said = []

    def do(change=()):
        text = STUDY
        for old, new in change:
            assert old in text
            text = text.replace(old, new)
        run = Run(parse_protocol(text), tmp_path, tmp_path / "run", 1, said.append, lambda items, _n, _w: items)
        for step in (do_cohort, do_prepare, do_extract, do_agree):
            step(run)
        return run

    do.folder, do.said = tmp_path, said
    return do


def rows_of(run, sequence, reader="a"):
    frame = read_features(run).of(sequence, reader)
    return frame.index.get_level_values("patient").tolist()


def test_a_transferred_mask_waits_until_a_reader_confirms_it(study):
    run = study()
    listed = pd.read_csv(run.path("prepare", "transferred.csv"))
    assert listed[["patient", "sequence", "from"]].to_numpy().tolist() == [["p1", "T2", "DCE"], ["p1", "DWI", "DCE"]]
    assert listed["confirmed"].isna().all()
    assert (listed["overlap"] == 1).all()
    assert listed["volume_change_percent"].abs().max() < 15
    assert rows_of(run, "T2") == rows_of(run, "DWI") == ["p2", "p3", "p4", "p5"]
    waiting = read_failures(run.path("extract", "failures.csv"))
    assert [(f.patient, f.sequence, f.reader) for f in waiting] == [("p1", "T2", "a"), ("p1", "DWI", "a")]
    assert "waits for a reader's confirmation" in str(waiting[0])
    assert "transferred.csv next to the study file" in waiting[0].remedy
    assert Roi.read(waiting[0].file).voxel_count == listed["voxels"][0]
    lesions = pd.read_csv(run.path("prepare", "lesions.csv"), keep_default_na=False)
    marked = lesions[lesions["transferred_from"] != ""]
    assert marked[["patient", "sequence"]].to_numpy().tolist() == [["p1", "T2"], ["p1", "DWI"]]
    assert "echo-planar" not in marked["warnings"].iloc[0]
    assert "echo-planar" in marked["warnings"].iloc[1]

    listed["confirmed"] = ["yes", "no"]
    listed["confirmed_by"] = ["Dr B", ""]
    listed.to_csv(study.folder / "transferred.csv", index=False, sep=";")
    again = study()
    assert rows_of(again, "T2") == ["p1", "p2", "p3", "p4", "p5"]
    assert rows_of(again, "DWI") == ["p2", "p3", "p4", "p5"]
    (rejected,) = read_failures(again.path("extract", "failures.csv"))
    assert "was rejected" in str(rejected)
    status = pd.read_csv(again.path("extract", "transferred.csv"), keep_default_na=False)
    assert status[["status", "confirmed_by"]].to_numpy().tolist() == [["confirmed", "Dr B"], ["rejected", ""]]
    assert "prepare: already done" in study.said  # an answer does not prepare the images again


def test_the_agreement_does_not_see_transferred_masks(study):
    run = study([("rigid: false", "rigid: false, accept_unconfirmed: true")])
    assert rows_of(run, "T2") == ["p1", "p2", "p3", "p4", "p5"]
    assert rows_of(run, "T2", "b") == ["p1", "p2", "p3", "p4", "p5"]
    lesions = read_json(run.path("agree", "summary.json"))["lesions"]
    assert lesions == {"DCE": 5, "T2": 4, "DWI": 4}
    status = pd.read_csv(run.path("extract", "transferred.csv"))["status"]
    assert (status == "not confirmed, accepted").all()


def test_a_confirmation_holds_for_that_mask_only(study):
    run = study()
    listed = pd.read_csv(run.path("prepare", "transferred.csv"))
    listed.assign(confirmed="yes").to_csv(study.folder / "transferred.csv", index=False)
    assert rows_of(study(), "T2")[0] == "p1"
    shape, spacing = SHAPES["DCE"]
    larger = ball(shape, spacing, (16, 15, 10), 7.0)
    write_raster(study.folder / "p1_DCE_a.nii.gz", larger, np.diag([spacing, spacing, spacing, 1.0]))
    run = study()
    assert rows_of(run, "T2") == ["p2", "p3", "p4", "p5"]
    assert len(read_failures(run.path("extract", "failures.csv"))) == 2


def test_a_mask_that_is_drawn_later_takes_the_transferred_ones_place(study):
    run = study()
    first = pd.read_csv(run.path("prepare", "transferred.csv"))
    corrected = Roi.read(run.path("prepare", first["file"][0]))
    write_raster(study.folder / "p1_T2_a.nii.gz", corrected.mask, corrected.affine)
    run = study()
    assert rows_of(run, "T2") == ["p1", "p2", "p3", "p4", "p5"]
    assert pd.read_csv(run.path("prepare", "transferred.csv"))["sequence"].tolist() == ["DWI"]


def test_nothing_is_transferred_unless_the_study_file_says_so(study):
    study()
    run = study([("  transfer: {from: DCE, to: [T2, DWI], rigid: false}\n", "")])
    assert not run.path("prepare", "transferred.csv").exists()
    assert not run.path("extract", "transferred.csv").exists()
    failed = read_failures(run.path("cohort", "failures.csv"))
    assert [(f.patient, f.sequence) for f in failed] == [("p1", "T2"), ("p1", "DWI")]


def test_a_mask_that_does_not_fit_is_named_with_its_case(study):
    shape, spacing = SHAPES["T2"]
    far = np.diag([spacing, spacing, spacing, 1.0])
    far[:3, 3] = 300, 0, 0
    write_raster(study.folder / "p1_T2.nii.gz", np.random.default_rng(1).normal(size=shape).astype(np.float32), far)
    (study.folder / "p1_T2_b.nii.gz").unlink()
    run = study()
    (failure,) = read_failures(run.path("prepare", "failures.csv"))
    assert (failure.patient, failure.sequence, failure.reader) == ("p1", "T2", "a")
    assert "extends outside the image" in failure.problem


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ("mask,confirmed\nm1,perhaps\n", "line 2: confirmed is 'perhaps'"),
        ("mask,confirmed\nm1,yes\nm1,no\n", "has both answers, yes and no"),
        ("mask\nm1\n", "column 'confirmed' is missing"),
    ],
)
def test_answers_that_cannot_be_understood(study, table, says):
    (study.folder / "transferred.csv").write_text(table, encoding="utf-8")
    with pytest.raises(CohortError, match=says):
        study()


@pytest.mark.parametrize(
    ("section", "says"),
    [
        ("{from: DCE, to: [T3]}", "'T3' does not exist; did you mean"),
        ("{from: DCE, to: [DCE, T2]}", "must name sequences other than 'from'"),
        ("{from: DCE, too: [T2]}", "did you mean 'to'"),
    ],
)
def test_a_transfer_that_makes_no_sense_is_refused(section, says):
    from radstudy.errors import StudyFileError

    with pytest.raises(StudyFileError, match=says):
        parse_protocol(STUDY.replace("{from: DCE, to: [T2, DWI], rigid: false}", section))


def test_a_transferred_mask_that_was_damaged_is_made_again(study):
    run = study()
    (file,) = run.path("prepare", "transferred").glob("*_T2.nii.gz")
    whole = Roi.read(file).mask
    file.write_bytes(bytes(file.stat().st_size))
    study()
    np.testing.assert_array_equal(Roi.read(file).mask, whole)


def test_a_transferred_mask_that_a_reader_has_changed_in_its_place_is_set_aside(study):
    """It was confirmed as it was: what somebody draws into the run's folder is neither used under that nor lost."""
    run = study()
    listed = pd.read_csv(run.path("prepare", "transferred.csv"))
    listed["confirmed"] = "yes"
    listed.to_csv(study.folder / "transferred.csv", index=False)
    (file,) = run.path("prepare", "transferred").glob("*_T2.nii.gz")
    roi = Roi.read(file)
    mine = roi.mask.copy()
    mine[0, 0, 0] = True
    write_raster(file, mine, roi.affine)
    features = read_features(study()).of("T2", "a")
    np.testing.assert_array_equal(Roi.read(file).mask, roi.mask)
    (aside,) = file.parent.glob("*.kept-1.nii.gz")
    np.testing.assert_array_equal(Roi.read(aside).mask, mine)
    assert "p1" in features.index.get_level_values("patient")
    lesions = pd.read_csv(run.path("prepare", "lesions.csv"), keep_default_na=False)
    assert lesions["warnings"].str.contains("kept-1").any()
