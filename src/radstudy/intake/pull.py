"""Pull examinations from a server into the private folder: resumable, repeated where it fails, counted.

Every instance is a file that is there whole or not at all, so a pull that was killed goes on where it was. Nothing is
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
from radstudy.formats.dicom_header import Identity
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
Text = Callable[[str], str]  # the text of a tag by its keyword; "" where there is none


@dataclass(frozen=True)
class OfferedSeries:
    """A series as a server lists it.

    Parameters
    ----------
    uid, number, description, modality : of the series; `uid` is empty where what the server gives has not its form.
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
    """An examination as a server lists it.

    Parameters
    ----------
    identity : whose it is.
    series : of it.
    problem : why its series, or some of them, are not known; "" where they are.
    """

    identity: Identity
    series: tuple[OfferedSeries, ...]
    problem: str = ""

    @classmethod
    def of(
        cls, study: Text, series: Iterable[Text], frames: Callable[[str], int | None], *, problem: str = ""
    ) -> Offered:
        """From the texts of a server's answers: one on the examination, one on each of its series.

        `frames` gives the number of frames of a series that has one instance, by the series' UID.
        """
        identity = Identity(
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
    """How many frames an instance has, by a server's answer on it: a classic MR image is one; None where unknown."""
    frames = whole_of(instance("NumberOfFrames") or None)
    return frames or (1 if IMAGE_STORAGES.get(instance("SOPClassUID")) == "MR" else None)


def _uid(text: str) -> str:
    """A UID as it may enter paths and addresses; "" where it has not the form of one."""
    bare = text.strip(" \0")
    return bare if is_uid(bare) else ""


class Server(Protocol):
    """A server that can be asked and that gives instances. All its methods may raise a TransferError."""

    @property
    def limits(self) -> Limits:
        """Bounds on what is taken."""
        ...

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
                    warnings.simplefilter("ignore")  # pydicom's warnings quote the values that they are about
                    got, found = _pull_series(server, one.identity.study_uid, series, folder, wait_s)
            except RadstudyError:
                raise
            except Exception as error:  # one series must not keep the others from coming
                got, found = [], [f"{unexpected(error)}; it is left out. To do: import again"]
            names += got
            problems += [f"examination {number}, series {series.number}: {problem}" for problem in found]
    return Folder(folder, problems, only=tuple(dict.fromkeys(names)))


def asked(server: Server, patient: str, study: str, *, wait_s: float = 1.0) -> list[Offered]:
    """What the server finds; an examination whose series it does not list has a `problem`.

    Raises
    ------
    DataError : it does not answer, or finds nothing.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pydicom's warnings quote the values that they are about
        offered = _again(lambda: server.examinations(patient, study), wait_s)
        if not offered:
            raise DataError(
                "the server finds no examination. To do: check --patient and --study, and that it may be asked"
            )
        return [_listed(server, one, wait_s) for one in offered]


def _listed(server: Server, one: Offered, wait_s: float) -> Offered:
    """An examination with its series, asked for again where they could not be listed the first time."""
    uid = one.identity.study_uid
    if not uid:
        return replace(one, problem="its StudyInstanceUID has not the form of a UID; it is left out. To do: ask the "
                                    "keeper of the server to mend it")  # fmt: skip
    for attempt in range(1 if one.series else ATTEMPTS - 1):
        if not one.problem:
            break
        time.sleep(wait_s * 2**attempt)
        try:
            (one,) = [other for other in server.examinations("", uid) if other.identity.study_uid == uid][:1] or [one]
        except TransferError:
            continue
    if one.problem:
        rest = "what it lists is imported" if one.series else "it is left out"
        return replace(one, problem=f"its series cannot all be listed: {one.problem}; {rest}. To do: import again")
    return one


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
    """The names of the series' files, none where it did not come whole, and what is wrong with it."""
    if not series.uid:
        return [], ["its SeriesInstanceUID has not the form of a UID; it is left out. To do: export it to a folder"]
    try:
        uids = list(dict.fromkeys(_again(lambda: server.instances(study, series.uid), wait_s)))
    except DataError as error:
        return [], [str(error)]
    if wrong := [uid for uid in uids if not is_uid(uid)]:
        return [], [f"{len(wrong)} of {len(uids)} SOPInstanceUIDs have not the form of a UID; it is left out. "
                    "To do: export it to a folder"]  # fmt: skip
    if not uids and series.images != 0:
        return [], ["the server lists no instance of it; it is left out. To do: ask the keeper of the server"]
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
        return [], [f"{len(got)} of {len(uids)} instances came{reasons and f' ({reasons})'}; it is left out, what came "
                    f"is kept. To do: {remedy}"]  # fmt: skip
    if series.images is not None and series.images != len(uids):
        return [], [f"the server counts {series.images} instances but lists {len(uids)}; it is left out"]
    hashes = {name: file_hash(folder / name) for name in got}
    keep_record(record, "", {"files": hashes}, compact=True, private=True)
    return got, [f"{why}; the series is whole without" for why in refused]


def _fetch_all(server: Server, study: str, series: str, received: Received, wait_s: float) -> TransferError | None:
    """Fetch until all is there, or `ATTEMPTS` in a row brought nothing new; gives what went wrong last.

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
    """Remove what an earlier pull has written and is not as it was, so that it is fetched again."""
    found = kept_record(record, "") or {}
    for name, content in found.get("files", {}).items():
        if (folder / name).is_file() and file_hash(folder / name) != content:
            (folder / name).unlink()


def _again(ask: Callable[[], Answer], wait_s: float) -> Answer:
    """Ask until the server answers, at most `ATTEMPTS` times; once where another answer is not to be expected."""
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
    raise DataError(f"the server does not answer as it should: {last}. To do: {remedy}")


def _short(*uids: str) -> str:
    """A short file name of UIDs: paths on Windows have a limit of 260 characters."""
    return hashlib.sha256("\0".join(uids).encode()).hexdigest()[:20]
