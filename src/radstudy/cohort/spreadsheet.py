"""Reading of a table as text: CSV as written by any version of Excel, or XLSX. Values stay as they were typed."""

from __future__ import annotations

import csv
import gzip
import io
import re
import zlib
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from radstudy import bounds
from radstudy.cells import unguarded
from radstudy.cohort.numbers import plain_numbers
from radstudy.cohort.workbook import read_workbook
from radstudy.encoding import decoded
from radstudy.errors import CohortError, DataError, TableProblem
from radstudy.formats.reading import content_of

# first bytes of .xlsx, .xls and .gz, regardless of the file's name
_ZIP, _OLD_EXCEL, _GZIP = b"PK\x03\x04", b"\xd0\xcf\x11\xe0", b"\x1f\x8b"
SEPARATORS = (",", ";", "\t")
MISSING = ["", "NA", "N/A", "n/a", "NaN", "nan"]
_EXCEL_ERROR = re.compile(r"#(?:N/A|NV|N/D|[A-Z0-9/\u00c0-\u00dd\u00a1\u00bf]{3,12}[!?])")
_TOLD = 20  # problems listed one by one
_LONGEST_CELL = 1 << 20  # bytes
_EXCEL_BLOCK = 16  # rows, with the heading


@dataclass(frozen=True, eq=False)
class Sheet:
    """A table as it was typed.

    Parameters
    ----------
    file : the file that was read.
    table : str cells, None if empty; rows numbered by line minus 2.
    typed : bool, cells that the file itself stores as numbers (XLSX).
    separator : column separator of a CSV; "" for XLSX.
    notes : remarks on how the file was read, if that is not obvious.
    """

    file: Path
    table: pd.DataFrame
    typed: pd.DataFrame
    separator: str
    notes: tuple[str, ...]

    def with_numbers(
        self, columns: Iterable[str], decimal: str | None = None, setting: str = "cohort.decimal"
    ) -> tuple[pd.DataFrame, list[str]]:
        """Return the table with the numbers of these columns written with a decimal point, and the notes.

        Parameters
        ----------
        columns, decimal, setting : see `radstudy.cohort.numbers.plain_numbers`.

        Raises
        ------
        CohortError : the decimal mark of some numbers is uncertain; states line and column.
        """
        table, more, problems = plain_numbers(
            self.table, columns, typed=self.typed, separator=self.separator, decimal=decimal, setting=setting
        )
        if problems:
            left = [f"and {len(problems) - _TOLD} more"] if len(problems) > _TOLD else []
            raise CohortError(f"{self.file}: the decimal mark is uncertain:", problems[:_TOLD] + left)
        return table, [*self.notes, *(f"{self.file.name}: {note}" for note in more)]


def read_table(
    file: Path, sheet: str | None = None, words: Mapping[str, Collection[str]] | None = None
) -> tuple[pd.DataFrame, list[str]]:
    """Read a table, every cell as text, with notes on how it was read; see `read_sheet`."""
    content = read_sheet(file, sheet, words)
    return content.table, list(content.notes)


def read_sheet(file: Path, sheet: str | None = None, words: Mapping[str, Collection[str]] | None = None) -> Sheet:
    """Read a CSV or XLSX table, every cell as text, empty cells as missing.

    Parameters
    ----------
    file : .csv, .tsv, .txt (each also .gz) or .xlsx.
    sheet : name of the sheet of an XLSX file; None for the first.
    words : column to values that count there, although elsewhere they mean a missing value ("N/A").

    Raises
    ------
    DataError : the file is missing, cannot be read, is not text, or is not a table.
    CohortError : columns with the same name, or formulas without a stored result.
    """
    raw = table_bytes(file)
    return sheet_of(file, raw, sheet, words)


def table_bytes(file: Path) -> bytes:
    """The bytes of a table's file, within the bound; compressed if the file is.

    Raises
    ------
    DataError : the file is missing, too large, or no table.
    """
    if not file.is_file():
        raise DataError(f"the cohort table {file} does not exist. To do: correct cohort.table, or give --data FOLDER")
    bounds.TABLE.require_of(DataError, file.stat().st_size, file)
    _require_cells(file)
    return content_of(file)


