"""What a fault in one object or series is called, where the program did not expect it: the others go on.

Only the kind of the error and its place in the program are told, and in the log its traceback: its text may quote what
the header says of a patient.
"""

from __future__ import annotations

import traceback
from pathlib import Path

from radstudy.bugs import hiding, note

NOT_EXPECTED = "the program cannot handle it"
REMEDY = "report this line to the makers of radstudy; the other series are imported"


def unexpected(error: Exception) -> str:
    """The kind of an error, the last line of this program that it passed, and the identifier of its traceback.

    Examples
    --------
    >>> unexpected(TypeError("MUSTERMANN"))
    'the program cannot handle it (TypeError; bug-13f0)'
    """
    with hiding(lambda: None):
        bug = note(error, "import")
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "radstudy" in Path(frame.filename).parts] or frames
    place = f" in {Path(own[-1].filename).name}, line {own[-1].lineno}" if own else ""
    return f"{NOT_EXPECTED} ({type(error).__name__}{place}; {bug.id})"
