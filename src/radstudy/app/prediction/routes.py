"""The routes of the service: what a request asks is read here, answered by `work`, and noted in the audit log."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from radstudy._version import __version__
from radstudy.app.prediction.answers import FullError, OtherTypeError, Wording, answer, refusal
from radstudy.app.prediction.audit import AuditedRequest, AuditLog
from radstudy.app.prediction.inputs import SignatureInputs
from radstudy.app.prediction.limits import ServiceLimits
from radstudy.app.prediction.line import Line
from radstudy.app.prediction.schemas import values_request
from radstudy.app.prediction.uploads import FILE_FIELDS, ReceivedForm, drain, receive, upload_folder
from radstudy.app.prediction.work import NOT_USABLE, AskedImages, AskedValues, Outcome, from_images, from_values
from radstudy.app.web.answers import Handler, json_response
from radstudy.app.web.needs import IncompleteError, Json
from radstudy.errors import StorageError
from radstudy.signature.document import USE, Signature

HEALTH, OPENAPI, SIGNATURE, VALUES, IMAGES = "/health", "/openapi.json", "/signature", "/predict", "/predict/images"
RETRY_AFTER_S = 10
_FLAGS = {"true": True, "false": False}
_OTHERS = ("label", "outside_range", "page")


@dataclass(frozen=True)
class Service:
    """Everything that the routes work with.

    Parameters
    ----------
    signature : the model.
    signature_hash : of its content.
    audit : the log.
    uploads : folder for the files of requests.
    limits : of the server.
    line : of the requests with images.
    """

    signature: Signature
    signature_hash: str
    audit: AuditLog
    uploads: Path
    limits: ServiceLimits
    line: Line


class ServiceRoutes:
    """Answers for one signature.

    Parameters
    ----------
    service : what they work with.
    document : of OpenAPI.
    """

    def __init__(self, service: Service, document: Json) -> None:
        self._service, self._document = service, document
        self._inputs = SignatureInputs(service.signature)

    def routes(self) -> list[Route]:
        """All of them, but those of the page."""
        return [
            Route(HEALTH, self.health, methods=["GET"]),
            Route(OPENAPI, self.openapi, methods=["GET"]),
            Route(SIGNATURE, self.signature, methods=["GET"]),
            Route(VALUES, self._audited("values", self.values), methods=["POST"]),
            Route(IMAGES, self._audited("images", self.images), methods=["POST"]),
        ]

    async def health(self, request: Request) -> Response:
        """A sign that the server answers."""
        service = self._service
        return json_response({
            "status": "ok", "model": service.signature.model, "version": __version__, "hash": service.signature_hash,
            "working": service.line.taken, "use": USE,
        })  # fmt: skip

    async def openapi(self, request: Request) -> Response:
        """The description of all routes."""
        return json_response(self._document)

    async def signature(self, request: Request) -> Response:
        """The inputs that the model asks of a patient."""
        return json_response(self._inputs.as_dict(self._service.signature_hash, self._service.limits))

    async def values(self, request: Request) -> Outcome:
        """A prediction from values."""
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            raise OtherTypeError("send the values as JSON, with the header Content-Type: application/json")
        given = await run_in_threadpool(values_request, await request.body())
        asked = AskedValues(
            {name: np.nan if value is None else float(value) for name, value in given.features.items()},
            {name: _as_text(value) for name, value in given.clinical.items()},
            given.outside_range, given.page,
        )  # fmt: skip
        return await run_in_threadpool(from_values, self._service.signature, asked)

    async def images(self, request: Request) -> Outcome:
        """A prediction from images."""
        service = self._service
        try:
            place = service.line.place()
            with place, upload_folder(service.uploads) as folder:
                received = await receive(request, folder, service.limits)
                asked = partial(_asked, received, folder)
                return await service.line.work(
                    lambda: from_images(service.signature, asked(until=time.time() + service.limits.work_s))
                )
        except FullError:
            await drain(request, service.limits)
            raise

    def _audited(self, kind: str, handler: Callable[[Request], Awaitable[Outcome]]) -> Handler:
        """The handler with its errors turned into answers, each of which is noted before it is sent."""

        async def respond(request: Request) -> Response:
            identity, began = secrets.token_hex(8), time.monotonic()
            outcome = await self._outcome(request, handler)
            line = AuditedRequest(identity, kind, outcome.status, outcome.verdict, time.monotonic() - began)
            try:
                await run_in_threadpool(self._service.audit.add, line)
            except StorageError as error:
                status, text = refusal(error, Wording({}))
                outcome = Outcome(status, NOT_USABLE, {"error": text})
            headers = {"retry-after": str(RETRY_AFTER_S)} if outcome.status == FullError.status else {}
            return answer(outcome.content, outcome.status, identity, headers)

        return respond

    async def _outcome(self, request: Request, handler: Callable[[Request], Awaitable[Outcome]]) -> Outcome:
        try:
            return await handler(request)
        except ClientDisconnect:
            return Outcome(408, "not heard", {"error": "the sender has gone"})
        except Exception as error:
            status, text = refusal(error, Wording({}, [self._service.uploads]))
            return Outcome(status, NOT_USABLE, {"error": text})


def _asked(received: ReceivedForm, folder: Path, *, until: float) -> AskedImages:
    """The prediction that the fields of a request ask for.

    Raises
    ------
    IncompleteError : there are fields that are not used here.
    """
    fields = received.fields
    unknown = [name for name in fields if name not in _OTHERS and not _named(name, "clinical")]
    unknown += [name for name in received.files if not any(_named(name, kind) for kind in FILE_FIELDS)]
    if unknown:
        raise IncompleteError(
            f"{', '.join(unknown[:10])}: not used here. Files are image:SEQUENCE, mask:SEQUENCE and "
            f"reference:SEQUENCE, other fields clinical:VARIABLE, {', '.join(_OTHERS)}"
        )
    return AskedImages(
        received.files, folder,
        {name.partition(":")[2]: value for name, value in fields.items() if name not in _OTHERS},
        fields.get("label", ""), until, outside_range=_flag(fields, "outside_range"), page=_flag(fields, "page"),
    )  # fmt: skip


def _named(field: str, kind: str) -> bool:
    before, _, name = field.partition(":")
    return before == kind and bool(name)


def _flag(fields: Mapping[str, str], name: str) -> bool:
    value = fields.get(name, "false")
    if value not in _FLAGS:
        raise IncompleteError(f"{name}={value[:40]}: write true or false")
    return _FLAGS[value]


def _as_text(value: str | float) -> str:
    """A clinical value as a table of the study would have it: 54, not 54.0."""
    if isinstance(value, str):
        return value
    return json.dumps(int(value) if float(value).is_integer() and abs(value) < 2**53 else value)
