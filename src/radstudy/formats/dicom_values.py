"""Values of DICOM tags as plain Python values: absent, empty and broken ones are None, or empty."""

from __future__ import annotations

import datetime
import math
import struct
from typing import Any


def value_of(dataset: Any, keyword: str) -> Any:
    """A tag's value; None where it is absent, empty or cannot be understood."""
    try:
        value = dataset.get(keyword)
    except (ValueError, TypeError, AttributeError, NotImplementedError, OverflowError, KeyError):
        return None
    return None if value is None or value == "" else value


def first_item(sequence: Any) -> Any:
    """The first item of a sequence; None of none."""
    return sequence[0] if sequence else None


def text_of(dataset: Any, keyword: str) -> str:
    """A tag as text, runs of blanks as one."""
    value = value_of(dataset, keyword)
    return "" if value is None else " ".join(str(value).split())


def words_of(value: Any) -> tuple[str, ...]:
    """The parts of a value, in capitals."""
    if value is None:
        return ()
    parts = [value] if isinstance(value, str) else list(value)
    return tuple(word for word in (str(part).strip().upper() for part in parts) if word)


def real_of(value: Any) -> float | None:
    """A finite number, or None."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if math.isfinite(number) else None


def whole_of(value: Any) -> int | None:
    """A whole number, or None."""
    number = real_of(value)
    return None if number is None else round(number)


def numbers_of(value: Any, count: int) -> tuple[float, ...] | None:
    """Exactly `count` finite numbers, or None."""
    if value is None or isinstance(value, str):
        return None
    try:
        found = tuple(float(part) for part in value)
    except (TypeError, ValueError):
        return None
    return found if len(found) == count and all(map(math.isfinite, found)) else None


def clock_of(day: Any, time: Any) -> float | None:
    """Seconds of a DICOM date and time on a clock that goes on over midnight.

    Parameters
    ----------
    day : YYYYMMDD, or a whole DateTime where `time` is None.
    time : HHMMSS.FFFFFF; seconds may lack.
    """
    date, of_day = str(day or "").strip(), str(time or "").strip()
    if time is None:
        date, of_day = date[:8], date[8:].split("+")[0].split("-")[0]
    of_day = of_day.replace(":", "")
    if len(of_day) < 4:
        return None
    try:
        seconds = int(of_day[:2]) * 3600 + int(of_day[2:4]) * 60 + float(of_day[4:] or 0)
        ordinal = datetime.date(int(date[:4]), int(date[4:6]), int(date[6:8])).toordinal() if date else 0
    except ValueError:
        return None
    return ordinal * 86_400.0 + seconds


def private_value(dataset: Any, tag: int) -> Any:
    """The value of a tag by its number; None where it is absent or cannot be understood."""
    try:
        element = dataset[tag]
    except (KeyError, ValueError, NotImplementedError, AttributeError, TypeError):
        return None
    return element.value


def number_of(value: Any) -> float | None:
    """The first number of a private tag's value, whatever its representation; None where there is none."""
    if isinstance(value, bytes):
        return _number_of_bytes(value)
    if value is not None and not isinstance(value, str) and hasattr(value, "__len__"):
        value = value[0] if len(value) else None
    try:
        return None if value is None or value == "" else float(value)
    except (TypeError, ValueError):
        return None


def _number_of_bytes(value: bytes) -> float | None:
    """A number of unknown value representation (UN): text as IS and DS write it, or a little-endian float."""
    text = value.split(b"\\")[0].strip(b" \0")
    try:
        return float(text.decode("ascii"))
    except (UnicodeDecodeError, ValueError):
        pass
    if len(value) in (4, 8):
        return float(struct.unpack("<f" if len(value) == 4 else "<d", value)[0])
    return None
