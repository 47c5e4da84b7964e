"""The summary's answer: what the study's model reaches, beside the clinical one, chance, and something simpler."""

from __future__ import annotations

from typing import Any

import pandas as pd

from radstudy.modelling.lesions import without_lesions_note
from radstudy.protocol.words import listed
from radstudy.report.baselines import baselines
from radstudy.report.chance import INCREMENTAL, NULL, OUTCOME, Chance, chance_of, family
from radstudy.report.display import number, p_text
from radstudy.report.facts import TESTING, TRAINING, Facts
from radstudy.report.text.evidence import DELONG, RESAMPLED, TABLE3, areas, fitted, left_out, row_of, rows
from radstudy.report.text.sentence import Sentence

CALIBRATION, BESIDE_VOLUME = "evaluate/calibration.csv", "evaluate/baselines/beside_volume.csv"
SMALL = 0.05


def _with_interval(facts: Facts, value: float, low: float, high: float, digits: int = 3) -> str:
    """Such as "0.750 (95% CI 0.600 to 0.900)"."""
    if pd.isna(low) or pd.isna(high):
        return number(value, digits)
    return f"{number(value, digits)} ({facts.level} CI {number(low, digits)} to {number(high, digits)})"


def _p(value: float) -> str:
    """Such as "p = 0.012" and "p < 0.001"."""
    text = p_text(value)
    return f"p < {text[1:]}" if text.startswith("<") else f"p = {text}"


# --- how well it does --------------------------------------------------------------------------------------------


def _tested(facts: Facts) -> Any:
    """The study's model in Table 3, testing set."""
    return row_of(areas(facts, TESTING), facts.study_model)


def _reached(facts: Facts) -> str:
    row = _tested(facts)
    return (
        f"{facts.study_model}, {facts.study_model_is}, reached an AUC of "
        f"{_with_interval(facts, row['auc'], row['auc_low'], row['auc_high'])} on the testing set "
        f"({int(row['rows'])} {facts.case_word}, {int(row['positives'])} positive)."
    )


def _without_auc(facts: Facts) -> Any:
    """The row of the study's model in Table 3, testing set, where it has no AUC."""
    frame = rows(facts, TABLE3, "note")
    return row_of(frame[frame["auc"].isna()] if "auc" in frame else frame, facts.study_model)


def _not_tested(facts: Facts) -> str:
    why = without_lesions_note(_without_auc(facts)["note"])
    return f"{facts.study_model}, {facts.study_model_is}, has no AUC in testing: {why}."


def _not_fitted(facts: Facts) -> str:
    found = facts.document("model/models.json")[facts.study_model]
    return f"{facts.study_model}, {facts.study_model_is}, has no result: {found.get('note') or 'not fitted'}."


def _without_result(facts: Facts) -> bool:
    found = facts.documents.get("model/models.json") or {}
    return facts.study_model in found and not found[facts.study_model].get("fitted")


def _counted(facts: Facts) -> dict[str, Any]:
    """Set to the row of Table 3 that holds the counts at the cut-off, where both sets have them."""
    frame = rows(facts, TABLE3, "tp", "fn", "tn", "fp")
    found = {which: row_of(frame, facts.study_model, which) for which in (TESTING, TRAINING)}
    return {which: row for which, row in found.items() if row is not None}


def _recognised(facts: Facts) -> str:
    rows_of = _counted(facts)
    positive, negative = (
        {which: f"{int(row[right])} of {int(row[right]) + int(row[wrong])}" for which, row in rows_of.items()}
        for right, wrong in (("tp", "fn"), ("tn", "fp"))
    )
    word = facts.case_word
    return (
        f"At its cut-off it recognised {positive[TESTING]} {facts.groups[1]} {word} in testing, against "
        f"{positive[TRAINING]} in training (sensitivity), and {negative[TESTING]} {facts.groups[0]} {word} in testing, "
        f"against {negative[TRAINING]} in training (specificity)."
    )


def _calibration_row(facts: Facts) -> Any:
    return row_of(rows(facts, CALIBRATION, "slope", "intercept"), facts.study_model)


def _calibrated(facts: Facts) -> str:
    row = _calibration_row(facts)
    low, high = row["slope_low"], row["slope_high"]
    if row["slope"] <= 0:
        verdict = f"higher probabilities did not go with more {facts.groups[1]} {facts.case_word}"
    elif high < 1:
        verdict = "its probabilities are too extreme"
    elif low > 1:
        verdict = "its probabilities are too cautious"
    else:
        verdict = "the interval of the slope includes the ideal 1"
    return (
        f"Its calibration in testing: slope {_with_interval(facts, row['slope'], low, high, 2)}, ideally 1, and "
        f"intercept {_with_interval(facts, row['intercept'], row['intercept_low'], row['intercept_high'], 2)}, ideally "
        f"0: {verdict}."
    )


