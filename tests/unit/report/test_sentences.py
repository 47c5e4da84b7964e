"""Every sentence of Methods and Summary: said where the run's files show its work, and not where they do not."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import radstudy.report.text as text_of_the_report
from radstudy.features.of_study import her2_ihc2plus
from radstudy.report.text.first_page import asked, five_sentences
from radstudy.report.text.methods import methods
from radstudy.report.text.summary import summary
from unit.report.conftest import parse_protocol

IMAGES = """\
  images: "images/{patient}/{sequence}.nii.gz"
  masks: "masks/{patient}/{sequence}_{reader}.nii.gz"
"""
STUDY = """
study: test
seed: 5
cohort:
  patient: id
  outcome: {column: y, positive: "1", label: HER2, labels: [no, yes]}
  split: {train: 0.65}
  images: "images/{patient}/{sequence}.nii.gz"
  masks: "masks/{patient}/{sequence}_{reader}.nii.gz"
  readers: [a, b]
  transfer: {from: T2, to: [DWI]}
  clinical:
    age: {label: Age, unit: year}
    margin: {label: Margin, levels: [smooth, lobed, spiculated], table: imaging}
sequences: [T2, DWI]
prepare: [{n4: {}}, {rescale: {to: [0, 1000]}}]
extract: {maps: {features: [original_firstorder_Mean]}}
agree: {kappa: {margin: {columns: [m1, m2]}}}
model:
  select: [{impute: median}, {standardise: zscore}, {collinear: {}}, {univariate: {}}, {boosted_trees: {keep: 2}}]
  signature: combined
  models:
    clinical: {clinical: {}}
    T2: [T2]
    DWI: [DWI]
    both: {pool: [T2, DWI]}
    combined: {add: [both, clinical]}
evaluate:
  primary: {model: combined, against: clinical}
  resampling: {optimism: [harrell]}
