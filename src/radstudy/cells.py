"""Texts in tables that a spreadsheet would take for formulas: put an apostrophe before them, and remove it again.

A text from elsewhere (a series description, a PatientID, a cell of the study's table) may begin like a formula. Excel
and LibreOffice would compute it when the CSV is opened, and a formula can start programs or send the table away.
Every table is therefore written with `guarded` texts, and every reader of tables removes the apostrophe with
`unguarded`; if a spreadsheet has already removed it, the text is the same.

References
----------
OWASP, "CSV Injection": = + - @, tab and line ends begin a formula, and so do the full-width signs in Asian versions.
"""

from __future__ import annotations

import re

_BEGINS = frozenset("'=+-@\t\r\n \uff1d\uff0b\uff0d\uff20")
_FORMULA = re.compile(r"'*(?: *[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])")
_NUMBER = re.compile(r"'* *(?:[+-]?(?:\d[\d.,]*|[.,]\d+)(?:e[+-]?\d+)?%?|[+-](?:inf|infinity|nan))", re.IGNORECASE)
_SIGNS = re.compile(r"'* *[+-]+")  # a dash alone, as an answer or for "none": nothing to compute


def is_formula(text: str) -> bool:
    """True if a spreadsheet may take the text, or the part after its apostrophes, for a formula; never for a number.

    Examples
    --------
    >>> [is_formula(text) for text in ("=1+1", "-2+3", "@SUM(A1)", "'=1", "-1.5", "+2e-3", "-", "T2 -fs", "'s")]
    [True, True, True, True, False, False, False, False, False]
    """
    if text[:1] not in _BEGINS or not _FORMULA.match(text):
        return False
    return not (_NUMBER.fullmatch(text) or _SIGNS.fullmatch(text))


def guarded(text: str) -> str:
    """The text for a CSV: an apostrophe is put before a text that may be taken for a formula; any other is unchanged.

    Examples
    --------
    >>> guarded("=1+1"), guarded("'=1+1"), guarded("-1.5"), guarded("T2")
    ("'=1+1", "''=1+1", '-1.5', 'T2')
    """
    return f"'{text}" if is_formula(text) else text


def unguarded(text: str) -> str:
    """The text before `guarded`.

    Examples
    --------
    >>> unguarded("'=1+1"), unguarded("''=1+1"), unguarded("=1+1"), unguarded("'s-Gravenhage")
    ('=1+1', "'=1+1", '=1+1', "'s-Gravenhage")
    """
    return text[1:] if text.startswith("'") and is_formula(text) else text


def guarded_in_workbook(text: str) -> str:
    """The text for an XLSX cell of type text, which is never computed: unchanged.

    A text that begins with an apostrophe is guarded as in a CSV, because a reader removes one.

    Examples
    --------
    >>> guarded_in_workbook("=1+1"), guarded_in_workbook("'=1+1")
    ('=1+1', "''=1+1")
    """
    return guarded(text) if text.startswith("'") else text
