"""One person under two PatientIDs: the import knows, and the study's leak check says."""

import json

import numpy as np
import pandas as pd
import pytest

from radstudy.protocol.load import parse_protocol
from radstudy.steps.identities import read_identities
from radstudy.steps.leaks import check_study
from unit.steps.test_leak_exit import STUDY, radstudy

PAIR = ["P00", "P01"]


@pytest.fixture
def imported(tmp_path):
    """A study whose cohort table lies in an import's folder."""
    (tmp_path / "import").mkdir()
    rng = np.random.default_rng(0)
    y = rng.permutation([0] * 30 + [1] * 30)
    ids = [f"P{i:02d}" for i in range(60)]
    features = pd.DataFrame(rng.normal(size=(60, 8)) + y[:, None], columns=[f"a{i}" for i in range(8)])
    features.assign(id=ids).to_csv(tmp_path / "features.csv", index=False)
    pd.DataFrame({"id": ids, "y": y}).to_csv(tmp_path / "import" / "cohort.csv", index=False)
    text = STUDY.replace("table: cohort.csv", "table: import/cohort.csv")
    (tmp_path / "study.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def identities(imported, **changed):
    names = [f"P{i:02d}" for i in range(60)]
    found = {"patients": [*names, "Q1"], "compared": [*names[:40], "Q1"], "same_person": [PAIR, ["P02", "Q1"]],
             "without_patient_id": ["P59"], **changed}  # fmt: skip
    (imported / "import" / "identities.json").write_text(json.dumps(found), encoding="utf-8")


def checked_of(imported):
    protocol = parse_protocol((imported / "study.yaml").read_text("utf-8"))
    return check_study(protocol, data=imported, out=imported / "out")


def test_check_reports_the_pair_among_the_studys_patients_and_who_could_be_compared(imported):
    identities(imported)
    checked = checked_of(imported)
    (pair,) = [finding for finding in checked.findings if "name and birth date" in finding.what]
    assert pair.where == "P00 = P01" and pair.severity in ("error", "warning")
    assert "one name and birth date under two PatientIDs (40 of 60 patients could be compared)" in checked.looked_for
    done = radstudy("check", imported / "study.yaml")
    assert done.returncode == (4 if pair.severity == "error" else 0)
    assert "P00 = P01" in done.stdout + done.stderr


def test_without_such_a_file_nothing_is_claimed_of_names(imported):
    checked = checked_of(imported)
    assert not [text for text in (*checked.looked_for, *map(str, checked.findings)) if "birth" in text]


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"patients": 1, "compared": [], "same_person": []}', "null"])
def test_a_file_that_cannot_be_read_is_said_and_stops_nothing(imported, text):
    (imported / "import" / "identities.json").write_text(text, encoding="utf-8")
    checked = checked_of(imported)
    (finding,) = [one for one in checked.findings if "identities.json" in one.what]
    assert finding.severity == "warning" and str(imported) in finding.where
    assert not [text for text in checked.looked_for if "birth" in text]


def test_the_file_is_found_where_the_images_lie_too(tmp_path):
    (tmp_path / "a{b}").mkdir()
    (tmp_path / "a{b}" / "identities.json").write_text(
        json.dumps({"patients": ["A"], "compared": ["A"], "same_person": [], "without_patient_id": []}), "utf-8"
    )
    text = """
study: test
cohort:
  table: cohort_with_outcomes.csv
  patient: id
  outcome: {column: y, positive: "1"}
  split: {train: 0.7}
  images: "a{{b}}/{patient}/{sequence}.nii.gz"
  masks: "a{{b}}/{patient}/masks/{sequence}_{reader}.nii.gz"
  readers: [r1]
sequences: [T2]
model: {select: [{impute: median}], models: {T2: [T2]}}
"""
    assert read_identities(parse_protocol(text), tmp_path).compared == {"A"}


@pytest.mark.long
def test_a_run_reports_the_pair_and_looks_again_when_the_file_changes(imported):
    assert radstudy("run", imported / "study.yaml", "--jobs", "1").returncode in (0, 4)
    leaks = imported / "runs" / "study" / "evaluate" / "leaks"
    assert "birth" not in (leaks / "checked.json").read_text("utf-8")
    identities(imported)
    radstudy("run", imported / "study.yaml", "--jobs", "1")
    assert "40 of 60 patients could be compared" in (leaks / "checked.json").read_text("utf-8")
    assert "P00 = P01" in set(pd.read_csv(leaks / "leaks.csv")["where"])
