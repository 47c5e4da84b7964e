"""The features from extraction to the final models."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from radstudy.protocol.selection import SELECTION_STEPS
from radstudy.report.cited import exponential, integer, tally
from radstudy.report.display import NOTHING, number, p_text, significant, thousands, whole
from radstudy.report.facts import AbsentError, RunFacts
from radstudy.report.part import report_part
from radstudy.report.tables.structure import Cell, Table, heads, numbers, words
from radstudy.table import CLINICAL, SEPARATOR, variable_of

_HEADINGS = {**{step.word: step.heading for step in SELECTION_STEPS}, "screen": "Univariate regression"}


def step_name(step: str) -> str:
    """The name of a step in tables; the second of its kind is numbered.

    Examples
    --------
    >>> step_name("univariate 2")
    'Univariate test (2)'
    """
    word, _, place = step.partition(" ")
    heading = _HEADINGS.get(word, word)  # a run folder may come from another version
    return f"{heading} ({place})" if place else heading


@report_part("icc", reads=("agree/icc.csv", "agree/summary.json"), rows_independent=False)
def reproducibility(facts: RunFacts) -> Table:
    """The number of features reproducible between the readers, by sequence."""
    summary = facts.document("agree/summary.json")
    if summary["note"]:
        raise AbsentError(summary["note"])
    frame = facts.frame("agree/icc.csv")
    rows = []
    for name in facts.protocol.sequences:
        values = frame.loc[frame["sequence"] == name, "icc"]
        known = values.dropna()
        quartiles: list[Any] = [known.quantile(q) for q in (0.5, 0.25, 0.75)] if len(known) else [math.nan] * 3
        kept = summary["kept"].get(name, 0)
        count = summary["of_sequence"].get(name, 0)
        rows.append([Cell(name), *numbers([
            whole(summary["lesions"].get(name, 0)),
            f"{number(quartiles[0])} ({number(quartiles[1])} to {number(quartiles[2])})",
            f"{number(known.min())} to {number(known.max())}" if len(known) else NOTHING,
            f"{thousands(kept)} of {thousands(count)}", f"{100 * kept / count:.1f}" if count else NOTHING,
        ])])  # fmt: skip
    names = ["Sequence", "Lesions drawn by all readers", f"{summary['form']}, median (quartiles)",
             "Smallest to largest", f"Kept ({_bound(summary)} > {summary['above']:g})", "Kept (%)"]  # fmt: skip
    notes = [
        "A feature whose ICC is not defined (no variance) is not kept. Only features that are kept enter the selection."
    ]
    if summary.get("by") == "lower":
        notes.append(
            "The threshold applies to the lower limit of each feature's 95% interval; the columns show the estimates."
        )
    return Table([heads(names)], rows, frame, notes)


def _bound(summary: dict[str, Any]) -> str:
    """The quantity compared with the threshold: the estimate, or the lower limit of its interval."""
    return "lower 95% limit" if summary.get("by") == "lower" else "estimate"


@report_part(
    "selection_funnel",
    reads=("model/funnel.csv", "model/features.csv", "model/models.json", "agree/summary.json"),
    rows_independent=False,
)
def funnel(facts: RunFacts) -> Table:
    """The features of each model that each step of the selection kept."""
    frame = facts.frame("model/funnel.csv")
    steps = list(dict.fromkeys([*_in_order(facts), *frame["step"]]))
    steps = [step for step in steps if step in set(frame["step"])]
    in_model = facts.frame("model/features.csv")
    rows = [_funnel_row(facts, frame, name, steps, tally(in_model, model=name)) for name in facts.fitted]
    if not rows:
        raise AbsentError("No model could be fitted; no feature was selected.")
    names = ["Model", "Starts from", *(step_name(step) for step in steps), "In the model"]
    header = [[*words(names[:2]), *numbers(names[2:])]]
    notes = [
        "Number of features at each step, entered → kept. For a pooled or combined model only its own step is shown: "
        "the selections of the models that it is built from are repeated on its own training rows (the CSV file has "
        "them). A clinical variable with several levels counts once per level, without its reference.",
    ]
    return Table(header, rows, frame, notes)


def _in_order(facts: RunFacts) -> list[str]:
    """The steps in the order of the study file."""
    return [step.word for step in facts.protocol.model.select]


def _funnel_row(facts: RunFacts, frame: pd.DataFrame, name: str, steps: list[str], last: int) -> list[Cell]:
    own = frame[(frame["model"] == name) & (frame["branch"] == name)]
    cells = [
        " → ".join(thousands(integer(_of_step(own, column, step))) for column in ("entered", "kept"))
        if step in set(own["step"])
        else NOTHING
        for step in steps
    ]
    return [
        Cell(name, kind="name"),
        Cell(origin(facts, name)),
        *numbers(cells),
        Cell(whole(last), kind="number strong"),
    ]


def _of_step(funnel: pd.DataFrame, column: str, step: str) -> Any:
    return funnel[funnel["step"] == step].iloc[0][column]


def origin(facts: RunFacts, name: str) -> str:
    """The components of a model, in words."""
    model = facts.protocol.model.models[name]
    if model.like:
        return f"the features of {model.like}"
    if model.sequences:
        kept = facts.document("agree/summary.json")["kept"]
        parts = [f"{thousands(kept.get(sequence, 0))} of {sequence}" for sequence in model.sequences]
        return f"{entering(facts)}: {' + '.join(parts)}"
    if model.pool:
        again = ", reduced again" if any(step.reduces for step in facts.protocol.model.select) else ""
        return f"selected features of {' + '.join(model.pool)}{again}"
    if model.add:
        return f"all features of {' + '.join(model.add)}"
    return "clinical and imaging characteristics"


def entering(facts: RunFacts) -> str:
    """The features that enter a selection: reproducible ones, or all if reproducibility was not tested."""
    summary = facts.documents.get("agree/summary.json") or {"note": "not known"}
    return "features" if summary.get("note") else "reproducible features"


@report_part("selected_features", reads=("model/features.csv", "model/models.json"), rows_independent=False)
def selected(facts: RunFacts) -> Table:
    """The features of every model, with coefficients and odds ratios."""
    frame = facts.frame("model/features.csv")
    records = facts.document("model/models.json")
    rows: list[list[Cell]] = []
    for name in facts.models:
        part = frame[frame["model"] == name]
        title = _title(name, records.get(name, {}), tally(frame, model=name))
        rows.append([Cell(title, span=6, kind="group")])
        rows += [_term(facts, row) for _, row in part.iterrows()]
    names = ["Feature", "Coefficient per SD", "Odds ratio per SD", "Odds ratio per unit or level", "Training mean",
             "Training SD"]  # fmt: skip
    notes = [
        f"An odds ratio above 1 means that higher values make {facts.event} more likely. SD: standard deviation in "
        "the training set. Coefficients are penalised and follow selection on the same patients, so confidence "
        "intervals and p-values would not be valid and are not given. Per unit or level: clinical variables only.",
    ]
    export = frame.assign(odds_ratio_per_sd=[_exp(value) for value in frame["coefficient"]] if len(frame) else [])
    return Table([heads(names)], rows, export, notes)


def _title(name: str, facts: dict[str, Any], count: int) -> str:
    if not facts.get("fitted"):
        return f"{name}: {facts.get('note') or 'not fitted'}"
    if facts.get("intercept") is None:
        settings = ", ".join(f"{key} {value}" for key, value in facts["settings"].items())
        what = f"{count} {'feature' if count == 1 else 'features'}" if count else "no feature survived"
        return f"{name}: {what}, {facts['classifier']}{f' ({settings})' if settings else ''}; no formula"
    intercept = number(facts.get("intercept"), 3)
    if not count:
        return f"{name}: no feature survived; intercept only ({intercept}), AUC 0.5"
    penalty = "" if facts.get("C") is None else f", penalty C = {significant(facts['C'], 3)}"
    return f"{name}: {count} {'feature' if count == 1 else 'features'}, intercept {intercept}{penalty}"


def _term(facts: RunFacts, row: Any) -> list[Cell]:
    per_unit = NOTHING
    if pd.isna(row["coefficient"]):  # a model that is not a formula
        return [Cell(readable(facts, str(row["feature"])), kind="level name"), *numbers([NOTHING] * 5)]
    if str(row["feature"]).startswith(CLINICAL) and row["scale"]:
        per_unit = significant(_exp(row["coefficient"] / row["scale"]), 3)
    return [
        Cell(readable(facts, str(row["feature"])), kind="level name"),
        *numbers([number(row["coefficient"], 3), significant(_exp(row["coefficient"]), 3), per_unit,
                  significant(row["centre"]), significant(row["scale"])]),
    ]  # fmt: skip


def readable(facts: RunFacts, feature: str) -> str:
    """A feature's name for readers: its sequence, then PyRadiomics' name; a clinical variable by its label."""
    if feature.startswith(CLINICAL):
        variable = variable_of(feature)
        level = feature.removeprefix(CLINICAL).partition("=")[2]
        entry = facts.protocol.cohort.clinical.get(variable)
        reference = f" (against {entry.levels[0]})" if entry and entry.levels else ""
        return f"{facts.label_of(variable)}: {level}{reference}" if level else facts.label_of(variable)
    sequence, _, name = feature.partition(SEPARATOR)
    return f"{sequence} {name}" if name else feature


def _exp(value: float) -> float:
    return exponential(value)


@report_part("clinical_screen", reads=("model/clinical_screen.csv",), rows_independent=True)
def screen(facts: RunFacts) -> Table:
    """Univariate logistic regression of the clinical variables."""
    frame = facts.frame("model/clinical_screen.csv")
    models = facts.protocol.model.models
    own = frame[[bool(name in models and models[name].clinical) for name in frame["model"]]] if len(frame) else frame
    if not len(own):
        raise AbsentError("No clinical model was fitted.")
    rows = [
        [Cell(row["model"]), Cell(facts.label_of(row["variable"])), Cell(p_text(row["p_value"]), kind="number"),
         Cell("enters" if row["kept"] else "")]
        for _, row in own.iterrows()
    ]  # fmt: skip
    header = [[*words(["Model", "Variable"]), Cell("p-value", kind="number"), Cell("Multivariable model")]]
    notes = ["Likelihood-ratio test of a logistic regression with this variable alone, training set. "
             "A variable of several levels is tested as a whole."]  # fmt: skip
    return Table(header, rows, frame, notes)
