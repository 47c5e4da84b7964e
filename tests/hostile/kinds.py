"""Kinds of input: how each is made well, and what a user would run on it.

A kind stands in a file `*_kinds.py` beside this one, registered in one line: `register(Kind("nii", ...))`. All such
files are found by their names.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
KINDS: dict[str, Kind] = {}


def _nothing(room: Path) -> None:
    pass


@dataclass(frozen=True)
class Kind:
    """A kind of input.

    Parameters
    ----------
    name : the folder's in shared/data/bad_inputs.
    run : what a user would run on a file, given the room with what lies beside it; gives a summary or raises what the
        user would see (`sandbox.command` runs the command line). The file lies in a folder of its own, under its name.
    prepare : puts good files into the room, once.
    examples : good files by name, from which the fuzzer makes bad ones.
    mutators : names of `mutate.MUTATORS` that fit the kind.
    """

    name: str
    run: Callable[[Path, Path], str]
    prepare: Callable[[Path], None] = _nothing
    examples: Callable[[], Mapping[str, bytes]] = dict
    mutators: tuple[str, ...] = ("bytes",)

    def natural_name(self, name: str) -> str:
        """A file's name without what bad_inputs puts before it (`4_TypeError_..._1_`)."""
        found = re.fullmatch(r"\d+_.*_\d+_([a-z].*)", name)
        return found[1] if found else name


def register(kind: Kind) -> Kind:
    """Add a kind."""
    KINDS[kind.name] = kind
    return kind


def load_kinds() -> None:
    """Import every file that registers kinds."""
    for file in sorted(HERE.glob("*_kinds.py")):
        importlib.import_module(f"hostile.{file.stem}")
