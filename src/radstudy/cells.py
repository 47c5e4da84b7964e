"""Texts of tables that a spreadsheet would take for formulas: an apostrophe is put before them, and taken off again.

A text that came from elsewhere (a series description, a PatientID, a cell of the study's table) may begin as a formula
does. Excel and LibreOffice would compute it when somebody opens the CSV, and a formula can start programs or send the
table away. So every table is written with `guarded` texts, and every reader of tables takes the apostrophe off with
`unguarded`; a spreadsheet that has already taken it off gives the same text.

References
----------
OWASP, "CSV Injection": = + - @, tab and line ends begin a formula, and so do the full-width signs in Asian versions.
"""

from __future__ import annotations

import re

_BEGINS = frozenset("'=+-@\t\r\n \uff1d\uff0b\uff0d\uff20")
_FORMULA = re.compile(r"'*(?: *[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])")
_NUMBER = re.compile(r"'* *(?:[+-]?(?:\d[\d.,]*|[.,]\d+)(?:e[+-]?\d+)?%?|[+-](?:inf|infinity|nan))", re.IGNORECASE)
_SIGNS = re.compile(r"'* *[+-]+")  # a dash by itself, as an answer or for "none": nothing to compute


def is_formula(text: str) -> bool:
    """Whether a spreadsheet may take the text, or what follows its apostrophes, for a formula; numbers are none.

    Examples
    --------
    >>> [is_formula(text) for text in ("=1+1", "-2+3", "@SUM(A1)", "'=1", "-1.5", "+2e-3", "-", "T2 -fs", "'s")]
    [True, True, True, True, False, False, False, False, False]
    """
    if text[:1] not in _BEGINS or not _FORMULA.match(text):
        return False
    return not (_NUMBER.fullmatch(text) or _SIGNS.fullmatch(text))


def guarded(text: str) -> str:
    """The text as a CSV holds it: what may be taken for a formula has an apostrophe before it, all else is as it is.

    Examples
    --------
    >>> guarded("=1+1"), guarded("'=1+1"), guarded("-1.5"), guarded("T2")
    ("'=1+1", "''=1+1", '-1.5', 'T2')
    """
    return f"'{text}" if is_formula(text) else text


def unguarded(text: str) -> str:
    """The text that `guarded` was given.

    Examples
    --------
    >>> unguarded("'=1+1"), unguarded("''=1+1"), unguarded("=1+1"), unguarded("'s-Gravenhage")
    ('=1+1', "'=1+1", '=1+1', "'s-Gravenhage")
    """
    return text[1:] if text.startswith("'") and is_formula(text) else text


def guarded_in_workbook(text: str) -> str:
    """The text as an XLSX cell of the type text holds it, which is never computed: as it is.

    One that begins with an apostrophe is guarded as in a CSV, since a reader takes one off.

    Examples
    --------
    >>> guarded_in_workbook("=1+1"), guarded_in_workbook("'=1+1")
    ('=1+1', "''=1+1")
    """
    return guarded(text) if text.startswith("'") else text
