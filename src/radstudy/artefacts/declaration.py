"""Declarations of a run's files, and writing and reading by them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any

from radstudy.store import read_csv, read_json, write_csv, write_json

if TYPE_CHECKING:
    import pandas as pd


class UndeclaredError(AssertionError):
    """The program is about to write a column that is not declared, or to leave a declared one out: a bug."""


class ColumnKind(StrEnum):
    """The type of content of a column or field."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    LIST = "list"
    OBJECT = "object"
    ANY = "any"


@dataclass(frozen=True)
class Column:
    """One column of a table, or one field of a JSON file.

    Parameters
    ----------
    name : name in the file.
    kind : type of content; text stays text when it is read, even if it looks like a number.
    text : description, one sentence.
    unit : unit of a number; "" if it has none.
    optional : True if a row may lack it; the cell is then empty.
    fields : fields of an object, or of each entry of a list or mapping; empty if they are not declared one by one.
    formerly : name of a table's column in earlier versions, which is still read; "" if it had no other.
    """

    name: str
    kind: ColumnKind
    text: str
    unit: str = ""
    optional: bool = False
    fields: tuple[Column, ...] = ()
    formerly: str = ""


def text(name: str, what: str, *, optional: bool = False) -> Column:
    """A column of text."""
    return Column(name, ColumnKind.TEXT, what, optional=optional)


def number(name: str, what: str, unit: str = "", *, optional: bool = False) -> Column:
    """A column of numbers."""
    return Column(name, ColumnKind.NUMBER, what, unit, optional)


def integer(name: str, what: str, unit: str = "", *, optional: bool = False) -> Column:
    """A column of whole numbers."""
    return Column(name, ColumnKind.INTEGER, what, unit, optional)


def boolean(name: str, what: str, *, optional: bool = False) -> Column:
    """A column of True and False."""
    return Column(name, ColumnKind.BOOLEAN, what, optional=optional)


def with_limits(column: Column, *, name: str = "") -> tuple[Column, Column, Column]:
    """A number with the limits of its interval, in columns ``<name>_low`` and ``<name>_high``.

    Parameters
    ----------
    column : the number.
    name : beginning of the names of the limits; "" for the column's name.
    """
    begin = name or column.name
    limits = [
        replace(column, name=f"{begin}_{end}", text=f"{word} limit of its interval.", optional=True)
        for end, word in (("low", "Lower"), ("high", "Upper"))
    ]
    return column, limits[0], limits[1]


def optional(*columns: Column) -> tuple[Column, ...]:
    """The columns as ones that a row may lack."""
    return tuple(replace(column, optional=True) for column in columns)


@dataclass(frozen=True)
class Artefact:
    """A file of a run, or all files of a kind.

    Parameters
    ----------
    path : path from the run's folder, with "/" between folders; ``*`` is any name, as in ``prepare/volumes/*.json``.
    text : content of the file, one sentence.
    read_by : steps that read it; "report" for the page.
    when : condition under which it is written; "" if every finished run has it.
    formerly : path of the file in earlier versions, which is still read; "" if it had no other.
    """

    path: str
    text: str
    read_by: tuple[str, ...] = ()
    when: str = ""
    formerly: str = field(default="", kw_only=True)

    @property
    def step(self) -> str:
        """The step that writes it; a step whose folder lies inside another step's has a name such as extract/maps."""
        parts = self.path.split("/")[:-1]
        known = [name for name in ("/".join(parts[:2]), *parts[:1]) if name in STEP_FOLDERS]
        return known[0] if known else _BESIDE.get(self.path, "run")

    def holds(self, name: str) -> bool:
        """True if this declares the file with the given path from the run's folder."""
        own, given = self.path.split("/"), name.split("/")
        return len(own) == len(given) and all(map(fnmatchcase, given, own))

    def file(self, run: Path) -> Path:
        """The file in a run's folder; not for files declared by a pattern, which the step names."""
        return run / self.path

    def file_to_read(self, run: Path) -> Path:
        """The file in a run's folder, or that of an earlier version where only that one exists."""
        former = run / self.formerly
        return former if self.formerly and former.exists() and not self.file(run).exists() else self.file(run)


