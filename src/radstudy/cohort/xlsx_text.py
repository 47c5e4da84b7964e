"""A sheet of a workbook whose cells are changed in its XML: formats, formulas, charts and all other parts stay."""

from __future__ import annotations

import io
import re
import warnings
import zipfile
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from radstudy.cells import guarded_in_workbook, unguarded
from radstudy.cohort.changes import Added, CannotChangeError, CellChange, GridRow, TableGrid, shown_cell
from radstudy.cohort.sheet_formulas import locked_cells
from radstudy.cohort.spreadsheet import column_name
from radstudy.cohort.workbook import Cells, read_workbook
from radstudy.printable import NOT_IN_XML

_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_STRICT = "{http://purl.oclc.org/ooxml/spreadsheetml/main}"
_RELATED = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_BOOK = "xl/workbook.xml"
_BEFORE_CALC = (
    "fileVersion", "fileSharing", "workbookPr", "workbookProtection", "bookViews", "sheets", "functionGroups",
    "externalReferences", "definedNames",
)  # fmt: skip
_NUMBER = re.compile(r"[+-]?(?:0|[1-9]\d*)(?:\.\d+)?")  # written as a number; 007 and 1e5 stay texts
_DIGITS = 15  # that Excel keeps


@dataclass(frozen=True, eq=False)
class XlsxText:
    """A workbook's bytes, and the cells of one sheet.

    Parameters
    ----------
    file : named in messages.
    raw : its bytes.
    sheet : name of the sheet; None for the first.
    cells : of the sheet.
    """

    file: Path
    raw: bytes
    sheet: str | None
    cells: Cells

    @classmethod
    def of(cls, file: Path, raw: bytes, sheet: str | None) -> XlsxText:
        """The text of a workbook that `read_sheet` can read.

        Raises
        ------
        CannotChangeError : the sheet is protected, or the workbook is signed.
        """
        text = cls(file, raw, sheet, read_workbook(file, raw, sheet))
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            if any(name.startswith("_xmlsignatures/") for name in archive.namelist()):
                raise CannotChangeError(f"{file.name} is signed: a change would break the signature")
            if text._tree(archive).getroot().find(f"{_MAIN}sheetProtection") is not None:
                raise CannotChangeError(f"the sheet of {file.name} is protected. To do: unprotect it in Excel")
        return text

    @cached_property
    def grid(self) -> TableGrid:
        """Its cells as they are shown: the columns with a heading or content, the rows with content."""
        rows = [
            GridRow(int(line) + 2, tuple("" if text is None else shown_cell(unguarded(text)) for text in row))
            for line, row in zip(self.cells.text.index, self.cells.text.itertuples(index=False, name=None), strict=True)
        ]
        return TableGrid(
            tuple(column_name(str(name)) for name in self.cells.text.columns),
            tuple(column - 1 for column in self.cells.columns),
            tuple(row for row in rows if any(row.cells)),
        )

    @property
    def lines(self) -> tuple[int, ...]:
        """The line of each row."""
        return tuple(int(line) + 2 for line in self.cells.text.index)

    @cached_property
    def locked(self) -> Mapping[tuple[int, int], str]:
        """(line, column) of cells that only Excel may change, each with the reason."""
        import openpyxl

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about extensions and styles that do not affect the cells
            book = openpyxl.load_workbook(io.BytesIO(self.raw))
        sheet = book[self.sheet] if self.sheet is not None else book.worksheets[0]
        numbers = {place + 1: column for column, place in enumerate(self.grid.places)}
        last = max(self.lines, default=1) + 1
        cells = {(line, place): column for line in range(2, last + 1) for place, column in numbers.items()}
        locked = locked_cells(book, sheet.title, cells)
        return {(line, cells[line, place]): reason for (line, place), reason in locked.items()}

    def changed(self, changes: Iterable[CellChange], added: Added) -> bytes:
        """The workbook's bytes with cells changed, and rows and columns added.

        Parameters
        ----------
        changes : of cells of the grid; a column beyond it is the first that is added, and so on.
        added : rows and columns.

        Raises
        ------
        CannotChangeError : a cell is a formula, or a formula uses it; a text has a character that no XML holds.
        """
        first_free = max(self.cells.columns, default=0) + 1
        places = [*(place + 1 for place in self.grid.places), *range(first_free, first_free + len(added.columns))]
        last = max(self.lines, default=1)
        new = {(change.line, places[change.column]): change.text for change in changes}
        new |= {(1, first_free + n): name for n, name in enumerate(added.columns)}
        for n, row in enumerate(added.rows, last + 1):
            new |= {(n, places[column]): text for column, text in enumerate(row) if text}
        for line, place in new:
            column = places.index(place)
            if (line, column) in self.locked:
                raise CannotChangeError(f"line {line}, column {column + 1}: {self.locked[line, column]}")
        return self._with_cells(new, last)

    def _with_cells(self, new: Mapping[tuple[int, int], str], last: int) -> bytes:
        memory = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(self.raw)) as archive, zipfile.ZipFile(memory, "w") as written:
            written.comment = archive.comment
            part = self._part(archive)
            for entry in archive.infolist():
                content = archive.read(entry)
                if entry.filename == part:
                    content = self._new_sheet(archive, new, last)
                elif entry.filename == _BOOK and self._has_formulas(archive):
                    content = _recomputed_on_load(content)
                written.writestr(copy(entry), content, compress_type=entry.compress_type)
        return memory.getvalue()

    @staticmethod
    def _has_formulas(archive: zipfile.ZipFile) -> bool:
        sheets = [name for name in archive.namelist() if name.startswith("xl/worksheets/") and name.endswith(".xml")]
        return any(re.search(rb"<(?:\w+:)?f[ >/]", archive.read(name)) for name in sheets)

    def _new_sheet(self, archive: zipfile.ZipFile, new: Mapping[tuple[int, int], str], last: int) -> bytes:
        tree = self._tree(archive)
        root = tree.getroot()
        rows = _Rows(root.find(f"{_MAIN}sheetData"))
        for (line, place), text in sorted(new.items()):
            style = None if line <= last else rows.style(last, place)
            _fill(rows.cell(line, place, style), text, is_number=self._is_number(text, place, line))
        dimension = root.find(f"{_MAIN}dimension")
        if dimension is not None:
            root.remove(dimension)  # optional; Excel computes it
        return _xml_bytes(tree)

    def _is_number(self, text: str, place: int, line: int) -> bool:
        """True if a text is to be stored as a number: where its cell, or most of its column, are numbers."""
        if not _NUMBER.fullmatch(text) or sum(letter.isdigit() for letter in text) > _DIGITS:
            return False
        if place not in self.cells.columns:
            return True
        column = self.cells.columns.index(place)
        filled = [text is not None for text in self.cells.text.iloc[:, column]]
        typed = self.cells.typed.iloc[:, column].tolist()
        known = dict(zip(self.lines, zip(filled, typed, strict=True), strict=True)).get(line, (False, False))
        return bool(known[1]) if known[0] else 2 * sum(typed) >= sum(filled)

    def _part(self, archive: zipfile.ZipFile) -> str:
        book = _parsed(archive.read(_BOOK)).getroot()
        if book.tag.startswith(_STRICT):
            raise CannotChangeError(f"{self.file.name} is a Strict Open XML file. To do: save it as Excel Workbook")
        sheets = book.find(f"{_MAIN}sheets")
        wanted = next(sheet for sheet in sheets if self.sheet is None or sheet.get("name") == self.sheet)
        related = _parsed(archive.read("xl/_rels/workbook.xml.rels")).getroot()
        target = next(str(one.get("Target")) for one in related if one.get("Id") == wanted.get(_RELATED))
        return target.removeprefix("/") if target.startswith("/") else str(PurePosixPath("xl") / target)

    def _tree(self, archive: zipfile.ZipFile) -> Any:
        return _parsed(archive.read(self._part(archive)))


