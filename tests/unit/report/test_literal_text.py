"""What users wrote stands in figures and files as it is: no formula, no damaged file."""

import io
import warnings
from xml.etree import ElementTree

import openpyxl
import pandas as pd
import pytest
from docx import Document

from radstudy.report.figures.style import figure, rendered, style
from radstudy.report.tables.structure import Cell, Table
from radstudy.report.word import word_file
from radstudy.workbook import xlsx_bytes

NAMES = [
    r"$\frac{$", "$x$", "a_b^c", "two\nlines", "a\x00b\x07", "שלום", "腫瘤", "&<>\"'--", "half \ud800", "long " * 80,
    "\ufffe", "<img src=x onerror=alert(1)>", "</script><script>", '=HYPERLINK("http://x","y")', "+1+1", "@x",
    "\u202eabc\u202c",
]  # fmt: skip


def drawn(name):
    made = figure("one_and_a_half", 4)
    axes = made.add_subplot()
    axes.plot([1, 2], [1, 2], label=name)
    axes.set_title(name[:40])
    axes.set_xticks([1.5], [name])
    axes.legend()
    made.text(0.5, 0.5, name[:40])
    return made


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_any_name_is_drawn_as_it_is(name):
    with style(), warnings.catch_warnings():
        warnings.simplefilter("error")
        files = rendered(drawn(name), ("svg", "png"))
    ElementTree.fromstring(files["svg"])
    assert files["png"].startswith(b"\x89PNG")


def test_the_signs_of_a_formula_are_drawn_like_any_letter():
    with style():
        svg = rendered(drawn("$x$"), ("svg",))["svg"]
    assert svg.count(b">$x$</text>") == 4  # title, tick, legend and text


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_any_name_can_be_written_for_word_and_excel(name):
    word = word_file(Table([[Cell("name")]], [[Cell(name)]], None), number="1", caption=name)
    assert len(Document(io.BytesIO(word)).tables) == 1
    if "\ud800" in name:  # pandas takes none
        return
    book = openpyxl.load_workbook(io.BytesIO(xlsx_bytes(pd.DataFrame({"name": [name], name: [1]}))))
    assert book.active["B2"].value == 1
