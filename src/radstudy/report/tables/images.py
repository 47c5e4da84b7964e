"""The preparation of the images and the size of the lesions, one row per sequence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pandas as pd

from radstudy.imaging.preparation import SENSITIVE
from radstudy.report.cited import applied, counted, quoted, tally
from radstudy.report.display import NOTHING, number, plural, significant, whole
from radstudy.report.facts import SUMMARY, AbsentError, RunFacts
from radstudy.report.part import report_part
from radstudy.report.tables.structure import Cell, Table, heads, numbers, words

_LONGEST = 40  # rows of a table on the page


@report_part("volumes", reads=("prepare/volumes.csv",), rows_independent=False)
def volumes(facts: RunFacts) -> Table:
    """Geometry of the volumes as acquired, and their bias fields."""
    frame = facts.frame("prepare/volumes.csv")
    if not len(frame):
        raise AbsentError("No volume was prepared.")
    rows = []
    for name in facts.protocol.sequences:
        part = frame[frame["sequence"] == name]
        if not len(part):
            continue
        rows.append([Cell(name), *numbers([
            whole(counted(part, "patient")), _most(part["size"]), _most(part["spacing_mm"]), _most(part["iterations"]),
        ]), *(_median(part[column]) for column in ("cv_before", "cv_after", "field_ratio")), _moved(part),
            *numbers([_warned(part)])])  # fmt: skip
    names = ["Sequence", "Volumes", "Voxels", "Spacing (mm)", "N4 iterations",
             "Variation before", "after N4", "Field", "Moved by rounding (%)", "Warnings"]  # fmt: skip
    notes = [
        "Voxels and spacing as acquired, and iterations used: the most frequent value (and the number of other "
        "values). Variation: coefficient of variation of the foreground's intensities (above Otsu's threshold, the "
        "same voxels before and after), median (smallest to largest); removal of a bias field lowers it. Field: ratio "
        "of the 95th to the 5th percentile of the field in the foreground; 1 means no field. Moved by rounding: change "
        "of the field inside a lesion's box if noise in the last digit (1e-7 of each voxel) is added to the image and "
        f"the field is fitted again; more than {SENSITIVE:.0%} is a warning. Warnings: number of volumes with one."
    ]
    return Table([heads(names)], rows, frame, notes)


@report_part("lesions", reads=("prepare/lesions.csv", SUMMARY), rows_independent=False)
def lesions(facts: RunFacts) -> Table:
    """The first reader's lesions: size and grey-level bins."""
    frame = facts.frame("prepare/lesions.csv")
    others = [reader for reader in facts.protocol.cohort.readers if reader != facts.protocol.reader]
    rows = []
    for name in facts.protocol.sequences:
        part = frame[(frame["sequence"] == name) & (frame["reader"] == facts.protocol.reader)]
        if not len(part):
            continue
        drawn = [counted(part, "patient")]
        if others:
            again = [tally(frame, sequence=name, reader=reader) for reader in others]
            drawn.append(sum(again[1:], again[0]))
        rows.append([
            Cell(name), *numbers(map(whole, drawn)),
            _range(part["native_voxels"]), _median(part["volume_mm3"], over=1000), _range(part["resampled_voxels"]),
            _range(part["volume_change_percent"], 1), _bins(facts, part["bins"]),
            *numbers([_warned(part)]),
        ])  # fmt: skip
    if not rows:
        raise AbsentError("No lesion passed the checks.")
    drawn_by = [f"Lesions ({facts.protocol.reader})", "Drawn again"] if others else ["Lesions"]
    names = ["Sequence", *drawn_by, "Voxels as drawn", "Volume (mL)", "Resampled voxels",
             "Volume change (%)", "Bins", "Warnings"]  # fmt: skip
    notes = [
        f"Median over {facts.first_readers} masks, and below it the smallest to the largest value. Bins: grey-level "
        "bins. Warnings: number of lesions with one. If resampling turns few voxels into many, most of the texture is "
        "interpolation. Fewer than 8 or more than 256 bins is a warning."
    ]
    if transfers := int((frame.get("transferred_from", pd.Series(dtype=str)) != "").sum()):
        notes.append(
            f"{plural(transfers, 'mask')} of these were not drawn but transferred from another sequence (below)."
        )
    return Table([heads(names)], rows, frame, notes)


