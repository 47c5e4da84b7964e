"""A small finished study, made up in memory: what the report's figures and tables of models are drawn from."""

from dataclasses import replace
from functools import cache

import numpy as np
import pandas as pd
import pytest

from radstudy.artefacts import ARTEFACTS, TableFile
from radstudy.cohort.comparison import comparison_table
from radstudy.imaging.quality import BINS
from radstudy.protocol import load
from radstudy.report.facts import RunFacts
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


parse_protocol = cache(load.parse_protocol)  # a protocol does not change, and hundreds of tests need the same


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
        yield RunFacts(parse_protocol(STUDY), DeclaredFrames(frames), documents, (), {})


# --- the whole study: every figure and table has something to show ----------------------------------------------------

MORE_STUDY = STUDY.replace("  readers: [a, b]", "  readers: [a, b]\n  transfer: {from: T2, to: [DWI]}") + (
    "evaluate:\n  primary: {model: combined, against: clinical}\n  resampling: {optimism: [harrell]}\n"
)
_SETS = ("training", "testing")
PROVENANCE = {"finished": "2026-01-01T00:00:00", "seconds": 1.5, "code": "0.1", "key": "k", "versions": {"numpy": "2"}}


def cohort_rows(scores):
    rows = scores.loc[scores["model"] == "T2", ["patient", "lesion", "set", "outcome"]].reset_index(drop=True)
    margin = np.array(["smooth", "lobed", "spiculated"])[rows.index % 3]
    return rows.assign(age=40.0 + rows.index % 31, margin=margin)


def failures(step):
    return pd.DataFrame([{"patient": "lost", "lesion": "1", "sequence": "T2", "reader": "a", "file": "lost.nii.gz",
                          "problem": f"empty, said {step}", "remedy": "draw it"}])  # fmt: skip


def image_frames():
    prepared = {"patient": "p0", "image": "T2.nii.gz", "size": "89 x 85 x 18", "spacing_mm": "1 x 1 x 4",
                "iterations": "50, 40, 30", "cv_before": 0.3, "cv_after": 0.2, "field_ratio": 1.5, "low": 0.0,
                "high": 755.0, "warnings": "strong field", "field_shift": 1e-6, "history": "read"}  # fmt: skip
    lesion = {"patient": "p0", "lesion": "1", "native_voxels": 366, "volume_mm3": 1652.0, "resampled_voxels": 1712,
              "volume_change_percent": 3.6, "bins": 49, "transferred_from": "", "warnings": "small"}  # fmt: skip
    moved = {"patient": "p0", "lesion": "1", "sequence": "DWI", "from": "T2", "shift_r_mm": 0.5, "shift_a_mm": 0.1,
             "shift_s_mm": 0.0, "rotation_degrees": 1.0, "overlap": 0.9, "volume_change_percent": 1.0,
             "status": "confirmed", "confirmed_by": "a"}  # fmt: skip
    place = {"patient": "p0", "lesion": "1", "sequence": "T2", "reader": "a"}
    pair = [("T2", "p0_T2"), ("DWI", "p0_DWI")]
    scanned = {"patient": "p0", "manufacturer": "SIEMENS", "model": "Skyra", "field_strength_t": 3.0,
               "acquisition_type": "2D", "repetition_time_ms": 5000.0, "echo_time_ms": 80.0,
               "inversion_time_ms": np.nan, "flip_angle_deg": 150.0, "echo_train_length": 16.0,
               "pixel_bandwidth_hz": 200.0, "b_value": np.nan,
               "in_plane_mm": 1.0, "slice_thickness_mm": 4.0, "slice_step_mm": 4.4, "plane": "axial",
               "seconds_since_first_phase": np.nan, "contrast_agent": ""}  # fmt: skip
    return {
        "report/acquisition.csv": pd.DataFrame([{**scanned, "sequence": s} for s, _ in pair]),
        "cohort/excluded.csv": pd.DataFrame([{"patient": "out", "lesion": "1", "reason": "no MRI"}]),
        "cohort/absent.csv": pd.DataFrame([{"patient": "p1", "lesion": "1", "sequence": "DWI"}]),
        "prepare/volumes.csv": pd.DataFrame([{**prepared, "sequence": s, "name": name} for s, name in pair]),
        "prepare/lesions.csv": pd.DataFrame([{**lesion, "sequence": s, "reader": r} for s, _ in pair for r in "ab"]),
        "extract/missing.csv": pd.DataFrame([{**place, "feature": "original_glcm_MCC", "reason": "one grey level"}]),
        "extract/identical.csv": pd.DataFrame([{"group": 1, **place}, {"group": 1, **place, "patient": "p1"}]),
        "extract/transferred.csv": pd.DataFrame([moved]),
        "agree/icc.csv": pd.DataFrame([
            {"sequence": s, "feature": f"original_glcm_{i}", "icc": i / 10, "ci_low": i / 10 - 0.1,
             "ci_high": i / 10 + 0.05, "lesions": 30, "kept": i > 7} for s, _ in pair for i in range(10)
        ]),
        "extract/failures.csv": failures("extract"),
    }  # fmt: skip


