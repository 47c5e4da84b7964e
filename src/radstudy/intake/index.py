"""All headers of a source, sorted by patient, examination and series; pixels are not read."""

from __future__ import annotations

import hashlib
import warnings
import zipfile
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from radstudy.formats.dicom_authorship import NOBODY, Authorship, authorship_of
from radstudy.formats.dicom_classes import DRAWINGS, IMAGE_STORAGES
from radstudy.formats.dicom_header import (
    Frame,
    Identity,
    Sharing,
    frames_of,
    identity_of,
    read_header,
)
from radstudy.formats.dicom_values import value_of, whole_of
from radstudy.formats.seg_nrrd import HEADER_BYTES, begins_as_segments
from radstudy.intake.faults import unexpected
from radstudy.intake.sources import Found, Source

Bar = Callable[[Iterable[Any], int, str], Iterable[Any]]
_DIRECTORY = "1.2.840.10008.1.3.10"
NOT_DICOM = "not DICOM"


@dataclass(frozen=True)
class Drawing:
    """A segmentation or structure set.

    Parameters
    ----------
    file : its name in the source.
    kind : SEG, RTSTRUCT or SLICER (a .seg.nrrd file).
    uid : of the instance.
    identity : whose it is.
    of_series : UIDs of the series that it refers to; SEG objects of some makers refer to none.
    spaces : UIDs of the frames of reference that its positions are in.
    authorship : who drew it, and when.
    by_folder : whether patient and series are those of the images in its folder, since the file names none.
    """

    file: str
    kind: str
    uid: str
    identity: Identity
    of_series: tuple[str, ...]
    spaces: tuple[str, ...]
    authorship: Authorship = NOBODY
    by_folder: bool = False

    @property
    def folder(self) -> str:
        """The folder of the source that it lies in; "" at the top."""
        return self.file.rpartition("/")[0]


@dataclass
class Examination:
    """One study of a patient.

    Parameters
    ----------
    date : of the study.
    series : UID to its images.
    copies : of a series, how many files were exact copies of another.
    unusable : of a series, why it cannot be used, where not all of its files could be read as one whole.
    """

    date: str = ""
    series: dict[str, list[Frame]] = field(default_factory=lambda: defaultdict(list))
    copies: Counter[str] = field(default_factory=Counter)
    unusable: dict[str, str] = field(default_factory=dict)


@dataclass
class Patient:
    """One patient: examinations by study UID, drawings, everyone that its headers name."""

    identifier: tuple[str, str]
    examinations: dict[str, Examination] = field(default_factory=lambda: defaultdict(Examination))
    drawings: list[Drawing] = field(default_factory=list)
    identities: set[Identity] = field(default_factory=set)


@dataclass(frozen=True)
class Fault:
    """An object that could not be used although its header could be read.

    Parameters
    ----------
    patient : identifier, as `Index.patients` has it.
    series, instance : numbers in its header; None where absent.
    problem : what is wrong, without anything that identifies the patient.
    """

    patient: tuple[str, str]
    series: int | None
    instance: int | None
    problem: str


@dataclass
class Index:
    """What a source holds.

    Parameters
    ----------
    patients : by (PatientID, issuer); by the study's UID where the header has no PatientID.
    skipped : files that are not used, with the reason.
    damaged : of these, how many are DICOM but cannot be read, or contradict another file.
    other : other DICOM objects (reports, presentation states, other modalities), by kind.
    faults : objects whose header was read and is not understood.
    beside : 3D Slicer's segmentations, which are not DICOM.
    """

    patients: dict[tuple[str, str], Patient] = field(default_factory=dict)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    damaged: int = 0
    other: Counter[str] = field(default_factory=Counter)
    files: int = 0
    faults: list[Fault] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)


def index_source(source: Source, *, bar: Bar = lambda items, total, what: items) -> Index:
    """Read the header of every file of a source.

    Parameters
    ----------
    source : where the files lie.
    bar : draws progress.
    """
    index, share = Index(), Sharing()
    seen: dict[str, Found] = {}
    files = source.files()
    index.files = len(files)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's warnings quote the values that they are about
        for found in bar(files, len(files), "headers"):
            _add(index, source, found, share, seen)
    return index


