"""A table's file changed cell by cell: what was not changed keeps its characters, its bytes and its formats."""

import codecs
import gzip
import io
import re
import time
import zipfile

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.worksheet.formula import ArrayFormula

from radstudy.cohort.changes import Added, CannotChangeError, CellChange
from radstudy.cohort.sheet_formulas import locked_cells
from radstudy.cohort.spreadsheet import read_sheet
from radstudy.cohort.table_file import ChangedSinceError, TableOnDisk

MARKS = {"utf-8-sig": codecs.BOM_UTF8, "utf-16-le": codecs.BOM_UTF16_LE, "utf-16-be": codecs.BOM_UTF16_BE}
WORDS = st.text("abz019.,;\t\"'= -\nüé", max_size=6)


def table_of(tmp_path, content, name="cohort.csv"):
    file = tmp_path / name
    file.write_bytes(content)
    return TableOnDisk.read(file)


def written(cell, separator, every):
    special = every or any(letter in cell for letter in ('"', "\n", "\r", separator))
    return '"' + cell.replace('"', '""') + '"' if special else cell


@st.composite
def tables(draw):
    """The bytes of a CSV in a random dialect."""
    separator, end = draw(st.sampled_from(",;\t")), draw(st.sampled_from(["\n", "\r\n", "\r"]))
    codec = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16-le", "utf-16-be", "cp1252"]))
    width, every = draw(st.integers(2, 5)), draw(st.booleans())
    names = [f"c{n}" for n in range(width)]
    rows = draw(st.lists(st.lists(WORDS, min_size=width, max_size=width), min_size=1, max_size=6))
    rows = [["p", *row[1:]] for row in rows]
    text = end.join(separator.join(written(cell, separator, every) for cell in row) for row in [names, *rows]) + end
    if draw(st.booleans()):
        text = text.removesuffix(end)
    if draw(st.booleans()):
        text = f"sep={separator}{end}{text}"
    plain = codec.removesuffix("-sig")
    return MARKS.get(codec, b"") + text.encode(plain), plain, len(MARKS.get(codec, b""))


def cell_texts(content):
    """The characters of every cell of a CSV, as they stand in the file."""
    return [[content.text[field.start : field.end] for field in record.fields] for record in content.records]


@settings(max_examples=40, deadline=None)
@given(tables(), st.data())
def test_random_changes_of_random_tables_touch_no_other_cell(tmp_path_factory, table, data):
    raw, _, _ = table
    try:
        before = table_of(tmp_path_factory.mktemp("table"), raw)
    except CannotChangeError as error:
        pytest.fail(f"a table in a usual dialect is refused: {error}")
    lines, width = before.text.lines, len(before.grid.columns)
    places = st.tuples(st.sampled_from(lines), st.integers(0, width - 1))
    new = data.draw(st.dictionaries(places, WORDS, min_size=1, max_size=5))
    changes = [CellChange(line, column, text) for (line, column), text in new.items()]
    try:
        after = before.changed(changes)
    except (
        CannotChangeError
    ) as error:  # a letter that the file's encoding lacks, or a text that would turn the encoding
        assert "has no" in str(error) or "surely" in str(error)
        return
    old_cells, new_cells = cell_texts(before.text), cell_texts(after.text)
    assert [len(row) for row in new_cells] == [len(row) for row in old_cells]
    numbers = {record.line: n for n, record in enumerate(before.text.records)}
    touched = {(numbers[line], before.grid.places[column]) for line, column in new}
    for n, row in enumerate(old_cells):
        for m, text in enumerate(row):
            if (n, m) not in touched:
                assert new_cells[n][m] == text
    assert between(before.text) == between(after.text)
    assert [row.cells for row in after.grid.rows] == before.grid.changed(changes, Added())


def between(content):
    """What stands around the cells: separators, line ends, what precedes the heading."""
    parts, at = [], 0
    for record in content.records:
        for field in record.fields:
            parts.append(content.text[at : field.start])
            at = field.end
    return [*parts, content.text[at:], content.encoding.mark]


