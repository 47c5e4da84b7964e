"""Pulling of examinations from a server into the private folder: resumable, with retries, and counted.

Every instance is a file that is complete or does not exist, so an interrupted pull resumes where it stopped. Nothing is
ever written to the server.
"""

from __future__ import annotations

import hashlib
import time
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

from radstudy.bugs import LOG, hiding, logged_in
from radstudy.errors import DataError, RadstudyError
from radstudy.formats.dicom_classes import IMAGE_STORAGES
from radstudy.formats.dicom_header import DicomIdentity
from radstudy.formats.dicom_values import whole_of
from radstudy.intake.faults import unexpected
from radstudy.intake.index import Bar
from radstudy.intake.limits import RAISE, Limits
from radstudy.intake.listing import Listed, decide_listing
from radstudy.intake.private import private_folder
from radstudy.intake.pseudonyms import Redactor
from radstudy.intake.received import Received
from radstudy.intake.rules import Rules
from radstudy.intake.server_texts import is_uid, tidy
from radstudy.intake.sources import Folder
from radstudy.intake.transfer_error import TransferError
from radstudy.kept import keep as keep_record
from radstudy.kept import kept as kept_record
from radstudy.store import file_hash

MODALITIES = ("MR", "SEG", "RTSTRUCT")
ATTEMPTS = 4
PULLED = "pulled.json"  # in a series' folder: the hashes of its files
Answer = TypeVar("Answer")
Keep = Callable[[str, bytes], None]  # see `Received.keep`
Text = Callable[[str], str]  # the text of a tag by its keyword; "" if there is none


@dataclass(frozen=True)
class OfferedSeries:
    """A series as listed by a server.

    Parameters
    ----------
    uid, number, description, modality : of the series; `uid` is empty if the server's value is not a valid UID.
    images : number of instances according to the server, or None.
    frames : number of frames, for a series of one instance; None if not queried or not stated.
    """

    uid: str
    number: int | None
    description: str
    modality: str
    images: int | None
    frames: int | None = None

    @property
    def slices(self) -> int:
        """Number of images; 0 if its only instance may be one image or an enhanced multi-frame object."""
        return (self.frames or 0) if self.images == 1 else self.images or 0


@dataclass(frozen=True)
class Offered:
    """An examination as listed by a server.

    Parameters
    ----------
    identity : patient and study.
    series : its series.
    problem : why its series, or some of them, are not known; "" if they are.
    """

    identity: DicomIdentity
    series: tuple[OfferedSeries, ...]
    problem: str = ""

    @classmethod
    def of(
        cls, study: Text, series: Iterable[Text], frames: Callable[[str], int | None], *, problem: str = ""
    ) -> Offered:
        """Build from the texts of a server's answers: one on the examination, one on each of its series.

        `frames` returns the number of frames of a series that has one instance, by the series' UID.
        """
        identity = DicomIdentity(
            patient_id=tidy(study("PatientID")),
            issuer=tidy(study("IssuerOfPatientID")),
            name=tidy(study("PatientName")),
            birth_date=tidy(study("PatientBirthDate")),
            study_uid=_uid(study("StudyInstanceUID")),
            series_uid="",
            study_date=tidy(study("StudyDate")),
        )
        offered = (
            OfferedSeries(
                _uid(one("SeriesInstanceUID")),
                whole_of(one("SeriesNumber")),
                tidy(one("SeriesDescription")),
                tidy(one("Modality")),
                whole_of(one("NumberOfSeriesRelatedInstances")),
            )
            for one in series
        )
        listed = tuple(
            replace(one, frames=frames(one.uid)) if one.images == 1 and one.modality == "MR" and one.uid else one
            for one in offered
        )
        count = whole_of(study("NumberOfStudyRelatedSeries"))
        if not problem and count is not None and count > len(listed):
            problem = f"the server counts {count} series but lists {len(listed)}"
        return cls(identity, listed, problem)


def frames_told(instance: Text) -> int | None:
    """Number of frames of an instance according to a server; a classic MR image has one; None if unknown."""
    frames = whole_of(instance("NumberOfFrames") or None)
    return frames or (1 if IMAGE_STORAGES.get(instance("SOPClassUID")) == "MR" else None)


def _uid(text: str) -> str:
    """A UID that is safe in paths and addresses; "" if it is not a valid UID."""
    bare = text.strip(" \0")
    return bare if is_uid(bare) else ""


