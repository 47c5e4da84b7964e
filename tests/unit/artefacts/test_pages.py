"""The docs page, the JSON Schema and the table in ARCHITECTURE.md say what is declared."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from radstudy.artefacts import ARTEFACTS, TableFile
from radstudy.artefacts.pages import ARCHITECTURE, PAGE, SCHEMA_FILE, json_schema, page, with_table

ROOT = Path(__file__).parents[3]
AGAIN = "run python -m radstudy.artefacts.pages . and commit what it writes"


def test_the_docs_page_is_what_is_declared():
    assert (ROOT / PAGE).read_text(encoding="utf-8") == page(), AGAIN


def test_the_json_schema_is_what_is_declared():
    assert json.loads((ROOT / SCHEMA_FILE).read_text(encoding="utf-8")) == json_schema(), AGAIN


def test_the_table_of_files_in_the_architecture_is_what_is_declared():
    text = (ROOT / ARCHITECTURE).read_text(encoding="utf-8")
    assert with_table(text) == text, AGAIN


@pytest.mark.parametrize("table", [one for one in ARTEFACTS if isinstance(one, TableFile)], ids=lambda one: one.path)
def test_every_column_stands_on_the_page_and_in_the_schema(table):
    section = page().partition(f"### `{table.path}`\n")[2].partition("\n#")[0]
    properties = json_schema()["$defs"][table.path]["items"]["properties"]
    for column in table.columns:
        assert f"| `{column.name}` | {column.kind} | {column.unit} | {column.text} |" in section
    assert list(properties) == table.names