def test_only_the_changed_cell_differs_in_bytes(tmp_path):
    raw = b'\xef\xbb\xbf"ID";age ;"fish"\r\n"p1"; 63,5;"positive"\r\np2;;negative\r\n;;\r\n\r\n'
    before = table_of(tmp_path, raw)
    assert before.grid.columns == ("ID", "age", "fish")
    after = before.changed([CellChange(2, 2, "negative"), CellChange(3, 1, "58,0")])
    assert after.raw == raw.replace(b'"positive"', b'"negative"').replace(b"p2;;", b"p2;58,0;")


def test_a_cell_is_quoted_where_it_must_be_and_guarded_where_a_spreadsheet_would_compute_it(tmp_path):
    before = table_of(tmp_path, b"id,note\np1,a\np2,b\np3,c\n")
    after = before.changed([CellChange(2, 1, "63,5"), CellChange(3, 1, "=1+1"), CellChange(4, 1, 'two\n"lines"')])
    assert after.raw == b'id,note\np1,"63,5"\np2,\'=1+1\np3,"two\n""lines"""\n'
    assert [row.cells[1] for row in after.grid.rows] == ["63,5", "=1+1", 'two\n"lines"']
    assert before.lines_in(after) == {2: 2, 3: 3, 4: 4}
    assert after.lines_in(after.changed([CellChange(2, 1, "a\nb")])) == {2: 2, 3: 4, 4: 5}


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b""])
def test_rows_and_columns_are_added_at_the_end(tmp_path, end):
    line_end = end or b"\n"
    lines = (b'"id","fish"', b'"p1","positive"', b'"p2",""')
    before = table_of(tmp_path, line_end.join(lines) + end)
    added = Added(("age",), (("p3", "negative", "58"),))
    after = before.changed([CellChange(2, 2, "63")], added)
    lines = (b'"id","fish",age', b'"p1","positive",63', b'"p2","",', b'"p3","negative",58')
    assert after.raw == line_end.join(lines) + end
    assert after.grid.columns == ("id", "fish", "age")


def test_rows_that_excel_cut_short_are_filled_up_when_something_is_written_behind_their_end(tmp_path):
    rows = [f"p{n},1,x" for n in range(15)] + [f"p{n},1" for n in range(15, 31)] + [f"p{n},1" for n in range(31, 40)]
    before = table_of(tmp_path, "\n".join(["id,a,b", *rows, ""]).encode())
    after = before.changed([CellChange(20, 2, "y")])
    assert [line for line in after.raw.decode().splitlines()[1:] if line.count(",") != 2] == []
    assert read_back(tmp_path, after)["b"].dropna().tolist() == ["x"] * 15 + ["y"]


def read_back(tmp_path, table):
    table.file.write_bytes(table.raw)
    return read_sheet(table.file, table.sheet).table


def test_a_letter_that_the_encoding_lacks_is_refused_and_named(tmp_path):
    before = table_of(tmp_path, "id;note\np1;süß\n".encode("cp1252"))
    with pytest.raises(CannotChangeError, match="Windows-1252, which has no '良'"):
        before.changed([CellChange(2, 1, "良性")])
    after = before.changed([CellChange(2, 1, "größer")])
    assert after.raw == "id;note\np1;größer\n".encode("cp1252")


def test_bytes_that_windows_1252_does_not_define_stay(tmp_path):
    raw = b"id;note;fish\np1;s\xfc\x81\xdf;a\n"
    assert table_of(tmp_path, raw).changed([CellChange(2, 2, "b")]).raw == raw.replace(b";a\n", b";b\n")


def test_a_compressed_table_stays_compressed(tmp_path):
    before = table_of(tmp_path, gzip.compress(b"id,a\np1,1\n"), "cohort.csv.gz")
    assert gzip.decompress(before.changed([CellChange(2, 1, "2")]).raw) == b"id,a\np1,2\n"


