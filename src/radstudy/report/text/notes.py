"""Short notes that accompany tables."""

from __future__ import annotations

import math

from radstudy.protocol.words import listed
from radstudy.report.cited import entries, quoted
from radstudy.report.display import number, plural
from radstudy.report.facts import RunFacts
from radstudy.report.text.evidence import agreement
from radstudy.report.text.paragraph import Paragraph


def cohort_notes(facts: RunFacts) -> list[Paragraph]:
    """Notes on how the cohort table was read."""
    return [Paragraph(quoted(note)) for note in facts.document("cohort/notes.json")]


def reader_agreement(facts: RunFacts) -> list[Paragraph]:
    """The reason why it was not tested if another reader gets the same features; nothing if it was."""
    if len(facts.protocol.cohort.readers) < 2:
        if not facts.finished("agree"):
            return []
        one = "One reader drew the lesions" if facts.protocol.features is None else "The features are of one reader"
        return [Paragraph(f"{one}, so it was not tested whether another reader gets the same features.")]
    note = agreement(facts).get("note")
    return [Paragraph(f"Not tested. {quoted(note)}")] if note else []


def count_explained(facts: RunFacts) -> list[Paragraph]:
    """The explanation of the number of features."""
    summary = facts.document("extract/summary.json")
    return [Paragraph(f"Features per lesion and sequence: {quoted(summary['explained'])}.")]


def signature_note(facts: RunFacts) -> list[Paragraph]:
    """The model in signature.json."""
    signature = facts.document("signature.json")
    count = entries(signature["formula"]["terms"])
    cutoff = signature["cutoff"]
    shown = number(cutoff) if isinstance(cutoff, float) and math.isfinite(cutoff) else str(cutoff)
    return [
        Paragraph(
            f"signature.json holds {signature['model']} ({plural(count, 'feature')}, cut-off {shown}, needs "
            f"{listed([*signature['sequences'], *(facts.label_of(v) for v in signature['clinical'])])}), "
            f"{facts.study_model_is}. It is for research only, not for decisions about patients."
        )
    ]
