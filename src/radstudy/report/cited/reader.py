"""Reading cited cells from a run's folder, as they are written there."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from radstudy.artefacts import ColumnKind, TableFile, artefact_of
from radstudy.report.cited.expression import CellRange, row_numbers
from radstudy.store import read_csv, read_json

_LONGEST = 500  # characters of a cell that are listed; of a longer one its hash
_KEY_COLUMNS = 3  # text columns that name a row in words


class CellError(ValueError):
    """A cited cell does not exist."""


class WrittenNumber(float):
    """A number of a file that keeps how it is written there."""

    raw: str

    def __new__(cls, raw: str) -> WrittenNumber:
        """Make a number from its text."""
        number = super().__new__(cls, raw)
        number.raw = raw
        return number


class CellReader:
    """Reads cells of a run's files; each file is read once.

    Parameters
    ----------
    run : the run's folder.
    """

    def __init__(self, run: Path) -> None:
        self._run = run
        self._tables: dict[str, dict[str, list[str]]] = {}
        self._documents: dict[str, Any] = {}
        self._recorded: dict[CellRange, str] = {}
        self._values: dict[CellRange, Any] = {}

    def texts(self, cells: CellRange) -> list[str]:
        """The cells as they are written.

        Raises
        ------
        CellError : there is no such file, row or column.
        """
        if cells.rows.startswith("/"):
            return [_written(self._entry(cells))]
        table = self._table(cells.file)
        if cells.column not in table:
            raise CellError(f"{cells.file} has no column '{cells.column}'")
        numbers = row_numbers(cells.rows)
        column = table[cells.column]
        if numbers and numbers[-1] > len(column):
            raise CellError(f"{cells.file} has {len(column)} rows, not {numbers[-1]}")
        return [column[number - 1] for number in numbers]

    def value(self, cells: CellRange) -> Any:
        """The cell as a number or text, or the cells of a column as a list."""
        if cells not in self._values:
            self._values[cells] = self._value(cells)
        return self._values[cells]

    def _value(self, cells: CellRange) -> Any:
        if cells.rows.startswith("/") and isinstance(entry := self._entry(cells), dict | list):
            return entry
        texts = [_parsed(text) for text in self.texts(cells)]
        return texts[0] if cells.rows.isdigit() or cells.rows.startswith("/") else texts

    def recorded(self, cells: CellRange) -> str:
        """The cell as it is written, or a hash of several cells or of a long text."""
        if cells not in self._recorded:
            self._recorded[cells] = self._record(cells)
        return self._recorded[cells]

    def _record(self, cells: CellRange) -> str:
        texts = self.texts(cells)
        if len(texts) == 1 and len(texts[0]) <= _LONGEST:
            return texts[0]
        return hashlib.blake2b("\0".join(texts).encode(), digest_size=12).hexdigest()

    def key_of(self, cells: CellRange) -> str:
        """The row in words, such as "model T2WI, set testing"; "" for several rows and for JSON files."""
        declared = artefact_of(cells.file)
        if not cells.rows.isdigit() or not isinstance(declared, TableFile):
            return ""
        table = self._table(cells.file)
        names = [one.name for one in declared.columns if one.kind is ColumnKind.TEXT and one.name in table]
        row = {name: table[name][int(cells.rows) - 1] for name in names[:_KEY_COLUMNS]}
        return ", ".join(f"{name} {text}" for name, text in row.items() if text)

    def _table(self, file: str) -> dict[str, list[str]]:
        if file not in self._tables:
            declared = artefact_of(file)
            known = declared is not None and "*" not in declared.path  # of many files that are declared as one
            path = declared.file_to_read(self._run) if declared is not None and known else self._run / file
            try:
                table = read_csv(path, dtype=str, keep_default_na=False)
            except (OSError, ValueError) as error:
                raise CellError(f"{file} cannot be read: {error}") from error
            columns = declared.columns if isinstance(declared, TableFile) else ()
            former = {one.formerly: one.name for one in columns if one.formerly and one.formerly in table}
            renamed = table.rename(columns=former)
            self._tables[file] = {str(name): renamed[name].tolist() for name in renamed}
        return self._tables[file]

    def _entry(self, cells: CellRange) -> Any:
        if cells.file not in self._documents:
            declared = artefact_of(cells.file)
            path = declared.file_to_read(self._run) if declared is not None else self._run / cells.file
            try:
                self._documents[cells.file] = read_json(path)
            except (OSError, ValueError) as error:
                raise CellError(f"{cells.file} cannot be read: {error}") from error
        entry = self._documents[cells.file]
        keys = [key.replace("~1", "/").replace("~0", "~") for key in cells.rows.strip("/").split("/") if key]
        try:
            for key in [*keys, *([cells.column] if cells.column else [])]:
                entry = entry[int(key)] if isinstance(entry, list) else entry[key]
        except (KeyError, IndexError, TypeError, ValueError):
            raise CellError(f"{cells.file} has no entry {cells.rows} {cells.column}") from None
        return entry


def _written(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _parsed(text: str) -> Any:
    if text in ("True", "False", "true", "false"):
        return text in ("True", "true")
    try:
        return WrittenNumber(text)
    except ValueError:
        return text