class Server(Protocol):
    """A server that answers queries and sends instances. All its methods may raise a TransferError."""

    @property
    def limits(self) -> Limits:
        """Bounds on what is accepted."""
        ...

    def answers(self) -> tuple[str, ...]:
        """Connect, and query nothing that names a patient. The services that the server offers."""
        ...

    def examinations(self, patient: str, study: str) -> list[Offered]:
        """Query the examinations of a patient (wildcards * and ?) or with a study UID."""
        ...

    def instances(self, study: str, series: str) -> list[str]:
        """Query the SOP instance UIDs of a series."""
        ...

    def fetch(self, study: str, series: str, instances: Sequence[str], keep: Keep, *, whole: bool) -> None:
        """Pass each instance to `keep` (its UID, the bytes of a DICOM file); `whole` if they are the entire series."""
        ...


def pull(
    server: Server,
    private: Path,
    *,
    patient: str = "",
    study: str = "",
    say: Callable[[str], None] = lambda message: None,
    bar: Bar = lambda items, total, what: items,
    wait_s: float = 1.0,
) -> Folder:
    """Pull the matches of a query into PRIVATE/pulled, and return them as a source.

    Parameters
    ----------
    server : the server to pull from.
    private : private folder of the import.
    patient, study : PatientID (wildcards allowed) and StudyInstanceUID; if both are empty, everything is pulled.
    say, bar : print a message; draw progress.
    wait_s : time before the second attempt at a failed transfer; doubled each time.

    Returns
    -------
    The pulled objects; `problems` names what is missing.

    Raises
    ------
    DataError : the server cannot be queried, or finds nothing.
    StorageError : the disk is full; what was received is kept.
    """
    offered = asked(server, patient, study, wait_s=wait_s)
    numbered = list(enumerate(offered, 1))
    problems = [f"examination {number}: {one.problem}" for number, one in numbered if one.problem]
    wanted = [(number, one, series) for number, one in numbered for series in one.series]
    wanted = [(number, one, series) for number, one, series in wanted if series.modality in MODALITIES]
    say(f"the server has {len(offered)} examination(s), {len(wanted)} series of {', '.join(MODALITIES)}")
    private_folder(private, say)
    folder = private / "pulled"
    names: list[str] = []
    with hiding(lambda: None), logged_in(private / LOG, say=say):
        for number, one, series in bar(wanted, len(wanted), "series pulled"):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # pydicom's warnings quote values of the header
                    got, faults = _pull_series(server, one.identity.study_uid, series, folder, wait_s)
            except RadstudyError:
                raise
            except Exception as error:  # one series must not stop the others
                got, faults = [], [f"{unexpected(error)}; it is left out. To do: import again"]
            names += got
            problems += [f"examination {number}, series {series.number}: {problem}" for problem in faults]
    return Folder(folder, problems, only=tuple(dict.fromkeys(names)))


def services_of(server: Server) -> tuple[str, ...]:
    """Connect to a server, once. The services that it offers, such as C-FIND.

    Raises
    ------
    DataError : it does not answer, or refuses us.
    """
    try:
        return server.answers()
    except TransferError as error:
        remedy = error.remedy or "check its address, and that it knows this computer"
        raise DataError(f"the server does not answer as expected: {error}. To do: {remedy}") from error


