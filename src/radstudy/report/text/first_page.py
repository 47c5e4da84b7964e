"""The first page in plain words: what was asked, of whom, and five sentences of answer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pandas as pd

from radstudy.artefacts import HISTORY
from radstudy.protocol.words import listed
from radstudy.report.analysed import in_no_model, most_unused, not_analysed, reasons_unused, unused_rows
from radstudy.report.chance import CHANCE_FILE, floor_text
from radstudy.report.cited import applied, counted, entries, quoted
from radstudy.report.display import number, plural, span, whole
from radstudy.report.facts import TESTING, RunFacts
from radstudy.report.outline import number_of
from radstudy.report.text.answer import (
    SMALL,
    calibration_verdict,
    p_said,
    primary_calibration,
    primary_chance,
    primary_pair,
    primary_resampled,
    tested,
    with_interval,
)
from radstudy.report.text.evidence import (
    RESAMPLED,
    agreement,
    areas,
    chance_rows,
    leading_model,
    leading_model_is,
    rows,
    shows,
)
from radstudy.report.text.paragraph import Paragraph
from radstudy.report.text.seen import SEEN, day, opened_first
from radstudy.report.text.sentence import Sentence, said

CALIBRATION = "evaluate/calibration.csv"
_REASONS = 6  # reasons for exclusion that the first page names
_NAMED = 4  # models that it names


def asked(facts: RunFacts) -> list[Paragraph]:
    """The question, the patients, and the model and comparison that were declared primary, with the time."""
    return _told(facts, ASKED)


def five_sentences(facts: RunFacts) -> list[Paragraph]:
    """Effect, uncertainty, chance, calibration, and what is not known, in plain words."""
    return _told(facts, FIVE)


def _told(facts: RunFacts, groups: tuple[tuple[str, tuple[Sentence, ...]], ...]) -> list[Paragraph]:
    told = [Paragraph(said(facts, sentences), lead) for lead, sentences in groups]
    return [paragraph for paragraph in told if paragraph.text]


# --- what was asked ----------------------------------------------------------------------------------------------


def _models(facts: RunFacts) -> int:
    """The number of the study's models; it cites their records once they are there."""
    records = facts.documents.get("model/models.json") or {}
    return entries(records) if set(records) == set(facts.models) else len(facts.models)


def _question(facts: RunFacts) -> str:
    models, count = facts.protocol.model.models.values(), _models(facts)
    parts = [
        f"radiomics ({listed(list(facts.protocol.sequences))})" if any(one.sequences for one in models) else "",
        "clinical variables" if any(one.clinical for one in models) else "",
    ]
    return (
        f"{'Does' if count == 1 else 'Do'} {plural(count, 'model')} of {' and '.join(filter(None, parts))} tell "
        f"{facts.groups_told_apart()}?"
    )


def _of_whom(facts: RunFacts) -> str:
    flow = facts.document("cohort/flow.json")
    sets = " and ".join(
        f"{flow[which]['patients']} {which} ({flow[which]['positive']} {facts.of_group(1)})"
        for which in ("training", "testing")
    )
    return f"{plural(flow['screened'], 'patient')} screened{_excluded(flow)}, {flow['kept']} included: {sets}."


def _excluded(flow: Mapping[str, Any]) -> str:
    """The patients excluded, by reason, the most frequent first; "" if there were none."""
    reasons = sorted(flow.get("excluded") or (), key=lambda one: -int(one["patients"]))
    if not reasons:
        return ""
    first, *others = (one["patients"] for one in reasons)
    said = [f"{quoted(one['reason'])} {one['patients']}" for one in reasons[:_REASONS]]
    if len(reasons) > _REASONS:
        left, *more = (one["patients"] for one in reasons[_REASONS:])
        said.append(f"other reasons {sum(more, left)}")
    return f", {sum(others, first)} excluded ({', '.join(said)})"


def _in_no_model(facts: RunFacts) -> str:
    why = listed(list(not_analysed(facts)))
    return f"Of those included, {in_no_model(facts)} {'is' if in_no_model(facts) == 1 else 'are'} in no model ({why})."


