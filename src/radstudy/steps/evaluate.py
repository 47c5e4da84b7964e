"""Step 6, evaluate: group comparisons, performance with intervals, and every pair of models compared."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from radstudy.cohort.comparison import comparison_table
from radstudy.modelling.models import refers_to
from radstudy.statistics import auc_ci, delong_test, diagnostic_measures, holm, roc_curve, youden_cutoff
from radstudy.steps.cohort import read_rows
from radstudy.steps.run import Run
from radstudy.store import read_json, write_csv

STEP = "evaluate"
MEASURES = ("sensitivity", "specificity", "accuracy", "ppv", "npv")
SETS = ("training", "testing")


def do_evaluate(run: Run) -> None:
    """Write Tables 1-3, the ROC curves and the DeLong comparisons."""
    settings = {
        "evaluate": run.protocol.evaluate.model_dump(mode="json"),
        "clinical": {n: v.model_dump(mode="json") for n, v in run.protocol.cohort.clinical.items()},
    }
    with run.step(STEP, settings=settings, inputs={"model": run.key_of("model")}) as due:
        if due:
            _evaluate(run)


def _evaluate(run: Run) -> None:
    protocol = run.protocol
    rows = read_rows(run)
    for number, table in ((1, "clinical"), (2, "imaging")):
        frame = comparison_table(
            rows, protocol.cohort.clinical, table=table, continuous=protocol.evaluate.continuous
        )  # fmt: skip
        write_csv(run.path(STEP, f"table{number}.csv"), frame)
    scores = read_predictions(run)
    models = read_json(run.path("model", "models.json"))
    fitted = [name for name in protocol.model.models if models[name]["fitted"]]
    performance = [_performance(run, name, which, scores, models[name]) for which in SETS for name in fitted]
    write_csv(run.path(STEP, "table3.csv"), pd.DataFrame(performance))
    curves = [_curve(name, which, scores) for which in SETS for name in fitted]
    write_csv(run.path(STEP, "roc.csv"), pd.concat(curves or [pd.DataFrame()], ignore_index=True))
    pairs = [row for which in SETS for row in _comparisons(run, fitted, which, scores)]
    write_csv(run.path(STEP, "delong.csv"), pd.DataFrame(pairs, columns=DELONG_COLUMNS))


DELONG_COLUMNS = [
    "set", "model_a", "model_b", "rows", "difference", "low", "high", "z", "p_value", "p_adjusted", "nested", "note",
]  # fmt: skip


def read_predictions(run: Run) -> pd.DataFrame:
    """The models' probabilities: one row a (patient, lesion, set, model)."""
    text = dict.fromkeys(("patient", "lesion", "set", "model"), str)
    return pd.read_csv(run.path("model", "predictions.csv"), dtype=text, keep_default_na=False)


def _of(scores: pd.DataFrame, model: str, which: str) -> pd.DataFrame:
    chosen = scores[(scores["model"] == model) & (scores["set"] == which)]
    return chosen.set_index(["patient", "lesion"])


def _performance(run: Run, model: str, which: str, scores: pd.DataFrame, facts: dict[str, Any]) -> dict[str, Any]:
    section = run.protocol.evaluate
    training, part = _of(scores, model, "training"), _of(scores, model, which)
    y, probability = part["outcome"].to_numpy(), part["probability"].to_numpy()
    record: dict[str, Any] = {"model": model, "set": which, "rows": len(y), "positives": int(y.sum())}
    cutoff = youden_cutoff(training["outcome"].to_numpy(), training["probability"].to_numpy()).cutoff
    notes = [facts["note"]] if facts["note"] else []
    if part.index.get_level_values("patient").has_duplicates:
        notes.append("several lesions of one patient: the intervals take them as independent and are too narrow")
    if len(np.unique(y)) < 2:
        notes.append("the rows that this model can use have one class only")
        return {**record, "note": "; ".join(notes)}
    area = auc_ci(y, probability, method=section.interval.auc, level=section.interval.level)
    record |= {"auc": area.auc, "auc_low": area.ci[0], "auc_high": area.ci[1], "interval": section.interval.auc}
    measures = diagnostic_measures(
        y, probability >= cutoff, level=section.interval.level, method=section.interval.proportion
    )  # fmt: skip
    record |= {"cutoff": cutoff, "tp": measures.tp, "fp": measures.fp, "tn": measures.tn, "fn": measures.fn}
    for name in MEASURES:
        measure = getattr(measures, name)
        record |= {name: measure.value, f"{name}_low": measure.ci[0], f"{name}_high": measure.ci[1]}
    return {**record, "note": "; ".join(notes)}


def _curve(model: str, which: str, scores: pd.DataFrame) -> pd.DataFrame:
    part = _of(scores, model, which)
    if part["outcome"].nunique() < 2:
        return pd.DataFrame()
    curve = roc_curve(part["outcome"].to_numpy(), part["probability"].to_numpy())
    return pd.DataFrame(
        {
            "model": model,
            "set": which,
            "threshold": curve.thresholds,
            "false_positive_rate": curve.false_positive_rate,
            "true_positive_rate": curve.true_positive_rate,
        }
    )


def _comparisons(run: Run, models: list[str], which: str, scores: pd.DataFrame) -> list[dict[str, Any]]:
    """DeLong's test of every pair, on the patients that both models have."""
    parts = {name: _of(scores, name, which) for name in models}
    records = [_compare(run, which, (a, parts[a]), (b, parts[b])) for a, b in combinations(models, 2)]
    known = [record for record in records if record["p_value"] is not None and np.isfinite(record["p_value"])]
    if run.protocol.evaluate.compare.adjust == "holm":
        adjusted = holm(np.array([record["p_value"] for record in known]))
        for record, value in zip(known, adjusted, strict=True):
            record["p_adjusted"] = float(value)
    return records


def _compare(run: Run, which: str, first: tuple[str, pd.DataFrame], second: tuple[str, pd.DataFrame]) -> dict[str, Any]:
    (a, rows_a), (b, rows_b) = first, second
    shared = rows_a.index.intersection(rows_b.index)
    nested = b in refers_to(run.protocol, a) or a in refers_to(run.protocol, b)
    record: dict[str, Any] = {"set": which, "model_a": a, "model_b": b, "rows": len(shared), "nested": nested}
    y = rows_a.loc[shared, "outcome"].to_numpy()
    if len(np.unique(y)) < 2:
        return {**record, "p_value": None, "note": "the patients that both models have are of one class"}
    test = delong_test(
        y, rows_a.loc[shared, "probability"].to_numpy(), rows_b.loc[shared, "probability"].to_numpy(),
        level=run.protocol.evaluate.interval.level,
    )  # fmt: skip
    return {
        **record, "difference": test.difference, "low": test.ci[0], "high": test.ci[1], "z": test.z,
        "p_value": test.p_value, "p_adjusted": None, "note": test.note,
    }  # fmt: skip
