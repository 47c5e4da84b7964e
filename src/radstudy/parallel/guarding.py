"""One bad case never stops a cohort: its error is its result, from whatever process."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from radstudy.bugs import LOG, Bug, collecting, note
from radstudy.errors import CaseError, StorageError, TransientError, unreadable

Task = TypeVar("Task")
Result = TypeVar("Result")


def guarded(function: Callable[[Task], Result], task: Task) -> tuple[Result | CaseError, tuple[Bug, ...]]:
    """The result of one task, or its error, and the bugs that were met on the way.

    Parameters
    ----------
    function : the work on one case.
    task : the case.

    Raises
    ------
    StorageError : the disk is full or closed, which is not the fault of one case.
    """
    with collecting() as bugs:
        result = _result(function, task)
    return result, tuple(bugs)


def _result(function: Callable[[Task], Result], task: Task) -> Result | CaseError:
    """The result of one task, or its error: one bad case never stops a cohort."""
    try:
        return function(task)
    except CaseError as error:
        return error
    except StorageError:  # not the fault of one case: all others would fail as well
        raise
    except MemoryError:
        return TransientError("the case does not fit into memory", "run again with fewer --jobs, or crop the image")
    except OSError as error:  # of the computer or of the share; the error names the file
        return unreadable(error, error.filename or "")
    except Exception as error:  # a bug, or a file broken in an unforeseen way: the others go on
        bug = note(error)
        problem = f"unexpected {type(error).__name__}: {error} ({bug.id})"
        remedy = f"look at the file; if it is sound, report this as a bug, with {LOG}, which holds {bug.id}"
        return CaseError(problem, remedy)
