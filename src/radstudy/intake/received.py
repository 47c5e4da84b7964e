"""Objects of one series received from a server: only requested ones are kept, complete, and none is overwritten."""

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
    folder : folder that the names are relative to.
    names : SOP instance UID to file name, for every requested object.
    study, series : UIDs that the objects must name.

    Attributes
    ----------
    refused : reasons why objects were not kept, with their counts.
    full : the error of a full disk, after which nothing is kept.
    """

    def __init__(self, folder: Path, names: Mapping[str, str], study: str, series: str) -> None:
        self.names, self.refused = names, Counter[str]()
        self.full: StorageError | None = None
        self._folder, self._place = folder, (study, series)
        self._lock = threading.Lock()  # a PACS may send over several associations at the same time

    def has(self, uid: str) -> bool:
        """True if an object was received, in this pull or an earlier one."""
        return (self._folder / self.names[uid]).is_file()

    def missing(self) -> list[str]:
        """List the UIDs not yet received."""
        return [uid for uid in self.names if not self.has(uid)]

    def keep(self, claimed: str, content: bytes) -> None:
        """Write an object.

        Parameters
        ----------
        claimed : the SOP instance UID under which it was sent; "" if the transfer names none.
        content : a DICOM file.

        Raises
        ------
        RefusedObjectError : it was not requested, names another series, or differs from an earlier object with its UID.
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
        """The UID of an object, and why it is not kept; "" if it is."""
        if claimed and claimed not in self.names:
            return claimed, "not requested"
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # pydicom's warnings quote values of the header
                header = read_header(io.BytesIO(content))
                uid, named = str(header.get("SOPInstanceUID", "") or ""), identity_of(header)
        except Exception as error:  # if an object breaks the parser, the others are still kept
            return claimed, f"not readable as DICOM ({type(error).__name__})"
        if uid not in self.names:
            return uid, "not requested"
        if claimed not in ("", uid):
            return uid, "sent under the UID of another object"
        if (named.study_uid, named.series_uid) != self._place:
            return uid, "of a series that was not requested"
        if self.has(uid) and (self._folder / self.names[uid]).read_bytes() != content:
            return uid, "different from an object received earlier with the same UID, which is kept"
        return uid, ""
