"""Cells of a sheet that are formulas, and those that such formulas use: a change would leave their results stale."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

FORMULA = "this cell is a formula: change it in Excel"
_USED = (
    "the formula in {cell} uses this cell, and its result would be out of date. To do: change it in Excel and save it"
)
_UNKNOWN = (
    "the formula in {cell} may use this cell, and its result would be out of date. To do: change it in Excel, or put "
    "values in place of the formulas there"
)
_AREA = re.compile(
    r"(?:(?:'(?P<quoted>(?:[^']|'')+)'|(?P<plain>[^'!\[\]]+))!)?"
    r"\$?(?P<c1>[A-Za-z]{1,3})?\$?(?P<r1>\d{1,7})?(?::\$?(?P<c2>[A-Za-z]{1,3})?\$?(?P<r2>\d{1,7})?)?"
)
_LAST_ROW, _LAST_COLUMN = 1_048_576, 16_384
_WHOLE = {  # A1, A1:B2, A:B and 1:2
    (True, True, False, False), (True, True, True, True), (True, False, True, False), (False, True, False, True),
}  # fmt: skip
_MOVING = ("INDIRECT(", "OFFSET(")
Area = tuple[str, int, int, int, int]  # sheet, first and last row, first and last column


def locked_cells(book: Any, sheet: str, cells: Collection[tuple[int, int]]) -> dict[tuple[int, int], str]:
    """The cells that only Excel may change.

    Parameters
    ----------
    book : the workbook with its formulas, as openpyxl reads it.
    sheet : name of the sheet whose values are used.
    cells : (row, column) of it, counted from 1.

    Returns
    -------
    The reason for each of them that is locked.
    """
    formulas = _formulas(book)
    own = {place[1:]: text for place, text in formulas.items() if place[0] == sheet}
    if not own or not cells:
        return {}
    areas, unknown = _used_by(sheet, formulas, {str(title).casefold() for title in book.sheetnames})
    wanted = set(cells)
    if unknown:
        return {cell: FORMULA if cell in own else _UNKNOWN.format(cell=unknown) for cell in wanted}
    rows, columns = ({cell[n] for cell in wanted} for n in (0, 1))
    users: dict[Area, str] = {}
    for area, address in areas:
        users.setdefault(area, address)
    locked: dict[tuple[int, int], str] = {}
    for (name, top, bottom, left, right), address in users.items():
        if name.casefold() != sheet.casefold():
            continue
        for row in range(max(top, min(rows)), min(bottom, max(rows)) + 1):
            for column in columns:
                if left <= column <= right and (row, column) in wanted:
                    locked.setdefault((row, column), _USED.format(cell=address))
    return {**locked, **{cell: FORMULA for cell in own if cell in wanted}}


def _formulas(book: Any) -> dict[tuple[str, int, int], str]:
    """The formula of each cell; one of an array stands in all cells of the array."""
    from openpyxl.utils import range_boundaries

    formulas: dict[tuple[str, int, int], str] = {}
    for sheet in book.worksheets:
        for cell in list(sheet._cells.values()):
            if cell.data_type != "f":
                continue
            bounds: Any = range_boundaries(getattr(cell.value, "ref", None) or cell.coordinate)
            left, top, right, bottom = bounds
            text = str(getattr(cell.value, "text", cell.value))
            formulas |= {
                (sheet.title, row, column): text for row in range(top, bottom + 1) for column in range(left, right + 1)
            }
    return formulas


def _used_by(
    sheet: str, formulas: Mapping[tuple[str, int, int], str], titles: set[str]
) -> tuple[list[tuple[Area, str]], str]:
    """The areas that formulas of a sheet use, also by formulas of other sheets, each with the formula's address.

    The second value is the address of a formula whose sources cannot be followed; "" if there is none.
    """
    from openpyxl.utils import get_column_letter

    waiting = [place for place in formulas if place[0] == sheet]
    left = [place for place in formulas if place[0] != sheet]
    areas: list[tuple[Area, str]] = []
    while waiting:
        place = waiting.pop()
        address = f"{get_column_letter(place[2])}{place[1]}" + ("" if place[0] == sheet else f" of '{place[0]}'")
        used = _areas_in(formulas[place], place[0])
        if used is None or any(area[0].casefold() not in titles for area in used):
            return areas, address
        areas += [(area, address) for area in used]
        reached = [other for other in left if any(_holds(area, other) for area in used)]
        left = [other for other in left if other not in reached]
        waiting += reached
    return areas, ""


def _areas_in(formula: str, sheet: str) -> list[Area] | None:
    """The areas that a formula names; None if it names anything else that may be one."""
    from openpyxl.formula import Tokenizer
    from openpyxl.utils import column_index_from_string

    if not formula.startswith("="):
        return None
    areas = []
    for token in Tokenizer(formula).items:
        if token.type == "FUNC" and token.value.upper() in _MOVING:
            return None
        if token.type != "OPERAND" or token.subtype != "RANGE":
            continue
        area = _AREA.fullmatch(token.value)
        if area is None or tuple(bool(area[part]) for part in ("c1", "r1", "c2", "r2")) not in _WHOLE:
            return None  # such as a name, which may have three letters, too
        columns = [column_index_from_string(name) for name in (area["c1"], area["c2"]) if name]
        rows = [int(row) for row in (area["r1"], area["r2"]) if row]
        name = (area["quoted"] or "").replace("''", "'") or area["plain"] or sheet
        areas.append(
            (name, min(rows, default=1), max(rows, default=_LAST_ROW), min(columns, default=1),
             max(columns, default=_LAST_COLUMN))
        )  # fmt: skip
    return areas


def _holds(area: Area, place: tuple[str, int, int]) -> bool:
    sheet, top, bottom, left, right = area
    return sheet.casefold() == place[0].casefold() and top <= place[1] <= bottom and left <= place[2] <= right
