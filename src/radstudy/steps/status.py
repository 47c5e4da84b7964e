"""The state of each step of a run: done, stale, and what failed, from its records; nothing is computed or written."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from radstudy.algorithms import algorithm_versions
from radstudy.cohort.sealed import table_hash
from radstudy.errors import RadstudyError
from radstudy.features.of_study import settings_of_study
from radstudy.protocol import STEPS, Protocol
from radstudy.provenance import PROVENANCE
from radstudy.steps import agree, cohort, evaluate, model, prepare, report
from radstudy.steps.cohort import cases_in
from radstudy.steps.run import read_failures
from radstudy.steps.sealing import seal_state
from radstudy.store import content_hash, plain, read_json
from radstudy.working import WorkingProcess

StepState = Literal["nothing", "done", "stale", "interrupted", "unused"]
_BEFORE = {"extract": "prepare", "agree": "extract", "model": "agree", "evaluate": "model", "report": "evaluate"}


@dataclass(frozen=True)
class StepStatus:
    """One step of a run.

    Parameters
    ----------
    step : its name.
    state : ``interrupted`` if its folder exists and the step has not finished; ``unused``: the study has none.
    reasons : of a stale step: what has changed since.
    finished : time, ISO 8601; "" if it has not.
    seconds : that it took.
    failed : number of cases that could not be used.
    """

    step: str
    state: StepState
    reasons: tuple[str, ...] = ()
    finished: str = ""
    seconds: float = 0.0
    failed: int = 0

    def as_json(self) -> dict[str, Any]:
        """As `radstudy status --json` prints it."""
        return {"step": self.step, "state": self.state, "reasons": list(self.reasons), "finished": self.finished,
                "seconds": self.seconds, "failed": self.failed}  # fmt: skip


def status_of(protocol: Protocol, data: Path, out: Path) -> tuple[StepStatus, ...]:
    """The state of each step, in the order of the flow.

    A step is stale if its settings, the version of an algorithm, the table, or the step before it are other than those
    that it was done with, or if one of its images or masks was written since. `radstudy run` compares the content of
    every file; this looks at their times, so that it is quick.

    Parameters
    ----------
    protocol : the study file.
    data : folder that its paths start from.
    out : folder of the run.
    """
    states: dict[str, StepStatus] = {}
    sealed = seal_state(protocol, data, out).sealed
    for step in STEPS:
        states[step] = _status(step, protocol, data, out, states, sealed=sealed)
    return tuple(states.values())


def _status(
    step: str, protocol: Protocol, data: Path, out: Path, earlier: Mapping[str, StepStatus], *, sealed: bool
) -> StepStatus:
    record = _record(out / step)
    if record is None and step == "prepare" and protocol.features is not None:
        return StepStatus(step, "unused")
    if record is None:
        return StepStatus(step, "interrupted" if (out / step).is_dir() else "nothing", failed=_failed(out / step))
    reasons = [*_changed_settings(step, protocol, data, record, sealed=sealed), *_changed_algorithms(step, record)]
    reasons += _changed_before(step, record, out, earlier)
    if step == "cohort":
        reasons += _changed_table(protocol, data, record)
    if step == "prepare":
        reasons += _newer_files(out, str(record.get("finished", "")))
    return StepStatus(step, "stale" if reasons else "done", tuple(reasons), str(record.get("finished", "")),
                      float(record.get("seconds", 0.0)), _failed(out / step))  # fmt: skip


def _record(folder: Path) -> Mapping[str, Any] | None:
    try:
        record = read_json(folder / PROVENANCE)
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) and isinstance(record.get("key"), str) else None


def _failed(folder: Path) -> int:
    try:
        return len(read_failures(folder / "failures.csv"))
    except (OSError, ValueError, KeyError, RadstudyError):
        return 0


def _settings(step: str, protocol: Protocol, data: Path, *, sealed: bool) -> object:
    """The settings that a step depends on, as the study file has them now."""
    if step in _SEALED and sealed:
        return _SETTINGS[step](protocol) | {"sealed": True}
    if step in ("prepare", "extract") and protocol.features is None:
        extraction = settings_of_study(protocol.extract, data)
        return extraction.as_dict() if step == "extract" else prepare.settings_of(protocol, extraction)
    if step == "extract" and protocol.features is not None:
        return protocol.features.model_dump(mode="json")
    return _SETTINGS[step](protocol)


_SEALED = ("cohort", "model", "evaluate")  # steps whose settings a seal changes
_SETTINGS: Mapping[str, Callable[[Protocol], dict[str, Any]]] = {
    "cohort": cohort.settings_of, "agree": agree.settings_of, "model": model.settings_of,
    "evaluate": evaluate.settings_of, "report": report.settings_of,
}  # fmt: skip


def _changed_settings(
    step: str, protocol: Protocol, data: Path, record: Mapping[str, Any], *, sealed: bool
) -> list[str]:
    before, now = record.get("settings"), plain(_settings(step, protocol, data, sealed=sealed))
    if step == "report":  # the page is made anew by each version; that is no change of the study
        before, now = _without_program(before), _without_program(now)
    return [] if content_hash(before) == content_hash(now) else ["its settings were changed"]


def _without_program(settings: Any) -> dict[str, Any]:
    return {name: value for name, value in dict(settings or {}).items() if name != "program"}


def _changed_algorithms(step: str, record: Mapping[str, Any]) -> list[str]:
    before, now = record.get("algorithms") or {}, algorithm_versions(step)
    names = sorted(name for name in now if name in before and before[name] != now[name])
    return [f"this version of radstudy computes {name} otherwise" for name in names]


def _changed_before(step: str, record: Mapping[str, Any], out: Path, earlier: Mapping[str, StepStatus]) -> list[str]:
    before = _BEFORE.get(step)
    if before is None or before not in earlier:
        return []
    key, noted = (_record(out / before) or {}).get("key"), (record.get("inputs") or {}).get(before)
    if noted is None:  # a study that begins at a feature table has no step prepare
        return []
    if key != noted:
        return [f"the step {before} was done again, or is not done"]
    return [f"the step {before} is stale"] if earlier[before].state == "stale" else []


def _changed_table(protocol: Protocol, data: Path, record: Mapping[str, Any]) -> list[str]:
    table = data / protocol.cohort.table
    try:
        known = table_hash(protocol, data)
    except OSError as error:
        return [f"{table.name} cannot be read ({error.strerror})"]
    return [] if (record.get("inputs") or {}).get("table") == known else [f"{table.name} was changed"]


def _newer_files(out: Path, finished: str) -> list[str]:
    """Images and masks that were written after the step has read them."""
    try:
        until = datetime.datetime.fromisoformat(finished).timestamp() + 1.0  # `finished` is in whole seconds
        files = {file for case in cases_in(out) for file in (case.image, *(mask for _, mask in case.masks))}
    except (OSError, ValueError, KeyError, TypeError):
        return []
    newer = sorted(str(file) for file in files if _written(file) > until)
    more = f", and {len(newer) - 1} more" if len(newer) > 1 else ""
    return [f"{newer[0]} was written since{more}"] if newer else []


def _written(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return float("inf")


_WORDS = {
    "nothing": "not done",
    "done": "done",
    "stale": "stale",
    "interrupted": "not finished",
    "unused": "not needed",
}


def as_text(steps: Sequence[StepStatus], out: Path, worker: WorkingProcess | None) -> str:
    """The steps as `radstudy status` prints them.

    Parameters
    ----------
    steps : of `status_of`.
    out : folder of the run.
    worker : the process that works there now.
    """
    lines = [f"{out}"]
    if worker is not None:
        lines.append(f"a run is working here: process {worker.pid} on {worker.host}, since {worker.started}")
    for step in steps:
        took = f", {step.seconds:.1f} s, {step.finished}" if step.finished else ""
        failed = f"; {step.failed} case(s) could not be used, see {step.step}/failures.csv" if step.failed else ""
        lines.append(f"{step.step:9} {_WORDS[step.state]}{took}{failed}")
        lines += [f"{'':9} because {reason}" for reason in step.reasons]
    waiting = [step.step for step in steps if step.state in ("nothing", "stale", "interrupted")]
    lines.append("everything is done" if not waiting else f"next: radstudy run, which begins with {waiting[0]}")
    return "\n".join(lines)