def comparison_frames(rows, scores):
    """What `evaluate` writes beside single models: groups, pairs, chance, leaks, baselines, the other reader."""
    clinical = parse_protocol(STUDY).cohort.clinical
    indexed = rows.set_index(["patient", "lesion"])
    tested = {"rows": 22, "difference": 0.1, "low": -0.1, "high": 0.3, "p_value": 0.32, "note": ""}
    chance = {"permutations": 999, "observed": 0.8, "p_value": 0.01, "chance_median": 0.5, "chance_low": 0.3,
            "chance_high": 0.7, "excess": 0.3, "empty_percent": 1.0, "note": "", "p_max_t": 0.02,
            "family": 5}  # fmt: skip
    kinds = [("outcome", model, which) for model in MODELS for which in _SETS] + [
        ("incremental", "combined", "testing")
    ]
    at = np.linspace(0, 1, 11)
    moved = {"model": "T2", "reader": "b", "positives": 2, "auc_first": 0.9, "auc_first_low": 0.7,
             "auc_first_high": 1.0, "auc_other": 0.8, "auc_other_low": 0.6, "auc_other_high": 0.95,
             "mean_absolute_difference": 0.051, "bias": 0.02, "lower": -0.11, "upper": 0.15, "changed": 1, "rows": 5,
             "note": ""}  # fmt: skip
    curve = pd.DataFrame({"false_positive_rate": at, "low": at / 2, "median": at, "high": (at + 1) / 2})
    return {
        "evaluate/table1.csv": comparison_table(indexed, clinical, table="clinical", continuous="student"),
        "evaluate/table2.csv": comparison_table(indexed, clinical, table="imaging", continuous="student"),
        "evaluate/delong.csv": pd.DataFrame([
            {"set": which, "model_a": "T2", "model_b": "both", **tested, "z": 1.0, "p_adjusted": 0.04, "nested": True}
            for which in _SETS
        ]),
        "evaluate/precision_recall.csv": pd.DataFrame([
            {"model": model, "set": which, "precision": 1 - 0.5 * x, "recall": x}
            for model in MODELS for which in _SETS for x in at[1:]
        ]),
        "evaluate/chance/chance.csv": pd.DataFrame([
            {"kind": kind, "model": model, "measure": which, **chance} for kind, model, which in kinds
        ]),
        "evaluate/chance/roc.csv": pd.concat([
            curve.assign(kind="outcome", model=model, set=which) for model in MODELS for which in _SETS
        ], ignore_index=True),
        "evaluate/leaks/leaks.csv": pd.DataFrame([{"severity": "error", "check": "scaling", "what": "scaled",
                                                   "evidence": "mean 0", "where": "T2", "remedy": "do"}]),
        "evaluate/baselines/table3.csv": filled_table3(scores).query("model == 'T2'").assign(
            model="volume, T2", kind="volume"
        ),
        "evaluate/baselines/chance.csv": pd.DataFrame([
            {"kind": "outcome", "model": "volume, T2", "measure": which, **chance} for which in _SETS
        ]),
        "evaluate/baselines/beside_volume.csv": pd.DataFrame([
            {"model": "T2", "set": which, "sequence": "T2", **tested, "auc": 0.8, "volume_auc": 0.7, "rho": 0.55}
            for which in _SETS
        ]),
        "evaluate/other_reader/moved.csv": pd.DataFrame([{**moved, "set": which} for which in (*_SETS, "all")]),
        "evaluate/other_reader/probabilities.csv": pd.DataFrame([
            {"patient": f"p{i}", "lesion": "1", "set": _SETS[i > 2], "outcome": i % 2, "model": "T2", "reader": "b",
             "first": 0.2 * i, "other": 0.2 * i + 0.01, "cutoff": 0.7} for i in range(5)
        ]),
    }  # fmt: skip


