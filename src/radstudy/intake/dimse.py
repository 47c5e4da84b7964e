"""A PACS over DIMSE: C-FIND to ask, C-GET (or C-MOVE to a receiver of our own) to fetch (DICOM PS3.4 C)."""

from __future__ import annotations

import logging
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

from radstudy.formats.dicom_classes import DRAWINGS, IMAGE_STORAGES
from radstudy.formats.dicom_values import text_of
from radstudy.intake.pull import Keep, Offered, TransferError, frames_told

_FIND = "1.2.840.10008.5.1.4.1.2.2.1"
_MOVE = "1.2.840.10008.5.1.4.1.2.2.2"
_GET = "1.2.840.10008.5.1.4.1.2.2.3"
_PENDING = (0xFF00, 0xFF01)
_CHARACTER_SETS = ("ISO_IR 192", "GB18030")  # of a query that is not ASCII, one after the other (PS3.3 C.12.1.1.2)
_SYNTAXES = (
    "1.2.840.10008.1.2.1", "1.2.840.10008.1.2", "1.2.840.10008.1.2.4.70", "1.2.840.10008.1.2.4.80",
    "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.5",
)  # fmt: skip


@dataclass(frozen=True)
class Dimse:
    """A PACS.

    Parameters
    ----------
    host, port, title : of the PACS; its application entity title.
    own_title : ours, as the PACS has to know it.
    move_port : None fetches by C-GET; else by C-MOVE to a receiver of ours on this port, under `own_title`, which the
        PACS must have registered.
    timeout_s : for an answer.
    """

    host: str
    port: int
    title: str
    own_title: str = "RADSTUDY"
    move_port: int | None = None
    timeout_s: float = 60

    def examinations(self, patient: str, study: str) -> list[Offered]:
        """The examinations of a patient (wildcards * and ?) or with a study UID."""
        keys = {"PatientID": patient, "StudyInstanceUID": study, "IssuerOfPatientID": "", "PatientName": "",
                "PatientBirthDate": "", "StudyDate": ""}  # fmt: skip
        with self._association([_FIND]) as association:
            for character_set in _CHARACTER_SETS if not patient.isascii() else ("",):
                asked = {"SpecificCharacterSet": character_set, **keys} if character_set else keys
                studies = self._find(association, "STUDY", asked)
                if studies:
                    break
            return [self._offered(association, one) for one in studies]

    def instances(self, study: str, series: str) -> list[str]:
        """The SOP instance UIDs of a series."""
        keys = {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": ""}
        with self._association([_FIND]) as association:
            return [uid for one in self._find(association, "IMAGE", keys) if (uid := text_of(one, "SOPInstanceUID"))]

    def fetch(self, study: str, series: str, instances: Sequence[str], keep: Keep, *, whole: bool) -> None:
        """Give each instance to `keep`: a whole series at once, else one by one."""
        wanted = [{"StudyInstanceUID": study, "SeriesInstanceUID": series}]
        if not whole:
            wanted = [{**wanted[0], "SOPInstanceUID": uid} for uid in instances]
        level = "SERIES" if whole else "IMAGE"
        if self.move_port is not None:
            self._move(level, wanted, keep, self.move_port)
            return
        with self._association([_GET], storing=keep) as association:
            for keys in wanted:
                self._run(association.send_c_get(_identifier(level, keys), _GET))

    def _move(self, level: str, wanted: list[dict[str, str]], keep: Keep, port: int) -> None:
        from pynetdicom import AE, evt

        receiver = AE(ae_title=self.own_title)
        for storage in (*IMAGE_STORAGES, *DRAWINGS):
            receiver.add_supported_context(storage, list(_SYNTAXES))
        try:
            server = receiver.start_server(
                ("", port), block=False, evt_handlers=[(evt.EVT_C_STORE, _store, [keep]), (evt.EVT_CONN_OPEN, _quick)]
            )
        except OSError as error:
            raise TransferError(f"port {port} cannot be opened to receive: {type(error).__name__}") from error
        try:
            with self._association([_MOVE]) as association:
                for keys in wanted:
                    self._run(association.send_c_move(_identifier(level, keys), self.own_title, _MOVE))
        finally:
            server.shutdown()

    def _offered(self, association: Any, study: Any) -> Offered:
        uid = text_of(study, "StudyInstanceUID")
        keys = {"StudyInstanceUID": uid, "SeriesInstanceUID": "", "SeriesNumber": "", "SeriesDescription": "",
                "Modality": "", "NumberOfSeriesRelatedInstances": ""}  # fmt: skip
        series = self._find(association, "SERIES", keys)
        return Offered.of(
            partial(text_of, study), [partial(text_of, one) for one in series], partial(self._frames, association, uid)
        )

    def _frames(self, association: Any, study: str, series: str) -> int | None:
        """How many frames the one instance of a series has; None where the PACS does not tell."""
        keys = {"StudyInstanceUID": study, "SeriesInstanceUID": series, "SOPInstanceUID": "", "SOPClassUID": "",
                "NumberOfFrames": ""}  # fmt: skip
        found = self._find(association, "IMAGE", keys)
        return frames_told(partial(text_of, found[0])) if found else None

    def _find(self, association: Any, level: str, keys: dict[str, str]) -> list[Any]:
        found = []
        for status, match in association.send_c_find(_identifier(level, keys), _FIND):
            _check(status)
            if status.Status in _PENDING and match is not None:
                found.append(match)
        return found

    def _run(self, responses: Any) -> None:
        """Follow a C-GET or C-MOVE to its end."""
        for status, _ in responses:
            _check(status)

    @contextmanager
    def _association(self, models: list[str], storing: Keep | None = None) -> Iterator[Any]:
        from pynetdicom import AE, build_context, build_role, evt

        logging.getLogger("pynetdicom").setLevel(logging.CRITICAL)  # its messages may name patients
        entity = AE(ae_title=self.own_title)
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = entity.connection_timeout = self.timeout_s
        contexts, roles = [build_context(model) for model in models], []
        handlers: list[Any] = [(evt.EVT_CONN_OPEN, _quick)]
        if storing is not None:
            for storage in (*IMAGE_STORAGES, *DRAWINGS):
                contexts += [build_context(storage, syntax) for syntax in _SYNTAXES]
                roles.append(build_role(storage, scp_role=True))
            handlers.append((evt.EVT_C_STORE, _store, [storing]))
        association = entity.associate(
            self.host, self.port, contexts=contexts, ext_neg=roles, ae_title=self.title, evt_handlers=handlers
        )
        if not association.is_established:
            raise TransferError(f"{self.title} at {self.host}:{self.port} gives no association")
        try:
            yield association
        finally:
            if association.is_established:
                association.release()


def _quick(event: Any) -> None:
    """Send small packets at once: with Nagle's algorithm every operation waits for a delayed acknowledgement."""
    connection = event.assoc.dul.socket.socket
    if connection is not None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _store(event: Any, keep: Keep) -> int:
    keep(str(event.request.AffectedSOPInstanceUID), event.encoded_dataset())
    return 0x0000


def _identifier(level: str, keys: dict[str, str]) -> Any:
    from pydicom.dataset import Dataset

    identifier = Dataset()
    identifier.QueryRetrieveLevel = level
    for keyword, value in keys.items():
        setattr(identifier, keyword, value)
    return identifier


def _check(status: Any) -> None:
    """Raise where the PACS has broken off or reports a failure (an empty status is a lost connection)."""
    if not status or "Status" not in status:
        raise TransferError("the connection broke off")
    if status.Status not in (*_PENDING, 0x0000, 0xB000):
        raise TransferError(f"the PACS answers with status 0x{status.Status:04X}")
