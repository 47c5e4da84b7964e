"""Multivariable logistic regression on every model's features, and the points of the nomogram."""

from __future__ import annotations

from typing import Any, cast

import pandas as pd

from radstudy.report.cited import cite, integer
from radstudy.report.display import NOTHING, number, p_text, significant, thousands, whole
from radstudy.report.facts import AbsentError, RunFacts
from radstudy.report.nomogram import NomogramScale, nomogram_of
from radstudy.report.part import report_part
from radstudy.report.tables.features import entering, readable
from radstudy.report.tables.noted import quoted_note
from radstudy.report.tables.structure import Cell, Footnotes, Row, Table, numbers, words

APPARENT = (
    "Training set: apparent, selection ignored. The features were chosen on the same patients, so intervals are too "
    "narrow and p-values too small."
)
_LARGEST = 1000.0


def estimated(row: Any) -> bool:
    """True if a row of the regression table has an odds ratio with an interval."""
    values = [row[name] for name in ("odds_ratio", "low", "high")]
    return not any(map(pd.isna, values)) and 0 < values[0] < float("inf")


def p_of_interval(facts: RunFacts, row: Any) -> float:
    """The p-value of the test that matches a row's interval, so that the two agree.

    Profile intervals go with the likelihood-ratio test, Wald's with Wald's; Firth's fit always has profile intervals.
    """
    profile = facts.protocol.evaluate.regression.interval == "profile" or "firth" in str(row["estimator"]).lower()
    return cast("float", row["lr_p_value"] if profile else row["p_value"])


def odds_ratio(row: Any) -> str:
    """An odds ratio with its interval: 2.13 (1.02 to 4.44)."""
    value, low, high = (_shown(row[name]) for name in ("odds_ratio", "low", "high"))
    return f"{value} ({low} to {high})"


def _shown(value: float) -> str:
    """A value to three digits, without powers of ten or very long numbers."""
    if 0 <= value < 1 / _LARGEST:
        return cite(value, "<0.001")
    return (
        f"{value:,.0f}"
        if _LARGEST <= value < 1e7
        else cite(value, ">10,000,000")
        if value >= 1e7
        else significant(value, 3)
    )


@report_part("multivariable_regression", reads=("evaluate/regression.csv",), rows_independent=True)
def regression(facts: RunFacts) -> Table:
    """Odds ratios with intervals, tests and variance inflation, one block per model."""
    frame = facts.frame("evaluate/regression.csv")
    present = [name for name in facts.models if len(frame) and name in set(frame["model"])]
    if not present:
        raise AbsentError("No multivariable regression was fitted: no model has a feature.")
    test = "likelihood ratio" if facts.protocol.evaluate.regression.interval == "profile" else "Wald"
    names = ["Feature", "Odds ratio (CI)", f"p, {test}", "VIF", "Estimator"]
    notes = Footnotes()
    rows: list[Row] = []
    for name in present:
        rows.append([Cell(name, span=len(names), kind="group")])
        rows += [_term(facts, row, notes) for _, row in frame[frame["model"] == name].iterrows()]
    lines = [
        *notes.lines(),
        "Unpenalised logistic regression on all features of a model together: odds ratio per standard deviation of a "
        "radiomics feature, per unit or level of a clinical variable; above 1, higher values make "
        f"{facts.event} more likely. Firth: penalised likelihood, used if features separate the groups, with p "
        "from its likelihood ratio. The p-value is from the test that matches the interval. VIF: variance inflation "
        "factor; above 5 to 10, features carry much the same information.",
        APPARENT,
    ]
    header = [[*words(names[:1]), *numbers(names[1:4]), *words(names[4:])]]
    return Table(header, rows, frame, lines)


def _term(facts: RunFacts, row: Any, notes: Footnotes) -> Row:
    note = quoted_note(row["note"])
    mark = notes.mark(note) if note else ""
    ratio = odds_ratio(row) if estimated(row) else "not estimated"
    return [
        Cell(readable(facts, str(row["feature"])), kind="level"),
        Cell(ratio, mark=mark, kind="number"),
        *numbers([p_text(p_of_interval(facts, row)), number(row["vif"], 2)]),
        Cell(str(row["estimator"]), kind="name"),
    ]


