"""`radstudy run`: run a study, from its table to its report."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from radstudy.cli.command import Command
from radstudy.cli.study import data_folder, finish
from radstudy.cli.terminal import Debug, Jobs, bar, say
from radstudy.errors import UsageError

if TYPE_CHECKING:
    from radstudy.protocol import Protocol


def run(
    study: Annotated[Path, typer.Argument(help="The study file, such as study.yaml; or a run's study_bundle.zip, "
                                               "to repeat it.")],
    step: Annotated[str, typer.Option(help="Stop after this step: cohort, prepare, extract, agree, model, "
                                           "evaluate or report.")] = "report",
    out: Annotated[Path | None, typer.Option(help="Folder of the results; by default runs/STUDY next to it.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder that the study file's paths start from; by default "
                                                   "the study file's own folder.")] = None,
    other_data: Annotated[bool, typer.Option("--other-data", help="Run a bundle on data other than its own.")] = False,
    shard: Annotated[str | None, typer.Option(help="Prepare and extract one part of the volumes alone, such as 2/8, "
                                              "beside others in the same folder; the command without it "
                                              "collects.")] = None,
    jobs: Jobs = None,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Run a study. A run that was stopped continues where it stopped."""
    from radstudy.protocol import STEPS
    from radstudy.steps.shard import Shard
    from radstudy.study import run as run_study
    from radstudy.study import run_shard

    if step not in STEPS:
        raise UsageError(f"there is no step '{step}'; the steps are {', '.join(STEPS)}")
    part = None if shard is None else Shard.parse(shard)
    if part is not None and step != "report":
        raise UsageError("--shard prepares and extracts; to stop after another step, leave it out")
    protocol, written = (
        _of_bundle(study, data, other_data, jobs) if study.suffix.lower() == ".zip" else _of_file(study, other_data)
    )
    where = out or study.parent / "runs" / study.stem
    if part is not None:
        lost = run_shard(protocol, data=data_folder(data, study), out=where, shard=part, jobs=jobs, say=say, bar=bar)
        finish(where, lost, reported=False, inspected=False)
        return
    lost = run_study(
        protocol, data=data_folder(data, study), out=where, until=step, written=written, jobs=jobs, say=say, bar=bar
    )
    finish(where, lost, reported=step == "report", inspected=step in ("evaluate", "report"))


def _of_file(study: Path, other_data: bool) -> tuple[Protocol, str]:
    """A study file and its text."""
    from radstudy.protocol import load_protocol
    from radstudy.protocol.yaml_text import read_yaml_text

    if other_data:
        raise UsageError("--other-data is for a study_bundle.zip: a study file is run on any data")
    protocol = load_protocol(study)
    return protocol, read_yaml_text(study)


def _of_bundle(bundle: Path, data: Path | None, other_data: bool, jobs: int | None) -> tuple[Protocol, str]:
    """The study of a bundle, after a comparison of the data with its own."""
    from radstudy.parallel import cores
    from radstudy.steps.bundle import read_bundle, refuse_other_data

    if data is None:
        raise UsageError(f"{bundle} does not hold the data. To do: name their folder, with --data FOLDER")
    study = read_bundle(bundle)
    for line in study.other_versions():
        say(f"another version of an algorithm, so numbers may differ: {line}")
    if other_data:
        say("the data are not compared with those of the bundle (--other-data)")
    else:
        refuse_other_data(study.data, study.protocol, data_folder(data, bundle), jobs=jobs or cores())
    return study.protocol, study.written


COMMAND = Command(
    "run", run, page="walkthrough.md", writes=True, wrong=("x.yaml", "--step", "extrat"), says="the steps are cohort"
)
