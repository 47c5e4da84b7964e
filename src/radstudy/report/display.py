"""Printing of numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

from radstudy.report.cited import cite, plain

NOTHING = "–"
FINE = 0.001
_POWERS_FROM = 1e7


def p_text(value: float | None) -> str:
    """A p-value to three decimals, or <0.001."""
    if value is None or math.isnan(value):
        return NOTHING
    return cite(value, "<0.001" if value < FINE else f"{float(value):.3f}")


def p_equation(value: float) -> str:
    """A p-value with its sign: p = 0.012, or p < 0.001."""
    return cite(value, "p < 0.001") if value < FINE else f"p = {p_text(value)}"


def number(value: float | None, digits: int = 3) -> str:
    """A number rounded to `digits` decimals; a missing one as a dash."""
    if value is None or math.isnan(value):
        return NOTHING
    text = f"{float(value):.{digits}f}"
    return cite(value, text.removeprefix("-") if float(text) == 0 else text.replace("-", "−"))


def significant(value: float | None, digits: int = 4) -> str:
    """A number to `digits` significant digits, with trailing zeros; one with more digits before its point is whole."""
    if value is None or math.isnan(value):
        return NOTHING
    if not math.isfinite(value):
        return cite(value, "∞" if value > 0 else "−∞")
    large = 10**digits <= abs(value) < _POWERS_FROM  # whole, where the digits asked for would be 1.53e+03
    text = f"{float(value):,.0f}" if large else f"{float(value):#.{digits}g}".rstrip(".")
    return cite(value, text.replace("-", "−"))


def interval(value: float | None, low: float | None, high: float | None, digits: int = 3) -> str:
    """A value with its confidence interval: 0.835 (0.704 to 0.943)."""
    if value is None or math.isnan(value):
        return NOTHING
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return number(value, digits)
    return f"{number(value, digits)} ({number(low, digits)} to {number(high, digits)})"


def percent(part: int, whole: int) -> str:
    """Two counts as a percentage to one decimal."""
    return f"{100 * part / whole:.1f}" if whole else NOTHING


def whole(value: float | None) -> str:
    """A whole number as it is written in a table; a missing one as a dash."""
    if value is None or math.isnan(value):
        return NOTHING
    return cite(value, str(int(value)))


def thousands(value: int) -> str:
    """A whole number with a thousands separator: 1,218."""
    return f"{value:,}"


def span(counts: Iterable[float]) -> str:
    """A whole number, or the smallest and the largest if they differ: 999, 200 to 1,000."""
    low, high = ends_of(counts)
    texts = [cite(end, f"{int(end):,}") for end in (low, high)]
    return texts[0] if int(low) == int(high) else " to ".join(texts)


def ends_of(counts: Any) -> tuple[Any, Any]:
    """The smallest and the largest of some numbers; those of a column of the run remember their cells."""
    if hasattr(counts, "min"):
        return counts.min(), counts.max()
    known = list(counts)
    return min(known), max(known)


def plural_span(counts: Iterable[float], one: str) -> str:
    """`span` with its noun: 1 outcome, 2 to 10 outcomes."""
    text = span(counts)
    return f"{text} {one if plain(text) == '1' else one + 's'}"


def plural(count: int, one: str, many: str = "") -> str:
    """A count with its noun: 1 patient, 2 patients."""
    return f"{thousands(count)} {one if count == 1 else many or one + 's'}"
