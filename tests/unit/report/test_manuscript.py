"""The paper as one Word file: everything of the layer "paper", in order, with its references and numbers' sources."""

import io
import re

import pytest
from docx import Document
from docx.enum.section import WD_ORIENT
from PIL import Image

from radstudy.report.cited.listing import Listing
from radstudy.report.figures import DrawnFigure
from radstudy.report.manuscript import manuscript
from radstudy.report.sections import Part, build_sections
from radstudy.report.tables import Table

NOTICE = "MADE UP: no patient."


def png(width, height):
    memory = io.BytesIO()
    Image.new("RGB", (width, height), "white").save(memory, "PNG", dpi=(300, 300))
    return memory.getvalue()


_WRITTEN: list[tuple[list[Part], Listing, bytes, bytes]] = []  # made for the first test that looks at it


@pytest.fixture
def written(whole):
    """The manuscript of the made-up study: its document, its parts of the paper's layer, the listing, the bytes."""
    if not _WRITTEN:
        _WRITTEN.append(made(whole))
    parts, listing, content, again = _WRITTEN[0]
    return Document(io.BytesIO(content)), parts, listing, (content, again)


def made(whole):
    """Its parts of the paper's layer, the listing, and its bytes, twice."""
    update = {"notice": NOTICE, "study": "Hostile <b>title</b> & $x^2$ =1+1"}
    object.__setattr__(whole, "protocol", whole.protocol.model_copy(update=update))
    facts, listing = whole.cited(), Listing()
    sections = build_sections(facts)
    parts = [part for section in sections if section.layer == "paper" for part in section.parts]
    pictures = {part.name: png(3000, 1200) for part in parts if isinstance(part.content, DrawnFigure)}
    content = manuscript(facts, sections, pictures, listing)
    again = manuscript(facts, sections, pictures, Listing())
    return parts, listing, content, again


def texts(document):
    return [paragraph.text for paragraph in document.paragraphs]


def headings(document):
    return [one.text for one in document.paragraphs if one.style.name.startswith(("Heading", "Title"))]


def test_the_order_is_that_of_a_paper_and_every_part_is_there_once(written):
    document, parts, _, _ = written
    assert headings(document) == ["Hostile <b>title</b> & $x^2$ =1+1", "Methods", "Results", "Tables and figures",
                                  "Supplement", "For the authors to complete", "References"] or (
        "Not available in this run" in headings(document))  # fmt: skip
    lines = texts(document)
    numbers = [part.number for part in parts if isinstance(part.content, Table | DrawnFigure)]
    assert len(numbers) >= 6
    for number in numbers:
        assert sum(line.startswith(f"{number}. ") for line in lines) == 1, number
    tables = [part for part in parts if isinstance(part.content, Table)]
    assert len(document.tables) == len(tables)
    assert len(document.inline_shapes) == len(numbers) - len(tables)


def test_every_citation_has_its_reference_and_the_other_way_round(written):
    document, _, _, _ = written
    lines = texts(document)
    start = lines.index("References")
    listed = [int(re.match(r"(\d+)\. ", line)[1]) for line in lines[start + 1 :]]
    assert listed == list(range(1, len(listed) + 1)) and len(listed) > 5
    methods = " ".join(lines[lines.index("Methods") : lines.index("Results")])
    cited = {int(number) for group in re.findall(r" \[([\d, ]+)\]", methods) for number in group.split(",")}
    assert cited == set(listed)


def test_no_mark_of_a_source_is_left_in_the_text_and_every_number_is_listed(written):
    document, _, listing, (content, _) = written
    whole = "\n".join(texts(document)) + "\n".join(
        cell.text for table in document.tables for row in table.rows for cell in row.cells
    )
    assert not re.search("[\ufdd0-\ufdef\ufffe\uffff]", whole)
    assert len([one for one in listing.printed if "manuscript" in one.where]) > 100
    assert b"manuscript" not in content[:100]


def test_what_authors_must_add_is_marked_in_the_text_and_listed(written):
    document, _, _, _ = written
    lines = texts(document)
    start, end = lines.index("For the authors to complete"), lines.index("References")
    marks = [line for line in lines[start + 1 : end] if "[AUTHOR: " in line]
    text = " ".join(lines[:start])
    assert len(marks) == text.count("[AUTHOR: ") > 0
    assert all(mark.partition(": ")[2] in text for mark in marks)


def test_figures_fit_their_page_and_wide_tables_are_turned(written):
    document, _, _, _ = written
    for section in document.sections:
        turned = section.orientation == WD_ORIENT.LANDSCAPE
        assert (section.page_width > section.page_height) == turned
    room = document.sections[0].page_width - 2 * document.sections[0].left_margin
    for shape in document.inline_shapes:
        assert shape.width <= room and shape.width / shape.height == pytest.approx(2.5, rel=0.01)
        assert shape._inline.docPr.get("descr")
    header = document.sections[0].header.paragraphs[0].text
    assert header == NOTICE


def test_the_same_run_gives_the_same_bytes(written):
    first, again = written[3]
    assert first == again