def contribution_frame(scores, model="combined", intercept=-0.7):
    """What each feature adds in every patient: made-up shares that sum to the log-odds of the probabilities."""
    rng = np.random.default_rng(8)
    rows = []
    for _, row in scores[scores["model"] == model].iterrows():
        rest = np.log(row["probability"] / (1 - row["probability"])) - intercept
        shares = rng.normal(size=len(TERMS[model]) - 1)
        for feature, share in zip(TERMS[model], [*shares, rest - shares.sum()], strict=True):
            rows.append({"model": model, "patient": row["patient"], "lesion": row["lesion"], "feature": feature,
                         "value": 123.456 * share, "imputed": np.nan, "percentile": 100 * rng.random(),
                         "contribution": share})  # fmt: skip
    return pd.DataFrame(rows)


def resampling_frames(rows):
    """What `evaluate.resampling` writes."""
    measured = {"training_auc": 0.9, "selected_outside_auc": 0.85, "testing_auc": 0.8, "nested_auc": 0.65,
                "nested_se": 0.05, "nested_low": 0.55, "nested_high": 0.75, "repeats": 60, "folds": 5,
                "optimism": 0.25, "splits": 40, "split_median": 0.66, "split_low": 0.5, "split_high": 0.8,
                "split_share_lower": 0.93, "resamples": 150, "out_of_bag_auc": 0.64, "out_of_bag_low": 0.5,
                "out_of_bag_high": 0.77, "out_of_bag_brier": 0.26, "share_brier": 0.25, "out_of_bag_slope": 0.41,
                "slopes": 20, "stability": 0.07, "stability_low": 0.05, "stability_high": 0.09, "stability_note": "",
                "features_mean": 5.0, "candidates": 1076, "risk_icc": 0.71, "risk_sd_median": 0.1,
                "risk_sd_largest": 0.36, "note": ""}  # fmt: skip
    folder = "evaluate/resampling"
    return {
        f"{folder}/summary.csv": pd.DataFrame([{"model": model, **measured} for model in MODELS]),
        f"{folder}/splits.csv": pd.DataFrame([
            {"model": model, "split": i, "auc": 0.5 + i / 100} for model in MODELS for i in range(40)
        ]),
        f"{folder}/patients.csv": rows[["patient", "lesion", "set", "outcome"]].assign(
            model="combined", risk_median=np.linspace(0.1, 0.9, len(rows)), risk_low=0.05, risk_high=0.95, risk_sd=0.1
        ),
        f"{folder}/features.csv": pd.DataFrame([
            {"model": "both", "feature": f"T2:original_glcm_{i}", "selected_percent": 60.0 - i, "in_model": i == 0,
             "model_coefficient": 0.8, "coefficient_median": 0.7, "coefficient_low": 0.6, "coefficient_high": 0.9,
             "same_sign_percent": 100.0, "selected": 60} for i in range(5)
        ]),
        f"{folder}/corrections.csv": pd.DataFrame([
            {"model": "both", "correction": which, "auc": 0.8, "noise_auc": 0.6, "noise_se": 0.01, "noise_outcomes": 10,
             "resamples": 20} for which in ("apparent", "harrell", "632", "632+", "out_of_bag")
        ]),
    }  # fmt: skip


def filled_table3(scores):
    """Table 3 with every column that the step writes."""
    frame = table3(scores).assign(interval="newcombe", tp=9, fp=2, tn=9, fn=2, average_precision_note="")
    for name in ("sensitivity", "specificity", "accuracy", "ppv", "npv"):
        frame = frame.assign(**{name: 9 / 11, f"{name}_low": 0.5, f"{name}_high": 0.95})
    return frame