def test_nothing_is_written_over_a_file_that_was_changed_since(tmp_path):
    before = table_of(tmp_path, b"id,a\np1,1\n")
    mine = before.changed([CellChange(2, 1, "2")])
    before.file.write_bytes(b"id,a\np1,7\n")
    with pytest.raises(ChangedSinceError):
        mine.write(before)
    assert before.file.read_bytes() == b"id,a\np1,7\n"


def test_a_linked_table_stays_a_link(tmp_path):
    (tmp_path / "elsewhere.csv").write_bytes(b"id,a\np1,1\n")
    (tmp_path / "cohort.csv").symlink_to(tmp_path / "elsewhere.csv")
    before = TableOnDisk.read(tmp_path / "cohort.csv")
    before.changed([CellChange(2, 1, "2")]).write(before)
    assert before.file.is_symlink()
    assert (tmp_path / "elsewhere.csv").read_bytes() == b"id,a\np1,2\n"


@pytest.mark.parametrize(
    ("change", "added"),
    [
        (CellChange(9, 0, "x"), Added()), (CellChange(2, 2, "x"), Added()), (CellChange(2, 1, "a\0b"), Added()),
        (CellChange(2, 1, "x"), Added(("id",))), (CellChange(2, 1, "x"), Added((" ",))),
        (CellChange(2, 1, "x"), Added((), (("a", "b", "c"),))),
    ],
)  # fmt: skip
def test_a_change_that_does_not_fit_the_table_is_refused(tmp_path, change, added):
    with pytest.raises(CannotChangeError):
        table_of(tmp_path, b"id,a\np1,1\n").changed([change], added)


