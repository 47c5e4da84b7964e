"""Index of all headers of a source, by patient, examination and series; pixels are not read."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from radstudy.formats.dicom_authorship import NOBODY, Authorship, authorship_of
from radstudy.formats.dicom_classes import DRAWINGS
from radstudy.formats.dicom_file import START, OpenedObject, UnreadableError, begins_as_dicom, open_file
from radstudy.formats.dicom_header import DicomIdentity, ImageFrame, Sharing, frames_of, identity_of
from radstudy.formats.dicom_sound import disorder_of_frames, is_read, require_identified, require_image, storage_of
from radstudy.formats.dicom_values import value_of, whole_of
from radstudy.formats.seg_nrrd import HEADER_BYTES, begins_as_segments
from radstudy.intake.damaged import Damaged, Place, held_back, look_into, pattern_of, read_as_far
from radstudy.intake.faults import unexpected
from radstudy.intake.sources import Found, Source

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Bar = Callable[[Iterable[Any], int, str], Iterable[Any]]
_DIRECTORY = "1.2.840.10008.1.3.10"
NOT_DICOM = "not DICOM"


@dataclass(frozen=True)
class SegmentationObject:
    """A segmentation or structure set.

    Parameters
    ----------
    file : its name in the source.
    kind : SEG, RTSTRUCT or SLICER (a .seg.nrrd file).
    uid : UID of the instance.
    identity : patient and study.
    of_series : UIDs of the series that it refers to; SEG objects of some vendors refer to none.
    spaces : UIDs of the frames of reference of its positions.
    authorship : author and time.
    by_folder : whether patient and series are those of the images in its folder, since the file names none.
    """

    file: str
    kind: str
    uid: str
    identity: DicomIdentity
    of_series: tuple[str, ...]
    spaces: tuple[str, ...]
    authorship: Authorship = NOBODY
    by_folder: bool = False

    @property
    def folder(self) -> str:
        """Its folder in the source; "" at the top."""
        return self.file.rpartition("/")[0]


@dataclass
class Examination:
    """One study of a patient.

    Parameters
    ----------
    date : StudyDate and StudyTime.
    series : UID to its images.
    copies : by series, the number of files that were exact copies of another.
    unusable : by series, why it cannot be used, if not all of its files could be read.
    doubtful : by series, why it needs review: an unreadable file may have been one of its images.
    """

    date: str = ""
    series: dict[str, list[ImageFrame]] = field(default_factory=lambda: defaultdict(list))
    copies: Counter[str] = field(default_factory=Counter)
    unusable: dict[str, str] = field(default_factory=dict)
    doubtful: dict[str, str] = field(default_factory=dict)


@dataclass
class ImportedPatient:
    """One patient: examinations by study UID, drawings, and all identities in the headers."""

    identifier: tuple[str, str]
    examinations: dict[str, Examination] = field(default_factory=lambda: defaultdict(Examination))
    drawings: list[SegmentationObject] = field(default_factory=list)
    identities: set[DicomIdentity] = field(default_factory=set)


@dataclass(frozen=True)
class Fault:
    """An object that could not be used although its header was read.

    Parameters
    ----------
    patient : identifier, as in `Index.patients`.
    series, instance : numbers in its header; None where absent.
    problem : what is wrong, without anything that identifies the patient.
    """

    patient: tuple[str, str]
    series: int | None
    instance: int | None
    problem: str


@dataclass
class Index:
    """Content of a source.

    Parameters
    ----------
    patients : by (PatientID, issuer); by the study's UID if the header has no PatientID.
    skipped : files that are not used, with the reason.
    damaged : number of these that are DICOM but cannot be read, or contradict another file.
    other : other DICOM objects (reports, presentation states, other modalities), by kind.
    faults : objects whose header was read but could not be interpreted.
    beside : 3D Slicer's segmentations, which are not DICOM.
    broken : files that begin like DICOM but cannot be read.
    """

    patients: dict[tuple[str, str], ImportedPatient] = field(default_factory=dict)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    damaged: int = 0
    other: Counter[str] = field(default_factory=Counter)
    files: int = 0
    faults: list[Fault] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    broken: list[Damaged] = field(default_factory=list)

    def places(self) -> list[Place]:
        """List all series that have images."""
        return [
            Place(identifier, study, series, frozenset(frame.file.rpartition("/")[0] for frame in frames))
            for identifier, patient in self.patients.items()
            for study, examination in patient.examinations.items()
            for series, frames in examination.series.items()
            if frames
        ]


def index_source(source: Source, *, bar: Bar = lambda items, total, what: items) -> Index:
    """Read the header of every file of a source.

    Parameters
    ----------
    source : holds the files.
    bar : draws progress.
    """
    work = _Work(Index(), source)
    files = source.files()
    work.index.files = len(files)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's warnings quote values of the header
        for entry in bar(files, len(files), "headers"):
            _add(work, entry)
        _look_at_strangers(work)
    _hold_back(work.index)
    _doubt_shared_studies(work.index)
    return work.index


@dataclass
class _Work:
    """State while the index is built.

    Parameters
    ----------
    seen : SOP instance to its file.
    strangers : files that do not begin like DICOM.
    """

    index: Index
    source: Source
    share: Sharing = field(default_factory=Sharing)
    seen: dict[str, Found] = field(default_factory=dict)
    strangers: list[Found] = field(default_factory=list)


def _add(work: _Work, entry: Found) -> None:
    try:
        opened = _opened(work.source, entry)
        if opened is None:
            _not_dicom(work, entry)
            return
        storage = storage_of(opened.dataset)
        if is_read(storage):
            _keep(work, entry, opened, storage)
        else:
            _other(work.index, entry, storage, opened)
    except UnreadableError as error:
        _broken(work, entry, str(error))
    except OSError as error:
        _broken(work, entry, f"it cannot be read ({type(error).__name__})")
    except Exception as error:  # if a file breaks the parser, the others are still read
        _broken(work, entry, f"it cannot be read: {unexpected(error)}")


def _opened(source: Source, entry: Found) -> OpenedObject | None:
    """A file's header; None if the file does not begin like DICOM."""
    with source.open(entry.name) as file:
        if not begins_as_dicom(file.read(START)):
            return None
        file.seek(0)
        return open_file(file, stop_before_pixels=True)


