"""Tables, captions and names that claim no more than the run holds."""

from dataclasses import replace
from operator import attrgetter

import numpy as np
import pandas as pd
import pytest

from radstudy.protocol.classifiers import CLASSIFIERS
from radstudy.protocol.load import parse_protocol
from radstudy.protocol.prepare import PREPARATION_STEPS
from radstudy.protocol.selection import SELECTION_STEPS
from radstudy.report.chance import CHANCE_FILE, chance_note, chance_of
from radstudy.report.facts import read_facts
from radstudy.report.figures import FIGURES
from radstudy.report.figures.style import style
from radstudy.report.tables import TABLES
from radstudy.report.text import TEXTS
from radstudy.store import write_csv

IMAGES = """\
  images: "images/{patient}/{sequence}.nii.gz"
  masks: "masks/{patient}/{sequence}_{reader}.nii.gz"
"""
STUDY = """
study: test
cohort:
  patient: id
  outcome: {column: y, positive: "1", label: HER2}
  split: {column: set}
  images: "images/{patient}/{sequence}.nii.gz"
  masks: "masks/{patient}/{sequence}_{reader}.nii.gz"
  readers: [a, b]
sequences: [T2]
prepare: []
model: {select: [{impute: median}, {collinear: {}}, {univariate: {}}], models: {T2: [T2], last: {pool: [T2]}}}
"""


def with_study(facts, text):
    object.__setattr__(facts, "protocol", parse_protocol(text))
    return facts


def settings(facts):
    frame = TABLES["choices"](facts).frame
    return dict(zip(frame["setting"], frame["value"], strict=True))


# --- Table S33 ---------------------------------------------------------------------------------------------------


def test_the_choices_name_no_setting_that_is_not_in_force(facts):
    found = settings(with_study(facts, STUDY))
    assert found["model.select.impute"] == "median"
    assert "none" not in {found[name] for name in found if name.startswith("model.select.impute")}
    assert "model.select.standardise" not in found  # the study file has no such step
    assert "model.select.boosted_trees.keep" not in found
    assert found["cohort.split.column"] == "set"
    assert "cohort.split.train" not in found
    assert found["evaluate.cutoff.youden"] == "training"
    assert not {"evaluate.cutoff.sensitivity", "evaluate.cutoff.cost_ratio"} & set(found)
    assert found["agree.icc.above"] == "0.75"


def test_a_step_of_a_list_is_told_once(facts):
    frame = TABLES["choices"](with_study(facts, STUDY)).frame
    assert frame["setting"].value_counts().max() == 1


KEYS = {"model.select": "select: [WORD]", "model.fit": "select: [], fit: [WORD]", "prepare": ""}


@pytest.mark.parametrize(
    ("place", "word"),
    [("model.select", kind.word) for kind in SELECTION_STEPS]
    + [("model.fit", kind.word) for kind in CLASSIFIERS]
    + [("prepare", kind.word) for kind in PREPARATION_STEPS],
)
def test_every_setting_of_every_step_and_classifier_is_told_with_its_reason(facts, place, word):
    given = '{mask: "{patient}.nii", label: 3}' if word == "reference" else ""
    if word in ("lasso", "elastic_net") and place == "model.select":
        given = "{most: 4}"  # the cap is told where there is one
    text = STUDY.replace("select: [{impute: median}, {collinear: {}}, {univariate: {}}], ", f"{KEYS[place]}, ")
    if place == "prepare":
        text = STUDY.replace("prepare: []", "prepare: [WORD]")
    if word == "harmonise":
        given = "{reference: Bern}"
        text = text.replace("\n  patient: id\n", "\n  patient: id\n  site: scanner\n")
    frame = TABLES["choices"](with_study(facts, text.replace("WORD", f"{{{word}: {given}}}"))).frame
    told = frame[frame["setting"].str.fullmatch(rf"{place}\.{word}(\..*)?")]
    (section,) = attrgetter(place)(facts.protocol)
    names = {field.alias or name for name, field in type(section).model_fields.items() if name not in section.idle()}
    expected = {f"{place}.{word}.{name}" if name != "root" else f"{place}.{word}" for name in names}
    assert set(told["setting"]) == expected
    assert (told["why"].str.len() > 10).all()


def test_a_setting_that_decides_nothing_is_not_told(facts):
    found = settings(with_study(facts, STUDY.replace("{univariate: {}}", "{univariate: {test: auc}}")))
    assert found["model.select.univariate.above"] == "0.65"
    assert not {"model.select.univariate.below", "model.select.univariate.adjust"} & set(found)
    assert "model.select.univariate.above" not in settings(with_study(facts, STUDY))


def test_the_cut_offs_rule_alone_is_told(facts):
    found = settings(with_study(facts, STUDY + "evaluate: {cutoff: {sensitivity: 0.9}}\n"))
    assert found["evaluate.cutoff.sensitivity"] == "0.9"
    assert "evaluate.cutoff.youden" not in found


