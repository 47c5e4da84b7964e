"""The effects of harmonising the sites on the features, and on the models."""

from __future__ import annotations

from typing import Any

from radstudy.report.display import interval, number, p_text, whole
from radstudy.report.facts import AbsentError, RunFacts
from radstudy.report.part import report_part
from radstudy.report.tables.features import readable
from radstudy.report.tables.noted import quoted_note
from radstudy.report.tables.structure import Cell, Footnotes, Row, Table, by_set, numbers, words

BESIDE = "evaluate/harmonisation/with_and_without.csv"
EFFECT = "evaluate/harmonisation/site_effect.csv"
_SHOWN = 10  # features per model and set
_NONE = "The study does not harmonise sites or scanners."


@report_part("harmonised", reads=("evaluate/harmonisation/with_and_without.csv",), rows_independent=True)
def harmonised(facts: RunFacts) -> Table:
    """Each harmonised model compared with the same model without harmonising."""
    if facts.frames.get(BESIDE) is None:
        raise AbsentError(_NONE)
    frame = facts.frame(BESIDE)
    if not len(frame):
        raise AbsentError("No model whose features are harmonised could be fitted.")
    names = ["Model", "Testing AUC, with", "Testing AUC, without", "Difference (CI)", "p-value", "AUC in folds, with",
             "AUC in folds, without", "Folds"]  # fmt: skip
    marks = Footnotes()
    rows: list[Row] = []
    for _, record in frame.iterrows():
        note = quoted_note(record.get("note"))
        cells = [
            number(record["testing_auc_with"]), number(record["testing_auc_without"]),
            interval(record["difference"], record["difference_low"], record["difference_high"]),
            p_text(record["p_value"]), number(record["folds_auc_with"]), number(record["folds_auc_without"]),
            whole(record["folds"]),
        ]  # fmt: skip
        rows.append([Cell(str(record["model"]), mark=marks.mark(note) if note else ""), *numbers(cells)])
    notes = [
        *marks.lines(),
        "The same selection and classifier on the same rows, with and without the step harmonise. Difference: with "
        "minus without, DeLong's test, not adjusted and not part of a family of tests. Folds: one cross-validation "
        "with every step inside, the same folds for both. If the outcome is more frequent at one site, a model "
        "without harmonising may use the site itself, which is of no use at another hospital.",
    ]
    return Table([[*words(names[:1]), *numbers(names[1:])]], rows, frame, notes)


@report_part("site_effect", reads=("evaluate/harmonisation/site_effect.csv",), rows_independent=True)
def site_effect(facts: RunFacts) -> Table:
    """The features that differ most between the sites, before and after harmonising."""
    if facts.frames.get(EFFECT) is None:
        raise AbsentError(_NONE)
    frame = facts.frame(EFFECT)
    if not len(frame):
        raise AbsentError("No model whose features are harmonised could be fitted.")
    names = ["Model", "Feature", "Eta squared, measured", "Eta squared, harmonised", "p-value, measured",
             "p-value, harmonised"]  # fmt: skip
    largest = frame.sort_values("eta_squared_before", ascending=False, kind="stable")
    largest = largest.groupby(["set", "model"], sort=False).head(_SHOWN).sort_values("model", kind="stable")

    def row(record: Any) -> Row:
        cells = [number(record["eta_squared_before"]), number(record["eta_squared_after"]),
                 p_text(record["p_before"]), p_text(record["p_after"])]  # fmt: skip
        return [
            Cell(str(record["model"]), kind="level name"),
            *words([readable(facts, str(record["feature"]))]),
            *numbers(cells),
        ]

    notes = [
        f"The {_SHOWN} features of each model with the largest share as measured; all are in {EFFECT}. Eta squared: "
        "share of the feature's variance that the sites explain; p-value: Kruskal-Wallis test, not adjusted. ComBat "
        "was fitted on the training rows, whose small values prove nothing; the testing rows are the check.",
    ]
    return Table([[*words(names[:2]), *numbers(names[2:])]], by_set(largest, len(names), row), frame, notes)
