"""What the leak detector found, the baselines, and the second reader's masks through the fixed models."""

from __future__ import annotations

from radstudy.report.facts import AbsentError, Facts
from radstudy.report.tables.structure import Cell, Table, words

LEAKS = "evaluate/leaks/leaks.csv"


def leaks(facts: Facts) -> Table:
    """Every finding, errors first."""
    frame = facts.frame(LEAKS)
    if not len(frame):
        raise AbsentError(
            "The leak detector found nothing: no scaling or selection before the split, no patient under two "
            "identifiers, no column that says the outcome, no order, date, site or protocol aligned with it, no model "
            "that only follows the lesion's volume. It cannot see what the study's files do not hold."
        )
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
    return Table("leaks", [words(names)], rows, frame, notes)