def test_of_one_reader_no_agreement_is_told(facts):
    found = settings(with_study(facts, STUDY.replace("[a, b]", "[a]")))
    assert not [name for name in found if name.startswith("agree.")]


def test_a_study_of_given_features_has_no_settings_of_images(facts):
    text = STUDY.replace(IMAGES + "  readers: [a, b]\n", "").replace("prepare: []", "features: {table: f}")
    found = settings(with_study(facts, text))
    assert not [name for name in found if name.startswith(("extract.", "prepare."))]


def test_what_is_switched_off_is_told_in_words(facts):
    found = settings(with_study(facts, STUDY + "agree: {icc: null}\nevaluate: {chance: null, resampling: null}\n"))
    assert found["agree.icc"] == "no filter"
    assert found["evaluate.chance"] == "no outcome is permuted"
    assert "evaluate.chance.permutations" not in found
    assert found["model.signature"] == "not named: the last model that is a formula"


# --- words -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("labels", "groups"),
    [("[no, yes]", ("HER2 no", "HER2 yes")), ('["0", "1"]', ("HER2 0", "HER2 1")),
     ("[benign, malignant]", ("benign", "malignant")), ("[Negative, Positive]", ("HER2 Negative", "HER2 Positive"))],
)  # fmt: skip
def test_a_group_that_says_nothing_by_itself_has_the_outcomes_name(facts, labels, groups):
    with_study(facts, STUDY.replace("label: HER2}", f"label: HER2, labels: {labels}}}"))
    assert facts.groups == groups


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("", "the last model that is a formula, because the study file names none"),
        ("signature: last, ", "named for use"),
    ],
)
def test_the_signature_is_said_to_be_named_where_it_was(facts, named, words):
    with_study(facts, STUDY.replace("model: {", f"model: {{{named}"))
    facts.documents["signature.json"] = {"model": "last", "formula": {"terms": []}, "cutoff": 0.5, "sequences": ["T2"],
                                         "clinical": {}}  # fmt: skip
    (note,) = TEXTS["signature_note"](facts)
    assert words in note.text
    assert ("the model that the study file names" in note.text) is False


def test_table_s11_names_the_bound_of_the_strict_mode(facts):
    facts.frames["agree/icc.csv"] = pd.DataFrame({"sequence": ["T2"], "feature": ["f"], "icc": [0.9]})
    facts.documents["agree/summary.json"] |= {"lesions": {"T2": 12}, "by": "lower"}
    table = TABLES["icc"](facts)
    assert "Kept (lower 95% limit > 0.75)" in [cell.text for cell in table.header[0]]
    assert any("lower limit" in note for note in table.footnotes)
    facts.documents["agree/summary.json"]["by"] = "estimate"
    table = TABLES["icc"](facts)
    assert "Kept (estimate > 0.75)" in [cell.text for cell in table.header[0]]


# --- chance ------------------------------------------------------------------------------------------------------

CHANCE_COLUMNS = ["kind", "model", "measure", "permutations", "observed", "p_value", "chance_median", "chance_low",
                "chance_high", "note"]  # fmt: skip


def test_no_permutation_is_not_0_permutations(facts):
    left = [("outcome", name, *[None] * 7, "no chance calibration: the step lasso") for name in facts.fitted[:2]]
    left += [("outcome", facts.fitted[2], *[None] * 7, "no chance calibration: the classifier svm")]
    facts.frames[CHANCE_FILE] = pd.DataFrame(left, columns=CHANCE_COLUMNS)
    note = chance_note(facts)
    assert "0 permutations" not in note
    assert "The outcome was not permuted" in note
    assert f"Not for {facts.fitted[0]}, {facts.fitted[1]}: no chance calibration: the step lasso." in note
    assert f"Not for {facts.fitted[2]}: no chance calibration: the classifier svm." in note


def test_a_permutation_p_is_said_to_be_one_sided(facts):
    row = ("outcome", facts.fitted[0], "testing", 999, 0.8, 0.01, 0.5, 0.4, 0.7, "")
    facts.frames[CHANCE_FILE] = pd.DataFrame([row], columns=CHANCE_COLUMNS)
    table = TABLES["performance"](facts)
    (heading,) = (cell for cell in table.header[0] if cell.text == "Chance")
    assert "one-sided" in heading.below
    assert "central 95% of the AUCs" in chance_note(facts)
    assert "one-sided, upper tail" in chance_note(facts)


