"""Declaring a figure or table of the report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar

from radstudy.report.analysed import lesions_note
from radstudy.report.facts import RunFacts


class Noted(Protocol):
    """A figure or table with notes below it."""

    def with_first_note(self, note: str) -> Self:
        """The same with one more note, above the others."""


Content = TypeVar("Content", bound=Noted)


@dataclass(frozen=True)
class ReportPart(Generic[Content]):
    """A figure or table of the report as declared; call it with the facts of a run to make it.

    Parameters
    ----------
    name : name in outline.yaml and of its files.
    reads : files of the run that it is made from.
    rows_independent : True if it has intervals, bands or tests that treat every row as independent; it then has a note
        if patients have several lesions. Counts have none, nor do tables that count patients; permutations and
        resampling keep a patient's lesions together.
    make : the function that makes it.
    """

    name: str
    reads: tuple[str, ...]
    rows_independent: bool
    make: Callable[[RunFacts], Content]

    def __call__(self, facts: RunFacts) -> Content:
        """Make the figure or table.

        Raises
        ------
        AbsentError : there is nothing to show; the message says why.
        """
        content = self.make(facts)
        note = lesions_note(facts) if self.rows_independent else ""
        return content.with_first_note(note) if note else content


def report_part(
    name: str, *, reads: tuple[str, ...], rows_independent: bool
) -> Callable[[Callable[[RunFacts], Content]], ReportPart[Content]]:
    """Declare the function below as a figure or table of the report; see `ReportPart`."""

    def declared(make: Callable[[RunFacts], Content]) -> ReportPart[Content]:
        return ReportPart(name, reads, rows_independent, make)

    return declared
