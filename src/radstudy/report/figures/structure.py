"""What a figure of the report is."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
from matplotlib.figure import Figure


@dataclass(frozen=True, eq=False)
class Drawing:
    """One figure.

    Parameters
    ----------
    name : of its files, without ending.
    figure : what matplotlib draws.
    alt : what it shows, for those who cannot see it.
    notes : printed below.
    frame : the numbers that are drawn, for a CSV file of the figure's name; None where a table of the report has them.
    """

    name: str
    figure: Figure
    alt: str
    notes: tuple[str, ...] = ()
    frame: pd.DataFrame | None = None
