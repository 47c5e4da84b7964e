"""Description of an unexpected error in one object or series, after which the others are still imported.

Only the class of the error and its place in the program are shown, with its traceback in the log: its text may quote
what the header says about a patient.
"""

from __future__ import annotations

import traceback
from pathlib import Path

from radstudy.bugs import hiding, note

NOT_EXPECTED = "the program cannot handle it"
REMEDY = "report this line to the authors of radstudy; the other series are imported"


def unexpected(error: Exception) -> str:
    """Describe an error by its class, the last line of this program in its traceback, and the traceback's identifier.

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
