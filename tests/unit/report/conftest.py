"""A small finished study, made up in memory: what the report's figures and tables of models are drawn from."""

import numpy as np
import pandas as pd
import pytest

from radstudy.artefacts import ARTEFACTS, TableFile
from radstudy.protocol.load import parse_protocol
from radstudy.report.facts import Facts
from radstudy.report.figures.style import style
from radstudy.statistics import roc_curve, youden_cutoff

STUDY = """
study: test
notice: MADE UP
cohort:
  patient: id
  outcome: {column: y, positive: "1", labels: [benign, malignant]}
  split: {column: set}
  images: "{patient}/{sequence}.nii.gz"
  masks: "{patient}/{sequence}_{reader}.nii.gz"
  readers: [a, b]
  clinical:
    age: {label: Age, unit: year}
    margin: {label: Margin, levels: [smooth, lobed, spiculated], table: imaging}
sequences: [T2, DWI]
prepare: []
model:
  select: [{boosted_trees: {keep: 2}}]
  models:
    clinical: {clinical: {}}
    T2: [T2]
    DWI: [DWI]
    both: {pool: [T2, DWI]}
    combined: {add: [both, clinical]}
"""
MODELS = ("clinical", "T2", "DWI", "both", "combined")
TERMS = {
    "clinical": ["clinical:age"],
    "T2": ["T2:original_firstorder_Mean"],
    "DWI": ["DWI:original_glcm_Contrast"],
    "both": ["T2:original_firstorder_Mean", "DWI:original_glcm_Contrast"],
    "combined": ["T2:original_firstorder_Mean", "DWI:original_glcm_Contrast", "clinical:age",
                 "clinical:margin=lobed", "clinical:margin=spiculated"],
}  # fmt: skip


class DeclaredFrames(dict):
    """Made-up tables by their names: one with a column that no run writes is refused, so that no fixture drifts."""

    def __init__(self, frames):
        super().__init__()
        for name, frame in frames.items():
            self[name] = frame

    def __setitem__(self, name, frame):
        (table,) = [one for one in ARTEFACTS if isinstance(one, TableFile) and one.path == name]
        unknown = [] if table.more else [column for column in frame.columns if column not in table.names]
        assert not unknown, f"{name} has columns that no run writes: {unknown}"
        super().__setitem__(name, frame)


def term(name, coefficient, centre, scale, low, high):
    return {"name": name, "imputation": None, "centre": centre, "scale": scale, "coefficient": coefficient,
            "training_range": [low, high]}  # fmt: skip


SIGNATURE = {
    "model": "combined",
    "cutoff": 0.4,
    "sequences": ["T2", "DWI"],
    "clinical": {"age": {}, "margin": {}},
    "formula": {
        "intercept": -0.7,
        "terms": [
            term("T2:original_firstorder_Mean", 0.8, 300.0, 45.0, 180.0, 420.0),
            term("DWI:original_glcm_Contrast", -1.1, 5.0, 2.0, 0.5, 11.0),
            term("clinical:age", 0.3, 52.0, 9.0, 31.0, 79.0),
            term("clinical:margin=lobed", -0.2, 0.4, 0.49, 0.0, 1.0),
            term("clinical:margin=spiculated", 0.6, 0.25, 0.43, 0.0, 1.0),
        ],
    },
}


def predictions():
    """Two sets of patients with probabilities that know a little of the outcome."""
    rng = np.random.default_rng(3)
    rows = []
    for which, size in (("training", 40), ("testing", 22)):
        outcome = np.arange(size) % 2
        for model in MODELS:
            probability = 1 / (1 + np.exp(-rng.normal(outcome * 1.6 - 0.8, 1.0)))
            rows += [
                {"patient": f"{which}{i}", "lesion": "1", "set": which, "outcome": int(y), "model": model,
                 "probability": p} for i, (y, p) in enumerate(zip(outcome, probability, strict=True))
            ]  # fmt: skip
    return pd.DataFrame(rows)


def per_set(scores, row):
    """A table of one row a model and set."""
    return pd.DataFrame([{"model": model, "set": which, **row(part)}
                         for (model, which), part in scores.groupby(["model", "set"], sort=False)])  # fmt: skip