class _Rows:
    """The rows of a sheet's XML, by line; missing numbers of rows and cells are filled in."""

    def __init__(self, data: Any) -> None:
        self._data = data
        self._rows: dict[int, Any] = {}
        self._cells: dict[tuple[int, int], Any] = {}
        line = 0
        for row in data.iterchildren(f"{_MAIN}row"):
            line = int(row.get("r") or line + 1)
            row.set("r", str(line))
            self._rows[line] = row
            place = 0
            for cell in row.iterchildren(f"{_MAIN}c"):
                place = _place_of(cell.get("r")) if cell.get("r") else place + 1
                cell.set("r", f"{_letters(place)}{line}")
                self._cells[line, place] = cell

    def style(self, line: int, place: int) -> str | None:
        cell = self._cells.get((line, place))
        return None if cell is None else cell.get("s")

    def cell(self, line: int, place: int, style: str | None) -> Any:
        """A cell, made where there is none."""
        if (line, place) in self._cells:
            return self._cells[line, place]
        cell = self._data.makeelement(f"{_MAIN}c", {"r": f"{_letters(place)}{line}"})
        if style is not None:
            cell.set("s", style)
        row = self._row(line)
        before = sum(1 for other in row.iterchildren(f"{_MAIN}c") if _place_of(other.get("r")) < place)
        row.insert(before, cell)
        row.attrib.pop("spans", None)
        self._cells[line, place] = cell
        return cell

    def _row(self, line: int) -> Any:
        if line not in self._rows:
            row = self._data.makeelement(f"{_MAIN}row", {"r": str(line)})
            self._data.insert(sum(1 for other in self._rows if other < line), row)
            self._rows[line] = row
        return self._rows[line]