def asked(server: Server, patient: str, study: str, *, wait_s: float = 1.0) -> list[Offered]:
    """Query a server; an examination whose series it does not list has a `problem`.

    Raises
    ------
    DataError : it does not answer, or finds nothing.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's warnings quote values of the header
        offered = _again(lambda: server.examinations(patient, study), wait_s)
        if not offered:
            raise DataError(
                "the server finds no examination. To do: check --patient and --study, and that it accepts our queries"
            )
        return [_listed(server, one, wait_s) for one in offered]


def _listed(server: Server, one: Offered, wait_s: float) -> Offered:
    """An examination with its series, queried again if they could not be listed the first time."""
    uid = one.identity.study_uid
    if not uid:
        return replace(one, problem="its StudyInstanceUID is not a valid UID; it is left out. To do: ask the "
        "administrator of the server to correct it")  # fmt: skip
    for attempt in range(1 if one.series else ATTEMPTS - 1):
        if not one.problem:
            break
        time.sleep(wait_s * 2**attempt)
        try:
            (one,) = [other for other in server.examinations("", uid) if other.identity.study_uid == uid][:1] or [one]
        except TransferError:
            continue
    if one.problem:
        rest = "the series listed are imported" if one.series else "it is left out"
        return replace(one, problem=f"not all of its series can be listed: {one.problem}; {rest}. To do: import again")
    return one


def describe_offered(offered: Iterable[Offered], rules: Rules) -> str:
    """Describe each examination by names and counts only, for a dry run: nothing is pulled."""
    lines = ["By names and counts only; b-values, phases and geometry are decided once the images are pulled."]
    offered = list(offered)
    known: dict[tuple[str, str], list[DicomIdentity]] = {}
    for one in offered:
        known.setdefault(_patient_of(one), []).append(one.identity)
    for number, one in enumerate(offered, 1):
        redact = Redactor(known[_patient_of(one)])
        listed = [
            Listed(redact(series.description), series.number, series.slices)
            for series in one.series
            if series.modality == "MR"
        ]
        lines.append(f"examination {number}" + (f": {one.problem}" if one.problem else ""))
        for decision in decide_listing(listed, rules):
            what = decision.role or f"{decision.status}: {decision.kind or decision.reason}"
            facts = decision.series.facts
            count = f"{decision.series.images or '?':>4} images"
            lines.append(f"  {facts.series_number!s:>6}  {facts.description[:40]:40}  {count} -> {what}")
    return "\n".join(lines)


def _patient_of(one: Offered) -> tuple[str, str]:
    return one.identity.patient_id, one.identity.issuer


def _pull_series(
    server: Server, study: str, series: OfferedSeries, folder: Path, wait_s: float
) -> tuple[list[str], list[str]]:
    """The names of the series' files, none if it is incomplete, and the problems with it."""
    if not series.uid:
        return [], ["its SeriesInstanceUID is not a valid UID; it is left out. To do: export it to a folder"]
    try:
        uids = list(dict.fromkeys(_again(lambda: server.instances(study, series.uid), wait_s)))
    except DataError as error:
        return [], [str(error)]
    if wrong := [uid for uid in uids if not is_uid(uid)]:
        return [], [f"{len(wrong)} of {len(uids)} SOPInstanceUIDs are not valid UIDs; it is left out. "
                    "To do: export it to a folder"]  # fmt: skip
    if not uids and series.images != 0:
        return [], ["the server lists no instance of it; it is left out. To do: ask the administrator of the server"]
    names = {uid: f"{_short(study, series.uid)}/{_short(uid)}.dcm" for uid in uids}
    record = folder / _short(study, series.uid) / PULLED
    _discard_damaged(folder, record)
    received = Received(folder, names, study, series.uid)
    failed = _fetch_all(server, study, series.uid, received, wait_s)
    got = [names[uid] for uid in uids if received.has(uid)]
    refused = [f"{count} object(s) refused, {why}" for why, count in received.refused.items()]
    if len(got) < len(uids):
        reasons = "; ".join([*([str(failed)] if failed else []), *refused])
        remedy = (failed and failed.remedy) or "import again"
        return [], [f"only {len(got)} of {len(uids)} instances arrived{reasons and f' ({reasons})'}; it is left out, "
        f"what arrived is kept. To do: {remedy}"]  # fmt: skip
    if series.images is not None and series.images != len(uids):
        return [], [f"the server counts {series.images} instances but lists {len(uids)}; it is left out"]
    hashes = {name: file_hash(folder / name) for name in got}
    keep_record(record, "", {"files": hashes}, compact=True, private=True)
    return got, [f"{why}; the series is complete without them" for why in refused]


def _fetch_all(server: Server, study: str, series: str, received: Received, wait_s: float) -> TransferError | None:
    """Fetch until all is received, or `ATTEMPTS` in a row brought nothing new; return the last error.

    Raises
    ------
    StorageError : the disk is full.
    """
    last: TransferError | None = None
    failed, until = 0, time.monotonic() + server.limits.transfer_s
    while (missing := received.missing()) and failed < ATTEMPTS:
        if time.monotonic() > until:
            return TransferError(f"it took longer than {server.limits.transfer_s:.0f} s", RAISE)
        if failed:
            time.sleep(wait_s * 2 ** (failed - 1))
        try:
            server.fetch(study, series, missing, received.keep, whole=len(missing) == len(received.names))
        except TransferError as error:
            last = error
        if received.full is not None:
            raise received.full
        left = len(received.missing())
        if left == len(missing) and last is not None and not last.again:
            break
        failed = 0 if left < len(missing) and left else failed + 1
    return last


def _discard_damaged(folder: Path, record: Path) -> None:
    """Remove files of an earlier pull that have changed since, so that they are fetched again."""
    earlier = kept_record(record, "") or {}
    for name, content in earlier.get("files", {}).items():
        if (folder / name).is_file() and file_hash(folder / name) != content:
            (folder / name).unlink()


def _again(ask: Callable[[], Answer], wait_s: float) -> Answer:
    """Query until the server answers, at most `ATTEMPTS` times; only once if the answer would not change."""
    for attempt in range(ATTEMPTS):
        try:
            return ask()
        except TransferError as error:
            last = error
            if not error.again:
                break
            if attempt < ATTEMPTS - 1:
                time.sleep(wait_s * 2**attempt)
    remedy = last.remedy or "check its address and that it is running"
    raise DataError(f"the server did not answer as expected: {last}. To do: {remedy}")


def _short(*uids: str) -> str:
    """A short file name from UIDs: paths on Windows are limited to 260 characters."""
    return hashlib.sha256("\0".join(uids).encode()).hexdigest()[:20]
