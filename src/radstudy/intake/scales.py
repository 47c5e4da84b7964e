"""Whether volumes that are used together (b-values, phases, slices of one volume) have values on one scale.

Philips scales each series to its own range, so the rescaled values of b = 0 and b = 800 cannot be divided by each
other. Where the scales differ, all values are put on the scale of the first of the volumes; where they are one, nothing
changes; where the header does not tell, a reader decides.
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
class Scale:
    """What becomes of one volume's values.

    Parameters
    ----------
    scale : the `Frame.scale` that they are put on; None where they stay as they are.
    of : the role of the volume whose scale that is.
    doubt : why a reader has to decide; "" where not.
    """

    scale: float | None = None
    of: str = ""
    doubt: str = ""


def common_scales(decisions: Sequence[Decision]) -> list[Scale]:
    """The scale of each volume: one for all b-values, one for all phases, and one for the slices of any other volume.

    Parameters
    ----------
    decisions : of one patient, a reader's answers among them.
    """
    groups: dict[object, list[int]] = defaultdict(list)
    for number, decision in enumerate(decisions):
        if decision.status not in (ROLE, REVIEW) or decision.stack.grid is None:
            continue
        found = _TOGETHER.fullmatch(decision.role) if decision.status == ROLE else None
        groups[found[1].upper() if found else number].append(number)
    scales = [Scale()] * len(decisions)
    for numbers in groups.values():
        numbers.sort(key=lambda number: _rank(decisions[number]))
        scale = _scale_of([decisions[number] for number in numbers])
        for number in numbers:
            scales[number] = scale
    return scales


def _rank(decision: Decision) -> tuple[float, list[int]]:
    b_value = decision.stack.b_value
    return -1.0 if b_value is None else b_value, [int(digits) for digits in re.findall(r"\d+", decision.role)]


def _scale_of(together: Sequence[Decision]) -> Scale:
    frames = [frame for decision in together for frame in decision.stack.frames]
    known = [frame.scale for frame in frames if frame.scale]
    shown = ", ".join(decision.role or "this volume" for decision in together)
    if not known:
        slopes = {frame.slope or 1.0 for frame in frames}
        philips = any("PHILIPS" in frame.facts.manufacturer.upper() for frame in frames)
        if not philips or max(slopes) <= min(slopes) * (1 + _SAME):
            return Scale()
        return Scale(
            doubt=f"the rescale slopes of {shown} differ ({min(slopes):g} to {max(slopes):g}), and the header lacks "
            "Philips' scale slope (2005,100E), without which their values cannot be compared: export with private tags"
        )
    if len(known) < len(frames):
        return Scale(doubt=f"not all images of {shown} say on what scale their values are (Philips' scale slope)")
    if max(known) <= min(known) * (1 + _SAME):
        return Scale()
    return Scale(known[0], together[0].role or "its first slice")
