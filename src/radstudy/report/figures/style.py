"""The style of figures: colours for colour-blind readers (Okabe and Ito's), journals' widths, letters."""

from __future__ import annotations

import base64
import io
import re
import textwrap
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, get_args

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import get_font_names
from matplotlib.text import Text
from matplotlib.ticker import FixedFormatter, Formatter, FuncFormatter
from matplotlib.transforms import Bbox
from PIL import Image

from radstudy.printable import printable
from radstudy.report.cited import plain
from radstudy.report.figures.fonts import with_fonts
from radstudy.report.notice import watermark

if TYPE_CHECKING:
    from matplotlib.typing import RcKeyType

BLUE, ORANGE, GREEN, GREY, INK = "#0072B2", "#D55E00", "#009E73", "#8a9199", "#1d2730"
LIGHT = "#e8eef3"
Width = Literal["single", "one_and_a_half", "double"]  # columns of a journal's page
WIDTHS_MM: Mapping[Width, float] = {"single": 88.0, "one_and_a_half": 140.0, "double": 180.0}
SMALLEST, LARGEST = 6.0, 9.0  # letters at final size, points; a watermark has larger ones
MM_PER_INCH = 25.4
LineStyle = Literal["solid"] | tuple[float, tuple[float, float]]
SETS: dict[str, tuple[str, LineStyle]] = {
    "training": (ORANGE, (0, (4, 2))),
    "testing": (BLUE, "solid"),
}

_STYLE: dict[RcKeyType, object] = {
    "text.parse_math": False,  # a name or reason of the user's with $ or ^ is text, not a formula
    "font.size": 7.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlesize": 8,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "axes.labelsize": 7.5,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "figure.titlesize": 8,
    "figure.labelsize": 8,
    "svg.hashsalt": "radstudy",  # the same figure, the same bytes
    "svg.fonttype": "none",  # text stays text; the file brings its letters along (`with_fonts`)
    "image.composite_image": False,  # each picture by itself, as a journal may want to replace one
    "pdf.fonttype": 42,  # TrueType: letters stay letters, which journals ask for
}

# fonts for characters that DejaVu Sans lacks; the first one installed is used
_OTHER_SCRIPTS = (
    "Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "Microsoft YaHei", "PingFang SC", "SimHei",
    "Noto Sans CJK JP", "Yu Gothic", "Noto Sans CJK KR", "Malgun Gothic", "Noto Sans Devanagari", "Arial Unicode MS",
)  # fmt: skip
_LONGEST_NAME = 60  # characters kept of a name over twice as long on an axis or in a legend; the table has all

_CLIP = re.compile(rb'(clip-path="url\(#|<clipPath id=")(p[0-9a-f]{10})(?=[)"])')
_PNG = re.compile(rb"data:image/png;base64,([A-Za-z0-9+/=\s]+)")
_PHOTOGRAPH = 20_000  # letters of a picture in an SVG from which on it is taken as one
_LETTERS_PER_INCH = 16  # bold letters of 7 points, on average
_MARGIN = 0.06  # inches above and below what is drawn
_ROUNDING = 0.02  # inches by which a line or letter may reach beyond the edge
_DPI = 300  # the layout needs the final resolution: letters are wider at some resolutions than at others
_SAVED: dict[str, dict[str, Any]] = {
    "svg": {"metadata": {"Date": None}},
    "pdf": {"metadata": {"CreationDate": None}},
    "png": {"dpi": _DPI, "pil_kwargs": {"compress_level": 4}},
    "tiff": {"dpi": _DPI, "pil_kwargs": {"compression": "tiff_lzw"}},
}


@contextmanager
def style() -> Iterator[None]:
    """The figures' style, inside the block only."""
    with mpl.rc_context({**_STYLE, "font.family": _families()}):
        yield


@cache
def _families() -> list[str]:
    """DejaVu Sans, which looks the same on every computer, and the installed fonts for other scripts."""
    installed = set(get_font_names())
    return ["DejaVu Sans", *(name for name in _OTHER_SCRIPTS if name in installed)]


def figure(width: Width, height: float, *, free: bool = False) -> Figure:
    """An empty figure without pyplot's global state.

    Parameters
    ----------
    width : columns of a journal's page that it takes.
    height : inches.
    free : True if the caller places the axes.
    """
    drawn = Figure(figsize=(inches(width), height), dpi=_DPI, layout=None if free else "constrained")
    FigureCanvasAgg(drawn)
    return drawn


def inches(width: Width) -> float:
    """A journal's width in inches."""
    return WIDTHS_MM[width] / MM_PER_INCH


def width_for(columns: int) -> Width:
    """The journal's width for a number of panels side by side."""
    names: tuple[Width, ...] = get_args(Width)
    return names[min(columns, len(names)) - 1]


