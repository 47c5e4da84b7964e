"""The commands of a study, from an empty folder to its report."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from radstudy.cli.terminal import Debug, Jobs, bar, say
from radstudy.errors import DataError, UsageError


def demo(
    patients: Annotated[int, typer.Option(help="How many synthetic patients; the reference study had 107.")] = 107,
    out: Annotated[Path, typer.Option(help="Folder for the cohort and the results.")] = Path("radstudy-demo"),
    seed: Annotated[int, typer.Option(min=0, help="Seed of the cohort and of the study.")] = 20260114,
    null: Annotated[bool, typer.Option("--null", help="Permute the outcome: nothing is associated with it.")] = False,
    jobs: Jobs = None,
    debug: Debug = False,
) -> None:
    """Make a SYNTHETIC cohort and run the whole reference protocol on it."""
    from radstudy.demo.run import run_demo

    lost = run_demo(out, patients=patients, seed=seed, null=null, jobs=jobs, say=say, bar=bar)
    _finish(out, lost)


def init(
    folder: Annotated[Path, typer.Argument(help="Folder for study.yaml; made if needed.")],
    source: Annotated[Path | None, typer.Option("--from", help="What 'radstudy import' has written: the study.yaml "
                                                               "fits its images, masks and readers.")] = None,
    outcomes: Annotated[Path | None, typer.Option(help="CSV or XLSX with PatientIDs and outcomes, to be joined through "
                                                       "the import's private key.")] = None,
    id_column: Annotated[str, typer.Option(help="Its column with the PatientID.")] = "PatientID",
    outcome: Annotated[str | None, typer.Option(help="Its column with the outcome; by default the only one with two "
                                                     "values.")] = None,
    positive: Annotated[str | None, typer.Option(help="The outcome's positive value.")] = None,
    clinical: Annotated[list[str], typer.Option(help="A further column to take; may be given often.")] = [],  # noqa: B006
    private: Annotated[Path | None, typer.Option(help="The import's private folder; by default "
                                                      "IMPORT.private.")] = None,
) -> None:  # fmt: skip
    """Write a commented study.yaml: with --from one that fits an import, else one to adapt and a cohort.csv to fill.

    With --outcomes the values are found by PatientID in the import's private key and written under the pseudonyms; no
    PatientID leaves the private folder. Nothing is ever overwritten.
    """
    if source is None:
        if outcomes is not None:
            raise UsageError("--outcomes joins a table to an import: give the import's folder with --from")
        from radstudy.protocol.template import write_template

        for file in write_template(folder):
            typer.echo(file)
        say("Next: fill cohort.csv, adapt study.yaml, then: radstudy run " + str(folder / "study.yaml"))
        return
    from radstudy.steps.start import OutcomeTable, start_from_import

    beside = private or source.resolve().with_name(source.resolve().name + ".private")
    table = None if outcomes is None else OutcomeTable(outcomes, id_column, beside, outcome, positive, tuple(clinical))
    started = start_from_import(folder, source, table)
    for file in started.files:
        typer.echo(file)
    for note in started.notes:
        say(note)
    fill = f"fill the outcome in {started.table}, " if table is None else ""
    say(f"Next: {fill}look through study.yaml, then: radstudy run {folder / 'study.yaml'} --step cohort")


def run(
    study: Annotated[Path, typer.Argument(help="The study file, such as study.yaml.")],
    step: Annotated[str, typer.Option(help="Stop after this step: cohort, prepare, extract, agree, model, "
                                           "evaluate or report.")] = "report",
    out: Annotated[Path | None, typer.Option(help="Folder of the results; by default runs/STUDY beside it.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder that the study file's paths start from; by default "
                                                   "the study file's own.")] = None,
    jobs: Jobs = None,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Run a study. A run that was stopped goes on where it stopped."""
    from radstudy.protocol import STEPS, load_protocol

    if step not in STEPS:
        raise UsageError(f"there is no step '{step}'; the steps are {', '.join(STEPS)}")
    protocol = load_protocol(study)
    where = out or study.parent / "runs" / study.stem
    from radstudy.study import run as run_study

    lost = run_study(protocol, data=_data_folder(data, study), out=where, until=step, jobs=jobs, say=say, bar=bar)
    _finish(where, lost, reported=step == "report", inspected=step in ("evaluate", "report"))


