"""Decisions from a listing only (descriptions and counts, as returned by a PACS query), for dry runs over the network.

A listing lacks geometry, times and b-values: DWI gets no b-value and phases get no number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from radstudy.formats.dicom_diffusion import DiffusionWeighting
from radstudy.formats.dicom_header import DicomIdentity, ImageFrame, SeriesFacts
from radstudy.intake.decision import Decision
from radstudy.intake.roles import decide_study
from radstudy.intake.rules import Rules, plain_name
from radstudy.intake.series import Series, Stack

_NOBODY = DicomIdentity("", "", "", "", "", "", "")
_PHASE_WORDS = re.compile(
    r"^PH\d+ |\b(PRE|POST)( ?CONTRAST)?\d*\b|\b\d+(ST|ND|RD|TH)\b|\bPASS\b|\bTT ?[\d ]+S\b"
    r"|\b\d+ ?MIN(UTE)?S?\b|\b(GAD|DELAY(ED)?|\d+S?)\b"
)


@dataclass(frozen=True)
class Listed:
    """One series of a listing: its description, number, modality and number of images."""

    description: str
    number: int | None
    images: int
    modality: str = "MR"


def decide_listing(listed: Sequence[Listed], rules: Rules) -> list[Decision]:
    """Decide on the series of one examination by their names and image counts.

    Parameters
    ----------
    listed : the MR series.
    rules : from `load_rules`.
    """
    series = [_series(one) for one in listed]
    names = {id(one.stacks[0]): (one.images, _without_phase(one)) for one in series}
    return decide_study(series, rules, alike=lambda one, other: names[id(one)] == names[id(other)])


def _series(one: Listed) -> Series:
    facts = SeriesFacts(modality=one.modality, description=one.description, series_number=one.number)
    frame = ImageFrame(
        "", None, "", _NOBODY, facts, None, None, None, None, None, None, None, DiffusionWeighting(), None, None
    )
    return Series((frame,), (Stack((frame,)),), listed=one.images)


def _without_phase(series: Series) -> str:
    """The name of a series without words for the number or time of a phase."""
    return " ".join(_PHASE_WORDS.sub(" ", plain_name(series.facts)).split())
