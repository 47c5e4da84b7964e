"""Detection of subtractions among the phases of a dynamic scan by their pixels, if no name or ImageType shows it.

In a subtraction, tissue that does not enhance is near zero or negative. Three slices of each phase are compared. The
scan goes to review if a volume has a dark background and far more voxels at or below zero than the phase with the
fewest, or if its background is near zero while that of another phase is not.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from radstudy.errors import CaseError
from radstudy.formats.dicom_series import read_slice
from radstudy.intake.decision import REVIEW, ROLE, Decision, series_shown
from radstudy.intake.series import Stack
from radstudy.intake.sources import Source

_FRACTIONS = (0.25, 0.5, 0.75)  # positions of the slices that are compared
_PIXELS = 96  # number of pixels compared along the longer side
_MORE_AT_ZERO = 0.15  # fraction of the voxels; real phases of one scan differ by less than 0.01
_DARK = 0.35  # of the brightest background: the noise that remains in a subtraction
_NEAR = 0.1  # of the bright tissue: how far below zero a subtraction's background may be
_NEARLY_ALL = 0.9  # of the voxels
_DARKER = 0.05  # the same, if the count of zeros does not confirm it
_SEEN = 0.02  # of the bright tissue: a darker background is not informative


def without_subtractions(decisions: Sequence[Decision], source: Source) -> list[Decision]:
    """Send the dynamic scan of an examination to review if the pixels of a phase look like a subtraction.

    Parameters
    ----------
    decisions : decisions on one examination.
    source : holds the slices; one that cannot be read is reported later, when its volume is written.
    """
    phases = [d for d in decisions if d.kind == "DCE" and d.status == ROLE and d.stack.grid is not None]
    suspects = _subtractions(phases, source)
    if not suspects:
        return list(decisions)
    reason = (
        f"{', '.join(d.role for d in suspects)} ({series_shown(suspects)}) may be subtractions: far more of their "
        "voxels are zero or negative, or their background is far darker, than in the other phases"
    )
    return [replace(d, status=REVIEW, role="", reason=reason) if d in phases else d for d in decisions]


def _subtractions(phases: Sequence[Decision], source: Source) -> list[Decision]:
    if len(phases) < 2:
        return []
    try:
        slices = [_slices(phase.stack, source) for phase in phases]
    except (CaseError, OSError):
        return []
    if len({values.shape for values in slices}) > 1:
        return []
    at_zero = np.array([np.mean(values <= 0) for values in slices])
    dark = np.array([float(np.median(values[_background(slices)])) for values in slices])
    bright = np.percentile(_usual(slices), 95)
    not_below = dark >= -_NEAR * bright
    near_zero = not_below & (dark <= max(_DARK * dark.max(), 0.0))
    suspect = (at_zero > at_zero.min() + _MORE_AT_ZERO) & (near_zero | (at_zero > _NEARLY_ALL))
    if dark.max() > _SEEN * bright:
        suspect |= not_below & (dark < _DARKER * dark.max())
    return [phase for phase, is_one in zip(phases, suspect, strict=True) if is_one]


def _slices(stack: Stack, source: Source) -> NDArray[np.float64]:
    """Read rescaled values (3, I, J) of three slices of a volume, subsampled to save memory."""
    order: Sequence[int] = stack.grid.order if stack.grid is not None else ()
    places = [order[int(fraction * (len(order) - 1))] for fraction in _FRACTIONS]
    step = max(1, max(stack.facts.rows, stack.facts.columns) // _PIXELS)
    return np.stack([read_slice(stack.frames[place], source.open)[::step, ::step].copy() for place in places])


def _usual(slices: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The third quartile of the phases at each voxel, which a minority of subtractions does not change."""
    return np.asarray(np.quantile(np.stack(slices), 0.75, axis=0))


def _background(slices: Sequence[NDArray[np.float64]]) -> NDArray[np.bool_]:
    usual = _usual(slices)
    return np.asarray(usual <= np.quantile(usual, 0.25))
