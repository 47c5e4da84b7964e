"""Decisions from a listing alone (descriptions and counts, as a PACS answers a query): for dry runs over the network.

Geometry, times and b-values are not in a listing: DWI stays without its b-value and phases without their number.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from radstudy.formats.dicom_diffusion import Diffusion
from radstudy.formats.dicom_header import Facts, Frame, Identity
from radstudy.intake.decision import Decision
from radstudy.intake.roles import decide_study
from radstudy.intake.rules import Rules, plain_name
from radstudy.intake.series import Series, Stack

_NOBODY = Identity("", "", "", "", "", "", "")
_PHASE_WORDS = re.compile(
    r"^PH\d+ |\b(PRE|POST)( ?CONTRAST)?\d*\b|\b\d+(ST|ND|RD|TH)\b|\bPASS\b|\bTT ?[\d ]+S\b"
    r"|\b\d+ ?MIN(UTE)?S?\b|\b(GAD|DELAY(ED)?|\d+S?)\b"
)


@dataclass(frozen=True)
class Listed:
    """One series of a listing: its description, number, modality and how many images it has."""

    description: str
    number: int | None
    images: int
    modality: str = "MR"


def decide_listing(listed: Sequence[Listed], rules: Rules) -> list[Decision]:
    """Decide on the series of one examination by their names and counts.

    Parameters
    ----------
    listed : the MR series.
    rules : from `load_rules`.
    """
    series = [_series(one) for one in listed]
    names = {id(one.stacks[0]): (one.images, _without_phase(one)) for one in series}
    return decide_study(series, rules, alike=lambda one, other: names[id(one)] == names[id(other)])


def _series(one: Listed) -> Series:
    facts = Facts(modality=one.modality, description=one.description, series_number=one.number)
    frame = Frame("", None, "", _NOBODY, facts, None, None, None, None, None, None, None, Diffusion(), None, None)
    return Series((frame,), (Stack((frame,)),), listed=one.images)


def _without_phase(series: Series) -> str:
    """The name of a series without the words that number or time a phase."""
    return " ".join(_PHASE_WORDS.sub(" ", plain_name(series.facts)).split())