def _not_in_all(facts: RunFacts) -> str:
    names, most = list(unused_rows(facts)), most_unused(facts)
    which = listed(names) if len(names) <= _NAMED else f"some of the {plural(_models(facts), 'model')}"
    reasons = dict.fromkeys(reason for name in names for reason in reasons_unused(facts, name))
    same = len(set(unused_rows(facts).values())) == 1
    return (
        f"{'' if same else 'Up to '}{plural(most, facts.case_word[:-1])} {'is' if most == 1 else 'are'} missing from "
        f"{which} ({'; '.join([*reasons, number_of('table', 'rows_per_model')])})."
    )


def _entries(facts: RunFacts) -> list[dict[str, Any]]:
    """The declarations in the run's history, in order."""
    return list((facts.documents.get(HISTORY.path) or {}).get("declarations") or ())


def _own(facts: RunFacts) -> dict[str, Any] | None:
    """The first entry of the history with the study's declaration; None if it was not recorded."""
    primary = facts.primary
    if primary is None:
        return None
    return next((one for one in _entries(facts) if (one["model"], one["against"]) == (primary.model, primary.against)),
                None)  # fmt: skip


def declared_late(facts: RunFacts) -> bool:
    """True if the primary model was declared after testing rows had been predicted in this run folder."""
    own = _own(facts)
    return own is not None and bool(own["after_testing"])


def _pair_of(facts: RunFacts) -> str:
    assert facts.primary is not None
    return f"{facts.primary.model} against {facts.primary.against}, by the AUC in the testing set"


def _undeclared(facts: RunFacts) -> str:
    text = "No primary model was declared (evaluate.primary in the study file), so no model is singled out"
    drawn = leading_model(facts)
    why = facts.study_model_is if drawn == facts.study_model else f"the {leading_model_is(facts)}"
    return f"{text}; figures of one model illustrate {drawn}, {why}." if drawn else f"{text}."


def _late(facts: RunFacts) -> str:
    own = _own(facts)
    assert own is not None
    how, first = opened_first(facts)
    return (
        f"{_pair_of(facts)}. DECLARED AFTER TESTING ROWS WERE {how.upper()} (first {how} {first}, declared "
        f"{day(own['declared'])}): the comparison is exploratory, and its p-value confirms nothing."
    )


def _others(facts: RunFacts) -> list[str]:
    """Other declarations that the study file had at some time."""
    primary = facts.primary
    assert primary is not None
    pairs = [(one["model"], one["against"]) for one in _entries(facts) if one["model"] is not None]
    return [f"{a} against {b}" for a, b in dict.fromkeys(pairs) if (a, b) != (primary.model, primary.against)]


ASKED: tuple[tuple[str, tuple[Sentence, ...]], ...] = (
    ("Question", (Sentence("question", lambda facts: facts.finished("cohort"), _question),)),
    (
        "Patients",
        (
            Sentence("of_whom", lambda facts: "cohort/flow.json" in facts.documents, _of_whom),
            Sentence("in_no_model", lambda facts: bool(not_analysed(facts)), _in_no_model),
            Sentence("not_in_all_models", lambda facts: bool(unused_rows(facts)), _not_in_all),
        ),
    ),
    (
        "Primary",
        (
            Sentence(
                "declared_before",
                lambda facts: _own(facts) is not None and not declared_late(facts),
                lambda facts: f"{_pair_of(facts)}; declared before any testing row was predicted in this run folder.",
            ),
            Sentence("declared_after", declared_late, _late),
            Sentence(
                "declared_unknown",
                lambda facts: facts.primary is not None and facts.finished("cohort") and _own(facts) is None,
                lambda facts: f"{_pair_of(facts)}; when it was declared is not recorded in this run folder.",
            ),
            Sentence(
                "declared_before_others",
                lambda facts: facts.primary is not None and bool(_others(facts)),
                lambda facts: f"The study file has also declared {listed(_others(facts))}.",
            ),
            Sentence(
                "declared_none",
                lambda facts: facts.primary is None and facts.finished("cohort"),
                _undeclared,
            ),
        ),
    ),
    ("Testing results", SEEN),
)


# --- effect and uncertainty --------------------------------------------------------------------------------------


