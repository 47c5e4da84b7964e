"""Facts that only the study's authors know: marked [AUTHOR: ...] in the text, and listed once more together."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from radstudy.protocol.words import listed
from radstudy.report.facts import AbsentError, RunFacts
from radstudy.report.text.paragraph import Paragraph

_MARK = re.compile(r"\[AUTHOR: [^\]]+\]")


def _drawn(facts: RunFacts) -> str:
    readers = list(facts.protocol.cohort.readers)
    who = listed(readers) if len(readers) > 1 else "the reader"
    return f"experience of {who}, and what {'they' if len(readers) > 1 else 'he or she'} knew of the patients"


# paragraph of the methods to the step that it tells of, and what its author must add
_WANTED: Mapping[str, tuple[str, tuple[Callable[[RunFacts], str], ...]]] = {
    "Patients": (
        "cohort",
        (
            lambda _: "centres, period of recruitment, whether patients were consecutive, ethics approval and consent",
            lambda facts: (
                f"how {facts.protocol.cohort.outcome.label or facts.protocol.cohort.outcome.column} was determined, "
                "by whom, and whether they knew the images"
            ),
            lambda _: "how the number of patients was chosen",
        ),
    ),
    "Image preparation": ("prepare", (lambda _: "scanners, coils, contrast agent and sequence parameters",)),
    "Segmentation and features": ("prepare", (_drawn,)),
    "Software": ("evaluate", (lambda _: "where data, code and signature are available",)),
}


def author_marks(facts: RunFacts, lead: str) -> str:
    """The marks that end a paragraph of the methods; "" if it has none, or if its step has not finished."""
    step, wanted = _WANTED.get(lead, ("", ()))
    if not step or not facts.finished(step):
        return ""
    return " ".join(f"[AUTHOR: {words(facts)}.]" for words in wanted)


def marks_in(paragraphs: Iterable[Paragraph]) -> list[str]:
    """The marks in some paragraphs, each after the paragraph's subject."""
    return [f"{one.lead}: {mark}" for one in paragraphs for mark in _MARK.findall(one.text)]


def author_list(paragraphs: Iterable[Paragraph]) -> list[Paragraph]:
    """All marks together, one below the other.

    Raises
    ------
    AbsentError : there is none.
    """
    marks = marks_in(paragraphs)
    if not marks:
        raise AbsentError("The text has no place yet that its authors must complete.")
    first, *others = marks
    return [Paragraph(first, "For the authors to complete"), *map(Paragraph, others)]
