"""The record of a reading, written when a case is closed: mask files, and the tables and summary of `reading.folder`.

The tables are rewritten whole from what is stored, so that a crash between two files is mended by the next writing. The
same state gives the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from radstudy.app.reading.arbitration import FinalValue
from radstudy.app.reading.audit import AuditLine
from radstudy.app.reading.closed_case import (
    ARBITRATION,
    CHARACTERISTICS,
    MASKS,
    ClosedCase,
    of_task,
)
from radstudy.app.reading.record_masks import MaskToWrite, UnwrittenMask, mask_files, write_mask_files
from radstudy.app.reading.roster import Lesion
from radstudy.app.reading.summary import ReadingSettings, summary_of
from radstudy.artefacts.reading import (
    ANSWERS,
    ARBITER,
    AUDIT,
    COMPUTED_VALUE,
    FINAL,
    SUMMARY,
    TOOLS,
    VISIBILITY,
    first_answer,
)
from radstudy.owned import is_own, owning
from radstudy.protocol.sections import Protocol
from radstudy.store import set_aside, storing

REPEATS = "repeats"  # folder of the second readings' masks, inside the record's


@dataclass(frozen=True, eq=False)
class ReadingState:
    """Everything that the record is written from.

    Parameters
    ----------
    protocol : the study file.
    data : folder that its relative paths start from.
    folder : of the record.
    readers : who fills in the form, in the order of the columns ``_r1``, ``_r2``.
    cases : all closed cases; practice is ignored.
    finals : lesion to item to final value.
    audit : all events, in order.
    settings : of the reading.
    """

    protocol: Protocol
    data: Path
    folder: Path
    readers: tuple[str, ...]
    cases: Sequence[ClosedCase]
    settings: ReadingSettings
    finals: Mapping[Lesion, Mapping[str, FinalValue]] = field(default_factory=dict)
    audit: Sequence[AuditLine] = ()


@dataclass(frozen=True)
class WrittenRecord:
    """Files of a record that was written.

    Parameters
    ----------
    files : of the record, masks first, with those whose content was already there.
    kept : tables that somebody had changed or put there, under the new names that they were given.
    unwritten : mask files that could not be written, with the reasons.
    """

    files: tuple[Path, ...]
    kept: tuple[Path, ...] = ()
    unwritten: tuple[UnwrittenMask, ...] = ()

    @property
    def incomplete(self) -> set[ClosedCase]:
        """The cases some of whose mask files could not be written."""
        return {case for one in self.unwritten for case in one.cases}


def write_record(state: ReadingState, *, closed: Collection[ClosedCase] | None = None) -> WrittenRecord:
    """Write the record.

    A mask file that cannot be written, such as one in the place of somebody else's, is named in the result and stops
    nothing. A table that was changed by hand is kept under another name.

    Parameters
    ----------
    state : to write; the tables are written whole.
    closed : the cases whose mask files are written; None for all, such as after the database was moved.

    Raises
    ------
    StorageError : the disk is full, or a folder cannot be written to.
    """
    masks, unwritten = _masks_of(state, state.cases if closed is None else closed)
    summary = summary_of(state.cases, state.settings, _sources(state))
    tables: dict[Path, Callable[[], None]] = {
        state.folder / ANSWERS.path: lambda: ANSWERS.write(state.folder, answer_rows(state)),
        state.folder / VISIBILITY.path: lambda: VISIBILITY.write(state.folder, visibility_rows(state.cases)),
        state.folder / TOOLS.path: lambda: TOOLS.write(state.folder, tool_rows(state.cases)),
        state.folder / AUDIT.path: lambda: AUDIT.write(state.folder, [vars(event) for event in state.audit]),
        state.folder / SUMMARY.path: lambda: SUMMARY.write(state.folder, summary),
    }
    written, failed = write_mask_files(masks)
    kept = []
    for file, write in tables.items():
        if file.exists() and not is_own(file):
            kept.append(set_aside(file))
        with storing(file), owning(file):
            write()
    return WrittenRecord((*written, *tables), tuple(kept), (*unwritten, *failed))


def answer_rows(state: ReadingState) -> pd.DataFrame:
    """The rows of answers.csv, sorted by patient and lesion; see `ANSWERS`."""
    rows: dict[Lesion, dict[str, Any]] = {}
    for case in of_task(state.cases, CHARACTERISTICS):
        row = rows.setdefault(case.key, {})
        if case.reader in state.readers:
            place = 1 + state.readers.index(case.reader)
            row |= {first_answer(item, place): value for item, value in case.answers.items()}
    for case in of_task(state.cases, ARBITRATION):
        rows.setdefault(case.key, {}).update({f"{item}{ARBITER}": value for item, value in case.decided.items()})
    for key, finals in state.finals.items():
        rows.setdefault(key, {}).update({f"{item}{FINAL}": final.value for item, final in finals.items()})
    for key, values in _computed(state).items():
        rows.setdefault(key, {}).update({f"{item}{COMPUTED_VALUE}": value for item, value in values.items()})
    records = [{"patient": key[0], "lesion": key[1], **rows[key]} for key in sorted(rows)]
    named = [*ANSWERS.names, *_columns(state, {name for row in rows.values() for name in row})]
    return pd.DataFrame(records, columns=named, dtype=object)


def visibility_rows(cases: Iterable[ClosedCase]) -> list[dict[str, Any]]:
    """The rows of visibility.csv; see `VISIBILITY`."""
    cases = list(cases)
    return [
        {"patient": case.patient, "lesion": case.lesion, "sequence": sequence, "reader": case.reader,
         **vars(judgement), "task": case.task}
        for task in (MASKS, CHARACTERISTICS) for case in of_task(cases, task)
        for sequence, judgement in sorted(case.per_sequence.items())
    ]  # fmt: skip


def tool_rows(cases: Iterable[ClosedCase]) -> list[dict[str, Any]]:
    """The rows of tools.csv; see `TOOLS`."""
    return [
        {"patient": case.patient, "lesion": case.lesion, "sequence": one.sequence, "reader": case.reader,
         "voxels": one.voxel_count, **one.voxels_by_tool, "display": _display(one.displays)}
        for case in of_task(cases, MASKS) for one in case.drawings
    ]  # fmt: skip


def _display(displays: Iterable[tuple[str, int]]) -> str:
    """The settings of the display with their strokes, as JSON."""
    entries = [{"settings": json.loads(settings), "strokes": strokes} for settings, strokes in displays]
    return json.dumps(entries, sort_keys=True, ensure_ascii=False)


def _masks_of(state: ReadingState, chosen: Collection[ClosedCase]) -> tuple[list[MaskToWrite], list[UnwrittenMask]]:
    """Mask files where the study expects them, and those of repeats inside the record's folder, where no step looks."""
    protocol, folder = repeats_protocol(state.protocol), state.folder / REPEATS
    first = mask_files(state.protocol, state.data, of_task(state.cases, MASKS), of_task(chosen, MASKS))
    again = mask_files(protocol, folder, of_task(state.cases, MASKS, repeat=True), of_task(chosen, MASKS, repeat=True))
    return first[0] + again[0], first[1] + again[1]


