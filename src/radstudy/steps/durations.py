"""The times of a run's steps, cases and parts of the work, from its journal; for `radstudy status --timing`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from radstudy.timing import KEPT

_SLOWEST = 5
_REST = "the rest"  # what is not timed apart


@dataclass(frozen=True)
class WorkTimes:
    """The times of one kind of work on cases.

    Parameters
    ----------
    doing : such as "prepare".
    cases : case to its seconds, the slowest first; of each case the last time that it was worked on.
    parts : part of the work to its seconds over all cases, the longest first.
    peak_mib : most memory of a process that did it; None where the system does not tell.
    """

    doing: str
    cases: Mapping[str, float]
    parts: Mapping[str, float]
    peak_mib: float | None


@dataclass(frozen=True)
class Durations:
    """The times of a run.

    Parameters
    ----------
    steps : step to its seconds, and the program's peak memory in MiB, when it was last done.
    work : by kind.
    """

    steps: Mapping[str, tuple[float, float | None]]
    work: Sequence[WorkTimes]

    def as_json(self) -> dict[str, Any]:
        """As `radstudy status --timing --json` prints them."""
        steps = {step: {"seconds": seconds, "peak_mib": peak} for step, (seconds, peak) in self.steps.items()}
        return {"steps": steps, "work": {one.doing: {"cases": dict(one.cases), "parts": dict(one.parts),
                                                     "peak_mib": one.peak_mib} for one in self.work}}  # fmt: skip

    def as_text(self) -> str:
        """As `radstudy status --timing` prints them."""
        if not self.steps and not self.work:
            return "no times: run.jsonl is not there; it is written by each run since version 0.2"
        lines = ["", "step: seconds, the program's memory at its highest until then"]
        lines += [f"  {step:22} {seconds:9.1f} s{_memory(peak)}" for step, (seconds, peak) in self.steps.items()]
        for one in self.work:
            lines += ["", *_lines_of(one)]
        return "\n".join(lines)


def durations_of(events: Iterable[Mapping[str, Any]]) -> Durations:
    """The times of a run.

    A case whose result an earlier run had kept counts with the time of the run that computed it.

    Parameters
    ----------
    events : of its journal, the oldest first (`radstudy.journal.events_in`); what is not as it was written is left out.
    """
    steps: dict[str, tuple[float, float | None]] = {}
    cases: dict[str, dict[str, Mapping[str, Any]]] = {}
    for event in events:
        if not isinstance(event.get("seconds"), int | float):
            continue
        if event.get("event") == "step":
            steps[str(event.get("step"))] = (float(event["seconds"]), _number(event.get("peak_mib")))
        if event.get("event") == "case" and event.get("case"):
            known = cases.setdefault(str(event.get("doing")), {})
            if KEPT not in (event.get("parts") or {}):
                known[str(event["case"])] = event
    return Durations(steps, [_times(doing, known) for doing, known in cases.items() if known])


def _times(doing: str, events: Mapping[str, Mapping[str, Any]]) -> WorkTimes:
    seconds = {case: float(event["seconds"]) for case, event in events.items()}
    parts: dict[str, float] = {}
    for event in events.values():
        for part, taken in (event.get("parts") or {}).items():
            parts[part] = parts.get(part, 0.0) + float(taken)
    parts[_REST] = max(sum(seconds.values()) - sum(parts.values()), 0.0)
    peaks = [peak for event in events.values() if (peak := _number(event.get("peak_mib"))) is not None]
    return WorkTimes(doing, _longest_first(seconds), _longest_first(parts), max(peaks, default=None))


def _lines_of(one: WorkTimes) -> list[str]:
    each = list(one.cases.values())
    lines = [f"{one.doing}: {len(each)} case(s), {sum(each):.1f} s of processes in all, median {median(each):.2f} s"
             f"{_memory(one.peak_mib)}"]  # fmt: skip
    lines += [f"  {case:40} {seconds:9.2f} s" for case, seconds in list(one.cases.items())[:_SLOWEST]]
    if len(each) > _SLOWEST:
        lines[-1] += f"  (the slowest {_SLOWEST})"
    lines += [f"    {part:38} {seconds:9.2f} s" for part, seconds in one.parts.items()]
    return lines


def _longest_first(seconds: Mapping[str, float]) -> dict[str, float]:
    return dict(sorted(seconds.items(), key=lambda item: -item[1]))


def _memory(mib: float | None) -> str:
    return "" if mib is None else f", {mib:.0f} MiB"


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) else None
