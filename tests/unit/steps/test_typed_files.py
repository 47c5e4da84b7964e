"""What looks like a number and is a name stays a name on its way through a run's files."""

from types import SimpleNamespace

import pandas as pd

from radstudy.artefacts.agree import ICC, MASKS
from radstudy.artefacts.beside import CHANCE, LEAKS
from radstudy.artefacts.evaluate import TABLE3
from radstudy.protocol.load import parse_protocol
from radstudy.report.facts import read_facts
from radstudy.steps.agree import read_reproducible
from radstudy.steps.leaks import _overlap
from radstudy.steps.other_reader import do_other_reader


def stub(out, **protocol):
    """As much of a run as a reader of one file needs."""
    return SimpleNamespace(out=out, path=out.joinpath, protocol=SimpleNamespace(**protocol))


def test_the_reproducible_features_of_sequences_called_1_and_007_go_on(tmp_path):
    rows = [{"sequence": sequence, "feature": "f", "icc": 0.9, "ci_low": 0.8, "ci_high": 0.95, "lesions": 9,
             "kept": True} for sequence in ("1", "007", "NA")]  # fmt: skip
    ICC.write(tmp_path, rows)
    run = stub(tmp_path, sequences=("1", "007", "NA"))
    assert read_reproducible(run) == {"1": ["f"], "007": ["f"], "NA": ["f"]}


def test_masks_of_readers_called_01_and_02_are_theirs(tmp_path):
    MASKS.write(tmp_path, [dict.fromkeys(MASKS.names, 0.5) | {
        "patient": "007", "lesion": "1", "sequence": "1", "reader_a": "01", "reader_b": "02", "note": "",
    }])  # fmt: skip
    (row,) = _overlap(tmp_path).to_dict("records")
    assert (row["sequence"], row["reader_a"], row["reader_b"]) == ("1", "01", "02")


STUDY = """
study: test
cohort:
  patient: id
  outcome: {column: y, positive: "1"}
  split: {column: set}
  images: "{patient}/{sequence}.nii.gz"
  masks: "{patient}/{sequence}_{reader}.nii.gz"
  readers: [a]
  clinical: {size: {}, grade: {levels: ["1", "2"]}}
sequences: [T2]
model:
  select: [{boosted_trees: {keep: 2}}]
  models: {"NA": [T2]}
evaluate: {resampling: null}
"""


def test_the_report_reads_notes_and_marks_as_text(tmp_path):
    CHANCE.write(tmp_path, [{"kind": "outcome", "model": "NA", "note": "", "exchanged": "6681e602", "computed": True,
                           "by": "engine", "engine_why_not": ""}])  # fmt: skip
    TABLE3.write(tmp_path, [{"model": "NA", "set": "testing", "rows": 9, "positives": 4, "note": "",
                             "average_precision_note": "007"}])  # fmt: skip
    facts = read_facts(parse_protocol(STUDY), tmp_path)
    (chance,) = facts.frame(CHANCE.path).to_dict("records")
    assert (chance["model"], chance["exchanged"], chance["engine_why_not"]) == ("NA", "6681e602", "")
    (row,) = facts.frame(TABLE3.path).to_dict("records")
    assert (row["model"], row["average_precision_note"]) == ("NA", "007")


def test_a_clinical_variable_is_typed_by_the_study_and_not_by_its_name(tmp_path):
    (tmp_path / "cohort").mkdir()
    text = "patient,lesion,outcome,set,side,size,grade\n007,1,1,testing,,12.5,1\n"
    (tmp_path / "cohort" / "rows.csv").write_text(text, encoding="utf-8")
    (row,) = read_facts(parse_protocol(STUDY), tmp_path).frame("cohort/rows.csv").to_dict("records")
    assert row["patient"] == "007" and row["size"] == 12.5 and row["grade"] == "1"


def test_a_table_that_is_not_as_declared_is_unreadable_by_its_name(tmp_path):
    (tmp_path / "evaluate").mkdir()
    TABLE3.file(tmp_path).write_text("model,set,auc\nT2,testing,high\n", encoding="utf-8")
    facts = read_facts(parse_protocol(STUDY), tmp_path)
    assert TABLE3.path not in facts.frames and "the column 'auc'" in facts.unreadable[TABLE3.path]


def test_a_model_called_na_is_predicted_on_the_other_reader(synthetic):
    made = synthetic(rows=40, features=12)
    made.study = made.study.replace("    T2: [T2]\n", '    T2: [T2]\n    "NA": [DWI]\n')
    run = made.run()
    moved = pd.read_csv(run.path("evaluate", "other_reader", "moved.csv"), keep_default_na=False)
    assert "NA" in set(moved["model"])


def test_a_study_without_a_model_that_can_be_fitted_runs_to_its_end(synthetic):
    made = synthetic(rows=30, features=8)
    training = made.rows.index[made.rows["set"] == "training"]
    made.rows.loc[training, "outcome"] = [1] + [0] * (len(training) - 1)  # one positive patient
    run = made.run()
    assert TABLE3.file(run.out).read_text(encoding="utf-8") == ",".join(TABLE3.names) + "\n"
    do_other_reader(run)
    assert LEAKS.file(run.out).exists()