def _add(index: Index, source: Source, found: Found, share: Sharing, seen: dict[str, Found]) -> None:
    import pydicom

    try:
        with source.open(found.name) as file:
            dataset = read_header(file)
            room = found.size - file.tell()
    except pydicom.errors.InvalidDicomError:
        index.skipped.append((found.name, NOT_DICOM))
        if _is_slicers(source, found.name):
            index.beside.append(found.name)
        return
    except (EOFError, OSError, ValueError, KeyError, NotImplementedError, AttributeError, zipfile.BadZipFile) as error:
        index.skipped.append((found.name, f"cannot be read ({type(error).__name__})"))
        index.damaged += 1
        return
    except Exception as error:  # whatever one file does to the parser, the others are read
        index.skipped.append((found.name, f"cannot be read: {unexpected(error)}"))
        index.damaged += 1
        return
    storage = str(dataset.get("SOPClassUID", "") or "")
    if storage == _DIRECTORY or not storage:
        index.skipped.append((found.name, "DICOMDIR" if storage else "no SOP class: cut off, or not an image"))
        index.damaged += not storage
        return
    identity = share(identity_of(dataset))
    uid = str(dataset.get("SOPInstanceUID", "") or "")
    patient = _patient(index, identity)
    if uid in seen:
        _copy(index, patient, source, identity, found, seen[uid])
        return
    seen[uid] = found
    try:
        if storage in DRAWINGS:
            series, spaces = _referred(dataset)
            made = authorship_of(dataset)
            patient.drawings.append(Drawing(found.name, DRAWINGS[storage], uid, identity, series, spaces, made))
        elif storage in IMAGE_STORAGES:
            examination = patient.examinations[identity.study_uid]
            examination.date = examination.date or identity.study_date
            examination.series[identity.series_uid].extend(frames_of(dataset, found.name, share, room=room))
        else:
            name = pydicom.uid.UID(storage).name
            index.other[name] += 1
            index.skipped.append((found.name, f"no MR image: {name}"))
    except Exception as error:  # one object's header must not end the import of the others
        _not_understood(index, patient, identity, dataset, found, unexpected(error))


def _not_understood(
    index: Index, patient: Patient, identity: Identity, dataset: Any, found: Found, problem: str
) -> None:
    """Keep what is wrong with an object; a series that lacks one of its images is not used."""
    numbers = [whole_of(value_of(dataset, name)) for name in ("SeriesNumber", "InstanceNumber")]
    index.skipped.append((found.name, problem))
    index.faults.append(Fault(patient.identifier, numbers[0], numbers[1], problem))
    where = "an image" if numbers[1] is None else f"instance {numbers[1]}"
    patient.examinations[identity.study_uid].unusable[identity.series_uid] = f"{where}: {problem}"


def _is_slicers(source: Source, name: str) -> bool:
    """Whether a file is a segmentation of 3D Slicer."""
    if not name.lower().endswith(".nrrd"):
        return False
    with source.open(name) as file:
        return begins_as_segments(file.read(HEADER_BYTES))


def _patient(index: Index, identity: Identity) -> Patient:
    identifier = (identity.patient_id, identity.issuer)
    if not identity.patient_id:
        identifier = ("", f"study {identity.study_uid}")
    patient = index.patients.setdefault(identifier, Patient(identifier))
    patient.identities.add(identity)
    return patient


def _copy(index: Index, patient: Patient, source: Source, identity: Identity, found: Found, first: Found) -> None:
    """A second file of one SOP instance: an exact copy is left out; a different one makes the series unusable."""
    if _digest(source, found.name) == _digest(source, first.name):
        index.skipped.append((found.name, f"a copy of {first.name}"))
        patient.examinations[identity.study_uid].copies[identity.series_uid] += 1
        return
    index.skipped.append((found.name, f"claims to be the same SOP instance as {first.name}, but differs"))
    index.damaged += 1
    reason = "two different files claim to be the same instance of this series"
    patient.examinations[identity.study_uid].unusable[identity.series_uid] = reason


def _digest(source: Source, name: str) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    with source.open(name) as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.digest()


def _referred(dataset: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The series that a drawing says it was made on, and the frames of reference of its positions.

    References: DICOM PS3.3 C.12.4 (a SEG's referenced series), C.8.8.5 (a structure set's, below its frame of
    reference and its study).
    """
    series = list(dataset.get("ReferencedSeriesSequence") or [])
    frames = list(dataset.get("ReferencedFrameOfReferenceSequence") or [])
    for frame in frames:
        for study in frame.get("RTReferencedStudySequence") or []:
            series += study.get("RTReferencedSeriesSequence") or []
    uids = [str(item.get("SeriesInstanceUID", "") or "") for item in series]
    spaces = [str(item.get("FrameOfReferenceUID", "") or "") for item in [dataset, *frames]]
    return tuple(dict.fromkeys(filter(None, uids))), tuple(dict.fromkeys(filter(None, spaces)))


def contradiction(patient: Patient) -> str:
    """Why one PatientID cannot be one person: two birth dates, or names that share no word; "" where it can."""
    births = {identity.birth_date for identity in patient.identities if identity.birth_date}
    if len(births) > 1:
        return "two birth dates under one PatientID"
    names = [words for identity in patient.identities if (words := _words(identity.name))]
    if any(not one & other for one in names for other in names):
        return "two names under one PatientID"
    return ""


def _words(name: str) -> set[str]:
    return {word for word in name.upper().replace("^", " ").replace("=", " ").replace(",", " ").split() if word}
