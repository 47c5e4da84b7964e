"""A page for each command, made of the command line's own help."""

from __future__ import annotations

import re
from typing import Any

import typer

from radstudy.cli import app
from radstudy.cli.command import Command
from radstudy.cli.commands import COMMANDS
from website.markdown import code, contents, table


def command_pages() -> dict[str, str]:
    """The list of all commands, and a page for each."""
    program = typer.main.get_command(app)
    pages = {f"reference/commands/{_file(one)}.md": _page(one, _clickable(program, one)) for one in COMMANDS}
    rows = [[f"[`radstudy {one.name}`]({_file(one)}.md)", _summary(_clickable(program, one))] for one in COMMANDS]
    text = [
        "# Commands",
        "",
        "`radstudy COMMAND --help` prints the same. Results go to standard output or files, messages to standard "
        "error.",
        "",
        table(["command", "does"], rows),
        "",
        "| exit code | means |",
        "|---|---|",
        "| 0 | done |",
        "| 1 | a bug ([what to send](../../bugs.md)) |",
        "| 2 | a problem with the command or its output folder |",
        "| 3 | a problem with the study file |",
        "| 4 | a problem with the data of some or all cases |",
        "| 5 | refused: a signature that does not fit its input ([why](../../predict.md)) |",
        "",
        contents([_file(one) for one in COMMANDS], hidden=True),
    ]
    return {"reference/commands/index.md": "\n".join(text) + "\n", **pages}


def _file(command: Command) -> str:
    return command.name.replace(" ", "_")


def _clickable(program: Any, command: Command) -> Any:
    for word in command.name.split():
        program = program.commands[word]
    return program


def _summary(clickable: Any) -> str:
    return str(clickable.help or "").strip().split("\n\n")[0]


def _page(command: Command, clickable: Any) -> str:
    context = clickable.context_class(clickable, info_name=f"radstudy {command.name}")
    usage = re.sub(r"\{(\w+)\}", _upper, " ".join(clickable.get_usage(context).removeprefix("Usage: ").split()))
    parts = [
        f"# radstudy {command.name}",
        str(clickable.help or "").replace("\b", "").strip(),
        f"```\n{usage}\n```",
        f"How it is used: [docs/{command.page}](../../{command.page})",
    ]
    for kind, heading in (("argument", "Arguments"), ("option", "Options")):
        records = [one.get_help_record(context) for one in clickable.params if one.param_type_name == kind]
        rows = [[code(record[0]), _plain(record[1])] for record in records if record]
        if rows:
            parts += [f"## {heading}", table([kind, "is" if kind == "argument" else "does"], rows)]
    return "\n\n".join(parts) + "\n"


def _upper(match: re.Match[str]) -> str:
    return match.group(1).upper()


def _plain(text: str) -> str:
    """Text in which Markdown sees no marks of its own."""
    return re.sub(r"([\\*_<>{}\[\]])", r"\\\1", text)
