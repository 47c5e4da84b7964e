"""A run folder's memory of its testing results: declared, sealed, unsealed, predicted, seen, each with its time.

The record is kept beside the steps: it is no input of any step, so a declaration makes nothing run again.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from typing import Any

from radstudy._version import __version__
from radstudy.artefacts import HISTORY
from radstudy.artefacts.cohort import EXCLUDED, ROWS
from radstudy.artefacts.extract import FEATURES
from radstudy.artefacts.model import PREDICTIONS
from radstudy.protocol import Protocol
from radstudy.provenance import PROVENANCE
from radstudy.store import content_hash, file_hash, read_json, set_aside, storing

_DECLARED = ("model", "against")
_OF_NO_RESULT = {  # parts of the study file that change no testing result
    "schema_": True, "study": True, "preset": True, "defaults": True, "notice": True, "report": True, "validate_": True,
    "reading": True, "evaluate": {"primary", "sealed"},
}  # fmt: skip


def read_history(out: Path, say: Callable[[str], None] = lambda _: None) -> dict[str, Any]:
    """The run's history, for a command that writes it again: a damaged one is set aside.

    Parameters
    ----------
    out : the run's folder.
    say : prints one line if the record was damaged.
    """
    history, error = _recorded(out)
    if error is not None:
        with storing(out):
            aside = set_aside(HISTORY.file(out))
        say(
            f"{HISTORY.path} cannot be read ({type(error).__name__}) and is kept as {aside.name}: if testing rows were "
            "predicted before, a primary model counts as declared after that"
        )
    return history


def history_of(out: Path) -> dict[str, Any]:
    """The run's history, for a command that only reads; of one that is missing or damaged, what the folder tells."""
    return _recorded(out)[0]


def _recorded(out: Path) -> tuple[dict[str, Any], Exception | None]:
    """The history, and why the file of it cannot be read."""
    problem: Exception | None = None
    try:
        history = dict(HISTORY.read(out))
        HISTORY.check(history)
        return _since_now(history), None
    except FileNotFoundError:
        pass
    except (OSError, ValueError, TypeError, AssertionError) as error:
        problem = error
    return _since_now({"testing_first_predicted": _predicted(out), "declarations": []}), problem


def _since_now(history: dict[str, Any]) -> dict[str, Any]:
    """The history with the list of seen results; of an earlier version's folder, it says since when there is one."""
    if "seen" in history:
        return history
    before = history["testing_first_predicted"] is not None
    return {**history, "seen": [], "seen_since_version": __version__ if before else None}


def opened(history: dict[str, Any]) -> bool:
    """True if testing rows have been predicted, or unsealed, in the folder of this history."""
    return history["testing_first_predicted"] is not None or history.get("unsealed") is not None


def is_sealed_in(protocol: Protocol, out: Path) -> bool:
    """True if the study file seals the testing results of a folder, and nothing has opened them there.

    Parameters
    ----------
    protocol : the study file.
    out : the run's folder.
    """
    return protocol.evaluate.sealed and not opened(history_of(out))


def note_declaration(protocol: Protocol, out: Path, say: Callable[[str], None] = lambda _: None) -> None:
    """Add the study's primary model and comparison to the run's history if they differ from the last entry.

    Parameters
    ----------
    protocol : the study file.
    out : the run's folder.
    say : prints one line if the record was damaged.
    """
    history = read_history(out, say)
    primary = protocol.evaluate.primary
    now: dict[str, str | None] = dict.fromkeys(_DECLARED) if primary is None else primary.model_dump()
    entries = history["declarations"]
    last = {name: entries[-1][name] for name in _DECLARED} if entries else dict.fromkeys(_DECLARED)
    if now != last:
        entries.append({"declared": now_utc(), **now, "after_testing": opened(history)})
    if protocol.evaluate.sealed and not opened(history) and history.get("sealed") is None:
        history["sealed"] = now_utc()
    HISTORY.write(out, history)


def note_testing(out: Path) -> None:
    """Record that models are about to be applied to testing rows, unless they have been before.

    Parameters
    ----------
    out : the run's folder.
    """
    history = read_history(out)
    if history["testing_first_predicted"] is None:
        HISTORY.write(out, history | {"testing_first_predicted": now_utc()})


def note_seen(protocol: Protocol, out: Path) -> None:
    """Record the protocol and data under which testing results are shown, unless they have been shown under both.

    Parameters
    ----------
    protocol : the study file.
    out : the run's folder; the step `evaluate` has finished.
    """
    history = read_history(out)
    entry = {**protocol_and_patients(protocol, out), "data": _data(out)}
    if any((one["protocol"], one["data"]) == (entry["protocol"], entry["data"]) for one in history["seen"]):
        return
    protocols = len({entry["protocol"], *(one["protocol"] for one in history["seen"])})
    seen = [*history["seen"], {"time": now_utc(), **entry, "protocols": protocols}]
    HISTORY.write(out, history | {"seen": seen})


def protocol_and_patients(protocol: Protocol, out: Path) -> dict[str, Any]:
    """The settings that can change a testing result, with their hash, the patients of each set, and the exclusions.

    Parameters
    ----------
    protocol : the study file.
    out : the run's folder; the step `cohort` has finished.
    """
    settings = protocol.model_dump(mode="json", by_alias=True, exclude=_OF_NO_RESULT)  # type: ignore[arg-type]
    rows = ROWS.read(out)
    excluded = EXCLUDED.read(out) if EXCLUDED.file(out).is_file() else EXCLUDED.frame([])
    sets = {which: list(dict.fromkeys(rows.loc[rows["set"] == which, "patient"])) for which in ("training", "testing")}
    return {
        "protocol": content_hash(settings),
        "settings": settings,
        **sets,
        "excluded": excluded[EXCLUDED.names].to_dict("records"),
    }


def _data(out: Path) -> str:
    """Hash of the patients, outcomes, sets and feature values that the models saw."""
    return content_hash([file_hash(file) for one in (ROWS, FEATURES) if (file := one.file(out)).is_file()])


def _predicted(out: Path) -> str | None:
    """The time at which a run without a history predicted testing rows; None if it has not."""
    file = PREDICTIONS.file(out)
    if not file.exists() or _of_training_alone(out):
        return None
    try:
        return str(read_json(out / "model" / PROVENANCE)["finished"])
    except (OSError, ValueError, KeyError, TypeError):
        written = datetime.datetime.fromtimestamp(file.stat().st_mtime, datetime.UTC)
        return written.isoformat(timespec="seconds")


def _of_training_alone(out: Path) -> bool:
    """True if the predictions are those of a sealed run; a table that cannot be read counts as one of testing rows."""
    try:
        frame = PREDICTIONS.read(out)
    except (OSError, ValueError):
        return False
    known = {"set", "probability"} <= set(frame) and len(frame) > 0
    return known and bool(frame.loc[frame["set"] == "testing", "probability"].isna().all())


def now_utc() -> str:
    """The time as the history writes it."""
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
