"""Boxes of text and pictures in rows, laid out from the measured sizes of their letters: no text leaves its box."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from matplotlib.axes import Axes
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyBboxPatch
from matplotlib.textpath import TextPath
from PIL import Image

from radstudy.printable import printable
from radstudy.report.cited import plain
from radstudy.report.figures.style import INK, LIGHT, SMALLEST

HEADING, LINE = 7.0, SMALLEST + 0.5  # letters of a box, points
PAD = 0.06  # inches between a text and the side of its box
_POINTS = 72.0
_LEADING = 1.3  # distance between two lines, in letters' sizes
_WIDEST_TEXT = 1.55  # inches; a longer text is broken into lines
ARROW, SPACE = 0.16, 0.08  # inches between two boxes of a row, with a sign between them or without
_BETWEEN_LINES = 0.07


@dataclass(frozen=True)
class FlowBox:
    """One box of a flow diagram.

    Parameters
    ----------
    heading : first line, bold; "" for none.
    lines : lines below.
    picture : picture above the heading; None draws a frame around the text instead.
    joined : sign between this box and the one before it: an arrow, a plus, or nothing.
    begins : True if the box begins a line of its own.
    """

    heading: str
    lines: tuple[str, ...] = ()
    picture: Image.Image | None = None
    joined: str = "→"
    begins: bool = False


@dataclass(frozen=True)
class PlacedBox:
    """A box with its place; sizes in inches.

    Parameters
    ----------
    box : the box.
    texts : its lines as they are printed; the first `bold` ones are the heading.
    bold : number of lines of the heading.
    x, y : left side and upper side; y runs down from the top of the row.
    width, height : size.
    """

    box: FlowBox
    texts: tuple[str, ...]
    bold: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class PlacedRow:
    """The boxes of one row of the diagram, on one or more lines, and the height that they take."""

    boxes: tuple[PlacedBox, ...]
    height: float


def placed(boxes: Sequence[FlowBox], room: float, *, picture: float = 0.95) -> PlacedRow:
    """The boxes next to each other, on as many lines as they need.

    Parameters
    ----------
    boxes : boxes of the row.
    room : width of the row, inches.
    picture : width of a picture, inches.
    """
    lines: list[list[PlacedBox]] = [[]]
    x = 0.0
    for box in _in_columns([_sized(box, picture, room) for box in boxes], room):
        if lines[-1] and (box.box.begins or x + _before(box) + box.width > room + 1e-9):
            lines.append([])
        x = x + _before(box) if lines[-1] else 0.0
        lines[-1].append(replace(box, x=x))
        x += box.width
    result, y = [], 0.0
    for line in filter(None, lines):
        height = max(box.height for box in line)
        result += [replace(box, y=y, height=height) for box in line]
        y += height + _BETWEEN_LINES
    return PlacedRow(tuple(result), max(y - _BETWEEN_LINES, 0.0))


def _before(box: PlacedBox) -> float:
    return ARROW if box.box.joined else SPACE


def _in_columns(boxes: Sequence[PlacedBox], room: float) -> list[PlacedBox]:
    """The boxes of several lines that begin anew, as wide as their column's widest, if there is room for that."""
    columns: list[int] = []
    for box in boxes:
        columns.append(0 if box.box.begins or not columns else columns[-1] + 1)
    if sum(box.box.begins for box in boxes) < 2:
        return list(boxes)
    widths = {
        column: max(box.width for box, own in zip(boxes, columns, strict=True) if own == column) for column in columns
    }
    if sum(widths.values()) + ARROW * (len(widths) - 1) > room:
        return list(boxes)
    return [replace(box, width=widths[column]) for box, column in zip(boxes, columns, strict=True)]


def _sized(box: FlowBox, picture: float, room: float) -> PlacedBox:
    widest = min(_WIDEST_TEXT if box.picture is None else picture, room - 2 * PAD)
    heading = list(broken(box.heading, widest, bold=True)) if box.heading else []
    lines = [line for text in box.lines for line in broken(text, widest)]
    text_width = max([*(measured(line, bold=True) for line in heading), *map(measured, lines), 0.0])
    height = 2 * PAD + _text_height(len(heading), len(lines))
    if box.picture is None:
        return PlacedBox(box, (*heading, *lines), len(heading), 0.0, 0.0, text_width + 2 * PAD, height)
    tall = picture * box.picture.height / box.picture.width
    return PlacedBox(box, (*heading, *lines), len(heading), 0.0, 0.0, max(picture, text_width), height + tall)


def _text_height(headings: int, lines: int) -> float:
    return (headings * HEADING + lines * LINE) * _LEADING / _POINTS