def repeats_protocol(protocol: Protocol) -> Protocol:
    """The study with one plain pattern for the masks of second readings."""
    cohort = protocol.cohort.model_copy(
        update={"masks": "{patient}/{lesion}/{sequence}_{reader}.nii.gz", "reader_files": {}, "label": None}
    )
    return protocol.model_copy(update={"cohort": cohort})


def _computed(state: ReadingState) -> dict[Lesion, dict[str, Any]]:
    """Lesion to what was computed from mask and phases: of the first reader, in the columns' order, who has it."""
    values: dict[Lesion, dict[str, Any]] = {}
    order = {reader: place for place, reader in enumerate((*state.readers, *state.protocol.cohort.readers))}
    cases = [case for task in (CHARACTERISTICS, MASKS) for case in of_task(state.cases, task)]
    for case in sorted(cases, key=lambda case: order.get(case.reader, len(order))):
        own = values.setdefault(case.key, {})
        for item, value in case.computed.items():
            own.setdefault(item, value)
    return {key: own for key, own in values.items() if own}


def _columns(state: ReadingState, present: set[str]) -> list[str]:
    """The columns of the items: by item, in the codebook's order, and in it by reader, arbiter, final, computed."""
    ends = [*(first_answer("", place) for place in range(1, len(state.readers) + 1)), ARBITER, FINAL, COMPUTED_VALUE]
    items = sorted({name.removesuffix(end) for name in present for end in ends if name.endswith(end)})
    codebook = [name for name in state.protocol.cohort.clinical if name in items]
    order = [*codebook, *(name for name in items if name not in codebook)]
    return [f"{item}{end}" for item in order for end in ends if f"{item}{end}" in present]


def _sources(state: ReadingState) -> dict[str, int]:
    """Origin of the final values to their number."""
    counts: dict[str, int] = {}
    for finals in state.finals.values():
        for final in finals.values():
            counts[final.source] = counts.get(final.source, 0) + 1
    return dict(sorted(counts.items()))