def table3(scores):
    cutoffs = {
        model: youden_cutoff(part["outcome"].to_numpy(), part["probability"].to_numpy()).cutoff
        for model, part in scores[scores["set"] == "training"].groupby("model")
    }
    frame = per_set(scores, lambda part: {"rows": len(part), "positives": int(part["outcome"].sum()), "auc": 0.75,
                                          "auc_low": 0.6, "auc_high": 0.9, "average_precision": 0.7,
                                          "average_precision_low": 0.5, "average_precision_high": 0.85, "f1": 0.66,
                                          "f1_low": 0.5, "f1_high": 0.8, "balanced_accuracy": 0.71,
                                          "balanced_accuracy_low": 0.6, "balanced_accuracy_high": 0.8,
                                          "note": ""})  # fmt: skip
    return frame.assign(cutoff=frame["model"].map(cutoffs))


def calibration(scores):
    frame = per_set(scores, lambda part: {"rows": len(part), "intercept": -0.12, "intercept_low": -0.9,
                                          "intercept_high": 0.7, "slope": 0.83, "slope_low": 0.21, "slope_high": 1.45,
                                          "brier": 0.187, "note": ""})  # fmt: skip
    lost = (frame["model"] == "T2") & (frame["set"] == "testing")
    frame.loc[lost, ["slope", "slope_low", "slope_high"]] = np.nan
    frame.loc[lost, "note"] = "all probabilities are equal: no slope"
    return frame


def calibration_curves(scores):
    at = np.linspace(0.1, 0.9, 9)
    parts = [pd.DataFrame({"model": model, "set": which, "predicted": at, "observed": at**2, "low": at**2 - 0.05,
                           "high": at**2 + 0.05}) for (model, which), _ in scores.groupby(["model", "set"], sort=False)
             if (model, which) != ("T2", "testing")]  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def decision_curves(scores):
    at = np.linspace(0.01, 0.99, 99)
    parts = []
    for (model, which), part in scores.groupby(["model", "set"], sort=False):
        y, p = part["outcome"].to_numpy(), part["probability"].to_numpy()
        called = p[:, None] >= at
        odds = at / (1 - at)
        benefit = (called & (y[:, None] == 1)).mean(0) - (called & (y[:, None] == 0)).mean(0) * odds
        parts.append(pd.DataFrame({
            "model": model, "set": which, "threshold": at, "net_benefit": benefit, "low": benefit - 0.1,
            "high": benefit + 0.1, "treat_all": y.mean() - (1 - y.mean()) * odds, "treat_none": 0.0, "avoided": 0.0,
        }))  # fmt: skip
    return pd.concat(parts, ignore_index=True)


def regression():
    base = {"odds_ratio": 2.0, "low": 1.1, "high": 3.636, "coefficient": 0.693, "se": 0.305, "p_value": 0.023,
            "lr_p_value": 0.0004, "vif": 1.25, "estimator": "maximum likelihood", "note": ""}  # fmt: skip
    rows = [{"model": model, "feature": feature, **base} for model in MODELS for feature in TERMS[model]]
    frame = pd.DataFrame(rows)
    mine = frame.index[frame["model"] == "combined"]
    frame.loc[mine[1], ["odds_ratio", "low", "high", "estimator"]] = [0.25, 0.002, 40000.0, "Firth"]
    frame.loc[mine[2], ["odds_ratio", "low", "high", "p_value", "lr_p_value", "vif"]] = np.nan
    frame.loc[mine[2], "note"] = "a linear combination of others"
    return frame


def regression_models():
    fixed = {"lr_statistic": 12.345, "lr_p_value": 0.0123, "r2_nagelkerke": 0.456, "r2_cox_snell": 0.34, "aic": 41.2,
             "estimator": "maximum likelihood"}  # fmt: skip
    return pd.DataFrame([
        {"model": model, "rows": 40, "events": 20, "events_per_variable": 20 / len(terms), "lr_dof": len(terms),
         **fixed, "note": "few events" if model == "combined" else ""} for model, terms in TERMS.items()
    ])  # fmt: skip


