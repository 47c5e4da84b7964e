"""`radstudy serve`: a signature as a service, with a page for one patient."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from radstudy.cli.command import Command
from radstudy.cli.terminal import Debug, say


def serve(
    signature: Annotated[Path, typer.Argument(help="The signature.json of a finished study.")],
    host: Annotated[str, typer.Option(help="Address to listen on. By default only this computer reaches the "
                                           "server.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the server; 0: a free one.")] = 0,
    public_url: Annotated[str, typer.Option(help="Address by which other computers reach the server through a "
                                                 "reverse proxy with TLS, such as https://predict.hospital.org; "
                                                 "see docs/serve.md.")] = "",
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the browser, or print the link and "
                                                                         "nothing else.")] = True,
    audit: Annotated[Path | None, typer.Option(help="File to which a line about each request is appended, without "
                                                    "patients' data; by default in your own folder, and printed at "
                                                    "the start.")] = None,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Serve a signature to programs (HTTP, OpenAPI 3.1) and as a page for one patient. For research, not for care.

    Ctrl-C ends it.
    """
    from radstudy.app.prediction.server import serve_signature
    from radstudy.app.web.listening import Listening
    from radstudy.app.web.security import public_origin

    if public_url:
        public_origin(public_url)
    serve_signature(signature, listening=Listening(host, port, public_url), browser=browser, audit=audit, say=say)


COMMAND = Command("serve", serve, page="serve.md", writes=True, wrong=(), says="Missing argument")
