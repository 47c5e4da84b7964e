"""Two runs compared: what differs, what can explain it, and what is refused."""

import json

import numpy as np
import pandas as pd
import pytest

from radstudy.artefacts.agree import ICC
from radstudy.artefacts.cohort import EXCLUDED, ROWS
from radstudy.artefacts.evaluate import TABLE3
from radstudy.artefacts.model import FEATURES
from radstudy.differences import compare_runs
from radstudy.errors import UsageError
from radstudy.store import write_json

PATIENTS = ("P1", "P2", "P3", "P4")
NAMES = ("original_firstorder_Mean", "original_shape_Elongation", "original_glcm_Contrast")


def of_model(select=0.8):
    steps = [{"impute": "median", "collinear": None}, {"impute": None, "collinear": {"above": select}}]
    return {"model": {"select": steps, "models": {"T2": {"sequences": ["T2"], "pool": None}}}}


def record(key, settings, inputs, scipy="1.17.1"):
    return {"key": key, "settings": settings, "inputs": inputs, "versions": {"scipy": scipy}, "machine": {}}


def run_folder(folder, *, icc=0.75, kept=(True, True, False), used=NAMES[:1], auc=0.8, scipy="1.17.1", files=None):
    """A run of four patients and three features on T2."""
    steps = {
        "cohort": record("c", {"seed": 1}, {"table": "t", "cases": "x"}, scipy),
        "prepare": record("p", {"extract": {"bin_width": 25}}, files or {"P1_1_T2": "1", "P2_1_T2": "2"}, scipy),
        "extract": record("e", {"setting": {"binWidth": 25}}, {"prepare": "p"}, scipy),
        "agree": record(f"a{icc}", {"agree": {"icc": {"above": icc}}}, {"extract": "e"}, scipy),
        "model": record("m", of_model(), {"agree": f"a{icc}", "rows": "r"}, scipy),
        "evaluate": record("v", {}, {"model": "m"}, scipy),
    }
    for step, content in steps.items():
        (folder / step).mkdir(parents=True)
        write_json(folder / step / "provenance.json", content)
    row = {"lesion": "1", "set": "training", "side": "left"}
    ROWS.write(folder, [{**row, "patient": p, "outcome": i % 2, "age": 40.0 + i} for i, p in enumerate(PATIENTS)])
    EXCLUDED.write(folder, [])
    index = pd.MultiIndex.from_product(
        [PATIENTS, ["1"], ["T2"], ["r1"]], names=["patient", "lesion", "sequence", "reader"]
    )
    values = np.arange(12.0).reshape(4, 3) + 1
    pd.DataFrame(values, index=index, columns=list(NAMES)).to_parquet(folder / "extract" / "features.parquet")
    ICC.write(folder, [{"sequence": "T2", "feature": name, "icc": 0.8, "ci_low": 0.7, "ci_high": 0.9, "lesions": 4,
                        "kept": keep} for name, keep in zip(NAMES, kept, strict=True)])  # fmt: skip
    rows = [{"model": "T2", "feature": f"T2:{name}"} for name in used]
    pd.DataFrame(rows).reindex(columns=FEATURES.names).to_csv(FEATURES.file(folder), index=False)
    row = {"model": "T2", "set": "testing", "rows": 4, "positives": 2, "auc": auc, "note": ""}
    TABLE3.write(folder, [row])
    return folder


def test_a_run_and_its_copy_have_the_same_results(tmp_path):
    same = compare_runs(run_folder(tmp_path / "a"), run_folder(tmp_path / "b"))
    assert not same.results_differ
    assert same.lines() == ["The results are the same: patients, feature values, selections and AUCs of both."]


def test_one_changed_setting_is_named_with_its_effect(tmp_path):
    a = run_folder(tmp_path / "a")
    b = run_folder(tmp_path / "b", icc=0.9, kept=(True, False, False), used=NAMES[2:], auc=0.85)
    differ = compare_runs(a, b)
    assert [(one.step, one.name, one.before, one.after) for one in differ.settings] == [
        ("agree", "agree.icc.above", 0.75, 0.9)
    ]
    assert [(one.of_what, one.before, one.after, one.only_before) for one in differ.reproducible] == [
        ("T2", 2, 1, (NAMES[1],))
    ]
    assert differ.selections[0].only_after == (f"T2:{NAMES[2]}",)
    assert (differ.aucs[0].before, differ.aucs[0].after) == (0.8, 0.85)
    assert not (differ.values or differ.rows.moved or differ.inputs or differ.versions)
    text = "\n".join(differ.lines())
    assert "T2, testing: 0.800 -> 0.850 (+0.050)" in text
    assert "What can explain the results: agree.icc.above (agree)." in text
    json.dumps(differ.document())


