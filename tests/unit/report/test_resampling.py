"""The pipeline as published beside the honest one, and what the report says where it is not there."""

import numpy as np
import pandas as pd
import pytest

from radstudy.artefacts.beside import CORRECTIONS, PATIENTS, RESAMPLING, SELECTED
from radstudy.report.facts import AbsentError
from radstudy.report.figures import FIGURES
from radstudy.report.figures.style import style
from radstudy.report.tables import TABLES
from radstudy.report.text.methods import methods
from radstudy.report.text.summary import summary

FOLDER = "evaluate/resampling"


def record(model, **more):
    values = {"training_auc": 0.9, "selected_outside_auc": 0.85, "testing_auc": 0.8, "nested_auc": 0.65,
              "nested_se": 0.05, "nested_low": 0.55, "nested_high": 0.75, "repeats": 60, "folds": 5, "optimism": 0.25,
              "splits": 40, "split_median": 0.66, "split_low": 0.5, "split_high": 0.8, "split_share_lower": 0.93,
              "resamples": 150, "out_of_bag_auc": 0.64, "out_of_bag_low": 0.5, "out_of_bag_high": 0.77,
              "out_of_bag_brier": 0.26, "share_brier": 0.25, "out_of_bag_slope": 0.41, "slopes": 20, "stability": 0.07,
              "stability_low": 0.05, "stability_high": 0.09, "stability_note": "", "features_mean": 5.0,
              "candidates": 1076, "risk_icc": 0.71, "risk_sd_median": 0.1, "risk_sd_largest": 0.36,
              "note": ""}  # fmt: skip
    return {"model": model, **values, **more}


def methods_text(facts):
    return " ".join(paragraph.text for paragraph in methods(facts))


@pytest.fixture
def told(facts):
    """The facts with resampling of four models; T2 was left out, and DWI selected nothing."""
    models = ["clinical", "DWI", "both", "combined"]
    rows = [record(name) for name in models]
    rows[1] |= {"stability": np.nan, "stability_low": np.nan, "stability_high": np.nan,
                "stability_note": "no feature was ever selected"}  # fmt: skip
    rows.append({"model": "T2", "note": "no resampling: the classifier svm"})
    rng = np.random.default_rng(2)
    facts.frames[f"{FOLDER}/summary.csv"] = pd.DataFrame(rows, columns=RESAMPLING.names)
    facts.frames[f"{FOLDER}/splits.csv"] = pd.DataFrame(
        [(name, number, rng.normal(0.65, 0.08)) for name in models for number in range(40)],
        columns=["model", "split", "auc"],
    )
    facts.frames[f"{FOLDER}/patients.csv"] = pd.DataFrame(
        [("combined", f"p{i}", "1", "training", i % 2, 0.1 + 0.04 * i, 0.05, 0.95, 0.1) for i in range(20)],
        columns=PATIENTS.names,
    )
    often = [("both", "T2:original_firstorder_Mean", 5.0, True, 0.8, 0.7, 0.6, 0.9, 100.0)]
    often += [("both", f"T2:original_glcm_{i}", 60.0 - 3 * i, False, np.nan, 0.2, -0.1, 0.5, 75.0) for i in range(15)]
    facts.frames[f"{FOLDER}/features.csv"] = pd.DataFrame(often, columns=SELECTED.names[:9]).sort_values(
        "selected_percent", ascending=False, ignore_index=True
    ).assign(selected=60)  # fmt: skip
    facts.frames[f"{FOLDER}/corrections.csv"] = pd.DataFrame(
        [("both", which, value, noise, 0.01, 10, 20) for which, value, noise in
         (("apparent", 0.93, 0.87), ("harrell", 0.82, 0.70), ("632+", 0.7, 0.53), ("out_of_bag", 0.66, 0.5))],
        columns=CORRECTIONS.names,
    )  # fmt: skip
    return facts


def switched(facts, **resampling):
    evaluate = facts.protocol.evaluate
    section = evaluate.resampling.model_copy(update=resampling) if resampling else None
    protocol = facts.protocol.model_copy(update={"evaluate": evaluate.model_copy(update={"resampling": section})})
    object.__setattr__(facts, "protocol", protocol)
    return facts


