"""A batch from files to a table: resumable, one bad case never stops it, nothing of another program is replaced."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from radstudy.algorithms import algorithm_key
from radstudy.batch.cases import BatchCase
from radstudy.batch.many import CaseFailure, features_of, require_free_columns
from radstudy.batch.results import ResultLog
from radstudy.batch.table import BatchTable
from radstudy.batch.written import write_failures, write_features
from radstudy.bugs import LOG, logged_in, write
from radstudy.errors import CaseError, UsageError
from radstudy.features.given import PixelSizeGiven, Settings, settings_from
from radstudy.features.names import feature_names
from radstudy.features.settings import ExtractionSettings
from radstudy.formats.reading import changed, digests_of, hash_of, recorded
from radstudy.imaging.masks.formats import files_of_mask
from radstudy.owned import FOLDER, is_own, owning, refuse_foreign
from radstudy.parallel import in_order
from radstudy.parallel.guarding import guarded
from radstudy.store import content_hash
from radstudy.working import only_run

SUFFIXES = (".csv", ".parquet")
_LOG_OF_RESULTS = "results.jsonl"
_TRIES = 3
Bar = Callable[[Iterable[Any], int, str], Iterable[Any]]


@dataclass(frozen=True)
class BatchOutcome:
    """Result of a batch: its files and its cases.

    Parameters
    ----------
    out : the table of features.
    failures_file : the table of the cases without features; None if there are none.
    cases, kept : number of cases, and of those whose features an earlier call had computed.
    failures : number and failure of each case without features.
    """

    out: Path
    failures_file: Path | None
    cases: int
    kept: int
    failures: tuple[tuple[int, CaseFailure], ...]


def run_batch(
    table: BatchTable,
    out: Path,
    settings: Settings | None = None,
    *,
    jobs: int | None = None,
    pixel_size_mm: PixelSizeGiven = None,
    say: Callable[[str], None] = lambda _: None,
    bar: Bar = lambda items, _total, _what: items,
) -> BatchOutcome:
    """Extract the cases of a table and write their features, one row per case in the table's order.

    Each result is kept beside the table (``.radstudy/NAME.cases``) under a key of the bytes of its files, the label,
    the settings and the version of the extraction: the same call goes on where it was stopped, and computes again what
    has changed.

    Parameters
    ----------
    table : the cases.
    out : .csv or .parquet. Cases without features have empty cells there, and a row in NAME.failures.csv.
    settings, jobs : as in `radstudy.extract_many`.
    pixel_size_mm : of all images, as in `radstudy.extract`.
    say, bar : for messages and progress.

    Raises
    ------
    UsageError : `out` is not a name of a table, is the table of the cases, or belongs to someone else; another batch is
        writing it; the cases have columns that are called as features.
    StudyFileError : the settings cannot be used.
    StorageError : the disk is full; finished cases are kept.
    """
    check_out(out, table.source)
    chosen = settings_from(settings)
    names = feature_names(chosen)
    require_free_columns(list(table.columns), names)
    failed = failures_file(out)
    refuse_foreign(out, failed)
    folder = out.parent / FOLDER / f"{out.name}.cases"
    with only_run(folder), logged_in(folder / LOG, say=say):
        log = ResultLog(folder / _LOG_OF_RESULTS)
        done = _Done(table, log)
        outcomes = _outcomes(table, _KeyedWork(chosen, names, done.before, pixel_size_mm), jobs, say)
        for number, outcome in enumerate(bar(outcomes, len(table), "extract")):
            done.add(number, outcome)
        with owning(out):
            write_features(out, table, names, done.values)
        if done.failures:
            with owning(failed):
                write_failures(failed, table, done.failures)
        elif is_own(failed):
            failed.unlink()
    return BatchOutcome(out, failed if done.failures else None, len(table), done.kept, tuple(done.failures))


def check_out(out: Path, source: Path | None = None) -> None:
    """Refuse a name for the features that is not a table's, or is that of the cases.

    Raises
    ------
    UsageError : says which.
    """
    if out.suffix.lower() not in SUFFIXES:
        raise UsageError(f"with --batch, --out must end in .csv or .parquet, not '{out.suffix}'")
    if source is not None and out.resolve() == source.resolve():
        raise UsageError(f"--out {out} is the table of the cases: choose another name for the features")


def failures_file(out: Path) -> Path:
    """The table of the cases without features: features.failures.csv beside features.csv or features.parquet."""
    return out.with_name(f"{out.stem}.failures.csv")


@dataclass(frozen=True)
class _Outcome:
    """The key of a case, with its values, or None if they are in the log; or its failure."""

    key: str = ""
    values: list[float] | None = None
    failure: CaseFailure | None = None


class _Done:
    """The cases of this call that are done, their values in the log."""

    def __init__(self, table: BatchTable, log: ResultLog) -> None:
        self.table, self.log, self.before = table, log, log.keys
        self.failures: list[tuple[int, CaseFailure]] = []
        self.kept = 0
        self._keys: list[str] = []

    def add(self, number: int, outcome: _Outcome) -> None:
        self._keys.append(outcome.key)
        if outcome.failure is not None:
            error = outcome.failure.error.located(patient=self.table.patient(number))
            self.failures.append((number, CaseFailure(error)))
        elif outcome.values is None:
            self.kept += 1
        else:
            self.log.add(outcome.key, outcome.values)

    def values(self, number: int) -> Sequence[float] | None:
        key = self._keys[number]
        return self.log.values(key) if key else None


def _outcomes(table: BatchTable, work: _KeyedWork, jobs: int | None, say: Callable[[str], None]) -> Iterable[_Outcome]:
    tasks = (table.case(number) for number in range(len(table)))
    for outcome in in_order(partial(guarded, work), tasks, jobs, shielded=True, say=say):
        result, bugs = (outcome, ()) if isinstance(outcome, CaseError) else outcome
        for bug in bugs:
            write(replace(bug, doing="extract"))
        yield _Outcome(failure=CaseFailure(result)) if isinstance(result, CaseError) else result


@dataclass(frozen=True)
class _KeyedWork:
    """The work on one case: its values and their key; without the values if the key is known."""

    settings: ExtractionSettings
    names: Sequence[str]
    known: frozenset[str]
    pixel_size_mm: PixelSizeGiven = None

    def __call__(self, case: BatchCase | CaseError) -> _Outcome:
        if isinstance(case, CaseError):
            raise case
        for _ in range(_TRIES):
            of_image, of_mask = digests_of(Path(case.image)), digests_of(Path(case.mask), files_of_mask)
            key = self._key(case, hash_of(of_image), hash_of(of_mask))
            if key in self.known:
                return _Outcome(key)
            with recorded() as reading:
                features = features_of(self.settings, case, self.pixel_size_mm).values
            if reading.is_of({**of_mask, **of_image}) and not reading.changed:
                return _Outcome(key, [float(features[name]) for name in self.names])
        raise changed(Path(case.image))

    def _key(self, case: BatchCase, image: str, mask: str) -> str:
        """A hash of the content alone: files that are moved keep their result."""
        return content_hash(
            [algorithm_key("extract"), self.settings.key(), image, mask, case.label, self.pixel_size_mm]
        )
