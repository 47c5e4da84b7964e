"""Read a table as text: CSV as any Excel writes it, or XLSX. Values stay as they were typed."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pandas as pd

from radstudy.errors import CohortError, DataError

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
    if file.suffix.lower() in (".xlsx", ".xlsm"):
        table, notes = _read_xlsx(file, sheet), list[str]()
    else:
        table, notes = _read_csv(file)
    table.columns = pd.Index([str(column).strip() for column in table.columns])
    doubled = table.columns[table.columns.duplicated()].unique().tolist()
    if doubled:
        raise CohortError(f"{file}: columns have the same name", [f"'{name}' stands twice" for name in doubled])
    table = table.apply(lambda column: column.str.strip()).replace("", None)
    return table.dropna(how="all"), notes


def _read_xlsx(file: Path, sheet: str | None) -> pd.DataFrame:
    try:
        return pd.read_excel(file, sheet_name=sheet or 0, dtype=str, keep_default_na=False, na_values=_MISSING)
    except ValueError as error:
        raise DataError(f"{file} cannot be read: {error}. To do: correct cohort.sheet or save it again") from None


def _read_csv(file: Path) -> tuple[pd.DataFrame, list[str]]:
    raw = file.read_bytes()
    notes: list[str] = []
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
        notes.append(f"{file.name} is not UTF-8; it was read as Windows-1252")
    header = text.split("\n", 1)[0]
    separator = max((",", ";", "\t"), key=header.count)
    if separator == ";":
        notes.append(f"{file.name} is separated by semicolons; numbers may have a decimal comma")
    try:
        table = pd.read_csv(
            io.StringIO(text), sep=separator, dtype=str, keep_default_na=False, na_values=_MISSING,
            skip_blank_lines=False,
        )  # fmt: skip
    except (pd.errors.ParserError, pd.errors.EmptyDataError, csv.Error) as error:
        raise DataError(f"{file} is not a table: {error}. To do: save it as CSV (UTF-8)") from None
    return table, notes
