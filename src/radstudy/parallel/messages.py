"""Messages between the program and its worker processes: pickled, so that any function and result can be sent."""

from __future__ import annotations

import pickle
import traceback

from radstudy.bugs import bug_of, with_bug
from radstudy.errors import RadstudyError

BEGAN, READING, RESULT, ERROR = range(4)  # what a worker's message is


def pickled(value: object) -> bytes:
    """Anything that cloudpickle takes: closures and lambdas, too."""
    from loky.backend.reduction import dumps

    return bytes(dumps(value))


def pickled_error(error: Exception) -> bytes:
    """Pickle an error with its traceback, so that the program can raise it again."""
    if not isinstance(error, RadstudyError):
        bug = bug_of(error)
        error = with_bug(error, bug)
        error.add_note("In a separate process:\n" + bug.whole)
    try:
        content = pickled((ERROR, error))
        pickle.loads(content)
    except Exception:  # an error that does not survive pickling
        whole = "".join(traceback.format_exception(error))
        return pickled((ERROR, with_bug(RuntimeError(whole), bug_of(error))))
    return content
