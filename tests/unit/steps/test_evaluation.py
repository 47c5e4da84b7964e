"""What `evaluate` writes beside Tables 1 to 3, on the features of the synthetic run."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from sklearn.metrics import average_precision_score, balanced_accuracy_score, brier_score_loss, f1_score

from radstudy.errors import StudyFileError
from radstudy.modelling.assessment.inference import regression_of
from radstudy.protocol.load import parse_protocol
from radstudy.steps.reader_agreement import kappa_table
from radstudy.steps.run import Run
from radstudy.store import write_csv


def table(run, name):
    return pd.read_csv(run.path("evaluate", f"{name}.csv"), keep_default_na=False, na_values=[""])


def predictions(run, model, which):
    found = pd.read_csv(run.path("model", "predictions.csv"), dtype={"patient": str, "lesion": str})
    return found[(found["model"] == model) & (found["set"] == which)]


def test_measures_beside_the_auc_are_scikit_learns(finished):
    for _, row in table(finished, "table3").iterrows():
        part = predictions(finished, row["model"], row["set"])
        called = part["probability"] >= row["cutoff"]
        assert row["f1"] == pytest.approx(f1_score(part["outcome"], called), abs=1e-12)
        assert row["balanced_accuracy"] == pytest.approx(balanced_accuracy_score(part["outcome"], called), abs=1e-12)
        assert row["average_precision"] == pytest.approx(
            average_precision_score(part["outcome"], part["probability"]), abs=1e-12
        )


def test_calibration_is_that_of_a_logistic_regression_on_the_logit(finished):
    rows = table(finished, "calibration").set_index(["model", "set"])
    part = predictions(finished, "all", "testing")
    logit = np.log(part["probability"] / (1 - part["probability"]))
    fit = sm.GLM(part["outcome"], sm.add_constant(logit), family=sm.families.Binomial()).fit()
    row = rows.loc[("all", "testing")]
    assert row["slope"] == pytest.approx(fit.params.iloc[1], rel=1e-6)
    assert row["brier"] == pytest.approx(brier_score_loss(part["outcome"], part["probability"]), abs=1e-12)


def test_regression_of_a_model_is_statsmodels_on_standardised_features(finished):
    rows = table(finished, "regression")
    summary = table(finished, "regression_models").set_index("model")
    likely = summary.index[(summary["estimator"] == "maximum likelihood")]
    assert len(likely) >= 2
    for name in likely:
        fitted = rows[rows["model"] == name]
        assert (fitted["low"] < fitted["odds_ratio"]).all() and (fitted["odds_ratio"] < fitted["high"]).all()
        assert np.allclose(np.exp(fitted["coefficient"]), fitted["odds_ratio"], rtol=1e-9)
    assert set(rows["model"]) <= set(summary.index)


def test_every_pair_has_a_mcnemar_test_and_every_extension_its_increment(finished):
    pairs = table(finished, "mcnemar")
    assert len(pairs) == 2 * 10  # five models, two sets
    for _, row in pairs.iterrows():
        right = []
        for name in (row["model_a"], row["model_b"]):
            part = predictions(finished, name, row["set"])
            performance = table(finished, "table3").set_index(["model", "set"])
            right.append(
                ((part["probability"] >= performance.loc[(name, row["set"]), "cutoff"]) == part["outcome"]).values
            )
        assert row["only_a"] == int((right[0] & ~right[1]).sum())
    increments = table(finished, "incremental")
    assert set(zip(increments["base"], increments["extended"], strict=True)) == {
        ("T2", "both"), ("DWI", "both"), ("T2", "all"), ("DWI", "all"), ("both", "all"), ("clinical", "all"),
    }  # fmt: skip
    assert (increments["nested"] == (increments["set"] == "training")).all()


def test_curves_have_a_row_a_threshold(finished):
    decisions = table(finished, "decision_curves")
    part = decisions[(decisions["model"] == "all") & (decisions["set"] == "testing")]
    outcome = predictions(finished, "all", "testing")["outcome"]
    at = part.iloc[np.argmin(np.abs(part["threshold"] - 0.3))]
    assert at["treat_all"] == pytest.approx(outcome.mean() - (1 - outcome.mean()) * 0.3 / 0.7)
    assert (part["treat_none"] == 0).all()
    assert set(table(finished, "precision_recall")["set"]) == {"training", "testing"}
    curve = table(finished, "calibration_curves")
    assert ((curve["low"] <= curve["observed"]) & (curve["observed"] <= curve["high"])).all()


def test_one_row_of_a_cutoff_rule_reaches_its_target(synthetic):
    made = synthetic()
    made.study += "  cutoff: {sensitivity: 0.9}\n"
    rows = table(made.run(), "table3")
    assert (rows.loc[rows["set"] == "training", "sensitivity"] >= 0.9).all()


def test_two_rules_of_a_cutoff_are_refused(synthetic):
    with pytest.raises(StudyFileError, match="one rule sets the cut-off, not sensitivity and cost_ratio"):
        parse_protocol(synthetic().study + "  cutoff: {sensitivity: 0.9, cost_ratio: 2}\n")


def test_a_separated_outcome_is_fitted_by_firth_and_said():
    X = pd.DataFrame({"a": [0.0, 1, 2, 3, 4, 5, 6, 7], "b": [1.0, 0, 1, 0, 1, 0, 1, 1]})
    y = pd.Series([0, 0, 0, 0, 1, 1, 1, 1])
    rows, summary = regression_of("m", X, y, level=0.95, interval="profile", separation="firth")
    assert summary["estimator"] == "Firth" and "separat" in summary["note"]
    assert all(np.isfinite(row["odds_ratio"]) for row in rows)
    rows, summary = regression_of("m", X, y, level=0.95, interval="profile", separation="note")
    assert np.isnan(rows[0]["odds_ratio"]) and summary["note"]


def test_collinear_variables_have_a_reason_and_no_number():
    X = pd.DataFrame({"a": [0.0, 1, 2, 3, 4, 5], "b": [0.0, 2, 4, 6, 8, 10]})
    rows, summary = regression_of(
        "m", X, pd.Series([0, 1, 0, 1, 0, 1]), level=0.95, interval="wald", separation="firth"
    )
    assert "b" in summary["note"] and all(row["note"] == summary["note"] for row in rows)


KAPPA = """agree:
  icc: null
  kappa:
    margin: {columns: [margin_1, margin_2]}