"""
UNDECLARED = STUDY.replace("  primary: {model: combined, against: clinical}\n", "")
STEPS = ("cohort", "prepare", "extract", "agree", "model", "evaluate")
MODELS = ("clinical", "T2", "DWI", "both", "combined")
CHANCE_FILE, BASELINES = "evaluate/chance/chance.csv", "evaluate/baselines/table3.csv"
RESAMPLED = "evaluate/resampling/summary.csv"


def provenance():
    versions = {"radstudy": "0.9", "python": "3.12", "platform": "Linux", "numpy": "2.0"}
    return {"key": "k", "finished": "2026-01-01T00:00:00", "seconds": 1.0, "code": "c", "versions": versions}


def cohort_rows():
    return pd.DataFrame([
        {"patient": f"{which}{i}", "lesion": "1", "set": which, "outcome": i % 2, "age": 50.0, "margin": "smooth"}
        for which, size in (("training", 40), ("testing", 22)) for i in range(size)
    ])  # fmt: skip


def flow():
    part = {"patients": 40, "negative": 20, "positive": 20}
    return {"screened": 65, "excluded": [{"reason": "too young", "patients": 3}], "kept": 62, "lesions": 62,
            "negative": 31, "positive": 31, "training": part,
            "testing": {"patients": 22, "negative": 11, "positive": 11}}  # fmt: skip


def read_in_the_room():
    """cohort/reading.json of a study in which everything was done."""
    return {
        "radstudy": "0.9", "fill_rule": "voxel_centres", "image": "prepared", "order": "random",
        "blinded_to": ["outcomes", "clinical variables"], "masks": 12, "masks_taken_in": 2,
        "shown": {"acquired": 10, "prepared": 30}, "tools": {"contour": 600, "interpolation": 300, "taken_in": 100},
        "readers": [{"reader": "a", "task": "masks", "lesions": 6, "opened_outcomes": False},
                    {"reader": "b", "task": "characteristics", "lesions": 1, "opened_outcomes": True},
                    {"reader": "c", "task": "arbitration", "lesions": 1, "opened_outcomes": False}],
        "wash_out_days": 28, "reopened": 2, "met_again": 3, "shortest_wash_out_days": 28.5,
        "repeated_masks": [{"reader": "a", "masks": 2, "dice_median": 0.9, "dice_low": 0.8, "dice_high": 1.0}],
        "repeated_items": [
            {"reader": "a", "item": "margin", "lesions": 3, "measure": "kappa", "value": 0.5},
            {"reader": "b", "item": "margin", "lesions": 1, "measure": "kappa", "value": None}],
        "final_values": {"agreed": 5, "averaged": 3, "arbitrated": 2, "unresolved": 1},
    }  # fmt: skip


def numbers_agreed():
    row = {"weights": "", "kappa": np.nan, "low": np.nan, "high": np.nan, "observed": 0.2, "n": 9, "note": ""}
    return pd.DataFrame([{"variable": "age", **row, "icc": 0.8, "icc_low": 0.6, "icc_high": 0.9}])


def in_the_room(**changes):
    """The summary with other content."""
    return known("cohort/reading.json", {**read_in_the_room(), **changes})


def groups(kind, test):
    return pd.DataFrame([{"set": "all", "variable": "v", "kind": kind, "p_value": 0.4, "test": test, "note": ""}])


def counted(table3):
    """Table 3 with the counts and limits that the step writes."""
    made = table3.assign(interval="newcombe", sensitivity_low=0.4, sensitivity_high=0.8)
    testing = made["set"] == "testing"
    for name, in_testing, in_training in (("tp", 7, 19), ("fn", 4, 1), ("tn", 8, 18), ("fp", 3, 2)):
        made[name] = np.where(testing, in_testing, in_training)
    return made


def delong():
    return pd.DataFrame([
        {"set": which, "model_a": "clinical", "model_b": "combined", "rows": 22, "difference": -0.123, "low": -0.3,
         "high": 0.05, "z": -1.4, "p_value": np.nan if which == "training" else 0.16, "p_adjusted": 0.32,
         "nested": True, "note": ""}
        for which in ("training", "testing")
    ])  # fmt: skip


def chance():
    row = {
        "permutations": 999.0,
        "observed": 0.75,
        "chance_median": 0.5,
        "chance_low": 0.3,
        "chance_high": 0.7,
        "note": "",
    }
    row |= {"chance_mean": 0.5, "chance_sd": 0.1, "p_floor": 0.001, "family": 4.0, "empty_percent": 10.0}
    kept = [{"kind": "outcome", "model": name, "measure": which, "p_value": 0.012, "p_max_t": 0.29, **row}
            for name in MODELS if name != "DWI" for which in ("training", "testing")]  # fmt: skip
    kept += [{"kind": "incremental", "model": "combined", "measure": "testing", "p_value": 0.169, "p_max_t": 0.169,
              **row}]  # fmt: skip
    kept += [{"kind": "outcome", "model": "DWI", "note": "no chance calibration: the step lasso"}]
    return pd.DataFrame(kept)


def resampled():
    row = {"training_auc": 0.9, "selected_outside_auc": 0.85, "testing_auc": 0.8, "nested_auc": 0.61,
           "nested_low": 0.5, "nested_high": 0.7, "repeats": 10.0, "folds": 5.0, "optimism": 0.29, "splits": 40.0,
           "split_median": 0.66, "split_low": 0.5, "split_high": 0.8, "split_share_lower": 0.9, "resamples": 20.0,
           "out_of_bag_auc": 0.64, "stability": 0.07, "note": ""}  # fmt: skip
    return pd.DataFrame([*({"model": name, **row} for name in MODELS if name != "DWI"),
                         {"model": "DWI", "note": "no resampling: the step lasso"}])  # fmt: skip


def baselines(table3):
    part = table3[table3["model"] == "T2"]
    kinds = (("volume, T2", "volume", 0.7), ("age", "age", 0.8), ("shuffled image, T2", "shuffled", 0.5))
    return pd.concat([part.assign(model=name, kind=kind, auc=auc) for name, kind, auc in kinds], ignore_index=True)


@pytest.fixture
def finished(facts):
    """A run in which everything was done: two readers, images, every comparison, one leak of each severity."""
    object.__setattr__(facts, "protocol", parse_protocol(STUDY))
    frames, documents = facts.frames, facts.documents
    frames["evaluate/table3.csv"] = counted(frames["evaluate/table3.csv"])
    frames |= {
        "cohort/rows.csv": cohort_rows(),
        "cohort/excluded.csv": pd.DataFrame([{"patient": f"x{i}", "lesion": "1", "reason": "young"} for i in range(3)]),
        "cohort/failures.csv": pd.DataFrame([{"patient": "q", "problem": "no file", "remedy": "look"}]),
        "prepare/volumes.csv": pd.DataFrame([
            {"patient": "p", "sequence": "T2", "history": "read x; N4 (50 iterations); rescale from minmax: 0..9"}
        ]),
        "extract/transferred.csv": pd.DataFrame([
            {"patient": "p", "lesion": "1", "sequence": "DWI", "from": "T2", "status": "confirmed"}]),
        "extract/maps/maps.csv": pd.DataFrame([{"patient": "p", "feature": "original_firstorder_Mean", "problem": ""}]),
        "agree/icc.csv": pd.DataFrame([{"sequence": "T2", "feature": "f", "icc": 0.9, "kept": True}]),
        "model/clinical_screen.csv": pd.DataFrame([
            {"model": "clinical", "variable": "age", "p_value": 0.01, "kept": True}]),
        "evaluate/table1.csv": groups("continuous", "Student's t"),
        "evaluate/table2.csv": groups("categorical", "Pearson chi-square"),
        "evaluate/delong.csv": delong(),
        CHANCE_FILE: chance(),
        RESAMPLED: resampled(),
        BASELINES: baselines(frames["evaluate/table3.csv"]),
        "evaluate/baselines/beside_volume.csv": pd.DataFrame([
            {"model": "combined", "set": "testing", "sequence": "T2", "auc": 0.75, "volume_auc": 0.88}]),
        "evaluate/other_reader/moved.csv": pd.DataFrame([{"model": "T2", "reader": "b", "set": "all"}]),
        "evaluate/resampling/corrections.csv": pd.DataFrame([
            {"model": "both", "correction": "harrell", "auc": 0.8, "noise_outcomes": 7, "resamples": 20}]),
        "evaluate/leaks/leaks.csv": pd.DataFrame([
            {"severity": severity, "check": "scaling", "what": what, "evidence": "e", "where": "w", "remedy": "r"}
            for severity, what in (("error", "the features were scaled before the split"),
                                   ("warning", "the site follows the outcome"))]),
    }  # fmt: skip
    frames["model/predictions.csv"] = frames["model/predictions.csv"].query("patient != 'testing0'")
    documents |= {f"{step}/provenance.json": provenance() for step in STEPS}
    documents["cohort/flow.json"] = flow()
    settings = her2_ihc2plus().as_dict()
    documents["extract/summary.json"] = {"features": 1218, "explained": "14 shape + 1,204 others", "settings": settings}
    documents["agree/summary.json"] |= {"readers": ["a", "b"], "lesions": {"T2": 12, "DWI": 12}, "by": "estimate",
                                        "patients": "all"}  # fmt: skip
    about = {"fitted": True, "empty": False, "note": "", "classifier": "logistic", "not_used": 0, "clinical": []}
    sequences = {"clinical": [], "T2": ["T2"], "DWI": ["DWI"], "both": ["T2", "DWI"], "combined": ["T2", "DWI"]}
    documents["model/models.json"] = {name: {**about, "sequences": sequences[name]} for name in MODELS}
    return facts


def told(facts):
    """All that the first page, Results and Methods say."""
    alarms = getattr(text_of_the_report, "alarms", lambda _: [])
    said = [*alarms(facts), *(getattr(line, "text", line) for line in summary(facts))]
    said += [paragraph.text for paragraph in (*asked(facts), *five_sentences(facts))]
    return "\n".join([*said, *(paragraph.text for paragraph in methods(facts))])


# --- the declaration of a primary model ---------------------------------------------------------------------------

EARLY = {"declared": "2026-01-01T00:00:00+00:00", "model": "combined", "against": "clinical", "after_testing": False}
LATE = {**EARLY, "declared": "2026-02-03T04:05:06+00:00", "after_testing": True}


def declared(facts):
    object.__setattr__(facts, "protocol", parse_protocol(STUDY))


def undeclared(facts):
    object.__setattr__(facts, "protocol", parse_protocol(UNDECLARED))


def history(*entries):
    """The run's history with these declarations."""
    return known(
        "history.json", {"testing_first_predicted": "2026-01-02T03:04:05+00:00", "declarations": list(entries)}
    )


