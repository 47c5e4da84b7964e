"""Numbers that remember their source."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, SupportsIndex, cast

from radstudy.report.cited.expression import CellRange, Expression, Formula
from radstudy.report.cited.marks import cite

_LARGEST_EXPONENT = 700.0


class CitedText(str):
    """A text of a run's file that remembers its cell; it is marked where the report quotes it (`quoted`)."""

    source: CellRange

    __slots__ = ("source",)

    def __new__(cls, value: str, source: CellRange) -> CitedText:
        """Make a text with its cell."""
        text = super().__new__(cls, value)
        text.source = source
        return text

    def __getnewargs__(self) -> tuple[str, CellRange]:  # type: ignore[override]  # str's own returns the text alone
        return str(self), self.source


def source_of(value: Any) -> Expression | None:
    """The source of a number; None if it has none."""
    source: Expression | None = getattr(value, "source", None)
    return source


def with_source(value: Any, source: Expression | None) -> Any:
    """A number with its source; the value as it is if it has no source or is not a number."""
    if source is None or isinstance(value, bool):
        return value
    if isinstance(value, int):
        return CitedInt(value, source)
    return CitedFloat(value, source) if isinstance(value, float) else value


def applied(name: str, value: Any, *arguments: Any) -> Any:
    """A value with the formula that it was computed by, if an argument of the formula remembers its source.

    Parameters
    ----------
    name : function of `radstudy.report.cited.expression.FUNCTIONS`, or an operator.
    value : the computed value.
    arguments : numbers that it was computed from.
    """
    sources = [one.cells() if hasattr(one, "cells") else source_of(one) for one in arguments]
    if all(source is None for source in sources):
        return value
    parts: list[Expression] = [
        _constant(one) if source is None else source for one, source in zip(arguments, sources, strict=True)
    ]
    return with_source(value, Formula(name, tuple(parts)))


def _constant(value: Any) -> Expression:
    return value if isinstance(value, str) else int(value) if isinstance(value, int) else float(value)


def _operation(name: str, operation: str, *, swapped: bool = False) -> Callable[[Any, Any], Any]:
    def operate(self: Any, other: Any) -> Any:
        value = getattr(self.kind, operation)(self, other)
        if value is NotImplemented:  # int with float
            value = getattr(float, operation)(float(self), other)
        if value is NotImplemented:
            return value
        return applied(name, value, *((other, self) if swapped else (self, other)))

    return operate


class CitedNumber:
    """Formatting and arithmetic of numbers that remember their source."""

    kind: Any  # int or float
    source: Expression

    def __format__(self, spec: str) -> str:
        return cite(self, self.kind.__format__(self, spec))

    __add__, __radd__ = _operation("+", "__add__"), _operation("+", "__radd__", swapped=True)
    __sub__, __rsub__ = _operation("-", "__sub__"), _operation("-", "__rsub__", swapped=True)
    __mul__, __rmul__ = _operation("*", "__mul__"), _operation("*", "__rmul__", swapped=True)
    __truediv__ = _operation("/", "__truediv__")
    __rtruediv__ = _operation("/", "__rtruediv__", swapped=True)

    def __abs__(self) -> Any:
        return applied("abs", self.kind.__abs__(self), self)

    def __neg__(self) -> Any:
        return applied("*", self.kind.__neg__(self), -1, self)

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.kind(self), self.source)


class CitedFloat(CitedNumber, float):
    """A number with the cells that it comes from."""

    kind = float

    def __new__(cls, value: float, source: Expression) -> CitedFloat:
        """Make a number with its source."""
        number = super().__new__(cls, value)
        number.source = source
        return number


class CitedInt(CitedNumber, int):
    """A whole number with the cells that it comes from."""

    kind = int

    def __new__(cls, value: SupportsIndex, source: Expression) -> CitedInt:
        """Make a number with its source."""
        number = super().__new__(cls, value)
        number.source = source
        return number


def integer(value: Any) -> Any:
    """A number as a whole number; it keeps its source."""
    return with_source(int(value), source_of(value))


def exponential(value: float) -> float:
    """The exponential of a number, infinite if it is too large for a float; it remembers its formula."""
    result = math.exp(value) if value < _LARGEST_EXPONENT else math.inf
    return cast("float", applied("exp", result, value)) if math.isfinite(result) else result
