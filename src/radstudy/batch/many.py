"""Features of any number of lesions, in order, on several processes, with few cases in memory at a time."""

from __future__ import annotations

import re
import warnings
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from radstudy.batch.cases import BatchCase, Row, case_of, portable, rows_of
from radstudy.bugs import write
from radstudy.errors import CaseError, DataError, UsageError, grouped
from radstudy.features.extract import LesionFeatures, lesion_features
from radstudy.features.given import PixelSizeGiven, Settings, settings_from
from radstudy.features.names import feature_names
from radstudy.features.settings import ExtractionSettings
from radstudy.parallel import in_order
from radstudy.parallel.guarding import guarded

if TYPE_CHECKING:
    import pandas as pd

FAILURE = "failure"  # the column of `extract_table` that says why a row has no features
_UNEXPECTED = re.compile(r"unexpected (\w+)")
OnFailure = Literal["nan", "raise"]


@dataclass(frozen=True, eq=False)
class CaseFailure:
    """The reason why a case has no features.

    Parameters
    ----------
    error : with the problem, the remedy and the file; it can be raised.
    """

    error: CaseError

    @property
    def error_type(self) -> str:
        """Name of the error's type, such as CaseError; of an error that nobody foresaw, its own."""
        met = _UNEXPECTED.match(self.error.problem)
        return met[1] if met else type(self.error).__name__

    @property
    def message(self) -> str:
        """The whole message: place, problem and remedy."""
        return str(self.error)

    @property
    def problem(self) -> str:
        """The problem, with the value seen."""
        return self.error.problem

    @property
    def remedy(self) -> str:
        """The remedy: what the user can do about it."""
        return self.error.remedy


@dataclass(frozen=True, eq=False)
class CaseResult(Mapping[str, float]):
    """The features of one case, by name; or the reason why it has none.

    Parameters
    ----------
    number : of the case, counted from 0.
    case : the row as it was given.
    features : PyRadiomics' names to values, in its order, as `radstudy.extract` returns them; {} if it failed.
    missing : name to reason, for every feature that is NaN.
    failure : None if it has features.

    Examples
    --------
    >>> result = CaseResult(0, ("image.nii", "mask.nii"), failure=CaseFailure(CaseError("the mask is empty")))
    >>> bool(result.failure), len(result), result.failure.error_type
    (True, 0, 'CaseError')
    """

    number: int
    case: Row
    features: dict[str, float] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)
    failure: CaseFailure | None = None

    def __getitem__(self, name: str) -> float:
        if self.failure is not None:
            raise self.failure.error
        return self.features[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.features)

    def __len__(self) -> int:
        return len(self.features)

    @property
    def ok(self) -> bool:
        """True if it has features."""
        return self.failure is None


def extract_many(
    cases: pd.DataFrame | Iterable[Row], settings: Settings | None = None, *, jobs: int | None = None
) -> Iterator[CaseResult]:
    """Compute the features of many lesions, one result per case in the order of the cases.

    A bad case never ends the work: its result says what is wrong. Cases are drawn when they are due, so `cases` may be
    a generator of any length. A process that dies costs one case, which is tried once more, alone.

    Parameters
    ----------
    cases : a DataFrame with the columns image, mask and (optional) label; or rows: dictionaries with these keys, or
        tuples (image, mask) or (image, mask, label). Image and mask are whatever `radstudy.extract` takes.
    settings : as in `radstudy.extract`.
    jobs : processes; None: one per core, 1: this process does the work.

    Yields
    ------
    A `CaseResult`: a mapping of names to values, with `failure` where there are none.

    Raises
    ------
    StudyFileError : the settings cannot be used.
    UsageError : the DataFrame lacks a column; `jobs` is below 1.
    """
    chosen = settings_from(settings)
    if jobs is not None and jobs < 1:
        raise UsageError(f"jobs is {jobs}; give at least 1, or None for one process per core")
    return _many(rows_of(cases), chosen, jobs)


