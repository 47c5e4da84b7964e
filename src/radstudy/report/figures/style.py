"""How figures look: one set of colours (Okabe and Ito's, told apart by colour-blind readers) and of sizes."""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, GREY, INK = "#0072B2", "#D55E00", "#009E73", "#8a9199", "#1d2730"
LIGHT = "#e8eef3"
SETS = {"training": (ORANGE, (0, (4, 2))), "testing": (BLUE, "solid")}

_STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 8.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "svg.hashsalt": "radstudy",  # the same figure, the same bytes
    "svg.fonttype": "path",  # the same letters on every computer
}

_DPI = 300  # laid out as it is saved: letters are wider at some resolutions than at others


@contextmanager
def style() -> Iterator[None]:
    """The figures' style, inside the block only."""
    with mpl.rc_context(_STYLE):
        yield


def figure(width: float, height: float, *, free: bool = False) -> Figure:
    """An empty figure of so many inches, without pyplot's global state; `free`: the drawing places its axes itself."""
    made = Figure(figsize=(width, height), dpi=_DPI, layout=None if free else "constrained")
    FigureCanvasAgg(made)
    return made


def with_notice(made: Figure, notice: str) -> Figure:
    """Draw the study's notice into the figure, below everything."""
    if notice:
        made.text(0.5, -0.01, notice, ha="center", va="top", fontsize=7.5, color="#8c2d04", weight="bold")
    return made


def rendered(made: Figure, kinds: Iterable[str]) -> dict[str, bytes]:
    """The figure as SVG and as PNG; laid out once for both."""
    made.draw_without_rendering()
    made.set_layout_engine("none")
    box = made.get_tightbbox().padded(0.06)
    files = {}
    for kind in kinds:
        memory = io.BytesIO()
        extra = {"metadata": {"Date": None}} if kind == "svg" else {"dpi": _DPI}
        made.savefig(memory, format=kind, bbox_inches=box, **extra)
        files[kind] = memory.getvalue()
    return files
