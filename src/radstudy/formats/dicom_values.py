"""Values of DICOM tags as plain Python values; absent, empty and broken ones are None or empty."""

from __future__ import annotations

import datetime
import math
import struct
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from radstudy.bounds import FURTHEST_MM
from radstudy.formats.dicom_file import UnreadableError

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_OF_TEXT = (ValueError, TypeError, AttributeError, OverflowError, KeyError)
# The image depends on these: if present, they must be readable.
_NEEDED = {
    "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "SeriesInstanceUID", "PatientID", "Rows", "Columns",
    "NumberOfFrames", "SamplesPerPixel", "BitsAllocated", "BitsStored", "PixelRepresentation", "PixelSpacing",
    "ImagePositionPatient", "ImageOrientationPatient", "RescaleSlope", "RescaleIntercept", "PixelPaddingValue",
    "PixelPaddingRangeLimit",
}  # fmt: skip


def value_of(dataset: Dataset, keyword: str) -> Any:
    """A tag's value; None if it is absent, empty, or a text that cannot be parsed.

    Raises
    ------
    UnreadableError : its bytes do not have the stated type; or it cannot be parsed and the image depends on it.
    """
    try:
        value = dataset.get(keyword)
    except _OF_TEXT as error:
        if keyword in _NEEDED:
            raise _unreadable(keyword, error) from error
        return None
    except Exception as error:  # a damaged file can make the parser raise anything
        raise _unreadable(keyword, error) from error
    if keyword.endswith("Sequence") and keyword != "ScanningSequence" and value is not None:
        _require_sequence(value, keyword)
    if value is None or value == "":
        return None
    if keyword in _SCALES and not _within(value, math.inf):
        raise UnreadableError(f"{keyword} is not a finite number")
    if keyword in _LENGTHS and not _within(value, FURTHEST_MM):
        raise UnreadableError(f"{keyword} is not a length or direction that a patient can have")
    return value


def _require_sequence(value: Any, keyword: str) -> None:
    from pydicom.sequence import Sequence

    if not isinstance(value, Sequence):
        raise UnreadableError(f"{keyword} is not a sequence")


_SCALES = {"RescaleSlope", "RescaleIntercept"}
_LENGTHS = {"PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient"}


def _within(value: Any, most: float) -> bool:
    """True if every part of a value is a number and none exceeds `most` in magnitude."""
    try:
        numbers = np.abs(np.asarray(value, dtype=np.float64))
    except (TypeError, ValueError):
        return False
    return bool(np.isfinite(numbers).all() and (numbers <= most).all())


def _unreadable(keyword: str, error: Exception) -> UnreadableError:
    return UnreadableError(f"{keyword} cannot be read ({type(error).__name__})")


def first_item(sequence: Any) -> Any:
    """The first item of a sequence; None if it is empty or absent."""
    return sequence[0] if sequence else None


def text_of(dataset: Dataset, keyword: str) -> str:
    """A tag as text, with runs of blanks collapsed into one."""
    value = value_of(dataset, keyword)
    return "" if value is None else " ".join(str(value).split())


def words_of(value: Any) -> tuple[str, ...]:
    """The parts of a value in upper case."""
    if value is None:
        return ()
    parts = [value] if isinstance(value, (str, bytes)) or not isinstance(value, Iterable) else list(value)
    return tuple(word for word in (str(part).strip().upper() for part in parts) if word)


def real_of(value: Any) -> float | None:
    """A finite number, or None."""
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def whole_of(value: Any) -> int | None:
    """A whole number, or None."""
    number = real_of(value)
    return None if number is None else round(number)


def numbers_of(value: Any, count: int) -> tuple[float, ...] | None:
    """Exactly `count` finite numbers, or None."""
    if value is None or isinstance(value, (str, bytes)):
        return None
    try:
        numbers = tuple(float(part) for part in value)
    except (TypeError, ValueError):
        return None
    return numbers if len(numbers) == count and all(map(math.isfinite, numbers)) else None


def clock_of(day: Any, time: Any) -> float | None:
    """Seconds of a DICOM date and time on a clock that runs on past midnight.

    Parameters
    ----------
    day : YYYYMMDD, or a whole DateTime if `time` is None.
    time : HHMMSS.FFFFFF; seconds may be absent.
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


def private_value(dataset: Dataset, tag: int) -> Any:
    """The value of a tag by its number; None if it is absent or cannot be parsed."""
    try:
        return dataset[tag].value
    except Exception:  # a vendor's private tag that cannot be read is as good as absent
        return None


def number_of(value: Any) -> float | None:
    """The first number of a private tag's value, in any representation; None if there is none."""
    if isinstance(value, bytes):
        return _number_of_bytes(value)
    if value is not None and not isinstance(value, str) and hasattr(value, "__len__"):
        value = value[0] if len(value) else None
    try:
        return None if value is None or value == "" else float(value)
    except (TypeError, ValueError):
        return None


def _number_of_bytes(value: bytes) -> float | None:
    """A number of unknown value representation (UN): text as in IS and DS, or a little-endian float."""
    text = value.split(b"\\")[0].strip(b" \0")
    try:
        return float(text.decode("ascii"))
    except (UnicodeDecodeError, ValueError):
        pass
    if len(value) in (4, 8):
        return float(struct.unpack("<f" if len(value) == 4 else "<d", value)[0])
    return None
