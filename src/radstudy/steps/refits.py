"""Long rows of refits: of which models and by what, how long they will take, where they are kept, what they say."""

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
from radstudy.steps.model import slug
from radstudy.steps.run import Run

IntArray = NDArray[np.int64]

ENGINE, SCIKIT_LEARN = "engine", "scikit-learn"
_EVERY_S = 20.0
_TIMED, _TIMED_S = 8, 15.0  # refits that are timed to estimate the rest: at most so many, and no more after so long


@dataclass(frozen=True)
class Share:
    """Models that are refitted together.

    Parameters
    ----------
    names : the models, in the study file's order.
    by : ENGINE or SCIKIT_LEARN.
    why : why the engine does not; empty where it does.
    folder : of their chunks, below that of a kind of refits.
    most : at most so many repeats of a kind; None: as many as the study file asks for.
    size : numbers of a chunk; None: what the work's own module says.
    """

    names: tuple[str, ...]
    by: str = ENGINE
    why: str = ""
    folder: tuple[str, ...] = ()
    most: int | None = None
    size: int | None = None

    def count(self, wanted: int) -> int:
        """Of `wanted` repeats those that the study file allows."""
        return wanted if self.most is None else min(wanted, self.most)

    def facts(self) -> dict[str, object]:
        """The columns of what was refitted, see `radstudy.artefacts.common.COMPUTED`."""
        return {"computed": True, "by": self.by, "engine_why_not": self.why}


def shares_of(run: Run, names: Sequence[str], slow: Slow) -> list[Share]:
    """Who is refitted with whom: all that the engine knows together, and each other model by itself.

    So a model that is slow, or fails, takes nothing from another.

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
        Share((name,), SCIKIT_LEARN, why, (SCIKIT_LEARN, slug(name)), most, 1) for name, why in others.items()
    ]


def left_out(run: Run, names: Sequence[str], slow: Slow, setting: str, without: str) -> list[dict[str, object]]:
    """One record a model that the study file leaves out, with the reason as its note; says it, too.

    Parameters
    ----------
    run, names, slow : as in `shares_of`.
    setting : its name in the study file, as in "evaluate.chance".
    without : what the models go without, as in "no chance calibration".
    """
    others = {name: why_not(run.protocol, name) for name in names} if slow is False else {}
    others = {name: why for name, why in others.items() if why}
    if others:
        run.say(f"{without} for {', '.join(others)}: the study file says {setting}.slow: false")
    return [
        {"model": name, **_not_computed(why), "note": f"{without}: {why}, and {setting}.slow is false"}
        for name, why in others.items()
    ]


def _not_computed(why: str) -> dict[str, object]:
    return {"computed": False, "by": "", "engine_why_not": why}


def like_of(run: Run, design: Design, names: Sequence[str], share: Share, slow: Slow) -> IntArray | None:
    """Whose patients may be exchanged, see `calibrate`: for the engine's models as if there were no others.

    So what they reach does not depend on whether others are refitted, unless the study file asks for `slow: true`.
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
    shares : all of them.
    fits : model to the number of refits.
    setting : its name in the study file.
    what : is being done.
    """
    slow = {share.names[0]: share for share in shares if share.by == SCIKIT_LEARN and fits[share.names[0]]}
    if not slow:
        return
    seconds = {name: _seconds(engine_of(run, design, [name]), design) for name in slow}
    each = [f"{name} ({share.why}) {seconds[name]:.2g} s x {fits[name]:,} refits" for name, share in slow.items()]
    total = sum(seconds[name] * fits[name] for name in slow if not math.isnan(seconds[name])) / run.jobs
    on = "1 process" if run.jobs == 1 else f"{run.jobs} processes"
    run.say(
        f"{what} by scikit-learn, since the engine does not know every step: about {_duration(total)} on {on}: "
        f"{'; '.join(each)}. What is finished is kept if you stop. To shorten it, write {setting}.slow: 100 (at most "
        "so many repeats) or false (none) in the study file"
    )


def _seconds(engine: Engine, design: Design) -> float:
    """How long one refit takes: the mean over some permuted outcomes, since penalties differ; NaN where one fails.

    The longest of them is left out where there are others: it has compiled what the others use.
    """
    sets = design.places("training"), design.places("testing")
    taken: list[float] = []
    begin = time.monotonic()
    while len(taken) < _TIMED and time.monotonic() - begin < _TIMED_S:
        labels = permuted(design.outcome, engine.patients, sets, seed=engine.protocol.seed, number=len(taken))
        start = time.monotonic()
        try:
            engine.fit(labels, *sets)
        except Exception:  # the refits themselves meet it again, and say so
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
    """Go on where refits by scikit-learn meet an error that nobody has foreseen; the engine's are not excused.

    Parameters
    ----------
    run, share : whose refits.
    without : what the model goes without.
    failed : model to the reason; is added to.
    """
    try:
        yield
    except RadstudyError:  # a full disk, a wrong setting: the user has to hear of it
        raise
    except Exception as error:
        if share.by == ENGINE:
            raise
        bug = note(error, f"refits of {', '.join(share.names)}")
        for name in share.names:
            failed[name] = f"{without}: a refit failed ({type(error).__name__}: {error}; {bug.id} in {LOG})"
            run.say(f"{name}: {failed[name]}")


def failed_records(run: Run, failed: dict[str, str]) -> list[dict[str, object]]:
    """One record a model whose refits failed."""
    return [{"model": name, **_not_computed(why_not(run.protocol, name)), "note": why} for name, why in failed.items()]


def kept_chunks(run: Run, step: str, kind: str, what: str, unit: str, share: Share | None = None) -> Chunks:
    """On how many processes refits run, where in the step's folder they are kept, and how they are told of.

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
        """Called after every chunk; see `radstudy.modelling.refits.chunks.in_chunks`."""
        if time.monotonic() - self._last >= _EVERY_S and done < total:
            self._last = time.monotonic()
            left = "" if math.isnan(left_s) else f", about {_duration(left_s)} left"  # not known before the first
            self._run.say(f"{self._what}: {done} of {total} {self._unit}{left}")
