"""The context of every step: the protocol, the folders of data and results, and the parallel work through cases."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeVar, cast

import pandas as pd

from radstudy.algorithms import algorithm_key, algorithm_versions
from radstudy.artefacts.common import FAILURES
from radstudy.artefacts.records.failure import Failure
from radstudy.bugs import write
from radstudy.cohort.sealed import table_hash
from radstudy.errors import CaseError, TransientError, grouped
from radstudy.features.of_study import settings_of_study
from radstudy.features.settings import ExtractionSettings
from radstudy.formats.reading import changed as changed_file
from radstudy.formats.reading import recorded
from radstudy.journal import record
from radstudy.parallel import results
from radstudy.parallel.guarding import guarded
from radstudy.protocol import STEPS, Protocol
from radstudy.provenance import StepFolder
from radstudy.store import content_hash, file_hash
from radstudy.timing import CaseTime, measured, peak_mib

Task = TypeVar("Task")
Result = TypeVar("Result")
Kept = TypeVar("Kept")


@dataclass(frozen=True)
class Run:
    """One run of one study.

    Parameters
    ----------
    protocol : the study file.
    data : folder that relative paths in the study file start from.
    out : the run's folder.
    jobs : processes for the work on images.
    say : prints one line of progress.
    bar : shows a progress bar over an iterable; passes it through if there is no terminal.
    until : the last step of this run.
    transient : errors of this run that another run may not meet.
    digests : image or mask file to its hash, as the volumes were prepared from them.
    waiting : names of volumes that could not be prepared in this run, for a transient reason.
    written : text of the study file, for the bundle; "" if it is not known.
    prescribed : extraction settings that count instead of the study file's: those of a signature.
    sealed : True if the testing results are sealed (`radstudy.steps.sealing`): the testing rows have no outcome.
    """

    protocol: Protocol
    data: Path
    out: Path
    jobs: int
    say: Callable[[str], None]
    bar: Callable[[Iterable[Any], int, str], Iterable[Any]]
    until: str = STEPS[-1]
    transient: list[TransientError] = field(default_factory=list)
    digests: dict[Path, str] = field(default_factory=dict)
    waiting: set[str] = field(default_factory=set)
    written: str = ""
    prescribed: ExtractionSettings | None = None
    sealed: bool = False

    @cached_property
    def extraction(self) -> ExtractionSettings:
        """The extraction settings, from the study file or from the parameter file that it names, or prescribed; every
        step reads this one object.

        Raises
        ------
        StudyFileError : they cannot be used.
        """
        return self.prescribed or settings_of_study(self.protocol.extract, self.data)

    def folder(self, step: str) -> StepFolder:
        """The folder of one step."""
        return StepFolder(self.out / step)

    def path(self, step: str, *parts: str) -> Path:
        """A file of one step."""
        return (self.out / step).joinpath(*parts)

    def hash_of(self, table: Path) -> str:
        """The hash of a table of the user, as a step that does not read the outcome knows it; see `table_hash`."""
        own = self.protocol.evaluate.sealed and table == self.data / self.protocol.cohort.table
        return table_hash(self.protocol, self.data) if own else file_hash(table)

    @property
    def seal(self) -> dict[str, bool]:
        """The part of the settings of a step that the seal changes; empty if there is none."""
        return {"sealed": True} if self.sealed else {}

    def key_of(self, step: str) -> str:
        """The key under which a step has finished."""
        key = self.folder(step).finished_key()
        if key is None:
            raise AssertionError(f"step {step} has not finished")
        return key

    def tell(self, failures: Iterable[CaseError]) -> None:
        """Print failures, grouped by kind."""
        for line in grouped(failures):
            self.say(line)

    @contextmanager
    def step(
        self, name: str, *, settings: object, inputs: Mapping[str, str], tables: Mapping[Path, str] | None = None
    ) -> Iterator[bool]:
        """Do a step unless it is done: yield True if there is work, then mark the step as finished.

        Parameters
        ----------
        name : of the step.
        settings : its section of the protocol.
        inputs : name to content hash, or to the key of the step that made it.
        tables : the user's tables that the step reads, with their hashes in `inputs`; if it has read other bytes, it is
            not finished by this run.
        """
        key = content_hash({"algorithm": algorithm_key(name), "settings": settings, "inputs": dict(inputs)})
        folder = self.folder(name)
        if folder.is_finished(key):
            changed = folder.changed()
            if not changed:
                self.say(f"{name}: already done")
                yield False
                return
            more = f" and {len(changed) - 1} more" if len(changed) > 1 else ""
            self.say(f"{name}: {changed[0]}{more} is gone, damaged or changed since it was written; done again")
        start, before = time.monotonic(), len(self.transient)
        for file in folder.begin():
            self.say(f"{name}: a file of this step was changed by hand; it is kept as {file}")
        with recorded() as reading:
            yield True
        for file, digest in (tables or {}).items():
            if reading.digests.get(file, digest) != digest:
                self.say(f"{name}: {file} was changed during this run; give the same command again")
                self.transient.append(changed_file(file))
        if lost := self.transient[before:]:  # another key: the step is not done; later steps lack these
            key = content_hash([key, sorted(map(str, lost))])
        seconds = time.monotonic() - start
        algorithms = algorithm_versions(name)
        folder.finish(key, settings=settings, inputs=inputs, seconds=seconds, algorithms=algorithms)
        record("step", step=name, seconds=round(seconds, 3), peak_mib=peak_mib())
        self.say(f"{name}: done in {seconds:.1f} s")

    def each(
        self, function: Callable[[Task], Result], tasks: Sequence[Task], description: str
    ) -> list[Result | CaseError]:
        """Apply `function` to every task, on `jobs` processes; an error of one task is returned in its place."""
        return self.each_kept(function, tasks, description, lambda result: result)

    def each_kept(
        self,
        function: Callable[[Task], Result],
        tasks: Sequence[Task],
        description: str,
        kept_of: Callable[[Result], Kept],
    ) -> list[Kept | CaseError]:
        """Apply `function` to every task as `each`, and keep in memory only what `kept_of` makes of a result.

        What many cases leave in this process must be small: it holds all of them until the last has come.
        """
        by_index: dict[int, Kept | CaseError] = {}
        say = lambda line: self.say(f"{description}: {line}")  # noqa: E731

        def note_time(index: int, taken: CaseTime) -> None:
            record(
                "case", doing=description, case=_name_of(tasks[index]), seconds=round(taken.seconds, 4),
                parts={part: round(seconds, 4) for part, seconds in taken.parts.items()}, peak_mib=taken.peak_mib,
            )  # fmt: skip

        outcomes = in_parallel(function, tasks, self.jobs, doing=description, say=say, note_time=note_time)
        for index, result in self.bar(outcomes, len(tasks), description):
            if isinstance(result, TransientError):
                self.transient.append(result)
            by_index[index] = result if isinstance(result, CaseError) else kept_of(result)
        return [by_index[index] for index in range(len(tasks))]


def in_parallel(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    jobs: int,
    *,
    doing: str = "",
    say: Callable[[str], None] = lambda _: None,
    note_time: Callable[[int, CaseTime], None] = lambda _, __: None,
) -> Iterator[tuple[int, Result | CaseError]]:
    """Yield the result of every task with its index, in order of completion; a failed task yields its error.

    A task that crashes its process is such an error, too (`radstudy.parallel`); `say` reports those that are tried
    again. Tracebacks of unexpected errors come back with the results, from any process, and are written here
    (`radstudy.bugs`); `doing` names the work. `note_time` is given each case's time.
    """
    work = partial(measured, partial(guarded, function))
    for index, outcome in results(work, tasks, jobs, shielded=True, say=say):
        if isinstance(outcome, CaseError):
            yield index, outcome
            continue
        taken, (result, bugs) = outcome
        note_time(index, taken)
        for bug in bugs:
            write(replace(bug, doing=doing))
            record("bug", id=bug.id, kind=bug.kind, doing=doing)
        yield index, result


def _name_of(task: object) -> str:
    """The name of a volume's task, or of one that begins with it."""
    first = task[0] if isinstance(task, tuple) and task else task
    return str(getattr(first, "name", ""))


def stacked(parts: Iterable[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """Stack the parts; without any row, return an empty table with these columns.

    A column without any value in one part does not affect the type of the stacked column: the other parts decide it.
    """
    known = [part for part in parts if len(part)]
    if not known:
        return pd.DataFrame(columns=list(columns))
    names = list(dict.fromkeys(name for part in known for name in part.columns))
    whole = pd.concat([part.dropna(axis="columns", how="all") for part in known], ignore_index=True)
    return whole.reindex(columns=names)


def write_failures(path: Path, failures: Sequence[CaseError]) -> None:
    """Write failures.csv; if nothing failed, its header alone."""
    FAILURES.write_file(path, [Failure.of_error(failure).as_json() for failure in failures])


def read_failures(path: Path) -> list[CaseError]:
    """Read a failures.csv."""
    records = cast("list[dict[str, Any]]", FAILURES.read_file(path).to_dict("records"))
    return [Failure.from_json(row).error() for row in records]
