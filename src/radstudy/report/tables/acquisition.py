"""Scanner and acquisition of the images, by sequence."""

from __future__ import annotations

from typing import Any

import pandas as pd

from radstudy.report.display import NOTHING
from radstudy.report.facts import AbsentError, RunFacts
from radstudy.report.part import report_part
from radstudy.report.tables.structure import Cell, Table, numbers, words

FILE = "report/acquisition.csv"
_NAMED = {  # column to its name in the table
    "field_strength_t": "Field strength (T)",
    "acquisition_type": "Acquisition",
    "plane": "Plane",
    "repetition_time_ms": "Repetition time (ms)",
    "echo_time_ms": "Echo time (ms)",
    "inversion_time_ms": "Inversion time (ms)",
    "flip_angle_deg": "Flip angle (degrees)",
    "echo_train_length": "Echo train length",
    "pixel_bandwidth_hz": "Bandwidth (Hz/pixel)",
    "b_value": "b-value (s/mm²)",
    "in_plane_mm": "Voxel size in the plane (mm)",
    "slice_thickness_mm": "Slice thickness (mm)",
    "slice_step_mm": "Distance between slices (mm)",
    "seconds_since_first_phase": "Time after the first phase (s)",
    "contrast_agent": "Contrast agent",
}
_MOST = 4  # different values that a cell lists


@report_part("acquisition", reads=(FILE, "cohort/rows.csv"), rows_independent=False)
def acquisition(facts: RunFacts) -> Table:
    """Scanners and acquisition parameters of each sequence."""
    frame = _recorded(facts)
    sequences = [name for name in facts.protocol.sequences if (frame["sequence"] == name).any()]
    parts = {name: frame[frame["sequence"] == name] for name in sequences}
    rows = [[Cell("Images"), *numbers([str(len(parts[name])) for name in sequences])]]
    scanners = frame.assign(scanner=(frame["manufacturer"] + " " + frame["model"]).str.strip())
    for scanner in _in_order(scanners["scanner"]):
        counts = [int(((scanners["scanner"] == scanner) & (scanners["sequence"] == name)).sum()) for name in sequences]
        rows.append([Cell(scanner or "scanner not recorded", kind="level"), *numbers(map(str, counts))])
    for column, title in _NAMED.items():
        if column in frame and any(_known(parts[name][column]).size for name in sequences):
            rows.append([Cell(title), *(_summary(parts[name][column]) for name in sequences)])
    patients = facts.frame("cohort/rows.csv")["patient"].nunique()
    notes = [
        "From the tags that the import kept of each image's DICOM files; dates and names are not kept. One value: the "
        "same in all images. Several: each with its number of images, or median (smallest to largest) if there are "
        f"more than {_MOST}. {NOTHING}: not recorded. Distance between slices: between their centres.",
        f"{frame['patient'].nunique()} of {patients} patients have images that the import has written.",
    ]
    return Table([[*words(["Parameter"]), *numbers(sequences)]], rows, frame, notes)


def _recorded(facts: RunFacts) -> pd.DataFrame:
    """The acquisitions.

    Raises
    ------
    AbsentError : no image of the study was written by an import, or the images are not part of the run.
    """
    frame = facts.frames.get(FILE)
    if frame is not None and len(frame):
        return frame
    if facts.protocol.features is not None:
        raise AbsentError("The study started from a table of features; there were no images.")
    raise AbsentError(
        "No image of this study was written by 'radstudy import', so the program has no record of scanners and "
        "acquisition. To do: import the DICOM files with 'radstudy import', or write the table by hand."
    )


def _in_order(values: pd.Series[Any]) -> list[str]:
    """The different values, the most frequent first."""
    return [str(value) for value in values.value_counts().index]


def _known(values: pd.Series[Any]) -> pd.Series[Any]:
    return values[values.notna() & (values.astype(str) != "")]


def _summary(values: pd.Series[Any]) -> Cell:
    """One value, a few with their counts, or the median with the smallest and the largest."""
    known = _known(values)
    if not known.size:
        return Cell(NOTHING, kind="number")
    counts = known.value_counts()
    missing = len(values) - len(known)
    below = f"not recorded in {missing}" if missing else ""
    if len(counts) == 1:
        return Cell(_shown(counts.index[0]), below=below, kind="number")
    if len(counts) > _MOST and pd.api.types.is_numeric_dtype(known):
        span = f"{_shown(known.min())} to {_shown(known.max())}"
        return Cell(_shown(known.median()), below="; ".join(filter(None, [span, below])), kind="number")
    listed = [f"{_shown(value)} ({count})" for value, count in counts.head(_MOST).items()]
    more = [f"{len(counts) - _MOST} others"] if len(counts) > _MOST else []
    return Cell(", ".join([*listed, *more]), below=below, kind="number")


def _shown(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