@report_part("regression_fit", reads=("evaluate/regression_models.csv", "agree/summary.json"), rows_independent=True)
def regression_fit(facts: RunFacts) -> Table:
    """The fit of each multivariable regression, and its number of events."""
    frame = facts.frame("evaluate/regression_models.csv")
    if not len(frame):
        raise AbsentError("No multivariable regression was fitted: no model has a feature.")
    names = ["Model", "n", "Events", "Candidates", "Events per candidate", "Events per selected feature",
             "Likelihood ratio χ² (df)", "p-value", "Nagelkerke R²", "AIC", "Estimator"]  # fmt: skip
    notes = Footnotes()
    rows = [_fit(row, notes) for _, row in frame.iterrows()]
    older = [] if "candidates" in frame else ["Candidates were not counted by the version that produced this run."]
    lines = [
        *notes.lines(),
        "Likelihood ratio: all features of the model against none. Events: the rarer outcome, training set. "
        f"Candidates: {entering(facts)} and clinical variables (one per level except the reference) that "
        "entered the selection. The sample has to support the candidates: with fewer than about ten events for each, "
        "estimates are unstable, however few features were selected.",
        *older,
        APPARENT,
    ]
    header = [[*words(names[:1]), *numbers(names[1:10]), *words(names[10:])]]
    return Table(header, rows, frame, lines)


def _fit(row: Any, notes: Footnotes) -> Row:
    note = quoted_note(row["note"])
    mark = notes.mark(note) if note else ""
    candidates = row.get("candidates")
    known = not pd.isna(row["lr_statistic"])
    test = f"{number(row['lr_statistic'], 2)} ({whole(row['lr_dof'])})" if known else NOTHING
    return [
        Cell(str(row["model"]), mark=mark, kind="name"),
        *numbers([whole(row["rows"]), whole(row["events"]),
                  NOTHING if candidates is None or pd.isna(candidates) else thousands(integer(candidates)),
                  significant(row.get("events_per_candidate"), 2), number(row["events_per_variable"], 1), test,
                  p_text(row["lr_p_value"]), number(row["r2_nagelkerke"]), number(row["aic"], 1)]),
        Cell(str(row["estimator"]), kind="name"),
    ]  # fmt: skip


@report_part("nomogram", reads=("signature.json",), rows_independent=False)
def points(facts: RunFacts) -> Table:
    """The nomogram as numbers: points of every variable, and the probability for a total."""
    chart = nomogram_of(facts)
    rows: list[Row] = []
    records: list[tuple[str, str, float]] = []
    for scale in chart.scales:
        rows += _points_of(scale, records)
    totals = [total for total in range(0, int(chart.most) + 21, 20) if total - 20 < chart.most]
    rows.append([Cell(f"Probability of {facts.event}", span=3, kind="group")])
    for total in totals:
        probability = chart.probability(total)
        rows.append([Cell(f"{total} points", kind="level"), Cell(""), Cell(number(probability), kind="number")])
        records.append(("probability", str(total), probability))
    notes = [
        f"{chart.model}, the formula of signature.json: points = points per unit x (value - value at 0 points); sum "
        f"over all variables. Probability = 1 / (1 + exp(-({chart.start:.6g} + {chart.per_point:.6g} x total))).",
        "Coefficients are penalised and were selected and fitted on the training set. For research, not for decisions "
        "about patients.",
    ]
    frame = pd.DataFrame(records, columns=["variable", "value", "points_or_probability"])
    header = [[*words(["Variable"]), *numbers(["Value at 0 points, or level", "Points per unit, or points"])]]
    return Table(header, rows, frame, notes)


def _points_of(scale: NomogramScale, records: list[tuple[str, str, float]]) -> list[Row]:
    if not scale.levels:
        records.append((scale.name, repr(scale.zero), scale.per_unit))
        shown = [significant(scale.zero, 6), significant(scale.per_unit, 6)]
        return [[Cell(scale.label), *numbers(shown)]]
    rows: list[Row] = [[Cell(scale.label, span=3, kind="group")]]
    for names, value in scale.levels:
        text = " / ".join(names)
        records.append((scale.name, text, value))
        rows.append([Cell(""), *numbers([text, number(value, 2)])])
    return rows