def _not_dicom(work: _Work, entry: Found) -> None:
    if _is_slicers(work.source, entry.name):
        work.index.beside.append(entry.name)
    elif not entry.name.rpartition("/")[2].startswith("._"):  # macOS keeps icons and attributes in such files
        work.strangers.append(entry)
    work.index.skipped.append((entry.name, NOT_DICOM))


def _other(index: Index, entry: Found, storage: str, opened: OpenedObject) -> None:
    """Record a DICOM object that is not imported: a report, another modality, a DICOMDIR."""
    from pydicom.uid import UID

    if storage == _DIRECTORY or value_of(opened.dataset, "DirectoryRecordSequence"):
        index.skipped.append((entry.name, "DICOMDIR"))
        return
    if not storage:
        raise UnreadableError("it has no SOP class: cut off, or not an image")
    name = str(UID(storage).name)
    if name == storage and (storage.startswith("1.2.840.10008.") or not re.fullmatch(r"[0-9.]{1,64}", storage)):
        raise UnreadableError("its SOP class is not in the standard")
    index.other[name] += 1
    index.skipped.append((entry.name, f"not an MR image: {name}"))


def _keep(work: _Work, entry: Found, opened: OpenedObject, storage: str) -> None:
    """Add an image or a drawing to its patient; one that cannot be interpreted makes its series unusable."""
    dataset = opened.dataset
    require_identified(dataset)
    identity = work.share(identity_of(dataset))
    try:
        if storage in DRAWINGS:
            series, spaces = _referred(dataset)
            uid, authorship = str(value_of(dataset, "SOPInstanceUID")), authorship_of(dataset)
            drawing = SegmentationObject(entry.name, DRAWINGS[storage], uid, identity, series, spaces, authorship)
            patient = _once(work, entry, identity, uid)
            if uid not in work.seen:
                work.seen[uid] = entry
                patient.drawings.append(drawing)
        else:
            _keep_image(work, entry, opened, identity)
    except Exception as error:  # one object's header must not end the import of the others
        problem = str(error) if isinstance(error, UnreadableError) else unexpected(error)
        _not_understood(work, identity, dataset, entry, problem)


