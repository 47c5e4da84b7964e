"""Correction of times if an examination ran past midnight and its headers give no date, or only one date.

In that case 00:01 seems to come before 23:58. The clock is corrected if another number of the images, independent of
any clock, shows that it passed midnight; if none does, the phases are more than half a day apart and go to review.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise

from radstudy.formats.dicom_header import ImageFrame

DAY_S = 86_400.0
HALF_A_DAY_S = DAY_S / 2
_CLOCKS = ("acquired_s", "content_s")
_Number = Callable[[ImageFrame], float | None]
_NUMBERS: tuple[_Number, ...] = (
    lambda frame: frame.instance_number if frame.index is None else frame.index,
    lambda frame: frame.acquisition_number,
    lambda frame: frame.temporal_position,
    lambda frame: frame.trigger_ms,
)


def set_over_midnight(series: Mapping[str, Sequence[ImageFrame]]) -> dict[str, list[ImageFrame]]:
    """Add a day to the times of an examination's images that lie after midnight.

    A clock has passed midnight if its times lie within one day with a gap of more than twelve hours between them, and
    the images after the gap have the lower numbers: at one slice position of one series by InstanceNumber,
    AcquisitionNumber, TemporalPositionIdentifier or TriggerTime, or by SeriesNumber if whole series lie on either side.
    If a single number contradicts this, the times are left unchanged.

    Parameters
    ----------
    series : SeriesInstanceUID to its images.
    """
    changed = {uid: list(frames) for uid, frames in series.items()}
    for clock in _CLOCKS:
        morning = _morning([frame for frames in changed.values() for frame in frames], clock)
        if morning is None or not _numbers_go_over(changed, clock, morning):
            continue
        changed = {uid: [_later(frame, clock, morning) for frame in frames] for uid, frames in changed.items()}
    return changed


def _morning(frames: Sequence[ImageFrame], clock: str) -> float | None:
    """The last time before a gap of more than twelve hours, in seconds; None if the clock has no such gap."""
    times = sorted({time for frame in frames if (time := getattr(frame, clock)) is not None})
    if len(times) < 2 or times[-1] - times[0] >= DAY_S:
        return None
    gap, end = max((later - earlier, earlier) for earlier, later in pairwise(times))
    return end if gap > HALF_A_DAY_S else None


def _later(frame: ImageFrame, clock: str, morning: float) -> ImageFrame:
    time = getattr(frame, clock)
    return frame if time is None or time > morning else replace(frame, **{clock: time + DAY_S})


def _numbers_go_over(series: Mapping[str, Sequence[ImageFrame]], clock: str, morning: float) -> bool:
    """True if at least one number shows that images before midnight (late times) come first, and none contradicts."""
    places: dict[object, tuple[list[ImageFrame], list[ImageFrame]]] = defaultdict(lambda: ([], []))
    whole: tuple[list[float], list[float]] = ([], [])
    for uid, frames in series.items():
        timed = [frame for frame in frames if getattr(frame, clock) is not None]
        for frame in timed:
            where = None if frame.position is None else tuple(round(part, 1) for part in frame.position)
            places[uid, where][getattr(frame, clock) <= morning].append(frame)
        sides = {getattr(frame, clock) <= morning for frame in timed}
        number = frames[0].facts.series_number if frames else None
        if len(sides) == 1 and number is not None and "DERIVED" not in frames[0].facts.image_type:
            whole[sides.pop()].append(number)
    pairs = [pair for pair in places.values() if all(pair)]
    verdicts = {_order(*([number(frame) for frame in side] for side in pair)) for number in _NUMBERS for pair in pairs}
    verdicts.add(_order(*whole))
    return "over midnight" in verdicts and "as it is" not in verdicts


def _order(evening: Sequence[float | None], morning: Sequence[float | None]) -> str:
    """Verdict of one number on the order of late and early times: "over midnight", "as it is", or "" if none."""
    early, late = ([value for value in side if value is not None] for side in (evening, morning))
    if not early or not late or len(early) < len(evening) or len(late) < len(morning):
        return ""
    if max(early) < min(late):
        return "over midnight"
    return "as it is" if min(early) > max(late) else ""
