"""The results of the primary model: its performance, compared with another model, chance and baselines."""

from __future__ import annotations

from typing import Any

import pandas as pd

from radstudy.modelling.lesions import without_lesions_note
from radstudy.protocol.words import listed
from radstudy.report.baselines import baselines
from radstudy.report.chance import CHANCE_FILE, INCREMENTAL, OUTCOME, ChanceOfModel, chance_of, family, family_size
from radstudy.report.display import number, p_equation, whole
from radstudy.report.facts import TESTING, TRAINING, RunFacts
from radstudy.report.text.evidence import DELONG, RESAMPLED, TABLE3, areas, fitted, left_out, row_of, rows
from radstudy.report.text.sentence import Sentence

CALIBRATION, BESIDE_VOLUME = "evaluate/calibration.csv", "evaluate/baselines/beside_volume.csv"
SMALL = 0.05


def with_interval(facts: RunFacts, value: float, low: float | None, high: float | None, digits: int = 3) -> str:
    """A value with its interval, such as "0.750 (95% CI 0.600 to 0.900)"."""
    if pd.isna(low) or pd.isna(high):
        return number(value, digits)
    return f"{number(value, digits)} ({facts.level} CI {number(low, digits)} to {number(high, digits)})"


def p_said(value: float) -> str:
    """A p-value, such as "p = 0.012" or "p < 0.001"."""
    return p_equation(value)


# --- how well it does --------------------------------------------------------------------------------------------


def tested(facts: RunFacts) -> Any:
    """The testing-set row of the primary model in Table 3."""
    return row_of(areas(facts, TESTING), facts.primary_model)


def _reached(facts: RunFacts) -> str:
    row = tested(facts)
    return (
        f"{facts.primary_model}, the primary model, reached an AUC of "
        f"{with_interval(facts, row['auc'], row['auc_low'], row['auc_high'])} on the testing set "
        f"({whole(row['rows'])} {facts.case_word}, {whole(row['positives'])} positive)."
    )


def _without_auc(facts: RunFacts) -> Any:
    """The testing-set row of the primary model in Table 3 if it has no AUC."""
    frame = rows(facts, TABLE3, "note")
    return row_of(frame[frame["auc"].isna()] if "auc" in frame else frame, facts.primary_model)


def _not_tested(facts: RunFacts) -> str:
    why = without_lesions_note(_without_auc(facts)["note"])
    return f"{facts.primary_model}, the primary model, has no testing AUC: {why}."


def _not_fitted(facts: RunFacts) -> str:
    record = facts.document("model/models.json")[facts.primary_model]
    return f"{facts.primary_model}, the primary model, has no result: {record.get('note') or 'not fitted'}."


def _without_result(facts: RunFacts) -> bool:
    records = facts.documents.get("model/models.json") or {}
    return facts.primary_model in records and not records[facts.primary_model].get("fitted")


def _counted(facts: RunFacts) -> dict[str, Any]:
    """Set to the row of Table 3 with the counts at the cut-off."""
    frame = rows(facts, TABLE3, "tp", "fn", "tn", "fp")
    by_set = {which: row_of(frame, facts.primary_model, which) for which in (TESTING, TRAINING)}
    return {which: row for which, row in by_set.items() if row is not None}


def _recognised(facts: RunFacts) -> str:
    rows_of = _counted(facts)
    positive, negative = (
        {which: f"{whole(row[right])} of {whole(row[right] + row[wrong])}" for which, row in rows_of.items()}
        for right, wrong in (("tp", "fn"), ("tn", "fp"))
    )
    return (
        f"At its cut-off it correctly classified {positive[TESTING]} {facts.patients_of_group(1)} in the testing set "
        f"and {positive[TRAINING]} in the training set (sensitivity), and {negative[TESTING]} "
        f"{facts.patients_of_group(0)} in the testing set and {negative[TRAINING]} in the training set (specificity)."
    )


def primary_calibration(facts: RunFacts) -> Any:
    """The testing-set row of the primary model in the calibration table; None if it has no slope."""
    return row_of(rows(facts, CALIBRATION, "slope", "intercept"), facts.primary_model)


def _calibrated(facts: RunFacts) -> str:
    row = primary_calibration(facts)
    low, high = row["slope_low"], row["slope_high"]
    return (
        f"In the testing set, its calibration slope was {with_interval(facts, row['slope'], low, high, 2)}, ideally "
        "1, and its calibration intercept "
        f"{with_interval(facts, row['intercept'], row['intercept_low'], row['intercept_high'], 2)}, ideally 0: "
        f"{calibration_verdict(facts, row)}."
    )


def calibration_verdict(facts: RunFacts, row: Any) -> str:
    """The calibration slope of a row of the calibration table, judged by its interval, in words."""
    if row["slope"] <= 0:
        return f"higher probabilities did not correspond to more {facts.patients_of_group(1)}"
    if row["slope_high"] < 1:
        return "its probabilities are too extreme"
    if row["slope_low"] > 1:
        return "its probabilities are too moderate"
    return "the interval of the slope includes the ideal value of 1"


