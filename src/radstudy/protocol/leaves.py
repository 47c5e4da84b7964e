"""The single settings of a document of settings, each with its path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any


def leaves(settings: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """The single settings with their paths. Settings that are null are left out: they are not in use.

    Examples
    --------
    >>> dict(leaves({"model": {"select": [{"collinear": {"above": 0.8}}]}}))
    {'model.select.collinear.above': 0.8}
    """
    entries = _named(settings)
    if entries is None:
        if settings is not None:
            yield name, settings
        return
    for key, value in entries.items():
        yield from leaves(value, f"{name}.{key}" if name else str(key))


def _named(settings: Any) -> Mapping[str, Any] | None:
    """Settings that have settings of their own, by name; None for a single value.

    A list of choices such as ``[{"collinear": {...}}, {"univariate": {...}}]`` is named by the choices.
    """
    if isinstance(settings, Mapping):
        return settings
    if not isinstance(settings, Sequence) or isinstance(settings, str):
        return None
    if not any(isinstance(one, Mapping) for one in settings):
        return None
    chosen = [[(key, value) for key, value in one.items() if value is not None] for one in settings
              if isinstance(one, Mapping)]  # fmt: skip
    names = [pairs[0][0] for pairs in chosen if len(pairs) == 1]
    if len(names) == len(settings) and len(set(names)) == len(names):
        return {pairs[0][0]: pairs[0][1] for pairs in chosen}
    return {str(place): one for place, one in enumerate(settings, 1)}
