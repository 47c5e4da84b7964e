"""`radstudy import`: turn DICOM series into volumes named by role."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from radstudy.cli.command import Command
from radstudy.cli.terminal import Debug, bar, say
from radstudy.errors import DataError


def import_(  # noqa: PLR0913, PLR0917  the options of the command
    source: Annotated[str, typer.Argument(help="A folder, a .zip, a DICOMDIR, https://.../dicom-web or "
                                               "dimse://TITLE@host:port; it is only read.")],
    out: Annotated[Path, typer.Option(help="Folder for volumes and tables; created if needed.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done, and write nothing.")] = False,
    examination: Annotated[str, typer.Option(help="For patients with several: first or last; by default all "
                                                  "go to review.")] = "",
    private: Annotated[Path | None, typer.Option(help="Folder for data that identify patients; by default "
                                                      "OUT.private, next to OUT.")] = None,
    pseudonyms: Annotated[Path | None, typer.Option(help="Table of pseudonyms, which imports can share; by default "
                                                         "in the private folder.")] = None,
    rules: Annotated[Path | None, typer.Option(help="Your own rules for roles: an edited copy of roles.yaml.")] = None,
    readers: Annotated[list[str], typer.Option(help="How to find who drew a mask: a folder or file name with "
                                                    "{reader}, such as 'annotations/{reader}/'; or description:, "
                                                    "creator: or operators: with a pattern. May be repeated: the "
                                                    "first that matches.")] = [],  # noqa: B006
    patient: Annotated[str, typer.Option(help="From a server: only this PatientID; * and ? are wildcards. @FILE reads "
                                              "it from a file, which keeps it off the command line.")] = "",
    study: Annotated[str, typer.Option(help="From a server: only this StudyInstanceUID, or @FILE.")] = "",
    own_title: Annotated[str, typer.Option(help="Our application entity title, as set at the PACS.")] = "RADSTUDY",
    move_port: Annotated[int | None, typer.Option(help="Fetch by C-MOVE to this port instead of by C-GET.")] = None,
    move_address: Annotated[str, typer.Option(help="With --move-port: the address of this computer that receives; "
                                                   "by default the one that faces the PACS.")] = "",
    move_from: Annotated[list[str], typer.Option(help="With --move-port: who may send besides the PACS itself, "
                                                      "TITLE@ADDRESS or *@NETWORK. May be repeated.")] = [],  # noqa: B006
    debug: Debug = False,
) -> None:  # fmt: skip
    """Import examinations: series become volumes named by role, segmentations become masks, names become pseudonyms.

    The source is not changed. OUT then holds PATIENT/ROLE.nii.gz, PATIENT/masks/, cohort.csv to fill in, and
    review.html with the questions that a reader has to answer: write the answers in review.csv or review.xlsx and run
    the same command again. Segmentations (SEG, RTSTRUCT, .seg.nrrd) are found among the images; SEG and RTSTRUCT may
    also be imported later from a separate source. OUT.private identifies the patients: keep it to yourself.
    docs/import.md has the details.
    """
    from radstudy.intake.connect import asked_for, server_of
    from radstudy.intake.pull import asked, describe_offered, pull
    from radstudy.intake.rules import load_rules
    from radstudy.intake.run import Options, describe, run_import
    from radstudy.intake.sources import open_source
    from radstudy.working import only_run

    beside = private or out.with_name(out.name + ".private")
    options = Options(out, beside, pseudonyms, rules, examination, dry_run, tuple(readers))
    server = server_of(source, own_title=own_title, move_port=move_port, move_address=move_address,
                       move_from=move_from)  # fmt: skip
    patient, study = asked_for(patient), asked_for(study)
    if server is not None and dry_run:
        typer.echo(describe_offered(asked(server, patient, study), load_rules(rules)))
        return
    if server is None:
        images = open_source(source)
    else:
        with only_run(out):  # so that it stops when it is asked to
            images = pull(server, beside, patient=patient, study=study, say=say, bar=bar)
    outcome = run_import(images, options, say=say, bar=bar)
    typer.echo(describe(outcome))
    if outcome.to_review and not dry_run:
        say(f"Next: look at {out / 'review.html'}, answer in {out / 'review.csv'} or review.xlsx, and import again.")
    if outcome.failures:
        raise DataError("\n  ".join(["not everything could be imported:", *outcome.failures]))


COMMAND = Command(
    "import", import_, page="import.md", writes=True, wrong=("nothing", "--out", "o"), says="no such folder"
)
