"""Compare what the steps of two runs depend on: settings, inputs, versions of programs, the machine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from radstudy.differences.finished import FinishedRun
from radstudy.protocol.leaves import leaves

NOT_SET = "not set"
_ALGORITHM = "algorithm "
_AFTER_STEPS = "report"  # its settings and inputs change no result


@dataclass(frozen=True)
class SettingChange:
    """A setting that differs.

    Parameters
    ----------
    step : the first step that it belongs to.
    name : path in the step's record, such as model.select.collinear.above.
    before, after : values in the two runs; `NOT_SET` if only the other has it.
    """

    step: str
    name: str
    before: Any
    after: Any


@dataclass(frozen=True)
class InputChange:
    """Inputs of a step that differ: files that only one of the runs has read, or whose content differs."""

    step: str
    only_before: tuple[str, ...]
    only_after: tuple[str, ...]
    changed: tuple[str, ...]


@dataclass(frozen=True)
class VersionChange:
    """A program or library, or a property of the machine, that differs for some step."""

    name: str
    before: str
    after: str
    steps: tuple[str, ...]


def setting_changes(before: FinishedRun, after: FinishedRun) -> list[SettingChange]:
    """Compare the settings of every step that both runs have finished.

    A setting that a later step takes over under a similar name (``bin_width`` and ``binWidth``) is named once.
    """
    changes: list[SettingChange] = []
    seen: set[tuple[str, str, str]] = set()
    for step in _both(before, after):
        old, new = (dict(leaves(run.steps[step].get("settings") or {})) for run in (before, after))
        for name in dict.fromkeys([*old, *new]):
            pair = old.get(name, NOT_SET), new.get(name, NOT_SET)
            same = (_plain(name), repr(pair[0]), repr(pair[1]))
            if pair[0] != pair[1] and same not in seen:
                seen.add(same)
                changes.append(SettingChange(step, name, *pair))
    return changes


def input_changes(before: FinishedRun, after: FinishedRun) -> list[InputChange]:
    """Compare the files that the steps have read; the results of earlier steps, which they also read, are left out."""
    changes = []
    for step in _both(before, after):
        old, new = (_files(run.steps[step]) for run in (before, after))
        change = InputChange(
            step, tuple(sorted(set(old) - set(new))), tuple(sorted(set(new) - set(old))),
            tuple(sorted(name for name in set(old) & set(new) if old[name] != new[name])),
        )  # fmt: skip
        if change.only_before or change.only_after or change.changed:
            changes.append(change)
    return changes


def version_changes(before: FinishedRun, after: FinishedRun) -> list[VersionChange]:
    """Compare the versions of programs and the machines that the results of the steps were computed with."""
    steps: dict[tuple[str, str, str], list[str]] = {}
    for step in _both(before, after):
        old, new = (_versions_of(run.steps[step]) for run in (before, after))
        for name in _compared(old, new):
            pair = str(old.get(name, "not recorded")), str(new.get(name, "not recorded"))
            if pair[0] != pair[1]:
                steps.setdefault((name, *pair), []).append(step)
    return [VersionChange(*change, tuple(own)) for change, own in steps.items()]


def _compared(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The names to compare; algorithms only if both runs recorded them, which earlier versions did not."""
    names = dict.fromkeys([*old, *new])
    both = all(any(name.startswith(_ALGORITHM) for name in one) for one in (old, new))
    return [name for name in names if both or not name.startswith(_ALGORITHM)]


def _versions_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """Programs, libraries, properties of the machine and algorithms of a step, each with its version."""
    algorithms = {f"{_ALGORITHM}{name}": version for name, version in (record.get("algorithms") or {}).items()}
    return {**record.get("versions", {}), **record.get("machine", {}), **algorithms}


def _both(before: FinishedRun, after: FinishedRun) -> list[str]:
    return [step for step in before.steps if step in after.steps and step != _AFTER_STEPS]


def _files(record: Mapping[str, Any]) -> dict[str, str]:
    """The input files of a step with their hashes; an input named like a step is that step's result."""
    inputs = record.get("inputs") or {}
    steps = ("cohort", "prepare", "extract", "agree", "model", "evaluate", "rows", "cases", "notes", "shuffled")
    return {name: str(content) for name, content in inputs.items() if name not in steps}


def _plain(name: str) -> str:
    return name.rpartition(".")[2].replace("_", "").lower()
