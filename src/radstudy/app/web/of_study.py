"""Opens the reading room of a study: its lesions, its database with the roster, its images."""

from __future__ import annotations

import logging
from pathlib import Path

from radstudy.app.reading.cases import read_reading_cohort
from radstudy.app.reading.record import StudyRecord
from radstudy.app.reading.roster import roster_of
from radstudy.app.reading.storage import database_file, open_storage
from radstudy.app.web.pages import strings
from radstudy.app.web.preparations import RunRecords, Steps
from radstudy.app.web.room_images import drawing_grid
from radstudy.app.web.server import Behind
from radstudy.app.web.study_room import StudyRoom
from radstudy.app.web.volumes import ServedImages
from radstudy.errors import RadstudyError
from radstudy.protocol import Protocol

_LOG = logging.getLogger(__name__)
READING = ("room", "pages", "worklist", "form", "curve", "arbitration", "arrow", "lead")  # sections of strings.yaml
CACHE = "cache"  # in the reading folder: preparations, and images of practice cases


def behind_of(protocol: Protocol, data: Path, *, run: Path, database: Path | None = None) -> Behind:
    """Open the room, the images and the texts behind the server of a study.

    Parameters
    ----------
    protocol : the study file.
    data : what its relative paths start from.
    run : folder of its results; it need not exist.
    database : folder for the database, where it is not to lie in the reading folder.

    Raises
    ------
    DataError : the study has no images to read, or its database is damaged.
    UsageError : the database is open elsewhere, or would lie on a share.
    """
    reading = protocol.reading
    cohort = read_reading_cohort(protocol, data)
    cache = data / reading.folder / CACHE
    images = ServedImages(
        Steps.of_study(protocol, cache / "preparations"), RunRecords(run, protocol), first=reading.image,
        windows=reading.windows,
    )  # fmt: skip
    storage = open_storage(database_file(data, reading, database), reading)
    try:
        lesions = [lesion.key for lesion in cohort.lesions]
        storage.sync(roster_of(lesions, readers=protocol.cohort.readers, reading=reading, seed=protocol.seed,
                               kept=storage.assignments()))  # fmt: skip
    except BaseException:
        storage.close()
        raise
    record = StudyRecord(protocol, data, storage, cohort, drawing_grid)
    try:
        problems = record.catch_up()
    except (RadstudyError, OSError) as error:  # the room opens all the same: what is closed stays in its database
        problems = [str(error)]
    for problem in problems:
        _LOG.error("radstudy: a closed case is not recorded: %s", problem)
    room = StudyRoom(
        protocol=protocol, storage=storage, cohort=cohort, record=record, viewed=images, cache=cache / "practice"
    )
    return Behind(room, images, strings(*READING))
