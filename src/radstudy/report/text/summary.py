"""The summary: the study in five sentences."""

from __future__ import annotations

from typing import Any

import pandas as pd

from radstudy.report.analysed import analysed_rows, by_patient, lesions_note, not_analysed
from radstudy.report.display import interval, listed, number, plural, thousands
from radstudy.report.facts import TESTING, TRAINING, AbsentError, Facts


def summary(facts: Facts) -> list[str]:
    """The study in five sentences, or in as many as its steps have finished."""
    sentences = []
    for sentence in (_patients, _features, _models, _testing, _caution):
        try:
            sentences.append(sentence(facts))
        except AbsentError as missing:
            sentences.append(f"Not known yet: {missing}")
    return list(dict.fromkeys(filter(None, [*sentences, lesions_note(facts)])))


def _patients(facts: Facts) -> str:
    flow = facts.document("cohort/flow.json")
    lesions = f" with {plural(flow['lesions'], 'lesion')}" if flow["lesions"] != flow["kept"] else ""
    parts = [
        f"{flow[which]['patients']} {which} patients ({flow[which]['positive']} {facts.groups[1]})"
        for which in (TRAINING, TESTING)
    ]
    return (
        f"Of {plural(flow['screened'], 'patient')} screened, {flow['kept']} were kept{lesions}: {flow['negative']} "
        f"{facts.groups[0]} and {flow['positive']} {facts.groups[1]}, split once into {listed(parts)}."
        f"{_analysed(facts)}"
    )


def _analysed(facts: Facts) -> str:
    """How many of them some model could use; "" where all."""
    lost = sum(not_analysed(facts).values())
    if not lost:
        return ""
    patients, parts = by_patient(analysed_rows(facts)), []
    for which in (TRAINING, TESTING):
        part = patients[patients["set"] == which]
        parts.append(f"{len(part)} {which} patients ({int(part['outcome'].sum())} {facts.groups[1]})")
    return (
        f" No model could use {plural(lost, 'patient')}; {plural(len(patients), 'patient')} analysed: {listed(parts)}."
    )


def _features(facts: Facts) -> str:
    extracted = facts.document("extract/summary.json")
    agreed = facts.document("agree/summary.json")
    sequences = listed(list(facts.protocol.sequences))
    start = f"Each lesion gave {plural(extracted['features'], 'feature')} on each of {sequences}"
    if facts.protocol.features is not None:
        start = f"Features were given as a table ({extracted['explained'].partition(';')[0]})"
    if agreed["note"]:
        return f"{start}; reproducibility between readers was not tested."
    kept = [f"{thousands(agreed['kept'].get(name, 0))} ({name})" for name in facts.protocol.sequences]
    lesions = sorted(set(agreed["lesions"].values()))
    count = str(lesions[0]) if len(lesions) == 1 else f"{lesions[0]} to {lesions[-1]}"
    return (
        f"{start}; between {len(agreed['readers'])} readers on {count} lesions, {listed(kept)} of them had "
        f"{_bound(agreed)} above {agreed['above']:g} and went on."
    )


def _bound(agreed: dict[str, Any]) -> str:
    return (
        f"an {agreed['form']}" if agreed.get("by", "estimate") == "estimate" else f"a lower limit of {agreed['form']}"
    )


def _models(facts: Facts) -> str:
    found = facts.document("model/models.json")
    empty = [name for name in facts.fitted if found[name].get("empty")]
    unfitted = [name for name in facts.models if name not in facts.fitted]
    text = f"{plural(len(facts.models), 'model')} {'was' if len(facts.models) == 1 else 'were'} declared"
    text += f" and {len(facts.fitted)} fitted" if unfitted else " and all fitted" if len(facts.models) > 1 else ""
    if unfitted:
        text += f" (not fitted: {listed(unfitted)})"
    if empty:
        text += (
            f"; in {listed(empty)} no feature survived the selection, so {'it is' if len(empty) == 1 else 'they are'} "
        )
        text += "an intercept only (AUC 0.5)"
    return text + "."


def _testing(facts: Facts) -> str:
    frame = _areas(facts, TESTING)
    low, high = frame.loc[frame["auc"].idxmin()], frame.loc[frame["auc"].idxmax()]
    level = f"{100 * facts.protocol.evaluate.interval.level:g}% CI"
    chosen = frame[frame["model"] == facts.protocol.signature_model]
    text = (
        f"On the testing set ({_span(frame['rows'])} {facts.case_word}, {_span(frame['positives'])} positive) the AUCs "
    )
    if len(frame) == 1:
        return f"{text}was {interval(low['auc'], low['auc_low'], low['auc_high'])}.".replace("AUCs", "AUC")
    text += f"lay between {number(low['auc'])} ({low['model']}) and {number(high['auc'])} ({high['model']})"
    if len(chosen):
        row = chosen.iloc[0]
        text += (
            f"; the model that the study file names for use, {row['model']}, reached {number(row['auc'])} "
            f"({level} {number(row['auc_low'])} to {number(row['auc_high'])})"
        )
    return f"{text}{_pairs(facts)}."


def _pairs(facts: Facts) -> str:
    frame = facts.frames.get("evaluate/delong.csv")
    if frame is None or not len(frame):
        return ""
    tested = frame[(frame["set"] == TESTING) & frame["p_value"].notna()]
    if not len(tested):
        return ""
    raw = int((tested["p_value"] < 0.05).sum())
    text = f", and {raw or 'none'} of {plural(len(tested), 'comparison')} between models had p < 0.05"
    if facts.protocol.evaluate.compare.adjust == "holm" and raw:
        held = int((tested["p_adjusted"] < 0.05).sum())
        text += f" ({held or 'none'} after Holm's correction)"
    return text


def _caution(facts: Facts) -> str:
    training, testing = _areas(facts, TRAINING), _areas(facts, TESTING)
    many = f"the highest of {len(testing)} tends to be too high by chance alone, and " if len(testing) > 1 else ""
    return (
        f"The training AUCs ({_between(training['auc'])}) are apparent (selection ignored): the same patients chose "
        f"the features and fitted the models; the testing AUCs come from one split with {_span(testing['positives'])} "
        f"positive {facts.case_word}, so {many}none of this has been validated on other patients.{_inside(facts)}"
    )


def _inside(facts: Facts) -> str:
    """What the same recipe reaches with every step inside the folds; "" where nobody looked."""
    frame = facts.frames.get("evaluate/resampling/summary.csv")
    known = frame.dropna(subset=["nested_auc"]) if frame is not None and len(frame) else None
    if known is None or not len(known):
        return ""
    return (
        f" With every step inside the folds (nested cross-validation, all {facts.case_word}) the same recipes reach "
        f"{_between(known['nested_auc'])}, on average {number(known['optimism'].mean(), 2)} less than in training."
    )


def _areas(facts: Facts, which: str) -> pd.DataFrame:
    frame = facts.frame("evaluate/table3.csv")
    part = frame[(frame["set"] == which) & frame["auc"].notna()] if "auc" in frame else frame
    if not len(part):
        raise AbsentError("no model could be fitted and tested.")
    return part


def _span(values: Any) -> str:
    low, high = int(values.min()), int(values.max())
    return str(low) if low == high else f"{low} to {high}"


def _between(values: Any) -> str:
    return number(values.min()) if len(values) == 1 else f"{number(values.min())} to {number(values.max())}"
