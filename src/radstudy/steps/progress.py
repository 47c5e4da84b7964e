"""What long rows of repeats say of themselves now and then."""

from __future__ import annotations

import math
import time

from radstudy.steps.run import Run

_EVERY_S = 20.0


class Progress:
    """Says every 20 s how far the repeats are.

    Parameters
    ----------
    run : the run.
    what : what is being done.
    unit : what is counted.
    """

    def __init__(self, run: Run, what: str, unit: str) -> None:
        self._run, self._what, self._unit, self._last = run, what, unit, time.monotonic()

    def __call__(self, done: int, total: int, left_s: float) -> None:
        """Called after every chunk; see `radstudy.modelling.chunks.in_chunks`."""
        if time.monotonic() - self._last >= _EVERY_S and done < total:
            self._last = time.monotonic()
            left = "" if math.isnan(left_s) else f", about {left_s:.0f} s left"  # not known before the first is done
            self._run.say(f"{self._what}: {done} of {total} {self._unit}{left}")
