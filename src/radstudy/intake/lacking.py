"""Whether a volume lacks its first or last slices, which its grid cannot tell: by its other phases, and by its numbers.

What other phases of one series have is sure to be missing. Numbers are not: some scanners go on counting from series to
series, so what they say is for a reader to look at.

References: DICOM PS3.3 C.7.6.1 (InstanceNumber, ImagesInAcquisition), C.8.3.1 (NumberOfTemporalPositions).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from radstudy.errors import CaseError
from radstudy.formats.dicom_header import Frame
from radstudy.formats.dicom_series import distances
from radstudy.intake.series import Series, Stack

_Places = frozenset[int]  # tenths of a millimetre along the normal


def with_doubts(series: Series, doubt: str = "") -> Series:
    """The series with what speaks against its volumes being whole.

    Parameters
    ----------
    series : sorted.
    doubt : on all of its volumes; "" where there is none.
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


def parted(series: Mapping[str, Sequence[Frame]]) -> dict[str, str]:
    """What speaks against series being whole beside another one of a single image that is like theirs in everything.

    A damaged SeriesInstanceUID takes an image out of its series: one slice fewer, and a series of one image more.

    Parameters
    ----------
    series : the images of an examination by SeriesInstanceUID.

    Returns
    -------
    SeriesInstanceUID of each such series to what to say of it.
    """
    alone = {images[0].facts for images in series.values() if len(images) == 1 and images[0].index is None}
    return {
        uid: "an image that is like its own in everything has another SeriesInstanceUID: it may be one of its slices"
        for uid, images in series.items()
        if len(images) > 1 and alone and not alone.isdisjoint(image.facts for image in images)
    }


def _rescaled_alike(stack: Stack) -> Stack:
    """A volume of which some images are rescaled and some are not cannot be written."""
    for name, values in (
        ("RescaleSlope", [frame.slope for frame in stack.frames]),
        ("RescaleIntercept", [frame.intercept for frame in stack.frames]),
    ):
        lacking = sum(value is None for value in values)
        if 0 < lacking < len(values) and not stack.problem:
            problem = f"{lacking} of its {len(values)} images have no {name}, and the others have one"
            return replace(stack, grid=None, problem=problem)
    return stack


def _by_bits(stack: Stack) -> str:
    """Whether the images are stored with different numbers of bits, of which the header of one may be damaged."""
    bits = sorted({frame.facts.bits_stored for frame in stack.frames})
    return f"its images are stored with {' and '.join(map(str, bits))} bits" if len(bits) > 1 else ""


def _doubted(stack: Stack, doubt: str) -> Stack:
    if not doubt or stack.problem:
        return stack
    return replace(stack, unsure="; ".join(filter(None, [stack.unsure, doubt])))


def _places(stack: Stack) -> _Places:
    """Where the slices of a volume lie; empty where it is no volume."""
    if stack.grid is None:
        return frozenset()
    try:
        return frozenset(round(float(place) * 10) for place in distances(stack.frames))
    except CaseError:
        return frozenset()


def _alike(one: Stack, other: Stack) -> bool:
    """Whether two volumes of a series differ in time and b-value alone."""
    a, b = one.facts, other.facts
    return (a.rows, a.columns, a.orientation, a.pixel_spacing, a.image_type, a.component, a.echo_ms) == (
        b.rows, b.columns, b.orientation, b.pixel_spacing, b.image_type, b.component, b.echo_ms
    )  # fmt: skip


def _reference(stacks: Sequence[Stack], places: Sequence[_Places], stack: Stack) -> _Places:
    """The slices that most of the volumes like this one have."""
    sets = Counter(own for other, own in zip(stacks, places, strict=True) if own and _alike(stack, other))
    return max(sets, key=lambda own: (sets[own], len(own)), default=frozenset())


def _compared(stack: Stack, own: _Places, reference: _Places) -> Stack:
    """A volume that lacks slices that the others have cannot be written; one of another b-value is to be looked at."""
    if not own or not own < reference:
        return stack
    what = f"{len(reference) - len(own)} slice(s) at the end are missing: other volumes of the series have them"
    if stack.phase is not None:
        return replace(stack, grid=None, problem=what)
    return _doubted(stack, what)


def _by_numbers(series: Series, stack: Stack) -> str:
    """What the numbers in the headers say of images that are not there; "" where nothing."""
    numbers = [frame.instance_number for frame in series.frames if frame.index is None]
    known = [number for number in numbers if number is not None]
    if len(known) == len(series.frames) and 0 < min(known) - 1 < len(stack.frames):
        return f"its images are numbered from {min(known)}: {min(known) - 1} before them may be missing"
    said = {frame.facts.acquisition_images or 0 for frame in series.frames}
    images = max(said)
    if len(said) == 1 and images > len(series.frames) and images % len(stack.frames):
        return f"its header says that the acquisition has {images} images, and {len(series.frames)} are here"
    phases = defaultdict(set)
    for frame in series.frames:
        phases[frame.facts.temporal_positions].add(frame.temporal_position)
    for wanted, found in phases.items() if stack.phase is not None else ():
        if wanted is not None and None not in found and 1 < len(found) < wanted:
            return f"its header says that it has {wanted} phases, and {len(found)} are here"
    return ""
