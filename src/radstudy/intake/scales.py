"""A common intensity scale for volumes that are used together (b-values, phases, slices of one volume).

Philips scales each series to its own range, so the rescaled values of b = 0 and b = 800 cannot be divided by each
other. If the scales differ, all values are converted to the scale of the first volume; if they are equal, nothing
changes; if the header does not give them, a reader decides.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from radstudy.intake.decision import REVIEW, ROLE, Decision

_TOGETHER = re.compile(r"(DWI|DCE)(?:_?b?\d+)?", re.IGNORECASE)
_SAME = 1e-4  # relative: slopes are written with six digits


@dataclass(frozen=True)
class ValueScale:
    """The scale of one volume's values.

    Parameters
    ----------
    scale : the `Frame.scale` to which they are converted; None if they are left unchanged.
    reference : the role of the volume that has this scale.
    doubt : why a reader has to decide; "" if not.
    """

    scale: float | None = None
    reference: str = ""
    doubt: str = ""


def common_scales(decisions: Sequence[Decision]) -> list[ValueScale]:
    """Find the scale of each volume: one for all b-values, one for all phases, one for the slices of any other volume.

    Parameters
    ----------
    decisions : decisions on one patient, including a reader's answers.
    """
    groups: dict[object, list[int]] = defaultdict(list)
    for number, decision in enumerate(decisions):
        if decision.status not in (ROLE, REVIEW) or decision.stack.grid is None:
            continue
        match = _TOGETHER.fullmatch(decision.role) if decision.status == ROLE else None
        groups[match[1].upper() if match else number].append(number)
    scales = [ValueScale()] * len(decisions)
    for numbers in groups.values():
        numbers.sort(key=lambda number: _rank(decisions[number]))
        scale = _scale_of([decisions[number] for number in numbers])
        for number in numbers:
            scales[number] = scale
    return scales


def _rank(decision: Decision) -> tuple[float, list[int]]:
    b_value = decision.stack.b_value
    return -1.0 if b_value is None else b_value, [int(digits) for digits in re.findall(r"\d+", decision.role)]


def _scale_of(together: Sequence[Decision]) -> ValueScale:
    frames = [frame for decision in together for frame in decision.stack.frames]
    known = [frame.scale for frame in frames if frame.scale]
    shown = ", ".join(decision.role or "this volume" for decision in together)
    if not known:
        slopes = {frame.slope or 1.0 for frame in frames}
        philips = any("PHILIPS" in frame.facts.manufacturer.upper() for frame in frames)
        if not philips or max(slopes) <= min(slopes) * (1 + _SAME):
            return ValueScale()
        return ValueScale(
            doubt=f"the rescale slopes of {shown} differ ({min(slopes):g} to {max(slopes):g}), and the header lacks "
            "Philips' scale slope (2005,100E), without which their values cannot be compared: export with private tags"
        )
    if len(known) < len(frames):
        return ValueScale(doubt=f"some images of {shown} do not state the scale of their values (Philips' scale slope)")
    if max(known) <= min(known) * (1 + _SAME):
        return ValueScale()
    return ValueScale(known[0], together[0].role or "its first slice")
