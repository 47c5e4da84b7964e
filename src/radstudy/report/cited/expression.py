"""Formulas of cells: how a number of the report follows from the files of its run."""

from __future__ import annotations

import ast
import math
import operator
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

ENTRY = "/"  # begins the row of a JSON file: the path to the object that holds the value


@dataclass(frozen=True)
class CellRange:
    """One cell of a file, or several cells of one column.

    Parameters
    ----------
    file : path from the run's folder.
    rows : of a table, rows below its header, such as "3" or "1-40,42"; of a JSON file, the path of the object that
        holds the value, such as "/training".
    column : column of the table, or key in that object.
    """

    file: str
    rows: str
    column: str


@dataclass(frozen=True)
class Formula:
    """A number computed from cells.

    Parameters
    ----------
    name : an operator (``+ - * /``) or a function of `FUNCTIONS`.
    arguments : cells, formulas and constants.
    """

    name: str
    arguments: tuple[Expression, ...]


Expression = CellRange | Formula | float | int | str


def row_numbers(rows: str) -> list[int]:
    """The row numbers that a text such as "1-3,7" stands for.

    Examples
    --------
    >>> row_numbers("1-3,7")
    [1, 2, 3, 7]
    """
    ends = [part.partition("-") for part in rows.split(",") if part]
    return [number for low, _, high in ends for number in range(int(low), int(high or low) + 1)]


def rows_text(numbers: Iterable[int]) -> str:
    """Row numbers as a text, with ranges.

    Examples
    --------
    >>> rows_text([7, 1, 2, 3])
    '1-3,7'
    """
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ",".join(str(low) if low == high else f"{low}-{high}" for low, high in runs)


def named_cells(expression: Expression) -> list[CellRange]:
    """The cells of an expression in the order in which they first appear; the first is A, the second B."""
    if isinstance(expression, CellRange):
        return [expression]
    if not isinstance(expression, Formula):
        return []
    return list(dict.fromkeys(cells for one in expression.arguments for cells in named_cells(one)))


def formula_text(expression: Expression) -> str:
    """An expression with its cells as letters, such as "100 * A / (A + B)"; "A" for a cell that is printed as it is."""
    letters = {cells: letter_of(index) for index, cells in enumerate(named_cells(expression))}
    return _text(expression, letters)


def letter_of(index: int) -> str:
    """The name of the cells at a position: A to Z, then C26, C27 and so on."""
    return chr(ord("A") + index) if index < 26 else f"C{index}"


def _text(expression: Expression, letters: Mapping[CellRange, str]) -> str:
    if isinstance(expression, CellRange):
        return letters[expression]
    if not isinstance(expression, Formula):
        return repr(expression)
    said = [_text(one, letters) for one in expression.arguments]
    if expression.name in _OPERATORS:
        return f"({f' {expression.name} '.join(said)})"
    return f"{expression.name}({', '.join(said)})"


# --- evaluation --------------------------------------------------------------------------------------------------


def _tally(*pairs: Any) -> int:
    """Rows in which every column, given before its value, has that value."""
    columns, values = pairs[::2], pairs[1::2]
    return sum(all(_same(cell, value) for cell, value in zip(row, values, strict=True))
               for row in zip(*map(_many, columns), strict=True))  # fmt: skip


def _tally_from(column: Any, bound: float, *pairs: Any) -> int:
    """Rows of a column with at least a value, in which every other column, given before its value, has that value."""
    chosen = [not isinstance(cell, str) and cell >= bound for cell in _many(column)]
    if not pairs:
        return sum(chosen)
    return _tally(chosen, True, *pairs)


def _same(cell: Any, value: Any) -> bool:
    if isinstance(value, str):
        return bool(getattr(cell, "raw", str(cell)) == value)
    return bool(cell == value)


def _worst(names: list[Any], outcomes: list[Any]) -> dict[Any, Any]:
    """Patient to the largest outcome of the lesions."""
    worst: dict[Any, Any] = {}
    for name, outcome in zip(names, outcomes, strict=True):
        worst[name] = max(worst.get(name, outcome), outcome)
    return worst


