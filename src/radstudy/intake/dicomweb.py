"""A DICOMweb server: QIDO-RS to ask, WADO-RS to fetch (DICOM PS3.18). Only GET is ever sent."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any
from urllib.parse import quote

from radstudy.intake.pull import Keep, Offered, TransferError, frames_told

TOKEN = "RADSTUDY_DICOMWEB_TOKEN"  # environment variable with a bearer token; user names lie in .netrc
_PAGE = 500
_CHUNK = 1 << 16  # bytes; what came before a connection broke off is kept up to the last one
_WRITINGS = ("Alphabetic", "Ideographic", "Phonetic")  # of a name in DICOM JSON (PS3.18 F.2.2)
_AS_STORED = (("application/dicom", "*"),)


class DicomWeb:
    """A DICOMweb server.

    Parameters
    ----------
    url : its root, such as https://pacs.example.org/dicom-web.
    timeout_s : for an answer to begin.
    """

    def __init__(self, url: str, *, timeout_s: float = 60) -> None:
        import requests
        from dicomweb_client import DICOMwebClient

        self._url, self._timeout = url.rstrip("/"), timeout_s
        self._session = requests.Session()
        if os.environ.get(TOKEN):
            self._session.headers["Authorization"] = f"Bearer {os.environ[TOKEN]}"
        self._client = DICOMwebClient(
            self._url, session=self._session, permissive_uid=True, timeout=timeout_s, chunk_size=_CHUNK
        )
        self._client.set_http_retry_params(retry=False)  # repeating is the pull's, which counts what came

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def examinations(self, patient: str, study: str) -> list[Offered]:
        """The examinations of a patient (wildcards * and ?) or with a study UID."""
        filters = {"PatientID": patient, "StudyInstanceUID": study}
        fields = "&includefield=00100021&includefield=00100030"
        found = self._query("studies", {key: value for key, value in filters.items() if value}, fields)
        return [self._offered(one) for one in found]

    def instances(self, study: str, series: str) -> list[str]:
        """The SOP instance UIDs of a series."""
        found = self._query(f"studies/{study}/series/{series}/instances", {}, "")
        return [uid for one in found if (uid := _text(one, "SOPInstanceUID"))]

    def fetch(self, study: str, series: str, instances: Sequence[str], keep: Keep, *, whole: bool) -> None:
        """Give each instance to `keep`: a whole series in one answer, else one by one."""
        if whole:
            self._keep(lambda: self._client.iter_series(study, series, media_types=_AS_STORED), keep)
        else:
            self._keep(lambda: self._each(study, series, instances), keep)

    def _each(self, study: str, series: str, instances: Sequence[str]) -> Iterator[Any]:
        for uid in instances:
            yield self._client.retrieve_instance(study, series, uid, media_types=_AS_STORED)

    def _keep(self, get: Callable[[], Iterable[Any]], keep: Keep) -> None:
        import pydicom
        import requests

        try:
            for dataset in get():
                memory = io.BytesIO()
                dataset.save_as(memory, enforce_file_format=True)
                keep(str(dataset.SOPInstanceUID), memory.getvalue())
        except requests.HTTPError as error:
            raise TransferError(f"HTTP status {error.response.status_code}") from error
        except (requests.RequestException, OSError) as error:
            raise TransferError(f"the connection broke off: {type(error).__name__}") from error
        except (pydicom.errors.InvalidDicomError, ValueError, AttributeError, EOFError, KeyError) as error:
            raise TransferError(f"an answer could not be read: {type(error).__name__}") from error

    def _offered(self, study: dict[str, Any]) -> Offered:
        uid = _text(study, "StudyInstanceUID")
        series = self._query(f"studies/{uid}/series", {}, "&includefield=00201209&includefield=0008103E")
        return Offered.of(partial(_text, study), [partial(_text, one) for one in series], partial(self._frames, uid))

    def _frames(self, study: str, series: str) -> int | None:
        """How many frames the one instance of a series has; None where the server does not tell."""
        found = self._query(
            f"studies/{study}/series/{series}/instances", {}, "&includefield=00280008&includefield=00080016"
        )
        return frames_told(partial(_text, found[0])) if found else None

    def _query(self, path: str, filters: dict[str, str], fields: str) -> list[dict[str, Any]]:
        """All matches, page by page. Wildcards stay as they are: servers do not know them escaped."""
        given = "".join(f"&{key}={quote(value, safe='*?')}" for key, value in filters.items())
        found: list[dict[str, Any]] = []
        while True:
            page = self._get(f"{self._url}/{path}?limit={_PAGE}&offset={len(found)}{given}{fields}")
            fresh = [one for one in page if one not in found] if found else page
            found += fresh
            if len(page) < _PAGE or not fresh:
                return found

    def _get(self, address: str) -> list[dict[str, Any]]:
        import requests

        try:
            answer = self._session.get(address, headers={"Accept": "application/dicom+json"}, timeout=self._timeout)
            answer.raise_for_status()
            content = answer.json() if answer.status_code != 204 and answer.content else []
        except requests.HTTPError as error:
            raise TransferError(f"HTTP status {error.response.status_code}") from error
        except (requests.RequestException, OSError) as error:
            raise TransferError(f"no connection: {type(error).__name__}") from error
        if not isinstance(content, list):
            raise TransferError("an answer is no list of matches")
        return content


def _text(one: dict[str, Any], keyword: str) -> str:
    """The first value of a tag as it stands; of a name all writings, as DICOM puts them together (PS3.5 6.2.1)."""
    from pydicom.datadict import tag_for_keyword

    value = one.get(f"{tag_for_keyword(keyword):08X}", {}).get("Value") or [""]
    first = value[0]
    if isinstance(first, dict):
        return "=".join(str(first.get(writing) or "") for writing in _WRITINGS).rstrip("=")
    return "" if first is None else str(first)
