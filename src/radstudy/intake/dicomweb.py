"""A DICOMweb server: QIDO-RS for queries, WADO-RS for retrieval (DICOM PS3.18). Only GET is ever sent."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

from radstudy.intake.limits import RAISE, Limits, server_limits
from radstudy.intake.multipart import parts_of
from radstudy.intake.pull import Keep, Offered, frames_told
from radstudy.intake.server_texts import is_uid, tidy
from radstudy.intake.transfer_error import RefusedObjectError, TransferError
from radstudy.intake.web import Web

QIDO = "QIDO-RS"
_PAGE = 500
_WRITINGS = ("Alphabetic", "Ideographic", "Phonetic")  # forms of a name in DICOM JSON (PS3.18 F.2.2)
_JSON = "application/dicom+json"
_AS_STORED = 'multipart/related; type="application/dicom"; transfer-syntax=*'


class DicomWeb:
    """A DICOMweb server.

    Parameters
    ----------
    url : its root, such as https://pacs.example.org/dicom-web.
    timeout_s : longest wait for an answer to begin.
    limits : bounds on what is accepted; by default those of `server_limits`.
    """

    def __init__(self, url: str, *, timeout_s: float = 60, limits: Limits | None = None) -> None:
        self.limits = limits or server_limits()
        self._wait_s = timeout_s
        self._web = Web(url, timeout_s=timeout_s, limits=self.limits)

    def close(self) -> None:
        """Close the connections."""
        self._web.close()

    def answers(self) -> tuple[str, ...]:
        """Ask for one examination; what the server answers is not kept. The services that it offers."""
        self._get("studies?limit=1", time.monotonic() + self._wait_s)
        return (QIDO,)

    def examinations(self, patient: str, study: str) -> list[Offered]:
        """Query the examinations of a patient (wildcards * and ?) or with a study UID."""
        until = time.monotonic() + self.limits.listing_s
        filters = {"PatientID": patient, "StudyInstanceUID": study}
        fields = "&includefield=00100021&includefield=00100030&includefield=00201206"
        matches = self._query("studies", {key: value for key, value in filters.items() if value}, fields, until)
        return [self._offered(one, until) for one in matches]

    def instances(self, study: str, series: str) -> list[str]:
        """Query the SOP instance UIDs of a series."""
        matches = self._query(f"studies/{study}/series/{series}/instances", {}, "")
        return [_text(one, "SOPInstanceUID").strip(" \0") for one in matches]

    def fetch(self, study: str, series: str, instances: Sequence[str], keep: Keep, *, whole: bool) -> None:
        """Pass each instance to `keep`: a whole series in one answer, otherwise one by one."""
        if whole:
            self._retrieve(f"studies/{study}/series/{series}", keep, self.limits.series_bytes)
            return
        failed: TransferError | None = None
        for uid in instances:
            try:
                self._retrieve(
                    f"studies/{study}/series/{series}/instances/{uid}", keep, self.limits.object_bytes + (1 << 16)
                )
            except TransferError as error:
                if error.again:
                    raise
                failed = error  # concerns only this instance
        if failed is not None:
            raise failed

    def _retrieve(self, path: str, keep: Keep, most: int) -> None:
        with self._web.get(path, accept=_AS_STORED, total_s=self.limits.transfer_s) as answer:
            if answer.status_code == 204:
                raise TransferError("the server returned an empty answer")
            kind = answer.headers.get("Content-Type", "")
            for part in parts_of(self._web.chunks(answer, most), kind, self.limits.object_bytes):
                try:
                    keep("", part)
                except RefusedObjectError:  # noted by `keep`; the others are still wanted
                    continue

    def _offered(self, study: dict[str, Any], until: float) -> Offered:
        uid = _text(study, "StudyInstanceUID").strip(" \0")
        series: list[dict[str, Any]] = []
        problem = ""
        frames = partial(self._frames, uid, until)
        try:
            if is_uid(uid):
                fields = "&includefield=00201209&includefield=0008103E"
                series = self._query(f"studies/{uid}/series", {}, fields, until)
            return Offered.of(partial(_text, study), [partial(_text, one) for one in series], frames)
        except TransferError as error:
            problem = str(error)
        return Offered.of(partial(_text, study), [], frames, problem=problem)

    def _frames(self, study: str, until: float, series: str) -> int | None:
        """Query the number of frames of a series with one instance; None if the server does not say."""
        fields = "&includefield=00280008&includefield=00080016"
        matches = self._query(f"studies/{study}/series/{series}/instances", {}, fields, until)
        return frames_told(partial(_text, matches[0])) if matches else None

    def _query(
        self, path: str, filters: dict[str, str], fields: str, until: float | None = None
    ) -> list[dict[str, Any]]:
        """Collect all matches, page by page. Wildcards are not escaped: servers would not recognise them.

        A page may be shorter than requested if the server has its own limit: the end is an empty page.
        """
        given = "".join(f"&{key}={quote(value, safe='*?')}" for key, value in filters.items())
        end = time.monotonic() + self.limits.query_s
        end = end if until is None else min(end, until)
        matches: dict[str, dict[str, Any]] = {}
        came = 0
        for _ in range(self.limits.pages):
            page = self._get(f"{path}?limit={_PAGE}&offset={came}{given}{fields}", end)
            fresh = {key: one for one in page if (key := json.dumps(one, sort_keys=True)) not in matches}
            came += len(page)
            matches |= fresh
            if len(matches) > self.limits.matches:
                raise self._too_many()
            if not fresh:
                if len(page) == _PAGE:
                    raise TransferError(
                        f"the server returned the same {_PAGE} matches again when asked for the following ones",
                        "narrow the query with --patient or --study",
                        again=False,
                    )
                return list(matches.values())
        raise TransferError(f"a query has more than {self.limits.pages} pages", RAISE, again=False)

    def _get(self, path: str, end: float) -> list[dict[str, Any]]:
        with self._web.get(path, accept=_JSON, total_s=max(0.0, end - time.monotonic())) as answer:
            body = b"".join(self._web.chunks(answer, self.limits.answer_bytes))
            if body.count(b"{") + body.count(b"[") > self.limits.answer_values:
                raise TransferError(
                    f"an answer has more than {self.limits.answer_values} lists and objects", RAISE, again=False
                )
            matches = _matches(body, answer.headers.get("Content-Type", ""))
        if len(matches) > self.limits.matches:
            raise self._too_many()
        return matches

    def _too_many(self) -> TransferError:
        return TransferError(f"a query has more than {self.limits.matches} matches", RAISE, again=False)


def _matches(body: bytes, kind: str) -> list[dict[str, Any]]:
    """Parse the matches in an answer; none in an empty one.

    References
    ----------
    DICOM PS3.18 F.2 (DICOM JSON model).
    """
    if not body.strip():
        return []
    try:
        content = json.loads(body)
    except (ValueError, RecursionError) as error:
        what = f"an answer is not valid JSON (its type is '{tidy(kind)[:60]}')"
        raise TransferError(what, "check that the address is the root of the DICOMweb service", again=False) from error
    if not isinstance(content, list) or not all(isinstance(one, dict) for one in content):
        raise TransferError("an answer is not a list of matches", again=False)
    for one in content:
        for tag, element in one.items():
            if not isinstance(element, dict) or not isinstance(element.get("Value") or [], list):
                raise TransferError(
                    f"the element '{tidy(tag)[:8]}' of a match is not valid DICOM JSON (PS3.18 F.2)", again=False
                )
    return content


def _text(one: dict[str, Any], keyword: str) -> str:
    """The first value of a tag, unchanged; for a name, all its forms joined as in DICOM (PS3.5 6.2.1)."""
    from pydicom.datadict import tag_for_keyword

    value = one.get(f"{tag_for_keyword(keyword):08X}", {}).get("Value") or [""]
    first = value[0]
    if isinstance(first, dict):
        return "=".join(str(first.get(writing) or "") for writing in _WRITINGS).rstrip("=")
    return "" if first is None else str(first)
