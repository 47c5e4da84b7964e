"""Numbers as people type them: one decimal mark per file, group marks only before three digits, or a refusal."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import pandas as pd

POINT, COMMA = "point", "comma"
_MARKS = {POINT: ".", COMMA: ","}
_SHOWN = 3


def _pattern(mark: str, group: str) -> re.Pattern[str]:
    """A number with this decimal mark; the other mark may stand before three digits, and nowhere else."""
    m, g = re.escape(mark), re.escape(group)
    grouped = rf"[1-9]\d{{0,2}}(?:{g}\d{{3}})+(?:{m}\d*)?"
    plain = rf"(?:\d+(?:{m}\d*)?|{m}\d+)(?:[eE][+-]?\d+)?"
    return re.compile(rf"[+-]?(?:{grouped}|{plain})")


_PATTERNS = {POINT: _pattern(".", ","), COMMA: _pattern(",", ".")}


@dataclass
class _Seen:
    """Cells of a file, as (line, column, text): those that one mark alone explains, and those that either does."""

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
    """Write the numbers of a table with a decimal point and without group marks; what is not a number stays as it is.

    Parameters
    ----------
    table : str cells, rows numbered as lines minus 2.
    columns : those that hold numbers. All of them together show which decimal mark the file has.
    typed : bool, cells that the file itself holds as numbers (XLSX), which need no reading.
    separator : of the columns. Where it is a comma, a point is a decimal mark unless a cell shows otherwise.
    decimal : "point" or "comma", where the study file says so.
    setting : by which it can; "" where there is none.

    Returns
    -------
    table : with those columns rewritten.
    notes : group marks that were read as such, and a decimal comma outside files with semicolons.
    problems : cells that contradict each other, or that nothing decides.
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
            f"line {line + 2}, {name}: '{old}' is {new}"
            for line, old, new in zip(table.index, given, cells, strict=True)
            if new is not old and isinstance(old, str) and group in old
        ]
        changed[name] = pd.Series(cells, index=table.index, dtype=object)
    notes = [f"numbers have a decimal comma, such as '{seen.only[COMMA][0][2]}'"] if seen.only[COMMA] else []
    if grouped:
        more = f" and {len(grouped) - _SHOWN} more" if len(grouped) > _SHOWN else ""
        notes.append(f"{len(grouped)} number(s) have group marks: {'; '.join(grouped[:_SHOWN])}{more}")
    return changed, notes, problems


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


def _decimal_mark(seen: _Seen, told: str | None, separator: str, setting: str) -> tuple[str | None, list[str]]:
    """The file's decimal mark, or why there is none."""
    points, commas = seen.only[POINT], seen.only[COMMA]
    if told is not None:
        wrong = seen.only[COMMA if told == POINT else POINT]
        return (told if not wrong else None), [
            f"{_place(cell)} does not have the decimal {told} that {setting} names. To do: correct the cell, "
            f"or {setting}"
            for cell in wrong
        ]
    if points and commas:
        fewer, others = (points, commas) if len(points) <= len(commas) else (commas, points)
        mark, other = (POINT, COMMA) if fewer is points else (COMMA, POINT)
        return None, [
            f"{_place(cell)} has a decimal {mark}, and {_place(others[0])} a decimal {other}. To do: write all "
            "numbers of the file with one decimal mark"
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
        f"{_place(cell)}{more} may be {plain} or {fraction}: nothing in the file tells whether its decimal mark is a "
        f"point or a comma. To do: write {plain} or {fraction}0"
        + (f", or say {setting}: point (or comma) in the study file" if setting else "")
    ]


def _place(cell: tuple[int, str, str]) -> str:
    line, column, text = cell
    return f"line {line + 2}, column '{column}': '{text}'"


def _plain(cell: object, mark: str) -> object:
    if not isinstance(cell, str) or ("," not in cell if mark == POINT else "." not in cell and "," not in cell):
        return cell
    if not _PATTERNS[mark].fullmatch(cell):
        return cell
    return cell.replace(",", "") if mark == POINT else cell.replace(".", "").replace(",", ".")