def extract_table(
    cases: pd.DataFrame | Iterable[Row],
    settings: Settings | None = None,
    *,
    jobs: int | None = None,
    on_failure: OnFailure = "nan",
) -> pd.DataFrame:
    """Compute the features of many lesions as a table: the columns of the cases first, then the features.

    Parameters
    ----------
    cases, settings, jobs : as in `extract_many`. A DataFrame's index is kept.
    on_failure : "nan": a case that fails has NaN in all features and its reason in the column failure, and a warning
        tells of it; "raise": its error ends the work.

    Raises
    ------
    CaseError : a case failed, with `on_failure="raise"`.
    UsageError : a column of the cases is called failure or as a feature; and as `extract_many`.
    """
    import pandas as pd

    if on_failure not in ("nan", "raise"):
        raise UsageError(f"unknown on_failure '{on_failure}'; choose from nan, raise")
    chosen = settings_from(settings)
    names = feature_names(chosen)
    index = cases.index if isinstance(cases, pd.DataFrame) else None
    rows: list[dict[str, Any]] = []
    values: list[list[float]] = []
    failures: list[CaseResult] = []
    for result in extract_many(cases, chosen, jobs=jobs):
        if result.failure is not None and on_failure == "raise":
            raise result.failure.error
        failures += [result] if result.failure is not None else []
        rows.append(_shown(result.case))
        values.append([result.features.get(name, float("nan")) for name in names])
    given = pd.DataFrame(rows, index=index) if index is None else cases
    assert isinstance(given, pd.DataFrame)
    require_free_columns([str(name) for name in given.columns], [FAILURE, *names])
    messages = {result.number: result.failure.message for result in failures if result.failure is not None}
    reasons = pd.Series([messages.get(number) for number in range(len(rows))], given.index, dtype=object, name=FAILURE)
    warn_of(failures, len(rows))
    return pd.concat([given, reasons, pd.DataFrame(values, given.index, names, dtype=float)], axis="columns")


def require_free_columns(given: list[str], own: list[str]) -> None:
    """Refuse columns of the cases that are called as ours.

    Raises
    ------
    UsageError : names them.
    """
    if taken := sorted(set(given) & set(own)):
        more = f" and {len(taken) - 3} more" if len(taken) > 3 else ""
        raise UsageError(
            f"the cases already have columns called {', '.join(taken[:3])}{more}, as the results have: rename or "
            "remove them"
        )


def warn_of(failures: list[CaseResult], total: int) -> None:
    """Warn once of cases without features, with their reasons."""
    errors = [f.failure.error.located(patient=f"row {f.number}") for f in failures if f.failure is not None]
    if errors:
        lines = "\n  ".join(grouped(errors)).replace("Patient row ", "row ")
        warnings.warn(f"{len(errors)} of {total} cases have no features:\n  {lines}", stacklevel=3)


def _shown(row: Row) -> dict[str, Any]:
    if isinstance(row, Mapping):
        return {str(name): value for name, value in row.items()}
    return dict(zip(("image", "mask", "label"), row, strict=False)) if isinstance(row, tuple | list) else {"case": row}


def _many(rows: Iterator[Row], settings: ExtractionSettings, jobs: int | None) -> Iterator[CaseResult]:
    waiting: deque[Row] = deque()  # the rows that have no result yet

    def tasks() -> Iterator[BatchCase | CaseError]:
        for row in rows:
            waiting.append(row)
            yield _task(row)

    work = partial(guarded, partial(features_of, settings))
    for number, outcome in enumerate(in_order(work, tasks(), jobs, shielded=True)):
        result, bugs = (outcome, ()) if isinstance(outcome, CaseError) else outcome
        for bug in bugs:
            write(replace(bug, doing="extract"))
        row = waiting.popleft()
        if isinstance(result, CaseError):
            yield CaseResult(number, row, failure=CaseFailure(result))
        else:
            yield CaseResult(number, row, result.values, result.missing)


def _task(row: Row) -> BatchCase | CaseError:
    """The case of a row as any process takes it, or what is wrong with the row."""
    try:
        case = case_of(row)
        return BatchCase(portable(case.image), portable(case.mask), case.label)
    except CaseError as error:
        return error
    except Exception as error:  # of another library's object: the other cases go on
        return CaseError(f"unexpected {type(error).__name__}: {error}", "look at the image and the mask of this row")


def features_of(
    settings: ExtractionSettings, case: BatchCase | CaseError, pixel_size_mm: PixelSizeGiven = None
) -> LesionFeatures:
    """Compute the features of one case.

    Parameters
    ----------
    settings : of the extraction.
    case : the case; or the error of its row, which is raised.
    pixel_size_mm : as in `radstudy.extract`.

    Raises
    ------
    CaseError : it has none.
    """
    if isinstance(case, CaseError):
        raise case
    try:
        return lesion_features(case.image, case.mask, settings, label=case.label, pixel_size_mm=pixel_size_mm)
    except UsageError as error:  # of this row alone, such as an array without a place
        raise CaseError(str(error), "correct this row") from error
    except DataError as error:
        raise error if isinstance(error, CaseError) else CaseError(str(error)) from error
