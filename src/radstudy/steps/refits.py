"""Long series of refits: the models and what refits them, the time that they take, their files and their progress."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from radstudy.bugs import LOG, note
from radstudy.errors import RadstudyError
from radstudy.modelling.refits.chance import permuted, usable_by
from radstudy.modelling.refits.chunks import Chunks
from radstudy.modelling.refits.engine import Engine
from radstudy.modelling.refits.engine.plan import why_not
from radstudy.protocol.evaluate import Slow
from radstudy.steps.design import Design
from radstudy.steps.model import file_stem
from radstudy.steps.run import Run

IntArray = NDArray[np.int64]

ENGINE, SCIKIT_LEARN = "engine", "scikit-learn"
_EVERY_S = 20.0
_TIMED, _TIMED_S = 8, 15.0  # refits timed to estimate the rest: at most this number, and no more after this time


@dataclass(frozen=True)
class Share:
    """Models that are refitted together.

    Parameters
    ----------
    names : the models, in the study file's order.
    by : ENGINE or SCIKIT_LEARN.
    why : why the engine does not refit them; empty if it does.
    folder : of their chunks, below that of a kind of refits.
    most : the most repeats of a kind; None: as many as the study file sets.
    size : repeats per chunk; None: the default of the work's own module.
    """

    names: tuple[str, ...]
    by: str = ENGINE
    why: str = ""
    folder: tuple[str, ...] = ()
    most: int | None = None
    size: int | None = None

    def count(self, wanted: int) -> int:
        """The number of `wanted` repeats that the study file allows."""
        return wanted if self.most is None else min(wanted, self.most)

    def facts(self) -> dict[str, object]:
        """The columns that describe how the models were refitted, see `radstudy.artefacts.common.COMPUTED`."""
        return {"computed": True, "by": self.by, "engine_why_not": self.why}


def shares_of(run: Run, names: Sequence[str], slow: Slow) -> list[Share]:
    """Group the models for refitting: all that the engine supports together, and each of the others by itself.

    A model that is slow, or fails, thus does not affect another.

    Parameters
    ----------
    run : the run.
    names : fitted models.
    slow : the setting; false leaves the others out.
    """
    others = {name: why for name in names if (why := why_not(run.protocol, name))}
    quick = tuple(name for name in names if name not in others)
    shares = [Share(quick)] if quick else []
    if slow is False:
        return shares
    most = None if slow is None or slow is True else slow
    return shares + [
        Share((name,), SCIKIT_LEARN, why, (SCIKIT_LEARN, file_stem(run, name)), most, 1) for name, why in others.items()
    ]


def left_out(run: Run, names: Sequence[str], slow: Slow, setting: str, without: str) -> list[dict[str, object]]:
    """One record per model that the study file leaves out, with the reason as its note; also print it.

    Parameters
    ----------
    run, names, slow : as in `shares_of`.
    setting : its name in the study file, as in "evaluate.chance".
    without : what the models lack, as in "no chance calibration".
    """
    others = {name: why_not(run.protocol, name) for name in names} if slow is False else {}
    others = {name: why for name, why in others.items() if why}
    if others:
        run.say(f"{without} for {', '.join(others)}: the study file sets {setting}.slow: false")
    return [
        {"model": name, **_not_computed(why), "note": f"{without}: {why}, and {setting}.slow is false"}
        for name, why in others.items()
    ]


def _not_computed(why: str) -> dict[str, object]:
    return {"computed": False, "by": "", "engine_why_not": why}


def like_of(run: Run, design: Design, names: Sequence[str], share: Share, slow: Slow) -> IntArray | None:
    """The patients that may be exchanged, see `calibrate`; for the engine's models as if there were no others.

    Their results thus do not depend on whether others are refitted, unless the study file sets `slow: true`.
    """
    if share.by == ENGINE and slow is not True:
        return None
    return usable_by(engine_of(run, design, names))


def engine_of(run: Run, design: Design, names: Sequence[str]) -> Engine:
    """The engine of some models on the run's design table."""
    return Engine(run.protocol, design.table, {name: design.usable[name] for name in names}, models=names)


