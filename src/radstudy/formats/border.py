"""Guard of the readers: what a library raises on a damaged file becomes an error that names the file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from radstudy.errors import CaseError, RadstudyError, unreadable

_TELLING = (RuntimeError, ValueError, OSError, EOFError, KeyError)  # their text explains what is wrong


@contextmanager
def border(file: str | Path, what: str, remedy: str) -> Iterator[None]:
    """Turn any error raised while a file is read into a CaseError that names it; a damaged file can raise anything.

    Parameters
    ----------
    file : the file that is read inside the block.
    what : the kind of file that was expected, such as "an image".
    remedy : what to do if it is not.

    Raises
    ------
    CaseError : the content cannot be read; a TransientError if the disk or share is at fault.
    MemoryError : too little memory, which is not the file's fault.
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