def test_published_and_honest_stand_side_by_side(told):
    table = TABLES["honest"](told)
    assert [cell.text for cell in table.header[0]] == [
        "Model",
        "As specified",
        "The same pipeline, every step inside the folds",
    ]
    assert sum(cell.span for cell in table.header[0]) == len(table.header[1]) == 10
    row = table.rows[0]
    assert [cell.text for cell in row] == ["clinical", "0.900", "0.850", "0.800", "0.650", "0.250", "0.660", "0.640",
                                           "0.260", "0.41"]  # fmt: skip
    assert row[3].below == "above 93% of splits" and row[4].below == "0.550 to 0.750" and row[8].below == "share 0.250"
    assert [cell.text for cell in table.rows[-1]] == ["T2", "no resampling: the classifier svm"]
    notes = " ".join(table.footnotes)
    assert "approximate for an AUC" in notes and "never of pooled scores" in notes


def test_stability_says_why_there_is_no_index(told):
    table = TABLES["stability"](told)
    assert [row[0].text for row in table.rows] == ["clinical", "DWI", "both", "combined"]
    assert table.rows[0][3].text == "0.07 (0.05 to 0.09)"
    assert table.rows[1][3].text == "–" and table.rows[1][3].mark == "a"
    assert table.footnotes[0] == "a: no feature was ever selected."


def test_limits_of_too_few_values_are_not_printed(told):
    """Fewer than 40 values have no central 95 %, and fewer than 30 resamples no interval of the stability."""
    summary = told.frames[f"{FOLDER}/summary.csv"]
    summary[["splits", "resamples", "repeats"]] = summary[["splits", "resamples", "repeats"]].where(
        summary["splits"].isna(), [[30, 6, 3]] * len(summary)
    )
    honest, stability = TABLES["honest"](told), TABLES["stability"](told)
    assert [cell.below for cell in honest.rows[0][6:8]] == ["", ""]
    assert stability.rows[0][3].text == "0.07" and stability.rows[0][3].mark
    assert any(line.endswith("fewer than 30 resamples: too few for an interval.") for line in stability.footnotes)
    assert [
        row[3].text for row in TABLES["selection_frequency"](told).rows if row[0].text.startswith("T2 original_glcm_0")
    ] == ["0.20 (−0.10 to 0.50)"]  # selected by 60 in a run that counted them
    with style():
        assert "0.500 to 0.800" not in FIGURES["splits"](told).alt
        with pytest.raises(AbsentError, match="fewer than 40 times"):
            FIGURES["risks"](told)


def test_a_feature_that_few_resamples_selected_has_no_central_share(told):
    features = told.frames[f"{FOLDER}/features.csv"].drop(columns="selected")  # of a run of before they were counted
    told.frames[f"{FOLDER}/features.csv"] = features.assign(selected_percent=[3.0, *features["selected_percent"][1:]])
    rows = TABLES["selection_frequency"](told).rows
    assert next(row[3].text for row in rows if row[0].text.startswith("T2 original_glcm_1")) == "0.20 (−0.10 to 0.50)"
    summary = told.frames[f"{FOLDER}/summary.csv"]
    summary["resamples"] = summary["resamples"].where(summary["resamples"].isna(), 10)
    rows = TABLES["selection_frequency"](told).rows
    assert next(row[3].text for row in rows if row[0].text.startswith("T2 original_glcm_1")) == "0.20"


def test_features_that_no_resample_selected_are_not_counted_as_selected(told):
    features = told.frames[f"{FOLDER}/features.csv"]
    features.loc[features["in_model"], "selected_percent"] = 0.0
    assert TABLES["selection_frequency"](told).rows[0][0].text == "both: 15 features selected at least once"


def test_the_studys_features_are_listed_however_seldom_they_are_selected(told):
    rows = TABLES["selection_frequency"](told).rows
    assert rows[0][0].text == "both: 16 features selected at least once" and len(rows) == 1 + 10 + 1
    own = [row for row in rows if "strong" in row[0].kind]
    assert [cell.text for cell in own[0]] == ["T2 original_firstorder_Mean", "5", "0.80", "0.70 (0.60 to 0.90)", "100"]