def _keep_image(work: _Work, entry: Found, opened: OpenedObject, identity: DicomIdentity) -> None:
    missing = require_image(opened)
    frames = list(frames_of(opened.dataset, entry.name, work.share, missing=missing))
    uid = frames[0].uid
    patient = _once(work, entry, identity, uid)
    if uid in work.seen:
        return
    work.seen[uid] = entry
    examination = patient.examinations[identity.study_uid]
    examination.date = examination.date or identity.study_date
    examination.series[identity.series_uid].extend(frames)
    if disorder := opened.disorder or disorder_of_frames(opened.dataset):
        where = f"instance {frames[0].instance_number}"
        examination.doubtful[identity.series_uid] = f"the file of {where} may be damaged: {disorder}"


def _once(work: _Work, entry: Found, identity: DicomIdentity, uid: str) -> ImportedPatient:
    """The patient of an object; records it if another file already holds the object."""
    patient = _patient(work.index, identity)
    if uid in work.seen:
        _copy(work.index, patient, work.source, identity, entry, work.seen[uid])
    return patient


def _broken(work: _Work, entry: Found, problem: str, *, like_its_siblings: bool = False) -> None:
    """Record what is wrong with a file, and the identifiers at its beginning."""
    content = _beginning(work.source, entry)
    foreign = bool(content) and not begins_as_dicom(content) and not like_its_siblings
    work.index.skipped.append((entry.name, f"damaged: {problem}"))
    work.index.damaged += 1
    work.index.broken.append(look_into(entry.name, problem, content, foreign=foreign))


def _beginning(source: Source, entry: Found) -> bytes:
    """Read the beginning of a damaged file, as far as possible."""
    try:
        with source.beginning(entry.name) as file:
            return read_as_far(file)
    except Exception:  # it cannot be opened at all
        return b""


def _look_at_strangers(work: _Work) -> None:
    """Record as damaged the files that do not begin like DICOM but are named like the images in their folder."""
    examinations = [one for patient in work.index.patients.values() for one in patient.examinations.values()]
    images = {pattern_of(frame.file) for one in examinations for frames in one.series.values() for frame in frames}
    for entry in work.strangers:
        if pattern_of(entry.name) in images:
            work.index.skipped.remove((entry.name, NOT_DICOM))
            what = "it does not begin like DICOM" if entry.size else "it is empty"
            _broken(work, entry, f"{what}, but is named like the images in its folder", like_its_siblings=True)


def _hold_back(index: Index) -> None:
    """Keep series that may lack an image from being used as if they were complete."""
    places = index.places()
    for file in index.broken:
        held = held_back(file, places)
        for place in held.places:
            examination = index.patients[place.patient].examinations[place.study]
            if held.sure:
                examination.unusable.setdefault(place.series, f"a file of this series is damaged: {file.problem}")
            else:
                examination.doubtful.setdefault(
                    place.series,
                    f"a damaged file may be one of its images ({file.problem}): copy that file again, or check that "
                    "the first and the last slice are present",
                )


def _doubt_shared_studies(index: Index) -> None:
    """Send an examination to review if its images name several patients."""
    owners: dict[str, list[Examination]] = defaultdict(list)
    for patient in index.patients.values():
        for study, examination in patient.examinations.items():
            if examination.series:
                owners[study].append(examination)
    for shared in owners.values():
        for examination in shared if len(shared) > 1 else ():
            for series in examination.series:
                examination.doubtful.setdefault(
                    series, f"images of its examination name {len(shared)} patients (PatientID): one may be damaged"
                )


