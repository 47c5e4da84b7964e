"""Another program, run to its end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence


def said_by(command: Sequence[str], patience_s: float) -> str:
    """Run a program to its end, and end it with all its processes if it takes too long.

    Parameters
    ----------
    command : the program and its arguments.
    patience_s : seconds that it may take.

    Returns
    -------
    The text that it wrote to its standard error, or the reason why it did not start or end.
    """
    try:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                   text=True, errors="replace", start_new_session=True)  # fmt: skip
    except OSError as error:
        return str(error)
    try:
        return process.communicate(timeout=patience_s)[1]
    except subprocess.TimeoutExpired:
        if sys.platform == "win32":
            subprocess.run(["taskkill", "/F", "/T", "/PID", str(process.pid)], capture_output=True, check=False)
        else:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return f"it did not end within {patience_s:g} s"