STEP_FOLDERS = (  # each with its own provenance.json
    "cohort", "prepare", "extract", "extract/maps", "extract/shuffled", "agree", "model", "evaluate", "evaluate/chance",
    "evaluate/resampling", "evaluate/baselines", "evaluate/other_reader", "evaluate/leaks",
    "evaluate/harmonisation", "evaluate/signature", "validate", "report",
)  # fmt: skip
_BESIDE = {
    "signature.json": "model",
    "model_card.md": "evaluate/signature",
    "validation.json": "validate",
    "report.html": "report",
    "report.pdf": "report",
    "report_evidence.pdf": "report",
    "study_bundle.zip": "report",
}


@dataclass(frozen=True)
class OpaqueFile(Artefact):
    """A file whose content is declared elsewhere: arrays, masks, pictures, the page."""


@dataclass(frozen=True)
class TableFile(Artefact):
    """A CSV or Parquet table.

    Parameters
    ----------
    columns : columns, in order.
    more : further columns that depend on the study, which names them.
    """

    columns: tuple[Column, ...] = ()
    more: Column | None = None

    @property
    def names(self) -> list[str]:
        """The names of the columns."""
        return [column.name for column in self.columns]

    def frame(self, rows: pd.DataFrame | Iterable[Mapping[str, Any]]) -> pd.DataFrame:
        """The rows as a table of exactly the declared columns.

        Parameters
        ----------
        rows : a table, or one record per row; a record may lack columns that are declared optional.

        Raises
        ------
        UndeclaredError : a column is not declared, or a declared column is missing.
        """
        import pandas as pd

        if isinstance(rows, pd.DataFrame):
            given = [str(name) for name in rows.columns]
            if not given and rows.empty:
                return pd.DataFrame(columns=self.names)
            self._require(given, self.names)
            further = [name for name in given if name not in self.names]
            return rows[[*self.names, *further]]
        records = list(rows)
        needed = [column.name for column in self.columns if not column.optional]
        for record in records:
            self._require(record, needed)
        further = [
            name for name in dict.fromkeys(key for record in records for key in record) if name not in self.names
        ]
        return pd.DataFrame(records, columns=[*self.names, *further])

    def write(self, run: Path, rows: pd.DataFrame | Iterable[Mapping[str, Any]]) -> None:
        """Write the table into a run's folder, with a header even if there are no rows; see `frame`."""
        self.write_file(self.file(run), rows)

    def write_file(self, file: Path, rows: pd.DataFrame | Iterable[Mapping[str, Any]]) -> None:
        """Write a table of this declaration under another name; see `write`."""
        write_csv(file, self.frame(rows))

    def read(self, run: Path, more: Mapping[str, ColumnKind] | None = None) -> pd.DataFrame:
        """Read the table from a run's folder.

        Text stays text, and its empty cells are "". Other empty cells are NaN. Columns that an earlier version did not
        write are missing.

        Parameters
        ----------
        run : the run's folder.
        more : kinds of the further columns, by name; the kind of any other column is inferred.

        Raises
        ------
        ValueError : the file is not a table, or a column has content of another kind; names file and column.
        """
        return self.read_file(self.file_to_read(run), more)

    def read_file(self, file: Path, more: Mapping[str, ColumnKind] | None = None) -> pd.DataFrame:
        """Read a table of this declaration under another name; see `read`."""
        import pandas as pd

        kinds = {column.name: column.kind for column in self.columns} | dict(more or {})
        try:
            names = [str(name) for name in read_csv(file, nrows=0).columns]
        except pd.errors.EmptyDataError:  # an earlier version wrote no header if there were no rows
            return self.frame([])
        former = {column.formerly: column.name for column in self.columns if column.formerly}
        kinds |= {before: kinds[name] for before, name in former.items()}
        texts = [name for name in names if kinds.get(name) is ColumnKind.TEXT]
        frame = read_csv(
            file, dtype=dict.fromkeys(texts, str), keep_default_na=False, low_memory=False,
            na_values={name: [""] for name in names if name not in texts},
        )  # fmt: skip
        for name in names:
            if (kind := kinds.get(name)) is not None:
                frame[name] = _typed(frame[name], kind, file)
        return frame.rename(columns=former)

    def _require(self, given: Iterable[str], needed: Sequence[str]) -> None:
        given = list(given)
        unknown = [] if self.more is not None else [name for name in given if name not in self.names]
        missing = [name for name in needed if name not in given]
        if unknown or missing:
            raise UndeclaredError(f"{self.path}: columns not declared: {unknown}; missing: {missing}")


