"""Tables as tired people save them: read as they were meant, or refused; never shifted by a column."""

import gzip
import io
import zipfile

import openpyxl
import pandas as pd
import pytest

from radstudy.cohort.spreadsheet import read_table
from radstudy.errors import CohortError, DataError

MEANT = [["p1", "0", "50"], ["p2", "1", "61"]]


def read(tmp_path, content, name="cohort.csv"):
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    table, notes = read_table(file)
    return table, notes


@pytest.mark.parametrize(
    "text",
    [
        "id,y,age\np1,0,50\np2,1,61\n",
        "id,y,age\np1,0,50,\np2,1,61,\n",  # a comma at the end of every row but the heading
        "id,y,age,,\np1,0,50,,\np2,1,61,,\n",  # columns that were deleted in Excel
        "id;y;age\r\np1;0;50\r\np2;1;61\r\n",
        "sep=;\nid;y;age\np1;0;50\np2;1;61\n",
        '"sep=,"\nid,y,age\np1,0,50\np2,1,61\n',
        "\n\nid,y,age\np1,0,50\np2,1,61\n\n\n",
        "id\ty\tage\rp1\t0\t50\rp2\t1\t61\r",
        " id , y,age\n p1 ,0, 50\np2,1,61\n,,\n",
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_every_kind_of_csv_gives_the_table_that_was_meant(tmp_path, text, encoding):
    table, _ = read(tmp_path, text.encode(encoding))
    assert table.columns.tolist() == ["id", "y", "age"]
    assert table.to_numpy().tolist() == MEANT


def test_separators_in_a_quoted_heading_are_no_separators(tmp_path):
    table, _ = read(tmp_path, 'id,"a;b;c;d"\np1,"x, y"\n')
    assert table.columns.tolist() == ["id", "a;b;c;d"] and table.to_numpy().tolist() == [["p1", "x, y"]]


def test_a_cell_too_many_is_refused_with_its_line(tmp_path):
    with pytest.raises(DataError, match=r"cohort\.csv, line 4: 4 cells, but the heading has 3 columns"):
        read(tmp_path, "id,y,age\np1,0,50\n\np2,1,50,5\n")


def test_a_quote_without_its_end_is_refused_with_its_line(tmp_path):
    with pytest.raises(DataError, match=r"line 3: this is not a table"):
        read(tmp_path, 'id,y,age\np1,0,50\n"p2,1,61\n')


def test_rows_are_numbered_as_the_lines_of_the_file(tmp_path):
    table, _ = read(tmp_path, 'sep=,\nid,note\np1,"two\nlines"\n\np2,x\n')
    assert (table.index + 2).tolist() == [3, 6]


@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_column_name_that_stands_twice_is_refused(tmp_path, kind):
    frame = pd.DataFrame([["p1", "50", "60"]], columns=["id", "age", "age"])
    file = tmp_path / f"cohort.{kind}"
    (frame.to_csv if kind == "csv" else frame.to_excel)(file, index=False)
    with pytest.raises(CohortError, match="'age' appears twice"):
        read_table(file)


def test_an_excel_file_is_known_by_its_content(tmp_path):
    pd.DataFrame(MEANT, columns=["id", "y", "age"]).to_excel(tmp_path / "cohort.xlsx", index=False)
    table, _ = read(tmp_path, (tmp_path / "cohort.xlsx").read_bytes())
    assert table.to_numpy().tolist() == MEANT
    with pytest.raises(DataError, match="old Excel"):
        read(tmp_path, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))


@pytest.mark.parametrize(("content", "name"), [("", "cohort.csv"), (",,\n,,\n", "cohort.csv"), ("x", "cohort.xlsx")])
def test_what_is_no_table_is_refused_in_one_sentence(tmp_path, content, name):
    with pytest.raises(DataError, match="To do:") as caught:
        read(tmp_path, content, name)
    assert ".." not in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("encoding", ["gbk", "gb18030"])
def test_a_chinese_excel_is_read_as_such(tmp_path, encoding):
    text = "编号,结果,边缘\np1,阳性,光滑\np2,阴性,毛刺\n"
    table, notes = read(tmp_path, text.encode(encoding))
    assert table.columns.tolist() == ["编号", "结果", "边缘"]
    assert table.to_numpy().tolist() == [["p1", "阳性", "光滑"], ["p2", "阴性", "毛刺"]]
    assert "read as GB 18030 (Chinese)" in notes[0]


@pytest.mark.parametrize("text", ["id,Größe\nMüller,süß\n", "id,état\nDœuf,né à Noël\n", "id,straße\np1,groß\n"])
def test_accented_letters_are_not_taken_for_chinese(tmp_path, text):
    table, notes = read(tmp_path, text.encode("cp1252"))
    assert ",".join(table.columns) == text.splitlines()[0]
    assert "Windows-1252" in notes[0]


def test_a_compressed_csv_is_a_table(tmp_path):
    table, _ = read(tmp_path, gzip.compress(b"id,y,age\np1,0,50\np2,1,61\n"), "cohort.csv.gz")
    assert table.to_numpy().tolist() == MEANT


def test_a_damaged_workbook_is_refused_by_name(tmp_path):
    pd.DataFrame(MEANT, columns=["id", "y", "age"]).to_excel(tmp_path / "good.xlsx", index=False)
    with (
        zipfile.ZipFile(tmp_path / "good.xlsx") as good,
        zipfile.ZipFile(tmp_path / "cohort.xlsx", "w") as bad,
    ):
        for name in good.namelist():
            content = good.read(name)
            bad.writestr(name, content.replace(b"<row ", b"<row <") if "sheet1" in name else content)
    with pytest.raises(DataError, match=r"cohort\.xlsx cannot be read: .*save it again"):
        read_table(tmp_path / "cohort.xlsx")


@pytest.mark.parametrize("row", ["p2,1", "p2", "p2,1,50,"])
def test_a_row_that_does_not_fit_the_heading_is_refused_with_its_line_and_count(tmp_path, row):
    count = row.count(",") + 1
    with pytest.raises(DataError, match=rf"cohort\.csv, line 3: {count} cells, but the heading has 3 columns.*'p2'"):
        read(tmp_path, f"id,y,age\np1,0,50\n{row}\np3,0,51\n")


def test_all_rows_that_lack_cells_are_listed(tmp_path):
    with pytest.raises(DataError, match=r"2 rows do not fit the heading") as error:
        read(tmp_path, 'id,y,note\np1,0,"a\nb"\np2,1\np3,0,x\np4\n')
    assert "line 4: 2 cells" in str(error.value)
    assert "line 6: 1 cells" in str(error.value)


def test_a_block_in_which_excel_left_out_empty_columns_is_completed_and_noted(tmp_path):
    rows = [f"p{n},1," + ("reason" if n == 3 else "") for n in range(1, 16)] + [f"p{n},0" for n in range(16, 30)]
    table, notes = read(tmp_path, "\n".join(["id,y,excluded", *rows, ""]))
    assert len(table) == 29
    assert table["excluded"].notna().sum() == 1
    assert any("14 rows end after 2 of 3 cells" in note for note in notes)


def test_one_short_row_among_excels_blocks_is_refused(tmp_path):
    rows = [f"p{n},1,50" for n in range(1, 25)] + ["p25,0"]
    with pytest.raises(DataError, match=r"line 26: 2 cells"):
        read(tmp_path, "\n".join(["id,y,age", *rows, ""]))


def test_a_zero_byte_is_refused_with_its_line(tmp_path):
    with pytest.raises(DataError, match=r"line 2 holds a zero byte"):
        read(tmp_path, "id,y\np\0,1\n")


def test_a_text_without_cells_is_refused_before_it_is_read(tmp_path):
    with pytest.raises(DataError, match=r"one cell holds more than 1,048,576 bytes"):
        read(tmp_path, "id,y\np1," + "1" * (5 << 20) + "\n")


@pytest.mark.parametrize("name", ["cohort.csv", "cohort.csv.gz"])
def test_a_table_beyond_its_bound_is_refused_until_the_bound_is_raised(tmp_path, monkeypatch, name):
    content = ("id,y\n" + "p1,1\n" * 2000).encode()
    (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    monkeypatch.setenv("RADSTUDY_MAX_TABLE_GB", "0.000005")
    with pytest.raises(DataError, match=r"at most 5e-06 GB are read.*RADSTUDY_MAX_TABLE_GB"):
        read_table(tmp_path / name)
    monkeypatch.delenv("RADSTUDY_MAX_TABLE_GB")
    assert len(read_table(tmp_path / name)[0]) == 2000
    monkeypatch.setenv("RADSTUDY_MAX_TABLE_CELLS", "3000")
    with pytest.raises(DataError, match=r"the table's cells would be 4,000, and at most 3,000 are read"):
        read_table(tmp_path / name)


def test_a_cell_far_from_the_others_costs_nothing(tmp_path):
    book = openpyxl.Workbook()
    for row in (["id", "y"], ["p1", 1]):
        book.active.append(row)
    book.active["CV5000"] = "x"
    book.save(tmp_path / "cohort.xlsx")
    table, _ = read_table(tmp_path / "cohort.xlsx")
    assert table.index.tolist() == [0, 4998]
    assert table.shape == (2, 3)


def test_cells_spread_over_an_empty_table_are_refused(tmp_path):
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet()
    for number in range(2100):
        sheet.append([None] * number + [number])
    book.save(tmp_path / "cohort.xlsx")
    with pytest.raises(DataError, match=r"2,100 cells are spread over 2,099 rows and 2,100 columns"):
        read_table(tmp_path / "cohort.xlsx")


def test_a_workbook_that_declares_a_document_type_is_refused(tmp_path):
    memory = io.BytesIO()
    openpyxl.Workbook().save(memory)
    with zipfile.ZipFile(memory) as old, zipfile.ZipFile(tmp_path / "cohort.xlsx", "w") as new:
        for name in old.namelist():
            declared = b'<!DOCTYPE x [<!ENTITY a "b">]>' if name == "xl/workbook.xml" else b""
            new.writestr(name, declared + old.read(name))
    with pytest.raises(DataError, match=r"workbook\.xml declares a document type"):
        read_table(tmp_path / "cohort.xlsx")
