"""Long rows of refits: of which models, where they are kept, and what they say of themselves now and then."""

from __future__ import annotations

import math
import time

from radstudy.modelling.chunks import Chunks
from radstudy.modelling.engine.plan import why_not
from radstudy.protocol.sections import Chance, Resampling
from radstudy.steps.model import fitted_models
from radstudy.steps.run import Run

_EVERY_S = 20.0


def quick_models(
    run: Run, section: Chance | Resampling, setting: str, without: str
) -> tuple[list[str], dict[str, str]]:
    """The fitted models that are refitted, and the others with the reason why not; says it, too.

    Parameters
    ----------
    run : the run; the step `model` has finished.
    section : whether slow models are refitted.
    setting : its name in the study file, as in "evaluate.chance".
    without : what the slow models go without, as in "no null calibration".
    """
    fitted = list(fitted_models(run))
    slow = {} if section.slow else {name: why for name in fitted if (why := why_not(run.protocol, name))}
    if slow:
        run.say(f"{without} for {', '.join(slow)}: refitting takes long ({setting}.slow: true does it)")
    return [name for name in fitted if name not in slow], {name: f"{without}: {why}" for name, why in slow.items()}


def kept_chunks(run: Run, step: str, kind: str, what: str, unit: str) -> Chunks:
    """On how many processes refits run, where in the step's folder they are kept, and how they are told of.

    Parameters
    ----------
    run, step : whose folder.
    kind : of the refits, the name of their own folder.
    what, unit : see `Progress`.
    """
    return Chunks(run.jobs, run.path(step, kind), run.key_of("model"), Progress(run, what, unit))


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
