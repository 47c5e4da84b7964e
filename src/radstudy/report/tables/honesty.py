"""What the leak detector found, the baselines, and the second reader's masks through the fixed models."""

from __future__ import annotations

from typing import Any

import pandas as pd

from radstudy.modelling.lesions import without_lesions_note
from radstudy.report.display import interval, number, p_text, percent
from radstudy.report.facts import AbsentError, Facts
from radstudy.report.part import report_part
from radstudy.report.tables.structure import Cell, Footnotes, Row, Table, by_set, numbers, words

LEAKS = "evaluate/leaks/leaks.csv"
BESIDE_VOLUME = "evaluate/baselines/beside_volume.csv"
MOVED = "evaluate/other_reader/moved.csv"


@report_part("leaks", reads=("evaluate/leaks/leaks.csv", "evaluate/leaks/checked.json"), rows_independent=True)
def leaks(facts: Facts) -> Table:
    """Every finding, errors first."""
    frame = facts.frame(LEAKS)
    if not len(frame):
        raise AbsentError(_no_sign(facts))
    rows = [
        [Cell(str(row["severity"]), kind="strong" if row["severity"] == "error" else ""), *words(
            [str(row["what"]), str(row["evidence"]), str(row["where"]), str(row["remedy"])])]
        for _, row in frame.iterrows()
    ]  # fmt: skip
    names = ["Severity", "What", "Evidence", "Where", "What to do"]
    notes = [
        "Error: no AUC of this study can be trusted until it is settled. Warning: it may have an innocent reason; look "
        "at it, and say so in the paper. p-values of a kind of check are adjusted for all tests of that kind.",
    ]
    return Table([words(names)], rows, frame, notes)


def _no_sign(facts: Facts) -> str:
    """That there is no finding, and what was looked for: no sign is no proof."""
    looked = (facts.documents.get("evaluate/leaks/checked.json") or {}).get("looked_for", [])
    signs = f"no sign of {'; no sign of '.join(looked)}" if looked else "what it looked for is not recorded"
    return (
        f"The leak detector has no finding: {signs}. That is no proof: it cannot see what the study's files do not "
        "hold, such as one woman under two names whose images differ."
    )


@report_part("beside_volume", reads=("evaluate/baselines/beside_volume.csv",), rows_independent=True)
def beside_volume(facts: Facts) -> Table:
    """Each model beside the volume-only model of the same patients."""
    if facts.protocol.evaluate.baselines is None or not facts.protocol.evaluate.baselines.volume:
        raise AbsentError("The study file has switched the volume-only baseline off.")
    frame = facts.frame(BESIDE_VOLUME)
    if not len(frame):
        raise AbsentError(
            "No model with images has a volume beside it: neither features nor counts of voxels hold one."
        )
    names = ["Model", "Volume on", "n", "AUC, model", "AUC, volume", "Difference (CI)", "p-value", "rho"]

    def row(record: Any) -> Row:
        cells = [str(int(record["rows"])), number(record["auc"]), number(record["volume_auc"]),
                 interval(record["difference"], record["low"], record["high"]), p_text(record["p_value"]),
                 number(record["rho"], 2)]  # fmt: skip
        return [_named(record, str(record["model"]), marks), Cell(str(record["sequence"])), *numbers(cells)]

    marks = Footnotes()
    rows = by_set(frame, len(names), row)
    notes = [
        *marks.lines(),
        "Volume: its logarithm alone in a logistic regression on the same patients; of several sequences the one with "
        "the larger training AUC. Difference: model minus volume, DeLong, not adjusted and in no family of tests. rho: "
        "Spearman's correlation of the two predicted probabilities; near 1 the model measures the lesion's size.",
    ]
    return Table([[*words(names[:2]), *numbers(names[2:])]], rows, frame, notes)


def _named(record: Any, label: str, marks: Footnotes) -> Cell:
    """The model's cell, its note as a footnote."""
    note = without_lesions_note(record.get("note"))
    return Cell(label, mark=marks.mark(note) if note else "", kind="level name")


@report_part("other_reader", reads=("evaluate/other_reader/moved.csv",), rows_independent=True)
def other_reader(facts: Facts) -> Table:
    """The fixed models on the other readers' masks."""
    frame = _moved(facts)
    several = frame["reader"].nunique() > 1
    names = ["Model", "n (positive)", "AUC, first reader", "AUC, other reader", "Mean |difference|",
             "Bias, limits of agreement", "Change sides, %"]  # fmt: skip

    def row(record: Any) -> Row:
        label = f"{record['model']} ({record['reader']})" if several else str(record["model"])
        changed, rows = int(record["changed"]), int(record["rows"])
        return [
            _named(record, label, marks),
            *numbers([
                f"{rows} ({int(record['positives'])})",
                *(interval(record[f"auc_{who}"], record[f"auc_{who}_low"], record[f"auc_{who}_high"], 2)
                  for who in ("first", "other")),
                number(record["mean_absolute_difference"]),
                interval(record["bias"], record["lower"], record["upper"], 2),
                f"{percent(changed, rows)} [{changed}/{rows}]",
            ]),
        ]  # fmt: skip

    marks = Footnotes()
    made = by_set(frame[frame["set"] != "all"], len(names), row)
    readers = facts.protocol.cohort.readers
    notes = [
        *marks.lines(),
        f"The models as they were fitted on {readers[0]}'s masks, coefficients and cut-off unchanged, with features "
        f"of {' and '.join(readers[1:])}'s masks; lesions that both drew on all of the model's sequences. Difference "
        f"of the predicted probabilities: {readers[0]} minus the other; bias and {facts.level} limits of agreement "
        "(Bland and Altman). Change sides: patients whom one reader's mask puts above the cut-off and the other's "
        "below.",
    ]
    if facts.protocol.agree.icc is not None:
        notes.append(
            "The features were chosen to be reproducible between these very readers: one who was never asked may move "
            "the predictions further."
        )
    return Table([[*words(names[:1]), *numbers(names[1:])]], made, frame, notes)


def _moved(facts: Facts) -> pd.DataFrame:
    frame = facts.frame(MOVED)
    if not len(frame):
        why = "one reader drew the lesions" if len(facts.protocol.cohort.readers) < 2 else "no lesion was drawn twice"
        raise AbsentError(f"The models cannot be tried on another reader's masks: {why}, or no model is a formula.")
    return frame
