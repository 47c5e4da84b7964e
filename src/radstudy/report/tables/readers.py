"""Agreement of the readers: their masks and their assessments."""

from __future__ import annotations

import math
from typing import Any, cast

from radstudy.report.cited import counted
from radstudy.report.display import NOTHING, interval, number, whole
from radstudy.report.facts import AbsentError, RunFacts
from radstudy.report.part import report_part
from radstudy.report.tables.structure import Cell, Footnotes, Row, Table, heads, numbers, words

_DISTANCES = {
    "dice": ("Dice", 3),
    "jaccard": ("Jaccard", 3),
    "hausdorff_mm": ("Hausdorff (mm)", 1),
    "hausdorff_95_mm": ("Hausdorff, 95 % (mm)", 1),
    "mean_surface_distance_mm": ("Mean surface distance (mm)", 2),
    "volume_difference_percent": ("Volume difference (%)", 1),
}


@report_part("mask_agreement", reads=("agree/masks.csv",), rows_independent=False)
def masks(facts: RunFacts) -> Table:
    """Overlap and distance of two readers' masks, one row per sequence and pair of readers."""
    frame = facts.frame("agree/masks.csv")
    if not len(frame):
        raise AbsentError("No lesion was drawn by two readers, so no masks can be compared.")
    pairs = cast("list[tuple[str, str]]", list(frame.groupby(["reader_a", "reader_b"], sort=False).groups))
    rows: list[Row] = []
    for first, second in pairs:
        if len(pairs) > 1:
            rows.append([Cell(f"{first} and {second}", span=len(_DISTANCES) + 2, kind="group")])
        mine = frame[(frame["reader_a"] == first) & (frame["reader_b"] == second)]
        rows += [_masks_row(name, mine[mine["sequence"] == name]) for name in facts.protocol.sequences
                 if (mine["sequence"] == name).any()]  # fmt: skip
    names = ["Sequence", "Lesions", *(label for label, _ in _DISTANCES.values())]
    who = f"{pairs[0][0]} and {pairs[0][1]}: m" if len(pairs) == 1 else "M"
    notes = [
        f"{who}edian (quartiles), and below it the smallest to the largest value. Dice and Jaccard: overlap; 1 is "
        "identical. Hausdorff: the largest distance between the two surfaces (95 %: the 95th percentile). Volume "
        "difference: the first reader's minus the second's, in per cent of their mean.",
    ]
    if told := int((frame["note"] != "").sum()):
        notes.append(f"Pairs of masks with a note in the CSV file: {told}.")
    return Table([heads(names)], rows, frame, notes)


def _masks_row(name: str, part: Any) -> Row:
    return [Cell(name), Cell(whole(counted(part, "patient")), kind="number"),
            *(_spread(part[column], digits) for column, (_, digits) in _DISTANCES.items())]  # fmt: skip


def _spread(values: Any, digits: int) -> Cell:
    known = values.dropna()
    if not len(known):
        return Cell(NOTHING, kind="number")
    middle, low, high = (number(known.quantile(q), digits) for q in (0.5, 0.25, 0.75))
    ends = f"{number(known.min(), digits)} to {number(known.max(), digits)}"
    return Cell(f"{middle} ({low} to {high})", below=ends, kind="number")


@report_part("kappa", reads=("agree/kappa.csv",), rows_independent=True)
def kappa(facts: RunFacts) -> Table:
    """Cohen's kappa of two readers' assessments, or the ICC of their numbers, one row per characteristic."""
    frame = facts.frame("agree/kappa.csv")
    if not len(frame):
        raise AbsentError("The study file names no characteristic assessed by two readers (agree.kappa).")
    notes = Footnotes()
    numeric = "icc" in frame.columns and bool(frame["icc"].notna().any())
    rows: list[Row] = [
        _agreed(facts, row, notes.mark(str(row["note"])) if row["note"] else "") for _, row in frame.iterrows()
    ]
    names = ["Characteristic", "n", "Agreement (%)", "Kappa or ICC (CI)" if numeric else "Kappa (CI)", "Weights"]
    lines = [
        *notes.lines(),
        "Cohen's kappa: agreement beyond chance; 1 is complete agreement, 0 is agreement by chance. With weights, near "
        "misses between ordered levels count in part.",
    ]
    if numeric:
        lines.append(
            "ICC(2,1) for numbers: two-way random effects, absolute agreement, single measure. Their agreement (%) "
            "counts equal numbers."
        )
    return Table([[*words(names[:1]), *numbers(names[1:4]), *words(names[4:])]], rows, frame, lines)


def _agreed(facts: RunFacts, row: Any, mark: str) -> Row:
    """One characteristic: its kappa, or the ICC of a number."""
    if math.isfinite(row.get("icc", math.nan)):
        value, weights = interval(row["icc"], row["icc_low"], row["icc_high"], 2), "ICC(2,1)"
    else:
        value, weights = interval(row["kappa"], row["low"], row["high"], 2), str(row["weights"])
    return [
        Cell(facts.label_of(str(row["variable"])), mark=mark),
        *numbers([whole(row["n"]), number(100 * row["observed"], 1), value]),
        Cell("none" if weights in ("", "None", "none") else weights),
    ]