def with_notice(drawn: Figure, notice: str) -> Figure:
    """Draw the study's notice into the figure: its first words as a watermark across, the whole below everything."""
    if notice:
        drawn.text(
            0.5, 0.5, watermark(notice), ha="center", va="center", rotation=24, rotation_mode="anchor", zorder=50,
            fontsize=min(4.4 * drawn.get_figwidth(), 30), color="#8c2d04", alpha=0.13, weight="bold", in_layout=False,
        )  # fmt: skip
        line = int(drawn.get_figwidth() * _LETTERS_PER_INCH)
        drawn.text(
            0.5, -0.01, textwrap.fill(notice, line), ha="center", va="top", fontsize=7, color="#8c2d04", weight="bold"
        )
    return drawn


def rendered(drawn: Figure, kinds: Iterable[str]) -> dict[str, bytes]:
    """The figure as SVG, PDF, PNG or TIFF, laid out once for all; very long names are shortened.

    Each file is as wide as the figure says; only texts that are longer than that make it wider. SVG and PDF embed their
    fonts, and their texts stay texts. PNG and TIFF have 300 dpi.
    """
    _clean(drawn)
    with warnings.catch_warnings():
        # characters that no font has are drawn as boxes; the page and the figure's table show them
        warnings.filterwarnings("ignore", message=r"Glyph \d+")
        warnings.filterwarnings(
            "ignore", message="constrained_layout not applied"
        )  # long names leave no room; it is still drawn
        drawn.draw_without_rendering()
        setattr(drawn, "get_layout_engine", lambda: None)  # noqa: B010  # or each file would be laid out once more
        box = _final_box(drawn)
        files = {}
        for kind in kinds:
            memory = io.BytesIO()
            drawn.savefig(memory, format=kind, bbox_inches=box, **_SAVED[kind])
            files[kind] = memory.getvalue()
    if "svg" in files:
        files["svg"] = with_fonts(_photographs(_numbered_clips(files["svg"])), drawn)
    return files


def _photographs(svg: bytes) -> bytes:
    """The SVG with its large pictures as JPEG, a fraction of their size as PNG."""

    def smaller(image: re.Match[bytes]) -> bytes:
        if len(image[1]) < _PHOTOGRAPH:
            return image[0]
        with Image.open(io.BytesIO(base64.b64decode(image[1]))) as picture:
            memory = io.BytesIO()
            ground = Image.new("RGB", picture.size, "white")
            ground.paste(picture, mask=picture if picture.mode == "RGBA" else None)
            ground.save(memory, format="JPEG", quality=90, subsampling=0)
        return b"data:image/jpeg;base64," + base64.b64encode(memory.getvalue())

    return _PNG.sub(smaller, svg)


def _final_box(drawn: Figure) -> Bbox:
    """The part of the page that is saved, inches: the figure's own width, and the height of what is drawn."""
    tight, width = drawn.get_tightbbox(), drawn.get_figwidth()
    left = tight.x0 - _MARGIN if tight.x0 < -_ROUNDING else 0.0
    right = tight.x1 + _MARGIN if tight.x1 > width + _ROUNDING else width
    return Bbox.from_extents(left, tight.y0 - _MARGIN, right, tight.y1 + _MARGIN)


def _numbered_clips(svg: bytes) -> bytes:
    """The SVG with its clipping rectangles numbered in drawing order, so that the same figure has the same bytes.

    Matplotlib names them by a hash of their exact bounds, whose last bit varies with the layout solver from run to
    run.
    """
    names: dict[bytes, bytes] = {}
    return _CLIP.sub(lambda clip: clip[1] + names.setdefault(clip[2], b"clip%d" % (len(names) + 1)), svg)


def _clean(drawn: Figure) -> None:
    """Remove characters that SVG cannot hold, and shorten names too long for an axis or a legend."""
    for text in drawn.findobj(Text):
        text.set_text(printable(plain(text.get_text())))
    for axes in drawn.axes:
        for axis in (axes.xaxis, axes.yaxis):
            if isinstance(own := axis.get_major_formatter(), FixedFormatter | FuncFormatter):
                axis.set_major_formatter(_cleaned(own))
        legend = axes.get_legend()
        for text in legend.get_texts() if legend is not None else ():
            text.set_text(_short(text.get_text()))


def _cleaned(formatter: Formatter) -> FuncFormatter:
    """A tick formatter whose labels are cleaned and shortened."""
    return FuncFormatter(lambda value, position: _short(printable(plain(str(formatter(value, position))))))


def _short(name: str) -> str:
    lines = name.split("\n")
    return "\n".join(
        f"{line[: _LONGEST_NAME // 2]} ... {line[-_LONGEST_NAME // 2 :]}" if len(line) > 2 * _LONGEST_NAME else line
        for line in lines
    )
