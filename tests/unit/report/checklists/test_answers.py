"""The status of the items: from evidence that exists, and lost with it."""

import re
from dataclasses import replace

import numpy as np
import pytest

from radstudy.protocol.load import parse_protocol
from radstudy.report.checklists import CHECKLISTS, ItemStatus, answered, metrics_score, shipped
from radstudy.report.cited import plain
from radstudy.report.facts import RunFacts
from radstudy.report.figures import FIGURES
from radstudy.report.tables import TABLES
from radstudy.report.text import TEXTS
from unit.report.conftest import MORE_STUDY

MET, NOT_MET, AUTHOR, OFF = ItemStatus.MET, ItemStatus.NOT_MET, ItemStatus.AUTHOR, ItemStatus.NOT_APPLICABLE
SPLIT_BY_PROGRAM = MORE_STUDY.replace("split: {column: set}", "split: {train: 0.7}").replace(
    "prepare: []", "prepare: [zscore: {}]"
)


@pytest.fixture
def run(whole):
    """The whole study, split and prepared by the program, with the documents that a finished run has."""
    models = whole.documents["model/models.json"]
    sequences = {"T2": ["T2"], "DWI": ["DWI"], "both": ["T2", "DWI"], "combined": ["T2", "DWI"], "clinical": []}
    documents = {
        **whole.documents,
        "extract/summary.json": {"features": 1218, "explained": "", "settings": {"setting": {"binWidth": 25},
                                 "imageType": {"Original": {}}, "featureClass": {"shape": ["Elongation"]}}},
        "extract/provenance.json": {"versions": {"radstudy": "1"}},
        "evaluate/leaks/checked.json": {"looked_for": ["scaling before the split"]},
        "model/models.json": {
            name: {**model, "sequences": sequences[name], "clinical": ["age"] if name == "clinical" else []}
            for name, model in models.items()
        },
    }  # fmt: skip
    frames = {**whole.frames, "evaluate/leaks/leaks.csv": whole.frames["evaluate/leaks/leaks.csv"].iloc[:0]}
    return replace(whole, protocol=parse_protocol(SPLIT_BY_PROGRAM), documents=documents, frames=frames)


def empty():
    return RunFacts(parse_protocol(SPLIT_BY_PROGRAM), {}, {}, (), {})


def statuses(facts, name="metrics"):
    return {one.item.number: one.status for one in answered(facts, shipped(name))}


def of_status(facts, status):
    return [int(number) for number, own in statuses(facts).items() if own is status]


def test_metrics_of_a_finished_run_by_hand(run):
    """491 of 956: 44 + 11 + 62 + 31 + 41 + 20 + 20 + 60 + 30 + 35 + 23 + 18 + 12 + 29 + 18 + 37, of 998 - 22 - 20."""
    assert of_status(run, MET) == [6, 10, 11, 12, 13, 14, 15, 18, 19, 20, 21, 22, 23, 24, 25, 26]
    assert of_status(run, OFF) == [9, 17]
    assert of_status(run, NOT_MET) == [16]
    score = metrics_score(answered(run, shipped("metrics")))
    assert round(score.now, 1) == 51.4
    assert round(score.completed, 1) == 96.9  # all but item 16, 30 of 956
    assert score.active == 28


def test_an_empty_study_scores_0(run):
    facts = empty()
    assert of_status(facts, MET) == []
    assert of_status(facts, OFF) == [8, 9, 10, 12, 14, 15, 16, 17]
    assert metrics_score(answered(facts, shipped("metrics"))).now == 0
    assert "The score is 0.0% now" in TEXTS["checklists"](facts)[1].text


@pytest.mark.parametrize("name", CHECKLISTS)
def test_an_empty_study_meets_nothing(name):
    assert MET not in statuses(empty(), name).values()


@pytest.mark.parametrize("name", CHECKLISTS)
def test_what_is_met_has_evidence_that_exists(run, name):
    items = [one for one in answered(run, shipped(name)) if one.status is MET]
    assert items
    for one in items:
        assert one.evidence
        for place in one.evidence:
            if place.setting:
                continue
            if place.part:
                kind, _, name = place.part.partition(" ")
                assert name in {"figure": FIGURES, "text": TEXTS}[kind], one.item.number
                continue
            assert place.file in run.frames or place.file in run.documents, one.item.number
            if place.file in run.frames and place.column:
                assert place.column in run.frames[place.file], one.item.number


@pytest.mark.parametrize("name", CHECKLISTS)
def test_without_a_piece_of_its_evidence_no_item_is_met(run, name):
    """Every file of every met item in turn is taken away: the item is no longer met, unless an alternative meets it."""
    for one in answered(run, shipped(name)):
        if one.status is not MET:
            continue
        needed = {file for wanted in one.item.met_by if not wanted.any_of for file in wanted.files}
        for file in needed:
            frames = {key: frame for key, frame in run.frames.items() if key != file}
            documents = {key: content for key, content in run.documents.items() if key != file}
            lacking = replace(run, frames=frames, documents=documents)
            assert statuses(lacking, name)[one.item.number] is not MET, (one.item.number, file)
        if not needed:  # settings and alternatives alone: without any file of the run it cannot be met
            bare = replace(run, frames={}, documents={})
            assert statuses(bare, name)[one.item.number] is not MET, one.item.number


