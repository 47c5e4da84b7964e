"""Pull examinations from a server into the private folder: resumable, repeated where it fails, counted.

Every instance is a file that is there whole or not at all, so a pull that was killed goes on where it was. Nothing is
ever written to the server.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, TypeVar

from radstudy.errors import DataError, StorageError
from radstudy.formats.dicom_classes import IMAGE_STORAGES
from radstudy.formats.dicom_header import Identity
from radstudy.formats.dicom_values import whole_of
from radstudy.intake.index import Bar
from radstudy.intake.listing import Listed, decide_listing
from radstudy.intake.pseudonyms import Redactor, private_folder
from radstudy.intake.rules import Rules
from radstudy.intake.sources import Folder
from radstudy.kept import keep as keep_record
from radstudy.kept import kept as kept_record
from radstudy.store import file_hash, write_bytes

MODALITIES = ("MR", "SEG", "RTSTRUCT")
ATTEMPTS = 4
PULLED = "pulled.json"  # in a series' folder: the hashes of its files
Answer = TypeVar("Answer")
Keep = Callable[[str, bytes], None]
Text = Callable[[str], str]  # the text of a tag by its keyword; "" where there is none


class TransferError(Exception):
    """A transfer broke off, or the server answered with an error; the text names no patient and no UID."""


@dataclass(frozen=True)
class OfferedSeries:
    """A series as a server lists it.

    Parameters
    ----------
    uid, number, description, modality : of the series.
    images : how many instances the server says it has, or None.
    frames : of a series of one instance: how many frames that has; None where not asked or not told.
    """

    uid: str
    number: int | None
    description: str
    modality: str
    images: int | None
    frames: int | None = None

    @property
    def slices(self) -> int:
        """How many images it holds; 0 where one instance may be one image or an enhanced multi-frame object."""
        return (self.frames or 0) if self.images == 1 else self.images or 0


@dataclass(frozen=True)
class Offered:
    """An examination as a server lists it."""

    identity: Identity
    series: tuple[OfferedSeries, ...]

    @classmethod
    def of(cls, study: Text, series: Iterable[Text], frames: Callable[[str], int | None]) -> Offered:
        """From the texts of a server's answers: one on the examination, one on each of its series.

        `frames` gives the number of frames of a series that has one instance, by the series' UID.
        """
        identity = Identity(
            patient_id=study("PatientID"),
            issuer=study("IssuerOfPatientID"),
            name=study("PatientName"),
            birth_date=study("PatientBirthDate"),
            study_uid=study("StudyInstanceUID"),
            series_uid="",
            study_date=study("StudyDate"),
        )
        offered = (
            OfferedSeries(
                one("SeriesInstanceUID"),
                whole_of(one("SeriesNumber")),
                one("SeriesDescription"),
                one("Modality"),
                whole_of(one("NumberOfSeriesRelatedInstances")),
            )
            for one in series
        )
        return cls(
            identity,
            tuple(
                replace(one, frames=frames(one.uid)) if one.images == 1 and one.modality == "MR" else one
                for one in offered
            ),
        )


def frames_told(instance: Text) -> int | None:
    """How many frames an instance has, by a server's answer on it: a classic MR image is one; None where unknown."""
    frames = whole_of(instance("NumberOfFrames") or None)
    return frames or (1 if IMAGE_STORAGES.get(instance("SOPClassUID")) == "MR" else None)


class Server(Protocol):
    """A server that can be asked and that gives instances."""

    def examinations(self, patient: str, study: str) -> list[Offered]:
        """The examinations of a patient (wildcards * and ?) or with a study UID."""
        ...

    def instances(self, study: str, series: str) -> list[str]:
        """The SOP instance UIDs of a series."""
        ...

    def fetch(self, study: str, series: str, instances: Sequence[str], keep: Keep, *, whole: bool) -> None:
        """Give each instance to `keep` (its UID, the bytes of a DICOM file); `whole`: they are all of the series."""
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
    """Pull what a query finds into PRIVATE/pulled, and give it as a source.

    Parameters
    ----------
    server : where to.
    private : folder of what identifies patients.
    patient, study : PatientID (wildcards allowed) and StudyInstanceUID; both empty pulls all of the server.
    say, bar : print a message; draw progress.
    wait_s : before the second attempt at a transfer that failed; doubled each time.

    Returns
    -------
    The pulled objects; `problems` names what did not come.

    Raises
    ------
    DataError : the server cannot be asked, or finds nothing.
    StorageError : the disk is full; what has come stays.
    """
    offered = asked(server, patient, study, wait_s=wait_s)
    wanted = [(one, series) for one in offered for series in one.series if series.modality in MODALITIES]
    say(f"the server has {len(offered)} examination(s), {len(wanted)} series of {', '.join(MODALITIES)}")
    private_folder(private)
    folder = private / "pulled"
    names: list[str] = []
    problems: list[str] = []
    for one, series in bar(wanted, len(wanted), "series pulled"):
        got, problem = _pull_series(server, one.identity.study_uid, series, folder, wait_s)
        names += got
        problems += [problem] if problem else []
    return Folder(folder, problems, only=tuple(names))


