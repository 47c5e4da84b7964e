"""`radstudy unseal`: open the sealed testing results of a study."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from radstudy.cli.command import Command
from radstudy.cli.study import data_folder
from radstudy.cli.terminal import agreed, say


def unseal(
    study: Annotated[Path, typer.Argument(help="The study file, such as study.yaml.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the results; by default runs/STUDY next to it.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder that the study file's paths start from; by default "
                                                   "the study file's own folder.")] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Unseal without asking.")] = False,
) -> None:  # fmt: skip
    """Open the sealed testing results for the declared primary model and comparison; this cannot be undone.

    The time, the declaration, the study file and the patients of each set are noted in the run's history.json.
    """
    from radstudy.protocol import load_protocol
    from radstudy.protocol.yaml_text import read_yaml_text
    from radstudy.steps.sealing import refuse_unsealing, seal_state
    from radstudy.steps.sealing import unseal as unseal_results

    protocol, written = load_protocol(study), read_yaml_text(study)
    where, folder = out or study.parent / "runs" / study.stem, data_folder(data, study)
    state = seal_state(protocol, folder, where)
    refuse_unsealing(state)
    assert state.opens is not None
    for line in state.opens.lines():
        typer.echo(line)
    if not (yes or agreed(f"Open the testing results in {where}? They cannot be sealed again.")):
        say("Nothing was opened.")
        return
    after = unseal_results(protocol, folder, where, written=written)
    say(f"Unsealed {after.unsealed}. Next: radstudy run {study}; it computes the testing results.")


COMMAND = Command("unseal", unseal, page="sealing.md", writes=True, wrong=("study.yaml", "--maybe"),
                  says="No such option")  # fmt: skip
