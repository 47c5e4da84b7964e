"""A signature of images on an external cohort: its own settings, its probabilities, and files that contradict it."""

import json

import numpy as np
import pandas as pd
import pytest

from radstudy.errors import StudyFileError
from radstudy.signature.document import stated_hash
from radstudy.signature.external import read_external_study
from radstudy.validation import validate

EXTERNAL = """
cohort:
  table: cohort.csv
  patient: id
  outcome: {column: y}
  images: "{patient}/{sequence}.nii.gz"
  masks: "{patient}/{sequence}_{reader}.nii.gz"
  readers: [a]
"""


@pytest.fixture(scope="module")
def finished(small, tmp_path_factory):
    """The small study's own patients as a cohort whose file leaves out all that the signature decides."""
    file = tmp_path_factory.mktemp("external") / "external.yaml"
    file.write_text(EXTERNAL, encoding="utf-8")
    said = []
    done = validate(
        small / "run" / "signature.json", file, data=small, out=file.parent / "out", jobs=1, say=said.append
    )
    return done, said


def test_the_probabilities_are_those_of_the_run(small, finished):
    done, _ = finished
    ours = pd.read_csv(done.out / "validate" / "predictions.csv").set_index("patient")["probability"]
    predictions = pd.read_csv(small / "run" / "model" / "predictions.csv")
    of_run = predictions[predictions["model"] == "both"].set_index("patient")["probability"]
    assert len(ours) == len(of_run)
    assert np.abs(ours - of_run.reindex(ours.index)).max() < 1e-12


def test_no_patient_of_the_training_is_outside(small, finished):
    done, _ = finished
    rows = pd.read_csv(small / "run" / "cohort" / "rows.csv").set_index("patient")
    inside = pd.read_csv(done.out / "validate" / "predictions.csv").set_index("patient")["inside"]
    assert inside[rows["set"].reindex(inside.index) == "training"].all()


def test_only_the_sequences_of_the_model_are_read(finished):
    done, _ = finished
    assert set(pd.read_csv(done.out / "prepare" / "volumes.csv")["sequence"]) == {"T2", "DWI"}


def test_the_page_of_images_has_every_part(finished):
    done, _ = finished
    page = done.report.read_text(encoding="utf-8")
    assert "could not be made" not in page
    assert "A sentence is missing" not in page
    assert "with the signature&#39;s own settings, from the masks of" in page


def test_voxels_unlike_the_training_images_put_a_patient_outside(small, signature, tmp_path):
    """The range is made narrower rather than the images coarser."""
    document = json.loads((small / "run" / "signature.json").read_text(encoding="utf-8"))
    for axis in document["training_distribution"]["images"]["T2"]["spacing_mm"]:
        axis["low"], axis["high"] = axis["low"] / 2, axis["high"] / 2
    document["hash"] = stated_hash(document)[1]
    file, study = tmp_path / "signature.json", tmp_path / "external.yaml"
    file.write_text(json.dumps(document), encoding="utf-8")
    study.write_text(EXTERNAL, encoding="utf-8")
    done = validate(file, study, data=small, out=tmp_path / "out", jobs=1)
    findings = pd.read_csv(done.out / "validate" / "findings.csv")
    own = findings[(findings["kind"] == "spacing") & findings["refuses"]]
    assert set(own["where"]) == {"T2"}
    assert done.result["outside_range"] == done.result["n"] == own["patient"].nunique()
    assert done.result["inside_range"]["performance"]["rows"] == 0


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ("extract: {bin_width: 10}", "bin_width is 10.0, in the signature 25.0"),
        ("prepare: [n4: {}]", "'prepare' differs from the signature's"),
    ],
)
def test_settings_that_contradict_the_signature_are_refused(small, signature, tmp_path, more, says):
    file = tmp_path / "external.yaml"
    file.write_text(f"{EXTERNAL}{more}\n", encoding="utf-8")
    with pytest.raises(StudyFileError, match=says):
        read_external_study(signature, file, small)


def test_the_same_settings_may_be_written(small, signature, tmp_path):
    file = tmp_path / "external.yaml"
    file.write_text(f"{EXTERNAL}extract: {{bin_width: 25}}\nsequences: [DCE, T2, DWI]\n", encoding="utf-8")
    study = read_external_study(signature, file, small)
    assert study.extraction == signature.settings
    assert study.protocol.sequences == ("T2", "DWI")
    assert any("does not use DCE" in note for note in study.notes)


def test_a_model_without_images_needs_none(small, tmp_path):
    file = tmp_path / "external.yaml"
    file.write_text("cohort: {table: cohort.csv, patient: id, outcome: {column: y}}\n", encoding="utf-8")
    own = small / "run" / "model" / "signatures" / "clinical.json"
    done = validate(own, file, data=small, out=tmp_path / "out", jobs=1)
    assert done.result["n"] == 24
    assert not (tmp_path / "out" / "extract").exists()
    assert "could not be made" not in done.report.read_text(encoding="utf-8")
