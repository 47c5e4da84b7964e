"""Tables as tired people save them: read as they were meant, or refused; never shifted by a column."""

import gzip
import zipfile

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
    with pytest.raises(CohortError, match="'age' stands twice"):
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
