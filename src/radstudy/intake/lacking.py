"""Detection of missing first or last slices, which the grid does not show: by the other phases and by image numbers.

A slice that other phases of the series have is certainly missing. Numbers are no proof: some scanners continue counting
from series to series, so gaps in the numbers go to a reader for review.

References: DICOM PS3.3 C.7.6.1 (InstanceNumber, ImagesInAcquisition), C.8.3.1 (NumberOfTemporalPositions).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from radstudy.errors import CaseError
from radstudy.formats.dicom_header import ImageFrame
from radstudy.formats.dicom_series import distances
from radstudy.intake.series import Series, Stack

_Places = frozenset[int]  # tenths of a millimetre along the normal


def with_doubts(series: Series, doubt: str = "") -> Series:
    """Mark the volumes of a series that may be incomplete.

    Parameters
    ----------
    series : sorted into volumes.
    doubt : a doubt that applies to all of its volumes; "" if there is none.
    """
    places = [_places(stack) for stack in series.stacks]
    stacks = [_compared(stack, own, _reference(series.stacks, places, stack)) for stack, own in
              zip(series.stacks, places, strict=True)]  # fmt: skip
    return replace(
        series,
        stacks=tuple(
            _rescaled_alike(_doubted(stack, doubt or _by_bits(stack) or _by_numbers(series, stack))) for stack in stacks
        ),
    )


def parted(series: Mapping[str, Sequence[ImageFrame]]) -> dict[str, str]:
    """Find series that may have lost an image to another series, of a single image with identical facts.

    A damaged SeriesInstanceUID moves an image out of its series: a slice is missing, and a series of one image appears.

    Parameters
    ----------
    series : the images of an examination by SeriesInstanceUID.

    Returns
    -------
    SeriesInstanceUID of each such series to the doubt about it.
    """
    alone = {images[0].facts for images in series.values() if len(images) == 1 and images[0].index is None}
    return {
        uid: "an image just like its own has another SeriesInstanceUID: it may be one of its slices"
        for uid, images in series.items()
        if len(images) > 1 and alone and not alone.isdisjoint(image.facts for image in images)
    }


def _rescaled_alike(stack: Stack) -> Stack:
    """Refuse a volume in which some images are rescaled and others are not."""
    for name, values in (
        ("RescaleSlope", [frame.slope for frame in stack.frames]),
        ("RescaleIntercept", [frame.intercept for frame in stack.frames]),
    ):
        lacking = sum(value is None for value in values)
        if 0 < lacking < len(values) and not stack.problem:
            problem = f"{lacking} of its {len(values)} images have no {name}, but the others have one"
            return replace(stack, grid=None, problem=problem)
    return stack


def _by_bits(stack: Stack) -> str:
    """Explain if the images are stored with different numbers of bits, since one header may be damaged; else ""."""
    bits = sorted({frame.facts.bits_stored for frame in stack.frames})
    return f"its images are stored with {' and '.join(map(str, bits))} bits" if len(bits) > 1 else ""


def _doubted(stack: Stack, doubt: str) -> Stack:
    if not doubt or stack.problem:
        return stack
    return replace(stack, unsure="; ".join(filter(None, [stack.unsure, doubt])))


def _places(stack: Stack) -> _Places:
    """Positions of the slices of a volume; empty if it is not a volume."""
    if stack.grid is None:
        return frozenset()
    try:
        return frozenset(round(float(place) * 10) for place in distances(stack.frames))
    except CaseError:
        return frozenset()


def _alike(one: Stack, other: Stack) -> bool:
    """True if two volumes of a series differ only in time and b-value."""
    a, b = one.facts, other.facts
    return (a.rows, a.columns, a.orientation, a.pixel_spacing, a.image_type, a.component, a.echo_ms) == (
        b.rows, b.columns, b.orientation, b.pixel_spacing, b.image_type, b.component, b.echo_ms
    )  # fmt: skip


def _reference(stacks: Sequence[Stack], places: Sequence[_Places], stack: Stack) -> _Places:
    """The slice positions of most of the volumes that are like this one."""
    sets = Counter(own for other, own in zip(stacks, places, strict=True) if own and _alike(stack, other))
    return max(sets, key=lambda own: (sets[own], len(own)), default=frozenset())


def _compared(stack: Stack, own: _Places, reference: _Places) -> Stack:
    """Refuse a volume that lacks slices that the others have; send one with another b-value to review."""
    if not own or not own < reference:
        return stack
    what = f"{len(reference) - len(own)} slice(s) at the end are missing: other volumes of the series have them"
    if stack.phase is not None:
        return replace(stack, grid=None, problem=what)
    return _doubted(stack, what)


def _by_numbers(series: Series, stack: Stack) -> str:
    """Explain which images may be missing by the numbers in the headers; "" if none."""
    numbers = [frame.instance_number for frame in series.frames if frame.index is None]
    known = [number for number in numbers if number is not None]
    if len(known) == len(series.frames) and 0 < min(known) - 1 < len(stack.frames):
        return f"its images are numbered from {min(known)}: {min(known) - 1} before them may be missing"
    stated = {frame.facts.acquisition_images or 0 for frame in series.frames}
    images = max(stated)
    if len(stated) == 1 and images > len(series.frames) and images % len(stack.frames):
        return f"its header says that the acquisition has {images} images, but only {len(series.frames)} are present"
    phases = defaultdict(set)
    for frame in series.frames:
        phases[frame.facts.temporal_positions].add(frame.temporal_position)
    for wanted, present in phases.items() if stack.phase is not None else ():
        if wanted is not None and None not in present and 1 < len(present) < wanted:
            return f"its header says that it has {wanted} phases, but only {len(present)} are present"
    return ""
