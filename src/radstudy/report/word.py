"""Word files: a table of the report with caption, repeated header rows, merged cells and footnotes; texts; headings."""

from __future__ import annotations

import datetime
import io
import zipfile
from collections.abc import Sequence

from docx import Document
from docx.document import Document as WordDocument
from docx.enum.section import WD_ORIENT, WD_SECTION
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.section import Section
from docx.shared import Emu, Mm, Pt, RGBColor
from docx.text.paragraph import Paragraph as WordParagraph
from docx.text.run import Run

from radstudy.printable import printable
from radstudy.report.cited import plain
from radstudy.report.tables.structure import Cell, Row, Table
from radstudy.report.word_rows import INK, QUIET, SIZE, SMALL, add_rows

_FONT, _TEXT = "Arial", 10
_LONG, _SHORT, _MARGIN = 297, 210, 18  # mm, A4
_PORTRAIT = 105  # characters of a row that fit a portrait page
_PADDING, _LONGEST = 3, 58  # characters: of a cell's margins, and of a text before it wraps
_SHRUNK, _BELOW = SMALL / SIZE, 22  # of the line below a cell's text: size of its letters; characters before it wraps
_LONGEST_TITLE = 255  # characters, of a property of a Word file
_QUIET, _FLAG, _INK = RGBColor.from_string(QUIET), RGBColor(0x8C, 0x2D, 0x04), RGBColor.from_string(INK)
_MADE = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)  # the same table must give the same bytes


def word_file(table: Table, *, number: str, caption: str, notice: str = "") -> bytes:
    """The content of a .docx file with this table.

    Parameters
    ----------
    table : the table to print.
    number, caption : number, such as Table S4, and caption, printed above it.
    notice : the study's notice, printed below the caption; "" prints none.

    Returns
    -------
    The file's bytes: A4, landscape if the table is wide; the same table gives the same bytes.
    """
    table = table.plain()
    document = blank_document(title=f"{number}. {caption}", landscape=is_wide(table))
    add_table(document, table, number=number, caption=caption, notice=notice)
    return packed(document)


def add_table(document: WordDocument, table: Table, *, number: str, caption: str, notice: str = "") -> None:
    """Add a table with its caption above and its footnotes below; a wide one on a page of its own, turned.

    Parameters
    ----------
    document : to add it to.
    table : without sources of its numbers (`Table.plain`).
    number, caption, notice : as of `word_file`.
    """
    turn_page(document, landscape=is_wide(table))
    above = document.add_paragraph()
    above.paragraph_format.keep_with_next = True
    _run(above, f"{number}. ", bold=True)
    _run(above, caption)
    if notice:
        flag = document.add_paragraph()
        flag.paragraph_format.keep_with_next = True
        _run(flag, notice, size=SMALL, bold=True, colour=_FLAG)
    _fill(document, [*table.header, *table.rows], len(table.header), _letters(table.header, table.rows))
    for line in table.footnotes:
        _run(document.add_paragraph(), line, size=SMALL, colour=_QUIET)


def add_heading(document: WordDocument, text: str, *, level: int = 1) -> None:
    """Add a heading; level 0 is the title."""
    heading = document.add_heading(level=level)
    _run(heading, text, size=16 if level == 0 else 12, bold=True, colour=_INK).font.name = _FONT


def add_text(document: WordDocument, text: str, *, lead: str = "") -> None:
    """Add a paragraph, with a word or two in bold before it."""
    paragraph = document.add_paragraph()
    if lead:
        _run(paragraph, f"{lead.rstrip('.')}. ", size=_TEXT, bold=True)
    _run(paragraph, text, size=_TEXT)


def add_header(document: WordDocument, text: str) -> None:
    """Put a line on top of every page; "" puts none."""
    if text:
        _run(document.sections[0].header.paragraphs[0], text, size=SMALL, bold=True, colour=_FLAG)


def turn_page(document: WordDocument, *, landscape: bool) -> None:
    """Go on with a page of this orientation."""
    if (document.sections[-1].orientation == WD_ORIENT.LANDSCAPE) != landscape:
        _orient(document.add_section(WD_SECTION.NEW_PAGE), landscape=landscape)


def is_wide(table: Table) -> bool:
    """True if a table needs a page in landscape."""
    return sum(_letters(table.header, table.rows)) > _PORTRAIT


def _letters(header: Sequence[Row], rows: Sequence[Row]) -> list[int]:
    """Width of each column in characters, from cells that span one column; headings and long texts may wrap."""
    columns = max((sum(cell.span for cell in row) for row in (*header, *rows)), default=1)
    widths = [_PADDING + 2] * columns
    for index, row in enumerate((*header, *rows)):
        at = 0
        for cell in row:
            if cell.span == 1:
                widest = max(map(len, cell.whole_text.split(" "))) + 1 if index < len(header) else _width(cell)
                widths[at] = max(widths[at], min(widest, _LONGEST) + _PADDING)
            at += cell.span
    return widths


def _width(cell: Cell) -> int:
    indent = 3 if "level" in cell.kind.split() else 0
    return max(len(cell.whole_text) + len(cell.mark) + indent, min(round(_SHRUNK * len(cell.below)), _BELOW))


def blank_document(*, title: str, landscape: bool = False) -> WordDocument:
    """An empty A4 document."""
    document = Document()
    _orient(document.sections[0], landscape=landscape)
    normal = document.styles["Normal"]
    normal.font.name, normal.font.size = _FONT, Pt(SIZE)
    normal.paragraph_format.space_after = Pt(3)
    about = document.core_properties
    about.title, about.author, about.comments = printable(title)[:_LONGEST_TITLE], "radstudy", ""
    about.created = about.modified = _MADE.replace(tzinfo=None)
    return document


def _orient(section: Section, *, landscape: bool) -> None:
    section.orientation = WD_ORIENT.LANDSCAPE if landscape else WD_ORIENT.PORTRAIT
    section.page_width, section.page_height = (Mm(_LONG), Mm(_SHORT)) if landscape else (Mm(_SHORT), Mm(_LONG))
    section.left_margin = section.right_margin = section.top_margin = section.bottom_margin = Mm(_MARGIN)


def _fill(document: WordDocument, rows: Sequence[Row], header: int, widths: Sequence[int]) -> None:
    section = document.sections[-1]
    room = (section.page_width or 0) - (section.left_margin or 0) - (section.right_margin or 0)
    grid = document.add_table(rows=0, cols=len(widths))
    grid.alignment = WD_TABLE_ALIGNMENT.LEFT
    grid.autofit = False
    shares = [Emu(room * width // sum(widths)) for width in widths]
    for column, share in zip(grid.columns, shares, strict=True):
        column.width = share
    add_rows(grid._tbl, rows, header, shares)


def _run(
    paragraph: WordParagraph, text: str, *, size: float = SIZE, bold: bool = False, italic: bool = False,
    colour: RGBColor | None = None,
) -> Run:  # fmt: skip
    run = paragraph.add_run(printable(plain(text)))
    run.font.size, run.bold, run.italic = Pt(size), bold or None, italic or None
    if colour is not None:
        run.font.color.rgb = colour
    return run


def packed(document: WordDocument) -> bytes:
    """The file's bytes, with the same date for all its parts."""
    memory, packed = io.BytesIO(), io.BytesIO()
    document.save(memory)
    with zipfile.ZipFile(memory) as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            target.writestr(zipfile.ZipInfo(name, _MADE.timetuple()[:6]), source.read(name), zipfile.ZIP_DEFLATED)
    return packed.getvalue()