def _not_understood(work: _Work, identity: DicomIdentity, dataset: Dataset, entry: Found, problem: str) -> None:
    """Record what is wrong with an object; a series that lacks one of its images is not used."""
    patient = _patient(work.index, identity)
    numbers = [_number(dataset, name) for name in ("SeriesNumber", "InstanceNumber")]
    work.index.skipped.append((entry.name, problem))
    work.index.faults.append(Fault(patient.identifier, numbers[0], numbers[1], problem))
    where = "an image" if numbers[1] is None else f"instance {numbers[1]}"
    patient.examinations[identity.study_uid].unusable[identity.series_uid] = f"{where}: {problem}"
    work.index.broken.append(look_into(entry.name, problem, _beginning(work.source, entry)))


def _number(dataset: Dataset, keyword: str) -> int | None:
    try:
        return whole_of(value_of(dataset, keyword))
    except UnreadableError:
        return None


def _is_slicers(source: Source, name: str) -> bool:
    """True if a file is a segmentation of 3D Slicer."""
    if not name.lower().endswith(".nrrd"):
        return False
    with source.open(name) as file:
        return begins_as_segments(file.read(HEADER_BYTES))


def _patient(index: Index, identity: DicomIdentity) -> ImportedPatient:
    identifier = (identity.patient_id, identity.issuer)
    if not identity.patient_id:
        identifier = ("", f"study {identity.study_uid}")
    patient = index.patients.setdefault(identifier, ImportedPatient(identifier))
    patient.identities.add(identity)
    return patient


def _copy(
    index: Index, patient: ImportedPatient, source: Source, identity: DicomIdentity, entry: Found, first: Found
) -> None:
    """Handle a second file of the same SOP instance: an exact copy is left out; a different one spoils the series."""
    if _digest(source, entry.name) == _digest(source, first.name):
        index.skipped.append((entry.name, f"a copy of {first.name}"))
        patient.examinations[identity.study_uid].copies[identity.series_uid] += 1
        return
    index.skipped.append((entry.name, f"claims to be the same SOP instance as {first.name}, but differs"))
    index.damaged += 1
    reason = "two different files claim to be the same instance of this series"
    patient.examinations[identity.study_uid].unusable[identity.series_uid] = reason


def _digest(source: Source, name: str) -> bytes:
    digest = hashlib.blake2b(digest_size=16)
    with source.open(name) as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.digest()


def _referred(dataset: Dataset) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The series on which a drawing was made according to its header, and the frames of reference of its positions.

    References: DICOM PS3.3 C.12.4 (a SEG's referenced series), C.8.8.5 (a structure set's, below its frame of
    reference and its study).
    """
    series = list(value_of(dataset, "ReferencedSeriesSequence") or [])
    frames = list(value_of(dataset, "ReferencedFrameOfReferenceSequence") or [])
    for frame in frames:
        for study in value_of(frame, "RTReferencedStudySequence") or []:
            series += value_of(study, "RTReferencedSeriesSequence") or []
    uids = [str(value_of(item, "SeriesInstanceUID") or "") for item in series]
    spaces = [str(value_of(item, "FrameOfReferenceUID") or "") for item in [dataset, *frames]]
    return tuple(dict.fromkeys(filter(None, uids))), tuple(dict.fromkeys(filter(None, spaces)))


def contradiction(patient: ImportedPatient) -> str:
    """Explain why one PatientID cannot be one person: two birth dates, or names without a common word; else ""."""
    births = {identity.birth_date for identity in patient.identities if identity.birth_date}
    if len(births) > 1:
        return "two birth dates under one PatientID"
    names = [words for identity in patient.identities if (words := _words(identity.name))]
    if any(not one & other for one in names for other in names):
        return "two names under one PatientID"
    return ""


def _words(name: str) -> set[str]:
    return {word for word in name.upper().replace("^", " ").replace("=", " ").replace(",", " ").split() if word}