@report_part("transferred_masks", reads=("extract/transferred.csv", "extract/provenance.json"), rows_independent=False)
def transferred(facts: RunFacts) -> Table:
    """Masks that were transferred from the sequence on which they were drawn to another one."""
    section = facts.protocol.cohort.transfer
    if section is None:
        raise AbsentError("The study file transfers no mask from one sequence to another.")
    if facts.finished("extract") and "extract/transferred.csv" not in facts.frames:
        raise AbsentError("Every lesion was drawn on every sequence; no mask had to be transferred.")
    frame = facts.frame("extract/transferred.csv")
    rows = []
    urgent = frame.sort_values("status", key=lambda status: status.isin(("confirmed",)), kind="stable")
    for _, row in urgent.head(_LONGEST).iterrows():
        shift = float((row[["shift_r_mm", "shift_a_mm", "shift_s_mm"]].astype(float) ** 2).sum() ** 0.5)
        by = f" by {row['confirmed_by']}" if row["confirmed_by"] else ""
        rows.append([*words([row["patient"], row["lesion"], row["sequence"], row["from"]]), *numbers([
            number(shift, 1), number(row["rotation_degrees"], 1), number(row["overlap"], 2),
            number(row["volume_change_percent"], 1)]), Cell(row["status"] + by)])  # fmt: skip
    header = [[*words(["Patient", "Lesion", "On", "Drawn on"]), *numbers(
        ["Shift (mm)", "Rotation (degrees)", "Overlap", "Volume change (%)"]), Cell("A reader's answer")]]  # fmt: skip
    how = (
        "a rigid fit of the surroundings" if section.rigid else "the scanner's coordinates alone (shift and rotation 0)"
    )
    notes = [
        f"Placed by {how}. Shift: of the lesion's centre. Overlap: Dice coefficient with the mask placed by the "
        "scanner's coordinates alone. A transferred mask is used once a reader has confirmed it; it is not used to "
        "assess the agreement between readers.",
        "A rigid transfer cannot undo the distortion of echo-planar images such as DWI: compare the contour with the "
        "lesion in the images for quality control.",
    ]
    if len(frame) > _LONGEST:
        notes.append(f"{_LONGEST} of {len(frame)} are shown, those not confirmed first; the CSV file has all of them.")
    return Table(header, rows, frame, notes)


@report_part("warnings", reads=("prepare/lesions.csv", "prepare/volumes.csv"), rows_independent=False)
def warnings(facts: RunFacts) -> Table:
    """Each kind of warning with the patients that it concerns."""
    patients_by_warning: dict[tuple[str, str], set[str]] = {}
    said: dict[tuple[str, str], tuple[str, Any]] = {}  # as quoted from its first row, and the table's rows
    for name in ("prepare/lesions.csv", "prepare/volumes.csv"):
        frame = facts.frame(name)
        for _, row in frame.iterrows():
            for text in filter(None, str(row["warnings"]).split("; ")):
                key = (str(row["sequence"]), text)
                patients_by_warning.setdefault(key, set()).add(str(row["patient"]))
                said.setdefault(key, (quoted(row["warnings"], text), frame))
    if not patients_by_warning:
        raise AbsentError("No volume and no lesion raised a warning.")
    order = sorted(patients_by_warning.items(), key=lambda item: (-len(item[1]), item[0]))
    records = [(sequence, text, len(who), ", ".join(sorted(who))) for (sequence, text), who in order]
    frame = pd.DataFrame(records, columns=["sequence", "warning", "patients", "who"])
    rows = []
    for sequence, text, count, who in records[:_LONGEST]:
        shown, table = said[sequence, text]
        names = who if count <= 6 else f"{who[:60].rsplit(',', 1)[0]}, ..."
        rows.append(words([sequence, shown, _mentioned(table, sequence, text, count), names]))
    longer = len(records) > _LONGEST
    notes = [f"The {_LONGEST} most frequent of {len(records)}; the CSV file has all of them."] if longer else []
    return Table([words(["Sequence", "Warning", "Patients", "Who"])], rows, frame, notes)


def _mentioned(frame: pd.DataFrame, sequence: str, text: str, count: int) -> str:
    """The number of patients with a warning; its cells are those of the table that has the warning."""
    own = frame[frame["sequence"] == sequence]
    patients = {
        patient for patient, said in zip(own["patient"], own["warnings"], strict=True) if text in said.split("; ")
    }
    if len(patients) != count:  # the other table has it, too
        return str(count)
    return whole(applied("mentioning", count, own["warnings"], text, own["patient"]))


def _bins(facts: RunFacts, counts: Any) -> Cell:
    """The grey-level bins of the lesions; with a fixed number of bins that number."""
    fixed = facts.extraction.bin_count if SUMMARY in facts.documents else None
    if fixed is None:
        return _range(counts)
    return Cell(f"{fixed}", below="fixed", kind="number")


def _warned(part: pd.DataFrame) -> str:
    """The number of rows with a warning."""
    return whole(applied("filled", int((part["warnings"] != "").sum()), part["warnings"]))


def _moved(part: Any) -> Cell:
    """The change of the fields by rounding, per cent; empty for runs that did not test it."""
    return _median(part["field_shift"], over=0.01) if "field_shift" in part else Cell(NOTHING, kind="number")


def _most(values: Any) -> str:
    counts = values.value_counts()
    first = str(counts.index[0]) if len(counts) else ""
    if not first:
        return NOTHING
    example = quoted(next(values[row] for row in values.index if values[row] == first))
    others = applied("other", len(counts) - 1, values)
    return example if len(counts) == 1 else f"{example} (+{others})"


def _median(values: Any, *, over: float = 1) -> Cell:
    """The median to three digits, and below it the smallest and the largest value, in a unit `over` times as large."""
    return _two_lines(values, lambda value: significant(value / over, 3))


def _range(values: Any, digits: int | None = None) -> Cell:
    """The median to `digits` decimals, whole numbers without, and below it the smallest and the largest value."""
    if digits is not None:
        return _two_lines(values, lambda value: number(value, digits))
    known = values.dropna()
    if (known == known.round()).all():
        return _two_lines(values, lambda value: f"{value:,.0f}")
    return _median(values)


def _two_lines(values: Any, shown: Callable[[float], str]) -> Cell:
    known = values.dropna()
    if not len(known):
        return Cell(NOTHING, kind="number")
    low, high = shown(known.min()), shown(known.max())
    return Cell(shown(known.median()), below=f"{low} to {high}", kind="number")
