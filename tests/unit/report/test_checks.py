"""The checks of the first page: their states at and beyond their thresholds, and what was not done."""

import pandas as pd
import pytest

from radstudy.report.checks import checks
from radstudy.report.outline import outline


def check(facts, name):
    (one,) = (one for one in checks(facts) if one.name == name)
    return one


def put(name, rows):
    def change(facts):
        facts.frames[name] = pd.DataFrame(rows)

    return change


def leaks(*severities):
    return put("evaluate/leaks/leaks.csv", [{"severity": one} for one in severities] or {"severity": []})


def volume(rho, auc, alone):
    row = {"model": "combined", "set": "testing", "rho": rho, "auc": auc, "volume_auc": alone}
    return put("evaluate/baselines/beside_volume.csv", [row, {**row, "model": "T2", "rho": 0.99, "volume_auc": 0.99}])


def events(per_candidate):
    row = {"model": "combined", "events": 20, "candidates": 4, "events_per_candidate": per_candidate}
    return put("evaluate/regression_models.csv", [row, {**row, "model": "T2", "events_per_candidate": 0.001}])


def agreed(kept, note=""):
    def change(facts):
        facts.documents["agree/summary.json"] |= {"kept": {"T2": kept}, "of_sequence": {"T2": 100}, "note": note}

    return change


def lost(count):
    def change(facts):
        facts.documents["cohort/flow.json"] = {"kept": 62}
        rows = facts.frames["model/predictions.csv"]
        names = rows["patient"].unique()[:count]
        facts.frames["cohort/rows.csv"] = rows[["patient", "lesion", "set", "outcome"]].drop_duplicates("patient")
        facts.frames["model/predictions.csv"] = rows[~rows["patient"].isin(names)]

    return change


def unused(count):
    def change(facts):
        lost(0)(facts)
        facts.documents["model/models.json"]["T2"]["not_used"] = count

    return change


def fields(moved, count=100):
    return put("prepare/volumes.csv", [{"field_shift": 0.011 if i < moved else 0.01} for i in range(count)])


@pytest.mark.parametrize(
    ("name", "change", "state", "value"),
    [
        ("Leaks", leaks("note"), "fine", "no finding in 0 kinds of leak"),
        ("Leaks", leaks("warning", "note"), "look", "0 errors, 1 warning"),
        ("Leaks", leaks("warning", "error"), "problem", "1 error, 1 warning"),
        ("Volume confounding", volume(0.79, 0.8, 0.79), "fine", "rho 0.79; AUC 0.800, volume alone 0.790"),
        ("Volume confounding", volume(-0.8, 0.8, 0.79), "look", "rho −0.80"),
        ("Volume confounding", volume(0.1, 0.8, 0.8), "look", "volume alone 0.800"),
        ("Volume confounding", volume(0.8, 0.8, 0.8), "problem", "combined"),
        ("Events per candidate", events(10), "fine", "combined: 10 (20 events, 4 candidates)"),
        ("Events per candidate", events(9.9), "look", "9.9"),
        ("Events per candidate", events(0.99), "problem", "0.99"),
        ("Reader agreement", agreed(50), "fine", "50 of 100 features (50.0%) with ICC > 0.75"),
        ("Reader agreement", agreed(49), "look", "49"),
        ("Reader agreement", agreed(0), "problem", "0 of 100"),
        ("Reader agreement", agreed(0, "there is one reader"), "not done", "there is one reader"),
        ("Lost patients", lost(0), "fine", "each of the 62 included patients is in at least one model"),
        ("Lost patients", unused(7), "fine", "at least one model; up to 7 missing from one model"),
        ("Lost patients", lost(3), "fine", "3 of 62 included patients (4.8%) in no model"),
        ("Lost patients", lost(4), "look", "4 of 62"),
        ("Lost patients", lost(13), "problem", "13 of 62"),
        ("Sensitive bias fields", fields(0), "fine", "0 of 100 volumes"),
        ("Sensitive bias fields", fields(10), "look", "10 of 100"),
        ("Sensitive bias fields", fields(11), "problem", "11 of 100 volumes (11.0%)"),
        ("Sensitive bias fields", put("prepare/volumes.csv", [{"patient": "p"}]), "not done", "No bias field was"),
    ],
)  # fmt: skip
def test_a_check_judges_by_its_threshold(whole, name, change, state, value):
    change(whole)
    judged = check(whole, name)
    assert (judged.state, value in judged.value) == (state, True), judged


def test_of_a_run_without_files_nothing_is_called_fine(whole):
    whole.frames.clear()
    whole.documents.clear()
    assert [one.state for one in checks(whole)] == ["not done"] * 6
    assert all(one.value for one in checks(whole))


def test_a_damaged_file_is_not_called_fine(whole):
    whole.documents["cohort/flow.json"] = {"kept": "many"}
    judged = check(whole, "Lost patients")
    assert judged.state == "not done" and "cannot be understood" in judged.value


def test_every_check_has_its_evidence_in_the_outline(whole):
    parts = {(part.kind, part.name) for section in outline() for part in section.parts}
    assert {one.evidence for one in checks(whole)} <= parts


def test_several_models_that_follow_the_volume_are_counted_in_words(whole):
    volume(0.9, 0.8, 0.8)(whole)
    object.__setattr__(whole, "protocol", whole.protocol.model_copy(update={
        "evaluate": whole.protocol.evaluate.model_copy(update={"primary": None})}))  # fmt: skip
    said = check(whole, "Volume confounding").value
    assert "of 2 models, 2 with probabilities that follow the volume's (rho), 2 with an AUC no better than the" in said


def test_a_single_reader_is_said_to_be_one(whole):
    cohort = whole.protocol.cohort.model_copy(update={"readers": ("contour",)})
    object.__setattr__(whole, "protocol", whole.protocol.model_copy(update={"cohort": cohort}))
    judged = check(whole, "Reader agreement")
    assert (judged.state, judged.value) == ("not done", "There is one reader, so it was not tested.")
    assert judged.threshold.endswith("problem: no feature kept")
