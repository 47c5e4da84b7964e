"""The note of a row, as a table of the report prints it."""

from __future__ import annotations

from radstudy.modelling.lesions import without_lesions_note
from radstudy.report.cited import quoted


def quoted_note(note: object) -> str:
    """A row's note without the part on several lesions, quoted from its cell; "" if nothing is left."""
    return quoted(note, without_lesions_note(note))
