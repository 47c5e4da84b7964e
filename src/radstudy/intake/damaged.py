"""Files that are DICOM and cannot be read: which series may lack an image for each.

Nobody can see from outside that a volume lacks its first or last slice. So a series to which a damaged file says it
belongs is not used; where the file names no more than its examination or its patient, or nothing, the series there, or
in its folder, are for a reader to look at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

from radstudy.formats.dicom_classes import IMAGE_STORAGES
from radstudy.formats.dicom_file import inflated_beginning

_READ = 1 << 18  # bytes in which the identifiers of an object are looked for: they lie at its beginning
_STEP = 512
_LONGEST = 64  # of a UID, and of a PatientID
_UID = re.compile(rb"[0-2]\.[0-9.]{6,62}")
_SERIES, _PATIENT = b"\x20\x00\x0e\x00", b"\x10\x00\x20\x00"  # SeriesInstanceUID, PatientID
_CLASS = "1.2.840.10008.5.1.4.1.1."


@dataclass(frozen=True)
class Damaged:
    """A file that begins as DICOM and cannot be read.

    Parameters
    ----------
    file : its name in the source.
    problem : what is wrong, without anything that identifies the patient.
    uids : all that look like UIDs at its beginning.
    series : its SeriesInstanceUID, and patient_id : its PatientID; "" where its beginning does not give them.
    may_be_foreign : whether its beginning, as far as it can be read, is not that of DICOM.
    """

    file: str
    problem: str
    uids: frozenset[str] = frozenset()
    series: str = ""
    patient_id: str = ""
    may_be_foreign: bool = False

    @property
    def folder(self) -> str:
        """The folder of the source that it lies in; "" at the top."""
        return self.file.rpartition("/")[0]

    @property
    def may_be_image(self) -> bool:
        """Whether it may have been an MR image: it names that class, or none."""
        classes = {uid for uid in self.uids if uid.startswith(_CLASS)}
        return not self.may_be_foreign and (not classes or bool(classes & set(IMAGE_STORAGES)))


def look_into(file: str, problem: str, content: bytes, *, foreign: bool = False) -> Damaged:
    """What the beginning of a damaged file says of whose it is."""
    uids = frozenset(found.decode("ascii").rstrip(".") for found in _UID.findall(content))
    series = [uid for uid in _values(content, _SERIES, b"UI") if re.fullmatch(r"[0-2]\.[0-9.]{6,62}", uid)]
    patients = _values(content, _PATIENT, b"LO")
    own = series[-1] if series else ""  # those that it refers to come before
    return Damaged(file, problem, uids, own, patients[0] if patients else "", foreign)


def read_as_far(file: BinaryIO) -> bytes:
    """The beginning of a file, as far as it can be read."""
    parts: list[bytes] = []
    try:
        for _ in range(0, _READ, _STEP):
            part = file.read(_STEP)
            if not part:
                break
            parts.append(part)
    except Exception:  # what came before the damage is all there is
        pass
    return inflated_beginning(b"".join(parts))


def _values(content: bytes, tag: bytes, vr: bytes) -> list[str]:
    """The values of all elements with a tag that are there to their end; the file is little endian."""
    found, at = [], content.find(tag)
    while at >= 0:
        explicit = content[at + 4 : at + 6] == vr
        length = int.from_bytes(content[at + 6 : at + 8] if explicit else content[at + 4 : at + 8], "little")
        value = content[at + 8 : at + 8 + length] if 0 < length <= _LONGEST else b""
        if value and len(value) == length:
            found.append(" ".join(value.decode("latin-1").strip(" \0").split()))
        at = content.find(tag, at + 1)
    return found


@dataclass(frozen=True)
class Place:
    """A series of an index: whose it is, and the folders that its images lie in."""

    patient: tuple[str, str]
    study: str
    series: str
    folders: frozenset[str]


@dataclass(frozen=True)
class Held:
    """The series that may lack the image that a damaged file was.

    Parameters
    ----------
    places : those series.
    sure : whether the file names that one series.
    """

    places: tuple[Place, ...]
    sure: bool = False


def held_back(file: Damaged, places: Iterable[Place]) -> Held:
    """Which series may lack the image that a damaged file was, by what it names, from the series to its folder.

    Examples
    --------
    >>> t2 = Place(("17", ""), "1.2.30000001", "1.2.30000002", frozenset({"a"}))
    >>> held_back(Damaged("b/1.dcm", "cut off", series="1.2.30000002"), [t2]).sure
    True
    >>> held_back(Damaged("a/1.dcm", "cut off"), [t2]).places == (t2,)
    True
    """
    if not file.may_be_image:
        return Held(())
    places = list(places)
    if file.series:
        return Held(tuple(place for place in places if place.series == file.series), sure=True)
    for own in (
        [place for place in places if place.study in file.uids],
        [place for place in places if file.patient_id and place.patient[0] == file.patient_id],
    ):
        if own:
            beside = tuple(place for place in own if file.folder in place.folders)
            return Held(beside or tuple(own))
    if file.patient_id:
        return Held(())  # another patient's, of whom nothing else is here
    return Held(tuple(place for place in places if file.folder in place.folders))


def pattern_of(name: str) -> tuple[str, str]:
    """What a file's name has in common with those of the DICOM files beside it: their suffix, or all but the digits.

    Examples
    --------
    >>> pattern_of("a/7.dcm") == pattern_of("a/8.DCM"), pattern_of("a/IM7") == pattern_of("a/IM12")
    (True, True)
    >>> pattern_of("a/empty") == pattern_of("a/8.dcm")
    False
    """
    folder, _, own = name.rpartition("/")
    suffix = own.rpartition(".")[2].lower()
    return folder, f".{suffix}" if suffix in ("dcm", "ima", "dicom") else re.sub(r"\d+", "#", own)