@pytest.mark.parametrize(
    ("switched", "name"),
    [("chance: null", CHANCE_FILE), ("baselines: null", "evaluate/baselines/table3.csv"),
     ("resampling: null", "evaluate/resampling/summary.csv")],
)  # fmt: skip
def test_files_of_an_earlier_study_file_are_none_of_this_one(tmp_path, switched, name):
    row = ("outcome", "T2", "testing", 999, 0.8, 0.01, 0.5, 0.4, 0.7, "")
    write_csv(tmp_path / name, pd.DataFrame([row], columns=CHANCE_COLUMNS))
    assert name in read_facts(parse_protocol(STUDY), tmp_path).frames
    facts = read_facts(parse_protocol(STUDY + f"evaluate: {{{switched}}}\n"), tmp_path)
    assert name not in facts.frames
    assert chance_of(facts, "T2", "testing") is None


# --- captions ----------------------------------------------------------------------------------------------------


def notes(name, facts):
    with style():
        return " ".join(FIGURES[name](facts).notes)


def test_the_figure_of_testing_aucs_explains_whose_the_bands_of_chance_are(facts):
    row = ("outcome", facts.fitted[0], "testing", 999, 0.8, 0.01, 0.5, 0.4, 0.7, "")
    facts.frames[CHANCE_FILE] = pd.DataFrame([row], columns=CHANCE_COLUMNS)
    assert f"Grey bands of {facts.fitted[0]}: the central 95%" in notes("auc", facts)


@pytest.mark.parametrize(
    ("figure", "file"),
    [("calibration", "evaluate/calibration_curves.csv"), ("decision", "evaluate/decision_curves.csv")],
)
def test_a_blue_band_is_explained_where_it_is_drawn(facts, figure, file):
    assert "Blue band: 95% pointwise confidence band" in notes(figure, facts)
    facts.frames[file] = facts.frames[file].assign(low=np.nan, high=np.nan)
    assert "Blue band" not in notes(figure, facts)


def splits_of(facts, **nested):
    rng = np.random.default_rng(1)
    facts.frames["evaluate/resampling/splits.csv"] = pd.DataFrame(
        {"model": "T2", "split": range(40), "auc": rng.normal(0.6, 0.05, 40)}
    )
    row = {"model": "T2", "training_auc": 0.9, "testing_auc": 0.8, "splits": 40, "split_median": 0.6, "split_low": 0.5,
           "split_high": 0.7, "selected_outside_auc": 0.8, "split_share_lower": 0.9, "resamples": np.nan,
           "out_of_bag_auc": np.nan, "out_of_bag_low": np.nan, "out_of_bag_high": np.nan, "out_of_bag_brier": np.nan,
           "share_brier": np.nan, "out_of_bag_slope": np.nan, "optimism": np.nan, "nested_auc": np.nan,
           "nested_low": np.nan, "nested_high": np.nan, "repeats": np.nan, "folds": np.nan, "note": ""}  # fmt: skip
    facts.frames["evaluate/resampling/summary.csv"] = pd.DataFrame([row | nested])


def test_figure_9_and_table_4_explain_nested_validation_where_there_is_one(facts):
    splits_of(facts)
    assert "Square" not in notes("splits", facts)
    told = " ".join(TABLES["honest"](facts).footnotes)
    assert "Nested cross-validation:" not in told
    assert "Out-of-bag" not in told
    assert "Other splits: 40 random splits" in told  # not the 1,000 that the study file asks for
    splits_of(facts, nested_auc=0.6, nested_low=0.5, nested_high=0.7, repeats=3.0, folds=5.0)
    assert "Square: nested cross-validation" in notes("splits", facts)
    assert "Nested cross-validation: 3 x 5 folds" in " ".join(TABLES["honest"](facts).footnotes)


def test_features_are_called_reproducible_where_that_was_tested(facts):
    """Tables S16 and S25 said "reproducible features" of a study with one reader, too."""
    table = TABLES["selection_funnel"](facts)
    starts = {row[0].text: row[1].text for row in table.rows}
    assert starts["T2"].startswith("reproducible features: ") and starts["both"].endswith(", reduced again")
    note = "No reproducibility filter: there is one reader; all features are used."
    facts.documents["agree/summary.json"]["note"] = note
    starts = {row[0].text: row[1].text for row in TABLES["selection_funnel"](facts).rows}
    assert starts["T2"].startswith("features: ")
    notes = " ".join(TABLES["regression_fit"](facts).footnotes)
    assert "Candidates: features and clinical variables" in notes and "reproducible" not in notes


def test_a_pooled_model_is_reduced_again_where_a_step_does_so(facts):
    select = tuple(step for step in facts.protocol.model.select if not step.reduces)
    model = facts.protocol.model.model_copy(update={"select": select})
    facts = replace(facts, protocol=facts.protocol.model_copy(update={"model": model}))
    starts = {row[0].text: row[1].text for row in TABLES["selection_funnel"](facts).rows}
    assert starts["both"] == "selected features of T2 + DWI"
