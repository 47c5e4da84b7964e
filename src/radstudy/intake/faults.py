"""What a fault in one object or series is called, where the program did not expect it: the others go on.

Only the kind of the error and its place in the program are told: its text may quote what the header says of a patient.
"""

from __future__ import annotations

import traceback
from pathlib import Path

NOT_EXPECTED = "the program cannot handle it"
REMEDY = "report this line to the makers of radstudy; the other series are imported"


def unexpected(error: Exception) -> str:
    """The kind of an error, and the last line of this program that it passed.

    Examples
    --------
    >>> unexpected(TypeError("MUSTERMANN"))
    'the program cannot handle it (TypeError)'
    """
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "radstudy" in Path(frame.filename).parts] or frames
    place = f" in {Path(own[-1].filename).name}, line {own[-1].lineno}" if own else ""
    return f"{NOT_EXPECTED} ({type(error).__name__}{place})"
