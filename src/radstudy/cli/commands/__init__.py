"""All commands of the program, one a file, in the help's order: a new one is a file beside these and a line here."""

from __future__ import annotations

from importlib import import_module

from radstudy.cli.command import Command

_FILES = (
    "demo",
    "init",
    "run",
    "import_",
    "check",
    "plan",
    "extract",
    "map",
    "derive",
    "predict",
    "mask_list",
    "mask_convert",
)
GROUPS = {"mask": "Masks of every kind: DICOM SEG, RTSTRUCT, .seg.nrrd, label maps."}


def _declared(file: str) -> Command:
    command = import_module(f"{__name__}.{file}").COMMAND
    assert isinstance(command, Command)
    return command


COMMANDS = tuple(map(_declared, _FILES))