def _many(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _known(value: Any) -> list[Any]:
    return [
        one
        for one in _many(value)
        if one is not None and one != "" and not (isinstance(one, float) and math.isnan(one))
    ]


def _widths(low: Any, high: Any) -> list[float]:
    return [other - one for one, other in zip(_many(low), _many(high), strict=True)]


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "smallest": lambda cells: min(_known(cells)),
    "largest": lambda cells: max(_known(cells)),
    "sum": lambda cells: math.fsum(_known(cells)),
    "mean": lambda cells: statistics.fmean(_known(cells)),
    "median": lambda cells: statistics.median(_known(cells)),
    "quantile": lambda cells, q: float(np.quantile(_known(cells), q)),
    "abs": abs,
    "exp": math.exp,
    "round": round,
    "tally": _tally,  # tally(A, 'testing', B, 1): rows with A = testing and B = 1
    "tally_from": _tally_from,  # tally_from(A, 0.5, B, 1): rows with A of 0.5 or more, and B = 1
    "rows": lambda cells: len(_many(cells)),
    "distinct": lambda cells: len(set(_known(cells))),
    "below": lambda cells, bound: sum(one < bound for one in _known(cells)),
    "above": lambda cells, bound: sum(one > bound for one in _known(cells)),
    "far": lambda cells, bound: sum(abs(one) >= bound for one in _known(cells)),
    "pairs": lambda low, high: sum(one <= other for one, other in zip(_many(low), _many(high), strict=True)),
    "around": lambda low, high, value: sum(
        one <= value <= other for one, other in zip(_many(low), _many(high), strict=True)),
    "narrowest": lambda low, high: min(_widths(low, high)),
    "widest": lambda low, high: max(_widths(low, high)),
    "share": lambda part, every: 100 * math.fsum(_known(part)) / math.fsum(_known(every)),
    "mentioning": lambda texts, said, names: len({name for text, name in zip(_many(texts), _many(names), strict=True)
                                                  if said in str(text).split("; ")}),
    "patients": lambda names, outcomes, outcome: sum(
        worst == outcome for worst in _worst(_many(names), _many(outcomes)).values()),
    "known": lambda cells: len(_known(cells)),
    "entries": len,
    "filled": lambda cells: sum(one != "" for one in _many(cells)),
    "other": lambda cells: len(set(_many(cells)) - {""}) - 1,
    "norm": math.hypot,
}  # fmt: skip
_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv,
}  # fmt: skip
_NODES = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/"}


def evaluate(text: str, cells: Sequence[Any]) -> Any:
    """The value of a formula.

    Parameters
    ----------
    text : formula, as `formula_text` writes it.
    cells : the values of A, B and so on; a list for several cells of a column.

    Raises
    ------
    ValueError : it is not such a formula, or the cells do not fit it.

    Examples
    --------
    >>> evaluate("((100 * A) / (A + B))", [1, 3])
    25.0
    >>> evaluate("tally(A, 'testing', B, 1)", [["testing", "training"], [1, 1]])
    1
    """
    names = {letter_of(index): value for index, value in enumerate(cells)}
    try:
        return _value(ast.parse(text, mode="eval").body, names)
    except (SyntaxError, KeyError, TypeError, ArithmeticError, statistics.StatisticsError) as error:
        raise ValueError(f"{text}: {type(error).__name__}: {error}") from error


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    match node:
        case ast.Constant(value=value):
            return value
        case ast.Name(id=name):
            return names[name]
        case ast.UnaryOp(op=ast.USub(), operand=inner):
            return -_value(inner, names)
        case ast.BinOp(left=left, op=sign, right=right) if type(sign) in _NODES:
            return _OPERATORS[_NODES[type(sign)]](_value(left, names), _value(right, names))
        case ast.Call(func=ast.Name(id=name), args=given, keywords=[]):
            return FUNCTIONS[name](*(_value(one, names) for one in given))
    raise ValueError(f"not a formula of cells: {ast.dump(node)}")
