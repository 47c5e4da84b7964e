"""`radstudy app`: the whole study in the browser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from radstudy.cli.command import Command
from radstudy.cli.terminal import Debug, say


def app(
    folder: Annotated[Path, typer.Argument(help="Folder of studies, each in a folder of its own; by default the "
                                                "current one.")] = Path(),
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the browser, or print the link and "
                                                                         "nothing else.")] = True,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the server; 0: the folder's own, the same at "
                                                          "each start, or a free one where that is in use.")] = 0,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Open the study lead's pages: import, protocol, patients, reading, run and results. Ctrl-C ends them.

    A run that was started there goes on when the pages are closed. Only this computer reaches the server.
    """
    from radstudy.app.pages.server import serve_studies
    from radstudy.app.web.listening import Listening

    serve_studies(folder, listening=Listening(port=port), browser=browser, say=say)


COMMAND = Command("app", app, page="app.md", writes=True, wrong=("nowhere",), says="there is no folder nowhere")
