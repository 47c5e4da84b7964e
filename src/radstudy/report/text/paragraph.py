"""One paragraph of the report's text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Paragraph:
    """One paragraph: a word or two in bold that say what it is about, and its text."""

    text: str
    lead: str = ""
