"""All commands of the program in the order of the help, one per file; a new one is a file here and a line below."""

from __future__ import annotations

from importlib import import_module

from radstudy.cli.command import Command
from radstudy.imaging.masks.formats import listed

_FILES = (
    "app",
    "demo",
    "init",
    "run",
    "status",
    "doctor",
    "report",
    "unseal",
    "import_",
    "check",
    "diff",
    "plan",
    "upgrade",
    "extract",
    "map",
    "derive",
    "predict",
    "serve",
    "validate",
    "signature_check",
    "signature_export",
    "read",
    "mask_list",
    "mask_convert",
)
GROUPS = {
    "signature": "Verify a signature.json, or write its formula as a script.",
    "mask": f"List or convert masks of any kind: {listed()}.",
}


def _declared(file: str) -> Command:
    command = import_module(f"{__name__}.{file}").COMMAND
    assert isinstance(command, Command)
    return command


COMMANDS = tuple(map(_declared, _FILES))
