"""DICOM files that cannot be read, and the series that may lack an image because of each.

A volume does not show that its first or last slice is missing. So a series named by a damaged file is not used; if the
file names only its examination or its patient, or nothing, the series there, or in its folder, go to a reader for
review.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

from radstudy.formats.dicom_classes import IMAGE_STORAGES
from radstudy.formats.dicom_file import inflated_beginning

_READ = 1 << 18  # bytes searched for the identifiers of an object, which are at its beginning
_STEP = 512
_LONGEST = 64  # characters of a UID, and of a PatientID
_UID = re.compile(rb"[0-2]\.[0-9.]{6,62}")
_SERIES, _PATIENT = b"\x20\x00\x0e\x00", b"\x10\x00\x20\x00"  # SeriesInstanceUID, PatientID
_CLASS = "1.2.840.10008.5.1.4.1.1."


@dataclass(frozen=True)
class Damaged:
    """A file that begins like DICOM but cannot be read.

    Parameters
    ----------
    file : its name in the source.
    problem : what is wrong, without anything that identifies the patient.
    uids : everything at its beginning that looks like a UID.
    series : its SeriesInstanceUID, and patient_id : its PatientID; "" if its beginning does not hold them.
    may_be_foreign : whether its beginning, as far as it can be read, is not like DICOM.
    """

    file: str
    problem: str
    uids: frozenset[str] = frozenset()
    series: str = ""
    patient_id: str = ""
    may_be_foreign: bool = False

    @property
    def folder(self) -> str:
        """Its folder in the source; "" at the top."""
        return self.file.rpartition("/")[0]

    @property
    def may_be_image(self) -> bool:
        """True if it may have been an MR image: it names that class, or none."""
        classes = {uid for uid in self.uids if uid.startswith(_CLASS)}
        return not self.may_be_foreign and (not classes or bool(classes & set(IMAGE_STORAGES)))


def look_into(file: str, problem: str, content: bytes, *, foreign: bool = False) -> Damaged:
    """Read the identifiers at the beginning of a damaged file."""
    uids = frozenset(match.decode("ascii").rstrip(".") for match in _UID.findall(content))
    series = [uid for uid in _values(content, _SERIES, b"UI") if re.fullmatch(r"[0-2]\.[0-9.]{6,62}", uid)]
    patients = _values(content, _PATIENT, b"LO")
    own = series[-1] if series else ""  # series that it refers to come first
    return Damaged(file, problem, uids, own, patients[0] if patients else "", foreign)


def read_as_far(file: BinaryIO) -> bytes:
    """Read the beginning of a file, as far as possible."""
    parts: list[bytes] = []
    try:
        for _ in range(0, _READ, _STEP):
            part = file.read(_STEP)
            if not part:
                break
            parts.append(part)
    except Exception:  # only the part before the damage can be used
        pass
    return inflated_beginning(b"".join(parts))


def _values(content: bytes, tag: bytes, vr: bytes) -> list[str]:
    """The values of all complete elements with a tag; the file is little endian."""
    values, at = [], content.find(tag)
    while at >= 0:
        explicit = content[at + 4 : at + 6] == vr
        length = int.from_bytes(content[at + 6 : at + 8] if explicit else content[at + 4 : at + 8], "little")
        value = content[at + 8 : at + 8 + length] if 0 < length <= _LONGEST else b""
        if value and len(value) == length:
            values.append(" ".join(value.decode("latin-1").strip(" \0").split()))
        at = content.find(tag, at + 1)
    return values


@dataclass(frozen=True)
class Place:
    """A series of an index: patient, examination, and the folders of its images."""

    patient: tuple[str, str]
    study: str
    series: str
    folders: frozenset[str]


@dataclass(frozen=True)
class Held:
    """The series that may lack the image held by a damaged file.

    Parameters
    ----------
    places : those series.
    sure : whether the file names that series itself.
    """

    places: tuple[Place, ...]
    sure: bool = False


def held_back(file: Damaged, places: Iterable[Place]) -> Held:
    """Find the series that may lack the image held by a damaged file, by series, study, patient or folder.

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
        return Held(())  # of a patient with no other files here
    return Held(tuple(place for place in places if file.folder in place.folders))


def pattern_of(name: str) -> tuple[str, str]:
    """The part of a file's name shared with DICOM files of the same folder: the suffix, or all but the digits.

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
