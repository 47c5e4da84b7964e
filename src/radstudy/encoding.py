"""Decode a text file in any of the encodings that Excel writes around the world."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from pathlib import Path

_COMMON = 0.6  # share of characters in GB 2312's first level and signs; only a Chinese text has so many


@dataclass(frozen=True)
class Encoding:
    """An encoding of a text file.

    Parameters
    ----------
    codec : Python's name of it, without a byte order mark.
    mark : the byte order mark that the file begins with; b"" for none.
    name : for people; "" for UTF-8, which needs no remark.
    """

    codec: str
    mark: bytes = b""
    name: str = ""


_UTF_8, _CHINESE = Encoding("utf-8"), Encoding("gb18030", name="GB 18030 (Chinese)")
_WESTERN = Encoding("cp1252", name="Windows-1252")
_MARKED = (
    Encoding("utf-16-le", codecs.BOM_UTF16_LE, "UTF-16"),
    Encoding("utf-16-be", codecs.BOM_UTF16_BE, "UTF-16"),
    Encoding("utf-8", codecs.BOM_UTF8),
)


def encoding_of(raw: bytes) -> Encoding:
    """The encoding of a text.

    UTF-8, UTF-16 (Excel's "Unicode text"), GB 18030 (GBK, Chinese Excel) if most characters are common Chinese
    ones, or else Windows-1252.

    Parameters
    ----------
    raw : the file's bytes.
    """
    marked = next((encoding for encoding in _MARKED if raw.startswith(encoding.mark)), None)
    if marked is not None and (marked.codec != "utf-8" or _is_utf_8(raw)):
        return marked
    if _is_utf_8(raw):
        return _UTF_8
    return _CHINESE if _is_chinese(raw) else _WESTERN


def decoded(file: Path, raw: bytes) -> tuple[str, list[str]]:
    """Decode a file's text, see `encoding_of`; add a note if it is not UTF-8.

    Parameters
    ----------
    file : for the note.
    raw : its bytes.
    """
    encoding = encoding_of(raw)
    text = raw[len(encoding.mark) :].decode(encoding.codec, errors="replace")
    if encoding.codec == "utf-8":
        return text, []
    if encoding.mark:
        return text, [f"{file.name} was read as {encoding.name}"]
    more = "" if encoding is _CHINESE else ". If letters look wrong, save it as CSV UTF-8"
    return text, [f"{file.name} is not UTF-8; it was read as {encoding.name}{more}"]


def _is_utf_8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


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