def pairs():
    return pd.DataFrame([
        {"set": which, "model_a": "T2", "model_b": "both", "rows": 22, "only_a": 5, "only_b": 2, "difference": 3 / 22,
         "statistic": np.nan, "p_value": 0.453, "p_adjusted": 0.906, "note": ""} for which in ("training", "testing")
    ])  # fmt: skip


def increments():
    return pd.DataFrame([
        {"set": which, "base": "clinical", "extended": "combined", "rows": 22, "auc_difference": 0.08, "auc_low": -0.02,
         "auc_high": 0.18, "auc_p_value": 0.117, "idi": 0.05, "idi_low": 0.01, "idi_high": 0.09, "nri": 0.4,
         "nri_low": -0.1, "nri_high": 0.9, "nri_events": 0.3, "nri_nonevents": 0.1, "nested": True,
         "note": "nested models"} for which in ("training", "testing")
    ])  # fmt: skip


def masks():
    return pd.DataFrame([
        {"patient": f"p{i}", "lesion": "1", "sequence": sequence, "reader_a": "a", "reader_b": "b", "dice": dice,
         "jaccard": dice / (2 - dice), "hausdorff_mm": 4.0, "hausdorff_95_mm": 2.0, "mean_surface_distance_mm": 0.5,
         "volume_difference_percent": -3.0, "note": ""}
        for sequence in ("T2", "DWI") for i, dice in enumerate((0.8, 0.85, 0.9))
    ])  # fmt: skip


def funnel():
    rows = [("clinical", "clinical", "screen", 3, 1), ("T2", "T2", "impute", 1100, 1100),
            ("T2", "T2", "collinear", 1100, 90), ("T2", "T2", "boosted_trees", 90, 1),
            ("DWI", "DWI", "boosted_trees", 1000, 1), ("both", "T2", "boosted_trees", 90, 1),
            ("both", "both", "boosted_trees", 2, 2)]  # fmt: skip
    return pd.DataFrame(rows, columns=["model", "branch", "step", "entered", "kept"])


@pytest.fixture
def facts():
    """The made-up study; a test may change its frames and documents."""
    scores = predictions()
    features = [{"model": model, "feature": feature} for model in MODELS for feature in TERMS[model]]
    curves = []
    for (model, which), part in scores.groupby(["model", "set"], sort=False):
        curve = roc_curve(part["outcome"].to_numpy(), part["probability"].to_numpy())
        curves.append(pd.DataFrame({"model": model, "set": which, "false_positive_rate": curve.false_positive_rate,
                                    "true_positive_rate": curve.true_positive_rate}))  # fmt: skip
    frames = {
        "model/predictions.csv": scores,
        "model/features.csv": pd.DataFrame(features),
        "model/funnel.csv": funnel(),
        "evaluate/table3.csv": table3(scores),
        "evaluate/roc.csv": pd.concat(curves),
        "evaluate/calibration.csv": calibration(scores),
        "evaluate/calibration_curves.csv": calibration_curves(scores),
        "evaluate/decision_curves.csv": decision_curves(scores),
        "evaluate/regression.csv": regression(),
        "evaluate/regression_models.csv": regression_models(),
        "evaluate/mcnemar.csv": pairs(),
        "evaluate/incremental.csv": increments(),
        "agree/masks.csv": masks(),
        "agree/kappa.csv": pd.DataFrame([
            {"variable": "margin", "weights": "quadratic", "kappa": 0.71, "low": 0.5, "high": 0.92, "observed": 0.9,
             "n": 30, "note": ""},
            {"variable": "age", "weights": "", "kappa": np.nan, "low": np.nan, "high": np.nan, "observed": 1.0, "n": 30,
             "note": "one category only"},
        ]),
    }  # fmt: skip
    models = {name: {"fitted": True, "note": "", "empty": False} for name in MODELS}
    agreed = {"note": "", "of": 1218, "kept": {"T2": 1100, "DWI": 1000}, "of_sequence": {"T2": 1218, "DWI": 1218},
              "above": 0.75, "form": "ICC(2,1)"}  # fmt: skip
    documents = {"model/models.json": models, "agree/summary.json": agreed, "signature.json": SIGNATURE}
    with style():
        yield Facts(parse_protocol(STUDY), DeclaredFrames(frames), documents, (), {})