def test_corrections_are_headed_by_what_they_are(told):
    table = TABLES["optimism"](switched(told, optimism=("harrell", "632+")))
    assert [cell.text for cell in table.header[0]][2] == "Optimistic after selection: corrected AUC"
    assert [(cell.text, cell.below) for cell in table.rows[0][1:]] == [
        ("0.930", "noise 0.87"), ("0.820", "noise 0.70"), ("0.700", "noise 0.53"), ("0.660", "noise 0.50"),
    ]  # fmt: skip


def test_figures_mark_the_studys_own_split_and_each_patient(told):
    with style():
        splits, risks = FIGURES["splits"](told), FIGURES["risks"](told)
    assert "clinical: own split 0.800, other splits median 0.660 (0.500 to 0.800)" in splits.alt
    assert "T2" not in splits.alt and set(splits.frame["model"]) == {"clinical", "DWI", "both", "combined"}
    assert len(risks.frame) == 20 and "spans 0.90" in risks.alt


def test_the_number_of_other_splits_is_that_of_every_model(told):
    frame = told.frames[f"{FOLDER}/summary.csv"]
    frame.loc[frame["model"] == "DWI", "splits"] = 20
    with style():
        drawn = FIGURES["splits"](told)
    assert "over 20 to 40 other random splits" in drawn.notes[0] and "over 20 to 40 splits" in drawn.alt


def test_summary_and_methods_say_what_was_done(told):
    said = " ".join(getattr(line, "text", line) for line in summary(told))
    assert "inside the folds" in said and "on average 0.25 less than in training" in said
    text = methods_text(told)
    # what the run's files say, not the 100 x 5 folds, 1,000 splits and 200 samples that the study file asks for
    assert "60 x 5 folds" in text and "40 other random splits" in text and "150 bootstrap samples" in text
    assert "remain optimistic" in text
    del told.frames[f"{FOLDER}/corrections.csv"]
    assert "optimism corrections" not in methods_text(told)


@pytest.mark.parametrize("name", ["honest", "stability", "selection_frequency", "optimism"])
def test_what_is_not_there_says_why(facts, name):
    with pytest.raises(AbsentError, match="on request" if name == "optimism" else "No resampling yet"):
        TABLES[name](facts)
    with pytest.raises(AbsentError, match="switched resampling off"):
        TABLES[name](switched(facts))


def test_without_resampling_the_methods_say_so(facts):
    assert "Nothing was resampled" not in methods_text(facts)  # the step has not finished, so it is not known yet
    facts.documents["evaluate/provenance.json"] = {"versions": {"radstudy": "1", "python": "3", "platform": "x"}}
    assert "Nothing was resampled" in methods_text(switched(facts))


def test_figure_4_has_bands_where_chance_has_curves(facts):
    assert not FIGURES["roc"](facts).notes
    rates = np.linspace(0, 1, 101)
    facts.frames["evaluate/chance/roc.csv"] = pd.concat([
        pd.DataFrame({"kind": "outcome", "model": "T2", "set": which, "false_positive_rate": rates,
                      "low": rates**2, "median": rates, "high": np.sqrt(rates)})
        for which in ("training", "testing")
    ])  # fmt: skip
    drawing = FIGURES["roc"](facts)
    (note,) = drawing.notes
    assert "grey of the testing set (T2) and light orange of the training set (T2)" in note
    assert "what chance gives" not in note
    assert "neither a curve inside it nor one that leaves it is a test" in note
    with_band = [axes.get_title(loc="left") for axes in drawing.figure.axes if axes.collections]
    assert with_band == ["b  T2"] and len(drawing.figure.axes[1].collections) == 2


def test_figure_4_names_no_band_that_is_not_drawn(facts):
    columns = ["kind", "model", "set", "false_positive_rate", "low", "median", "high"]
    facts.frames["evaluate/chance/roc.csv"] = pd.DataFrame(columns=columns)  # every model was left out
    assert not FIGURES["roc"](facts).notes
    band = pd.DataFrame([["outcome", "T2", "testing", rate, 0.0, rate, 1.0] for rate in (0.0, 1.0)], columns=columns)
    facts.frames["evaluate/chance/roc.csv"] = band
    (note,) = FIGURES["roc"](facts).notes
    assert "grey of the testing set (T2)" in note
    assert "orange" not in note
