"""Recognition of the phases of one dynamic scan, and their order of acquisition."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from radstudy.errors import CaseError
from radstudy.formats.dicom_header import SeriesFacts
from radstudy.formats.dicom_series import distances, normal_of
from radstudy.intake.midnight import DAY_S, HALF_A_DAY_S
from radstudy.intake.series import Stack

_CLOCKS = ("AcquisitionTime", "TriggerTime", "TemporalPositionIdentifier", "ContentTime")


@dataclass(frozen=True)
class Order:
    """Phases in their order of acquisition.

    Parameters
    ----------
    indices : indices of the volumes, first phase first.
    seconds : time since the first phase began; None if no tag gives a time.
    by : "by AcquisitionTime" and so on.
    unsure : why the order is uncertain; "" if it is certain.
    """

    indices: tuple[int, ...]
    seconds: tuple[float | None, ...]
    by: str
    unsure: str = ""


def _clocks_of(stacks: Sequence[Stack]) -> dict[str, list[float]]:
    """The tags that all phases have, with distinct values."""
    clocks = {}
    for name in _CLOCKS:
        values = [stack.times.get(name) for stack in stacks]
        if None not in values and len(set(values)) == len(values):
            clocks[name] = [float(value or 0) for value in values]
    return clocks


def orders_of(stacks: Sequence[Stack]) -> tuple[tuple[Stack, ...], ...]:
    """Every order of the phases given by some tag: only one if the tags agree, none if no tag distinguishes them."""
    orders = [tuple(int(i) for i in np.argsort(values)) for values in _clocks_of(stacks).values()]
    return tuple(tuple(stacks[index] for index in order) for order in dict.fromkeys(orders))


def seconds_in_order(stacks: Sequence[Stack]) -> tuple[float | None, ...]:
    """Seconds since the first of these phases, by the first clock that increases from each to the next, else None."""
    order = in_order(stacks)
    if order.indices == tuple(range(len(stacks))) and None not in order.seconds:
        return order.seconds
    for name, times in _clocks_of(stacks).items():
        if name != "TemporalPositionIdentifier" and all(later > earlier for earlier, later in pairwise(times)):
            return tuple(time - times[0] for time in times)
    return tuple(None for _ in stacks)


def in_order(stacks: Sequence[Stack]) -> Order:
    """Order phases by every tag that all of them have with distinct values; the tags must agree."""
    clocks = _clocks_of(stacks)
    unknown = tuple(None for _ in stacks)
    if not clocks:
        reason = "no tag gives all phases a different time (the same series twice?)"
        return Order(tuple(range(len(stacks))), unknown, "", reason)
    orders = {name: tuple(int(i) for i in np.argsort(values)) for name, values in clocks.items()}
    first = next(iter(orders))
    differing = [name for name, order in orders.items() if order != orders[first]]
    if differing:
        reason = f"{first} and {' and '.join(differing)} disagree on the order of the phases"
        return Order(orders[first], unknown, "", reason)
    timed = next((clocks[name] for name in clocks if name != "TemporalPositionIdentifier"), None)
    in_time = [] if timed is None else [timed[index] for index in orders[first]]
    gap = max((later - earlier for earlier, later in pairwise(in_time)), default=0.0)
    if gap > HALF_A_DAY_S:
        reason = (
            f"two phases are {gap / 3600:.1f} hours apart: the scan may have run past midnight without a date, and no "
            "other number of the images shows the order"
        )
        return Order(orders[first], unknown, "", reason)
    backward = _named_backward([stacks[index] for index in orders[first]])
    seconds = unknown if timed is None else tuple(time - in_time[0] for time in in_time)
    days = {int(time // DAY_S) for name in ("AcquisitionTime", "ContentTime") for time in clocks.get(name, ())}
    over = " over midnight" if len(days) > 1 else ""
    return Order(orders[first], seconds, f"by {' and '.join(orders)}{over}", backward)


def _named_backward(stacks: Sequence[Stack]) -> str:
    """Explain if a series named as before contrast comes after one named as after contrast; "" if none does."""
    before, after = re.compile(r"\bPRE\b", re.IGNORECASE), re.compile(r"\bPOST|\bGAD\b", re.IGNORECASE)
    names = [re.sub(r"[_\-/]", " ", stack.facts.description) for stack in stacks]
    pre = [number for number, name in enumerate(names) if before.search(name) and not after.search(name)]
    post = [number for number, name in enumerate(names) if after.search(name) and not before.search(name)]
    if pre and post and max(pre) > min(post):
        return "a series named as before contrast was acquired after one named as after it"
    return ""


def same_scan(one: Stack, other: Stack) -> bool:
    """True if two volumes may be phases of one scan: same protocol, side and grid (a slice may be missing)."""
    a, b = one.facts, other.facts
    if one.b_value != other.b_value or a.image_type != b.image_type or a.sequence_name != b.sequence_name:
        return False
    if sorted(a.scan_options) != sorted(b.scan_options) or side_of(a) != side_of(b):
        return False
    near = (
        _near(x, y) for x, y in ((a.echo_ms, b.echo_ms), (a.repetition_ms, b.repetition_ms), (a.flip_deg, b.flip_deg))
    )
    return all(near) and overlap(one, other)


def overlap(one: Stack, other: Stack) -> bool:
    """True if two volumes lie on the same grid: same plane, pixels and origin, and four of five slices shared."""
    a, b = one.facts, other.facts
    if (a.rows, a.columns) != (b.rows, b.columns) or a.orientation is None or b.orientation is None:
        return False
    if a.pixel_spacing is None or b.pixel_spacing is None:
        return False
    apart = (
        np.abs(np.subtract(a.orientation, b.orientation)).max(),
        np.abs(np.subtract(a.pixel_spacing, b.pixel_spacing)).max(),
    )
    if apart[0] > 1e-3 or apart[1] > 1e-3:
        return False
    try:
        slices, others = distances(one.frames), distances(other.frames)
        shift = _across(one) - _across(other)
    except CaseError:
        return False
    shared = np.isclose(slices[:, None], others[None, :], atol=0.1, rtol=0).any(axis=1).sum()
    return bool(np.linalg.norm(shift) < 0.1 * min(a.pixel_spacing) and shared >= 0.8 * max(len(slices), len(others)))


def _across(stack: Stack) -> NDArray[np.float64]:
    """The first image's origin (3,) without its component along the normal."""
    position, normal = np.asarray(stack.frames[0].position, dtype=np.float64), normal_of(stack.facts)
    across: NDArray[np.float64] = position - (position @ normal) * normal
    return across


def _near(one: float | None, other: float | None) -> bool:
    if one is None or other is None:
        return one is other
    return abs(one - other) <= 0.02 * max(abs(one), abs(other))


def side_of(facts: SeriesFacts) -> str:
    """L or R if the header or the name says that only one breast was scanned, otherwise ""."""
    if facts.laterality.upper()[:1] in ("L", "R"):
        return facts.laterality.upper()[:1]
    words = set(re.sub(r"[^A-Z]", " ", facts.description.upper()).split())
    left, right = bool(words & {"LEFT", "LT"}), bool(words & {"RIGHT", "RT"})
    return "" if left == right else "L" if left else "R"
