"""What a server's texts must be before they enter a path, an address or a terminal."""

from __future__ import annotations

import re
import unicodedata

_UID = re.compile(r"[0-9]+(\.[0-9]+)*")


def is_uid(text: str) -> bool:
    """Whether a text has the form of a DICOM UID: numbers between dots, at most 64 characters.

    Zeros before a number, which the standard forbids and some scanners write, are let pass.

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
    r"""A text without control characters and halves of characters: they could command a terminal, or not be written.

    Examples
    --------
    >>> tidy("T2\x1b[2J")
    'T2 [2J'
    """
    return "".join(" " if unicodedata.category(letter) in ("Cc", "Cs") else letter for letter in text)
