"""Sealed testing results: nothing of them in any file before they are opened, and a record of all that was seen."""

import datetime
import zipfile
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from radstudy import provenance
from radstudy.artefacts import HISTORY
from radstudy.cohort.manifest import read_cohort
from radstudy.differences import compare_runs
from radstudy.errors import RefusedError, StudyFileError, UsageError
from radstudy.protocol.load import parse_protocol
from radstudy.provenance import only_run
from radstudy.report.facts import read_facts
from radstudy.report.text.seen import SEEN
from radstudy.report.text.sentence import said
from radstudy.steps import history, sealing
from radstudy.steps import run as steps_run
from radstudy.steps.leaks import check_study
from radstudy.store import read_json, write_json
from radstudy.study import run

STUDY = """
study: test
seed: 3
cohort:
  table: cohort.csv
  patient: id
  exclude: why
  outcome: {column: y, positive: "1"}
  split: {column: set}
  readers: [a, b]
  clinical: {age: {}, margin: {levels: [smooth, rough], table: imaging}}
sequences: [T2, DWI]
features: {table: features.csv, reader: reader, columns: {T2: T2_, DWI: {suffix: _dwi}}}
model:
  select: [{impute: median}, {standardise: zscore}, {univariate: {}}, {boosted_trees: {keep: 2, trees: 10}}]
  models: {clinical: {clinical: {}}, DWI: [DWI], all: {add: [DWI, clinical]}}
evaluate:
  sealed: true
  primary: {model: all, against: clinical}
  chance: null
  resampling: {nested: {repeats: 1, folds: 3}, splits: 2, bootstrap: 2}
report: {figures: [svg], leave_out: [LEAVE_OUT]}
"""
SLOW = (
    "flowchart", "workflow", "icc", "funnel", "forest", "nomogram", "auc", "examples", "delong", "precision_recall",
    "scores", "calibration", "decision", "splits", "risks", "other_reader", "intensities",
)  # fmt: skip
PRIMARY = "  primary: {model: all, against: clinical}\n"
OPEN = "  sealed: true\n"


def text(**changed):
    """The study, some of it changed, with the one figure that tests do not need to wait for."""
    written = STUDY.replace("LEAVE_OUT", ", ".join(f"figure {name}" for name in SLOW))
    for name, (old, new) in changed.items():
        assert old in written, name
        written = written.replace(old, new)
    return written


