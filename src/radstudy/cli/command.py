"""The declaration of a command: its function and the facts that the tests check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """One command of the program; tests/unit/cli/test_commands.py checks the declared facts of each.

    Parameters
    ----------
    name : as it is typed; for a command in a group "GROUP NAME", such as "mask list".
    function : with typer's annotations; it imports everything else when it is called, so that help is quick.
    page : the page of docs/ that describes it.
    writes : True if it writes files: then a full disk must end it with exit code 2 and leave nothing half written, and
        it must keep files that it has not written itself (`radstudy.owned`).
    wrong, says : arguments of a wrong call, and a part of its message; the exit code is 2.
    """

    name: str
    function: Callable[..., None]
    page: str
    writes: bool
    wrong: tuple[str, ...]
    says: str

    @property
    def group(self) -> str:
        """The group's name; "" for a command without a group."""
        return self.name.rpartition(" ")[0]

    @property
    def word(self) -> str:
        """Its name within the group."""
        return self.name.rpartition(" ")[2]
