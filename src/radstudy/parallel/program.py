"""Another program: run to its end, or started so that it outlives this one."""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, BinaryIO


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


def beside(command: Sequence[str]) -> None:
    """Start a program that works beside this one, says nothing, and ends with it at the latest.

    Parameters
    ----------
    command : the program and its arguments. If it cannot be started, nothing is done.
    """
    quiet = subprocess.DEVNULL
    try:
        process = subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet)
    except OSError:
        return

    def end() -> None:
        process.kill()
        process.wait()

    atexit.register(end)


def detached(command: Sequence[str], output: BinaryIO, more: Mapping[str, str]) -> int:
    """Start a program that outlives this one, in a session of its own.

    Parameters
    ----------
    command : the program and its arguments.
    output : file that takes what it prints, to both streams.
    more : further environment variables.

    Returns
    -------
    Its process id.

    Raises
    ------
    OSError : it cannot be started.
    """
    own: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        own = {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.DETACHED_PROCESS}
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                               env={**os.environ, **more}, **own)  # fmt: skip
    threading.Thread(target=process.wait, daemon=True).start()  # takes its exit, so that no zombie looks alive
    return process.pid


def end_program(pid: int) -> None:
    """End a program that `detached` started, with all its processes, at once.

    Parameters
    ----------
    pid : its process id.
    """
    if sys.platform == "win32":
        subprocess.run(["taskkill", "/F", "/T", "/PID", str(pid)], capture_output=True, check=False)
    else:
        with suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)


def terminate_program(pid: int) -> None:
    """Ask a program that `detached` started to end in good order; on Windows there is no such way, and it ends at once.

    Parameters
    ----------
    pid : its process id.
    """
    if sys.platform == "win32":
        end_program(pid)
        return
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)


def is_running(pid: int) -> bool:
    """True if a process of this id exists on this computer.

    Parameters
    ----------
    pid : process id.
    """
    if sys.platform == "win32":
        listed = subprocess.run(
            ["tasklist", "/FI", f"PID eq {pid}", "/NH"], capture_output=True, text=True, check=False
        )
        return str(pid) in listed.stdout
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