def test_a_setting_that_two_steps_record_is_named_once_and_choices_by_their_names(tmp_path):
    a, b = run_folder(tmp_path / "a"), run_folder(tmp_path / "b")
    write_json(b / "prepare" / "provenance.json", record("p", {"extract": {"bin_width": 10}},
                                                         {"P1_1_T2": "1", "P2_1_T2": "2"}))  # fmt: skip
    write_json(b / "extract" / "provenance.json", record("e", {"setting": {"binWidth": 10}}, {"prepare": "p"}))
    write_json(b / "model" / "provenance.json", record("m", of_model(0.7), {"agree": "a0.75", "rows": "r"}))
    assert [(one.name, one.after) for one in compare_runs(a, b).settings] == [
        ("extract.bin_width", 10), ("model.select.collinear.above", 0.7)
    ]  # fmt: skip


def test_patients_that_moved_went_or_changed_are_named_with_the_reason(tmp_path):
    a, b = run_folder(tmp_path / "a"), run_folder(tmp_path / "b")
    rows = ROWS.read(b).iloc[:3]
    rows.loc[0, "set"], rows.loc[1, "outcome"], rows.loc[2, "age"] = "testing", 0, 99.0
    ROWS.write(b, rows)
    EXCLUDED.write(b, [{"patient": "P4", "lesion": "1", "reason": "motion"}])
    text = "\n".join(compare_runs(a, b).lines())
    assert "1 only in the first run (P4: motion)" in text
    assert "1 in another set (P1: training -> testing)" in text
    assert "1 with another outcome (P2)" in text
    assert "age: another value in 1 row" in text


def test_values_that_differ_are_counted_and_the_largest_difference_is_named(tmp_path):
    a, b = run_folder(tmp_path / "a"), run_folder(tmp_path / "b", files={"P1_1_T2": "1", "P2_1_T2": "other"})
    file = b / "extract" / "features.parquet"
    frame = pd.read_parquet(file)
    frame.iloc[1, 1] *= 1 + 1e-4
    frame.iloc[2, 2] *= 1 + 1e-13  # a last digit is no difference
    frame.iloc[3, 0] = np.nan
    frame.to_parquet(file)
    differ = compare_runs(a, b)
    (change,) = differ.values
    assert (change.values, change.changed, change.feature) == (12, 2, NAMES[1])
    assert change.largest == pytest.approx(1e-4, rel=1e-3)
    assert "prepare: 1 with other content (P2_1_T2)" in "\n".join(differ.lines())


def test_results_that_nothing_recorded_explains_are_said_to_be_so(tmp_path):
    differ = compare_runs(run_folder(tmp_path / "a"), run_folder(tmp_path / "b", auc=0.9))
    assert "Nothing that the runs record explains the results" in differ.lines()[-1]


def test_a_step_that_is_older_than_what_it_reads_is_said(tmp_path):
    a, b = run_folder(tmp_path / "a"), run_folder(tmp_path / "b")
    write_json(b / "model" / "provenance.json", record("new", of_model(), {"agree": "a0.75", "rows": "r"}))
    assert compare_runs(a, b).stale == [("second", "evaluate")]


def test_versions_and_missing_steps_are_said(tmp_path):
    a, b = run_folder(tmp_path / "a"), run_folder(tmp_path / "b", scipy="1.16.0")
    (b / "evaluate" / "provenance.json").unlink()
    text = "\n".join(compare_runs(a, b).lines())
    assert "scipy: 1.17.1 -> 1.16.0 (cohort, prepare, extract, agree, model)" in text
    assert "evaluate: only the first run has finished it" in text


def test_a_folder_that_is_no_run_and_a_damaged_table_are_refused_by_name(tmp_path):
    a = run_folder(tmp_path / "a")
    with pytest.raises(UsageError, match="is not the folder of a run"):
        compare_runs(a, tmp_path)
    b = run_folder(tmp_path / "b")
    ICC.file(b).write_text("sequence,feature,icc,ci_low,ci_high,lesions,kept\nT2,x,high,1,1,4,True\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"icc\.csv cannot be read"):
        compare_runs(a, b)
