"""Images scaled by a reference tissue, from the study file to a prediction."""

import numpy as np
import pandas as pd
import pytest

from radstudy.errors import CaseError, RefusedError
from radstudy.formats.raster import write_raster
from radstudy.modelling.models import LinearForm, Term
from radstudy.protocol.load import parse_protocol
from radstudy.signature.document import Signature, read_signature, write_signature
from radstudy.signature.predict import predict_patient
from radstudy.steps.cohort import do_cohort
from radstudy.steps.extract import do_extract, read_features
from radstudy.steps.prepare import do_prepare
from radstudy.steps.run import Run, read_failures

STUDY = """
study: test
cohort:
  patient: id
  outcome: {column: y, positive: "1"}
  split: {column: set}
  images: "{patient}.nii.gz"
  masks: "{patient}_{reader}.nii.gz"
  readers: [a]
sequences: [T2]
prepare: [{reference: {mask: "{patient}_{sequence}_fat.nii.gz", tissue: fat, to: 500}}]
extract: {spacing_mm: null, features: {firstorder: [Mean]}}
model: {select: [{boosted_trees: {keep: 2}}], models: {T2: [T2]}}
"""
AFFINE = np.diag([1.0, 1.0, 2.0, 1.0])
SHAPE = (20, 18, 10)


@pytest.fixture
def study(tmp_path):
    """Six patients whose scanners have six gains; lesion and fat have the same ratio everywhere."""
    rng = np.random.default_rng(0)
    lesion, fat = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    lesion[5:12, 5:12, 3:7], fat[14:18, 2:9, 2:8] = True, True
    rows = ["id,y,set"]
    for number in range(6):
        rows.append(f"p{number},{number % 2},{'train' if number < 3 else 'test'}")
        voxels = (np.where(lesion, 300, np.where(fat, 900, 100)) + rng.normal(0, 5, SHAPE)) * 1.7**number
        write_raster(tmp_path / f"p{number}.nii.gz", voxels.astype(np.float32), AFFINE)
        write_raster(tmp_path / f"p{number}_a.nii.gz", lesion, AFFINE)
        write_raster(tmp_path / f"p{number}_T2_fat.nii.gz", fat, AFFINE)
    (tmp_path / "cohort.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    return tmp_path


def run_of(folder):
    run = Run(parse_protocol(STUDY), folder, folder / "run", 1, lambda _: None, lambda items, _n, _w: items)
    for step in (do_cohort, do_prepare, do_extract):
        step(run)
    return run


def test_the_gain_of_the_scanner_is_gone(study):
    means = read_features(run_of(study)).of("T2", "a")["original_firstorder_Mean"]
    assert len(means) == 6
    np.testing.assert_allclose(means, 500 * 300 / 900, rtol=0.01)
    history = pd.read_csv(study / "run" / "prepare" / "volumes.csv")["history"]
    assert history.str.startswith("read p").all()
    assert history.str.contains("median of 168 voxels of fat: 0..").all()


def test_masks_that_cannot_be_used_lose_their_image_and_say_why(study):
    (study / "p0_T2_fat.nii.gz").unlink()
    write_raster(study / "p1_T2_fat.nii.gz", np.zeros(SHAPE, np.uint8), AFFINE)
    write_raster(study / "p2_T2_fat.nii.gz", np.ones((4, 4, 4), np.uint8), AFFINE)
    run = run_of(study)
    failures = read_failures(run.path("cohort", "failures.csv")) + read_failures(run.path("prepare", "failures.csv"))
    problems = {failure.patient: failure for failure in failures}
    for patient, says in (("p0", "does not exist"), ("p1", "is empty"), ("p2", "not on its image's grid")):
        failure = problems[patient]
        assert failure.sequence == "T2"
        assert failure.file.endswith(f"{patient}_T2_fat.nii.gz")
        assert "mask of the fat" in failure.problem
        assert says in failure.problem
        assert failure.remedy
    assert read_features(run).of("T2", "a").index.get_level_values("patient").tolist() == ["p3", "p4", "p5"]


def test_a_changed_reference_prepares_its_image_again(study):
    before = read_features(run_of(study)).of("T2", "a")["original_firstorder_Mean"]
    larger = np.zeros(SHAPE, bool)
    larger[14:18, 2:9, 2:9] = True
    larger[0:10, :, 0] = True
    write_raster(study / "p4_T2_fat.nii.gz", larger, AFFINE)
    after = read_features(run_of(study)).of("T2", "a")["original_firstorder_Mean"]
    assert (before != after).tolist() == [False, False, False, False, True, False]


def test_a_prediction_asks_for_the_tissues_mask_and_gives_the_studys_value(study, tmp_path):
    run = run_of(study)
    protocol = run.protocol
    form = LinearForm(0.0, (Term("T2:original_firstorder_Mean", None, 0.0, 1.0, 0.01, (0.0, 1000.0)),))
    signature = Signature(
        "test", "T2", "", {"positive": "1", "negative": "0", "label": "y"}, form, 0.5, ("T2",), {},
        tuple(protocol.model_dump(mode="json", by_alias=True, exclude_none=True, include={"prepare"})["prepare"]),
        protocol.extract.model_dump(mode="json"), {}, {},
    )  # fmt: skip
    write_signature(signature, tmp_path / "signature.json")
    signature = read_signature(tmp_path / "signature.json")
    given = {"images": {"T2": study / "p3.nii.gz"}, "masks": {"T2": study / "p3_a.nii.gz"}, "clinical": {}}
    with pytest.raises(RefusedError, match=r"--reference T2=FILE \(mask of the fat\) is missing"):
        predict_patient(signature, **given)
    made = predict_patient(signature, **given, references={"T2": study / "p3_T2_fat.nii.gz"})
    mean = read_features(run).of("T2", "a").loc[("p3", "1"), "original_firstorder_Mean"]
    assert made.contributions[0].value == mean
    with pytest.raises(CaseError, match=r"T2, file .*nothing.nii.gz: mask of the fat: the file does not exist"):
        predict_patient(signature, **given, references={"T2": study / "nothing.nii.gz"})


def test_one_reference_at_most():
    from radstudy.errors import StudyFileError

    twice = STUDY.replace("to: 500}}]", "to: 500}}, {reference: {mask: x}}]")
    with pytest.raises(StudyFileError, match="at most one step 'reference'"):
        parse_protocol(twice)
    with pytest.raises(StudyFileError, match="needs percentiles"):
        parse_protocol(STUDY.replace("prepare: [", "prepare: [{rescale: {over: foreground}}, "))
