"""The times at which the primary model was declared and testing rows were first predicted, in one run folder.

The record is kept beside the steps: it is no input of any step, so a declaration makes nothing run again.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

from radstudy.artefacts import HISTORY
from radstudy.artefacts.model import PREDICTIONS
from radstudy.protocol import Protocol
from radstudy.provenance import PROVENANCE
from radstudy.store import read_json, set_aside, storing

_DECLARED = ("model", "against")


def note_declaration(protocol: Protocol, out: Path, say: Callable[[str], None] = lambda _: None) -> None:
    """Add the study's primary model and comparison to the run's history if they differ from the last entry.

    Parameters
    ----------
    protocol : the study file.
    out : the run's folder.
    say : prints one line if the record was damaged.
    """
    history = _history(out, say)
    primary = protocol.evaluate.primary
    now: dict[str, str | None] = dict.fromkeys(_DECLARED) if primary is None else primary.model_dump()
    entries = history["declarations"]
    last = {name: entries[-1][name] for name in _DECLARED} if entries else dict.fromkeys(_DECLARED)
    if now != last:
        entries.append({"declared": _now(), **now, "after_testing": history["testing_first_predicted"] is not None})
    HISTORY.write(out, history)


def note_testing(out: Path) -> None:
    """Record that models are about to be applied to testing rows, unless they have been before.

    Parameters
    ----------
    out : the run's folder.
    """
    history = _history(out)
    if history["testing_first_predicted"] is None:
        HISTORY.write(out, history | {"testing_first_predicted": _now()})


def _history(out: Path, say: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """The run's history; a damaged one is set aside, and what can still be known is taken from the folder."""
    file = HISTORY.file(out)
    try:
        history = dict(HISTORY.read(out))
        HISTORY.check(history)
        return history
    except FileNotFoundError:
        pass
    except (OSError, ValueError, TypeError, AssertionError) as error:
        with storing(out):
            aside = set_aside(file)
        say(
            f"{file.name} cannot be read ({type(error).__name__}) and is kept as {aside.name}: if testing rows were "
            "predicted before, a primary model counts as declared after that"
        )
    return {"testing_first_predicted": _predicted(out), "declarations": []}


def _predicted(out: Path) -> str | None:
    """The time at which a run without a history predicted testing rows; None if it has not."""
    file = PREDICTIONS.file(out)
    if not file.exists():
        return None
    try:
        return str(read_json(out / "model" / PROVENANCE)["finished"])
    except (OSError, ValueError, KeyError, TypeError):
        written = datetime.datetime.fromtimestamp(file.stat().st_mtime, datetime.UTC)
        return written.isoformat(timespec="seconds")


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