def opened_by(*settings, **more):
    """The run's history, in which testing results were seen under these selections, one after the other."""
    seen = [
        {"time": f"2026-01-0{number}T00:00:00+00:00", "protocol": str(value), "settings": {"model": {"keep": value}},
         "training": ["p1"], "testing": ["p2"], "excluded": [], "data": "d", "protocols": number}
        for number, value in enumerate(settings, 1)
    ]  # fmt: skip
    first = "2026-01-02T03:04:05+00:00"
    return known("history.json", {"testing_first_predicted": first, "declarations": [EARLY], "seen": seen, **more})


def sealing(sealed):
    return lambda facts: object.__setattr__(facts, "sealed", sealed)


UNSEALED = {"time": "2026-01-01T00:00:00+00:00", "model": "combined", "against": "clinical", "text": "",
            "protocol": "2", "settings": {"model": {"keep": 2}}, "training": ["p1"], "testing": ["p2"],
            "excluded": []}  # fmt: skip


# --- how the work behind a sentence is taken away -----------------------------------------------------------------


def without(*names):
    """The files are not there."""

    def undo(facts):
        for name in names:
            facts.frames.pop(name, None)
            facts.documents.pop(name, None)

    return undo


def no_values(name, *columns):
    """The columns of a table are empty."""

    def undo(facts):
        facts.frames[name] = facts.frames[name].assign(**dict.fromkeys(columns, np.nan))

    return undo


def no_rows(name, query):
    """The rows of a table that a query finds are not there."""

    def undo(facts):
        frame = facts.frames[name]
        facts.frames[name] = frame.drop(frame.query(query).index)

    return undo


def studied(old, new):
    """Another study file: the run is what it was."""

    def change(facts):
        assert old in STUDY
        object.__setattr__(facts, "protocol", parse_protocol(STUDY.replace(old, new)))

    return change


def models_that(names=MODELS, **what):
    """What the run says of models."""

    def change(facts):
        for name in names:
            facts.documents["model/models.json"][name] |= what

    return change


def agreed(**what):
    def change(facts):
        facts.documents["agree/summary.json"] |= what

    return change


def every(*changes):
    def change(facts):
        for one in changes:
            one(facts)

    return change


def lesions(facts):
    """Patients whose number ends in 3 become the second lesion of the patient before."""
    for name in ("cohort/rows.csv", "model/predictions.csv"):
        frame = facts.frames[name]
        second = frame["patient"].str.endswith("3")
        facts.frames[name] = frame.assign(
            patient=frame["patient"].str.replace("3$", "2", regex=True), lesion=np.where(second, "2", "1")
        )


def sites(facts):
    """Each patient with an even number comes from Bern, the others from Lyon."""
    studied("  patient: id\n", "  patient: id\n  site: hospital\n")(facts)
    numbers = cohort_rows()["patient"].str.extract(r"(\d+)")[0].astype(int)
    places = np.where(numbers % 2 == 0, "Bern", "Lyon")
    facts.frames["cohort/rows.csv"] = cohort_rows().assign(scan_site=places)


def put(name, frame):
    def change(facts):
        facts.frames[name] = frame

    return change


def known(name, document):
    def change(facts):
        facts.documents[name] = document

    return change


GIVEN = STUDY.replace("prepare: [{n4: {}}, {rescale: {to: [0, 1000]}}]", "features: {table: f.csv, columns: {T2: t_, "
                      "DWI: d_}, reader: r}").replace(IMAGES, "").replace(
    "  transfer: {from: T2, to: [DWI]}\n", "").replace(
    "extract: {maps: {features: [original_firstorder_Mean]}}\n", "")  # fmt: skip


def given(facts):
    object.__setattr__(facts, "protocol", parse_protocol(GIVEN))


def two_that_add(facts):
    frame = facts.frames[CHANCE_FILE]
    more = frame[frame["kind"] == "incremental"].assign(p_max_t=0.2)
    facts.frames[CHANCE_FILE] = pd.concat([frame[frame["kind"] != "incremental"], more, more.assign(model="both")])


def untested(facts):
    """No row of the testing set can be used."""
    frame = facts.frames["evaluate/table3.csv"].copy()
    there = frame["set"] == "testing"
    frame.loc[there, frame.columns.difference(["model", "set", "rows", "positives", "note"])] = np.nan
    frame.loc[there, "note"] = "the set has no row that this model can use"
    facts.frames["evaluate/table3.csv"] = frame


def nothing(_facts):
    """The run as it is."""


@dataclass(frozen=True)
class Case:
    """A phrase of the sentence, the work taken away, and what has to be the case before it can be said at all."""

    phrase: str
    undo: Any
    setup: Any = nothing


