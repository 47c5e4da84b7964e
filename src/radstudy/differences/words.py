"""Say in words what differs between two runs, and which of the recorded differences can explain it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from radstudy.differences.causes import (
    InputChange,
    SettingChange,
    VersionChange,
    input_changes,
    setting_changes,
    version_changes,
)
from radstudy.differences.finished import FinishedRun
from radstudy.differences.results import (
    AucChange,
    Lesion,
    RowChanges,
    SetChange,
    ValueChanges,
    auc_changes,
    reproducible_changes,
    row_changes,
    selection_changes,
    value_changes,
)

NAMED = 3  # names that a line lists before it counts the others
_MACHINE = {"platform": "the operating system", "processor": "the processor",
            "kernel_target": "the processor type that the kernels are compiled for",
            "kernel_features": "the processor's instructions that the kernels use"}  # fmt: skip
_ORDER = ("cohort", "prepare", "extract", "agree", "model", "evaluate")


@dataclass(frozen=True)
class Differences:
    """Differences between two runs.

    Parameters
    ----------
    before, after : the runs' folders.
    missing : step to the run that has not finished it, "first" or "second".
    stale : steps that were finished before a step that they read was done again, with the run, "first" or "second".
    settings, inputs, versions : what the steps depend on.
    rows, values, reproducible, selections, aucs : their results.
    """

    before: Path
    after: Path
    missing: dict[str, str]
    stale: list[tuple[str, str]]
    settings: list[SettingChange]
    inputs: list[InputChange]
    versions: list[VersionChange]
    rows: RowChanges
    values: list[ValueChanges]
    reproducible: list[SetChange]
    selections: list[SetChange]
    aucs: list[AucChange]

    @property
    def results_differ(self) -> bool:
        """True if patients, features, selections or AUCs differ."""
        rows = self.rows
        of_rows = (rows.lost, rows.gained, rows.moved, rows.outcome, rows.variables)
        return any(map(bool, (*of_rows, self.values, self.reproducible, self.selections, self.aucs)))

    def lines(self) -> list[str]:
        """The differences in words, one line each, under headings."""
        parts = {
            "Steps": [*(f"{step}: only the {'second' if lacks == 'first' else 'first'} run has finished it"
                        for step, lacks in self.missing.items()),
                      *(f"{step}: in the {run} run, older than the results that it reads. To do: finish that run"
                        for run, step in self.stale)],
            "Settings": [_setting(one) for one in self.settings],
            "Files that were read": [_input(one) for one in self.inputs],
            "Versions": [_version(one) for one in self.versions],
            "Patients": _rows(self.rows),
            "Feature values": [_values(one) for one in self.values],
            "Reproducible features": [_sets(one, "reproducible on") for one in self.reproducible],
            "Selected features": [_sets(one, "used by") for one in self.selections],
            "AUC": [_auc(one) for one in self.aucs],
        }  # fmt: skip
        said = [
            line for title, lines in parts.items() if lines for line in (f"{title}:", *(f"  {one}" for one in lines))
        ]
        return [*said, *self._why()]

    def _why(self) -> list[str]:
        """Recorded differences that can explain the results; a sentence if the results are the same."""
        finished = "the steps that both have finished" if self.missing else "both"
        if not self.results_differ:
            return [f"The results are the same: patients, feature values, selections and AUCs of {finished}."]
        causes = [
            *(f"{one.name} ({one.step})" for one in self.settings),
            *(f"the files read by {one.step}" for one in self.inputs),
            *([] if not self.versions else [f"versions ({_few([one.name for one in self.versions])})"]),
        ]
        if causes:
            return [f"What can explain the results: {'; '.join(causes)}."]
        return ["Nothing that the runs record explains the results. To do: repeat one of the runs in a new folder "
                "(--out), and report a bug if its results differ again."]  # fmt: skip

    def document(self) -> dict[str, Any]:
        """The differences as one JSON document."""
        document = asdict(self)
        rows = document["rows"]
        for name in ("lost", "gained", "moved"):
            rows[name] = [{"patient": patient, "lesion": lesion, "said": said}
                          for (patient, lesion), said in rows[name].items()]  # fmt: skip
        rows["outcome"] = [{"patient": patient, "lesion": lesion} for patient, lesion in rows["outcome"]]
        document["aucs"] = [{**one, "before": _or_null(one["before"]), "after": _or_null(one["after"])}
                            for one in document["aucs"]]  # fmt: skip
        return {**document, "before": str(self.before), "after": str(self.after), "results_differ": self.results_differ}


def compare_runs(before: Path, after: Path) -> Differences:
    """Compare two runs.

    Parameters
    ----------
    before, after : folders that ``radstudy run`` wrote.

    Raises
    ------
    UsageError : one of them is no run's folder, or a file of it cannot be read.
    """
    one, other = FinishedRun(before), FinishedRun(after)
    steps = [step for step in dict.fromkeys([*one.steps, *other.steps]) if (step in one.steps) != (step in other.steps)]
    return Differences(
        before, after, {step: "first" if step in other.steps else "second" for step in steps},
        [(which, step) for which, run in (("first", one), ("second", other)) for step in run.stale],
        setting_changes(one, other), input_changes(one, other), version_changes(one, other), row_changes(one, other),
        value_changes(one, other), reproducible_changes(one, other), selection_changes(one, other),
        auc_changes(one, other),
    )  # fmt: skip


def _setting(one: SettingChange) -> str:
    return f"{one.name} ({one.step}): {one.before} -> {one.after}"


def _input(one: InputChange) -> str:
    parts = [(one.changed, "with other content"), (one.only_before, "only in the first run"),
             (one.only_after, "only in the second run")]  # fmt: skip
    return f"{one.step}: " + "; ".join(f"{len(names)} {what} ({_few(names)})" for names, what in parts if names)


def _version(one: VersionChange) -> str:
    name = _MACHINE.get(one.name, one.name)
    main = [step for step in _ORDER if step in one.steps]
    return f"{name}: {one.before} -> {one.after}" + (f" ({', '.join(main)})" if main else "")


def _rows(rows: RowChanges) -> list[str]:
    lines = []
    for lesions, which in ((rows.lost, "first"), (rows.gained, "second")):
        if lesions:
            said = [_lesion(lesion) + (f": {why}" if why else "") for lesion, why in lesions.items()]
            lines.append(f"{len(lesions)} only in the {which} run ({_few(said, between='; ')})")
    if rows.moved:
        said = [f"{_lesion(lesion)}: {a} -> {b}" for lesion, (a, b) in rows.moved.items()]
        lines.append(f"{len(rows.moved)} in another set ({_few(said, between='; ')})")
    if rows.outcome:
        lines.append(f"{len(rows.outcome)} with another outcome ({_few([_lesion(one) for one in rows.outcome])})")
    return [
        *lines,
        *(
            f"{name}: another value in {count} {'row' if count == 1 else 'rows'}"
            for name, count in rows.variables.items()
        ),
    ]


def _lesion(lesion: Lesion) -> str:
    return lesion[0] if lesion[1] in ("", "1") else f"{lesion[0]}, lesion {lesion[1]}"


def _values(one: ValueChanges) -> str:
    parts = []
    if one.changed:
        parts.append(f"{one.changed:,} of {one.values:,} values differ, at most by {one.largest:.2g} of the value "
                     f"({one.feature})")  # fmt: skip
    for names, which in ((one.only_before, "first"), (one.only_after, "second")):
        if names:
            parts.append(f"{len(names):,} features only in the {which} run ({_few(names)})")
    return f"{one.sequence}: " + "; ".join(parts)


def _sets(one: SetChange, verb: str) -> str:
    parts = [f"{verb} {one.of_what}: {one.before:,} -> {one.after:,}"]
    for names, which in ((one.only_before, "first"), (one.only_after, "second")):
        if names:
            parts.append(f"only in the {which} run: {_few(names)}")
    return "; ".join(parts)


def _auc(one: AucChange) -> str:
    if np.isnan(one.before) or np.isnan(one.after):
        which, value = ("second", one.after) if np.isnan(one.before) else ("first", one.before)
        return f"{one.model}, {one.which}: only in the {which} run, {value:.3f}"
    return f"{one.model}, {one.which}: {one.before:.3f} -> {one.after:.3f} ({one.after - one.before:+.3f})"


def _few(names: Sequence[str], between: str = ", ") -> str:
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return between.join(names[:NAMED]) + more


def _or_null(value: float) -> float | None:
    return None if np.isnan(value) else value
