"""Several lesions of one patient: the note for intervals and tests that treat every row as independent."""

from __future__ import annotations

from collections.abc import Iterable

SEVERAL_LESIONS = (
    "several lesions of one patient: the intervals take them as independent and are too narrow, p-values are too small"
)
_OLDER = "several lesions of one patient: the intervals take them as independent and are too narrow"  # of older runs


def lesions_note(patients: Iterable[object]) -> str:
    """Return `SEVERAL_LESIONS` if a patient appears twice among the rows, else ""."""
    listed = list(patients)
    return SEVERAL_LESIONS if len(set(listed)) < len(listed) else ""


def joined(*notes: str) -> str:
    """Join notes into one, without repetitions."""
    return "; ".join(dict.fromkeys(note for note in notes if note))


def without_lesions_note(note: object) -> str:
    """Return a table's note without the part on several lesions, which the report prints once for the whole table.

    Examples
    --------
    >>> without_lesions_note(f"{SEVERAL_LESIONS}; one class only")
    'one class only'
    """
    text = note if isinstance(note, str) else ""
    return "; ".join(part for part in text.split("; ") if part not in ("", SEVERAL_LESIONS, _OLDER))
