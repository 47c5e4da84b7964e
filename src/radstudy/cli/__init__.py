"""The command line: parse, call, print."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from radstudy._version import __version__
from radstudy.announcing import ask_for_announcement
from radstudy.cli.commands import COMMANDS, GROUPS
from radstudy.cli.console import print_what_the_console_cannot
from radstudy.errors import OF_THE_DISK, RadstudyError, StorageError
from radstudy.parallel import keep_cases_apart

app = typer.Typer(
    name="radstudy",
    help="Run a multiparametric-MRI radiomics study, from images and masks to tables, figures and a model.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
_groups = {name: typer.Typer(help=text, no_args_is_help=True) for name, text in GROUPS.items()}
for _command in COMMANDS:
    (_groups[_command.group] if _command.group else app).command(_command.word)(_command.function)
for _name, _group in _groups.items():
    app.add_typer(_group, name=_name)


def main() -> None:
    """Run the command line; an expected error becomes a message and an exit code, never a traceback."""
    print_what_the_console_cannot()
    ask_for_announcement()
    keep_cases_apart()
    try:
        app()
    except RadstudyError as error:
        typer.echo(f"radstudy: {error}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno not in OF_THE_DISK:
            raise
        what = error.filename or "the command's output, or a temporary file,"
        typer.echo(f"radstudy: {StorageError(what, error.strerror or str(error))}", err=True)
        sys.exit(StorageError.exit_code)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"radstudy {__version__}")
        raise typer.Exit


@app.callback()
def _radstudy(
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Options of the program itself."""
