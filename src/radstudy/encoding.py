"""Decode a text file in any of the encodings that Excel writes around the world."""

from __future__ import annotations

import codecs
from pathlib import Path

_COMMON = 0.6  # share of characters in GB 2312's first level and signs; only a Chinese text has so many


def decoded(file: Path, raw: bytes) -> tuple[str, list[str]]:
    """Decode a file's text; add a note if it is not UTF-8.

    UTF-8, UTF-16 (Excel's "Unicode text"), GB 18030 (GBK, Chinese Excel) if most characters are common Chinese
    ones, or else Windows-1252.

    Parameters
    ----------
    file : for the note.
    raw : its bytes.
    """
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", errors="replace"), [f"{file.name} was read as UTF-16"]
    try:
        return raw.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        pass
    if _is_chinese(raw):
        return raw.decode("gb18030"), [f"{file.name} is not UTF-8; it was read as GB 18030 (Chinese)"]
    return raw.decode("cp1252", errors="replace"), [
        f"{file.name} is not UTF-8; it was read as Windows-1252. If letters look wrong, save it as CSV UTF-8"
    ]


def _is_chinese(raw: bytes) -> bool:
    """True if the bytes decode to common Chinese characters in GB 18030; accented letters decode to rare ones."""
    try:
        text = raw.decode("gb18030")
    except UnicodeDecodeError:
        return False
    beyond = [character for character in text if ord(character) > 127]
    leads = [character.encode("gb18030") for character in beyond]
    common = sum(len(code) == 2 and code[1] >= 0xA1 and (code[0] <= 0xA3 or 0xB0 <= code[0] <= 0xD7) for code in leads)
    return bool(beyond) and common >= _COMMON * len(beyond)
