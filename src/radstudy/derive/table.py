"""Rows of a cohort table as used by the recipe: files, times and lesions of each patient."""

from __future__ import annotations

import json
import os
import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from radstudy.cohort.spreadsheet import read_sheet
from radstudy.errors import CaseError, CohortError
from radstudy.formats.reading import content_of
from radstudy.imaging.roi import Label
from radstudy.protocol.derive import Dce, Derive

_UNFIT_FOR_FILES = set('/\\:*?"<>|')


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Parameters
    ----------
    index : its position in the table.
    patient, lesion : identifiers.
    cells : column to text, without the empty ones.
    folder : folder that relative paths start from.
    """

    index: int
    patient: str
    lesion: str
    cells: Mapping[str, str]
    folder: Path

    def file(self, given: str) -> Path:
        """Return the file that a column or a pattern of the recipe names.

        Raises
        ------
        CaseError : the cell is empty, or the file does not exist.
        """
        if "{" not in given:
            path = self.folder / self._cell(given)
        else:
            fields = [name for _, name, _, _ in string.Formatter().parse(given) if name]
            known = {**self.cells, "patient": self.patient, "lesion": self.lesion}
            path = self.folder / given.format(**{name: known.get(name) or self._cell(name) for name in fields})
        if not path.is_file():
            raise CaseError("the file does not exist", "correct the table or the recipe, or add the file", file=path)
        return path

    def number(self, given: float | str) -> float:
        """Return a number given in the recipe, or the one in a column.

        Raises
        ------
        CaseError : the cell is empty or not a number.
        """
        if not isinstance(given, str):
            return float(given)
        text = self._cell(given)
        try:
            return float(text)
        except ValueError:
            raise CaseError(
                f"'{text}' in the column '{given}' is not a number", "write it with a decimal point"
            ) from None

    def times(self, dce: Dce) -> tuple[float, ...]:
        """Return the time of every phase in seconds.

        Raises
        ------
        CaseError : the time of a phase is not known.
        """
        if dce.times_s == "sidecar":
            return tuple(_sidecar_time(self.file(phase)) for phase in dce.phases)
        return tuple(self.number(time) for time in dce.times_s)

    def label(self, rule: Label | None) -> Label | None:
        """Return the label of this row's lesion in the mask."""
        if rule != "lesion":
            return rule
        if not self.lesion.isdigit():
            raise CaseError(
                f"the lesion identifier '{self.lesion}' is not a label number",
                "number the lesions like the mask's labels",
            )
        return int(self.lesion)

    def _cell(self, column: str) -> str:
        if column not in self.cells:
            raise CaseError(f"the column '{column}' is empty", "fill in this cell of the table")
        return self.cells[column]


def _sidecar_time(image: Path) -> float:
    beside = image.with_name(image.name.removesuffix(".gz").rsplit(".", 1)[0] + ".json")
    try:
        if beside.is_file():
            return float(json.loads(content_of(beside))["seconds_since_first_phase"])
    except (ValueError, KeyError, TypeError):
        pass
    raise CaseError(
        "the phase's time is not known: the JSON next to the image has no seconds_since_first_phase",
        "give dce.times_s in the recipe, as numbers or columns",
        file=beside,
    )


def read_rows(file: Path, recipe: Derive, folder: Path) -> tuple[pd.DataFrame, list[Row]]:
    """Read the table.

    Parameters
    ----------
    file : CSV or XLSX.
    recipe : names the columns that are required.
    folder : folder that relative paths in the table and the recipe start from.

    Raises
    ------
    CohortError : columns that the recipe names are missing, or identifiers cannot be used.
    """
    sheet = read_sheet(file)
    table = sheet.table.reset_index(drop=True)
    plain = sheet.with_numbers(recipe_numbers(recipe), setting="")[0].reset_index(drop=True)
    problems = [
        f"the recipe names the column '{column}', which the table does not have"
        for column in _columns(recipe)
        if column not in table.columns
    ]
    if problems:
        raise CohortError(f"{file}: columns are missing (it has: {', '.join(map(str, table.columns))})", problems)
    rows = []
    for index, cells in enumerate(plain.to_dict("records")):
        known = {str(name): str(value) for name, value in cells.items() if not pd.isna(value)}
        patient, lesion = known.get(recipe.patient, ""), known.get(recipe.lesion or "", "1")
        if not patient or patient in (".", "..") or set(patient + lesion) & _UNFIT_FOR_FILES:
            problems.append(f"line {index + 2}: '{patient}' (lesion '{lesion}') cannot be part of a file's name")
        rows.append(Row(index, patient, lesion, known, folder))
    if problems:
        raise CohortError(f"{file}: identifiers cannot be used", problems)
    return table, rows


def _columns(recipe: Derive) -> list[str]:
    named: list[Any] = [recipe.patient, recipe.lesion, *recipe.files(), *recipe_numbers(recipe)]
    texts = [name for name in named if isinstance(name, str)]
    columns = [name for name in texts if "{" not in name]
    fields = [field for name in texts if "{" in name for _, field, _, _ in string.Formatter().parse(name) if field]
    return list(dict.fromkeys([*columns, *(name for name in fields if name not in ("patient", "lesion"))]))


def recipe_numbers(recipe: Derive) -> list[str]:
    """List the columns that hold numbers: times of the phases and of the injection."""
    if recipe.dce is None:
        return []
    times = recipe.dce.times_s if isinstance(recipe.dce.times_s, tuple) else ()
    return [name for name in (recipe.dce.injection_s, *times) if isinstance(name, str)]


def moved(table: pd.DataFrame, folder: Path, out: Path) -> pd.DataFrame:
    """Rewrite every cell that names a file, so that the path is valid from another folder."""

    def cell(value: Any) -> Any:
        if not isinstance(value, str) or not value:
            return value
        files = [part.strip() for part in value.split(";")]
        if not all(_is_file(folder, part) for part in files):
            return value
        return "; ".join(shown_from(folder / part, out) for part in files)

    return table.map(cell)


def _is_file(folder: Path, text: str) -> bool:
    """True if a text names a file in the folder; False for text that cannot be a name, such as one too long."""
    try:
        return bool(text) and not Path(text).is_absolute() and (folder / text).is_file()
    except (OSError, ValueError):
        return False


def shown_from(file: Path, out: Path) -> str:
    """A file's path relative to a folder; absolute if there is none (another drive)."""
    try:
        return Path(os.path.relpath(file.resolve(), out.resolve())).as_posix()
    except ValueError:
        return file.resolve().as_posix()
