"""Checks of a server's texts before they are used in a path, an address or a terminal."""

from __future__ import annotations

import re
import unicodedata

_UID = re.compile(r"[0-9]+(\.[0-9]+)*")


def is_uid(text: str) -> bool:
    """True if a text has the form of a DICOM UID: numbers separated by dots, at most 64 characters.

    Leading zeros, which the standard forbids but some scanners write, are accepted.

    References
    ----------
    DICOM PS3.5 9.1.

    Examples
    --------
    >>> is_uid("1.2.840.10008.1.1"), is_uid("../1.2"), is_uid("1..2"), is_uid("")
    (True, False, False, False)
    """
    return len(text) <= 64 and _UID.fullmatch(text) is not None


def tidy(text: str) -> str:
    r"""Remove control characters, which could command a terminal, and lone surrogates, which cannot be written.

    Examples
    --------
    >>> tidy("T2\x1b[2J")
    'T2 [2J'
    """
    return "".join(" " if unicodedata.category(letter) in ("Cc", "Cs") else letter for letter in text)
