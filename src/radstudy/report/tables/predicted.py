"""The prediction of a model for every patient, and the contribution of each feature to it."""

from __future__ import annotations

from typing import Any

import pandas as pd

from radstudy.report.cited import applied, cited_numbers, quoted
from radstudy.report.display import NOTHING, number
from radstudy.report.explained import (
    CUTOFFS,
    FILE,
    LESION,
    PREDICTIONS,
    cutoff_of,
    explained,
    intercept_of,
    linear,
    predictions,
    several_lesions,
)
from radstudy.report.facts import AbsentError, RunFacts
from radstudy.report.part import report_part
from radstudy.report.tables.features import readable
from radstudy.report.tables.structure import Cell, Row, Table, letter, numbers, words


@report_part("predicted", reads=(PREDICTIONS, CUTOFFS, "cohort/rows.csv"), rows_independent=False)
def predicted(facts: RunFacts) -> Table:
    """The outcome and the predicted probability of every patient."""
    own, cutoff = predictions(facts), cutoff_of(facts)
    several = several_lesions(own)
    rows = [_predicted(facts, row, cutoff, several) for _, row in own.iterrows()]
    names = ["Patient", *(["Lesion"] if several else []), "Set", "Outcome"]
    header = [[*words(names), *numbers(["Probability"]), *words(["At the cut-off"])]]
    notes = [
        f"Probability of {facts.event} by the model {facts.explained_model}. Its cut-off from the training set is "
        f"{number(cutoff)}: positive from there on. Probabilities of training {facts.case_word} are apparent: the "
        "model has seen them."
    ]
    return Table(header, rows, own, notes)


def _predicted(facts: RunFacts, row: Any, cutoff: float, several: bool) -> Row:
    called = NOTHING if pd.isna(cutoff) else "positive" if row["probability"] >= cutoff else "negative"
    return [
        *_named(row, several),
        Cell(str(row["set"])),
        Cell(facts.groups[int(row["outcome"])]),
        Cell(number(row["probability"]), kind="number"),
        Cell(called),
    ]


def _named(row: Any, several: bool) -> list[Cell]:
    """The patient, and the lesion if some patient has several."""
    return [Cell(quoted(row["patient"]), kind="name"), *([Cell(quoted(row["lesion"]))] if several else [])]


@report_part("contributions", reads=(PREDICTIONS, FILE, "model/models.json"), rows_independent=False)
def contributed(facts: RunFacts) -> Table:
    """The contribution of each feature to the log-odds of every patient."""
    own, shown = explained(facts), predictions(facts)
    if not linear(facts, own):
        raise AbsentError(
            f"{facts.explained_model} is not a linear model: its probability is not a sum of contributions of its "
            f"features. {FILE} has their values."
        )
    several, intercept = several_lesions(shown), intercept_of(facts)
    features = list(dict.fromkeys(map(str, own["feature"])))
    names = [*["Patient", *(["Lesion"] if several else [])], *(letter(place).upper() for place in range(len(features))),
             "Log-odds"]  # fmt: skip
    shares = _shares(own, features, intercept)
    rows: list[Row] = [
        [*_named(row, several), *numbers(shares[row["patient"], row["lesion"]])] for _, row in shown.iterrows()
    ]
    listing = "; ".join(f"{letter(place).upper()} {readable(facts, name)}" for place, name in enumerate(features))
    notes = [
        f"Model {facts.explained_model}. The features: {listing}.",
        f"A feature adds its coefficient times (value − centre) / scale; the intercept {number(intercept, 2)} and all "
        f"contributions sum to the log-odds of the probability. {FILE} has them in full precision, with each value and "
        "its percentile among the training rows.",
    ]
    return Table([[*words(names[: 1 + several]), *numbers(names[1 + several :])]], rows, own, notes)


def _shares(own: pd.DataFrame, features: list[str], intercept: float) -> dict[tuple[str, str], list[str]]:
    """Each patient's contributions and their sum with the intercept, as printed."""
    column = own["contribution"]
    values = cited_numbers(column)
    printed: dict[tuple[str, str], list[str]] = {}
    rows: dict[tuple[str, str], dict[str, int]] = {}
    for place, (patient, lesion, feature) in enumerate(zip(*(own[name] for name in [*LESION, "feature"]), strict=True)):
        rows.setdefault((str(patient), str(lesion)), {})[str(feature)] = place
    for lesion_of, places in rows.items():
        part = column.iloc[list(places.values())]
        total = applied("sum", float(part.to_numpy().sum()), part)
        printed[lesion_of] = [*(number(values[places[name]], 2) for name in features), number(intercept + total, 2)]
    return printed
