"""One paragraph of the report's text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Paragraph:
    """One paragraph: its text, and a word or two in bold that name its subject."""

    text: str
    lead: str = ""
