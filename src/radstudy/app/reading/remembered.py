"""Results that are kept in memory as long as what they were computed from stays the same."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from radstudy.formats.reading import Stamp, stamp

Value = TypeVar("Value")


@dataclass
class Remembered(Generic[Value]):
    """One result for each name, computed again when its state is another one.

    Two threads that ask for the same name at once may both compute it; either result is right.

    Examples
    --------
    >>> lengths = Remembered[int]()
    >>> lengths.get("a", 1, lambda: 5), lengths.get("a", 1, lambda: 6), lengths.get("a", 2, lambda: 7)
    (5, 5, 7)
    """

    _values: dict[Hashable, tuple[object, Value]] = field(default_factory=dict, repr=False)

    def forget(self, name: Hashable) -> None:
        """Compute a result anew when it is asked for again."""
        self._values.pop(name, None)

    def get(self, name: Hashable, state: object, compute: Callable[[], Value]) -> Value:
        """The result of a name.

        Parameters
        ----------
        name : of the result.
        state : everything that it depends on; compared by ``==``.
        compute : called where the name is new, or had another state.
        """
        known = self._values.get(name)
        if known is None or known[0] != state:
            known = state, compute()
            self._values[name] = known
        return known[1]


def stamp_of(file: Path) -> Stamp | None:
    """Identity and state of a file; None if it is not there."""
    try:
        return stamp(file.stat())
    except OSError:
        return None
