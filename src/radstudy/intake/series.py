"""Sorting of a series' images into volumes, one per b-value and phase, each with its evidence."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from radstudy.errors import CaseError
from radstudy.formats.dicom_header import ImageFrame, SeriesFacts
from radstudy.formats.dicom_series import SAME_PLACE_MM, SliceGrid, distances, grid_of

_TIME_KEYS: tuple[tuple[str, Callable[[ImageFrame], float | None]], ...] = (
    ("TemporalPositionIdentifier", lambda frame: frame.temporal_position),
    ("TriggerTime", lambda frame: frame.trigger_ms),
    ("AcquisitionTime", lambda frame: frame.acquired_s),
    ("ContentTime", lambda frame: frame.content_s),
    ("AcquisitionNumber", lambda frame: frame.acquisition_number),
)


@dataclass(frozen=True, eq=False)
class Stack:
    """The images of one volume.

    Parameters
    ----------
    frames : one per slice.
    b_value : s/mm2, or None.
    direction : direction of the diffusion weighting, see `DiffusionWeighting`.
    phase : from 1 within its series, or None if the series has only one.
    times : tag to the start of its acquisition (seconds; TemporalPositionIdentifier is a number), for the tags that
        all of its images have.
    evidence : what distinguishes it from the series' other volumes.
    grid : grid of its slices; None if they do not form a regular grid, or are several volumes.
    problem : why it cannot be written; "" if it can.
    unsure : why it needs review; "" if not.
    """

    frames: tuple[ImageFrame, ...]
    b_value: float | None = None
    direction: str = ""
    phase: int | None = None
    times: Mapping[str, float] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()
    grid: SliceGrid | None = None
    problem: str = ""
    unsure: str = ""

    @property
    def facts(self) -> SeriesFacts:
        """The facts of its images."""
        return self.frames[0].facts


@dataclass(frozen=True, eq=False)
class Series:
    """One DICOM series.

    Parameters
    ----------
    frames : all of its images, each once.
    stacks : its volumes.
    copies : number of files that were exact copies of another (the same SOP instance).
    listed : number of images according to a listing, if only the listing is known; None if it was read.
    """

    frames: tuple[ImageFrame, ...]
    stacks: tuple[Stack, ...]
    copies: int = 0
    listed: int | None = None

    @property
    def facts(self) -> SeriesFacts:
        """The facts of its first image."""
        return self.frames[0].facts

    @property
    def images(self) -> int:
        """Number of images."""
        return len(self.frames) if self.listed is None else self.listed


def sort_series(frames: Sequence[ImageFrame], *, copies: int = 0) -> Series:
    """Sort the images of one DICOM series into volumes.

    Images belong to the same volume if orientation, size, spacing, image type, echo time and b-value are equal. If a
    position then occurs more than once, a tag with the images' numbers or times must distinguish them, and no other
    such tag may contradict it.

    Parameters
    ----------
    frames : the images of one series.
    copies : number of files left out because another file has the same SOP instance.
    """
    if frames[0].facts.tiled:
        problem = f"the slices are tiled into one image ({frames[0].facts.tiled}): export one image per slice"
        return Series(tuple(frames), (Stack(tuple(frames), problem=problem),), copies)
    groups: dict[object, list[ImageFrame]] = defaultdict(list)
    orientations: list[tuple[float, ...]] = []
    for frame in frames:
        groups[_kind(frame, orientations)].append(frame)
    groups = _without_directions(groups)
    stacks = [stack for group in groups.values() for stack in _volumes(group)]
    return Series(tuple(frames), tuple(stacks), copies)


def _kind(frame: ImageFrame, orientations: list[tuple[float, ...]]) -> tuple[object, ...]:
    facts, diffusion = frame.facts, frame.diffusion
    plane = -1
    if facts.orientation is not None:
        near = (n for n, known in enumerate(orientations) if np.abs(np.subtract(known, facts.orientation)).max() < 1e-3)
        plane = next(near, len(orientations))
        if plane == len(orientations):
            orientations.append(facts.orientation)
    return (
        plane,
        facts.rows,
        facts.columns,
        None if facts.pixel_spacing is None else tuple(round(value, 3) for value in facts.pixel_spacing),
        facts.image_type,
        facts.component,
        None if facts.echo_ms is None else round(facts.echo_ms, 1),
        None if diffusion.b_value is None else round(diffusion.b_value),
        diffusion.direction,
    )


def _without_directions(groups: dict[object, list[ImageFrame]]) -> dict[object, list[ImageFrame]]:
    """Drop single directions of a b-value that has a trace image, which was computed from them."""
    traced = {_b_of(group) for group in groups.values() if group[0].diffusion.direction == "isotropic"}
    return {
        key: group
        for key, group in groups.items()
        if not (_b_of(group) in traced and group[0].diffusion.direction in ("directional", ""))
    }


def _b_of(group: Sequence[ImageFrame]) -> int | None:
    b_value = group[0].diffusion.b_value
    return None if b_value is None else round(b_value)


def _volumes(group: list[ImageFrame]) -> list[Stack]:
    """The volumes of images that differ in position and time only."""
    try:
        places = _places(group)
    except CaseError as error:
        return [_stack(group, problem=error.problem)]
    copies = Counter(places)
    most = max(copies.values())
    if most == 1:
        return [_stack(group)]
    if group[0].diffusion.direction == "directional":
        unsure = f"{most} gradient directions at b = {_b_of(group)} and no trace image of them in the series"
        return [Stack(tuple(group), group[0].diffusion.b_value, "directional", unsure=unsure)]
    splits = [(name, split) for name, get in _TIME_KEYS if (split := _split(group, places, most, get)) is not None]
    if not splits:
        return [
            _stack(group, problem=f"each slice position occurs up to {most} times, and no tag distinguishes the images")
        ]
    name, phases = splits[0]
    differing = [other for other, split in splits[1:] if not _same_order(split, phases)]
    unsure = f"{name} and {' and '.join(differing)} disagree on the order of the phases" if differing else ""
    agreeing = [other for other, _ in splits[1:] if other not in differing]
    by_tags = f"{most} phases by {name}" + (f" (as by {', '.join(agreeing)})" if agreeing else "")
    return [_stack(phase, phase=number, evidence=(by_tags,), unsure=unsure) for number, phase in enumerate(phases, 1)]


def _places(group: Sequence[ImageFrame]) -> list[int]:
    """The number of each image's slice position."""
    along = distances(group)
    order = np.argsort(along, kind="stable")
    numbers = np.concatenate([[0], np.cumsum(np.diff(along[order]) > SAME_PLACE_MM)])
    places = np.empty(len(along), dtype=int)
    places[order] = numbers
    return places.tolist()


