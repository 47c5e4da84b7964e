"""Turns what the reading room refuses into errors that pages understand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Concatenate, ParamSpec, TypeVar, cast

from radstudy.app.reading.refusals import (
    BehindError,
    HeldElsewhereError,
    ReadingError,
    UnfinishedError,
    UnknownCaseError,
)
from radstudy.app.web.needs import ConflictError, IncompleteError, RequestError, UnknownError
from radstudy.errors import RefusedError, UsageError

Room = TypeVar("Room")
Given = ParamSpec("Given")
Result = TypeVar("Result")


def as_requests(
    method: Callable[Concatenate[Room, Given], Result],
) -> Callable[Concatenate[Room, Given], Result]:
    """A method of the room whose refusals are errors of a request."""

    @wraps(method)
    def with_errors(room: Room, *given: Given.args, **named: Given.kwargs) -> Result:
        with _said():
            return method(room, *given, **named)

    return cast("Callable[Concatenate[Room, Given], Result]", with_errors)


@contextmanager
def _said() -> Iterator[None]:
    """Turn refusals of the room into errors that pages understand."""
    try:
        yield
    except RequestError:
        raise
    except UnknownCaseError as error:
        raise UnknownError(str(error)) from error
    except HeldElsewhereError as error:
        raise ConflictError(str(error), {"held": True}) from error
    except BehindError as error:
        more = {"revision": error.revision}
        runs = {} if error.runs is None else {"runs": error.runs.tolist()}
        values = {} if error.values is None else {"values": error.values}
        raise ConflictError(error.text, {**more, **runs, **values}) from error
    except UnfinishedError as error:
        missing = [{"what": one.what, "text": one.text, "item": one.item, "sequence": one.sequence}
                   for one in error.problems]  # fmt: skip
        raise IncompleteError(str(error), {"missing": missing}) from error
    except ReadingError as error:
        raise ConflictError(str(error)) from error
    except (RefusedError, UsageError) as error:
        raise IncompleteError(str(error)) from error