def _uncalibrated_row(facts: RunFacts) -> Any:
    frame = rows(facts, CALIBRATION, "note")
    return row_of(frame[frame["slope"].isna()], facts.primary_model) if len(frame) else None


ANSWER = (
    Sentence("primary", lambda facts: tested(facts) is not None, _reached),
    Sentence("primary_not_tested", lambda facts: _without_auc(facts) is not None, _not_tested),
    Sentence("primary_not_fitted", _without_result, _not_fitted),
    Sentence("sensitivity", lambda facts: len(_counted(facts)) == 2, _recognised),
    Sentence("primary_calibration", lambda facts: primary_calibration(facts) is not None, _calibrated),
    Sentence(
        "primary_not_calibrated",
        lambda facts: tested(facts) is not None and _uncalibrated_row(facts) is not None,
        lambda facts: f"Its calibration in the testing set is not known: {_uncalibrated_row(facts)['note']}.",
    ),
)


# --- compared with the model that it is declared against ---------------------------------------------------------


def primary_pair(facts: RunFacts) -> Any:
    """DeLong's comparison, the primary model minus the other one; None if they were not compared."""
    if facts.primary is None:
        return None
    other, mine = facts.primary.against, facts.primary.model
    frame = rows(facts, DELONG, "difference")
    frame = frame[frame["set"] == TESTING] if len(frame) else frame
    for _, row in frame.iterrows():
        if (row["model_a"], row["model_b"]) == (mine, other):
            return row
        if (row["model_a"], row["model_b"]) == (other, mine):
            turned = {"difference": -row["difference"], "low": -row["high"], "high": -row["low"]}
            return {str(name): row[name] for name in row.index} | turned
    return None


def _against_other(facts: RunFacts) -> str:
    assert facts.primary is not None
    row, other = primary_pair(facts), facts.primary.against
    difference, p_value = row["difference"], row["p_value"]
    size = f"{number(abs(difference))} {'higher' if difference > 0 else 'lower'} than" if difference else "the same as"
    limits = with_interval(facts, difference, row["low"], row["high"])
    test = (
        f"no p-value: {row['note']}"
        if pd.isna(p_value)
        else f"{p_said(p_value)} by DeLong's test, two-sided, not corrected for other comparisons"
    )
    if pd.isna(p_value) or p_value >= SMALL:
        verdict = "The two have not been shown to differ."
    else:
        verdict = f"By this test it performed {'better' if difference > 0 else 'worse'} than {other}."
    nothing = " (an intercept only: no variable entered it)" if fitted(facts).get(other, {}).get("empty") else ""
    return (
        f"Its testing AUC was {size} that of {other}{nothing} on the same {whole(row['rows'])} "
        f"{facts.case_word}: difference {limits}; {test}. {verdict}"
    )


# --- compared with chance ----------------------------------------------------------------------------------------


def primary_chance(facts: RunFacts) -> ChanceOfModel | None:
    """The permutation test of the primary model in the testing set; None if it has none."""
    permuted = chance_of(facts, facts.primary_model, TESTING)
    return permuted if permuted is not None and not pd.isna(permuted.p_value) else None


def _added(facts: RunFacts) -> ChanceOfModel | None:
    permuted = chance_of(facts, facts.primary_model, TESTING, INCREMENTAL)
    return permuted if permuted is not None and not pd.isna(permuted.p_value) else None


def _by_chance(facts: RunFacts) -> str:
    permuted = primary_chance(facts)
    assert permuted is not None
    shown = "better than chance" if permuted.p_value < SMALL else "not shown to be better than chance"
    known = not pd.isna(permuted.low)
    share = f" (central {facts.level}: {number(permuted.low)} to {number(permuted.high)})" if known else ""
    return (
        f"On {permuted.permutations:,} permuted outcomes, the same pipeline reached a median testing AUC of "
        f"{number(permuted.median)}{share}; {p_said(permuted.p_value)}, one-sided: {shown}."
    )


def _corrected(facts: RunFacts, kind: str) -> ChanceOfModel | None:
    """The permutation test of the primary model, if it was corrected for the number of models."""
    permuted = primary_chance(facts) if kind == OUTCOME else _added(facts)
    return permuted if permuted is not None and permuted.p_max_t is not None and len(family(facts, kind)) > 1 else None


def _after_correction(facts: RunFacts, kind: str, shown: str) -> str:
    permuted = _corrected(facts, kind)
    assert permuted is not None and permuted.p_max_t is not None
    count = family_size(facts, kind)
    all_tried = "tried" if count == len(fitted(facts)) else "that were tested on the same permutations"
    which = all_tried if kind == OUTCOME else "that combine both"
    verdict = "still" if permuted.p_max_t < SMALL else "no longer"
    said = f": {verdict} {shown}" if permuted.p_value < SMALL else ""
    return f"Corrected for the {count} models {which} (max-T), {p_said(permuted.p_max_t)}{said}."


