"""`radstudy import`: DICOM becomes volumes named by role."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from radstudy.cli.command import Command
from radstudy.cli.terminal import Debug, bar, say
from radstudy.errors import DataError


def import_(  # noqa: PLR0913, PLR0917  the options of the command
    source: Annotated[str, typer.Argument(help="A folder, a .zip, a DICOMDIR, https://.../dicom-web or "
                                               "dimse://TITLE@host:port; read only.")],
    out: Annotated[Path, typer.Option(help="Folder for volumes and tables; made if needed.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be done; write nothing.")] = False,
    examination: Annotated[str, typer.Option(help="Of a patient with several: first or last; by default all of "
                                                  "them go to review.")] = "",
    private: Annotated[Path | None, typer.Option(help="Folder for what identifies patients; by default OUT.private "
                                                      "beside OUT.")] = None,
    pseudonyms: Annotated[Path | None, typer.Option(help="Table of pseudonyms, to share between imports; by default "
                                                         "in the private folder.")] = None,
    rules: Annotated[Path | None, typer.Option(help="Your own rules for roles, a changed copy of roles.yaml.")] = None,
    readers: Annotated[list[str], typer.Option(help="Who drew a mask: a folder or file name with {reader}, such as "
                                                    "'annotations/{reader}/'; or description:, creator: or operators: "
                                                    "with a pattern. Several: the first that fits.")] = [],  # noqa: B006
    patient: Annotated[str, typer.Option(help="Of a server: this PatientID; * and ? are wildcards.")] = "",
    study: Annotated[str, typer.Option(help="Of a server: this StudyInstanceUID.")] = "",
    own_title: Annotated[str, typer.Option(help="Our application entity title, as the PACS knows it.")] = "RADSTUDY",
    move_port: Annotated[int | None, typer.Option(help="Fetch by C-MOVE to this port instead of by C-GET.")] = None,
    move_address: Annotated[str, typer.Option(help="With --move-port: this computer's address to receive on; by "
                                                   "default the one that faces the PACS.")] = "",
    move_from: Annotated[list[str], typer.Option(help="With --move-port: who may send beside the PACS itself, "
                                                      "TITLE@ADDRESS or *@NETWORK. Several.")] = [],  # noqa: B006
    debug: Debug = False,
) -> None:  # fmt: skip
    """Import examinations: DICOM series become volumes named by role, segmentations masks, names pseudonyms.

    Nothing is changed in the source. OUT then holds PATIENT/ROLE.nii.gz, PATIENT/masks/, cohort.csv to fill, and
    review.html with what a reader has to decide: write it into review.csv or review.xlsx and run the same command
    again. Segmentations (SEG, RTSTRUCT, .seg.nrrd) lie among the images; SEG and RTSTRUCT may come later, in a source
    of their own. OUT.private identifies the patients: keep it to yourself. All in docs/import.md.
    """
    from radstudy.intake.connect import server_of
    from radstudy.intake.pull import asked, describe_offered, pull
    from radstudy.intake.rules import load_rules
    from radstudy.intake.run import Options, describe, run_import
    from radstudy.intake.sources import open_source

    beside = private or out.with_name(out.name + ".private")
    options = Options(out, beside, pseudonyms, rules, examination, dry_run, tuple(readers))
    server = server_of(source, own_title=own_title, move_port=move_port, move_address=move_address,
                       move_from=move_from)  # fmt: skip
    if server is not None and dry_run:
        typer.echo(describe_offered(asked(server, patient, study), load_rules(rules)))
        return
    images = open_source(source) if server is None else pull(server, beside, patient=patient, study=study, say=say,
                                                             bar=bar)  # fmt: skip
    outcome = run_import(images, options, say=say, bar=bar)
    typer.echo(describe(outcome))
    if outcome.to_review and not dry_run:
        say(f"Next: look at {out / 'review.html'}, answer in {out / 'review.csv'} or review.xlsx, import again.")
    if outcome.failures:
        raise DataError("\n  ".join(["not all could be imported:", *outcome.failures]))


COMMAND = Command(
    "import", import_, page="import.md", writes=True, wrong=("nothing", "--out", "o"), says="no such folder"
)