MODEL_NOTE = {"fitted": False, "note": "not fitted: too few patients"}
CASES = {
    # Methods: patients
    "outcome": Case("The outcome was HER2 (HER2 yes = positive)", without("cohort/rows.csv")),
    "split_given": Case("taken from the column 'set'", without("cohort/rows.csv"),
                        studied("split: {train: 0.65}", "split: {column: set}")),
    "split_random": Case("40 patients for training and 22 for testing", without("cohort/rows.csv")),
    "sites": Case("column 'hospital' of the cohort table: Bern, 20 patients for training and 11 for testing; Lyon, 20",
                  no_values("cohort/rows.csv", "scan_site"), sites),
    "patients_undivided": Case("All lesions of a patient went into the same set",
                               put("cohort/rows.csv", cohort_rows()), lesions),
    "exclusions": Case("3 rows of 3 patients", no_rows("cohort/excluded.csv", "patient != ''")),
    "cohort_not_run": Case("The step 'cohort' has not finished", known("cohort/provenance.json", provenance()),
                           without("cohort/provenance.json")),
    # images
    "no_images": Case("no image was read", without("extract/provenance.json"), given),
    "as_acquired": Case("used as acquired", without("prepare/volumes.csv"), put("prepare/volumes.csv", pd.DataFrame(
        [{"patient": "p", "sequence": "T2", "history": "read x"}]))),
    "prepared": Case("N4 bias-field correction", put("prepare/volumes.csv", pd.DataFrame(
        [{"patient": "p", "sequence": "T2", "history": "read x; rescale from minmax: 0..9"}]))),
    "prepare_not_run": Case("The step 'prepare' has not finished", known("prepare/provenance.json", provenance()),
                            without("prepare/provenance.json")),
    "features_given": Case("computed elsewhere and supplied as a table", without("extract/summary.json"), given),
    "first_reader": Case("trained and tested on the masks of a", models_that(fitted=False)),
    "other_readers": Case("were not used for training or testing", agreed(note="one reader")),
    "transferred_masks": Case("1 mask of T2 was transferred to DWI", put("extract/transferred.csv", pd.DataFrame(
        [{"patient": "p", "lesion": "1", "sequence": "DWI", "from": "T2", "status": "waiting"}]))),
    "extraction": Case("Lesions were resampled to", without("extract/summary.json")),
    "feature_maps": Case("For illustration only, original_firstorder_Mean", no_rows("extract/maps/maps.csv",
                                                                                   "problem == ''")),
    "extract_not_run": Case("The step 'extract' has not finished", known("extract/provenance.json", provenance()),
                            without("extract/provenance.json")),
    # agreement
    "no_agreement_filter": Case("Features were not filtered by the agreement", agreed(note=""),
                                agreed(note="No reproducibility filter: there is one reader")),
    "agreement_filter": Case("Features with an ICC(2,1) (two-way", no_values("agree/icc.csv", "icc")),
    "agreement_not_computed": Case("No intraclass correlation could be computed", without("agree/summary.json"),
                                   no_values("agree/icc.csv", "icc")),
    "mask_agreement": Case("Hausdorff distance", no_rows("agree/masks.csv", "dice > 0")),
    "kappa": Case("Agreement between two readers on Margin", no_values("agree/kappa.csv", "kappa")),
    "agree_not_run": Case("The step 'agree' has not finished", known("agree/provenance.json", provenance()),
                          without("agree/provenance.json")),
    # selection and models
    "selection_steps": Case("the most important features of gradient-boosted", no_rows("model/funnel.csv",
                                                                                       "step == 'boosted_trees'")),
    "harmonised_by_training": Case("ComBat was fitted on the training rows of T2 and both",
                                   no_rows("evaluate/harmonisation/with_and_without.csv", "model != ''"),
                                   put("evaluate/harmonisation/with_and_without.csv",
                                       pd.DataFrame({"model": ["T2", "both"]}))),
    "pooled_models": Case("both pooled the features", models_that(["both"], fitted=False)),
    "added_models": Case("combined kept all features of the component models", models_that(["combined"],
                                                                                            fitted=False)),
    "clinical_screening": Case("in a univariate logistic regression (likelihood-ratio test, training set)",
                               without("model/clinical_screen.csv")),
    "classifiers": Case("Logistic regression with a ridge (L2) penalty", models_that(empty=True)),
    "folds": Case("folds were drawn within the training set", models_that(empty=True)),
    "class_imbalance": Case("Nothing was done about the imbalance: every patient had the same weight",
                            models_that(empty=True)),
    "workflow_figure": Case("Figure 2 gives the workflow", models_that(fitted=False)),
    "example_patients": Case("The testing patients in Figure 3 were chosen by a rule, with the probabilities of ",
                             lambda facts: object.__setattr__(facts, "pictures", ()),
                             lambda facts: object.__setattr__(facts, "pictures", (Path("p0_1_T2.npz"),))),
    "rows_left_out": Case("never imputed (T2)", models_that(not_used=0), models_that(["T2"], not_used=4)),
    "intercept_models": Case("No feature survived the selection in DWI, which left", models_that(empty=False),
                             models_that(["DWI"], empty=True)),
    "models_not_fitted": Case("DWI: not fitted: too few patients.", models_that(fitted=True),
                              models_that(["DWI"], **MODEL_NOTE)),
    "model_not_run": Case("The step 'model' has not finished", known("model/provenance.json", provenance()),
                          without("model/provenance.json")),
    # statistics
    "continuous_groups": Case("Student's t-test", no_values("evaluate/table1.csv", "p_value")),
    "categorical_groups": Case("Pearson's chi-square", no_values("evaluate/table2.csv", "p_value")),
    "auc_intervals": Case("ROC curve (AUC) are by Newcombe's method 5", no_values("evaluate/table3.csv", "auc_low")),
    "proportion_intervals": Case("by the Wilson method", no_values("evaluate/table3.csv", "sensitivity_low")),
    "precision_intervals": Case("average precision", no_values("evaluate/table3.csv", "average_precision_low")),
    "cutoff": Case("the largest Youden index", no_values("evaluate/table3.csv", "cutoff")),
    "calibration": Case("logistic recalibration", no_values("evaluate/calibration.csv", "slope")),
    "calibration_curves": Case("restricted cubic spline", without("evaluate/calibration_curves.csv")),
    "calibration_bands": Case("bands of the calibration curves", no_values("evaluate/calibration_curves.csv", "low")),
    "decision_curves": Case("show the net benefit", without("evaluate/decision_curves.csv")),
    "decision_bands": Case("percentile-bootstrap bands", no_values("evaluate/decision_curves.csv", "low", "high")),
    "regression": Case("unpenalised multivariable logistic regression on each model's features",
                       without("evaluate/regression.csv")),
    "odds_ratios_tested": Case("from the test that matches its interval (the likelihood-ratio test",
                               no_values("evaluate/regression.csv", "lr_p_value")),
    "firth": Case("Firth's penalised likelihood", no_rows("evaluate/regression.csv", "estimator == 'Firth'")),
    "regression_not_estimated": Case("could not be estimated", no_rows("evaluate/regression.csv",
                                                                        "odds_ratio.isna()")),
    "delong": Case("compared by DeLong's paired test", no_values("evaluate/delong.csv", "p_value")),
    "mcnemar": Case("McNemar's exact test", no_values("evaluate/mcnemar.csv", "p_value")),
    "nested_not_tested": Case("DeLong's test is not valid for nested models",
                              no_rows("evaluate/delong.csv", "set == 'training'")),
    "holm": Case("Holm's correction over all tested pairs", every(no_values("evaluate/delong.csv", "p_adjusted"),
                                                           no_values("evaluate/mcnemar.csv", "p_adjusted"))),
    "not_adjusted": Case("not corrected for multiple testing", every(no_values("evaluate/delong.csv", "p_value"),
                                                                 no_values("evaluate/mcnemar.csv", "p_value")),
                         every(no_values("evaluate/delong.csv", "p_adjusted"),
                               no_values("evaluate/mcnemar.csv", "p_adjusted"))),
    "incremental_value": Case("integrated discrimination improvement", without("evaluate/incremental.csv")),
    "two_sided": Case("The following tests are two-sided", every(
        *(no_values(f"evaluate/{name}.csv", "p_value")
          for name in ("table1", "table2", "delong", "mcnemar")),
        no_values("evaluate/regression.csv", "lr_p_value"))),
    "one_sided": Case("Permutation p-values are one-sided (upper tail)", without(CHANCE_FILE)),
    "lesions_as_independent": Case("p-values are too small", put("cohort/rows.csv", cohort_rows()), lesions),
    "icc_of_numbers": Case("Agreement between two readers on Age was measured with the ICC(2,1) (two-way random",
                           no_values("agree/kappa.csv", "icc"), put("agree/kappa.csv", numbers_agreed())),
    # the reading room
    "reading_room": Case(
        "in the reading room of radstudy 0.9: a drew 6 lesions, b described 1 lesion and c arbitrated 1 lesion",
        in_the_room(readers=[]), in_the_room()),
    "reading_fill_rule": Case("belongs to a contour if its centre lies inside it", in_the_room(tools={"brush": 9}),
                              in_the_room()),
    "reading_shown": Case(
        "Readers drew 25.0% of the strokes on images as acquired and 75.0% of the strokes on images after image prep",
        in_the_room(shown={}), in_the_room()),
    "reading_order": Case("in a random order of their own", in_the_room(readers=[]), in_the_room()),
    "reading_blinded": Case("pseudonyms only, and nothing of outcomes and clinical variables",
                            in_the_room(readers=[]), in_the_room()),
    "reading_outcomes_opened": Case(
        "b learned outcomes before closing every case, and so cannot count as blinded",
        in_the_room(readers=read_in_the_room()["readers"][:1]), in_the_room()),
    "reading_arbiter": Case(
        "c answered first alone, and was then shown the readers' answers without their names",
        in_the_room(readers=read_in_the_room()["readers"][:2]), in_the_room()),
    "reading_reopened": Case("2 closed cases were opened again by the study lead, for a reason that the audit names",
                             in_the_room(reopened=0), in_the_room()),
    "first_answers": Case("each reader's answers locked first were compared",
                          in_the_room(readers=read_in_the_room()["readers"][:1]), in_the_room()),
    "reading_wash_out": Case(
        "met a patient again, in another task or a repeat, 3 times, after at least 28.5 days (28 were required)",
        in_the_room(met_again=0, shortest_wash_out_days=None), in_the_room()),
    "reading_tools": Case(
        "freehand contours (60.0%), interpolation between slices (30.0%) and masks from other programs (10.0%)",
        in_the_room(tools={"taken_in": 100}), in_the_room()),
    "reading_taken_in": Case("2 of 12 masks were drawn in another program", in_the_room(masks_taken_in=0),
                             in_the_room()),
    "reading_final_values": Case(
        "the answer on which the readers agreed (5), the mean of the readers' numbers (3) and the decision of a third "
        "reader (2)", in_the_room(final_values={"unresolved": 1}), in_the_room()),
    "reading_unresolved": Case("On 1 value the readers differed and nobody has decided",
                               in_the_room(final_values={"agreed": 5}), in_the_room()),
    "reading_masks_repeated": Case("had a median of a 0.900 (0.800 to 1.000; 2 pairs of masks)",
                                   in_the_room(repeated_masks=[]), in_the_room()),
    "reading_items_repeated": Case("characteristics assessed again: a, Margin: kappa 0.50 (3 lesions).",
                                   in_the_room(repeated_items=read_in_the_room()["repeated_items"][1:]),
                                   in_the_room()),
    # chance, baselines, resampling
    "chance": Case("the outcome was permuted 999 times", no_rows(CHANCE_FILE, "kind == 'outcome'")),
    "chance_floor": Case("Therefore, the smallest possible p is 1 / (999 + 1) = 0.001",
                         no_rows(CHANCE_FILE, "kind == 'outcome'")),
    "chance_max_t": Case("The p-value of clinical, T2, both and combined was also corrected for having tried 4 models",
                         no_values(CHANCE_FILE, "p_max_t")),
    "chance_incremental": Case("For combined, the radiomics features were also permuted",
                               no_rows(CHANCE_FILE, "kind == 'incremental'")),
    "chance_left_out": Case("Not for DWI: no chance calibration: the step lasso",
                            no_rows(CHANCE_FILE, "model == 'DWI'")),
    "no_chance": Case("The outcome was not permuted", put(CHANCE_FILE, chance()), without(CHANCE_FILE)),
    "baselines": Case("on the training set: the logarithm of the lesion's volume and age", without(BASELINES)),
    "shuffled": Case("voxels had been put in random order", no_rows(BASELINES, "kind == 'shuffled'")),
    "other_reader": Case(
        "applied unchanged to features from the masks of b", without("evaluate/other_reader/moved.csv")),
    "nested": Case("(10 x 5 folds stratified by outcome", no_values(RESAMPLED, "nested_auc")),
    "other_splits": Case("40 other random splits", no_values(RESAMPLED, "split_median")),
    "bootstrap": Case("refitted on 20 bootstrap samples", no_values(RESAMPLED, "out_of_bag_auc")),
    "selection_stability": Case("Nogueira's index", no_values(RESAMPLED, "stability")),
    "corrections": Case(
        "alongside their values on 7 permuted outcomes", without("evaluate/resampling/corrections.csv")),
    "resampling_left_out": Case("Not for DWI: no resampling: the step lasso", no_rows(RESAMPLED, "model == 'DWI'")),
    "no_resampling": Case("Nothing was resampled", put(RESAMPLED, resampled()), without(RESAMPLED)),
    "evaluate_not_run": Case("The step 'evaluate' has not finished", known("evaluate/provenance.json", provenance()),
                             without("evaluate/provenance.json")),
    "software": Case("radstudy 0.9 on Python 3.12", without(*(f"{step}/provenance.json" for step in STEPS))),
    "no_version": Case("so no version is known", known("cohort/provenance.json", provenance()),
                       without(*(f"{step}/provenance.json" for step in STEPS))),
    # the first page
    "question": Case("Do 5 models of radiomics (T2 and DWI) and clinical variables tell patients with HER2 from those "
                     "without HER2?",
                     without("cohort/provenance.json")),
    "of_whom": Case("65 patients screened, 3 excluded (too young 3), 62 included: 40 training (20 with HER2) and 22 "
                    "testing (11 with HER2)",
                    without("cohort/flow.json")),
    "in_no_model": Case("Of those included, 1 is in no model (a value that every model needs is missing)",
                        lambda facts: object.__setattr__(facts, "frames", facts.frames | {
                            "cohort/rows.csv": cohort_rows().query("patient != 'testing0'")})),
    "not_in_all_models": Case("Up to 4 patients are missing from T2 and DWI (a value that the model needs is missing",
                              models_that(not_used=0),
                              every(models_that(["T2"], not_used=4), models_that(["DWI"], not_used=1))),
    "declared_before": Case("by the AUC in the testing set; declared before any testing row",
                            history(LATE), history(EARLY)),
    "declared_after": Case("DECLARED AFTER TESTING ROWS WERE PREDICTED (first predicted 2026-01-02 03:04 UTC, declared "
                           "2026-02-03 04:05 UTC)", history(EARLY), history(LATE)),
    "declared_unknown": Case("when it was declared is not recorded", history(EARLY)),
    "declared_before_others": Case("The study file has also declared T2 against clinical.", history(EARLY),
                                   history({**EARLY, "model": "T2"}, LATE)),
    "testing_sealed": Case("The testing results are sealed (evaluate.sealed in the study file). To do: declare",
                           sealing(False), sealing(True)),
    "testing_seen": Case("Testing results were seen under 3 protocols; the first on 2026-01-01 00:00 UTC.",
                         opened_by(2), opened_by(2, 3, 4)),
    "testing_unsealed": Case("They were sealed until 2026-01-01 00:00 UTC, and unsealed for combined against clinical.",
                             opened_by(2), opened_by(2, unsealed=UNSEALED)),
    "testing_not_recorded": Case("under which protocols they were seen was not recorded before version 0.2",
                                 opened_by(2), opened_by(2, seen_since_version="0.2")),
    "changed_after_testing": Case("CHANGED AFTER THE TESTING RESULTS WERE UNSEALED: model.keep: 2 → 3.",
                                  opened_by(2, unsealed=UNSEALED), opened_by(2, 3, unsealed=UNSEALED)),
    "declared_none": Case("No primary model was declared (evaluate.primary in the study file)", declared, undeclared),
    "effect": Case("combined reached a testing AUC of 0.750 in 22 patients (11 with HER2), 0.123 higher than clinical "
                   "(DeLong p = 0.160; a difference is not shown)",
                   no_rows("evaluate/table3.csv", "model == 'combined' and set == 'testing'")),
    "effect_unknown": Case("combined has no testing AUC; the section Results gives the reason", undeclared, untested),
    "effects": Case("The testing AUCs of the 5 models lie between 0.750 and 0.750 (22 patients, 11 positive)", declared,
                    undeclared),
    "uncertainty": Case("compatible with an AUC from 0.600 to 0.900 and a difference from −0.050 to 0.300",
                        no_values("evaluate/table3.csv", "auc_low")),
    "uncertainty_inside": Case("inside the folds the same pipeline reached 0.610 (95% CI 0.500 to 0.700)",
                               no_rows(RESAMPLED, "model == 'combined'")),
    "uncertainties": Case("95% intervals are 0.30 to 0.30 wide", declared, undeclared),
    "uncertainties_inside": Case("inside the folds they lie between 0.610 and 0.610", declared, undeclared),
    "by_chance": Case("the outcome shuffled, the same pipeline reached a median AUC of 0.500, 95% of them from 0.300",
                      no_rows(CHANCE_FILE, "kind == 'outcome' and model == 'combined'")),
    "all_by_chance": Case("4 of 4 models had p < 0.05 in the testing set (one-sided), none after correction", declared,
                          undeclared),
    "calibrated": Case("The calibration slope is 0.83 (95% CI 0.21 to 1.45), ideally 1: the interval of the slope",
                       no_values("evaluate/calibration.csv", "slope")),
    "all_calibrated": Case("The calibration slopes lie between 0.83 and 0.83, ideally 1; the intervals of 4 of 4",
                           declared, undeclared),
    "not_known": Case("Whether this holds in other patients: the testing set is one random split of the same cohort",
                      no_rows("evaluate/table3.csv", "set == 'testing'")),
    "unreadable_files": Case("1 file of the run cannot be read: evaluate/roc.csv (cut short).",
                             lambda facts: facts.unreadable.clear(),
                             lambda facts: facts.unreadable.update({"evaluate/roc.csv": "cut short"})),
    # Results
    "leak_errors": Case("No AUC in this study can be trusted", no_rows("evaluate/leaks/leaks.csv",
                                                                      "severity == 'error'")),
    "patients": Case("Of 65 patients screened", without("cohort/flow.json")),
    "not_analysed": Case(
        "No model could use 1 patient, who contributes to no AUC; 61 patients were analysed: 40 training "
                         "patients (20 with HER2) and 21 testing patients (11 with HER2)",
                         no_rows("cohort/rows.csv", "patient == 'testing0'")),
    "lost_cases": Case("1 case could not be used in the step cohort", no_rows("cohort/failures.csv", "patient == 'q'")),
    "primary": Case("combined, the primary model, reached an AUC of 0.750",
                        no_rows("evaluate/table3.csv", "model == 'combined' and set == 'testing'")),
    "primary_not_tested": Case(
        "combined, the primary model, has no testing AUC: the set has no row",
        no_rows("evaluate/table3.csv", "model == 'combined' and set == 'testing'"), untested),
    "primary_not_fitted": Case("combined, the primary model, has no result",
                                   models_that(fitted=True), models_that(["combined"], **MODEL_NOTE)),
    "sensitivity": Case("it correctly classified 7 of 11 patients with HER2 in the testing set and 19 of 20 in the",
                        no_values("evaluate/table3.csv", "tp")),
    "primary_calibration": Case("its calibration slope was 0.83 (95% CI 0.21 to 1.45)",
                                    no_values("evaluate/calibration.csv", "slope")),
    "primary_not_calibrated": Case(
        "Its calibration in the testing set is not known: one value",
        no_values("evaluate/calibration.csv", "note"), every(
            no_values("evaluate/calibration.csv", "slope"),
            lambda facts: facts.frames["evaluate/calibration.csv"].__setitem__("note", "one value"))),
    "primary_against": Case(
        "Its testing AUC was 0.123 higher than that of clinical on the same 22 patients: difference "
        "0.123 (95% CI −0.050 to 0.300); p = 0.160 by DeLong's test, two-sided",
        no_rows("evaluate/delong.csv", "set == 'testing'")),
    "primary_chance": Case("On 999 permuted outcomes, the same pipeline reached a median testing AUC of 0.500",
                               no_rows(CHANCE_FILE, "kind == 'outcome' and model == 'combined'")),
    "primary_chance_corrected": Case(
        "Corrected for the 4 models that were tested on the same permutations (max-T), p = 0.290: no longer shown",
        no_values(CHANCE_FILE, "p_max_t")),
    "primary_chance_floor": Case("With 9 permutations, p cannot fall below 0.100", put(CHANCE_FILE, chance()), put(
        CHANCE_FILE, chance().assign(permutations=9.0))),
    "primary_adds_corrected": Case(
        "Corrected for the 2 models that combine both (max-T), p = 0.200.",
        put(CHANCE_FILE, chance()), two_that_add),
    "primary_chance_unknown": Case(
        "the pipeline of combined would reach by chance alone is not known (no chance calibration: the step lasso)",
        put(CHANCE_FILE, chance()),
        put(CHANCE_FILE, pd.DataFrame([{"kind": "outcome", "model": "combined", "permutations": np.nan,
                                                    "note": "no chance calibration: the step lasso"}]))),
    "primary_inside_unknown": Case(
        "The AUC of the pipeline of combined with every step inside the folds is not known (no resampling: the step",
        put(RESAMPLED, resampled()), put(RESAMPLED, resampled().assign(
            training_auc=np.nan, nested_auc=np.nan, note="no resampling: the step lasso"))),
    "primary_adds": Case("p = 0.169, one-sided: radiomics is not shown to add to the clinical variables",
                             no_rows(CHANCE_FILE, "kind == 'incremental'")),
    "baseline_does_better": Case(
        "the lesion's volume on T2 (AUC 0.880, against 0.750) and age (AUC 0.800, against 0.750)",
                                 without(BASELINES, "evaluate/baselines/beside_volume.csv")),
    "primary_inside_the_folds": Case("the pipeline of combined reached an AUC of 0.610", no_rows(RESAMPLED,
                                                                                        "model == 'combined'")),
    "models": Case("5 models were specified and all were fitted", without("model/models.json")),
    "testing_range": Case("Their AUCs on the testing set", no_values("evaluate/table3.csv", "auc")),
    "pairs_of_models": Case("none of 1 comparison between two models had p < 0.05",
                            no_values("evaluate/delong.csv", "p_value")),
    "features": Case("1,218 features were computed on each of T2 and DWI", without("extract/summary.json")),
    "features_reproduced": Case("1,100 (T2) and 1,000 (DWI) of the features had an ICC(2,1) above 0.75",
                                no_values("agree/icc.csv", "icc")),
    "nothing_reproduced": Case("so no radiomics feature enters any model", agreed(kept={"T2": 1, "DWI": 0}),
                               agreed(kept={"T2": 0, "DWI": 0})),
    "reproducibility_not_tested": Case("Reproducibility between readers was not tested", agreed(note=""),
                                       agreed(note="one reader")),
    "apparent": Case("are apparent (selection ignored)", no_rows("evaluate/table3.csv", "set == 'training'")),
    "one_testing_set": Case("The testing AUCs come from one random split", no_rows("evaluate/table3.csv",
                                                                                   "set == 'testing'")),
    "inside_the_folds": Case("on average 0.29 less than in training", no_values(RESAMPLED, "nested_auc")),
    "several_lesions": Case(
        "6 of 55 patients have several lesions (61 in all): the intervals treat them as independent",
                            put("cohort/rows.csv", cohort_rows()), lesions),
    "leak_warnings": Case("The leak detector warns: the site follows the outcome",
                          no_rows("evaluate/leaks/leaks.csv", "severity == 'warning'")),
    "steps_not_run": Case("The step model has not finished", known("model/provenance.json", provenance()),
                          without("model/provenance.json")),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_sentence_is_said_where_its_work_was_done_and_nowhere_else(finished, name):
    case = CASES[name]
    case.setup(finished)
    (sentence,) = (sentence for sentence in registered() if sentence.name == name)
    assert case.phrase in sentence.said(finished)
    case.undo(finished)
    text = told(finished)
    assert case.phrase not in text
    assert "cannot be understood" not in text
    assert "  " not in text


def registered():
    from radstudy.report.text.first_page import ASKED, FIVE
    from radstudy.report.text.methods import METHODS
    from radstudy.report.text.summary import ALARMS, SUMMARY

    return [*ALARMS, *(sentence for _, sentences in (*ASKED, *FIVE, *SUMMARY, *METHODS) for sentence in sentences)]


def test_every_sentence_has_a_case_and_its_own_name():
    names = [sentence.name for sentence in registered()]
    assert len(set(names)) == len(names)
    assert set(names) == set(CASES)


def test_the_text_has_the_sentences_of_a_finished_run(finished):
    text = told(finished)
    said = [sentence.said(finished) for sentence in registered()]
    assert sum(bool(one) for one in said) > 60
    assert all(one in text for one in said if one)


def test_of_a_run_without_any_file_nothing_is_claimed(facts):
    facts.frames.clear()
    facts.documents.clear()
    object.__setattr__(facts, "protocol", parse_protocol(STUDY))
    said = told(facts)
    sentences = said.replace("To do: ", "").split(". ")
    assert all("not finished" in line or "it continues from there" in line
               or "so no version is known" in line for line in sentences), sentences  # fmt: skip


def test_files_that_cannot_be_understood_are_said_and_stop_nothing(finished):
    finished.documents["cohort/flow.json"] = {"screened": 65}
    text = told(finished)
    assert "cannot be understood: patients: KeyError" in text
    assert "reached an AUC of 0.750" in text


def test_the_models_that_were_skipped_are_not_among_those_that_were_permuted_or_resampled(finished):
    text = told(finished)
    assert "For clinical, T2, both and combined, the outcome was permuted" in text
    assert "The whole pipeline of clinical, T2, both and combined was cross-validated" in text
    frame = finished.frames[CHANCE_FILE]
    finished.frames[CHANCE_FILE] = frame[frame["permutations"].isna()]
    finished.frames[RESAMPLED] = finished.frames[RESAMPLED].query("model == 'DWI'")
    text = told(finished)
    assert "was permuted" not in text
    assert "cross-validated on all" not in text
    assert "bootstrap samples" not in text


def test_each_step_of_the_selection_is_said_only_where_it_ran(finished):
    assert "Mann-Whitney U test stayed" not in told(finished)  # asked for, but the funnel has no such step
    finished.frames["model/funnel.csv"].loc[2, "step"] = "univariate"
    text = told(finished)
    assert "Mann-Whitney U test stayed" in text
    assert "Pearson correlation above" not in text
    assert "z-score with the training mean and standard deviation" in text


def test_without_a_declaration_no_model_is_singled_out(finished):
    """Neither the model of signature.json nor the one with the highest testing AUC: the pages lead with ranges."""
    table3 = finished.frames["evaluate/table3.csv"]
    table3.loc[(table3["model"] == "T2") & (table3["set"] == "testing"), ["auc", "auc_high"]] = 0.95, 0.99
    assert "combined, the primary model, reached" in told(finished)
    undeclared(finished)
    assert "the primary model" not in told(finished)
    page = " ".join(line.text for line in (*asked(finished), *five_sentences(finished)))
    page = page.replace("(T2 and DWI)", "").replace("clinical variables", "")  # of the question
    assert "between 0.750 and 0.950" in page
    assert not [name for name in MODELS if f" {name} " in f" {page} "]
    assert "ranged from 0.750 to 0.950." in told(finished)


def test_a_first_page_of_few_permutations_calls_nothing_tested(finished):
    """With 19 permutations no p can be below 0.05, so "none of 5 models" would be no finding."""
    few = chance().assign(permutations=19.0, p_value=0.05, p_max_t=0.05)
    finished.frames[CHANCE_FILE] = few
    (said,) = [one.text for one in five_sentences(finished) if one.lead == "Chance"]
    assert "not testable, as the smallest possible p is 1 / (19 + 1) = 0.05" in said
    assert "not shown to be better" not in said
    undeclared(finished)
    (said,) = [one.text for one in five_sentences(finished) if one.lead == "Chance"]
    assert said == (
        "19 permutations of the outcome cannot give p < 0.05 (the smallest possible p is 1 / (19 + 1) = 0.05), so it "
        "was not testable whether any model is better than chance."
    )
    finished.frames[CHANCE_FILE] = pd.concat([few[few["model"] == "T2"], chance().query("model != 'T2'")])
    (said,) = [one.text for one in five_sentences(finished) if one.lead == "Chance"]
    assert said.startswith("On permuted outcomes, 3 of 3 models had p < 0.05") and "the other 1 model" in said


def test_the_question_names_clinical_variables_only_if_a_model_has_them(finished):
    radiomics = STUDY.replace("    clinical: {clinical: {}}\n", "").replace("add: [both, clinical]", "add: [both]")
    radiomics = radiomics.replace("against: clinical", "against: T2")
    object.__setattr__(finished, "protocol", parse_protocol(radiomics))
    (said,) = [one.text for one in asked(finished) if one.lead == "Question"]
    assert said == "Do 4 models of radiomics (T2 and DWI) tell patients with HER2 from those without HER2?"


def test_the_model_that_figures_draw_is_named_where_none_is_primary(finished):
    undeclared(finished)
    (said,) = [one.text for one in asked(finished) if one.lead == "Primary"]
    assert said.endswith("figures of one model illustrate combined, the model named for use (model.signature).")


def test_one_reader_is_not_called_by_a_name(finished):
    assert "on the masks of a." in told(finished)
    object.__setattr__(finished, "protocol", parse_protocol(STUDY.replace("[a, b]", "[contour]")))
    text = told(finished)
    assert "One reader drew the lesions; the models were trained and tested on these masks." in text
    assert "[AUTHOR: experience of the reader, and what he or she knew of the patients.]" in text
    assert "contour had" not in text and "masks of contour" not in text


def test_without_a_testing_set_nothing_is_said_to_have_been_done_to_it(finished):
    untested(finished)
    finished.frames[CHANCE_FILE] = finished.frames[CHANCE_FILE].assign(measure="training")
    text = told(finished)
    assert "applied unchanged to the testing set" not in text
    assert "times within the training set, and every step" in text
    assert "Its calibration in the testing set is not known" not in text


def test_counts_of_models_with_fewer_repeats_are_said_as_a_span(finished):
    """With `slow: N` some models have fewer permuted outcomes than others: the largest count is not everybody's."""
    frame = finished.frames["evaluate/resampling/corrections.csv"]
    other = frame.assign(model="T2", noise_outcomes=2)
    finished.frames["evaluate/resampling/corrections.csv"] = pd.concat([frame, other], ignore_index=True)
    assert "alongside their values on 2 to 7 permuted outcomes" in told(finished)