def _few(facts: RunFacts) -> ChanceOfModel | None:
    """The permutation test of the primary model, if it has too few permutations for a small p-value."""
    permuted = primary_chance(facts)
    return permuted if permuted is not None and permuted.smallest_p_value >= SMALL else None


def _floor(facts: RunFacts) -> str:
    permuted = _few(facts)
    assert permuted is not None
    return (
        f"With {permuted.permutations:,} permutations, p cannot fall below {number(permuted.smallest_p_value)}: they "
        "are too few to show anything."
    )


def _by_radiomics(facts: RunFacts) -> str:
    permuted = _added(facts)
    assert permuted is not None
    shown = "is shown" if permuted.p_value < SMALL else "is not shown"
    return (
        "When only the radiomics features were permuted, against outcome and clinical variables, "
        f"{p_said(permuted.p_value)}, one-sided: radiomics {shown} to add to the clinical variables."
    )


def _unknown(facts: RunFacts, name: str, column: str) -> str:
    """The reason why the primary model was left out of a table; "" if it was not."""
    return next((why for why, names in left_out(facts, name, column).items() if facts.primary_model in names), "")


# --- compared with baselines -------------------------------------------------------------------------------------


def _simpler(facts: RunFacts) -> list[str]:
    """Baselines that do at least as well as the primary model on the testing set, the best first, with their AUCs.

    The volume is compared on the model's own rows if that was computed; the others by Table 3.
    """
    mine, better = tested(facts), []
    if mine is None:
        return []
    beside = row_of(rows(facts, BESIDE_VOLUME, "auc", "volume_auc"), facts.primary_model)
    if beside is not None and beside["volume_auc"] >= beside["auc"]:
        pair = f"(AUC {number(beside['volume_auc'])}, against {number(beside['auc'])})"
        better.append((float(beside["volume_auc"]), f"the lesion's volume on {beside['sequence']} {pair}"))
    frame = baselines(facts)
    frame = frame[(frame["set"] == TESTING) & frame["auc"].notna()] if {"set", "auc"} <= set(frame.columns) else frame
    for _, row in frame.iterrows():
        known = row["kind"] == "volume" and beside is not None
        if not known and row["auc"] >= mine["auc"]:
            better.append(
                (float(row["auc"]), f"{row['model']} (AUC {number(row['auc'])}, against {number(mine['auc'])})")
            )
    return [words for _, words in sorted(better, key=lambda item: -item[0])]


# --- inside the folds --------------------------------------------------------------------------------------------


def primary_resampled(facts: RunFacts) -> Any:
    """The row of the primary model in the summary of resampling; None if it has no nested value."""
    frame = rows(facts, RESAMPLED, "nested_auc", "training_auc")
    part = frame[frame["model"] == facts.primary_model] if len(frame) else frame
    return part.iloc[0] if len(part) else None


def _inside(facts: RunFacts) -> str:
    row = primary_resampled(facts)
    return (
        f"With every step inside the folds, the pipeline of {facts.primary_model} reached an AUC of "
        f"{with_interval(facts, row['nested_auc'], row['nested_low'], row['nested_high'])}, against "
        f"{number(row['training_auc'])} in training."
    )


AGAINST = (Sentence("primary_against", lambda facts: primary_pair(facts) is not None, _against_other),)
CHANCE = (
    Sentence("primary_chance", lambda facts: primary_chance(facts) is not None, _by_chance),
    Sentence(
        "primary_chance_corrected",
        lambda facts: _corrected(facts, OUTCOME) is not None,
        lambda facts: _after_correction(facts, OUTCOME, "shown to be better than chance"),
    ),
    Sentence("primary_chance_floor", lambda facts: _few(facts) is not None, _floor),
    Sentence(
        "primary_chance_unknown",
        lambda facts: bool(_unknown(facts, CHANCE_FILE, "permutations")),
        lambda facts: (
            f"The AUC that the pipeline of {facts.primary_model} would reach by chance alone is not known "
            f"({_unknown(facts, CHANCE_FILE, 'permutations')})."
        ),
    ),
    Sentence("primary_adds", lambda facts: _added(facts) is not None, _by_radiomics),
    Sentence(
        "primary_adds_corrected",
        lambda facts: _corrected(facts, INCREMENTAL) is not None,
        lambda facts: _after_correction(facts, INCREMENTAL, "shown to add"),
    ),
)
SIMPLER = (
    Sentence(
        "baseline_does_better",
        lambda facts: bool(_simpler(facts)),
        lambda facts: f"A simpler baseline did at least as well in the testing set: {listed(_simpler(facts))}.",
    ),
)
INSIDE = (
    Sentence("primary_inside_the_folds", lambda facts: primary_resampled(facts) is not None, _inside),
    Sentence(
        "primary_inside_unknown",
        lambda facts: bool(_unknown(facts, RESAMPLED, "training_auc")),
        lambda facts: (
            f"The AUC of the pipeline of {facts.primary_model} with every step inside the folds is not known "
            f"({_unknown(facts, RESAMPLED, 'training_auc')})."
        ),
    ),
)
