"""A PACS over DIMSE: C-FIND for queries, C-GET (or C-MOVE to our own receiver) for retrieval (DICOM PS3.4 C)."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from radstudy.formats.dicom_classes import DRAWINGS, IMAGE_STORAGES
from radstudy.formats.dicom_values import text_of
from radstudy.intake.limits import RAISE, Limits, server_limits
from radstudy.intake.pull import Keep, Offered, frames_told
from radstudy.intake.receiver import SYNTAXES, Peers, receiving, store
from radstudy.intake.server_texts import is_uid
from radstudy.intake.transfer_error import TransferError
from radstudy.intake.watch import Watch

_ECHO = "1.2.840.10008.1.1"
_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
_MOVE = "1.2.840.10008.5.1.4.1.2.2.2"
_GET = "1.2.840.10008.5.1.4.1.2.2.3"
_PENDING = (0xFF00, 0xFF01)
_CHARACTER_SETS = ("ISO_IR 192", "GB18030")  # tried in turn for a query that is not ASCII (PS3.3 C.12.1.1.2)


@dataclass(frozen=True)
class Dimse:
    """A PACS.

    Parameters
    ----------
    host, port, title : address and application entity title of the PACS.
    own_title : our application entity title, which the PACS must know.
    move_port : None retrieves by C-GET; otherwise by C-MOVE to our receiver on this port, under `own_title`, which must
        be registered in the PACS.
    timeout_s : give up on a PACS that sends nothing for this long.
    move_address : address that the receiver listens on; "": that of this computer on the PACS's network.
    move_from : other permitted senders, each TITLE@ADDRESS; the PACS itself is always permitted.
    limits : bounds on what is accepted.
    """

    host: str
    port: int
    title: str
    own_title: str = "RADSTUDY"
    move_port: int | None = None
    timeout_s: float = 60
    move_address: str = ""
    move_from: tuple[str, ...] = ()
    limits: Limits = field(default_factory=server_limits)

    def answers(self) -> tuple[str, ...]:
        """Send a C-ECHO. The services that the PACS accepts from us: C-FIND, C-GET, C-MOVE."""
        services = {_FIND: "C-FIND", _GET: "C-GET", _MOVE: "C-MOVE"}
        with self._association([_ECHO, *services]) as link:
            link.watch.begin(self.timeout_s)
            accepted = {str(context.abstract_syntax) for context in link.association.accepted_contexts}
            if _ECHO in accepted:
                with _libraries_faults():
                    _check(link.association.send_c_echo(), link.watch)
            return tuple(name for model, name in services.items() if model in accepted)

    def examinations(self, patient: str, study: str) -> list[Offered]:
        """Query the examinations of a patient (wildcards * and ?) or with a study UID."""
        keys = {"PatientID": patient, "StudyInstanceUID": study, "IssuerOfPatientID": "", "PatientName": "",
                "PatientBirthDate": "", "StudyDate": "", "NumberOfStudyRelatedSeries": ""}  # fmt: skip
        with self._association([_FIND]) as association:
            for character_set in _CHARACTER_SETS if not patient.isascii() else ("",):
                asked = {"SpecificCharacterSet": character_set, **keys} if character_set else keys
                studies = self._find(association, "STUDY", asked)
                if studies:
                    break
        return [self._offered(one) for one in studies]

    def instances(self, study: str, series: str) -> list[str]:
        """Query the SOP instance UIDs of a series."""
        keys = {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": ""}
        with self._association([_FIND]) as association:
            return [text_of(one, "SOPInstanceUID") for one in self._find(association, "IMAGE", keys)]

    def fetch(self, study: str, series: str, instances: Sequence[str], keep: Keep, *, whole: bool) -> None:
        """Pass each instance to `keep`: a whole series at once, otherwise one by one."""
        wanted = [{"StudyInstanceUID": study, "SeriesInstanceUID": series}]
        if not whole:
            wanted = [{**wanted[0], "SOPInstanceUID": uid} for uid in instances]
        level = "SERIES" if whole else "IMAGE"
        if self.move_port is not None:
            self._move(level, wanted, keep, self.move_port)
            return
        with self._association([_GET], storing=keep) as link:
            for keys in wanted:
                self._run(link, partial(link.association.send_c_get, _identifier(level, keys), _GET))

    def _move(self, level: str, wanted: list[dict[str, str]], keep: Keep, port: int) -> None:
        peers = Peers.of(self.title, self.host, self.move_from)
        with (
            self._association([_MOVE]) as link,
            receiving(
                port, self.move_address or link.address, self.own_title, peers, keep, link.watch, self.limits
            ) as refused,
        ):
            try:
                for keys in wanted:
                    send = partial(link.association.send_c_move, _identifier(level, keys), self.own_title, _MOVE)
                    self._run(link, send)
            except TransferError as error:
                if not refused:
                    raise
                raise _with_refused(str(error), refused) from error
            if refused:
                raise _with_refused("some connections were refused", refused)

    def _offered(self, study: Any) -> Offered:
        uid = text_of(study, "StudyInstanceUID")
        keys = {"StudyInstanceUID": uid, "SeriesInstanceUID": "", "SeriesNumber": "", "SeriesDescription": "",
                "Modality": "", "NumberOfSeriesRelatedInstances": ""}  # fmt: skip
        if not is_uid(uid):
            return Offered.of(partial(text_of, study), [], lambda series: None)
        try:
            with self._association([_FIND]) as association:
                series = self._find(association, "SERIES", keys)
                texts = [partial(text_of, one) for one in series]
                return Offered.of(partial(text_of, study), texts, partial(self._frames, association, uid))
        except TransferError as error:
            problem = str(error)
        return Offered.of(partial(text_of, study), [], lambda series: None, problem=problem)

    def _frames(self, association: Any, study: str, series: str) -> int | None:
        """Query the number of frames of a series with one instance; None if the PACS does not say."""
        keys = {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": "", "SOPClassUID": "",
                "NumberOfFrames": ""}  # fmt: skip
        matches = self._find(association, "IMAGE", keys)
        return frames_told(partial(text_of, matches[0])) if matches else None

    def _find(self, link: _Link, level: str, keys: dict[str, str]) -> list[Any]:
        matches: list[Any] = []
        link.watch.begin(self.limits.query_s)
        with _libraries_faults():
            for status, match in link.association.send_c_find(_identifier(level, keys), _FIND):
                _check(status, link.watch)
                if status.Status in _PENDING and match is None:
                    raise TransferError("an answer to a query cannot be decoded")
                if status.Status in _PENDING:
                    matches.append(match)
                if len(matches) > self.limits.matches:
                    raise TransferError(f"a query has more than {self.limits.matches} matches", RAISE, again=False)
        return matches

    def _run(self, link: _Link, begin: Callable[[], Any]) -> None:
        """Follow a C-GET or C-MOVE to its end."""
        link.watch.begin(self.limits.transfer_s)
        with _libraries_faults():
            for status, _ in begin():
                _check(status, link.watch)

    @contextmanager
    def _association(self, models: list[str], storing: Keep | None = None) -> Iterator[_Link]:
        from pynetdicom import AE, build_context, build_role, evt

        logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)  # its messages may name patients
        entity = AE(ae_title=self.own_title)
        entity.acse_timeout = entity.connection_timeout = self.timeout_s
        entity.network_timeout = None  # `Watch` ends it
        entity.dimse_timeout = self.limits.transfer_s + self.timeout_s
        watch = Watch(self.limits, self.timeout_s)
        contexts, roles = [build_context(model) for model in models], []
        handlers: list[Any] = [(evt.EVT_CONN_OPEN, watch.opened), (evt.EVT_DIMSE_RECV, watch.message_ends)]
        if storing is not None:
            for storage in (*IMAGE_STORAGES, *DRAWINGS):
                contexts += [build_context(storage, syntax) for syntax in SYNTAXES]
                roles.append(build_role(storage, scp_role=True))
            handlers.append((evt.EVT_C_STORE, store, [storing, watch]))
        with watch.watching():
            association = entity.associate(
                self.host, self.port, contexts=contexts, ext_neg=[*roles], ae_title=self.title, evt_handlers=handlers
            )
            if not association.is_established:
                watch.check()
                raise TransferError(f"{self.title} at {self.host}:{self.port} does not accept an association")
            waiting = partial(_for_those_who_wait, association.dimse.get_msg)
            association.dimse.get_msg = waiting  # type: ignore[method-assign]  # pynetdicom has no other way
            try:
                yield _Link(association, watch)
            except BaseException:  # an unfinished operation cannot be followed by a release
                association.abort()
                raise
            if association.is_established:
                association.release()


@dataclass(frozen=True)
class _Link:
    """An association and its watch."""

    association: Any
    watch: Watch

    @property
    def address(self) -> str:
        """The address of this computer on the PACS's network."""
        return str(self.association.requestor.address)