def check(
    study: Annotated[Path, typer.Argument(help="The study file, such as study.yaml.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the results, whose features are inspected if they are "
                                                  "there; by default runs/STUDY beside the study file.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder that the study file's paths start from; by default "
                                                   "the study file's own.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:  # fmt: skip
    """Look for what makes an AUC worthless, before any model is made: leaks, doubles, batches."""
    from radstudy.parallel import cores
    from radstudy.protocol import load_protocol
    from radstudy.steps.leaks import check_study

    protocol = load_protocol(study)
    where = out or study.parent / "runs" / study.stem
    checked = check_study(protocol, data=_data_folder(data, study), out=where, jobs=cores(), bar=bar)
    found = checked.found
    say(f"Looked at {'; '.join(checked.seen)}.")
    if as_json:
        typer.echo(json.dumps([vars(finding) for finding in found], indent=1, ensure_ascii=False))
    else:
        nothing = "\n".join(["No sign of:", *(f"- {sign}" for sign in checked.looked_for)])
        typer.echo("\n".join(map(str, found)) if found else nothing)
    errors = sum(finding.severity == "error" for finding in found)
    if errors:
        raise DataError(f"{errors} finding(s) to settle before any AUC of this study is believed")


def plan(
    study: Annotated[Path, typer.Argument(help="The study file, such as study.yaml.")],
    patients: Annotated[str, typer.Option(help="Sizes to simulate, such as 60,107,200.")] = "60,107,200",
    prevalence: Annotated[float, typer.Option(help="Share of positives.")] = 0.4,
    auc: Annotated[float, typer.Option(help="AUC to be expected in new patients; be modest.")] = 0.75,
    features: Annotated[int | None, typer.Option(min=1, help="Candidate features of a sequence; by default those of "
                                                             "the study file's extraction.")] = None,
    repeats: Annotated[int, typer.Option(min=0, help="Simulated studies of each size; 0 for none.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    jobs: Jobs = None,
) -> None:  # fmt: skip
    """How many patients a study needs, and what it may expect: Riley's criteria, and a simulation of its own models."""
    from radstudy.parallel import cores
    from radstudy.protocol import load_protocol
    from radstudy.steps.plan import as_text, plan_study

    sizes = [item.strip() for item in patients.split(",")]
    if not all(size.isdigit() and int(size) > 0 for size in sizes):
        raise UsageError(f"--patients takes whole numbers with commas between, not '{patients}'")
    for option, value, low in (("--prevalence", prevalence, 0), ("--auc", auc, 0.5)):
        if not low < value < 1:
            raise UsageError(f"{option} takes a number between {low:g} and 1, not {value:g}")
    made = plan_study(
        load_protocol(study), data=study.parent.resolve(), patients=[int(size) for size in sizes],
        prevalence=prevalence, auc=auc, features=features, repeats=repeats, jobs=jobs or cores(), say=say,
    )  # fmt: skip
    typer.echo(json.dumps(made, indent=1, ensure_ascii=False) if as_json else as_text(made))


def _data_folder(data: Path | None, study: Path) -> Path:
    root = (data or study.parent).resolve()
    if not root.is_dir():
        raise UsageError(f"the data folder {root} does not exist")
    return root


def _finish(out: Path, lost: int, *, reported: bool = True, inspected: bool = True) -> None:
    """Print where the report is, and raise what must not pass unseen: leaks that make every AUC worthless, lost cases.

    Parameters
    ----------
    out : the run's folder.
    lost : cases that could not be used.
    reported, inspected : whether this run has come to the report, and to the leak detector before it.
    """
    from radstudy.steps.leaks import leak_errors

    if reported:
        typer.echo(out / "report.html")
    problems = []
    if leaks := leak_errors(out) if inspected else []:
        where = "the top of the report and its section on leaks" if reported else f"{out}/evaluate/leaks/leaks.csv"
        problems.append(
            f"no AUC of this study can be trusted: the leak detector found {len(leaks)} error(s): {'; '.join(leaks)}. "
            f"To do: settle them; {where} says how"
        )
    if lost:
        where = "the report lists them" if reported else f"see failures.csv in the folders of {out}"
        problems.append(f"{lost} case(s) could not be used; {where}")
    if problems:
        raise DataError("\n".join(problems))
