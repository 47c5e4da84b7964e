"""The files of a batch: one row per case, written in blocks, so that memory does not grow with the number of cases."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from radstudy.batch.cases import IMAGE, LABEL, MASK
from radstudy.batch.many import CaseFailure
from radstudy.batch.table import BatchTable
from radstudy.cells import guarded
from radstudy.store import write_csv, written_whole

_BLOCK = 256  # rows
FAILURE_COLUMNS = ("line", "patient", "image", "mask", "label", "error", "problem", "to_do")
Values = Callable[[int], Sequence[float] | None]  # of a case, by its number; None if it failed


def write_features(file: Path, table: BatchTable, names: Sequence[str], values: Values) -> None:
    """Write the columns of the table and the features, as CSV or Parquet by the file's name, whole or not at all.

    Parameters
    ----------
    file : .csv: every float with all its digits; .parquet: features as float64, other columns by `BatchTable.typed`.
    table : the cases.
    names : of the features.
    values : of each case.

    Raises
    ------
    StorageError : the disk is full, or the folder cannot be written to.
    """
    with written_whole(file) as part:
        write = _write_parquet if file.suffix.lower() == ".parquet" else _write_csv
        write(part, table, names, values)


def write_failures(file: Path, table: BatchTable, failures: Iterable[tuple[int, CaseFailure]]) -> None:
    """Write the cases without features, with the reason and what to do.

    Parameters
    ----------
    file : a CSV with the columns `FAILURE_COLUMNS`; the line is the case's in the table, or its number in a folder.
    table : the cases.
    failures : numbers of cases, and their failures.
    """
    import pandas as pd

    rows = [
        (
            table.lines[number] if table.lines else number + 1, table.patient(number), table.cell(number, IMAGE),
            table.cell(number, MASK), table.cell(number, LABEL), failure.error_type, _problem(failure), failure.remedy,
        )
        for number, failure in failures
    ]  # fmt: skip
    write_csv(file, pd.DataFrame(rows, columns=list(FAILURE_COLUMNS)))


def _problem(failure: CaseFailure) -> str:
    file = f" (file {failure.error.file})" if failure.error.file else ""
    return " ".join(f"{failure.problem}{file}".split())


def _write_csv(part: Path, table: BatchTable, names: Sequence[str], values: Values) -> None:
    with part.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        quoted = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)
        empty = [""] * len(names)
        writer.writerow([guarded(name) for name in (*table.columns, *names)])
        for number, row in enumerate(table.rows):
            computed = values(number)
            cells = [guarded(cell) for cell in row]
            numbers = empty if computed is None else ["" if math.isnan(value) else repr(value) for value in computed]
            # Python's writer leaves a carriage return without quotes, and a reader would begin a row there
            (quoted if any("\r" in cell for cell in cells) else writer).writerow([*cells, *numbers])


def _write_parquet(part: Path, table: BatchTable, names: Sequence[str], values: Values) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    given = {name: pa.array(table.typed(name)) for name in table.columns}
    given = {name: cells.cast(pa.string()) if pa.types.is_null(cells.type) else cells for name, cells in given.items()}
    fields = [(name, cells.type) for name, cells in given.items()] + [(name, pa.float64()) for name in names]
    schema = pa.schema(fields)
    with pq.ParquetWriter(part, schema) as writer:
        for start, stop in _blocks(len(table)):
            rows = [values(number) for number in range(start, stop)]
            columns: list[Any] = [cells.slice(start, stop - start) for cells in given.values()]
            columns += [
                pa.array([None if row is None else row[place] for row in rows], pa.float64())
                for place in range(len(names))
            ]
            writer.write_table(pa.table(columns, schema=schema))


def _blocks(count: int) -> Iterator[tuple[int, int]]:
    for start in range(0, count, _BLOCK):
        yield start, min(start + _BLOCK, count)
