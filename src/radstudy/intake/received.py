"""The objects of one series as they come from a server: only those asked for, none over another, each whole or not."""

from __future__ import annotations

import io
import threading
import warnings
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from radstudy.errors import StorageError
from radstudy.formats.dicom_header import identity_of, read_header
from radstudy.intake.transfer_error import RefusedObjectError
from radstudy.store import write_bytes


class Received:
    """The objects of one series.

    Parameters
    ----------
    folder : that the names are relative to.
    names : SOP instance UID to file name, of every object asked for.
    study, series : UIDs that the objects have to name.

    Attributes
    ----------
    refused : why objects were not kept, and how many.
    full : the error of a disk that is full; from then on nothing is kept.
    """

    def __init__(self, folder: Path, names: Mapping[str, str], study: str, series: str) -> None:
        self.names, self.refused = names, Counter[str]()
        self.full: StorageError | None = None
        self._folder, self._place = folder, (study, series)
        self._lock = threading.Lock()  # a PACS may send over several associations at the same time

    def has(self, uid: str) -> bool:
        """Whether an object is there, from this pull or an earlier one."""
        return (self._folder / self.names[uid]).is_file()

    def missing(self) -> list[str]:
        """The UIDs that have not come yet."""
        return [uid for uid in self.names if not self.has(uid)]

    def keep(self, claimed: str, content: bytes) -> None:
        """Write an object.

        Parameters
        ----------
        claimed : the SOP instance UID by which it was sent; "" where the transfer names none.
        content : a DICOM file.

        Raises
        ------
        RefusedObjectError : it was not asked for, names another series, or differs from what has come under its UID.
        StorageError : the disk is full.
        """
        with self._lock:
            if self.full is not None:
                raise self.full
            uid, problem = self._judged(claimed, content)
            if problem:
                self.refused[problem] += 1
                raise RefusedObjectError(problem, again=False)
            try:
                if not self.has(uid):
                    write_bytes(self._folder / self.names[uid], content, private=True)
            except StorageError as error:  # a server's library may turn it into a status of the transfer
                self.full = error
                raise

    def _judged(self, claimed: str, content: bytes) -> tuple[str, str]:
        """The UID of an object, and why it is not kept; "" where it is."""
        if claimed and claimed not in self.names:
            return claimed, "not asked for"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # pydicom's warnings quote the values that they are about
                header = read_header(io.BytesIO(content))
                uid, named = str(header.get("SOPInstanceUID", "") or ""), identity_of(header)
        except Exception as error:  # whatever one object does to the parser, the others are kept
            return claimed, f"not readable as DICOM ({type(error).__name__})"
        if uid not in self.names:
            return uid, "not asked for"
        if claimed not in ("", uid):
            return uid, "sent under the UID of another"
        if (named.study_uid, named.series_uid) != self._place:
            return uid, "of another series than asked for"
        if self.has(uid) and (self._folder / self.names[uid]).read_bytes() != content:
            return uid, "different from an object with the same UID that has come before, which is kept"
        return uid, ""
