"""The journal of a run, ``run.jsonl``: what it did and when, one JSON object a line.

It is for `radstudy status --timing` and for programs. It names cases as the run folder's other files do; unlike
``run.log`` it is not made to be sent to others.
"""

from __future__ import annotations

import datetime
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

JOURNAL = "run.jsonl"
_LOGGER = logging.getLogger(__name__)
_LOGGER.propagate = False
_LOGGER.setLevel(logging.INFO)
_MOST_BYTES, _EARLIER = 50_000_000, 3


@contextmanager
def journal_in(file: Path, *, most_bytes: int = _MOST_BYTES) -> Iterator[None]:
    """Write the events of this context to a journal.

    Parameters
    ----------
    file : appended to. When it is full it becomes FILE.1, which becomes FILE.2; three earlier ones are kept.
    most_bytes : the size of a full journal.
    """
    journal = _Journal(file, most_bytes)
    _LOGGER.addHandler(journal)
    try:
        yield
    finally:
        _LOGGER.removeHandler(journal)
        journal.close()


def record(event: str, **facts: Any) -> None:
    """Add an event to the journal; without one, nothing is done.

    Parameters
    ----------
    event : began, said, case, step or ended.
    facts : plain content.
    """
    if _LOGGER.handlers:
        now = datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds")
        _LOGGER.info(json.dumps({"time": now, "event": event, **facts}, ensure_ascii=False))


def events_in(folder: Path) -> Iterator[dict[str, Any]]:
    """The events of a run's journals, the oldest first; a line that was cut off is left out.

    Parameters
    ----------
    folder : of the run.
    """
    for file in [folder / f"{JOURNAL}.{number}" for number in range(_EARLIER, 0, -1)] + [folder / JOURNAL]:
        with suppress(FileNotFoundError), file.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                with suppress(ValueError):
                    event = json.loads(line)
                    if isinstance(event, dict):
                        yield event


class _Journal(RotatingFileHandler):
    """A failure to write it never ends the work, which reports a full disk by itself."""

    def __init__(self, file: Path, most_bytes: int) -> None:
        super().__init__(file, maxBytes=most_bytes, backupCount=_EARLIER, encoding="utf-8", delay=True)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 (logging's name)
        """Go on."""
