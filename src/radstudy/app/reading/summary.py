"""The summary of a reading for the methods text: counts of what was done, never of what was only planned."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from radstudy._version import __version__
from radstudy.app.reading.closed_case import (
    CHARACTERISTICS,
    MASKS,
    ClosedCase,
    dice,
    of_task,
)
from radstudy.app.reading.items import ItemAgreement, agreement_on
from radstudy.app.reading.strokes import CODES
from radstudy.artefacts.reading import TOOL_COLUMNS

BLINDED_TO = ("outcomes", "clinical variables", "exclusions", "the split", "the other readers' work")
_SECONDS_PER_DAY = 86400.0


@dataclass(frozen=True)
class ReadingSettings:
    """Settings of a reading that its summary repeats.

    Parameters
    ----------
    image : the image that is shown first.
    wash_out_days : days before a reader meets a patient again.
    items : item of the form to its levels; None for a number. Comments are left out.
    """

    image: Literal["prepared", "acquired"]
    wash_out_days: int
    items: Mapping[str, tuple[str, ...] | None]


def summary_of(
    cases: Sequence[ClosedCase], settings: ReadingSettings, final_values: Mapping[str, int]
) -> dict[str, Any]:
    """The content of summary.json; see `radstudy.artefacts.reading.SUMMARY`."""
    drawn = [one for case in of_task(cases, MASKS) for one in case.drawings]
    tools = {name: sum(one.voxels_by_tool[name] for one in drawn) for name in TOOL_COLUMNS}
    shown: dict[str, int] = {}
    for one in drawn:
        for image, strokes in one.strokes_by_image().items():
            shown[image] = shown.get(image, 0) + strokes
    times, shortest = _met_again(cases)
    return {
        "radstudy": __version__,
        "fill_rule": "voxel_centres",
        "image": settings.image,
        "order": "random",
        "blinded_to": list(BLINDED_TO),
        "masks": len(drawn),
        "masks_taken_in": sum(bool((one.runs[:, 2] == CODES["taken_in"]).any()) for one in drawn),
        "shown": dict(sorted(shown.items())),
        "tools": {name: voxels for name, voxels in tools.items() if voxels},
        "readers": _readers(cases),
        "wash_out_days": settings.wash_out_days,
        "reopened": sum(case.times_closed > 1 for case in cases if not case.practice),
        "met_again": times,
        "shortest_wash_out_days": shortest,
        "repeated_masks": _repeated_masks(cases),
        "repeated_items": _repeated_items(cases, settings.items),
        "final_values": dict(final_values),
    }


def _readers(cases: Iterable[ClosedCase]) -> list[dict[str, Any]]:
    """Readers and tasks, with the number of lesions closed; of masks, of those with one."""
    real = [case for case in cases if not case.practice]
    opened = {case.reader for case in real if case.opened_outcomes}
    work: dict[tuple[str, str], set[tuple[str, str]]] = {}
    for case in real:
        if case.task != MASKS or case.drawings:
            work.setdefault((case.reader, case.task), set()).add(case.key)
    return [
        {"reader": reader, "task": task, "lesions": len(lesions), "opened_outcomes": reader in opened}
        for (reader, task), lesions in sorted(work.items())
    ]


def _met_again(cases: Iterable[ClosedCase]) -> tuple[int, float | None]:
    """Times that a reader met a patient again, in another task or a repeat, and the fewest days between."""
    visits: dict[tuple[str, str], dict[tuple[str, bool], list[ClosedCase]]] = {}
    for case in cases:
        if not case.practice:
            visits.setdefault((case.reader, case.patient), {}).setdefault((case.task, case.repeat), []).append(case)
    times, gaps = 0, []
    for occasions in visits.values():
        spans = sorted(filter(None, map(_span, occasions.values())))
        times += len(occasions) - 1
        gaps += [(second[0] - first[1]).total_seconds() for first, second in itertools.pairwise(spans)]
    return times, round(min(gaps) / _SECONDS_PER_DAY, 2) if gaps else None


def _span(cases: Iterable[ClosedCase]) -> tuple[datetime.datetime, datetime.datetime] | None:
    """First opening of an occasion, and the last of its cases' first closings; None if a time is not known."""
    cases = list(cases)
    if not all(case.opened_at and case.closed_at for case in cases):
        return None
    read = datetime.datetime.fromisoformat
    return min(read(case.opened_at) for case in cases), max(read(case.closed_at) for case in cases)


def _repeated_masks(cases: Sequence[ClosedCase]) -> list[dict[str, Any]]:
    """Dice within each reader, over the lesions that were drawn twice."""
    first = {(case.reader, case.key): case for case in of_task(cases, MASKS)}
    values: dict[str, list[float]] = {}
    for again in of_task(cases, MASKS, repeat=True):
        before = first.get((again.reader, again.key))
        earlier = {one.sequence: one for one in before.drawn if one.voxel_count} if before else {}
        for one in again.drawn:
            if one.voxel_count and one.sequence in earlier:
                values.setdefault(again.reader, []).append(dice(earlier[one.sequence], one))
    return [
        {"reader": reader, "masks": len(own), "dice_median": float(np.median(own)), "dice_low": min(own),
         "dice_high": max(own)}
        for reader, own in sorted(values.items())
    ]  # fmt: skip


def _repeated_items(cases: Sequence[ClosedCase], items: Mapping[str, tuple[str, ...] | None]) -> list[dict[str, Any]]:
    """Agreement of each reader's first answers with those of the repeat."""
    first = {(case.reader, case.key): case for case in of_task(cases, CHARACTERISTICS)}
    pairs: dict[str, list[tuple[ClosedCase, ClosedCase]]] = {}
    for again in of_task(cases, CHARACTERISTICS, repeat=True):
        if before := first.get((again.reader, again.key)):
            pairs.setdefault(again.reader, []).append((before, again))
    results = [
        (reader, agreement_on(item, levels, [(one.answers.get(item), two.answers.get(item)) for one, two in own]))
        for reader, own in sorted(pairs.items()) for item, levels in items.items()
    ]  # fmt: skip
    return [_plain(reader, result) for reader, result in results if result.lesions]


def _plain(reader: str, result: ItemAgreement) -> dict[str, Any]:
    return {
        "reader": reader, "item": result.item, "lesions": result.lesions, "measure": result.measure,
        "value": None if np.isnan(result.value) else result.value,
    }  # fmt: skip
