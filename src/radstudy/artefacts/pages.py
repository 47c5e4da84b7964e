"""Descriptions of a run's files, generated from their declarations: a docs page, a JSON Schema and a table.

    python -m radstudy.artefacts.pages .

writes docs/run_folder.md, docs/run_folder.schema.json and the table of files in ARCHITECTURE.md of the source tree that
is named. A test compares them with what is committed.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from radstudy.artefacts.declaration import Artefact, Column, ColumnKind, JsonFile, TableFile
from radstudy.artefacts.run_folder import ARTEFACTS, SCHEMA_VERSION

PAGE, SCHEMA_FILE, ARCHITECTURE = "docs/run_folder.md", "docs/run_folder.schema.json", "ARCHITECTURE.md"
BEGIN, END = "<!-- files of a run: made by radstudy.artefacts.pages -->", "<!-- end of the files of a run -->"
_HEAD = f"""# The run folder

Every file that `radstudy run` writes, with every column. This page is generated from the declarations in
`src/radstudy/artefacts/` (`python -m radstudy.artefacts.pages .`), by which the program also writes and reads its
files. `run_folder.schema.json`, next to this page, has the same content as JSON Schema.

The layout has the schema version {SCHEMA_VERSION}, which is stored in `run_folder.json` in the folder; a folder without
that file has version 1. radstudy refuses a folder whose layout is newer than it knows.

Tables are CSV: comma, decimal point, UTF-8, with a header even if there are no rows. An empty cell in a column of
numbers means that there is no value; a text that a spreadsheet would read as a formula begins with an apostrophe, which
is not part of it. Text stays text: a patient "007" is read as "007". Parquet tables are for programs.
"""
_JSON_TYPES = {
    ColumnKind.TEXT: "string",
    ColumnKind.INTEGER: "integer",
    ColumnKind.NUMBER: "number",
    ColumnKind.BOOLEAN: "boolean",
    ColumnKind.LIST: "array",
    ColumnKind.OBJECT: "object",
}


def page() -> str:
    """The docs page."""
    return _HEAD + "".join(f"\n## {step}\n" + "".join(map(_section, files)) for step, files in _by_step().items())


def architecture_table() -> str:
    """The table of files of ARCHITECTURE.md: one row per step."""
    rows = [f"| {step} | {' '.join(_named(step, files))} |" for step, files in _by_step().items()]
    return "\n".join(["| step | writes (in the run's folder; every column: docs/run_folder.md) |", "|---|---|", *rows])


def with_table(architecture: str) -> str:
    """ARCHITECTURE.md with its table of files as declared."""
    before, _, rest = architecture.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n{architecture_table()}\n{END}{after}"


def json_schema() -> dict[str, Any]:
    """The files as JSON Schema, by their paths: a table is a list of rows."""
    described = [one for one in ARTEFACTS if isinstance(one, TableFile | JsonFile)]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"The files of a radstudy run folder, schema version {SCHEMA_VERSION}",
        "$defs": {one.path: _schema(one) for one in described},
    }


def _by_step() -> dict[str, list[Artefact]]:
    steps: dict[str, list[Artefact]] = {}
    for artefact in ARTEFACTS:
        steps.setdefault(artefact.step, []).append(artefact)
    return steps


def _named(step: str, files: Iterable[Artefact]) -> list[str]:
    return [f"`{one.path.removeprefix(f'{step}/')}`" for one in files if not one.path.endswith("provenance.json")]


def _section(artefact: Artefact) -> str:
    lines = [f"\n### `{artefact.path}`\n", artefact.text]
    if artefact.when:
        lines.append(f"Written if {artefact.when}.")
    if artefact.read_by:
        lines.append(f"Read by {', '.join(artefact.read_by)}.")
    text = "\n".join([lines[0], " ".join(lines[1:])]) + "\n"
    if isinstance(artefact, TableFile):
        more = () if artefact.more is None else (artefact.more,)
        return text + _columns("column", (*artefact.columns, *more))
    if isinstance(artefact, JsonFile):
        return text + _shape(artefact) + (_columns("field", artefact.fields) if artefact.fields else "")
    return text


def _shape(document: JsonFile) -> str:
    shapes = {"list": "A list of:", "mapping": "An object of names, each with:"}
    begin = "It begins with a checksum and its key (docs/kept.md). " if document.kept else ""
    text = (begin + shapes.get(document.shape, "")).strip()
    return f"\n{text}\n" if text else ""


def _columns(word: str, columns: Iterable[Column], inside: str = "") -> str:
    rows = "".join(_rows(columns, inside))
    return f"\n| {word} | type | unit | meaning |\n|---|---|---|---|\n{rows}"


def _rows(columns: Iterable[Column], inside: str) -> Iterable[str]:
    for column in columns:
        yield f"| `{inside}{column.name}` | {column.kind} | {column.unit} | {column.text} |\n"
        yield from _rows(column.fields, f"{inside}{column.name}{'[]' if column.kind is ColumnKind.LIST else ''}.")


def _schema(artefact: TableFile | JsonFile) -> dict[str, Any]:
    if isinstance(artefact, TableFile):
        further: Any = False if artefact.more is None else _field(artefact.more)
        row = _object(artefact.columns, further, required=True)
        return {"description": artefact.text, "type": "array", "items": row}
    if artefact.shape == "texts":
        return {"description": artefact.text, "type": "array", "items": {"type": "string"}}
    own = ("checksum", "key") if artefact.kept else ()
    content = _object(artefact.fields, False, required=False)
    content["properties"] |= {name: {"type": "string"} for name in own if name not in content["properties"]}
    if artefact.shape == "list":
        return {"description": artefact.text, "type": "array", "items": content}
    if artefact.shape == "mapping":
        return {"description": artefact.text, "type": "object", "additionalProperties": content}
    return {"description": artefact.text, **content}


def _object(fields: tuple[Column, ...], further: Any, *, required: bool) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {field.name: _field(field) for field in fields},
        "required": [field.name for field in fields if required or not field.optional],
        "additionalProperties": further,
    }


def _field(column: Column) -> dict[str, Any]:
    about: dict[str, Any] = {"description": column.text}
    if column.unit:
        about["x-unit"] = column.unit
    if column.kind in _JSON_TYPES:
        about["type"] = [_JSON_TYPES[column.kind], "null"]
    if column.fields:
        inner = _object(column.fields, False, required=False)
        return (
            {**about, "items": inner} if column.kind is ColumnKind.LIST else {**about, **inner, "type": about["type"]}
        )
    return about


def write_all(root: Path) -> None:
    """Write the page, the schema and the table into a source tree."""
    (root / PAGE).write_text(page(), encoding="utf-8")
    (root / SCHEMA_FILE).write_text(json.dumps(json_schema(), indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    architecture = root / ARCHITECTURE
    architecture.write_text(with_table(architecture.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write_all(Path(sys.argv[1]))