def _fill(cell: Any, text: str, *, is_number: bool) -> None:
    for child in list(cell):
        cell.remove(child)
    cell.attrib.pop("t", None)
    if not text:
        return
    if is_number:
        _child(cell, "v").text = text
        return
    if NOT_IN_XML.search(text):
        raise CannotChangeError("the text has a character that a workbook cannot hold. To do: write it otherwise")
    cell.set("t", "inlineStr")
    written = _child(_child(cell, "is"), "t")
    written.text = guarded_in_workbook(text)
    written.set("{http://www.w3.org/XML/1998/namespace}space", "preserve")


def _child(parent: Any, tag: str) -> Any:
    child = parent.makeelement(f"{_MAIN}{tag}", {})
    parent.append(child)
    return child


def _recomputed_on_load(content: bytes) -> bytes:
    """The workbook's part with the wish that Excel computes all formulas when it opens the file."""
    tree = _parsed(content)
    book = tree.getroot()
    calc = book.find(f"{_MAIN}calcPr")
    if calc is None:
        calc = book.makeelement(f"{_MAIN}calcPr", {})
        at = [n for n, child in enumerate(book) if str(child.tag).removeprefix(_MAIN) in _BEFORE_CALC]
        book.insert(max(at) + 1, calc)
    calc.set("fullCalcOnLoad", "1")
    return _xml_bytes(tree)


def _parsed(content: bytes) -> Any:
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    return etree.parse(io.BytesIO(content), parser)


def _xml_bytes(tree: Any) -> bytes:
    from lxml import etree

    content: bytes = etree.tostring(tree, xml_declaration=True, encoding="UTF-8", standalone=True)
    return content


def _letters(place: int) -> str:
    from openpyxl.utils import get_column_letter

    return str(get_column_letter(place))


def _place_of(address: str) -> int:
    from openpyxl.utils.cell import coordinate_to_tuple

    return int(coordinate_to_tuple(address)[1])