def sheet_of(
    file: Path, packed: bytes, sheet: str | None = None, words: Mapping[str, Collection[str]] | None = None
) -> Sheet:
    """Read a table from its bytes; see `read_sheet`.

    Parameters
    ----------
    file : named in messages; it need not exist.
    packed : the bytes.
    sheet, words : see `read_sheet`.
    """
    raw = unpacked(file, packed)
    if raw.startswith(_OLD_EXCEL):
        raise DataError(f"{file} is a table in the old Excel format (.xls). To do: save it as .xlsx or as CSV (UTF-8)")
    if is_workbook(file, raw):
        cells = read_workbook(file, raw, sheet)
        table, typed, separator, notes = cells.text, cells.typed, "", list[str]()
    else:
        table, separator, notes = _read_csv(file, raw)
        typed = pd.DataFrame(False, index=table.index, columns=table.columns)
    table = table.map(lambda cell: unguarded(cell) if isinstance(cell, str) else cell)  # undo this program's guard
    table.columns = typed.columns = pd.Index([column_name(str(column)) for column in table.columns])
    doubled = table.columns[table.columns.duplicated()].unique().tolist()
    if doubled:
        raise CohortError(f"{file}: columns have the same name", [f"'{name}' appears twice" for name in doubled])
    table = table.apply(lambda column: column.str.strip()).replace("", None) if len(table) else table
    missing = table.isin(MISSING)
    for column, values in (words or {}).items():
        if column in table.columns:
            missing[column] &= ~table[column].isin(list(values))
    table = table.mask(missing).dropna(how="all")
    return Sheet(file, table, typed.loc[table.index], separator, tuple(notes))


def is_workbook(file: Path, raw: bytes) -> bool:
    """True if the bytes are those of an XLSX workbook, or the file is called one."""
    return raw.startswith(_ZIP) or file.suffix.lower() in (".xlsx", ".xlsm")


def column_name(heading: str) -> str:
    """The name of a column, from the text of its heading."""
    return unguarded(heading).strip()


def excel_errors(table: pd.DataFrame, columns: Iterable[str]) -> list[str]:
    """List the cells of these columns that hold an Excel error, such as #DIV/0!, each with its line and what to do."""
    return [
        TableProblem(
            f"line {line + 2}, column '{name}': the formula returns {cell}. To do: correct it, or leave the cell empty",
            lines=(line + 2,),
            column=name,
        )
        for name in dict.fromkeys(columns)
        if name in table.columns
        for line, cell in zip(table.index, table[name], strict=True)
        if isinstance(cell, str) and _EXCEL_ERROR.fullmatch(cell)
    ]


def _require_cells(file: Path) -> None:
    """Refuse a text with a megabyte without separator or line end: no cell is that long, and it would fill memory."""
    with file.open("rb") as stream:
        start = stream.read(len(_ZIP))
        if start.startswith((_ZIP, _OLD_EXCEL, _GZIP)):
            return
        while len(block := stream.read(_LONGEST_CELL)) == _LONGEST_CELL:
            if not any(mark in block for mark in (b",", b";", b"\t", b"\n", b"\r")):
                raise DataError(
                    f"{file} is not a table: one cell holds more than {_LONGEST_CELL:,} bytes. To do: save the table "
                    "again as CSV (UTF-8)"
                )


def is_compressed(raw: bytes) -> bool:
    """True if the bytes are those of a .gz."""
    return raw.startswith(_GZIP)