def _effect(facts: RunFacts) -> str:
    row, pair = tested(facts), primary_pair(facts)
    text = (
        f"{facts.primary_model} reached a testing AUC of {number(row['auc'])} in {whole(row['rows'])} "
        f"{facts.case_word} ({whole(row['positives'])} {facts.of_group(1)})"
    )
    if pair is None:
        return f"{text}; it was not compared with {facts.primary.against if facts.primary else ''}."
    assert facts.primary is not None
    gap = pair["difference"]
    size = f"{number(abs(gap))} {'higher' if gap > 0 else 'lower'} than" if gap else "the same as"
    test = "no p-value" if pd.isna(pair["p_value"]) else f"DeLong {p_said(pair['p_value'])}"
    shown = not pd.isna(pair["p_value"]) and pair["p_value"] < SMALL
    verdict = "" if shown else "; a difference is not shown"
    return f"{text}, {size} {facts.primary.against} ({test}{verdict})."


def _effects(facts: RunFacts) -> str:
    frame = areas(facts, TESTING)
    return (
        f"The testing AUCs of the {plural(counted(frame, 'model'), 'model')} lie between "
        f"{number(frame['auc'].min())} and {number(frame['auc'].max())} ({span(frame['rows'])} {facts.case_word}, "
        f"{span(frame['positives'])} positive)."
    )


def _uncertain(facts: RunFacts) -> str:
    row, pair = tested(facts), primary_pair(facts)
    said_of = [f"with an AUC from {number(row['auc_low'])} to {number(row['auc_high'])}"]
    if pair is not None and not pd.isna(pair["low"]):
        said_of.append(f"a difference from {number(pair['low'])} to {number(pair['high'])}")
    return f"These patients are compatible {' and '.join(said_of)} ({facts.level} intervals)."


def _nested(facts: RunFacts) -> str:
    row = primary_resampled(facts)
    return (
        "With every step inside the folds the same pipeline reached "
        f"{with_interval(facts, row['nested_auc'], row['nested_low'], row['nested_high'])}."
    )


def _wide(facts: RunFacts) -> str:
    frame = areas(facts, TESTING)
    frame = frame[frame["auc_low"].notna() & frame["auc_high"].notna()]
    width, ends = frame["auc_high"] - frame["auc_low"], (frame["auc_low"], frame["auc_high"])
    narrowest, widest = (applied(name, float(getattr(width, end)()), *ends)
                         for name, end in (("narrowest", "min"), ("widest", "max")))  # fmt: skip
    return (
        f"Their {facts.level} intervals are {number(narrowest, 2)} to {number(widest, 2)} wide; the highest of "
        "several AUCs is too high by selection alone."
    )


def _all_nested(facts: RunFacts) -> str:
    known = rows(facts, RESAMPLED, "nested_auc")["nested_auc"]
    return f"With every step inside the folds they lie between {number(known.min())} and {number(known.max())}."


# --- chance and calibration --------------------------------------------------------------------------------------


def _chance(facts: RunFacts) -> str:
    permuted = primary_chance(facts)
    assert permuted is not None
    share = "" if pd.isna(permuted.low) else f", {facts.level} of them from {number(permuted.low)} to " \
        f"{number(permuted.high)}"  # fmt: skip
    shown = "better than chance" if permuted.p_value < SMALL else "not shown to be better than chance"
    if permuted.smallest_p_value >= SMALL:
        shown = f"not testable, as {floor_text([permuted.permutations])}"
    return (
        f"With the outcome shuffled, the same pipeline reached a median AUC of {number(permuted.median)}{share} "
        f"({p_said(permuted.p_value)}, one-sided): {shown}."
    )


def _all_chance(facts: RunFacts) -> str:
    frame = _tested_by_chance(facts)
    few = frame[1 / (frame["permutations"] + 1) >= SMALL]
    frame = frame.drop(index=few.index)
    said = [_tested_models(frame)] if len(frame) else []
    if len(few):
        rest = f"any of the other {plural(counted(few, 'model'), 'model')}" if len(frame) else "any model"
        said.append(
            f"{span(few['permutations'])} permutations of the outcome cannot give p < 0.05 "
            f"({floor_text(few['permutations'])}), so it was not testable whether {rest} is better than chance"
        )
    return f"{'; '.join(said)}."


def _tested_models(frame: pd.DataFrame) -> str:
    """The number of models with a small p-value, before and after their correction."""
    small = _below(frame["p_value"])
    text = (
        f"On permuted outcomes, {small or 'none'} of {plural(counted(frame, 'model'), 'model')} had p < 0.05 in the "
        "testing set (one-sided)"
    )
    if "p_max_t" in frame and frame["p_max_t"].notna().any():
        held = _below(frame["p_max_t"])
        text += f", {held or 'none'} after correction for the number of models"
    return text


