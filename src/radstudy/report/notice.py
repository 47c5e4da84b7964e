"""A study's notice, as figures and pictures carry it."""

from __future__ import annotations

import re

_LONGEST_WATERMARK = 32  # letters


def watermark(notice: str) -> str:
    """The first words of a notice, up to a colon or a full stop, short enough to be read across a picture."""
    return re.split(r"[:.;]", notice, maxsplit=1)[0].strip()[:_LONGEST_WATERMARK]
