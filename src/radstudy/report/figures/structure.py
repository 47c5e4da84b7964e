"""A figure of the report as drawn."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pandas as pd
from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class DrawnFigure:
    """One figure as drawn.

    Parameters
    ----------
    figure : the matplotlib figure; None once its files have been made.
    alt : description for readers who cannot see it.
    notes : notes printed below.
    frame : the numbers drawn, for a CSV file with the figure's name; None if a table of the report has them.
    """

    figure: Figure | None
    alt: str
    notes: tuple[str, ...] = ()
    frame: pd.DataFrame | None = None

    def with_first_note(self, note: str) -> DrawnFigure:
        """The figure with one more note, above the others."""
        return replace(self, notes=(note, *self.notes))