"""


def kappa_run(made, values):
    study = made.study.replace("  images: ", "  table: cohort.csv\n  images: ") + KAPPA
    run = Run(parse_protocol(study), made.out, made.out, 1, print, lambda i, _n, _w: i)
    write_csv(run.path("cohort", "rows.csv"), made.rows)
    pd.DataFrame(values, columns=["id", "margin_1", "margin_2"]).to_csv(made.out / "cohort.csv", index=False)
    return run


def test_kappa_of_two_readers_assessments(synthetic):
    values = [(f"P{i:02d}", *pair) for i, pair in enumerate([("smooth", "smooth")] * 20 + [("rough", "rough")] * 15
              + [("smooth", "rough")] * 10 + [("rough", "smooth")] * 5)]  # fmt: skip
    (row,) = kappa_table(kappa_run(synthetic(), values)).to_dict("records")
    assert row["kappa"] == pytest.approx(0.4)  # Wikipedia's worked example of Cohen's kappa: 20, 5, 10, 15
    assert row["n"] == 50 and row["observed"] == pytest.approx(0.7)


def test_a_value_that_is_no_level_is_named(synthetic):
    run = kappa_run(synthetic(), [("P00", "smooth", "bumpy"), ("P01", "rough", "rough")])
    with pytest.raises(Exception, match="bumpy"):
        kappa_table(run)


def test_chance_calibration_stands_beside_the_observed_areas(synthetic):
    made = synthetic(effect=1.5)
    made.study = made.study.replace("chance: null", "chance: {permutations: 39}")
    run = made.run()
    rows = pd.read_csv(run.path("evaluate", "chance", "chance.csv")).set_index(["kind", "model", "measure"])
    observed = table(run, "table3").set_index(["model", "set"])
    for model in ("clinical", "T2", "DWI", "both", "all"):
        for which in ("training", "testing"):
            row = rows.loc[("outcome", model, which)]
            assert row["observed"] == pytest.approx(observed.loc[(model, which), "auc"], abs=1e-6)
    assert rows.loc[("outcome", "DWI", "testing"), "p_value"] == pytest.approx(1 / 40)  # the planted effect
    assert rows.loc[("outcome", "T2", "testing"), "p_value"] > 0.05
    assert set(rows.loc["incremental"].index.get_level_values("model")) == {"all"}
    areas = pd.read_csv(run.path("evaluate", "chance", "aucs.csv"))
    chance = areas[(areas["kind"] == "outcome") & (areas["model"] == "T2") & (areas["measure"] == "testing")]["auc"]
    assert len(chance) == 39 and abs(chance.mean() - 0.5) < 0.1
    at_least = (chance >= rows.loc[("outcome", "T2", "testing"), "observed"] - 1e-6).sum()
    assert rows.loc[("outcome", "T2", "testing"), "p_value"] == pytest.approx((1 + at_least) / 40)


def test_chance_is_corrected_for_the_models_by_the_same_permutations(synthetic):
    """The corrected p-value from aucs.csv alone, in another order of work: the largest t of each permutation."""
    made = synthetic(effect=0.8)
    made.study = made.study.replace("chance: null", "chance: {permutations: 39}")
    run = made.run()
    rows = pd.read_csv(run.path("evaluate", "chance", "chance.csv"))
    areas = pd.read_csv(run.path("evaluate", "chance", "aucs.csv"))
    for (kind, measure), rows_of in rows.groupby(["kind", "measure"]):
        own_areas = areas[(areas["kind"] == kind) & (areas["measure"] == measure)]
        drawn = own_areas.set_index(["permutation", "model"])["auc"].unstack()  # noqa: PD010
        part = rows_of.set_index("model")
        every = pd.concat([drawn, part["observed"].to_frame().T])  # the observed AUC is one of the permutations
        t = (drawn - every.mean()) / every.std(ddof=0)
        own = (part["observed"] - every.mean()) / every.std(ddof=0)
        expected = [(1 + (t.max(axis=1) >= own[model] - 1e-4).sum()) / 40 for model in part.index]
        assert part["p_max_t"].to_numpy() == pytest.approx(expected)
        assert (part["p_max_t"] >= part["p_value"]).all()
        assert set(part["family"]) == {len(part)} and part["p_floor"].to_numpy() == pytest.approx(1 / 40)
        assert part["chance_mean"].to_numpy() == pytest.approx(drawn.mean()[part.index].to_numpy(), abs=1e-6)
    assert rows["empty_permutations"].to_numpy() == pytest.approx(rows["empty_percent"] * 39 / 100)
    alone = pd.read_csv(run.path("evaluate", "baselines", "chance.csv"))
    assert len(alone) and alone["p_max_t"].isna().all()