def unpacked(file: Path, raw: bytes) -> bytes:
    """Decompress a table (.csv.gz), up to the bound; other bytes are returned as they are."""
    if not is_compressed(raw):
        return raw
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(raw)) as stream:
            content = stream.read(bounds.TABLE.most + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{file} cannot be decompressed: {error}. To do: copy or save it again") from None
    bounds.TABLE.require_of(DataError, len(content), file, at_least=True)
    return content


def _read_csv(file: Path, raw: bytes) -> tuple[pd.DataFrame, str, list[str]]:
    """Parse a CSV file into the table, its separator and notes."""
    text, notes = decoded(file, raw)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise DataError(f"{file} is not a table: line {line} holds a zero byte. To do: save it again as CSV (UTF-8)")
    lines, skipped, separator = csv_layout(text)
    if separator == ";":
        notes.append(f"{file.name} is separated by semicolons; numbers may have a decimal comma")
    header, *records = _records(file, lines, separator) or [(1, [])]
    width = len(header[1])
    bounds.CELLS.require_of(DataError, len(records) * width, file)
    notes += _require_widths(file, [(line + skipped, cells) for line, cells in records], header[1], separator)
    table = pd.DataFrame(
        [(cells + [""] * width)[:width] for _, cells in records],
        columns=[name.strip() or f"Unnamed: {number}" for number, name in enumerate(header[1])],
        index=[line + skipped - 2 for line, _ in records],
        dtype=object,
    )
    if not any(name.strip() for name in header[1]):
        raise DataError(f"{file} is empty. To do: give the table a line of column names, and rows")
    empty = table.apply(lambda column: column.str.strip() == "").all().to_numpy() if len(table) else True
    blank = np.array([not name.strip() for name in header[1]]) & empty
    return (
        table.loc[:, ~blank],
        separator,
        notes,
    )  # Excel also writes deleted columns, without heading or content


def _require_widths(file: Path, records: list[tuple[int, list[str]]], header: list[str], separator: str) -> list[str]:
    """Refuse rows with more or fewer cells than the heading, whose values would lie under wrong names or be lost.

    Empty cells beyond the heading pass if all rows have the same number. So do cells missing from a whole block of 16
    rows: Excel omits trailing columns that are empty throughout such a block.

    Returns
    -------
    A note for each block that was completed.

    References
    ----------
    Microsoft, "Column delimiters are missing in an Excel spreadsheet that is saved as text" (KB 77295).
    """
    width = len(header)
    named = max((number for number, name in enumerate(header, 1) if name.strip()), default=0)
    filled = [(number, line, cells) for number, (line, cells) in enumerate(records, 1) if any(map(str.strip, cells))]
    blocks: dict[int, set[int]] = {}
    for number, _, cells in filled:
        blocks.setdefault(number // _EXCEL_BLOCK, set()).add(len(cells))
    rows_in = Counter(number // _EXCEL_BLOCK for number, _, _ in filled)
    alike = len({len(cells) for _, _, cells in filled}) == 1
    problems, completed = [], Counter[int]()
    for number, line, cells in filled:
        block = number // _EXCEL_BLOCK
        many = any(cell.strip() for cell in cells[width:]) or (len(cells) > width and not alike)
        if not many and len(cells) >= named:
            continue
        if not many and block and len(blocks[block]) == 1 and rows_in[block] > 1:
            completed[len(cells)] += 1
            continue
        what = f"put a text or number that holds '{separator}' into double quotes" if many else "complete the row"
        problems.append(
            f"line {line}: {len(cells)} cells, but the heading has {width} columns (the row begins '{cells[0][:40]}'). "
            f"To do: {what}, or save the table again as CSV (UTF-8) or XLSX"
        )
    if len(problems) == 1:
        raise DataError(f"{file}, {problems[0]}")
    if problems:
        more = [f"and {len(problems) - _TOLD} more rows"] if len(problems) > _TOLD else []
        raise CohortError(f"{file}: {len(problems)} rows do not fit the heading:", problems[:_TOLD] + more)
    return [
        f"{file.name}: {count} rows end after {cells} of {width} cells, as Excel writes rows whose last columns are "
        "empty; the missing cells were read as empty"
        for cells, count in completed.items()
    ]


def csv_layout(text: str) -> tuple[list[str], int, str]:
    """The lines of a CSV from its heading on, the number of lines above it, and the separator."""
    lines, skipped, told = _without_separator_line(list(io.StringIO(text, newline=None)))
    return lines, skipped, told or max(SEPARATORS, key=re.sub('"[^"]*"', "", lines[0] if lines else "").count)


def _without_separator_line(lines: list[str]) -> tuple[list[str], int, str | None]:
    """Remove empty lines at the top and Excel's `sep=;`; return the rest, the number removed, and the separator."""
    skipped = next((number for number, line in enumerate(lines) if line.strip()), len(lines))
    told = re.fullmatch(r'"?sep=(.)"?[,;]*', lines[skipped].rstrip("\n")) if skipped < len(lines) else None
    return (lines[skipped + 1 :], skipped + 1, told[1]) if told else (lines[skipped:], skipped, None)


def _records(file: Path, lines: list[str], separator: str) -> list[tuple[int, list[str]]]:
    """The cells of every record, with the number of its first line, counted from 1."""
    reader = csv.reader(lines, delimiter=separator, strict=True)
    records, line = [], 1
    try:
        for cells in reader:
            records.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{file}, line {line}: this is not a table ({error}). To do: look for an extra double quote there, or "
            "save the table again as CSV (UTF-8)"
        ) from None
    return records