def _typed(column: pd.Series, kind: ColumnKind, file: Path) -> pd.Series:
    """The column converted to its kind: floats for numbers, and for whole numbers with empty cells."""
    import pandas as pd

    kept = column.dropna()
    read = pd.api.types.infer_dtype(kept, skipna=True) if len(kept) else "empty"
    fits = {
        ColumnKind.NUMBER: ("floating", "integer", "mixed-integer-float"),
        ColumnKind.INTEGER: ("integer", "floating"),
        ColumnKind.BOOLEAN: ("boolean",),
    }
    if kind in fits and read not in ("empty", *fits[kind]):
        raise ValueError(f"{file}: the column '{column.name}' should hold {kind} values, but holds {kept.iloc[0]!r}")
    return column.astype(float) if kind is ColumnKind.NUMBER else column


@dataclass(frozen=True)
class JsonFile(Artefact):
    """A JSON file.

    Parameters
    ----------
    fields : fields of the object, or of each entry if the file is a list or a mapping from names of the study.
    shape : "object" of these fields, "list" of such objects, "mapping" of names to such objects, "texts" for a list of
        texts.
    kept : True if it is a record that a later run trusts, which begins with its checksum and key (docs/kept.md).
    """

    fields: tuple[Column, ...] = ()
    shape: str = "object"
    kept: bool = False

    def write(self, run: Path, content: object) -> None:
        """Write the document into a run's folder.

        Raises
        ------
        UndeclaredError : a field is not declared, or a declared field is missing.
        """
        self.check(content)
        write_json(self.file(run), content)

    def read(self, run: Path) -> Any:
        """Read the document from a run's folder."""
        return read_json(self.file_to_read(run))

    def check(self, content: object) -> None:
        """Refuse content that is not as declared.

        Raises
        ------
        UndeclaredError : names the file and the fields.
        """
        for where, one in self._objects(content):
            _check_fields(one, self.fields, f"{self.path}{where}")

    def _objects(self, content: Any) -> list[tuple[str, Any]]:
        if self.shape == "texts":
            return []
        if self.shape == "list":
            return [(f"[{index}]", one) for index, one in enumerate(content)]
        if self.shape == "mapping":
            return [(f"[{name}]", one) for name, one in content.items()]
        return [("", content)]


def _check_fields(content: Mapping[str, Any], fields: tuple[Column, ...], where: str) -> None:
    if not fields:
        return
    unknown = [name for name in content if name not in {field.name for field in fields}]
    missing = [field.name for field in fields if field.name not in content and not field.optional]
    if unknown or missing:
        raise UndeclaredError(f"{where}: fields not declared: {unknown}; missing: {missing}")
    for own in fields:
        inner = content.get(own.name)
        if own.fields and inner:
            for one in inner if own.kind is ColumnKind.LIST else [inner]:
                _check_fields(one, own.fields, f"{where}/{own.name}")
