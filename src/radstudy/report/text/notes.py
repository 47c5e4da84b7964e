"""Short notes that stand beside tables."""

from __future__ import annotations

import math

from radstudy.protocol.words import listed
from radstudy.report.display import number, plural
from radstudy.report.facts import Facts
from radstudy.report.text.paragraph import Paragraph


def cohort_notes(facts: Facts) -> list[Paragraph]:
    """What a reader should know about how the cohort table was read."""
    return [Paragraph(str(note)) for note in facts.document("cohort/notes.json")]


def count_explained(facts: Facts) -> list[Paragraph]:
    """How the number of features comes about."""
    found = facts.document("extract/summary.json")
    return [Paragraph(f"Features of one lesion on one sequence: {found['explained']}.")]


def signature_note(facts: Facts) -> list[Paragraph]:
    """Which model went into signature.json."""
    found = facts.document("signature.json")
    count = len(found["formula"]["terms"])
    cutoff = found["cutoff"]
    shown = number(cutoff) if isinstance(cutoff, float) and math.isfinite(cutoff) else str(cutoff)
    return [
        Paragraph(
            f"signature.json holds {found['model']} ({plural(count, 'feature')}, cut-off {shown}, needs "
            f"{listed([*found['sequences'], *(facts.label_of(v) for v in found['clinical'])])}), "
            f"{facts.study_model_is}. It is for research: nothing here makes it fit for decisions about patients."
        )
    ]
