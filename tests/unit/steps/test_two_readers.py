"""The step cohort and the command check on a study of two readers: copies, missing files, masks that cannot be used."""

import gzip
import json
import re

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from radstudy.cli import app
from radstudy.formats.raster import write_raster

STUDY = """
study: two readers
cohort:
  table: cohort.csv
  patient: id
  outcome: {column: y, positive: "1"}
  split: {column: set}
  images: "{patient}/{sequence}.nii.gz"
  masks: "{patient}/{sequence}_{reader}.nii.gz"
  readers: [a, b]
sequences: [T2, DWI]
prepare: []
extract: {spacing_mm: null, images: {original: true, log_sigma_mm: [], wavelet: null}}
model:
  select: [{impute: median}, {standardise: zscore}, {boosted_trees: {keep: 2}}]
  models: {T2: [T2], DWI: [DWI]}
"""
SHAPE = {"T2": (20, 18, 10), "DWI": (16, 16, 8)}
AFFINE = {"T2": np.eye(4), "DWI": np.diag([1.2, 1.2, 1.3, 1.0])}
PATIENTS = [f"P{number}" for number in range(8)]


def drawn(sequence, number, reader):
    """A lesion that no other patient and no other reader has."""
    mask = np.zeros(SHAPE[sequence], np.uint8)
    mask[4:12, 4:11, 2:6] = 1
    mask[4, 4, 2 : 2 + number // 4], mask[4, 5, 2 : 2 + number % 4] = 0, 0
    if reader == "b":
        mask[11, 10, 2:5] = 0
    return mask


@pytest.fixture
def folder(tmp_path):
    """Eight patients, two sequences on different grids, every lesion drawn by both readers."""
    rng = np.random.default_rng(0)
    for number, patient in enumerate(PATIENTS):
        for sequence, shape in SHAPE.items():
            write_raster(
                tmp_path / patient / f"{sequence}.nii.gz",
                rng.integers(0, 400, shape).astype(np.int16),
                AFFINE[sequence],
            )
            for reader in "ab":
                write_raster(
                    tmp_path / patient / f"{sequence}_{reader}.nii.gz",
                    drawn(sequence, number, reader),
                    AFFINE[sequence],
                )
    sets = ["training"] * 4 + ["testing"] * 4
    pd.DataFrame({"id": PATIENTS, "y": [0, 1] * 4, "set": sets}).to_csv(tmp_path / "cohort.csv", index=False)
    return tmp_path


def command(folder, what, *more, change=()):
    text = STUDY
    for old, new in change:
        assert old in text
        text = text.replace(old, new)
    (folder / "study.yaml").write_text(text, encoding="utf-8")
    return CliRunner().invoke(app, [what, str(folder / "study.yaml"), *more])


def cohort(folder, change=()):
    """Exit code and everything that the step cohort said."""
    result = command(folder, "run", "--step", "cohort", "--jobs", "1", change=change)
    code = getattr(result.exception, "exit_code", result.exit_code)
    return code, result.output + str(result.exception or "")


def check(folder, change=()):
    result = command(folder, "check", "--json", change=change)
    said = result.stdout  # click before 8.2 has messages in it, which come first
    return json.loads(said[re.search(r"^\[", said, re.MULTILINE).start() :])


def copied(folder, patients, sequences=("T2", "DWI")):
    for patient in patients:
        for sequence in sequences:
            content = (folder / patient / f"{sequence}_a.nii.gz").read_bytes()
            (folder / patient / f"{sequence}_b.nii.gz").write_bytes(content)


def test_a_sound_study_passes_without_a_word(folder):
    code, said = cohort(folder)
    assert code == 0
    assert "same mask" not in said and "cannot" not in said
    assert not [finding for finding in check(folder) if finding["severity"] == "error"]


@pytest.mark.parametrize(("patients", "lesions"), [(PATIENTS, 16), (PATIENTS[:3], 6), (PATIENTS[:1], 2)])
def test_identical_masks_of_two_readers_stop_before_anything_runs(folder, patients, lesions):
    copied(folder, patients)
    code, said = cohort(folder)
    assert code == 4
    assert "a and b have the same mask, voxel for voxel" in said
    assert f"{lesions} of the 16 lesions and sequences that both have drawn" in said
    assert "P0 T2" in said
    (finding,) = [one for one in check(folder) if one["check"] == "readers"]
    assert finding["severity"] == "error" and str(lesions) in finding["evidence"]


def test_masks_that_are_the_same_in_other_bytes_are_found_too(folder):
    """Saved again by another program: other compression, another type, another name inside."""
    mask = drawn("T2", 0, "a").astype(np.float32)
    write_raster(folder / "P0" / "T2_b.nii.gz", mask, np.eye(4))
    packed = (folder / "P1" / "T2_a.nii.gz").read_bytes()
    (folder / "P1" / "T2_b.nii.gz").write_bytes(gzip.compress(gzip.decompress(packed), 1, mtime=5))
    code, said = cohort(folder)
    assert code == 4
    assert "2 of the 16 lesions" in said


def test_one_file_under_two_names_is_found(folder):
    (folder / "P2" / "DWI_b.nii.gz").unlink()
    (folder / "P2" / "DWI_b.nii.gz").symlink_to(folder / "P2" / "DWI_a.nii.gz")
    code, said = cohort(folder)
    assert code == 4 and "1 of the 16 lesions" in said and "P2 DWI" in said


def test_identical_masks_can_be_accepted_in_writing(folder):
    copied(folder, PATIENTS)
    accepted = [("prepare: []", "prepare: []\nagree: {accept_identical_masks: true}")]
    code, said = cohort(folder, accepted)
    assert code == 0 and "the same mask" in said
    assert {one["severity"] for one in check(folder, accepted) if one["check"] == "readers"} == {"warning"}


def test_one_image_as_two_sequences_stops(folder):
    for patient in PATIENTS[:5]:
        for name in ("", "_a", "_b"):
            content = (folder / patient / f"T2{name}.nii.gz").read_bytes()
            (folder / patient / f"DWI{name}.nii.gz").write_bytes(content)
    code, said = cohort(folder)
    assert code == 4
    assert "T2 and DWI are the same image" in said or "DWI and T2 are the same image" in said
    assert "5 patient(s)" in said
    findings = [one for one in check(folder) if "same image" in one["what"]]
    assert findings and findings[0]["severity"] == "error" and "5 patient" in findings[0]["evidence"]


def test_one_image_in_training_and_testing_stops_also_in_other_bytes(folder):
    packed = (folder / "P0" / "T2.nii.gz").read_bytes()
    (folder / "P6" / "T2.nii.gz").write_bytes(gzip.compress(gzip.decompress(packed), 1, mtime=5))
    code, said = cohort(folder)
    assert code == 4
    assert "one in training, one in testing" in said and "P0 = P6 (T2)" in said


def test_another_patients_mask_is_said(folder):
    content = (folder / "P0" / "T2_a.nii.gz").read_bytes()
    (folder / "P1" / "T2_a.nii.gz").write_bytes(content)
    code, said = cohort(folder)
    assert code == 0
    assert "patients have the same mask, voxel for voxel" in said and "P0 = P1" in said


def test_a_readers_mask_under_the_other_sequences_name_is_said(folder):
    """T2 and DWI have different grids: the copied mask does not fit, and the error says who and where."""
    content = (folder / "P3" / "T2_b.nii.gz").read_bytes()
    (folder / "P3" / "DWI_b.nii.gz").write_bytes(content)
    code, said = cohort(folder)
    assert code == 4
    assert "Patient P3, DWI, reader b" in said and "DWI_b.nii.gz" in said


def test_one_readers_mask_that_is_the_others_of_another_sequence_is_found(folder):
    """On sequences of one grid a copy between readers and sequences fits, and was counted as a second reading."""
    for number, patient in enumerate(PATIENTS):
        rng = np.random.default_rng(100 + number)
        write_raster(folder / patient / "DWI.nii.gz", rng.integers(0, 400, SHAPE["T2"]).astype(np.int16), np.eye(4))
        for reader in "ab":
            mask = drawn("T2", number, reader)
            mask[0, 0, 0] = 1
            write_raster(folder / patient / f"DWI_{reader}.nii.gz", mask, np.eye(4))
    (folder / "P5" / "DWI_b.nii.gz").write_bytes((folder / "P5" / "T2_a.nii.gz").read_bytes())
    code, said = cohort(folder)
    assert code == 4
    assert "a's on P5 T2 = b's on P5 DWI" in said


def test_one_mask_for_a_sequence_and_its_map_is_no_double(folder):
    """docs/walkthrough.md: phases and their maps have one grid, and one reader's mask serves them all."""
    for number, patient in enumerate(PATIENTS):
        rng = np.random.default_rng(100 + number)
        write_raster(folder / patient / "DWI.nii.gz", rng.integers(0, 400, SHAPE["T2"]).astype(np.int16), np.eye(4))
    code, said = cohort(folder, [("{patient}/{sequence}_{reader}.nii.gz", "{patient}/T2_{reader}.nii.gz")])
    assert code == 0, said
    assert "same" not in said
    code, said = cohort(folder, [("{patient}/{sequence}_{reader}.nii.gz", "{patient}/T2_a.nii.gz"), ("[a, b]", "[a]")])
    assert code == 0, said


def test_two_lesions_with_one_mask_stop(folder):
    table = pd.read_csv(folder / "cohort.csv", dtype=str)
    pd.concat([table.assign(les="L"), table.assign(les="R")]).to_csv(folder / "cohort.csv", index=False)
    code, said = cohort(folder, [("  patient: id", "  patient: id\n  lesion: les")])
    assert code == 4
    assert "two lesions of a patient have the same mask" in said


def test_the_image_itself_as_its_mask_is_refused(folder):
    code, said = cohort(
        folder, [("{patient}/{sequence}_{reader}.nii.gz", "{patient}/{sequence}.nii.gz"), ("[a, b]", "[a]")]
    )
    assert code == 4 and "the mask is the image itself" in said


@pytest.mark.parametrize("left", [0, 2])
def test_a_second_reader_without_files_stops_and_says_the_consequence(folder, left):
    for patient in PATIENTS[left:]:
        for sequence in SHAPE:
            (folder / patient / f"{sequence}_b.nii.gz").unlink()
    code, said = cohort(folder)
    assert code == 4
    assert (
        f"Masks by a and b: {left} lesions on T2 and DWI; an ICC needs at least 3. So 0 of 100 features can pass"
        in said
    )
    assert "no radiomics feature of T2 or DWI enters any model" in said
    assert "accept_few_doubly_read" in said
    assert {one["severity"] for one in check(folder) if one["check"] == "second reader"} == {"error"}
    code, said = cohort(folder, [("prepare: []", "prepare: []\nagree: {accept_few_doubly_read: true}")])
    assert code == 0 and "no radiomics feature" in said
    assert cohort(folder, [("prepare: []", "prepare: []\nagree: {icc: null}")])[0] == 0


def test_a_sequence_that_the_second_reader_never_drew_stops(folder):
    for patient in PATIENTS:
        (folder / patient / "DWI_b.nii.gz").unlink()
    code, said = cohort(folder)
    assert code == 4 and "Masks by a and b: 0 lesions on DWI;" in said and "feature of DWI enters" in said


def test_few_doubly_read_lesions_are_said(folder):
    code, said = cohort(folder)
    assert code == 0 and "Only 8 lesions on T2 and DWI have every reader's mask" in said


def test_a_strict_filter_counts_training_lesions_alone(folder):
    for patient in PATIENTS[2:]:
        for sequence in SHAPE:
            if patient < "P4":
                (folder / patient / f"{sequence}_b.nii.gz").unlink()
    strict = [("prepare: []", "prepare: []\nagree: {icc: {patients: training}}")]
    code, said = cohort(folder, strict)
    assert code == 4 and "2 lesions on T2 and DWI of the training set" in said
    assert cohort(folder)[0] == 0


def test_masks_that_cannot_be_used_are_found_by_the_step_cohort(folder):
    write_raster(folder / "P0" / "T2_a.nii.gz", np.zeros(SHAPE["T2"], np.uint8), np.eye(4))
    write_raster(folder / "P1" / "T2_b.nii.gz", np.ones((4, 4, 4), np.uint8), np.diag([2.0, 2.0, 2.0, 1.0]))
    (folder / "P2" / "DWI_a.nii.gz").write_bytes(b"not a mask")
    (folder / "P3" / "DWI.nii.gz").write_bytes(b"not an image")
    code, said = cohort(folder)
    assert code == 4
    assert "Patient P0, T2, reader a" in said and "the mask is empty" in said
    assert "Patient P1, T2, reader b" in said
    assert "Patient P2, DWI, reader a" in said
    assert "Patient P3, DWI" in said and "4 case(s) could not be used" in said
    write_raster(folder / "P0" / "T2_a.nii.gz", drawn("T2", 0, "a"), np.eye(4))
    assert "3 case(s) could not be used" in cohort(folder)[1]


def test_masks_are_not_opened_again_while_nothing_has_changed(folder, monkeypatch):
    cohort(folder)
    monkeypatch.setattr("radstudy.imaging.roi.Roi.read", lambda *_, **__: pytest.fail("opened again"))
    assert cohort(folder)[0] == 0


def test_forty_lines_of_one_kind_are_one(folder):
    code, said = cohort(folder, [('images: "', 'images: "wrong/')])
    assert code == 4
    assert "there is no folder" in said and "wrong" in said
    assert said.count("does not exist") <= 3
    assert "and 15 more like this: " in said


def test_readers_are_named_by_a_mapping(folder):
    for patient in PATIENTS:
        for sequence in SHAPE:
            (folder / patient / f"{sequence}_a.nii.gz").rename(folder / patient / f"{sequence}.mask.nii.gz")
            (folder / patient / f"{sequence}_b.nii.gz").rename(folder / patient / f"{sequence}.mask-2.nii.gz")
    texts = [("{sequence}_{reader}.nii.gz", "{sequence}.mask{reader}.nii.gz"), ("[a, b]", '{Dr Li: "", Dr Wu: "-2"}')]
    code, said = cohort(folder, texts)
    assert code == 0, said
    cases = json.loads((folder / "runs" / "study" / "cohort" / "cases.json").read_text(encoding="utf-8"))
    assert {tuple(case["masks"]) for case in cases} == {("Dr Li", "Dr Wu")}
    assert all(case["masks"]["Dr Wu"].endswith("mask-2.nii.gz") for case in cases)
    patterns = [("[a, b]", '{Dr Li: "{patient}/{sequence}.mask.nii.gz", Dr Wu: "{patient}/{sequence}.mask-2.nii.gz"}')]
    assert cohort(folder, patterns)[0] == 0


@pytest.mark.parametrize(("dice", "severity"), [([1.0] * 5 + [0.9] * 3, "error"), ([1.0] + [0.9] * 7, "warning"),
                                                ([0.995] * 6 + [0.9] * 2, "warning"), ([0.9] * 8, None)])  # fmt: skip
def test_a_dice_of_1_in_most_lesions_is_a_finding(folder, dice, severity):
    """Also where the masks now there differ: the comparison on record is what the report shows."""
    rows = [(patient, "1", "T2", "a", "b", value) for patient, value in zip(PATIENTS, dice, strict=True)]
    table = pd.DataFrame(rows, columns=["patient", "lesion", "sequence", "reader_a", "reader_b", "dice"])
    (folder / "runs" / "study" / "agree").mkdir(parents=True)
    table.to_csv(folder / "runs" / "study" / "agree" / "masks.csv", index=False)
    found = [one for one in check(folder) if one["check"] == "readers"]
    assert [one["severity"] for one in found] == ([severity] if severity else [])
    assert all("of 8 lesions" in one["evidence"] for one in found)
