"""The sections of the outline: every part built from the facts, or the reason for its absence."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from typing import Any

from radstudy.bugs import LOG, Bug, note
from radstudy.report import validation
from radstudy.report.checks import checks
from radstudy.report.cited import plain_frame
from radstudy.report.facts import SEALED, SUMMARY, AbsentError, RunFacts
from radstudy.report.fields import montages
from radstudy.report.figures import FIGURES, DrawnFigure
from radstudy.report.figures.style import style
from radstudy.report.interactive import INTERACTIVE
from radstudy.report.maps import map_sheet
from radstudy.report.outline import OutlinePart, outline
from radstudy.report.pictures import albums
from radstudy.report.tables import TABLES, Table
from radstudy.report.text import TEXTS

_TRAINING_ALONE = "Training patients alone: the testing results are sealed."
_NAMES = {  # of parts without a caption, where there is nothing to show of them
    "five_sentences": "The answer in five sentences",
    "results": "Results",
    "checklists": "Reporting checklists",
    "cutoff": "Movable cut-off",
    "deviations": "Deviations from the preset's protocol",
    "patients": "Prediction for one patient",
    "motion": "Motion between the phases of a dynamic series",
    "author": "For the authors to complete",
    "cohort_notes": "Remarks on the cohort table",
    "count_explained": "Number of features",
    "signature_note": "Model in signature.json",
}


@dataclass(frozen=True, eq=False)
class Part:
    """One part of a section.

    Parameters
    ----------
    kind : table, figure, text, checks, pictures, fields, maps, settings or interactive.
    name : name in the outline and of its files.
    content : the part as made; None if it is absent.
    absent : reason for its absence.
    number, caption : number, such as Figure S4, and caption.
    folded : True if it opens on a click.
    waiting : True if it is made together with its files.
    bug : identifier of the unexpected error that prevented it.
    traceback : traceback of that error, without names of patients.
    sealed : what it shows while the testing results are sealed; see `OutlinePart`.
    """

    kind: str
    name: str
    content: Any
    absent: str = ""
    number: str = ""
    caption: str = ""
    folded: bool = False
    waiting: bool = False
    bug: str = ""
    traceback: str = ""
    sealed: str = ""

    @property
    def anchor(self) -> str:
        """The identifier of the part in the page."""
        return f"{self.kind}-{self.name}"

    @property
    def title(self) -> str:
        """The number and caption of the part, or its name in words."""
        if self.number:
            return f"{self.number}. {self.caption}"
        return f"{_NAMES.get(self.name) or self.name.replace('_', ' ').capitalize()}."

    @property
    def empty(self) -> bool:
        """True if there is nothing to show, and nothing went wrong."""
        return not self.bug and (self.content is None or (self.kind == "text" and not self.content))

    def failed(self, bug: Bug) -> Part:
        """The part as the page shows it if it could not be made."""
        what = (
            f"This part could not be made from the files of the run: {bug.said}. To do: if the run was "
            f"stopped, start it again; otherwise report this as a bug and attach {LOG} from the run's folder."
        )
        return replace(self, content=None, absent=what, waiting=False, bug=bug.id, traceback=bug.traceback)

    def with_content(self, facts: RunFacts) -> Part:
        """The part as made, or with the reason for its absence."""
        try:
            if facts.sealed and self.sealed == "withheld":
                raise AbsentError(SEALED)
            content = _exported(_MAKERS[self.kind](facts, self.name))
            if facts.sealed and self.sealed == "training" and isinstance(content, Table | DrawnFigure):
                content = content.with_first_note(_TRAINING_ALONE)
            return replace(self, content=content, waiting=False)
        except AbsentError as missing:
            return replace(self, absent=str(missing), waiting=False)


@dataclass(frozen=True, eq=False)
class ReportSection:
    """One section of the report."""

    id: str
    title: str
    parts: list[Part] = field(default_factory=list)
    layer: str = "evidence"


def build_sections(facts: RunFacts, *, later: Collection[str] = ()) -> list[ReportSection]:
    """All sections in the outline's order. A part that cannot be made says so and never stops the others.

    Parameters
    ----------
    facts : the run.
    later : kinds of parts that are made together with their files (`radstudy.report.files`).
    """
    with style():
        return [
            ReportSection(
                section.id, section.title, [_part(facts, part, later) for part in section.parts], section.layer
            )
            for section in outline()
        ]


_MAKERS: dict[str, Callable[[RunFacts, str], Any]] = {
    "table": lambda facts, name: (TABLES | validation.TABLES)[name](facts),
    "figure": lambda facts, name: (FIGURES | validation.FIGURES)[name](facts),
    "text": lambda facts, name: (TEXTS | validation.TEXTS)[name](facts),
    "checks": lambda facts, _: checks(facts),
    "pictures": lambda facts, _: albums(facts),
    "fields": lambda facts, _: montages(facts),
    "maps": lambda facts, _: map_sheet(facts),
    "settings": lambda facts, _: _all_settings(facts),
    "interactive": lambda facts, name: INTERACTIVE[name](facts),
}


def _all_settings(facts: RunFacts) -> dict[str, Any]:
    """The study file's settings, and those of the PyRadiomics parameter file that it names."""
    settings = facts.protocol.model_dump(mode="json", by_alias=True, exclude={"reading"})
    params = facts.protocol.extract.params
    if params is None or SUMMARY not in facts.documents:
        return settings
    return {**settings, f"content of {params}": facts.extraction.as_dict()}


def _exported(content: Any) -> Any:
    """A table or figure with the data of its CSV file as they are written, without sources."""
    if isinstance(content, Table | DrawnFigure) and content.frame is not None:
        return replace(content, frame=plain_frame(content.frame))
    return content


def _part(facts: RunFacts, part: OutlinePart, later: Collection[str]) -> Part:
    empty = Part(part.kind, part.name, None, "", part.number, part.caption, part.folded, sealed=part.sealed)
    if part.kind in later:
        return replace(empty, waiting=True)
    try:
        return empty.with_content(facts)
    except Exception as error:  # a broken run may have left a damaged file: the rest of the report must still be made
        return empty.failed(note(error, f"report: {part.kind} {part.name}"))