def asked(server: Server, patient: str, study: str, *, wait_s: float = 1.0) -> list[Offered]:
    """What the server finds.

    Raises
    ------
    DataError : it does not answer, or finds nothing.
    """
    offered = _again(lambda: server.examinations(patient, study), wait_s)
    if not offered:
        raise DataError("the server finds no examination. To do: check --patient and --study, and that it may be asked")
    return offered


def describe_offered(offered: Iterable[Offered], rules: Rules) -> str:
    """What names and counts alone say of each examination, for a dry run: nothing is pulled."""
    lines = ["By names and counts alone; b-values, phases and geometry are decided when the images are there."]
    offered = list(offered)
    known: dict[tuple[str, str], list[Identity]] = {}
    for one in offered:
        known.setdefault(_patient_of(one), []).append(one.identity)
    for number, one in enumerate(offered, 1):
        redact = Redactor(known[_patient_of(one)])
        listed = [
            Listed(redact(series.description), series.number, series.slices)
            for series in one.series
            if series.modality == "MR"
        ]
        lines.append(f"examination {number}")
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
) -> tuple[list[str], str]:
    """The names of the series' files, none where it did not come whole, and what is wrong with it."""
    where = f"series {series.number}"
    try:
        uids = _again(lambda: server.instances(study, series.uid), wait_s)
    except DataError as error:
        return [], f"{where}: {error}"
    names = {uid: f"{_short(study, series.uid)}/{_short(uid)}.dcm" for uid in uids}
    record = folder / _short(study, series.uid) / PULLED
    _discard_damaged(folder, record)

    full: list[StorageError] = []

    def keep(uid: str, content: bytes) -> None:
        try:
            if uid in names:
                write_bytes(folder / names[uid], content)
        except StorageError as error:  # a server's library may turn it into a status of the transfer
            full.append(error)
            raise

    reason = ""
    failed = 0
    while missing := [uid for uid in uids if not (folder / names[uid]).is_file()]:
        if failed == ATTEMPTS:
            break
        if failed:
            time.sleep(wait_s * 2 ** (failed - 1))
        try:
            server.fetch(study, series.uid, missing, keep, whole=len(missing) == len(uids))
        except TransferError as error:
            reason = f" ({error})"
        if full:
            raise full[0]
        left = sum(not (folder / names[uid]).is_file() for uid in missing)
        failed = 0 if left < len(missing) and left else failed + 1
    got = [names[uid] for uid in uids if (folder / names[uid]).is_file()]
    if len(got) < len(uids):
        return [], f"{where}: {len(got)} of {len(uids)} instances came{reason}; it is left out. To do: import again"
    if series.images is not None and series.images != len(uids):
        return [], f"{where}: the server counts {series.images} instances but lists {len(uids)}; it is left out"
    keep_record(record, "", {"files": {name: file_hash(folder / name) for name in got}}, compact=True)
    return got, ""


def _discard_damaged(folder: Path, record: Path) -> None:
    """Remove what an earlier pull has written and is not as it was, so that it is fetched again."""
    found = kept_record(record, "") or {}
    for name, content in found.get("files", {}).items():
        if (folder / name).is_file() and file_hash(folder / name) != content:
            (folder / name).unlink()


def _again(ask: Callable[[], Answer], wait_s: float) -> Answer:
    """Ask until the server answers, at most `ATTEMPTS` times."""
    for attempt in range(ATTEMPTS):
        try:
            return ask()
        except TransferError as error:
            last = error
            if attempt < ATTEMPTS - 1:
                time.sleep(wait_s * 2**attempt)
    raise DataError(f"the server does not answer ({last}). To do: check its address and that it is running")


def _short(*uids: str) -> str:
    """A short file name of UIDs: paths on Windows have a limit of 260 characters."""
    return hashlib.sha256("\0".join(uids).encode()).hexdigest()[:20]
