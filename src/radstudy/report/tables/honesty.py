"""The findings of the leak detector, the baselines, and the fixed models applied to another reader's masks."""

from __future__ import annotations

from typing import Any

import pandas as pd

from radstudy.modelling.leaks.looked import VOLUME_SIGN
from radstudy.report.checks import follows_volume
from radstudy.report.cited import quoted
from radstudy.report.display import interval, number, p_text, percent, whole
from radstudy.report.facts import AbsentError, RunFacts
from radstudy.report.outline import number_of
from radstudy.report.part import report_part
from radstudy.report.tables.noted import quoted_note
from radstudy.report.tables.structure import Cell, Footnotes, Row, Table, by_set, numbers, words

LEAKS = "evaluate/leaks/leaks.csv"
BESIDE_VOLUME = "evaluate/baselines/beside_volume.csv"
MOVED = "evaluate/other_reader/moved.csv"


@report_part(
    "leaks", reads=("evaluate/leaks/leaks.csv", "evaluate/leaks/checked.json", BESIDE_VOLUME), rows_independent=True
)
def leaks(facts: RunFacts) -> Table:
    """Every finding of the leak detector, errors first."""
    frame = facts.frame(LEAKS)
    if not len(frame):
        raise AbsentError(_no_sign(facts))
    rows = [
        [Cell(str(row["severity"]), kind="strong" if row["severity"] == "error" else ""), *words(
            [quoted(row[name]) for name in ("what", "evidence", "where", "remedy")])]
        for _, row in frame.iterrows()
    ]  # fmt: skip
    names = ["Severity", "What", "Evidence", "Where", "What to do"]
    notes = [
        "Error: no AUC in this study can be trusted until it is resolved. Warning: there may be an innocent reason; "
        "investigate it and report it in the paper. The p-values of each kind of check are adjusted for all tests of "
        "that kind.",
    ]
    return Table([words(names)], rows, frame, notes)


def _no_sign(facts: RunFacts) -> str:
    """The statement that there is no finding, with what was looked for."""
    looked = (facts.documents.get("evaluate/leaks/checked.json") or {}).get("looked_for", [])
    beside = follows_volume(facts)  # another question: this detector asks only where the volume predicts the outcome
    looked = [one for one in looked if not (beside and one.startswith(f"{VOLUME_SIGN} ("))]
    signs = (
        f"no sign of {'; no sign of '.join(map(quoted, looked))}" if looked else "what it looked for is not recorded"
    )
    return (
        f"The leak detector has no findings: {signs}. That is not proof: it cannot detect what is not in the study's "
        "files, such as one patient under two names with different images."
        + (f" For models that follow the lesion's volume, see {number_of('table', 'beside_volume')}." if beside else "")
    )


@report_part("beside_volume", reads=("evaluate/baselines/beside_volume.csv",), rows_independent=True)
def beside_volume(facts: RunFacts) -> Table:
    """Each model compared with the volume-only model in the same patients."""
    if facts.protocol.evaluate.baselines is None or not facts.protocol.evaluate.baselines.volume:
        raise AbsentError("The study file has switched the volume-only baseline off.")
    frame = facts.frame(BESIDE_VOLUME)
    if not len(frame):
        raise AbsentError(
            "No image-based model can be compared with a volume: neither features nor voxel counts contain one."
        )
    names = ["Model", "Volume on", "n", "AUC, model", "AUC, volume", "Difference (CI)", "p-value", "rho"]

    def row(record: Any) -> Row:
        cells = [whole(record["rows"]), number(record["auc"]), number(record["volume_auc"]),
                 interval(record["difference"], record["low"], record["high"]), p_text(record["p_value"]),
                 number(record["rho"], 2)]  # fmt: skip
        return [_named(record, str(record["model"]), marks), Cell(str(record["sequence"])), *numbers(cells)]

    marks = Footnotes()
    rows = by_set(frame, len(names), row)
    notes = [
        *marks.lines(),
        "Volume: its logarithm alone in a logistic regression on the same patients; with several sequences, the one "
        "with the largest training AUC. Difference: model minus volume, DeLong's test, not adjusted and not part of a "
        "family of tests. rho: Spearman's correlation of the two predicted probabilities; if it is near 1, the model "
        "measures the size of the lesion.",
    ]
    return Table([[*words(names[:2]), *numbers(names[2:])]], rows, frame, notes)


def _named(record: Any, label: str, marks: Footnotes) -> Cell:
    """The cell with the model's name and its note as a footnote."""
    note = quoted_note(record.get("note"))
    return Cell(label, mark=marks.mark(note) if note else "", kind="level name")


@report_part("other_reader", reads=("evaluate/other_reader/moved.csv",), rows_independent=True)
def other_reader(facts: RunFacts) -> Table:
    """The fixed models applied to the other readers' masks."""
    frame = _moved(facts)
    several = frame["reader"].nunique() > 1
    names = ["Model", "n (positive)", "AUC, first reader", "AUC, other reader", "Mean |difference|",
             "Bias, limits of agreement", "Cross the cut-off, %"]  # fmt: skip

    def row(record: Any) -> Row:
        label = f"{record['model']} ({record['reader']})" if several else str(record["model"])
        changed, rows = record["changed"], record["rows"]
        return [
            _named(record, label, marks),
            *numbers([
                f"{whole(rows)} ({whole(record['positives'])})",
                *(interval(record[f"auc_{who}"], record[f"auc_{who}_low"], record[f"auc_{who}_high"], 2)
                  for who in ("first", "other")),
                number(record["mean_absolute_difference"]),
                interval(record["bias"], record["lower"], record["upper"], 2),
                f"{percent(changed, rows)} [{whole(changed)}/{whole(rows)}]",
            ]),
        ]  # fmt: skip

    marks = Footnotes()
    lines = by_set(frame[frame["set"] != "all"], len(names), row)
    readers = facts.protocol.cohort.readers
    notes = [
        *marks.lines(),
        f"The models fitted on {readers[0]}'s masks, with coefficients and cut-off unchanged, applied to features from "
        f"{' and '.join(readers[1:])}'s masks, in lesions that both drew on all of the model's sequences. Difference "
        f"between the predicted probabilities: {readers[0]} minus the other; bias and {facts.level} limits of "
        "agreement (Bland and Altman). Cross the cut-off: patients above the cut-off with one reader's mask and below "
        "it with the other's.",
    ]
    if facts.protocol.agree.icc is not None:
        notes.append(
            "The features were chosen to be reproducible between these same readers: the masks of a reader who was not "
            "involved may change the predictions more."
        )
    return Table([[*words(names[:1]), *numbers(names[1:])]], lines, frame, notes)


def _moved(facts: RunFacts) -> pd.DataFrame:
    frame = facts.frame(MOVED)
    if not len(frame):
        why = "one reader drew the lesions" if len(facts.protocol.cohort.readers) < 2 else "no lesion was drawn twice"
        raise AbsentError(f"The models cannot be applied to another reader's masks: {why}, or no model is a formula.")
    return frame