def _uncalibrated_row(facts: Facts) -> Any:
    frame = rows(facts, CALIBRATION, "note")
    return row_of(frame[frame["slope"].isna()], facts.study_model) if len(frame) else None


ANSWER = (
    Sentence("study_model", lambda facts: _tested(facts) is not None, _reached),
    Sentence("study_model_not_tested", lambda facts: _without_auc(facts) is not None, _not_tested),
    Sentence("study_model_not_fitted", _without_result, _not_fitted),
    Sentence("sensitivity", lambda facts: len(_counted(facts)) == 2, _recognised),
    Sentence("study_model_calibration", lambda facts: _calibration_row(facts) is not None, _calibrated),
    Sentence(
        "study_model_not_calibrated",
        lambda facts: _tested(facts) is not None and _uncalibrated_row(facts) is not None,
        lambda facts: f"Its calibration in testing is not known: {_uncalibrated_row(facts)['note']}.",
    ),
)


# --- beside the clinical model -----------------------------------------------------------------------------------


def clinical_model(facts: Facts) -> str | None:
    """The clinical model that the study's model is compared with: the one inside it, else the first of the study.

    None where there is none, or where the study's model is itself a clinical one.
    """
    models = facts.protocol.model.models
    source = facts.protocol.model.source_of(facts.study_model)
    if models[source].clinical is not None:
        return None
    order = [*(models[source].add or ()), *(name for name, model in models.items() if model.like is None)]
    return next((name for name in order if models[name].clinical is not None and name in fitted(facts)), None)


def _pair(facts: Facts) -> Any:
    """DeLong's comparison, the study's model minus the clinical one; None where there is none."""
    other, mine = clinical_model(facts), facts.study_model
    frame = rows(facts, DELONG, "difference")
    frame = frame[frame["set"] == TESTING] if len(frame) else frame
    for _, row in frame.iterrows():
        if (row["model_a"], row["model_b"]) == (mine, other):
            return row
        if (row["model_a"], row["model_b"]) == (other, mine):
            turned = {"difference": -row["difference"], "low": -row["high"], "high": -row["low"]}
            return pd.Series({**row.to_dict(), **turned})
    return None


def _against_clinical(facts: Facts) -> str:
    row, other = _pair(facts), clinical_model(facts)
    difference, p_value = float(row["difference"]), row["p_value"]
    size = f"{number(abs(difference))} {'more' if difference > 0 else 'less'} than" if difference else "the same as"
    limits = _with_interval(facts, difference, row["low"], row["high"])
    test = (
        f"without a p-value: {row['note']}"
        if pd.isna(p_value)
        else f"{_p(p_value)} by DeLong's test, two-sided, not corrected for other comparisons"
    )
    if pd.isna(p_value) or p_value >= SMALL:
        verdict = "It is not shown that the two differ."
    else:
        verdict = f"By this test it is {'better' if difference > 0 else 'worse'} than the clinical model."
    nothing = " (an intercept only: no clinical variable entered it)" if fitted(facts)[str(other)].get("empty") else ""
    return (
        f"Its testing AUC is {size} that of the clinical model {other}{nothing} on the same {int(row['rows'])} "
        f"{facts.case_word}: difference {limits}; {test}. {verdict}"
    )


# --- beside chance -----------------------------------------------------------------------------------------------


def _chance(facts: Facts) -> Chance | None:
    found = chance_of(facts, facts.study_model, TESTING)
    return found if found is not None and not pd.isna(found.p_value) else None


def _added(facts: Facts) -> Chance | None:
    found = chance_of(facts, facts.study_model, TESTING, INCREMENTAL)
    return found if found is not None and not pd.isna(found.p_value) else None


def _by_chance(facts: Facts) -> str:
    found = _chance(facts)
    assert found is not None
    shown = "more than chance" if found.p_value < SMALL else "not shown to be more than chance"
    known = not pd.isna(found.low)
    share = f" (central {facts.level}: {number(found.low)} to {number(found.high)})" if known else ""
    return (
        f"On {found.permutations:,} permuted outcomes the same recipe reached a median testing AUC of "
        f"{number(found.median)}{share}; {_p(found.p_value)}, one-sided: {shown}."
    )


def _corrected(facts: Facts, kind: str) -> Chance | None:
    """The permutation test of the study's model, where it was corrected for the number of models."""
    found = _chance(facts) if kind == OUTCOME else _added(facts)
    return found if found is not None and found.p_max_t is not None and len(family(facts, kind)) > 1 else None


def _after_correction(facts: Facts, kind: str, shown: str) -> str:
    found = _corrected(facts, kind)
    assert found is not None and found.p_max_t is not None
    count = len(family(facts, kind))
    all_tried = "tried" if count == len(fitted(facts)) else "that met the same permutations"
    which = all_tried if kind == OUTCOME else "that hold both"
    verdict = "still" if found.p_max_t < SMALL else "no longer"
    said = f": {verdict} {shown}" if found.p_value < SMALL else ""
    return f"Corrected for the {count} models {which} (max-T), {_p(found.p_max_t)}{said}."


