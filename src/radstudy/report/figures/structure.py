"""What a figure of the report is, and how one is declared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import pandas as pd
from matplotlib.figure import Figure

from radstudy.report.analysed import lesions_note
from radstudy.report.facts import Facts


@dataclass(frozen=True, eq=False)
class Drawing:
    """One figure as drawn.

    Parameters
    ----------
    figure : what matplotlib draws.
    alt : what it shows, for those who cannot see it.
    notes : printed below.
    frame : the numbers that are drawn, for a CSV file of the figure's name; None where a table of the report has them.
    """

    figure: Figure
    alt: str
    notes: tuple[str, ...] = ()
    frame: pd.DataFrame | None = None


@dataclass(frozen=True)
class ReportFigure:
    """A figure of the report as declared; called with the facts of a run, it draws it.

    Parameters
    ----------
    name : in outline.yaml and of its files.
    reads : files of the run that it is drawn from.
    rows_independent : whether it has intervals, bands or tests that take every row as independent; it then has a note
        where patients have several lesions.
    draw : the function.
    """

    name: str
    reads: tuple[str, ...]
    rows_independent: bool
    draw: Callable[[Facts], Drawing]

    def __call__(self, facts: Facts) -> Drawing:
        """Draw the figure.

        Raises
        ------
        AbsentError : there is nothing to draw; says why.
        """
        drawing = self.draw(facts)
        note = lesions_note(facts) if self.rows_independent else ""
        return replace(drawing, notes=(note, *drawing.notes)) if note else drawing


def report_figure(
    name: str, *, reads: tuple[str, ...], rows_independent: bool
) -> Callable[[Callable[[Facts], Drawing]], ReportFigure]:
    """Declare the function below as a figure of the report; see `ReportFigure`."""

    def declared(draw: Callable[[Facts], Drawing]) -> ReportFigure:
        return ReportFigure(name, reads, rows_independent, draw)

    return declared
