"""Read a table as text: CSV as any Excel writes it, or XLSX. Values stay as they were typed."""

from __future__ import annotations

import codecs
import csv
import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd

from radstudy.errors import CohortError, DataError

_ZIP, _OLD_EXCEL = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"  # how .xlsx and .xls begin, whatever the file is called
_MISSING = ["", "NA", "N/A", "n/a", "NaN", "nan"]


def read_table(file: Path, sheet: str | None = None) -> tuple[pd.DataFrame, list[str]]:
    """Read a CSV or XLSX table, every cell as text, empty cells as missing.

    Parameters
    ----------
    file : .csv, .tsv, .txt or .xlsx.
    sheet : name of the sheet of an XLSX file; None for the first.

    Returns
    -------
    table : str columns; NaN where a cell is empty.
    notes : how the file was read, where that is not obvious.

    Raises
    ------
    DataError : the file is missing, not text, or not a table.
    """
    if not file.is_file():
        raise DataError(f"the cohort table {file} does not exist. To do: correct cohort.table, or give --data FOLDER")
    raw = file.read_bytes()
    if raw.startswith(_OLD_EXCEL):
        raise DataError(f"{file} is a table of an old Excel (.xls). To do: save it as .xlsx or as CSV (UTF-8)")
    if raw.startswith(_ZIP) or file.suffix.lower() in (".xlsx", ".xlsm"):
        table, notes = _read_xlsx(file, raw, sheet), list[str]()
    else:
        table, notes = _read_csv(file, raw)
    table.columns = pd.Index([str(column).strip() for column in table.columns])
    doubled = table.columns[table.columns.duplicated()].unique().tolist()
    if doubled:
        raise CohortError(f"{file}: columns have the same name", [f"'{name}' stands twice" for name in doubled])
    table = table.apply(lambda column: column.str.strip()).replace("", None)
    return table.dropna(how="all"), notes


def _read_xlsx(file: Path, raw: bytes, sheet: str | None) -> pd.DataFrame:
    try:
        table = pd.read_excel(
            io.BytesIO(raw), sheet_name=sheet or 0, header=None, dtype=str, keep_default_na=False, na_values=_MISSING
        )
    except (ValueError, OSError, KeyError, zipfile.BadZipFile) as error:
        reason = str(error).rstrip(".")
        raise DataError(f"{file} cannot be read: {reason}. To do: correct cohort.sheet or save it again") from None
    if not len(table):
        raise DataError(f"{file} is empty. To do: give the table a line of column names, and its rows")
    # the heading is read as a row like the others: pandas would call a second 'age' 'age.1' without a word
    heading, table = table.iloc[0], table.iloc[1:].reset_index(drop=True)
    kept = (heading.notna() | table.notna().any()).to_numpy()
    names = [f"Unnamed: {number}" if pd.isna(name) else str(name) for number, name in enumerate(heading)]
    return table.set_axis(pd.Index(names), axis=1).loc[:, kept]


def _read_csv(file: Path, raw: bytes) -> tuple[pd.DataFrame, list[str]]:
    text, notes = _decoded(file, raw)
    lines, skipped, told = _without_separator_line(list(io.StringIO(text, newline=None)))
    separator = told or max((",", ";", "\t"), key=re.sub('"[^"]*"', "", lines[0] if lines else "").count)
    if separator == ";":
        notes.append(f"{file.name} is separated by semicolons; numbers may have a decimal comma")
    header, *records = _records(file, lines, separator) or [(1, [])]
    width = len(header[1])
    for line, cells in records:
        if any(cell.strip() for cell in cells[width:]):
            raise DataError(
                f"{file}, line {line + skipped}: {len(cells)} cells, but the heading has {width} columns. To do: put a "
                f"text or number that holds '{separator}' into double quotes, or save the table again as CSV (UTF-8)"
            )
    table = pd.DataFrame(
        [(cells + [""] * width)[:width] for _, cells in records],
        columns=[name.strip() or f"Unnamed: {number}" for number, name in enumerate(header[1])],
        index=[line + skipped - 2 for line, _ in records],
        dtype=object,
    )
    if not any(name.strip() for name in header[1]):
        raise DataError(f"{file} is empty. To do: give the table a line of column names, and its rows")
    table = table.mask(table.isin(_MISSING))
    blank = np.array([not name.strip() for name in header[1]]) & table.isna().all().to_numpy()
    return table.loc[:, ~blank], notes  # Excel writes columns without heading or content, where there was once one


def _decoded(file: Path, raw: bytes) -> tuple[str, list[str]]:
    """The file's text: UTF-8, UTF-16 (Excel's "Unicode text") or, as a last resort, Windows-1252."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return raw.decode("utf-16", errors="replace"), [f"{file.name} was read as UTF-16"]
    try:
        return raw.decode("utf-8-sig"), []
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace"), [f"{file.name} is not UTF-8; it was read as Windows-1252"]


def _without_separator_line(lines: list[str]) -> tuple[list[str], int, str | None]:
    """The lines without empty ones at the top and Excel's `sep=;`, how many these were, and what the latter says."""
    skipped = next((number for number, line in enumerate(lines) if line.strip()), len(lines))
    told = re.fullmatch(r'"?sep=(.)"?[,;]*', lines[skipped].rstrip("\n")) if skipped < len(lines) else None
    return (lines[skipped + 1 :], skipped + 1, told[1]) if told else (lines[skipped:], skipped, None)


def _records(file: Path, lines: list[str], separator: str) -> list[tuple[int, list[str]]]:
    """The cells of every record with the number of its first line, counted from 1."""
    reader = csv.reader(lines, delimiter=separator, strict=True)
    found, line = [], 1
    try:
        for cells in reader:
            found.append((line, cells))
            line = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{file}, line {line}: this is not a table ({error}). To do: look for a double quote too many there, or "
            "save the table again as CSV (UTF-8)"
        ) from None
    return found
