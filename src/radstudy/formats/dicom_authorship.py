"""Author and date of a segmentation or structure set, from its header.

References
----------
DICOM PS3.3, C.10.9.2 (content identification), C.7.3.1 (general series), C.8.8.5 (structure set), C.12.1 (SOP common).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from radstudy.formats.dicom_values import clock_of, text_of

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_MOMENTS = (
    ("StructureSetDate", "StructureSetTime"), ("ContentDate", "ContentTime"), ("SeriesDate", "SeriesTime"),
    ("InstanceCreationDate", "InstanceCreationTime"),
)  # fmt: skip


@dataclass(frozen=True)
class Authorship:
    """Author and time of a drawing; "" and None if the header does not say.

    Parameters
    ----------
    creator : ContentCreatorName, in DICOM's form (FAMILY^GIVEN).
    operators : OperatorsName.
    description : SeriesDescription.
    label : ContentLabel or StructureSetLabel.
    made_s : when it was drawn, seconds on the clock of `clock_of`.
    day_only : whether the header gives only the day.
    """

    creator: str = ""
    operators: str = ""
    description: str = ""
    label: str = ""
    made_s: float | None = None
    day_only: bool = False


NOBODY = Authorship()


def authorship_of(dataset: Dataset) -> Authorship:
    """Read author and time of a drawing from its header."""
    moments = [(text_of(dataset, day), text_of(dataset, time)) for day, time in _MOMENTS]
    day, time = next(((day, time) for day, time in moments if day), ("", ""))
    return Authorship(
        creator=text_of(dataset, "ContentCreatorName"),
        operators=text_of(dataset, "OperatorsName"),
        description=text_of(dataset, "SeriesDescription"),
        label=text_of(dataset, "ContentLabel") or text_of(dataset, "StructureSetLabel"),
        made_s=clock_of(day, time or "0000") if day else None,
        day_only=not time,
    )


def since(authorship: Authorship, examination_s: float | None) -> str:
    """Time from the start of the examination to the drawing, in days, hours or minutes; "" if unknown.

    Examples
    --------
    >>> since(Authorship(made_s=86400.0 * 12 + 60), 0.0), since(Authorship(made_s=2400.0), 0.0)
    ('12 days after the examination', '40 minutes after the examination')
    """
    if authorship.made_s is None or examination_s is None:
        return ""
    seconds = authorship.made_s - examination_s
    days = int(authorship.made_s // 86_400 - examination_s // 86_400)
    if authorship.day_only and days == 0:
        return "on the day of the examination"
    if abs(seconds) >= 86_400 or authorship.day_only:
        unit, number = "day", days
    else:
        unit, number = ("hour", round(seconds / 3600)) if abs(seconds) >= 7200 else ("minute", round(seconds / 60))
    when = "after" if number >= 0 else "before"
    return f"{abs(number)} {unit}{'' if abs(number) == 1 else 's'} {when} the examination"