def _few(facts: Facts) -> Chance | None:
    """The permutation test of the study's model, where no p-value of it could be small."""
    found = _chance(facts)
    return found if found is not None and found.smallest_p_value >= SMALL else None


def _floor(facts: Facts) -> str:
    found = _few(facts)
    assert found is not None
    return (
        f"With {found.permutations:,} permutations p cannot be below {number(found.smallest_p_value)}, so they are too "
        "few to show anything."
    )


def _by_radiomics(facts: Facts) -> str:
    found = _added(facts)
    assert found is not None
    shown = "shown" if found.p_value < SMALL else "not shown"
    return (
        "Where the radiomics features alone were permuted, against outcome and clinical variables, "
        f"{_p(found.p_value)}, one-sided: that radiomics adds to the clinical variables is {shown}."
    )


def _unknown(facts: Facts, name: str, column: str) -> str:
    """Why the study's model was left out of a table; "" where it was not."""
    return next((why for why, names in left_out(facts, name, column).items() if facts.study_model in names), "")


# --- beside something simpler ------------------------------------------------------------------------------------


def _simpler(facts: Facts) -> list[str]:
    """Baselines that do at least as well as the study's model on the testing set, the best first, with their AUCs.

    The volume is compared on the very rows of the model, where that was computed; the others by Table 3.
    """
    mine, found = _tested(facts), []
    if mine is None:
        return []
    beside = row_of(rows(facts, BESIDE_VOLUME, "auc", "volume_auc"), facts.study_model)
    if beside is not None and beside["volume_auc"] >= beside["auc"]:
        pair = f"{number(beside['volume_auc'])} against {number(beside['auc'])}"
        found.append((float(beside["volume_auc"]), f"the lesion's volume on {beside['sequence']} {pair}"))
    frame = baselines(facts)
    frame = frame[(frame["set"] == TESTING) & frame["auc"].notna()] if {"set", "auc"} <= set(frame.columns) else frame
    for _, row in frame.iterrows():
        known = row["kind"] == "volume" and beside is not None
        if not known and row["auc"] >= mine["auc"]:
            found.append((float(row["auc"]), f"{row['model']} {number(row['auc'])} against {number(mine['auc'])}"))
    return [words for _, words in sorted(found, key=lambda item: -item[0])]


# --- inside the folds --------------------------------------------------------------------------------------------


def _resampled(facts: Facts) -> Any:
    frame = rows(facts, RESAMPLED, "nested_auc", "training_auc")
    part = frame[frame["model"] == facts.study_model] if len(frame) else frame
    return part.iloc[0] if len(part) else None


def _inside(facts: Facts) -> str:
    row = _resampled(facts)
    return (
        f"With every step inside the folds the recipe of {facts.study_model} reaches "
        f"{_with_interval(facts, row['nested_auc'], row['nested_low'], row['nested_high'])}, against "
        f"{number(row['training_auc'])} in training."
    )


CLINICAL = (Sentence("against_clinical", lambda facts: _pair(facts) is not None, _against_clinical),)
CHANCE = (
    Sentence("study_model_chance", lambda facts: _chance(facts) is not None, _by_chance),
    Sentence(
        "study_model_chance_corrected",
        lambda facts: _corrected(facts, OUTCOME) is not None,
        lambda facts: _after_correction(facts, OUTCOME, "shown to be more than chance"),
    ),
    Sentence("study_model_chance_floor", lambda facts: _few(facts) is not None, _floor),
    Sentence(
        "study_model_chance_unknown",
        lambda facts: bool(_unknown(facts, NULL, "permutations")),
        lambda facts: (
            f"What chance alone reaches with the recipe of {facts.study_model} is not known "
            f"({_unknown(facts, NULL, 'permutations')})."
        ),
    ),
    Sentence("study_model_adds", lambda facts: _added(facts) is not None, _by_radiomics),
    Sentence(
        "study_model_adds_corrected",
        lambda facts: _corrected(facts, INCREMENTAL) is not None,
        lambda facts: _after_correction(facts, INCREMENTAL, "shown to add"),
    ),
)
SIMPLER = (
    Sentence(
        "baseline_does_better",
        lambda facts: bool(_simpler(facts)),
        lambda facts: f"Something simpler does at least as well in testing: {listed(_simpler(facts))}.",
    ),
)
INSIDE = (
    Sentence("study_model_inside_the_folds", lambda facts: _resampled(facts) is not None, _inside),
    Sentence(
        "study_model_inside_unknown",
        lambda facts: bool(_unknown(facts, RESAMPLED, "training_auc")),
        lambda facts: (
            f"What the recipe of {facts.study_model} reaches with every step inside the folds is not known "
            f"({_unknown(facts, RESAMPLED, 'training_auc')})."
        ),
    ),
)