def draw_row(axes: Axes, row: PlacedRow, left: float, top: float) -> None:
    """Draw the boxes of a row, with the signs between them.

    Parameters
    ----------
    axes : axes in inches.
    row : the boxes.
    left, top : upper left corner of the row.
    """
    before: PlacedBox | None = None
    for one in row.boxes:
        x, y = left + one.x, top - one.y
        if before is not None and one.box.joined:
            _join(axes, before, one, left, top)
        if one.box.picture is None:
            axes.add_patch(_frame(x, y - one.height, one.width, one.height, colour="white"))
        else:
            _draw_picture(axes, one, x, y)
        _draw_texts(axes, one, x + one.width / 2, y)
        before = one


def _join(axes: Axes, before: PlacedBox, one: PlacedBox, left: float, top: float) -> None:
    """The sign between two boxes; at the beginning of a further line it stands left of the box."""
    end = left + one.x - 0.015
    middle = top - one.y - one.height / 2
    if one.box.joined == "→":
        axes.annotate(
            "", (end, middle), (end - ARROW + 0.03, middle),
            arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 0.8, "shrinkA": 0, "shrinkB": 0,
                        "mutation_scale": 7},
        )  # fmt: skip
    elif one.y == before.y:
        axes.text(end - ARROW / 2 + 0.015, middle, one.box.joined, ha="center", va="center", fontsize=HEADING)


def _draw_picture(axes: Axes, one: PlacedBox, x: float, y: float) -> None:
    picture = one.box.picture
    assert picture is not None
    tall = one.height - 2 * PAD - _text_height(one.bold, len(one.texts) - one.bold)
    wide = min(one.width, tall * picture.width / picture.height)
    tall = wide * picture.height / picture.width
    middle = x + one.width / 2
    axes.imshow(picture, extent=(middle - wide / 2, middle + wide / 2, y - tall, y), aspect="auto", zorder=2)


def _draw_texts(axes: Axes, one: PlacedBox, middle: float, y: float) -> None:
    """Draw the texts in the middle of a box, or at its lower end below a picture."""
    free = one.height - _text_height(one.bold, len(one.texts) - one.bold)
    y -= free / 2 if one.box.picture is None else free - PAD
    for index, text in enumerate(one.texts):
        bold = index < one.bold
        size = HEADING if bold else LINE
        y -= size * _LEADING / _POINTS
        axes.text(
            middle, y + 0.3 * size / _POINTS, text, ha="center", va="baseline", fontsize=size,
            weight="bold" if bold else "normal",
        )  # fmt: skip


def _frame(x: float, y: float, width: float, height: float, *, colour: str) -> FancyBboxPatch:
    return FancyBboxPatch(
        (x, y), width, height, boxstyle="round,pad=0,rounding_size=0.05", facecolor=colour, edgecolor=INK, linewidth=0.7
    )


def draw_title(axes: Axes, title: str, box: tuple[float, float, float, float]) -> None:
    """Draw the title of a row in a box of its own.

    Parameters
    ----------
    axes : axes in inches.
    title : title.
    box : left, lower side, width, height.
    """
    x, y, width, height = box
    axes.add_patch(_frame(x, y, width, height, colour=LIGHT))
    lines = list(broken(title, width - 2 * PAD, bold=True))
    step = HEADING * _LEADING / _POINTS
    first = y + height / 2 + (len(lines) - 1) * step / 2
    for index, line in enumerate(lines):
        axes.text(x + width / 2, first - index * step, line, ha="center", va="center", fontsize=HEADING, weight="bold")


# --- texts -------------------------------------------------------------------------------------------------------


def broken(text: str, width: float, *, bold: bool = False) -> Iterator[str]:
    """A text in lines that fit a width, broken after blanks, hyphens and underscores, or within a longer word.

    Parameters
    ----------
    text : text, with marks of its numbers or without.
    width : inches.
    bold : True for a heading.
    """
    line = ""
    for piece in _PIECES.findall(" ".join(printable(plain(text)).split())):
        if measured((line + piece).rstrip(), bold=bold) <= width:
            line += piece
            continue
        if line:
            yield line.rstrip()
        line = piece
        while len(line.rstrip()) > 1 and measured(line.rstrip(), bold=bold) > width:
            fits = max(n for n in range(1, len(line)) if n == 1 or measured(line[:n], bold=bold) <= width)
            yield line[:fits]
            line = line[fits:]
    yield line.rstrip()


@cache
def measured(text: str, *, bold: bool = False) -> float:
    """The width of a line in a box, inches."""
    if not text.strip():
        return 0.0
    letters = FontProperties(family=_FONT, weight="bold" if bold else "normal")
    known = TextPath((0, 0), text, size=HEADING if bold else LINE, prop=letters, usetex=False)
    wide = sum(ord(sign) > _WIDE for sign in text) * (HEADING if bold else LINE)  # letters that this font lacks
    return float(max(known.get_extents().width, wide)) / _POINTS * 1.02


_FONT = "DejaVu Sans"
_PIECES = re.compile(r"[^ _-]*[ _-]+|[^ _-]+")
_WIDE = 0x2E80  # first of the scripts whose letters are as wide as high
