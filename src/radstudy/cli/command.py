"""What is declared of a command beside its function."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Command:
    """One command of the program; tests/unit/cli/test_commands.py holds what is declared of each.

    Parameters
    ----------
    name : as it is given; of a command of a group "GROUP NAME", such as "mask list".
    function : with typer's annotations; what it needs beside them it imports when it is called, so that help is quick.
    page : the page of docs/ that tells of it.
    writes : whether it writes files: then a full disk has to end it with 2 and leave nothing half written, and files
        that it has not written itself have to stay (`radstudy.owned`).
    wrong, says : arguments of a call that is wrong, and what the message must say, with exit code 2.
    """

    name: str
    function: Callable[..., None]
    page: str
    writes: bool
    wrong: tuple[str, ...]
    says: str

    @property
    def group(self) -> str:
        """The group's name, "" of a command of none."""
        return self.name.rpartition(" ")[0]

    @property
    def word(self) -> str:
        """Its name within the group."""
        return self.name.rpartition(" ")[2]
