"""Sizes in the page that follow from the contents."""

import pandas as pd
import pytest

from radstudy.report.figures import DrawnFigure
from radstudy.report.files import svg_uri
from radstudy.report.page_layout import caption_lines, print_size, svg_width, wordy
from radstudy.report.sections import Part
from radstudy.report.tables import Table
from radstudy.report.tables.structure import Cell, CellLink, heads, numbers

LONG = "a text that is read as a sentence, and that no column of a phone can hold"


def table(*rows, header=()):
    return Table([heads(header)] if header else [], rows, pd.DataFrame())


def test_a_table_with_a_text_beside_its_first_column_is_wordy():
    assert wordy(table([Cell("1"), Cell(LONG)]))
    assert wordy(table([Cell("1"), Cell("", links=(CellLink(LONG, "file.csv"),))]))
    assert not wordy(table([Cell(LONG), *numbers(["0.5", "0.7"])]))  # a feature's name
    assert not wordy(table([Cell(LONG, span=3, kind="group")]))
    assert not wordy(table())


@pytest.mark.parametrize(("columns", "size"), [(8, "fits"), (10, "fits small"), (11, "")])
def test_numbers_are_kept_whole_in_print_where_the_page_is_wide_enough(columns, size):
    assert print_size(table(numbers(["0.50 to 0.77"] * columns))) == size


def test_texts_count_by_their_longest_word_and_headings_over_columns_do_not_count():
    words = [Cell("one two three four five six seven eight nine ten " * 4), *numbers(["1"])]
    assert print_size(table(words, [Cell("a heading " * 40, span=2, kind="group")])) == "fits"
    assert print_size(table([Cell("x" * 200), *numbers(["1"])])) == ""
    assert print_size(table([Cell("one two " * 40, kind="number"), Cell("1")])) == "fits"
    assert print_size(table([Cell("1 two " * 40, kind="number"), Cell("1")])) == ""


def test_the_caption_s_lines_are_counted_with_the_notes():
    short = Part("figure", "roc", DrawnFigure(None, "alt"), number="Figure 4", caption="ROC curves.")
    long = Part("figure", "roc", DrawnFigure(None, "alt", ("x" * 400,)), number="Figure 4", caption="ROC curves.")
    assert caption_lines(short) == 1
    assert caption_lines(long) == 5


def test_the_width_of_a_figure_is_read_from_its_address():
    svg = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" width="396.85pt" height="304pt"/>'
    assert svg_width(svg_uri(svg)) == "396.85"
    assert svg_width(svg_uri(b'<svg width="40" height="30"/>')) == "396"
