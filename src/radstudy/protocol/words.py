"""Lists as they read in a sentence."""

from __future__ import annotations

from collections.abc import Sequence


def listed(items: Sequence[str]) -> str:
    """Join the items as in a sentence.

    Examples
    --------
    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else "none"


def numbers_listed(values: Sequence[float]) -> str:
    """Join numbers as in a sentence: 1, 3 and 10."""
    return listed([f"{value:g}" for value in values])
