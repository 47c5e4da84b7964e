"""How a list reads in a sentence."""

from __future__ import annotations

from collections.abc import Sequence


def listed(items: Sequence[str]) -> str:
    """A list in words.

    Examples
    --------
    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else "none"


def numbers_listed(values: Sequence[float]) -> str:
    """Numbers in words: 1, 3 and 10."""
    return listed([f"{value:g}" for value in values])