def workbook(tmp_path, *, formulas=False, name="cohort.xlsx"):
    """A workbook with formats, a second sheet, a chart, a picture of the heading's row, and perhaps formulas."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = "Cohort"
    rows = [
        ("id", "age", "fish", None),
        ("p1", 63.5, "positive", None),
        ("p2", None, "negative", None),
        (3, 40, None, None),
    ]
    for row in rows:
        sheet.append(row)
    sheet["B2"].number_format = "0.00"
    sheet["B2"].font = openpyxl.styles.Font(bold=True)
    sheet.freeze_panes = "A2"
    other = book.create_sheet("Counts")
    other["A1"] = "kept"
    other["A2"] = "=COUNTA(Cohort!A2:A99)"
    chart = openpyxl.chart.BarChart()
    chart.add_data(openpyxl.chart.Reference(sheet, min_col=2, min_row=1, max_row=3), titles_from_data=True)
    other.add_chart(chart, "C3")
    file = tmp_path / name
    if formulas:
        sheet["D1"], sheet["D2"] = "older", "=B2+1"
    book.save(file)
    if formulas:  # as Excel writes it, with the result
        rewrite(file, "xl/worksheets/sheet1.xml", rb"(<f>B2\+1</f>)(<v ?/>|<v></v>)", rb"\1<v>64.5</v>")
    return file


def rewrite(file, part, pattern, new):
    with zipfile.ZipFile(file) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[part], count = re.subn(pattern, new, parts[part])
    assert count
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def parts_of(raw):
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_a_workbook_keeps_its_other_sheets_charts_and_formats(tmp_path):
    before = TableOnDisk.read(workbook(tmp_path))
    after = before.changed(
        [CellChange(2, 1, "64.25"), CellChange(3, 1, "58"), CellChange(4, 2, "positive"), CellChange(2, 0, "007")],
        Added(("note",), (("p9", "44", "negative", "new"),)),
    )
    old, new = parts_of(before.raw), parts_of(after.raw)
    assert {name for name in new if new[name] != old.get(name)} == {"xl/worksheets/sheet1.xml", "xl/workbook.xml"}
    assert set(old) == set(new)
    after.write(before)
    sheet = openpyxl.load_workbook(before.file)["Cohort"]
    assert [[cell.value for cell in row] for row in sheet] == [
        ["id", "age", "fish", "note"], ["007", 64.25, "positive", None], ["p2", 58, "negative", None],
        [3, 40, "positive", None], ["p9", 44, "negative", "new"],
    ]  # fmt: skip
    assert sheet["B2"].number_format == "0.00"
    assert sheet["B2"].font.bold
    assert sheet.freeze_panes == "A2"
    assert b'fullCalcOnLoad="1"' in new["xl/workbook.xml"]
    assert TableOnDisk.read(before.file).grid.rows[0].cells == ("007", "64.25", "positive", "")


def test_a_formula_and_what_it_uses_are_changed_in_excel_alone(tmp_path):
    before = TableOnDisk.read(workbook(tmp_path, formulas=True))
    assert set(before.text.locked) == {(2, 1), (2, 3)}
    for column in (1, 3):
        with pytest.raises(CannotChangeError, match="Excel"):
            before.changed([CellChange(2, column, "1")])
    after = before.changed([CellChange(3, 1, "58")])
    assert after.grid.rows[0].cells == ("p1", "63.5", "positive", "64.5")


def test_formulas_that_cannot_be_followed_lock_the_sheet(tmp_path):
    file = workbook(tmp_path, formulas=True)
    rewrite(file, "xl/worksheets/sheet1.xml", rb"B2\+1", b"INDIRECT(&quot;B2&quot;)")
    locked = TableOnDisk.read(file).text.locked
    assert (3, 0) in locked
    assert "D2 may use this cell" in locked[3, 0]


def test_a_protected_sheet_is_refused(tmp_path):
    file = workbook(tmp_path)
    book = openpyxl.load_workbook(file)
    book["Cohort"].protection.sheet = True
    book.save(file)
    with pytest.raises(CannotChangeError, match="protected"):
        TableOnDisk.read(file)


def test_formulas_of_other_sheets_count_where_the_sheet_reads_them(tmp_path):
    book = openpyxl.Workbook()
    sheet, other = book.active, book.create_sheet("More sums")
    sheet.title = "Cohort"
    for row in (
        ("id", "a", "b", "c"),
        ("p1", 1, 2, "='More sums'!A1"),
        ("p2", 3, 4, None),
        ("p3", 5, 6, "=SUM($C$4:C4)"),
    ):
        sheet.append(row)
    other["A1"], other["A2"] = "=Cohort!B2+Cohort!b3", "=SUM(Cohort!A:A)"
    cells = [(row, column) for row in range(2, 6) for column in range(1, 5)]
    assert set(locked_cells(book, "Cohort", cells)) == {(2, 4), (4, 4), (2, 2), (3, 2), (4, 3)}
    other["A3"] = "=Table1[age]"
    assert set(locked_cells(book, "Cohort", cells)) == {(2, 4), (4, 4), (2, 2), (3, 2), (4, 3)}
    for unknown in ("=A2&names", "=age+1", "=SUM(Cohort:Sums!A1)", "=[1]Other!A1", "=Table1[[#This Row],[age]]"):
        sheet["D3"] = unknown
        assert set(locked_cells(book, "Cohort", cells)) == set(cells), unknown
    sheet["D3"] = ArrayFormula("D3:D5", "=B3:B5*2")
    assert set(locked_cells(book, "Cohort", cells)) >= {(5, 4), (5, 2), (3, 4)}


def test_hundreds_of_formulas_are_followed_in_a_moment():
    book = openpyxl.Workbook()
    sheet = book.active
    for row in range(2, 302):
        sheet[f"A{row}"] = f"p{row}"
        sheet[f"C{row}"] = f"=SUM(B$2:B{row})"
    cells = [(row, column) for row in range(2, 302) for column in range(1, 24)]
    start = time.process_time()
    assert len(locked_cells(book, sheet.title, cells)) == 600
    assert time.process_time() - start < 5