def _below(values: pd.Series[Any]) -> int:
    """The number of p-values below the conventional level."""
    return cast("int", applied("below", int((values < SMALL).sum()), values, SMALL))


def _tested_by_chance(facts: RunFacts) -> pd.DataFrame:
    frame = chance_rows(facts)
    return frame[frame["measure"] == TESTING] if len(frame) else frame


def _calibrated(facts: RunFacts) -> str:
    row = primary_calibration(facts)
    return (
        f"The calibration slope is {with_interval(facts, row['slope'], row['slope_low'], row['slope_high'], 2)}, "
        f"ideally 1: {calibration_verdict(facts, row)}."
    )


def _all_calibrated(facts: RunFacts) -> str:
    known = _slopes(facts)
    low, high = known["slope_low"], known["slope_high"]
    inside = applied("around", int(((low <= 1) & (high >= 1)).sum()), low, high, 1)
    return (
        f"The calibration slopes lie between {number(known['slope'].min(), 2)} and {number(known['slope'].max(), 2)}, "
        f"ideally 1; the intervals of {inside} of {plural(counted(known, 'model'), 'model')} include 1."
    )


def _slopes(facts: RunFacts) -> pd.DataFrame:
    frame = rows(facts, CALIBRATION, "slope", "slope_low", "slope_high")
    return frame[frame["set"] == TESTING] if len(frame) else frame


# --- what is not known -------------------------------------------------------------------------------------------


def _not_known(facts: RunFacts) -> str:
    open_questions = ["whether this holds in other patients: the testing set is one random split of the same cohort"]
    if facts.protocol.cohort.split.column is not None:
        open_questions = ["whether this holds beyond the one testing set that the cohort table defines"]
    if not shows(facts, CHANCE_FILE, "permutations"):
        open_questions.append("what chance alone would reach")
    if not shows(facts, RESAMPLED, "nested_auc"):
        open_questions.append("the AUC with every step inside the folds")
    if not agreement(facts) or agreement(facts).get("note"):
        open_questions.append("whether another reader's masks give the same features")
    text = "; ".join(open_questions)
    return f"{text[0].upper()}{text[1:]}."


FIVE: tuple[tuple[str, tuple[Sentence, ...]], ...] = (
    (
        "Effect",
        (
            Sentence("effect", lambda facts: tested(facts) is not None, _effect),
            Sentence(
                "effect_unknown",
                lambda facts: facts.primary is not None and facts.finished("evaluate") and tested(facts) is None,
                lambda facts: f"{facts.primary_model} has no testing AUC; the section Results gives the reason.",
            ),
            Sentence("effects", lambda facts: facts.primary is None and bool(len(areas(facts, TESTING))), _effects),
        ),
    ),
    (
        "Uncertainty",
        (
            Sentence(
                "uncertainty", lambda facts: tested(facts) is not None and not pd.isna(tested(facts)["auc_low"]),
                _uncertain,
            ),
            Sentence(
                "uncertainty_inside", lambda facts: primary_resampled(facts) is not None, _nested,
            ),
            Sentence(
                "uncertainties", lambda facts: facts.primary is None and len(areas(facts, TESTING)) > 1, _wide
            ),
            Sentence(
                "uncertainties_inside",
                lambda facts: facts.primary is None and shows(facts, RESAMPLED, "nested_auc"), _all_nested,
            ),
        ),
    ),
    (
        "Chance",
        (
            Sentence("by_chance", lambda facts: primary_chance(facts) is not None, _chance),
            Sentence(
                "all_by_chance",
                lambda facts: facts.primary is None and bool(len(_tested_by_chance(facts))), _all_chance,
            ),
        ),
    ),
    (
        "Calibration",
        (
            Sentence("calibrated", lambda facts: primary_calibration(facts) is not None, _calibrated),
            Sentence(
                "all_calibrated", lambda facts: facts.primary is None and bool(len(_slopes(facts))), _all_calibrated
            ),
        ),
    ),
    ("Not known", (Sentence("not_known", lambda facts: bool(len(areas(facts, TESTING))), _not_known),)),
)  # fmt: skip