def announce(run: Run, design: Design, shares: Sequence[Share], fits: dict[str, int], setting: str, what: str) -> None:
    """Time some refits of each model that scikit-learn refits, and say how long all of them will take.

    Parameters
    ----------
    run, design : the run.
    shares : of the models.
    fits : model to the number of refits.
    setting : its name in the study file.
    what : the work, as in "Resampling".
    """
    slow = {share.names[0]: share for share in shares if share.by == SCIKIT_LEARN and fits[share.names[0]]}
    if not slow:
        return
    seconds = {name: _seconds(engine_of(run, design, [name]), design) for name in slow}
    each = [f"{name} ({share.why}) {seconds[name]:.2g} s x {fits[name]:,} refits" for name, share in slow.items()]
    total = sum(seconds[name] * fits[name] for name in slow if not math.isnan(seconds[name])) / run.jobs
    on = "1 process" if run.jobs == 1 else f"{run.jobs} processes"
    run.say(
        f"{what} by scikit-learn, since the engine does not support every step: about {_duration(total)} on {on}: "
        f"{'; '.join(each)}. What is finished is kept if you stop. To shorten it, write {setting}.slow: 100 (at most "
        "100 repeats) or false (none) in the study file"
    )


def _seconds(engine: Engine, design: Design) -> float:
    """The time of one refit: the mean over some permuted outcomes, since penalties differ; NaN if one fails.

    The longest is left out if there are others: it includes compilation.
    """
    sets = design.places("training"), design.places("testing")
    taken: list[float] = []
    begin = time.monotonic()
    while len(taken) < _TIMED and time.monotonic() - begin < _TIMED_S:
        labels = permuted(design.outcome, engine.patients, sets, seed=engine.protocol.seed, number=len(taken))
        start = time.monotonic()
        try:
            engine.fit(labels, *sets)
        except Exception:  # the refits themselves meet the error again, and report it
            return float("nan")
        taken.append(time.monotonic() - start)
    others = sorted(taken)[:-1] or taken
    return sum(others) / len(others)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


@contextmanager
def surviving(run: Run, share: Share, without: str, failed: dict[str, str]) -> Iterator[None]:
    """Go on if refits by scikit-learn meet an unforeseen error; errors of the engine are raised.

    Parameters
    ----------
    run, share : whose refits.
    without : what the model lacks.
    failed : model to the reason; entries are added.
    """
    try:
        yield
    except RadstudyError:  # a full disk, a wrong setting: the user must be told
        raise
    except Exception as error:
        if share.by == ENGINE:
            raise
        bug = note(error, f"refits of {', '.join(share.names)}")
        for name in share.names:
            failed[name] = f"{without}: a refit failed ({type(error).__name__}: {error}; {bug.id} in {LOG})"
            run.say(f"{name}: {failed[name]}")


def failed_records(run: Run, failed: dict[str, str]) -> list[dict[str, object]]:
    """One record per model whose refits failed."""
    return [{"model": name, **_not_computed(why_not(run.protocol, name)), "note": why} for name, why in failed.items()]


def kept_chunks(run: Run, step: str, kind: str, what: str, unit: str, share: Share | None = None) -> Chunks:
    """The chunks of a series of refits: number of processes, folder within the step's folder, and progress messages.

    Parameters
    ----------
    run, step : whose folder.
    kind : of the refits, the name of their own folder.
    what, unit : see `Progress`.
    share : whose refits; None: the engine's.
    """
    mine = share or Share(())
    told = what if mine.by == ENGINE else f"{what} of {', '.join(mine.names)}"
    folder: Path = run.path(step, kind, *mine.folder)
    return Chunks(run.jobs, folder, run.key_of("model"), Progress(run, told, unit), mine.size)


class Progress:
    """Prints the progress of the repeats every 20 s.

    Parameters
    ----------
    run : the run.
    what : the work, as in "bootstrap".
    unit : the things counted, as in "resamples".
    """

    def __init__(self, run: Run, what: str, unit: str) -> None:
        self._run, self._what, self._unit, self._last = run, what, unit, time.monotonic()

    def __call__(self, done: int, total: int, left_s: float) -> None:
        """Print the progress; called after every chunk, see `radstudy.modelling.refits.chunks.in_chunks`."""
        if time.monotonic() - self._last >= _EVERY_S and done < total:
            self._last = time.monotonic()
            left = "" if math.isnan(left_s) else f", about {_duration(left_s)} left"  # not known before the first
            self._run.say(f"{self._what}: {done} of {total} {self._unit}{left}")
