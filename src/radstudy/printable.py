"""Text that XML 1.0 can hold: SVG, DOCX and XLSX are XML, and a control character from a table would damage the file.
HTML allows fewer still, and marks of direction from a table would turn the text around it.

References
----------
W3C, Extensible Markup Language (XML) 1.0, production 2 (Char).
WHATWG, HTML, 13.2.3.5: control characters and noncharacters are parse errors. Unicode Standard Annex 9, 2: embeddings,
overrides and isolates.
"""

from __future__ import annotations

import re

_LAST_OF_PLANES = "".join(chr(plane + last) for plane in range(0, 0x110000, 0x10000) for last in (0xFFFE, 0xFFFF))
_NOT_IN_HTML = re.compile(f"[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef{_LAST_OF_PLANES}]")
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")
NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def printable(text: str) -> str:
    r"""The text with a replacement character for each one that XML cannot hold.

    Examples
    --------
    >>> printable("a\x07b")
    'a\ufffdb'
    """
    return NOT_IN_XML.sub("\ufffd", text)


def printable_in_page(text: str) -> str:
    r"""The text with a replacement character for each one that HTML cannot hold, or that turns the text around it.

    Letters that are written from right to left remain.

    Examples
    --------
    >>> printable_in_page("a\x9fb\u202ec"), printable_in_page("\u05e9\u05dc")
    ('a\ufffdb\ufffdc', 'של')
    """
    return _DIRECTION.sub("\ufffd", _NOT_IN_HTML.sub("\ufffd", text))
