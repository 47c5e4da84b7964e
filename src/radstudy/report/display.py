"""Printing of numbers."""

from __future__ import annotations

import math
from collections.abc import Iterable

NOTHING = "–"
FINE = 0.001


def p_text(value: float | None) -> str:
    """A p-value to three decimals, or <0.001."""
    if value is None or math.isnan(value):
        return NOTHING
    return "<0.001" if value < FINE else f"{value:.3f}"


def number(value: float | None, digits: int = 3) -> str:
    """A number rounded to `digits` decimals; a missing one as a dash."""
    if value is None or math.isnan(value):
        return NOTHING
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text.replace("-", "−")


def significant(value: float | None, digits: int = 4) -> str:
    """A number to `digits` significant digits, with trailing zeros."""
    if value is None or math.isnan(value):
        return NOTHING
    if not math.isfinite(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:#.{digits}g}".rstrip(".").replace("-", "−")


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


def thousands(value: int) -> str:
    """A whole number with a thousands separator: 1,218."""
    return f"{value:,}"


def span(counts: Iterable[float]) -> str:
    """A whole number, or the smallest and the largest if they differ: 999, 200 to 1,000."""
    known = [int(count) for count in counts]
    low, high = min(known), max(known)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def plural_span(counts: Iterable[float], one: str) -> str:
    """`span` with its noun: 1 outcome, 2 to 10 outcomes."""
    text = span(counts)
    return f"{text} {one if text == '1' else one + 's'}"


def plural(count: int, one: str, many: str = "") -> str:
    """A count with its noun: 1 patient, 2 patients."""
    return f"{thousands(count)} {one if count == 1 else many or one + 's'}"
