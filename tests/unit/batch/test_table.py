"""Tables of a batch as Excel and scripts write them."""

import pytest

from radstudy.batch.table import read_batch_table
from radstudy.errors import CaseError, CohortError, DataError, UsageError


def read(tmp_path, content, name="cases.csv"):
    file = tmp_path / name
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_batch_table(file)


@pytest.mark.parametrize(
    "content",
    ["ID,Image,Mask\nMüller,a.nii,b.nii\n", "\ufeffID;Image;Mask\r\nMüller;a.nii;b.nii\r\n",
     "ID\tImage\tMask\nMüller\ta.nii\tb.nii\n".encode("utf-16"), "ID;Image;Mask\nMüller;a.nii;b.nii\n".encode("cp1252"),
     "sep=;\nID;Image;Mask\nMüller;a.nii;b.nii\n\n"],
)  # fmt: skip
def test_every_way_that_excel_writes_a_csv_is_read(tmp_path, content):
    table = read(tmp_path, content)
    assert (table.columns, table.rows) == (("ID", "Image", "Mask"), (("Müller", "a.nii", "b.nii"),))
    case = table.case(0)
    assert (case.image, case.mask, case.label) == (tmp_path / "a.nii", tmp_path / "b.nii", None)
    assert table.patient(0) == "Müller"


@pytest.mark.parametrize(
    ("content", "kind", "message"),
    [
        ("Image\na.nii\n", UsageError, "no column Mask"),
        ("Bild,Maske\na,b\n", UsageError, "no column Image and no column Mask: their columns are Bild, Maske"),
        ("Image,Mask,Image\na,b,c\n", CohortError, "'Image' appears twice"),
        ("Image,Mask,image\na,b,c\n", UsageError, "two columns for the image"),
        ("Image,Mask\n", DataError, "has no cases"),
        ("", DataError, "is empty"),
        ("Image,Mask\na,b,c\n", DataError, "3 cells, but the heading has 2"),
    ],
)
def test_what_is_no_table_of_cases_is_refused(tmp_path, content, kind, message):
    with pytest.raises(kind, match=message):
        read(tmp_path, content)


def test_rows_that_name_no_case_are_problems_of_their_own(tmp_path):
    table = read(tmp_path, "Image,Mask,Label,Label_channel\na,,1,\n,b,1,\na,b,x,0\na,b,-1,\na,b,1,2\n")
    problems = [case.problem if isinstance(case, CaseError) else case.label for case in map(table.case, range(5))]
    assert problems[:2] == ["the row has no mask", "the row has no image"] and problems[2] == "x"
    assert "the label is -1" in problems[3] and "label channel 2" in problems[4]


def test_columns_are_numbers_only_if_all_their_cells_are(tmp_path):
    table = read(tmp_path, "Image,Mask,id,age,dose,site\na,b,007,50,1.5,NA\na,b,8,,2,x\n")
    assert table.typed("id") == ["007", "8"]
    assert table.typed("age") == [50, None]
    assert table.typed("dose") == [1.5, 2.0]
    assert table.typed("site") == ["NA", "x"]
    assert table.lines == (2, 3)
