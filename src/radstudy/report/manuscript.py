"""The paper as one Word file: methods, results, tables, figures with captions, and the references, in a paper's order.

It has what the page's layer "the paper" has. What its authors must add is marked [AUTHOR: ...] in the text, and listed
before the references.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Mapping, Sequence

from docx.document import Document as WordDocument
from docx.oxml.ns import qn
from docx.shared import Emu

from radstudy.printable import printable
from radstudy.report.cited import plain
from radstudy.report.cited.listing import Listing
from radstudy.report.facts import RunFacts
from radstudy.report.figures import DrawnFigure
from radstudy.report.sections import Part, ReportSection
from radstudy.report.tables import Table
from radstudy.report.text.author import marks_in
from radstudy.report.text.methods import methods
from radstudy.report.text.paragraph import Paragraph
from radstudy.report.text.references import Citations
from radstudy.report.text.summary import summary
from radstudy.report.word import (
    add_header,
    add_heading,
    add_table,
    add_text,
    blank_document,
    is_wide,
    packed,
    turn_page,
)

FILE = "report/manuscript.docx"
_LAYER = "paper"


def manuscript(
    facts: RunFacts, sections: Sequence[ReportSection], pictures: Mapping[str, bytes], listing: Listing
) -> bytes:
    """The content of manuscript.docx.

    Parameters
    ----------
    facts : the run.
    sections : of the report; those of the layer "paper" are taken, in their order, the supplement last.
    pictures : figure to its PNG.
    listing : the numbers of the text are added to it.

    Returns
    -------
    The file's bytes; the same run gives the same bytes.
    """
    title, notice = facts.protocol.study, facts.protocol.notice
    document = blank_document(title=title)
    add_header(document, notice)
    add_heading(document, title, level=0)
    citations = Citations()
    texts = {"Methods": methods(facts, citations), "Results": summary(facts)}
    for heading, paragraphs in texts.items():
        add_heading(document, heading)
        _paragraphs(document, paragraphs, f"{FILE}, {heading}", listing)
    parts = [part for section in sections if section.layer == _LAYER for part in section.parts]
    for heading, own in (("Tables and figures", False), ("Supplement", True)):
        chosen = list(_numbered(parts, supplement=own))
        if chosen:
            first = chosen[0].content
            turn_page(document, landscape=isinstance(first, Table) and is_wide(first.plain()))
            add_heading(document, heading)
        for part in chosen:
            _add_part(document, part, pictures, listing)
    turn_page(document, landscape=False)
    _lines(document, "For the authors to complete", marks_in(texts["Methods"]), listing)
    _lines(document, "Not available in this run", _absent(parts), listing)
    _lines(document, "References", citations.lines(), listing)
    return packed(document)


def _paragraphs(document: WordDocument, paragraphs: Iterable[Paragraph], where: str, listing: Listing) -> None:
    for one in paragraphs:
        add_text(document, plain(one.text), lead=plain(one.lead))
        listing.text(f"{where}, {plain(one.lead)}", one.text)


def _lines(document: WordDocument, heading: str, lines: Sequence[str], listing: Listing) -> None:
    if lines:
        add_heading(document, heading)
    for line in lines:
        add_text(document, plain(line))
        listing.text(f"{FILE}, {heading}", line)


def _numbered(parts: Iterable[Part], *, supplement: bool) -> Iterator[Part]:
    """The tables and figures that can be shown, of the main part or of the supplement."""
    for part in parts:
        of_supplement = part.number.rpartition(" ")[2].startswith("S")
        if isinstance(part.content, Table | DrawnFigure) and of_supplement == supplement:
            yield part


def _absent(parts: Iterable[Part]) -> list[str]:
    return [f"{part.number}. {part.caption} {part.absent}" for part in parts if part.number and part.content is None]


def _add_part(document: WordDocument, part: Part, pictures: Mapping[str, bytes], listing: Listing) -> None:
    content = part.content
    where = f"{FILE}, {part.number}"
    if isinstance(content, Table):
        add_table(document, content.plain(), number=part.number, caption=plain(part.caption))
        for row, cells in enumerate([*content.header, *content.rows], 1):
            for column, cell in enumerate(cells, 1):
                listing.text(f"{where}, row {row}, cell {column}", f"{cell.text} {cell.below}")
        for line in content.footnotes:
            listing.text(f"{where}, footnotes", line)
        return
    turn_page(document, landscape=False)
    _add_picture(document, pictures.get(part.name), alt=plain(content.alt))
    caption = " ".join([part.caption, *content.notes])
    add_text(document, plain(caption), lead=f"{part.number}.")
    listing.text(f"{where}, caption", caption)


def _add_picture(document: WordDocument, png: bytes | None, *, alt: str) -> None:
    """A figure as wide as the page, with its description."""
    if png is None:
        add_text(document, "(This figure could not be drawn; the report says why.)")
        return
    section = document.sections[-1]
    room = (section.page_width or 0) - (section.left_margin or 0) - (section.right_margin or 0)
    shape = document.add_picture(io.BytesIO(png))
    if shape.width > room:
        shape.height = Emu(int(shape.height * room / shape.width))
        shape.width = Emu(room)
    tallest = int(0.8 * ((section.page_height or 0) - (section.top_margin or 0) - (section.bottom_margin or 0)))
    if shape.height > tallest:
        shape.width = Emu(int(shape.width * tallest / shape.height))
        shape.height = Emu(tallest)
    described = shape._inline.docPr
    described.set("descr", printable(alt))
    document.paragraphs[-1].paragraph_format.keep_with_next = True
    assert described.tag == qn("wp:docPr")