@pytest.fixture
def whole(facts):
    """The made-up study with every file that a run can have."""
    scores = facts.frames["model/predictions.csv"]
    rows = cohort_rows(scores)
    flow = {"screened": 70, "excluded": [{"reason": "no MRI", "patients": 8}], "kept": 62, "lesions": 62,
            "negative": 31, "positive": 31, "training": {"patients": 40, "negative": 20, "positive": 20},
            "testing": {"patients": 22, "negative": 11, "positive": 11}}  # fmt: skip
    bins = np.arange(BINS).tolist()
    fields = [{"histogram_before": bins, "histogram_after": bins[::-1]}]
    coefficients = facts.frames["model/features.csv"].assign(
        imputation=1.0, centre=1.0, scale=2.0, coefficient=0.8, training_low=0.0, training_high=5.0
    )
    screen = pd.DataFrame([("clinical", "age", 0.03, True)], columns=["model", "variable", "p_value", "kept"])
    frames = {
        "cohort/rows.csv": rows, "model/features.csv": coefficients, "model/clinical_screen.csv": screen,
        "report/contributions.csv": contribution_frame(scores),
        **image_frames(),
        **comparison_frames(rows, scores), **resampling_frames(rows), "evaluate/table3.csv": filled_table3(scores),
    }  # fmt: skip
    documents = {
        "cohort/flow.json": flow, "prepare/quality.json": {"p0_T2": {"sequence": "T2", "fields": fields}},
        "evaluate/leaks/checked.json": {"looked_for": []},
        "agree/summary.json": {**facts.documents["agree/summary.json"], "lesions": {"T2": 30, "DWI": 30}},
        "model/models.json": {
            name: {**model, "classifier": "logistic", "settings": {}, "sizes": {}, "intercept": -0.7, "C": 1.0}
            for name, model in facts.documents["model/models.json"].items()
        },
        **{f"{step}/provenance.json": PROVENANCE for step in ("cohort", "prepare", "agree", "model", "evaluate")},
    }  # fmt: skip
    return RunFacts(
        parse_protocol(MORE_STUDY), DeclaredFrames({**facts.frames, **frames}), facts.documents | documents, (), {}
    )


# --- pictures of testing lesions ----------------------------------------------------------------------------------


def planes_of(readers=("a", "b"), size=(40, 48)):
    """The planes that the step prepare keeps of one lesion."""
    rng = np.random.default_rng(1)
    content = {}
    for index in range(3):
        mask = np.zeros(size, dtype=bool)
        mask[15:25, 18:30] = True
        content |= {f"image_{index}": rng.integers(0, 255, size, dtype=np.uint8),
                    f"spacing_{index}": np.array([1.0, 1.0])}  # fmt: skip
        content |= {f"mask_{reader}_{index}": mask for reader in readers}
    return content


def keep_pictures(facts, folder, patients, sequences=("T2", "DWI")):
    """The study with pictures of some patients, and with their lesions in prepare/lesions.csv."""
    paths = []
    for patient in patients:
        for sequence in sequences:
            paths.append(folder / f"{patient}_1_{sequence}.npz")
            np.savez(paths[-1], **planes_of())
    lesions = facts.frames["prepare/lesions.csv"]
    more = [lesions.assign(patient=patient) for patient in patients]
    frames = DeclaredFrames({**facts.frames, "prepare/lesions.csv": pd.concat([*more, lesions], ignore_index=True)})
    return replace(facts, frames=frames, pictures=tuple(paths))


@pytest.fixture
def pictured(whole, tmp_path):
    """The whole study with pictures of all testing patients, and the summary of the extraction."""
    folder = tmp_path / "pictures"
    folder.mkdir()
    facts = keep_pictures(whole, folder, [f"testing{i}" for i in range(22)])
    facts.documents["extract/summary.json"] = {
        "features": 1218, "explained": "14 + 1,204 = 1,218 features",
        "settings": {"setting": {"binWidth": 25, "resampledPixelSpacing": [1, 1, 1], "interpolator": "sitkBSpline"},
                     "imageType": {"Original": {}}, "featureClass": {"shape": ["Elongation"]}},
    }  # fmt: skip
    return facts
