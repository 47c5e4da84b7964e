"""Reading of numbers as typed: one decimal mark per file, digit grouping only by threes; anything else is refused."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pandas as pd

from radstudy.errors import TableProblem

POINT, COMMA = "point", "comma"
_MARKS = {POINT: ".", COMMA: ","}
_SHOWN = 3


def _pattern(mark: str, group: str) -> re.Pattern[str]:
    """Pattern of a number with this decimal mark; the other mark may only precede groups of three digits."""
    m, g = re.escape(mark), re.escape(group)
    grouped = rf"[1-9]\d{{0,2}}(?:{g}\d{{3}})+(?:{m}\d*)?"
    plain = rf"(?:\d+(?:{m}\d*)?|{m}\d+)(?:[eE][+-]?\d+)?"
    return re.compile(rf"[+-]?(?:{grouped}|{plain})")


_PATTERNS = {POINT: _pattern(".", ","), COMMA: _pattern(",", ".")}


@dataclass
class _Seen:
    """Cells of a file, as (line, column, text): those that fit only one decimal mark, and those that fit either."""

    only: dict[str, list[tuple[int, str, str]]] = field(default_factory=lambda: {POINT: [], COMMA: []})
    either: list[tuple[int, str, str]] = field(default_factory=list)


def plain_numbers(
    table: pd.DataFrame,
    columns: Iterable[str],
    *,
    typed: pd.DataFrame | None = None,
    separator: str = "",
    decimal: str | None = None,
    setting: str = "cohort.decimal",
) -> tuple[pd.DataFrame, list[str], list[str]]:
    """Rewrite the numbers of a table with a decimal point and no digit grouping; other cells are left unchanged.

    Parameters
    ----------
    table : str cells, rows numbered by line minus 2.
    columns : those that hold numbers. Together they show which decimal mark the file uses.
    typed : bool, cells that the file itself stores as numbers (XLSX), which need no parsing.
    separator : column separator. If it is a comma, a point is a decimal mark unless a cell shows otherwise.
    decimal : "point" or "comma", if set in the study file.
    setting : the name of that setting; "" if there is none.

    Returns
    -------
    table : with those columns rewritten.
    notes : digit grouping that was removed, and a decimal comma.
    problems : cells that contradict each other, or that are ambiguous.
    """
    names = [name for name in dict.fromkeys(columns) if name in table.columns]
    seen = _seen(table, names, typed)
    mark, problems = _decimal_mark(seen, decimal, separator, setting)
    if mark is None:
        return table, [], problems
    changed, grouped = table.copy(), list[str]()
    group = "," if mark == POINT else "."
    for name in names:
        own = typed[name].tolist() if typed is not None else [False] * len(table)
        given = table[name].tolist()
        cells = [cell if known else _plain(cell, mark) for cell, known in zip(given, own, strict=True)]
        grouped += [
            f"line {line + 2}, {name}: '{old}' was read as {new}"
            for line, old, new in zip(table.index, given, cells, strict=True)
            if new is not old and isinstance(old, str) and group in old
        ]
        changed[name] = pd.Series(cells, index=table.index, dtype=object)
    notes = [f"numbers have a decimal comma, such as '{seen.only[COMMA][0][2]}'"] if seen.only[COMMA] else []
    if grouped:
        more = f" and {len(grouped) - _SHOWN} more" if len(grouped) > _SHOWN else ""
        notes.append(f"{len(grouped)} number(s) have a digit group separator: {'; '.join(grouped[:_SHOWN])}{more}")
    return changed, notes, problems


def shown_mark(
    table: pd.DataFrame, columns: Iterable[str], *, typed: pd.DataFrame | None = None, decimal: str | None = None
) -> str | None:
    """The decimal mark, "point" or "comma", that the numbers of a table show; None if none does, or both.

    Parameters
    ----------
    table, columns, typed, decimal : see `plain_numbers`.
    """
    if decimal is not None:
        return decimal
    seen = _seen(table, [name for name in dict.fromkeys(columns) if name in table.columns], typed)
    shown = [mark for mark in (POINT, COMMA) if seen.only[mark]]
    return shown[0] if len(shown) == 1 else None


def _seen(table: pd.DataFrame, columns: Sequence[str], typed: pd.DataFrame | None) -> _Seen:
    seen = _Seen()
    for name in columns:
        own = typed[name].tolist() if typed is not None else [False] * len(table)
        for line, cell, known in zip(table.index, table[name].tolist(), own, strict=True):
            if known or not isinstance(cell, str) or ("." not in cell and "," not in cell):
                continue
            fits = [mark for mark, pattern in _PATTERNS.items() if pattern.fullmatch(cell)]
            place = (int(line), name, cell)
            if len(fits) == 1:
                seen.only[fits[0]].append(place)
            elif fits:
                seen.either.append(place)
    return seen


def _decimal_mark(seen: _Seen, given: str | None, separator: str, setting: str) -> tuple[str | None, list[str]]:
    """The file's decimal mark, or the problems that leave it undecided."""
    points, commas = seen.only[POINT], seen.only[COMMA]
    if given is not None:
        wrong = seen.only[COMMA if given == POINT else POINT]
        return (given if not wrong else None), [
            _at(cell, f" does not use the decimal {given} set by {setting}. To do: correct the cell, or {setting}")
            for cell in wrong
        ]
    if points and commas:
        fewer, others = (points, commas) if len(points) <= len(commas) else (commas, points)
        mark, other = (POINT, COMMA) if fewer is points else (COMMA, POINT)
        return None, [
            _at(
                cell,
                f" has a decimal {mark}, but {_place(others[0])} a decimal {other}. To do: write all numbers of the "
                "file with the same decimal mark",
            )
            for cell in fewer
        ]
    if points or commas:
        return (POINT if points else COMMA), []
    undecided = [cell for cell in seen.either if separator != "," or "," in cell[2]]
    if not undecided:
        return POINT, []
    cell = undecided[0]
    plain, fraction = re.sub("[.,]", "", cell[2]), cell[2].replace(",", ".")
    more = f" (and {len(undecided) - 1} more cell(s))" if len(undecided) > 1 else ""
    return None, [
        _at(
            cell,
            f"{more} may be {plain} or {fraction}: nothing in the file shows whether its decimal mark is a "
            f"point or a comma. To do: write {plain} or {fraction}0"
            + (f", or set {setting}: point (or comma) in the study file" if setting else ""),
        )
    ]


def _at(cell: tuple[int, str, str], what: str) -> TableProblem:
    return TableProblem(_place(cell) + what, lines=(cell[0] + 2,), column=cell[1])


def _place(cell: tuple[int, str, str]) -> str:
    line, column, text = cell
    return f"line {line + 2}, column '{column}': '{text}'"


def _plain(cell: object, mark: str) -> object:
    if not isinstance(cell, str) or ("," not in cell if mark == POINT else "." not in cell and "," not in cell):
        return cell
    if not _PATTERNS[mark].fullmatch(cell):
        return cell
    return cell.replace(",", "") if mark == POINT else cell.replace(".", "").replace(",", ".")
