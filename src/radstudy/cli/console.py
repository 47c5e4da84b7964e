"""Output to a console or pipe whose letters are fewer than ours: Windows-1252, or ASCII in a container."""

from __future__ import annotations

import codecs
import io
import sys

_HANDLER = "radstudy.escaped"


def print_what_the_console_cannot() -> None:
    r"""Let both streams write a letter that their encoding lacks as ``\uXXXX``, as JSON does, and never fail for it."""
    codecs.register_error(_HANDLER, escaped)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # not where another program has put its own
            stream.reconfigure(errors=_HANDLER)


def escaped(error: UnicodeError) -> tuple[str, int]:
    r"""The letters that cannot be encoded, as JSON escapes them, and where the text goes on.

    Examples
    --------
    >>> codecs.register_error("escaped-as-json", escaped)
    >>> "p \u2265 5 \u00b5m, \U0001d70e".encode("cp1252", "escaped-as-json")
    b'p \\u2265 5 \xb5m, \\ud835\\udf0e'
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    units = error.object[error.start : error.end].encode("utf-16-be", "surrogatepass")
    numbers = (int.from_bytes(units[at : at + 2], "big") for at in range(0, len(units), 2))
    return "".join(f"\\u{number:04x}" for number in numbers), error.end
