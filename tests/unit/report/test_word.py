"""Tables as Word files, read back."""

import io
import zipfile

import pandas as pd
import pytest
from docx import Document
from docx.enum.section import WD_ORIENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn

from radstudy.report.outline import number_of
from radstudy.report.tables import TABLES
from radstudy.report.tables.structure import Cell, Table, heads
from radstudy.report.word import word_file
from radstudy.report.write import write_report


def read(table, **about):
    return Document(io.BytesIO(word_file(table, **{"number": "Table 9", "caption": "What it shows.", **about})))


@pytest.fixture
def small():
    header = [[Cell(""), Cell("Training", span=2, kind="band")], heads(["Variable", "A", "B"])]
    rows = [
        [Cell("Age", kind="group"), Cell("52.1", kind="number"), Cell("0.012*", mark="a", kind="number strong")],
        [Cell("lobed", kind="level"), Cell("3 (4.0)", below="1 to 9", kind="number quiet"), Cell("")],
        [Cell("nothing was fitted", span=3, kind="note")],
    ]
    return Table(header, rows, pd.DataFrame({"a": [1]}), ["a: Student's t test.", "More."])


def grid(document):
    return [[cell.text for cell in row.cells] for row in document.tables[0].rows]


def test_cells_captions_and_footnotes_are_all_there(small):
    document = read(small, notice="MADE UP")
    assert [paragraph.text for paragraph in document.paragraphs] == [
        "Table 9. What it shows.", "MADE UP", "a: Student's t test.", "More."]  # fmt: skip
    assert grid(document) == [
        ["", "Training", "Training"],  # a merged cell is read in each of its places
        ["Variable", "A", "B"],
        ["Age", "52.1", "0.012*a"],
        ["lobed", "3 (4.0)\n1 to 9", ""],
        ["nothing was fitted"] * 3,
    ]
    assert "MADE UP" not in [paragraph.text for paragraph in read(small).paragraphs]


def test_the_table_stands_between_caption_and_footnotes(small):
    kinds = [child.tag.split("}")[1] for child in read(small).element.body]
    assert kinds == ["p", "tbl", "p", "p", "sectPr"]


def test_cells_look_as_on_the_page(small):
    rows = read(small).tables[0].rows
    right = rows[2].cells[1].paragraphs[0]
    assert right.alignment == WD_ALIGN_PARAGRAPH.RIGHT
    mark = rows[2].cells[2].paragraphs[0].runs[1]
    assert (mark.text, mark.font.superscript) == ("a", True)
    assert rows[2].cells[2].paragraphs[0].runs[0].bold
    assert rows[3].cells[0].paragraphs[0].paragraph_format.left_indent > 0
    assert rows[4].cells[0].paragraphs[0].runs[0].italic
    assert rows[0].cells[1].paragraphs[0].alignment == WD_ALIGN_PARAGRAPH.CENTER


def test_header_rows_repeat_and_no_row_breaks_across_pages(small):
    rows = read(small).tables[0].rows
    marked = [row._tr.trPr.find(qn("w:tblHeader")) is not None for row in rows]
    assert marked == [True, True, False, False, False]
    assert all(row._tr.trPr.find(qn("w:cantSplit")) is not None for row in rows)


def test_lines_above_and_below_the_header_and_below_the_table(small):
    found = []
    for row in read(small).tables[0].rows:
        borders = [cell.tcPr.find(qn("w:tcBorders")) for cell in row._tr.tc_lst]
        found.append(sorted({edge.tag.split("}")[1] for border in borders if border is not None for edge in border}))
    assert found == [["top"], ["bottom"], [], [], ["bottom"]]


def test_a_wide_table_lies_across(small):
    upright = read(small).sections[0]
    assert (upright.orientation, upright.page_width.mm) == (WD_ORIENT.PORTRAIT, pytest.approx(210, abs=0.1))
    names = [f"A heading of column {i}" for i in range(10)]
    wide = Table([heads(names)], [[Cell("0.835 (0.704 to 0.943)")] * 10], pd.DataFrame(), [])
    across = read(wide).sections[0]
    assert (across.orientation, across.page_width.mm) == (WD_ORIENT.LANDSCAPE, pytest.approx(297, abs=0.1))
    widths = [cell.width for cell in read(wide).tables[0].rows[0].cells]
    room = across.page_width - across.left_margin - across.right_margin
    assert sum(widths) == pytest.approx(room, abs=10 * 635)  # Word keeps twentieths of a point


def test_the_same_table_gives_the_same_bytes(small):
    first, second = (word_file(small, number="Table 9", caption="What it shows.") for _ in range(2))
    assert first == second
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert archive.testzip() is None


def test_text_that_xml_cannot_hold_is_replaced():
    table = Table([heads(["A"])], [[Cell("a\x00b <&> ≥ Ä")]], pd.DataFrame(), [])
    assert grid(read(table)) == [["A"], ["a\ufffdb <&> ≥ Ä"]]


def test_a_table_without_rows_is_a_header(small):
    assert grid(read(Table([heads(["A", "B"])], [], pd.DataFrame(), []))) == [["A", "B"]]


@pytest.mark.parametrize(
    "name",
    [
        "performance_measures",
        "incremental_value",
        "mcnemar",
        "multivariable_regression",
        "regression_fit",
        "mask_agreement",
        "kappa",
    ],
)
def test_every_cell_of_a_report_table_is_in_the_file(facts, name):
    table = TABLES[name](facts)
    rows = grid(read(table))
    for cells, found in zip([*table.header, *table.rows], rows, strict=True):
        expected = [text for cell in cells for text in
                    [cell.text + cell.mark + (f"\n{cell.below}" if cell.below else "")] * cell.span]  # fmt: skip
        assert found == expected


def test_the_report_writes_a_word_file_beside_every_csv(facts, tmp_path, monkeypatch):
    monkeypatch.setattr("radstudy.report.write.read_facts", lambda *_: facts)
    page = write_report(facts.protocol, tmp_path).read_text(encoding="utf-8")
    folder = tmp_path / "report" / "tables"
    names = {path.stem for path in folder.glob("*.csv")}
    assert {"mcnemar", "kappa", "performance", "nomogram"} <= names
    assert {path.stem for path in folder.glob("*.docx")} == names
    document = Document(folder / "mcnemar.docx")
    assert document.paragraphs[0].text.startswith(f"{number_of('table', 'mcnemar')}. McNemar test")
    assert document.paragraphs[1].text == "MADE UP"
    assert "for Word: report/tables/mcnemar.docx" in page