def made(folder, *, swapped=False, drawn=False, rows=72):
    """cohort.csv and features.csv of two readers; if `swapped`, other testing patients have the outcome, as many."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    y = rng.permutation([0] * (rows // 2) + [1] * (rows // 2))
    ids = [f"P{i:02d}" for i in range(rows)]
    cohort = pd.DataFrame({
        "id": ids, "y": y, "set": np.where(np.arange(rows) % 3 == 0, "testing", "training"), "why": "",
        "age": rng.normal(50, 9, rows).round(1), "margin": np.where(rng.random(rows) < 0.3 + 0.4 * y, "rough", "smooth"),
        "centre": np.where(rng.random(rows) < 0.5, "X", "Y"),
    })  # fmt: skip
    values = rng.normal(size=(rows, 14)) + np.r_[[0.0] * 7, [1.4] * 3, [0.0] * 4] * y[:, None]
    names = [*(f"T2_a{i}" for i in range(7)), *(f"b{i}_dwi" for i in range(7))]
    first = pd.concat([pd.Series(ids, name="id"), pd.DataFrame(values, columns=names).assign(T2_Volume=50.0 + y)], axis=1)
    second = first.iloc[:20].copy()
    second[names] += rng.normal(scale=0.1, size=(20, 14))
    pd.concat([first.assign(reader="a"), second.assign(reader="b")]).to_csv(folder / "features.csv", index=False)
    cohort.loc[[5, 17], "why"] = "no consent"
    if swapped:
        cohort["y"] = _swapped(cohort, folder, drawn)
    cohort.to_csv(folder / "cohort.csv", index=False)
    return folder


def _swapped(cohort, folder, drawn):
    """The outcomes, exchanged among testing patients; of a drawn split, of neighbours, which does not move it."""
    if not drawn:
        testing = cohort.index[cohort["set"] == "testing"]
        return cohort["y"].mask(cohort["set"] == "testing", pd.Series(np.roll(cohort.loc[testing, "y"], 5), testing))
    cohort.to_csv(folder / "cohort.csv", index=False)
    rows = read_cohort(parse_protocol(text(split=DRAWN)), folder).rows.reset_index()
    testing = rows[rows["set"] == "testing"]
    near = [(a, b) for a, b in zip(testing.index[:-1], testing.index[1:], strict=True)
            if b == a + 1 and rows.at[a, "outcome"] != rows.at[b, "outcome"]]  # fmt: skip
    assert near
    exchanged = dict(zip(rows["patient"], rows["outcome"], strict=True))
    for a, b in near[:1]:
        exchanged |= {rows.at[a, "patient"]: rows.at[b, "outcome"], rows.at[b, "patient"]: rows.at[a, "outcome"]}
    return cohort["id"].map(exchanged).fillna(cohort["y"]).astype(int)


DRAWN = ("{column: set}", "{train: 0.6, stratify: true}")


def go(folder, written, until="evaluate"):
    lines = []
    run(parse_protocol(written), data=folder, out=folder / "out", until=until, written=written, jobs=1, say=lines.append)
    return [line.replace(str(folder), "FOLDER") for line in lines]


def unsealed(folder, written):
    return sealing.unseal(parse_protocol(written), folder, folder / "out", written=written)


def state(folder, written):
    return sealing.seal_state(parse_protocol(written), folder, folder / "out")


@pytest.fixture
def stopped_clock(monkeypatch):
    """One time for all that is recorded, and no duration: what remains may differ by the outcomes alone."""
    then = datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    clock = SimpleNamespace(datetime=SimpleNamespace(now=lambda _: then), UTC=datetime.UTC)
    monkeypatch.setattr(provenance, "datetime", clock)
    monkeypatch.setattr(history, "datetime", clock)
    monkeypatch.setattr(steps_run, "time", SimpleNamespace(monotonic=lambda: 0.0))


def contents(folder):
    """Every file of the run with its bytes; of Word and XLSX files, their members without the time of writing."""
    files = {file.relative_to(folder).as_posix(): file for file in sorted(folder.rglob("*")) if file.is_file()}
    return {name: _members(file) if file.suffix in (".docx", ".xlsx", ".zip") else file.read_bytes().replace(
        str(folder.parent).encode(), b"FOLDER") for name, file in files.items()}  # fmt: skip


def _members(file):
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist() if name != "docProps/core.xml"}


def differing(one, other):
    a, b = (contents(folder / "out") for folder in (one, other))
    assert a.keys() == b.keys()
    return [name for name in a if a[name] != b[name]]


@pytest.mark.parametrize("drawn", [False, True], ids=["given split", "drawn split"])
def test_two_studies_that_differ_in_testing_outcomes_alone_leave_the_same_bytes_until_they_are_unsealed(
    tmp_path, stopped_clock, drawn
):
    written = text(split=DRAWN) if drawn else text()
    one, other = made(tmp_path / "one", drawn=drawn), made(tmp_path / "other", swapped=True, drawn=drawn)
    assert (one / "cohort.csv").read_bytes() != (other / "cohort.csv").read_bytes()
    until = "evaluate" if drawn else "report"
    told = [go(folder, written, until) for folder in (one, other)]
    assert differing(one, other) == []
    assert told[0] == told[1]
    assert not (one / "out/study_bundle.zip").exists() and not (one / "out/report/manuscript.docx").exists()
    rows = pd.read_csv(one / "out/cohort/rows.csv")
    assert rows.loc[rows["set"] == "testing", "outcome"].isna().all()
    assert rows.loc[rows["set"] == "training", "outcome"].notna().all()
    known = pd.read_csv(one / "out/model/predictions.csv")
    assert known.loc[known["set"] == "testing", ["outcome", "probability"]].isna().all(axis=None)
    formulas = (one / "out/model/features.csv").read_bytes()
    for folder in (one, other):
        unsealed(folder, written)
        go(folder, written)
    assert {"cohort/rows.csv", "model/predictions.csv", "evaluate/table3.csv", "evaluate/roc.csv"} <= set(
        differing(one, other)
    )
    assert (one / "out/model/features.csv").read_bytes() == formulas
    assert "testing" in set(pd.read_csv(one / "out/evaluate/table3.csv")["set"])


def test_the_page_of_a_sealed_run_says_so_in_every_part_and_has_no_failed_one(sealed_report):
    page = (sealed_report / "out/report.html").read_text(encoding="utf-8")
    assert "could not be made" not in page
    assert "Training patients alone: the testing results are sealed." in page
    assert page.count("The testing results are sealed (evaluate.sealed in the study file). To do:") >= 3
    assert not list((sealed_report / "out").glob("report/tables/predicted*"))
    assert not (sealed_report / "out/evaluate/resampling").exists()


def test_what_is_open_is_the_same_as_in_a_study_that_was_never_sealed(tmp_path):
    written = text()
    one, other = made(tmp_path / "one"), made(tmp_path / "other")
    go(one, written)
    unsealed(one, written)
    go(one, written)
    go(other, text(sealed=(OPEN, "")))
    tables = sorted(file.relative_to(one / "out") for file in (one / "out").rglob("*.csv"))
    assert len(tables) > 30
    assert [name for name in tables if (one / "out" / name).read_bytes() != (other / "out" / name).read_bytes()] == []
    assert (one / "out/signature.json").read_bytes() != b""


def test_a_study_without_the_setting_has_the_keys_and_settings_of_before(tmp_path):
    for written in (text(sealed=(OPEN, "")), text(sealed=(OPEN, "  sealed: false\n"))):
        protocol = parse_protocol(written)
        assert "sealed" not in protocol.model_dump(mode="json", by_alias=True)["evaluate"]
    folder = made(tmp_path / "study")
    go(folder, text(sealed=(OPEN, "")))
    again = go(folder, text(sealed=(OPEN, "  sealed: false\n")))
    assert all(line.endswith("already done") for line in again if line.startswith(("cohort", "model", "evaluate")))
    for record in (folder / "out").rglob("provenance.json"):
        assert "sealed" not in record.read_text()


def test_unsealing_refuses_what_is_not_declared_not_fitted_changed_or_open(tmp_path):
    folder, undeclared = made(tmp_path / "study"), text(primary=(PRIMARY, ""))
    with pytest.raises(RefusedError, match=r"has no run yet. To do: give 'radstudy run' first"):
        unsealed(folder, text())
    go(folder, undeclared, until="agree")
    with pytest.raises(RefusedError, match=r"(?s)no primary model.*evaluate: \{primary: .*have not been fitted"):
        unsealed(folder, undeclared)
    go(folder, undeclared)
    with pytest.raises(RefusedError, match="no primary model is declared"):
        unsealed(folder, undeclared)
    other = text(select=("keep: 2", "keep: 3"))
    with pytest.raises(RefusedError, match="since the models were fitted, settings of the step 'model' changed"):
        unsealed(folder, other)
    assert state(folder, other).reasons and not state(folder, other).may_unseal
    table = (folder / "cohort.csv").read_text()
    (folder / "cohort.csv").write_text(table.replace("smooth", "rough", 1))
    with pytest.raises(RefusedError, match=r"since the models were fitted, cohort\.csv changed"):
        unsealed(folder, text())
    (folder / "cohort.csv").write_text(table)
    with only_run(folder / "out"), pytest.raises(UsageError, match="another run is working"):
        unsealed(folder, text())
    assert HISTORY.read(folder / "out").get("unsealed") is None
    assert state(folder, text()).may_unseal
    unsealed(folder, text())
    with pytest.raises(RefusedError, match="were unsealed before, on"):
        unsealed(folder, text())


def test_what_is_about_to_be_opened_and_the_record_of_it(tmp_path):
    folder = made(tmp_path / "study")
    go(folder, text())
    before = state(folder, text())
    assert before.sealed and before.since and before.opens is not None
    assert (before.opens.model, before.opens.against, before.opens.testing) == ("all", "clinical", 24)
    assert before.opens.models == ("clinical", "DWI", "all") and before.opens.excluded == 2
    assert "Testing patients: 24" in "\n".join(before.opens.lines())
    after = unsealed(folder, text())
    record = HISTORY.read(folder / "out")["unsealed"]
    assert not after.sealed and after.unsealed == record["time"]
    assert record["text"] == text() and len(record["training"]) == 46 and len(record["testing"]) == 24
    assert [row["reason"] for row in record["excluded"]] == ["no consent"] * 2
    assert record["settings"]["model"]["models"].keys() == {"clinical", "DWI", "all"}


def test_a_seal_is_not_broken_by_removing_the_setting_and_cannot_be_set_after_the_results(tmp_path):
    folder, without = made(tmp_path / "study"), text(sealed=(OPEN, ""))
    go(folder, text(), until="model")
    with pytest.raises(StudyFileError, match=r"sealed since .*'sealed: true'.*radstudy unseal"):
        go(folder, without)
    assert any("no longer seals" in reason for reason in state(folder, without).reasons)
    HISTORY.file(folder / "out").unlink()  # whoever removes the record gains nothing: it is sealed as before
    go(folder, text())
    assert state(folder, text()).sealed
    other = made(tmp_path / "other")
    go(other, without)
    assert any("evaluate.sealed has no effect in this folder" in line for line in go(other, text()))
    assert not state(other, text()).sealed
    with pytest.raises(RefusedError, match="not sealed: testing rows were predicted on"):
        unsealed(other, text())


def test_a_lost_record_of_an_opened_run_does_not_seal_it_again(tmp_path):
    folder = made(tmp_path / "study")
    go(folder, text())
    unsealed(folder, text())
    go(folder, text())
    HISTORY.file(folder / "out").unlink()
    assert not state(folder, text()).sealed


def seen(folder, written):
    facts = read_facts(parse_protocol(written), folder / "out")
    return said(facts, SEEN)


def test_how_often_results_were_seen_and_what_changed_after_that_is_told(tmp_path):
    folder, first = made(tmp_path / "study"), text(sealed=(OPEN, ""))
    go(folder, first)
    go(folder, first)
    assert [one["protocols"] for one in HISTORY.read(folder / "out")["seen"]] == [1]
    assert "seen under 1 protocol; the first on" in seen(folder, first)
    assert "CHANGED" not in seen(folder, first)
    go(folder, text(sealed=(OPEN, ""), figures=("[svg]", "[png]"), study=("study: test", "study: other title")))
    assert len(HISTORY.read(folder / "out")["seen"]) == 1  # they change no result
    second = text(sealed=(OPEN, ""), select=("keep: 2", "keep: 3"))
    table = pd.read_csv(folder / "cohort.csv", dtype=str).fillna("")
    table.loc[table["id"] == "P30", "why"] = "outlier"
    table.loc[table["id"] == "P05", "why"] = ""
    table.to_csv(folder / "cohort.csv", index=False)
    go(folder, second)
    go(folder, first)  # back again: it stays told
    assert [one["protocols"] for one in HISTORY.read(folder / "out")["seen"]] == [1, 2, 2]
    told = seen(folder, first)
    assert "seen under 2 protocols" in told and "and the data changed between" in told
    assert "CHANGED AFTER TESTING RESULTS WERE FIRST SEEN" in told
    assert "model.select.boosted_trees.keep: 2 → 3" in told
    assert "excluded: P30 (outlier)" in told and "added: P05" in told


def test_changes_after_unsealing_are_told_and_a_new_primary_is_late(tmp_path):
    folder = made(tmp_path / "study")
    go(folder, text())
    unsealed(folder, text())
    other = text(primary=(PRIMARY, "  primary: {model: DWI, against: clinical}\n"), select=("keep: 2", "keep: 1"))
    go(folder, other)
    assert [one["after_testing"] for one in HISTORY.read(folder / "out")["declarations"]] == [False, True]
    told = seen(folder, other)
    assert "CHANGED AFTER THE TESTING RESULTS WERE UNSEALED: model.select.boosted_trees.keep: 2 → 1" in told
    assert "unsealed for all against clinical" in told
    assert not state(folder, other).sealed


def test_a_run_of_an_earlier_version_says_what_it_did_not_record(tmp_path):
    folder, written = made(tmp_path / "study"), text(sealed=(OPEN, ""))
    go(folder, written)
    write_json(HISTORY.file(folder / "out"), {"testing_first_predicted": "2025-01-02T03:04:05+00:00", "declarations": []})
    go(folder, written)
    told = seen(folder, written)
    assert "first predicted on 2025-01-02 03:04 UTC" in told and "was not recorded before version" in told
    assert HISTORY.read(folder / "out")["declarations"][0]["after_testing"] is True


def test_the_leak_detector_and_the_command_check_know_no_testing_outcome(tmp_path):
    one, other = made(tmp_path / "one"), made(tmp_path / "other", swapped=True)
    results = [check_study(parse_protocol(text()), data=folder, out=folder / "out") for folder in (one, other)]
    assert list(map(str, results[0].findings)) == list(map(str, results[1].findings))
    assert any("48 rows" in finding.evidence or "46 rows" in finding.evidence for finding in results[0].findings)


def test_two_sealed_runs_are_compared_without_outcomes(tmp_path):
    one, other = made(tmp_path / "one"), made(tmp_path / "other", swapped=True)
    for folder in (one, other):
        go(folder, text())
    lines = compare_runs(one / "out", other / "out").lines()
    assert not any("outcome" in line for line in lines)
    assert lines[-1].startswith("The results are the same")


def test_a_second_role_of_the_outcome_is_refused():
    with pytest.raises(StudyFileError, match=r"cohort\.clinical\.fish names its column 'y'"):
        parse_protocol(text(clinical=("{age: {}", "{fish: {column: y}, age: {}")))


@pytest.fixture(scope="module")
def sealed_report(tmp_path_factory):
    """A sealed run with its page."""
    folder = made(tmp_path_factory.mktemp("sealed") / "study")
    go(folder, text(), until="report")
    return folder


def test_the_history_of_a_sealed_run_has_no_result(sealed_report):
    record = read_json(HISTORY.file(sealed_report / "out"))
    assert record["testing_first_predicted"] is None and record["seen"] == [] and record["sealed"]
