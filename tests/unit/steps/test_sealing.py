"""Sealed testing results: nothing of them in any file before they are opened, and a record of all that was seen."""

import io
import sys
import zipfile

import numpy as np
import pandas as pd
import pytest

from radstudy.artefacts import HISTORY
from radstudy.cli import main
from radstudy.cohort.manifest import read_cohort
from radstudy.differences import compare_runs
from radstudy.errors import RefusedError, StorageError, StudyFileError, UsageError
from radstudy.protocol.load import parse_protocol
from radstudy.report.facts import SEALED, read_facts
from radstudy.report.sections import build_sections
from radstudy.report.text.seen import SEEN
from radstudy.report.text.sentence import said
from radstudy.signature.external import _sealed
from radstudy.steps import history, sealing
from radstudy.steps.leaks import check_study
from radstudy.store import write_json
from radstudy.study import run
from radstudy.working import only_run
from unit.full_disk import full_at
from unit.same_bytes import differing_files, stopped_clock

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
  resampling: null
  interval: {auc: delong}
report: {figures: [svg]}
"""
PRIMARY = "  primary: {model: all, against: clinical}\n"
OPEN = "  sealed: true\n"


def text(**changed):
    """The study, some of it changed."""
    written = STUDY
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
        "age": rng.normal(50, 9, rows).round(1),
        "margin": np.where(rng.random(rows) < 0.3 + 0.4 * y, "rough", "smooth"),
        "centre": np.where(rng.random(rows) < 0.5, "X", "Y"),
    })  # fmt: skip
    values = rng.normal(size=(rows, 14)) + np.r_[[0.0] * 7, [1.4] * 3, [0.0] * 4] * y[:, None]
    names = [*(f"T2_a{i}" for i in range(7)), *(f"b{i}_dwi" for i in range(7))]
    first = pd.concat(
        [pd.Series(ids, name="id"), pd.DataFrame(values, columns=names).assign(T2_Volume=50.0 + y)], axis=1
    )
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
    run(
        parse_protocol(written), data=folder, out=folder / "out", until=until, written=written, jobs=1, say=lines.append
    )
    return [line.replace(str(folder), "FOLDER") for line in lines]


def unsealed(folder, written):
    return sealing.unseal(parse_protocol(written), folder, folder / "out", written=written)


def state(folder, written):
    return sealing.seal_state(parse_protocol(written), folder, folder / "out")


def test_a_validation_cannot_be_sealed():
    assert next(_sealed(parse_protocol(text()))).startswith("evaluate.sealed is of studies")
    assert not list(_sealed(parse_protocol(text(sealed=(OPEN, "")))))


@pytest.fixture(scope="module")
def pair(tmp_path_factory):
    """Two sealed runs up to the evaluation, which differ in testing outcomes alone, and the lines that they printed."""
    where = tmp_path_factory.mktemp("sealed")
    one, other = made(where / "one"), made(where / "other", swapped=True)
    assert (one / "cohort.csv").read_bytes() != (other / "cohort.csv").read_bytes()
    with stopped_clock():
        told = [go(folder, text()) for folder in (one, other)]
    return one, other, told


def differing(one, other):
    return differing_files(one / "out", other / "out")


def test_runs_that_differ_in_testing_outcomes_alone_leave_the_same_bytes_and_lines(pair):
    one, other, told = pair
    assert differing(one, other) == []
    assert told[0] == told[1]
    rows = pd.read_csv(one / "out/cohort/rows.csv")
    assert rows.loc[rows["set"] == "testing", "outcome"].isna().all()
    assert rows.loc[rows["set"] == "training", "outcome"].notna().all()
    known = pd.read_csv(one / "out/model/predictions.csv")
    assert known.loc[known["set"] == "testing", ["outcome", "probability"]].isna().all(axis=None)
    assert set(pd.read_csv(one / "out/evaluate/table3.csv")["set"]) == {"training"}
    assert not (one / "out/evaluate/baselines").exists() and not (one / "out/model_card.md").exists()


def test_a_drawn_split_leaves_the_same_bytes_too_and_they_differ_once_unsealed(tmp_path):
    written = text(split=DRAWN)
    one, other = made(tmp_path / "one", drawn=True), made(tmp_path / "other", swapped=True, drawn=True)
    with stopped_clock():
        told = [go(folder, written, "model") for folder in (one, other)]
        assert differing(one, other) == []
        assert told[0] == told[1]
        formulas = (one / "out/model/features.csv").read_bytes()
        for folder in (one, other):
            unsealed(folder, written)
            go(folder, written, "model")
    assert {"cohort/rows.csv", "model/predictions.csv"} <= set(differing(one, other))
    assert (one / "out/model/features.csv").read_bytes() == formulas


def test_every_part_of_a_sealed_report_is_whole_or_says_that_it_is_sealed(pair):
    facts = read_facts(parse_protocol(text()), pair[0] / "out").cited()
    parts = {part.anchor: part for one in build_sections(facts, later=("figure",)) for part in one.parts}
    assert [name for name, part in parts.items() if part.bug] == []
    withheld = {name for name, part in parts.items() if part.absent == SEALED}
    assert {"table-predicted", "table-delong_testing", "text-results", "interactive-patients", "table-clinical",
            "table-chance", "table-checklist_clear", "text-five_sentences"} <= withheld  # fmt: skip
    assert parts["table-performance"].content.footnotes[0] == "Training patients alone: the testing results are sealed."
    asked = " ".join(paragraph.text for paragraph in parts["text-asked"].content)
    assert (
        "The testing results are sealed (evaluate.sealed in the study file). To do: declare evaluate.primary" in asked
    )
    assert [one.state for one in parts["checks-all"].content if one.name == "Volume confounding"] == ["not done"]


@pytest.mark.long
def test_the_whole_page_and_its_files_are_the_same_bytes(pair):
    one, other, _ = pair
    whole = text(figures=("[svg]", "[svg, png, pdf]"))
    with stopped_clock():
        told = [go(folder, whole, "report") for folder in (one, other)]
    assert told[0] == told[1]
    assert differing(one, other) == []
    page = (one / "out/report.html").read_text(encoding="utf-8")
    assert "could not be made" not in page and page.count(SEALED.partition(" To do:")[0]) >= 3
    assert len(list((one / "out/report/tables").glob("*.docx"))) > 10
    assert not list((one / "out/report").glob("tables/predicted*"))
    assert not (one / "out/study_bundle.zip").exists() and not (one / "out/report/manuscript.docx").exists()


RESAMPLED = ("resampling: null", "resampling: {nested: {repeats: 1, folds: 3}, splits: 2, bootstrap: 2}")


@pytest.mark.long
def test_what_is_open_is_the_same_as_in_a_study_that_was_never_sealed(tmp_path):
    written = text(resampling=RESAMPLED)
    one, other = made(tmp_path / "one"), made(tmp_path / "other")
    go(one, written)
    unsealed(one, written)
    go(one, written, until="report")
    go(other, text(sealed=(OPEN, ""), resampling=RESAMPLED))
    tables = sorted(file.relative_to(other / "out") for file in (other / "out").rglob("*.csv"))
    assert len(tables) > 30
    assert [name for name in tables if (one / "out" / name).read_bytes() != (other / "out" / name).read_bytes()] == []
    with zipfile.ZipFile(one / "out/study_bundle.zip") as bundle:  # it repeats what is open
        assert "sealed" not in bundle.read("study.yaml").decode()
    assert (one / "out/model_card.md").read_bytes() == (other / "out/model_card.md").read_bytes()


def test_a_study_without_the_setting_has_the_keys_and_settings_of_before(tmp_path):
    for written in (text(sealed=(OPEN, "")), text(sealed=(OPEN, "  sealed: false\n"))):
        protocol = parse_protocol(written)
        assert "sealed" not in protocol.model_dump(mode="json", by_alias=True)["evaluate"]
    folder = made(tmp_path / "study")
    go(folder, text(sealed=(OPEN, "")), "model")
    again = go(folder, text(sealed=(OPEN, "  sealed: false\n")), "model")
    assert [line for line in again if line.startswith(("cohort", "extract", "agree", "model"))] == [
        f"{step}: already done" for step in ("cohort", "extract", "agree", "model")
    ]
    for record in (folder / "out").rglob("provenance.json"):
        assert "sealed" not in record.read_text()


def test_unsealing_refuses_what_is_not_declared_not_fitted_changed_or_open(tmp_path):
    folder, undeclared = made(tmp_path / "study"), text(primary=(PRIMARY, ""))
    with pytest.raises(RefusedError, match=r"has no run yet. To do: give 'radstudy run' first"):
        unsealed(folder, text())
    go(folder, undeclared, until="agree")
    with pytest.raises(RefusedError, match=r"(?s)no primary model.*evaluate: \{primary: .*have not been fitted"):
        unsealed(folder, undeclared)
    go(folder, undeclared, until="model")
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
    go(folder, text(), until="model")
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


def test_a_full_disk_leaves_the_results_sealed(tmp_path):
    folder = made(tmp_path / "study")
    go(folder, text(), until="model")
    before = HISTORY.file(folder / "out").read_bytes()
    with full_at(300), pytest.raises(StorageError, match=r"history\.json cannot be written"):
        unsealed(folder, text())
    assert HISTORY.file(folder / "out").read_bytes() == before and state(folder, text()).sealed


def test_the_command_asks_says_what_it_opens_and_shows_the_next_command(tmp_path, capsys, monkeypatch):
    folder = made(tmp_path / "study")
    (folder / "study.yaml").write_text(text())
    go(folder, text(), until="model")
    call = ["radstudy", "unseal", str(folder / "study.yaml"), "--out", str(folder / "out")]
    printed = [_called(monkeypatch, capsys, [*call, *more]) for more in ((), ("--yes",), ("--yes",))]
    assert [code for code, _ in printed] == [0, 0, 5]
    assert "Primary model: all" in printed[0][1].out and "Nothing was opened." in printed[0][1].err
    assert "Next: radstudy run" in printed[1][1].err
    assert "were unsealed before" in printed[2][1].err


def _called(monkeypatch, capsys, arguments):
    monkeypatch.setattr(sys, "argv", arguments)
    monkeypatch.setattr(sys, "stdin", io.StringIO(""))
    with pytest.raises(SystemExit) as ended:
        main()
    return ended.value.code or 0, capsys.readouterr()


def test_a_seal_is_not_broken_by_removing_the_setting_and_cannot_be_set_after_the_results(tmp_path):
    folder, without = made(tmp_path / "study"), text(sealed=(OPEN, ""))
    go(folder, text(), until="model")
    with pytest.raises(StudyFileError, match=r"sealed since .*'sealed: true'.*radstudy unseal"):
        go(folder, without)
    assert any("no longer seals" in reason for reason in state(folder, without).reasons)
    HISTORY.file(folder / "out").unlink()  # whoever removes the record gains nothing: it is sealed as before
    go(folder, text(), until="cohort")
    assert state(folder, text()).sealed
    unsealed(folder, text())
    go(folder, text(), until="model")
    HISTORY.file(folder / "out").unlink()  # nor does the loss of it seal opened results again
    assert not state(folder, text()).sealed
    other = made(tmp_path / "other")
    go(other, without, until="model")
    assert any("evaluate.sealed has no effect in this folder" in line for line in go(other, text(), until="cohort"))
    assert not state(other, text()).sealed
    with pytest.raises(RefusedError, match="not sealed: testing rows were predicted on"):
        unsealed(other, text())


def see(folder, *studies):
    """The results of these studies are shown, one after the other: as the step evaluate notes before it computes."""
    for written in studies:
        go(folder, written, until="cohort")
        history.note_testing(folder / "out")
        history.note_seen(parse_protocol(written), folder / "out")


def seen(folder, written):
    facts = read_facts(parse_protocol(written), folder / "out")
    return said(facts, SEEN)


def test_how_often_results_were_seen_and_what_changed_after_that_is_told(tmp_path):
    folder, first = made(tmp_path / "study"), text(sealed=(OPEN, ""))
    see(folder, first, first)
    assert [one["protocols"] for one in HISTORY.read(folder / "out")["seen"]] == [1]
    assert "seen under 1 protocol; the first on" in seen(folder, first)
    assert "CHANGED" not in seen(folder, first)
    see(folder, text(sealed=(OPEN, ""), figures=("[svg]", "[png]"), study=("study: test", "study: other title")))
    assert len(HISTORY.read(folder / "out")["seen"]) == 1  # they change no result
    second = text(sealed=(OPEN, ""), select=("keep: 2", "keep: 3"))
    table = pd.read_csv(folder / "cohort.csv", dtype=str).fillna("")
    table.loc[table["id"] == "P30", "why"] = "outlier"
    table.loc[table["id"] == "P05", "why"] = ""
    table.to_csv(folder / "cohort.csv", index=False)
    see(folder, second, first)  # back again: it stays told
    assert [one["protocols"] for one in HISTORY.read(folder / "out")["seen"]] == [1, 2, 2]
    told = seen(folder, first)
    assert "seen under 2 protocols" in told and "and the data changed between" in told
    assert "CHANGED AFTER TESTING RESULTS WERE FIRST SEEN" in told
    assert "model.select.boosted_trees.keep: 2 → 3" in told
    assert "excluded: P30 (outlier)" in told and "added: P05" in told


def test_changes_after_unsealing_are_told_and_a_new_primary_is_late(tmp_path):
    folder = made(tmp_path / "study")
    go(folder, text(), until="model")
    unsealed(folder, text())
    other = text(primary=(PRIMARY, "  primary: {model: DWI, against: clinical}\n"), select=("keep: 2", "keep: 1"))
    see(folder, other)
    assert [one["after_testing"] for one in HISTORY.read(folder / "out")["declarations"]] == [False, True]
    told = seen(folder, other)
    assert "CHANGED AFTER THE TESTING RESULTS WERE UNSEALED: model.select.boosted_trees.keep: 2 → 1" in told
    assert "unsealed for all against clinical" in told
    assert not state(folder, other).sealed


def test_a_run_of_an_earlier_version_says_what_it_did_not_record(tmp_path):
    folder, written = made(tmp_path / "study"), text(sealed=(OPEN, ""))
    folder.joinpath("out").mkdir()
    write_json(
        HISTORY.file(folder / "out"), {"testing_first_predicted": "2025-01-02T03:04:05+00:00", "declarations": []}
    )
    see(folder, written)
    told = seen(folder, written)
    assert "first predicted on 2025-01-02 03:04 UTC" in told and "was not recorded before version" in told
    assert HISTORY.read(folder / "out")["declarations"][0]["after_testing"] is True


def test_the_leak_detector_and_the_command_check_know_no_testing_outcome(tmp_path):
    one, other = made(tmp_path / "one"), made(tmp_path / "other", swapped=True)
    results = [check_study(parse_protocol(text()), data=folder, out=folder / "out") for folder in (one, other)]
    assert list(map(str, results[0].findings)) == list(map(str, results[1].findings))
    assert any("48 rows" in finding.evidence or "46 rows" in finding.evidence for finding in results[0].findings)


def test_two_sealed_runs_are_compared_without_outcomes(pair):
    lines = compare_runs(*(folder / "out" for folder in pair[:2])).lines()
    assert not any("outcome" in line for line in lines)
    assert lines[-1].startswith("The results are the same")


def test_a_second_role_of_the_outcome_is_refused():
    with pytest.raises(StudyFileError, match=r"cohort\.clinical\.fish names its column 'y'"):
        parse_protocol(text(clinical=("{age: {}", "{fish: {column: y}, age: {}")))


def test_the_history_of_a_sealed_run_has_no_result(pair):
    record = HISTORY.read(pair[0] / "out")
    assert record["testing_first_predicted"] is None and record["seen"] == [] and record["sealed"]