def _for_those_who_wait(get_msg: Callable[..., Any], block: bool = False) -> Any:
    """Return the next message only to the operation that waits for it.

    pynetdicom's own thread also polls for messages, without waiting, to serve requests. On a busy computer it may do so
    once more after an operation has begun, and would then silently drop the first answer: one series fewer.
    """
    return get_msg(block=True) if block else (None, None)


def _with_refused(problem: str, refused: Sequence[str]) -> TransferError:
    return TransferError(
        f"{problem}; refused: {'; '.join(dict.fromkeys(refused))}",
        "if the PACS sends from there, name it with --move-from TITLE@ADDRESS; its entry for us must have --own-title",
    )


@contextmanager
def _libraries_faults() -> Iterator[None]:
    """Turn what pynetdicom raises into a TransferError if the association has ended or an answer cannot be decoded."""
    try:
        yield
    except (RuntimeError, ValueError, AttributeError, KeyError, TypeError) as error:
        what = f"the association has ended, or an answer cannot be decoded: {type(error).__name__}"
        raise TransferError(what) from error


def _identifier(level: str, keys: dict[str, str]) -> Any:
    from pydicom.dataset import Dataset

    identifier = Dataset()
    identifier.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(identifier, keyword, value)
    return identifier


def _check(status: Any, watch: Watch) -> None:
    """Raise if the PACS has broken off or reports a failure (an empty status is a lost connection)."""
    watch.check()
    if not status or "Status" not in status:
        raise TransferError("the connection was lost")
    if status.Status not in (*_PENDING, 0x0000, 0xB000):
        raise TransferError(f"the PACS answered with status 0x{status.Status:04X}")
