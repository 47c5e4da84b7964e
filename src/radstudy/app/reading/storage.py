"""Everything that readers do, in one database: the only place where the rules of who may do what and when are kept.

Methods that a reader's request leads to take a `ReaderCase` and the tab that it comes from. They refuse another
reader's case, a tab that does not hold it, a closed case and answers that are locked, each within the change itself.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from radstudy.app.reading.answer_storage import AnswerStorage
from radstudy.app.reading.audit import Clock, utc_now
from radstudy.app.reading.database import NAME, Database
from radstudy.app.reading.drawing_storage import DrawingStorage
from radstudy.app.reading.lead_storage import LeadStorage
from radstudy.app.reading.local_disk import refuse_network_path
from radstudy.protocol.reading import ReadingSection


class Storage(DrawingStorage, AnswerStorage, LeadStorage):
    """The stored state of a study's reading; its methods may be called from several threads.

    Parameters
    ----------
    database : opened; closed by `close`.
    reading : the study's section.
    clock : gives the time, UTC.
    """

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database; nothing is called after that."""
        self._database.close()


def database_file(data: Path, reading: ReadingSection, folder: Path | None = None) -> Path:
    """Path of a study's database.

    Parameters
    ----------
    data : folder of the study file.
    reading : its section.
    folder : on a local disk, where the study's own folder lies on a share; None: the folder of the record.
    """
    return (data / reading.folder if folder is None else folder) / NAME


def open_storage(
    file: Path,
    reading: ReadingSection,
    *,
    clock: Clock = utc_now,
    check_place: Callable[[Path], None] = refuse_network_path,
) -> Storage:
    """Open a study's database.

    Parameters
    ----------
    file : see `database_file`.
    reading, clock : see `Storage`.
    check_place : see `Database`, as what it raises.
    """
    return Storage(Database(file, check_place=check_place), reading, clock=clock)
