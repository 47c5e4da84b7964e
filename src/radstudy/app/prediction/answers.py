"""Answers of the service: JSON with the use it is for, in the sender's words, without a path of the server."""

from __future__ import annotations

import logging
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from starlette.responses import Response

import radstudy
from radstudy.app.web.answers import json_response
from radstudy.app.web.needs import Json, RequestError
from radstudy.bugs import bug_of
from radstudy.errors import ProcessError, RadstudyError, StorageError, is_expected
from radstudy.signature.document import USE

_LOG = logging.getLogger(__name__)
# what the command line calls them, and what a request does
_WORDS = (
    (re.compile(r"--(image|mask|reference) (?!IMAGE\b)"), r"\1:"),
    (re.compile(r"--clinical "), "clinical:"),
    (re.compile(r"--outside-range\b"), "outside_range"),
    (re.compile(r"--label\b"), "label"),
    (re.compile(r"=(FILE|VALUE)\b"), ""),
    (re.compile(r"give the same command again"), "send the request again"),
    (re.compile(r"\b(image|mask|reference):(\S+)=\1:\2(?=[\s:,)])"), r"\1:\2"),
)
_SHORTEST = 4  # characters of a folder's path that is looked for: not "/"


class NotJsonError(RequestError):
    """The body cannot be read at all."""

    status = 400


class TimeoutRequestError(RequestError):
    """The request did not arrive in time."""

    status = 408


class TooLargeError(RequestError):
    """The request is larger than the server takes."""

    status = 413


class OtherTypeError(RequestError):
    """The body, or a file in it, is of a type that is not used here."""

    status = 415


class FullError(RequestError):
    """As many requests wait as the server takes."""

    status = 429


def answer(content: Json, status: int, request: str, headers: Mapping[str, str] | None = None) -> Response:
    """An answer in JSON.

    Parameters
    ----------
    content : of it; the use and the request's id are added.
    status : of HTTP.
    request : id, by which the audit log knows the request.
    headers : further ones.
    """
    response = json_response({**content, "use": USE, "request": request}, status)
    response.headers["x-request-id"] = request
    for name, value in (headers or {}).items():
        response.headers[name] = value
    return response


class Wording:
    """Says a message of the program to the sender of a request.

    Parameters
    ----------
    fields : file on the server to the field in which it was uploaded.
    folders : whose paths are never said, besides those of the program.
    """

    def __init__(self, fields: Mapping[Path, str], folders: Iterable[Path] = ()) -> None:
        own = [Path(radstudy.__file__).parent, Path(sys.prefix), Path(tempfile.gettempdir()), Path.home(), Path.cwd()]
        every = {str(path) for folder in (*folders, *own) for path in (folder, folder.resolve())}
        named = {str(path): name for file, name in fields.items() for path in (file, file.resolve())}
        hidden = {path: "..." for path in every if len(path) >= _SHORTEST}
        self._paths = sorted({**hidden, **named}.items(), key=lambda pair: -len(pair[0]))

    def said(self, text: str) -> str:
        """The message with fields for files, and with the words of a request."""
        for path, name in self._paths:
            if name == "...":
                text = re.sub(rf"{re.escape(path)}(?![\w.-])[^\s:,;'\"<>)]*", name, text)
            else:
                text = text.replace(path, name)
        for pattern, words in _WORDS:
            text = pattern.sub(words, text)
        return text

    def plain(self, value: Any) -> Any:
        """JSON with all its texts said."""
        if isinstance(value, str):
            return self.said(value)
        if isinstance(value, Mapping):
            return {name: self.plain(item) for name, item in value.items()}
        return [self.plain(item) for item in value] if isinstance(value, list | tuple) else value


def refusal(error: Exception, wording: Wording) -> tuple[int, str]:
    """Status and sentence for an error that a request has met.

    An unexpected error was met by what was sent, so the sender is told its id; whoever runs the server finds the whole.
    """
    if isinstance(error, RequestError):
        return error.status, error.text
    if isinstance(error, ProcessError):
        _LOG.error("radstudy: %s", error)
        return 503, "the server cannot start a process now: send the request again later"
    if isinstance(error, StorageError | OSError) and is_expected(error):
        _LOG.error("radstudy: %s", error)
        return 507, "the server cannot store anything now, its disk may be full: tell whoever runs it"
    if isinstance(error, RadstudyError):
        return 422, wording.said(str(error))
    bug = bug_of(error)
    _LOG.error("radstudy: %s", bug.traceback)
    return 422, (
        f"this could not be computed ({bug.id}): make sure that the values and files are what they should be; if they "
        "are, tell whoever runs the server, where the error was printed"
    )