@pytest.mark.parametrize(
    ("number", "file", "column"),
    [("21", "evaluate/table3.csv", "auc_low"), ("22", "evaluate/calibration.csv", "slope"),
     ("14", "agree/icc.csv", "icc"), ("20", "evaluate/table3.csv", "tp")],
)  # fmt: skip
def test_a_column_without_a_value_is_no_evidence(run, number, file, column):
    assert statuses(run)[number] is MET
    run.frames[file] = run.frames[file].assign(**{column: np.nan})
    assert statuses(run)[number] is NOT_MET
    run.frames[file] = run.frames[file].drop(columns=column)
    assert statuses(run)[number] is NOT_MET


def test_values_of_the_training_set_are_no_evidence_of_testing(run):
    table = run.frames["evaluate/table3.csv"]
    run.frames["evaluate/table3.csv"] = table[table["set"] == "training"]
    assert statuses(run)["20"] is NOT_MET
    assert statuses(run)["26"] is AUTHOR


def test_a_warning_of_the_leak_detector_leaves_confounders_to_the_author(run, whole):
    assert statuses(run)["19"] is MET
    run.frames["evaluate/leaks/leaks.csv"] = whole.frames["evaluate/leaks/leaks.csv"]
    assert statuses(run)["19"] is AUTHOR


def test_a_patient_in_both_sets_is_no_proper_split(run):
    assert statuses(run)["18"] is MET
    rows = run.frames["cohort/rows.csv"].copy()
    rows.loc[rows.index[0], "patient"] = rows["patient"].iloc[-1]
    run.frames["cohort/rows.csv"] = rows
    assert statuses(run)["18"] is AUTHOR


def test_a_split_that_the_table_gives_is_for_the_author_to_explain(run):
    given = replace(run, protocol=parse_protocol(MORE_STUDY))
    assert statuses(given)["18"] is statuses(given)["26"] is AUTHOR
    assert statuses(given)["11"] is NOT_MET  # and these images were not scaled


def test_models_of_one_sequence_must_be_compared_on_the_testing_set(run):
    pairs = run.frames["evaluate/delong.csv"]
    assert set(pairs["model_a"]) == {"T2"} and set(pairs["model_b"]) == {"both"}
    assert statuses(run)["23"] is MET
    run.frames["evaluate/delong.csv"] = pairs[pairs["set"] == "training"]
    assert statuses(run)["23"] is NOT_MET


def test_the_clinical_model_must_be_compared_with_one_of_images(run):
    del run.frames["evaluate/baselines/beside_volume.csv"]
    assert statuses(run)["24"] is NOT_MET
    run.frames["evaluate/delong.csv"] = run.frames["evaluate/delong.csv"].assign(model_a="clinical")
    assert statuses(run)["24"] is MET


def test_enough_patients_by_rileys_criteria(run):
    table = run.frames["evaluate/regression_models.csv"].copy()
    assert statuses(run)["16"] is NOT_MET  # 40 rows for 5 variables
    table[["rows", "events", "lr_dof"]] = [1000, 500, 5]
    run.frames["evaluate/regression_models.csv"] = table
    assert statuses(run)["16"] is MET
    table["lr_dof"] = 50
    assert statuses(run)["16"] is NOT_MET


def test_a_table_names_the_evidence_and_what_is_left_to_the_author(run):
    table = TABLES["checklist_metrics"](run).plain()
    rows = {row[0].text: row for row in table.rows if len(row) > 1}
    assert [link.target for link in rows["22"][3].links] == ["evaluate/calibration.csv"]
    assert rows["22"][3].whole_text == "evaluate/calibration.csv (slope)"
    assert rows["4"][2].text == "author must write" and rows["4"][4].text.startswith("Name the institutions")
    assert rows["22"][4].text == ""
    assert list(table.frame["number"]) == [str(number) for number in range(1, 31)]


def test_a_fixed_number_of_bins_is_a_discretisation(run):
    """With a fixed number no lesion has a number of its own: the column is empty."""
    frames = {**run.frames, "prepare/lesions.csv": run.frames["prepare/lesions.csv"].assign(bins=np.nan)}
    assert statuses(replace(run, frames=frames), "clear")["23"] is AUTHOR
    summary = run.documents["extract/summary.json"]
    fixed = {**summary, "settings": {**summary["settings"], "setting": {"binCount": 32}}}
    documents = {**run.documents, "extract/summary.json": fixed}
    assert statuses(replace(run, frames=frames, documents=documents), "clear")["23"] is MET


@pytest.mark.parametrize("name", CHECKLISTS)
def test_a_setting_that_is_left_out_is_no_evidence_to_look_up(run, name):
    places = [place.text for one in answered(run, shipped(name)) for place in one.evidence]
    assert places and not [text for text in places if "features)" in text and text.startswith("study file")]


def test_the_outcome_of_a_checklist_is_told_without_zeros(run):
    told = plain(" ".join(one.text for one in TEXTS["checklists"](run)))
    assert not re.findall(r"\b0 |\b1 (?:do|are) ", told)
    assert re.search(r"\b1 (?:does not apply|is not met)", told)
