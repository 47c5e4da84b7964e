"""`radstudy demo`: run the whole protocol on a synthetic cohort."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from radstudy.cli.command import Command
from radstudy.cli.study import finish
from radstudy.cli.terminal import Debug, Jobs, bar, say

_PATIENTS, _TO_READ = 107, 20  # of the reference study; the fewest that the demo makes


def demo(
    patients: Annotated[int | None, typer.Option(help="Number of synthetic patients; by default 107, as in the "
                                                      "reference study, and 20 with --read.")] = None,
    out: Annotated[Path, typer.Option(help="Folder for the cohort and the results.")] = Path("radstudy-demo"),
    seed: Annotated[int, typer.Option(min=0, help="Seed of the cohort and of the study.")] = 20260114,
    null: Annotated[
        bool, typer.Option("--null", help="Permute the outcome, so that nothing is associated with it.")
    ] = False,
    read: Annotated[bool, typer.Option("--read", help="Open the reading room on the cohort instead: draw and "
                                                      "describe its lesions, as reader1 and study lead.")] = False,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="With --read: open the browser, or print the "
                                                                         "link and nothing else.")] = True,
    jobs: Jobs = None,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Create a SYNTHETIC cohort and run the whole reference protocol on it, or open the reading room on it."""
    from radstudy.demo.run import make_once, run_demo

    if not read:
        lost = run_demo(
            out, patients=_PATIENTS if patients is None else patients, seed=seed, null=null, jobs=jobs, say=say, bar=bar
        )
        finish(out, lost)
        return
    count = _TO_READ if patients is None else patients
    data = make_once(out / "data", patients=count, seed=seed, null=null, jobs=jobs, say=say, bar=bar)
    _read(data, out, seed, browser=browser)


def _read(data: Path, out: Path, seed: int, *, browser: bool) -> None:
    """Open the reading room on a cohort that was made."""
    from radstudy.app.web.of_study import behind_of
    from radstudy.app.web.running import Entrance
    from radstudy.app.web.server import serve
    from radstudy.demo.cohort import NOTICE
    from radstudy.demo.to_read import write_study_to_read
    from radstudy.protocol import load_protocol

    study = write_study_to_read(data, seed)
    protocol = load_protocol(study)
    say(NOTICE)
    say(f"The study file is {study}; other readers enter by links from the lead's page")
    root = data.resolve()
    serve(
        root / protocol.reading.folder, lambda: behind_of(protocol, root, run=out / "read"),
        Entrance("lead", protocol.reader), browser=browser, say=say,
    )  # fmt: skip


COMMAND = Command("demo", demo, page="demo.md", writes=True, wrong=("--patients", "3"), says="--patients")