def _split(
    group: Sequence[ImageFrame], places: Sequence[int], most: int, get: Callable[[ImageFrame], float | None]
) -> list[list[ImageFrame]] | None:
    """Split the images into `most` phases by the values of a tag, in its order; None if that is not possible."""
    values = [get(frame) for frame in group]
    if any(value is None for value in values):
        return None
    by_value: dict[float, list[int]] = defaultdict(list)
    for number, value in enumerate(values):
        by_value[float(value or 0)].append(number)
    numbers = [by_value[value] for value in sorted(by_value)]
    if len(numbers) != most or any(len({places[n] for n in part}) != len(part) for part in numbers):
        ranked = _ranked(values, places, most)
        if ranked is None:
            return None
        numbers = ranked
    return [[group[number] for number in part] for part in numbers]


def _ranked(values: Sequence[float | None], places: Sequence[int], most: int) -> list[list[int]] | None:
    """Phases if every slice has its own time: the k-th time at each position, all before those of the next phase."""
    at: dict[int, list[tuple[float, int]]] = defaultdict(list)
    for number, (value, place) in enumerate(zip(values, places, strict=True)):
        at[place].append((float(value or 0), number))
    if any(len(pairs) != most or len({value for value, _ in pairs}) != most for pairs in at.values()):
        return None
    ranked = [sorted(pairs) for pairs in at.values()]
    phases = [[pairs[k] for pairs in ranked] for k in range(most)]
    apart = all(max(early)[0] < min(late)[0] for early, late in pairwise(phases))
    return [[number for _, number in phase] for phase in phases] if apart else None


def _same_order(one: Sequence[Sequence[ImageFrame]], other: Sequence[Sequence[ImageFrame]]) -> bool:
    def keys(split: Sequence[Sequence[ImageFrame]]) -> list[set[tuple[str, int | None]]]:
        return [{(frame.uid, frame.index) for frame in phase} for phase in split]

    return keys(one) == keys(other)


def _stack(
    group: Sequence[ImageFrame],
    *,
    phase: int | None = None,
    evidence: tuple[str, ...] = (),
    problem: str = "",
    unsure: str = "",
) -> Stack:
    diffusion = group[0].diffusion
    grid = None
    if not problem:
        try:
            grid = grid_of(group)
        except CaseError as error:
            problem = error.problem
    cut = [frame for frame in group if frame.bytes_missing]
    if cut:
        problem = (
            f"{len(cut)} file(s) are cut off (instance {cut[0].instance_number} lacks {cut[0].bytes_missing} bytes)"
        )
    if diffusion.conflict:
        unsure = f"the b-value is contradictory: {diffusion.conflict}"
    if diffusion.b_value is not None:
        evidence = (*evidence, f"b = {diffusion.b_value:g} by {diffusion.source}")
    return Stack(
        tuple(group), diffusion.b_value, diffusion.direction, phase, _times(group), evidence, grid, problem, unsure
    )


def _times(group: Sequence[ImageFrame]) -> dict[str, float]:
    """The acquisition time by each tag that all images have: the earliest of the slices."""
    times = {}
    for name, get in _TIME_KEYS:
        values = [value for frame in group if (value := get(frame)) is not None]
        if len(values) == len(group):
            times[name] = min(values) / 1000 if name == "TriggerTime" else float(min(values))
    return times
