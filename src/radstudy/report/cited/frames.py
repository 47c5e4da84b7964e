"""Tables and documents of a run whose numbers remember the cells that they are read from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pandas as pd

from radstudy.report.cited.expression import CellRange, Formula, rows_text
from radstudy.report.cited.marks import plain
from radstudy.report.cited.numbers import CitedText, with_source


@dataclass(frozen=True, slots=True, order=True)
class TableRow:
    """A row of a table of the run, as the label of that row in memory.

    Parameters
    ----------
    file : path from the run's folder.
    number : 1 for the first row below the header.
    table : the table as it was read.
    """

    file: str
    number: int
    table: pd.DataFrame = field(compare=False, repr=False)

    def holds(self, column: str, value: Any) -> bool:
        """True if the file has this value there: a renamed or computed column has another, or none."""
        if column not in self.table:
            return False
        written = self.table[column].iloc[self.number - 1]
        return bool(written == value) or bool(pd.isna(written) and pd.isna(value))


class CitedColumn(pd.Series):
    """A row or a column of a `CitedFrame`: each number that is taken from it remembers its cell."""

    @property
    def _constructor(self) -> Callable[..., CitedColumn]:
        return CitedColumn

    @property
    def _constructor_expanddim(self) -> Callable[..., CitedFrame]:
        return CitedFrame

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, int) and not isinstance(key, bool):  # the label that the row has without sources
            key = next((row for row in self.index if isinstance(row, TableRow) and row.number == key + 1), key)
        value = super().__getitem__(key)
        if isinstance(key, str) and isinstance(self.name, TableRow):
            return _remembering(value, self.name, key)
        if isinstance(key, TableRow) and isinstance(self.name, str):
            return _remembering(value, key, self.name)
        return value

    def cells(self) -> CellRange | None:
        """The cells of a column; None if its rows are not those of one file."""
        rows = list(self.index)
        if not rows or not isinstance(self.name, str) or not all(isinstance(row, TableRow) for row in rows):
            return None
        if len({row.file for row in rows}) > 1 or not self._as_read(rows):
            return None
        return CellRange(rows[0].file, rows_text(row.number for row in rows), self.name)

    def _as_read(self, rows: Sequence[TableRow]) -> bool:
        """True if the values are those of the file: a column computed from them has its name, but no cells."""
        table = rows[0].table
        if self.name not in table:
            return False
        written = table[self.name].iloc[[row.number - 1 for row in rows]].to_numpy(object)
        own = self.to_numpy(object)
        return bool(((written == own) | (pd.isna(written) & pd.isna(own))).all())

    def _reduced(self, name: str, value: Any, *constants: Any) -> Any:
        cells = self.cells() if isinstance(value, float | int | np.number) else None
        own = value.item() if isinstance(value, np.generic) else value
        return value if cells is None else with_source(own, Formula(name, (cells, *constants)))

    def min(self, *args: Any, **kwargs: Any) -> Any:
        """The smallest value."""
        return self._reduced("smallest", super().min(*args, **kwargs))

    def max(self, *args: Any, **kwargs: Any) -> Any:
        """The largest value."""
        return self._reduced("largest", super().max(*args, **kwargs))

    def median(self, *args: Any, **kwargs: Any) -> Any:
        """The median."""
        return self._reduced("median", super().median(*args, **kwargs))

    def mean(self, *args: Any, **kwargs: Any) -> Any:
        """The mean."""
        return self._reduced("mean", super().mean(*args, **kwargs))

    def sum(self, *args: Any, **kwargs: Any) -> Any:
        """The sum."""
        return self._reduced("sum", super().sum(*args, **kwargs))

    def quantile(self, q: Any = 0.5, *args: Any, **kwargs: Any) -> Any:
        """A quantile."""
        value = super().quantile(q, *args, **kwargs)
        return self._reduced("quantile", value, float(q)) if isinstance(q, float) else value

    def nunique(self, *args: Any, **kwargs: Any) -> Any:
        """The number of different values."""
        return self._reduced("distinct", super().nunique(*args, **kwargs))


class CitedFrame(pd.DataFrame):
    """A table of the run, its rows labelled by `TableRow`."""

    @property
    def _constructor(self) -> Callable[..., CitedFrame]:
        return CitedFrame

    @property
    def _constructor_sliced(self) -> Callable[..., CitedColumn]:
        return CitedColumn


def cited_frame(frame: pd.DataFrame, file: str) -> CitedFrame:
    """A table as read from a file, whose numbers remember their cells.

    Parameters
    ----------
    frame : the table, with all rows of the file in order.
    file : path from the run's folder.
    """
    index = pd.Index([TableRow(file, number, frame) for number in range(1, len(frame) + 1)], dtype=object)
    return CitedFrame(frame.set_axis(index))


def exported(frame: pd.DataFrame, name: str) -> CitedFrame:
    """A table that the report itself computes; its numbers cite the CSV file that is written of it.

    Parameters
    ----------
    frame : the table.
    name : of the report's table; its file is ``report/tables/<name>.csv``.
    """
    return cited_frame(frame.reset_index(drop=True), f"report/tables/{name}.csv")


def plain_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """A table as it is exported: without sources, and its texts without marks."""
    bare = pd.DataFrame({name: pd.Series(column.array) for name, column in frame.items()}, columns=frame.columns)
    for name in bare.columns:
        if bare[name].dtype in (object, "str"):
            bare[name] = [plain(str(one)) if isinstance(one, str) else one for one in bare[name]]
    return bare


def keeping_rows(rows: pd.DataFrame, kept: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """The rows of a table that another one lists, with their labels, which a merge loses.

    Parameters
    ----------
    rows : the table.
    kept : some of its rows, in its order.
    names : columns that tell the rows apart.
    """
    if len(rows.drop_duplicates(list(names))) < len(rows):
        return kept
    listed = set(kept[list(names)].itertuples(index=False, name=None))
    return rows[[row in listed for row in rows[list(names)].itertuples(index=False, name=None)]]


def cited_numbers(column: pd.Series[Any]) -> list[Any]:
    """The numbers of a column in order, each with its cell if the column is one of the run: quicker than row by row."""
    values = column.to_list()
    if _cells(column) is None:
        return values
    rows: list[TableRow] = list(column.index)
    cells = [CellRange(row.file, str(row.number), str(column.name)) for row in rows]
    return [with_source(value, cell) for value, cell in zip(values, cells, strict=True)]


def tally(frame: pd.DataFrame, **equal: Any) -> int:
    """The number of rows whose columns have the given values; it remembers the columns of all rows.

    Parameters
    ----------
    frame : a table of the run.
    equal : column to value.
    """
    chosen = pd.Series(True, index=frame.index)
    for name, value in equal.items():
        chosen &= frame[name] == value
    count = int(chosen.sum())
    columns = [_cells(frame[name]) for name in equal]
    if any(cells is None for cells in columns):
        return count
    pairs = [part for cells, value in zip(columns, equal.values(), strict=True) for part in (cells, value)]
    return cast("int", with_source(count, Formula("tally", tuple(cast("list[Any]", pairs)))))


def tally_from(frame: pd.DataFrame, column: str, bound: float, **equal: Any) -> int:
    """The number of rows in which a column is at least a value, and the others have theirs; see `tally`.

    Parameters
    ----------
    frame : a table of the run.
    column : of numbers; a missing one is not counted.
    bound : smallest value that is counted.
    equal : column to value.
    """
    chosen = frame[column] >= bound
    for name, value in equal.items():
        chosen &= frame[name] == value
    count = int(chosen.sum())
    columns = [_cells(frame[name]) for name in (column, *equal)]
    if any(cells is None for cells in columns):
        return count
    pairs = [part for cells, value in zip(columns[1:], equal.values(), strict=True) for part in (cells, value)]
    arguments: list[Any] = [columns[0], bound, *pairs]
    return cast("int", with_source(count, Formula("tally_from", tuple(arguments))))


def counted(frame: pd.DataFrame, column: str) -> int:
    """The number of rows of a table; it remembers their cells in the column that distinguishes them."""
    cells = _cells(frame[column]) if len(frame) else None
    return cast("int", with_source(len(frame), None if cells is None else Formula("rows", (cells,))))


def _cells(column: Any) -> CellRange | None:
    return column.cells() if isinstance(column, CitedColumn) else None


def _remembering(value: Any, row: TableRow, column: str) -> Any:
    if not row.holds(column, value):
        return value
    own = value.item() if isinstance(value, np.generic) else value
    cells = CellRange(row.file, str(row.number), column)
    if isinstance(own, str):
        return CitedText(own, cells)
    return with_source(own, cells)


# --- JSON files ----------------------------------------------------------------------------------------------------


class CitedMapping(dict[str, Any]):
    """An object of a JSON file that remembers its place."""

    def __init__(self, content: Mapping[str, Any], source: CellRange) -> None:
        super().__init__(content)
        self.source = source


class CitedList(list[Any]):
    """A list of a JSON file that remembers its place."""

    def __init__(self, content: Sequence[Any], source: CellRange) -> None:
        super().__init__(content)
        self.source = source


def entries(collection: Sized) -> int:
    """The number of entries of an object or a list of a JSON file; it remembers where they are."""
    source: CellRange | None = getattr(collection, "source", None)
    count = len(collection)
    return cast("int", with_source(count, None if source is None else Formula("entries", (source,))))


def cited_documents(documents: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON files of a run, whose numbers and texts remember their places."""
    return {name: _cited(content, name, "", "") for name, content in documents.items()}


def _cited(value: Any, file: str, path: str, key: str) -> Any:
    inner = f"{path}/{escaped_key(key)}" if key else path
    cells = CellRange(file, path or "/", key)
    if isinstance(value, dict):
        return CitedMapping({name: _cited(one, file, inner, str(name)) for name, one in value.items()}, cells)
    if isinstance(value, list):
        return CitedList([_cited(one, file, inner, str(place)) for place, one in enumerate(value)], cells)
    return CitedText(value, cells) if isinstance(value, str) else with_source(value, cells)


def escaped_key(key: str) -> str:
    """A key as a part of a path (RFC 6901)."""
    return key.replace("~", "~0").replace("/", "~1")
