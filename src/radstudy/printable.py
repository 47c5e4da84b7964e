"""Text that XML 1.0 can hold: SVG, DOCX and XLSX are XML, and a control character from a table would damage the file.

References
----------
W3C, Extensible Markup Language (XML) 1.0, production 2 (Char).
"""

from __future__ import annotations

import re

NOT_IN_XML = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def printable(text: str) -> str:
    r"""The text with a replacement character for each one that XML cannot hold.

    Examples
    --------
    >>> printable("a\x07b")
    'a\ufffdb'
    """
    return NOT_IN_XML.sub("\ufffd", text)
