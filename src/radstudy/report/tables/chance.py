"""The permutation tests of every model, with the question that each test answers."""

from __future__ import annotations

from typing import Any

import pandas as pd

from radstudy.report.chance import (
    CHANCE_BASELINES,
    CHANCE_FILE,
    INCREMENTAL,
    OUTCOME,
    ChanceOfModel,
    chance_note,
    chance_notes,
    chance_of,
    empty_note,
    family,
    has_kind,
)
from radstudy.report.display import NOTHING, interval, number, p_text
from radstudy.report.facts import AbsentError, RunFacts
from radstudy.report.part import report_part
from radstudy.report.tables.structure import Cell, Row, Table, by_set, numbers, words


@report_part("chance", reads=(CHANCE_FILE, CHANCE_BASELINES), rows_independent=False)
def chance(facts: RunFacts) -> Table:
    """The AUC of each model and of its permutations: of the outcome, and of the radiomics features alone."""
    if facts.protocol.evaluate.chance is None:
        raise AbsentError(chance_note(facts))
    frame = facts.frame(CHANCE_FILE)
    known = frame.dropna(subset=["permutations"]) if len(frame) else frame
    if not len(known):
        raise AbsentError(chance_note(facts) or "No model was calibrated against chance.")
    both = has_kind(facts, INCREMENTAL)
    tested = ["Median AUC", "p-value", "p, all models"]
    names = ["Model", "AUC", *tested, "No feature survived, %", *(tested if both else [])]
    bands = [("", 2), ("Outcome permuted", 4), *([("Radiomics permuted", 3)] if both else [])]
    kinds = (OUTCOME, INCREMENTAL) if both else (OUTCOME,)
    shown = known[(known["kind"] == OUTCOME) & known["measure"].isin(["testing", "training"])]
    rows = by_set(shown.rename(columns={"measure": "set"}), len(names), lambda row: _row(facts, row, kinds))
    header = [[Cell(band, span=span, kind="band") for band, span in bands], [*words(names[:1]), *numbers(names[1:])]]
    return Table(header, rows, frame, _notes(facts))


def _row(facts: RunFacts, row: Any, kinds: tuple[str, ...]) -> Row:
    cells = [str(row["model"]), number(row["observed"])]
    for kind in kinds:
        one = chance_of(facts, str(row["model"]), str(row["set"]), kind)
        cells += _tested(one)
        if kind == OUTCOME:
            cells.append(NOTHING if one is None or one.empty_percent is None else number(one.empty_percent, 1))
    return [Cell(cells[0], kind="level name"), *numbers(cells[1:])]


def _tested(one: ChanceOfModel | None) -> list[str]:
    if one is None or pd.isna(one.p_value):
        return [NOTHING] * 3
    return [interval(one.median, one.low, one.high), p_text(one.p_value), p_text(one.p_max_t)]


def _notes(facts: RunFacts) -> list[str]:
    said = [
        *chance_notes(facts),
        "For the radiomics permuted, p, all models, is corrected over the models that have such a p-value."
        if family(facts, INCREMENTAL)
        else "",
        empty_note(facts),
        "Training values are apparent: they compare one overfitted model with others of the same size.",
    ]
    return [line for line in said if line]
