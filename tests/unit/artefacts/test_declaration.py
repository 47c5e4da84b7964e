"""Tables are written and read by their declaration: nothing is dropped in silence, and text stays text."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from radstudy.artefacts import ARTEFACTS, ColumnKind, JsonFile, TableFile, UndeclaredError, artefact_of
from radstudy.artefacts.declaration import boolean, integer, number, text

TABLE = TableFile(
    "step/table.csv", "A table.",
    columns=(text("patient", "Who."), number("value", "What."), integer("count", "How many.", optional=True),
             boolean("kept", "Whether.", optional=True)),
)  # fmt: skip


def test_text_stays_text_and_empty_stays_empty(tmp_path):
    rows = [
        {"patient": "007", "value": 1.5, "count": 3, "kept": True},
        {"patient": "NA", "value": np.nan},
        {"patient": "", "value": 0.1 + 0.2},
    ]
    TABLE.write(tmp_path, rows)
    frame = TABLE.read(tmp_path)
    assert list(frame["patient"]) == ["007", "NA", ""]
    assert frame["value"].dtype == float and frame["value"].isna().tolist() == [False, True, False]
    assert frame["value"][2] == 0.1 + 0.2
    assert frame["count"].isna().tolist() == [False, True, True]
    assert frame["kept"][0] and frame["kept"].isna().tolist() == [False, True, True]


def test_a_number_column_of_whole_numbers_is_float_and_an_empty_one_too(tmp_path):
    (tmp_path / "step").mkdir()
    (tmp_path / "step" / "table.csv").write_text("patient,value,count,kept\n1,2,3,True\n")
    frame = TABLE.read(tmp_path)
    assert frame["patient"].tolist() == ["1"] and frame["value"].dtype == float and frame["count"].dtype == int
    (tmp_path / "step" / "table.csv").write_text("patient,value,count,kept\n1,,,\n")
    assert TABLE.read(tmp_path)["value"].dtype == float


def test_an_unknown_column_is_refused_and_not_dropped(tmp_path):
    with pytest.raises(UndeclaredError, match=r"step/table.csv.*'new'"):
        TABLE.write(tmp_path, [{"patient": "1", "value": 1.0, "new": 2}])
    with pytest.raises(UndeclaredError, match="'new'"):
        TABLE.write(
            tmp_path, pd.DataFrame({"patient": ["1"], "value": [1.0], "count": [1], "kept": [True], "new": [0]})
        )
    assert not TABLE.file(tmp_path).exists()


def test_a_missing_column_is_refused(tmp_path):
    with pytest.raises(UndeclaredError, match=r"missing: \['value'\]"):
        TABLE.write(tmp_path, [{"patient": "1", "value": 1.0}, {"patient": "2"}])
    with pytest.raises(UndeclaredError, match="'kept'"):  # a frame has every column
        TABLE.write(tmp_path, pd.DataFrame({"patient": ["1"], "value": [1.0], "count": [1]}))


def test_a_table_without_rows_has_its_header(tmp_path):
    for rows in ([], pd.DataFrame(), pd.DataFrame(columns=TABLE.names)):
        TABLE.write(tmp_path, rows)
        assert TABLE.file(tmp_path).read_text() == "patient,value,count,kept\n"
        assert list(TABLE.read(tmp_path).columns) == TABLE.names


def test_an_empty_file_of_an_earlier_version_is_an_empty_table(tmp_path):
    (tmp_path / "step").mkdir()
    TABLE.file(tmp_path).write_text("\n")
    frame = TABLE.read(tmp_path)
    assert frame.empty and list(frame.columns) == TABLE.names


def test_a_column_that_an_earlier_version_did_not_write_is_not_there(tmp_path):
    (tmp_path / "step").mkdir()
    TABLE.file(tmp_path).write_text("patient,value\n007,1\n")
    assert list(TABLE.read(tmp_path).columns) == ["patient", "value"]


def test_a_table_of_an_earlier_version_is_read_under_its_former_names(tmp_path):
    columns = (text("patient", "Who."), number("chance_low", "A limit.", optional=True))
    columns = (columns[0], replace(columns[1], formerly="null_low"))
    table = TableFile("step/chance.csv", "A table.", columns=columns, formerly="before/null.csv")
    (tmp_path / "before").mkdir()
    (tmp_path / "before" / "null.csv").write_text("patient,null_low\n007,0.4\n")
    assert table.read(tmp_path).to_dict("records") == [{"patient": "007", "chance_low": 0.4}]
    table.write(tmp_path, [{"patient": "8", "chance_low": 0.5}])  # from then on this one alone
    assert table.read(tmp_path).to_dict("records") == [{"patient": "8", "chance_low": 0.5}]


def test_what_a_column_may_not_hold_is_named_with_file_and_column(tmp_path):
    (tmp_path / "step").mkdir()
    for cells, column in (("1,high,3,True", "value"), ("1,1.5,3,perhaps", "kept")):
        TABLE.file(tmp_path).write_text(f"patient,value,count,kept\n{cells}\n")
        with pytest.raises(ValueError, match=rf"table\.csv: the column '{column}'"):
            TABLE.read(tmp_path)


def test_columns_of_the_study_are_typed_as_the_study_says(tmp_path):
    table = TableFile("rows.csv", "Rows.", columns=(text("patient", "Who."),), more=text("<variable>", "A variable."))
    table.write(tmp_path, pd.DataFrame({"patient": ["01"], "grade": ["1"], "age": [50.0]}))
    assert table.file(tmp_path).read_text() == "patient,grade,age\n01,1,50.0\n"
    frame = table.read(tmp_path, more={"grade": ColumnKind.TEXT, "age": ColumnKind.NUMBER})
    assert frame["grade"].tolist() == ["1"] and frame["age"].tolist() == [50.0]


def test_a_document_of_other_fields_is_refused(tmp_path):
    document = JsonFile("d.json", "A document.", fields=(text("a", "A."), text("b", "B.", optional=True)))
    document.write(tmp_path, {"a": "1"})
    assert document.read(tmp_path) == {"a": "1"}
    for content in ({}, {"a": "1", "c": "2"}):
        with pytest.raises(UndeclaredError, match=r"d\.json"):
            document.write(tmp_path, content)


def test_every_file_and_column_is_declared_once_in_a_sentence():
    paths = [artefact.path for artefact in ARTEFACTS]
    assert len(set(paths)) == len(paths)
    for artefact in ARTEFACTS:
        assert artefact.text.endswith(".") and artefact.step, artefact.path
        if isinstance(artefact, TableFile):
            assert len(set(artefact.names)) == len(artefact.names), artefact.path
            assert all(column.text.strip().endswith((".", ")")) for column in artefact.columns), artefact.path


def test_a_file_is_found_by_its_name():
    assert artefact_of("prepare/volumes/A_1_T2.json").path == "prepare/volumes/*.json"
    assert artefact_of("prepare/volumes.csv").step == "prepare"
    assert artefact_of("evaluate/chance/chance.csv").step == "evaluate/chance"
    assert artefact_of("signature.json").step == "model"
    assert artefact_of("prepare/other.csv") is None and artefact_of("volumes.csv") is None
