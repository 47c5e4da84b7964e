"""The guard at the border of the formats: what a library raises at a damaged file becomes an error that names it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from radstudy.errors import CaseError, RadstudyError, unreadable

_TELLING = (RuntimeError, ValueError, OSError, EOFError, KeyError)  # their words say what is wrong


@contextmanager
def border(file: str | Path, what: str, remedy: str) -> Iterator[None]:
    """Turn what reading a file raises into a CaseError that names it; a damaged file gives any error there is.

    Parameters
    ----------
    file : that is read inside.
    what : it should be, such as "an image".
    remedy : what to do about a file that is not.

    Raises
    ------
    CaseError : the content cannot be read; a TransientError where the disk or share does not give it.
    MemoryError : there is too little memory, which is not the file's fault.
    """
    try:
        yield
    except (RadstudyError, MemoryError):
        raise
    except OSError as error:
        if error.errno is not None:
            raise unreadable(error, file) from error
        raise _refusal(error, file, what, remedy) from error
    except Exception as error:
        raise _refusal(error, file, what, remedy) from error


def _refusal(error: Exception, file: str | Path, what: str, remedy: str) -> CaseError:
    reason = (str(error).strip().splitlines() or [""])[-1]
    kind = type(error).__name__
    told = (reason or kind) if isinstance(error, _TELLING) else f"{kind}{': ' * bool(reason)}{reason}"
    return CaseError(f"the file cannot be read as {what} ({told})", remedy, file=file)
