"""A worker's own side: it does one task after another, until the program has ended or has nothing more for it."""

from __future__ import annotations

import os
import pickle
import queue
import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

from radstudy.parallel.marks import tell
from radstudy.parallel.messages import BEGAN, READING, RESULT, pickled, pickled_error

IDLE_S = 300.0  # a worker that has had nothing to do for so long ends


class _EndedError(BaseException):
    """This worker must end: its unfinished work, such as a half-written file, is undone on the way."""


def serve(tasks: Any, answers: Any) -> None:
    """Run a worker: do the tasks that it is sent, until the program has ended or has no more tasks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    tell(partial(_answer, answers, READING))
    waiting: queue.SimpleQueue[tuple[bytes, bytes]] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(tasks, waiting), daemon=True).start()
    _answer(answers, BEGAN, None)
    try:
        _work_off(waiting, answers)
    except _EndedError:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTERM)  # so that the program sees how it ended


def _end(*_: object) -> None:
    raise _EndedError


def _work_off(waiting: queue.SimpleQueue[tuple[bytes, bytes]], answers: Any) -> None:
    """Do one task after another until none has come for `IDLE_S`."""
    function: Callable[[Any], Any] = _nothing
    while True:
        content = task = b""  # their memory is free while this process waits
        try:
            content, task = waiting.get(timeout=IDLE_S)
        except queue.Empty:
            return
        try:
            if content:
                function = _nothing  # what was there before must not do the work if this fails
                function = pickle.loads(content)
            answer = pickled((RESULT, function(pickle.loads(task))))
        except Exception as error:
            answer = pickled_error(error)
        answers.send_bytes(answer)


def _nothing(_: object) -> None:
    """The function of a worker that has not been sent one."""


def _listen(tasks: Any, waiting: queue.SimpleQueue[tuple[bytes, bytes]]) -> None:
    """Pass tasks on; if the program has ended, end this process at once, even during a task."""
    with suppress(EOFError, OSError):
        while True:
            waiting.put((tasks.recv_bytes(), tasks.recv_bytes()))
    os._exit(0)


def _answer(answers: Any, kind: int, value: object) -> None:
    """Send a message to the program."""
    answers.send_bytes(pickle.dumps((kind, value)))
