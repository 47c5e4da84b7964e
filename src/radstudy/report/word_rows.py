"""The rows of a table in WordprocessingML, written as text: quicker than cell by cell through python-docx."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.sax.saxutils import escape

from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from docx.oxml.table import CT_Tbl
from docx.shared import Emu

from radstudy.printable import printable
from radstudy.report.cited import plain
from radstudy.report.tables.structure import Cell, Row

SIZE, SMALL = 8.5, 7.5  # points
QUIET, INK = "55636F", "1D2730"
_HEAVY, _LIGHT = 12, 6  # eighths of a point
_BREAKS = re.compile(r"([\t\n\r])")


def add_rows(table: CT_Tbl, rows: Sequence[Row], header: int, shares: Sequence[Emu]) -> None:
    """Add rows to a table, with lines as journals draw them: above and below the header, and below the table.

    Parameters
    ----------
    table : the table's element, with its columns and without rows.
    rows : the header's rows, and the others.
    header : number of the header's rows; they are repeated on every page.
    shares : widths of the columns.
    """
    told = [
        _row(row, shares, head=index < header, edges=_edges(index, header, len(rows))) for index, row in enumerate(rows)
    ]
    for line in list(parse_xml(f"<w:tbl {nsdecls('w')}>{''.join(told)}</w:tbl>")):
        table.append(line)


def _edges(index: int, header: int, count: int) -> str:
    edges = [("top", _HEAVY)] if index == 0 else []
    edges += [("bottom", _LIGHT)] if index == header - 1 else []
    edges += [("bottom", _HEAVY)] if index == count - 1 else []
    lines = "".join(f'<w:{edge} w:val="single" w:sz="{weight}" w:space="0" w:color="{INK}"/>' for edge, weight in edges)
    return f"<w:tcBorders>{lines}</w:tcBorders>" if lines else ""


def _row(row: Row, shares: Sequence[Emu], *, head: bool, edges: str) -> str:
    cells = []
    at = 0
    for cell in row:
        cells.append(_place(_paragraph(cell, head=head), sum(shares[at : at + cell.span]), cell.span, edges))
        at += cell.span
    cells += [_place("<w:p/>", share, 1, edges) for share in shares[at:]]
    repeated = "<w:tblHeader/>" if head else ""
    return f"<w:tr><w:trPr><w:cantSplit/>{repeated}</w:trPr>{''.join(cells)}</w:tr>"


def _place(content: str, width: int, span: int, edges: str) -> str:
    several = f'<w:gridSpan w:val="{span}"/>' if span > 1 else ""
    wide = f'<w:tcW w:type="dxa" w:w="{Emu(width).twips}"/>'
    return f"<w:tc><w:tcPr>{wide}{several}{edges}</w:tcPr>{content}</w:tc>"


def _paragraph(cell: Cell, *, head: bool) -> str:
    kinds = cell.kind.split()
    indent = '<w:ind w:left="170"/>' if "level" in kinds else ""  # 3 mm
    side = "center" if "band" in kinds else "right" if "number" in kinds else ""
    aligned = f'<w:jc w:val="{side}"/>' if side else ""
    runs = [
        _run(
            cell.whole_text,
            bold=head or "group" in kinds or "strong" in kinds,
            italic="note" in kinds,
            colour=QUIET if "quiet" in kinds else "",
        )
    ]
    if cell.mark:
        runs.append(_run(cell.mark, raised=True))
    if cell.below:
        runs += ["<w:r><w:br/></w:r>", _run(cell.below, size=SMALL, colour=QUIET)]
    return f'<w:p><w:pPr><w:spacing w:after="0"/>{indent}{aligned}</w:pPr>{"".join(runs)}</w:p>'


def _run(
    text: str, *, size: float = SIZE, bold: bool = False, italic: bool = False, colour: str = "", raised: bool = False
) -> str:
    look = "".join([
        "<w:b/>" if bold else "", "<w:i/>" if italic else "", f'<w:color w:val="{colour}"/>' if colour else "",
        f'<w:sz w:val="{round(2 * size)}"/>', '<w:vertAlign w:val="superscript"/>' if raised else "",
    ])  # fmt: skip
    return f"<w:r><w:rPr>{look}</w:rPr>{_text(printable(plain(text)))}</w:r>"


def _text(text: str) -> str:
    """A text with its tabs and line breaks as elements."""
    return "".join(_piece(piece) for piece in _BREAKS.split(text) if piece)


def _piece(piece: str) -> str:
    if piece in ("\n", "\r"):
        return "<w:br/>"
    if piece == "\t":
        return "<w:tab/>"
    kept = ' xml:space="preserve"' if piece.strip() != piece else ""
    return f"<w:t{kept}>{escape(piece)}</w:t>"
