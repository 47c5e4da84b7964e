"""`radstudy read`: the reading room, in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from radstudy.cli.command import Command
from radstudy.cli.study import data_folder
from radstudy.cli.terminal import Debug, say
from radstudy.errors import UsageError

if TYPE_CHECKING:
    from radstudy.app.web.running import Entrance
    from radstudy.protocol import Protocol


def read(  # noqa: PLR0913, PLR0917 - the command's options
    study: Annotated[Path, typer.Argument(help="The study file, such as study.yaml.")],
    reader: Annotated[str, typer.Option(help="Who reads: a name of cohort.readers, of "
                                           "reading.characteristics.readers, or the arbiter's.")] = "",
    task: Annotated[str, typer.Option(help="What is read: masks, characteristics or arbitration; by default all that "
                                           "this reader has.")] = "",
    lead: Annotated[bool, typer.Option("--lead", help="Open the study lead's page: progress, agreement, links for "
                                                      "other readers. With --reader the lead also reads.")] = False,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the browser, or print the link and "
                                                                         "nothing else.")] = True,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port of the server; 0: the study's own, the same at each "
                                                          "start, or a free one where that is in use.")] = 0,
    host: Annotated[str, typer.Option(help="Address to listen on. By default only this computer reaches the "
                                           "server.")] = "127.0.0.1",
    public_url: Annotated[str, typer.Option(help="Address by which other computers reach the server through a "
                                                 "reverse proxy with TLS, such as https://reading.hospital.org; "
                                                 "see docs/reading.md.")] = "",
    data: Annotated[Path | None, typer.Option(help="Folder that the study file's paths start from; by default "
                                                   "the study file's own.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the study's results, whose preparation of images is used; "
                                                  "by default runs/STUDY beside it.")] = None,
    database: Annotated[Path | None, typer.Option(help="Folder on a disk of this computer for the database, where the "
                                                       "study lies on a network share.")] = None,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Open the reading room: draw and describe lesions in a browser. Ctrl-C ends it; nothing is lost.

    A second call on the same study, for another reader or task, gives a link to the server that runs.
    """
    from radstudy.app.reading.roster import TASKS

    if task and task not in TASKS:
        raise UsageError(f"there is no task '{task}'; choose from {', '.join(TASKS)}")
    from radstudy.app.web.security import public_origin
    from radstudy.protocol import load_protocol

    if public_url:
        public_origin(public_url)
    protocol = load_protocol(study)
    entrance = _entrance(protocol, reader, task, lead=lead)
    root = data_folder(data, study)
    from radstudy.app.web.listening import Listening
    from radstudy.app.web.of_study import behind_of
    from radstudy.app.web.server import serve

    run = out or study.parent / "runs" / study.stem
    serve(
        root / protocol.reading.folder, lambda: behind_of(protocol, root, run=run, database=database), entrance,
        listening=Listening(host, port, public_url), browser=browser, say=say,
    )  # fmt: skip


def _entrance(protocol: Protocol, reader: str, task: str, *, lead: bool) -> Entrance:
    """The person who enters; refused if the study has no such reader, or the reader no such task."""
    from radstudy.app.reading.roster import TASKS, readers_of
    from radstudy.app.web.running import Entrance

    panel = {one: readers_of(one, protocol.cohort.readers, protocol.reading) for one in TASKS}
    readers = list(dict.fromkeys(name for names in panel.values() for name in names))
    if not reader and not lead:
        raise UsageError(f"say who reads: --reader, one of {', '.join(readers)}; or --lead for the study lead's page")
    if reader and reader not in readers:
        raise UsageError(f"there is no reader '{reader}' in the study file; choose from {', '.join(readers)}")
    own = [one for one, names in panel.items() if reader in names]
    if task and task not in own:
        which = f"choose from {', '.join(own)}" if own else "the study lead reads nothing: give --reader"
        raise UsageError(f"'{task}' is not a task of {reader or 'the study lead'}; {which}")
    return Entrance("lead" if lead else "reader", reader, task)


COMMAND = Command(
    "read", read, page="reading.md", writes=True, wrong=("x.yaml", "--reader", "r", "--task", "mask"),
    says="choose from masks, characteristics, arbitration",
)  # fmt: skip
