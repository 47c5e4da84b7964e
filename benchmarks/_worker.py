"""A program in a separate process, often in another environment, that does one run at a time on request.

Every timed run is thus of a program that is loaded and has done one run before, and programs take turns.
"""

from __future__ import annotations

import json
import os
import subprocess
from typing import Any

_THREADS = (
    "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS",
    "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS",
)  # fmt: skip

# precedes the program's code, which ends with serve: its first message, and the function that a run calls
_SERVE = """
import json, sys, time
def serve(first, run):
    print(json.dumps(first), flush=True)
    for line in sys.stdin:
        print(json.dumps(run(*line.split())), flush=True)
"""


class Worker:
    """A program that has started and has sent its first message.

    Parameters
    ----------
    python : of the environment that has the program.
    code : the program; it ends with ``serve(first, run)``, `first` and what `run` returns plain content.
    arguments : its ``sys.argv[1:]``.
    threads : that it may use.

    Attributes
    ----------
    first : its first message.
    """

    def __init__(self, python: str, code: str, *arguments: str, threads: int = 1) -> None:
        environment = os.environ | dict.fromkeys(_THREADS, str(threads))
        if threads == 1:
            environment["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
        self._process = subprocess.Popen(
            [python, "-c", _SERVE + code, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            env=environment,
        )  # fmt: skip
        self.first = self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line[:1] in "{0123456789":  # some programs print other things, too
                return json.loads(line)
        raise SystemExit("a program ended; see its message above")

    def run(self, *words: str) -> Any:
        """Do one run with these words; return its result."""
        assert self._process.stdin is not None
        self._process.stdin.write(" ".join(words) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()
