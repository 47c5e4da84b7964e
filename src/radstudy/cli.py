"""The command line: parse, call, print. Results go to stdout or files, messages to stderr."""

from __future__ import annotations

import errno
import json
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from radstudy._version import __version__
from radstudy.errors import DataError, RadstudyError, StorageError, UsageError

app = typer.Typer(
    name="radstudy",
    help="A multiparametric-MRI radiomics study, from images and masks to the tables, figures and model.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
mask_app = typer.Typer(help="Masks of every kind: DICOM SEG, RTSTRUCT, .seg.nrrd, label maps.", no_args_is_help=True)
app.add_typer(mask_app, name="mask")
_OF_THE_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EISDIR}
Jobs = Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Processes; by default all cores.")]


def main() -> None:
    """Run the command line; expected errors become a message and an exit code, never a traceback."""
    try:
        app()
    except RadstudyError as error:
        typer.echo(f"radstudy: {error}", err=True)
        sys.exit(error.exit_code)
    except OSError as error:
        if error.errno not in _OF_THE_DISK:
            raise
        typer.echo(f"radstudy: {StorageError(error.filename or 'a file', error.strerror or str(error))}", err=True)
        sys.exit(StorageError.exit_code)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"radstudy {__version__}")
        raise typer.Exit


@app.callback()
def _radstudy(
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and stop.")
    ] = False,
) -> None:
    """Options of the program itself."""


@app.command()
def demo(
    patients: Annotated[int, typer.Option(help="How many synthetic patients; the reference study had 107.")] = 107,
    out: Annotated[Path, typer.Option(help="Folder for the cohort and the results.")] = Path("radstudy-demo"),
    seed: Annotated[int, typer.Option(min=0, help="Seed of the cohort and of the study.")] = 20260114,
    null: Annotated[bool, typer.Option("--null", help="Permute the outcome: nothing is associated with it.")] = False,
    jobs: Jobs = None,
) -> None:
    """Make a SYNTHETIC cohort and run the whole reference protocol on it."""
    from radstudy.demo.run import run_demo

    lost = run_demo(out, patients=patients, seed=seed, null=null, jobs=jobs, say=_say, bar=_bar)
    _finish(out, lost)


@app.command()
def init(folder: Annotated[Path, typer.Argument(help="Folder for study.yaml and cohort.csv; made if needed.")]) -> None:
    """Write a commented study.yaml and a cohort.csv with the columns to fill."""
    from radstudy.protocol.template import write_template

    for file in write_template(folder):
        typer.echo(file)
    _say("Next: fill cohort.csv, adapt study.yaml, then: radstudy run " + str(folder / "study.yaml"))


@app.command()
def run(
    study: Annotated[Path, typer.Argument(help="The study file, such as study.yaml.")],
    step: Annotated[str, typer.Option(help="Stop after this step: cohort, prepare, extract, agree, model, "
                                           "evaluate or report.")] = "report",
    out: Annotated[Path | None, typer.Option(help="Folder of the results; by default runs/STUDY beside it.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder that the study file's paths start from; by default "
                                                   "the study file's own.")] = None,
    jobs: Jobs = None,
) -> None:  # fmt: skip
    """Run a study. A run that was stopped goes on where it stopped."""
    from radstudy.protocol import STEPS, load_protocol

    if step not in STEPS:
        raise UsageError(f"there is no step '{step}'; the steps are {', '.join(STEPS)}")
    protocol = load_protocol(study)
    where = out or study.parent / "runs" / study.stem
    from radstudy.study import run as run_study

    lost = run_study(protocol, data=_data_folder(data, study), out=where, until=step, jobs=jobs, say=_say, bar=_bar)
    _finish(where, lost, reported=step == "report")


@app.command("import")
def import_(
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
    patient: Annotated[str, typer.Option(help="Of a server: this PatientID; * and ? are wildcards.")] = "",
    study: Annotated[str, typer.Option(help="Of a server: this StudyInstanceUID.")] = "",
    own_title: Annotated[str, typer.Option(help="Our application entity title, as the PACS knows it.")] = "RADSTUDY",
    move_port: Annotated[int | None, typer.Option(help="Fetch by C-MOVE to this port instead of by C-GET.")] = None,
) -> None:  # fmt: skip
    """Import examinations: DICOM series become volumes named by role, segmentations masks, names pseudonyms.

    Nothing is changed in the source. OUT then holds PATIENT/ROLE.nii.gz, PATIENT/masks/, cohort.csv to fill, and
    review.html with what a reader has to decide: write it into review.csv and run the same command again.
    Segmentations (SEG, RTSTRUCT) lie among the images or come later, in a source of their own. OUT.private identifies
    the patients: keep it to yourself. All in docs/import.md.
    """
    from radstudy.intake.connect import server_of
    from radstudy.intake.pull import asked, describe_offered, pull
    from radstudy.intake.rules import load_rules
    from radstudy.intake.run import Options, describe, run_import
    from radstudy.intake.sources import open_source

    beside = private or out.with_name(out.name + ".private")
    options = Options(out, beside, pseudonyms, rules, examination, dry_run)
    server = server_of(source, own_title=own_title, move_port=move_port)
    if server is not None and dry_run:
        typer.echo(describe_offered(asked(server, patient, study), load_rules(rules)))
        return
    images = open_source(source) if server is None else pull(server, beside, patient=patient, study=study, say=_say,
                                                             bar=_bar)  # fmt: skip
    outcome = run_import(images, options, say=_say, bar=_bar)
    typer.echo(describe(outcome))
    if outcome.to_review and not dry_run:
        _say(f"Next: look at {out / 'review.html'}, fill the column role of {out / 'review.csv'}, import again.")
    if outcome.failures:
        raise DataError("\n  ".join(["not all could be imported:", *outcome.failures]))


@app.command()
def check(
    study: Annotated[Path, typer.Argument(help="The study file, such as study.yaml.")],
    out: Annotated[Path | None, typer.Option(help="Folder of the results, whose features are inspected if they are "
                                                  "there; by default runs/STUDY beside the study file.")] = None,
    data: Annotated[Path | None, typer.Option(help="Folder that the study file's paths start from; by default "
                                                   "the study file's own.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:  # fmt: skip
    """Look for what makes an AUC worthless, before any model is made: leaks, doubles, batches."""
    from radstudy.protocol import load_protocol
    from radstudy.steps.leaks import check_study

    protocol = load_protocol(study)
    found, seen = check_study(protocol, data=_data_folder(data, study), out=out or study.parent / "runs" / study.stem)
    _say(f"Looked at {'; '.join(seen)}.")
    if as_json:
        typer.echo(json.dumps([vars(finding) for finding in found], indent=1, ensure_ascii=False))
    else:
        typer.echo("\n".join(map(str, found)) if found else "Nothing was found.")
    errors = sum(finding.severity == "error" for finding in found)
    if errors:
        raise DataError(f"{errors} finding(s) to settle before any AUC of this study is believed")


@app.command()
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
    import os

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
        prevalence=prevalence, auc=auc, features=features, repeats=repeats, jobs=jobs or os.cpu_count() or 1, say=_say,
    )  # fmt: skip
    typer.echo(json.dumps(made, indent=1, ensure_ascii=False) if as_json else as_text(made))


@app.command()
def extract(
    image: Annotated[Path, typer.Option(help="NIfTI, NRRD or MetaImage file.")],
    mask: Annotated[Path, typer.Option(help="Label map, DICOM SEG, RTSTRUCT or .seg.nrrd.")],
    label: Annotated[str | None, typer.Option(help="Number or name of the lesion in the mask, or largest or union; by "
                                                   "default the only one.")] = None,
    settings: Annotated[Path | None, typer.Option(help="PyRadiomics parameter file; by default the reference "
                                                       "study's 1,218 features.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write F.csv or F.json instead of printing.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of two columns.")] = False,
) -> None:  # fmt: skip
    """Compute the radiomics features of one lesion."""
    if out is not None and out.suffix.lower() not in (".csv", ".json"):
        raise UsageError(f"--out must end in .csv or .json, not '{out.suffix}'")
    from radstudy.features.extract import extract as extract_features

    features = extract_features(image, mask, settings, label=_label(label))
    from radstudy.store import plain, write_json, write_text

    if out is None:
        typer.echo(json.dumps(plain(features), indent=1) if as_json else _two_columns(features), nl=as_json)
    elif out.suffix.lower() == ".json":
        write_json(out, features)
    else:
        write_text(out, "feature,value\n" + "".join(f"{name},{value!r}\n" for name, value in features.items()))


@app.command("map")
def feature_map(
    image: Annotated[Path, typer.Option(help="NIfTI, NRRD or MetaImage file.")],
    mask: Annotated[Path, typer.Option(help="Label map, DICOM SEG, RTSTRUCT or .seg.nrrd.")],
    feature: Annotated[str, typer.Option(help="Full name of the feature, such as original_glcm_Contrast.")],
    out: Annotated[Path, typer.Option(help="Write the map to this .nii.gz, .nrrd or .mha file.")],
    radius: Annotated[int | None, typer.Option(help="Of the neighbourhood, in voxels; by default the settings', "
                                                    "or 1.")] = None,
    label: Annotated[str | None, typer.Option(help="Number or name of the lesion in the mask, or largest or union; by "
                                                   "default the only one.")] = None,
    settings: Annotated[Path | None, typer.Option(help="PyRadiomics parameter file; by default the reference "
                                                       "study's.")] = None,
) -> None:  # fmt: skip
    """Map one feature over a lesion: its value in the neighbourhood of every voxel, NaN outside."""
    from radstudy.features.maps import feature_map as map_feature
    from radstudy.formats.raster import check_suffix

    check_suffix(out)
    made = map_feature(image, mask, feature, settings, radius=radius, label=_label(label))
    made.write(out)
    typer.echo(out)


@mask_app.command("list")
def mask_list(mask: Annotated[Path, typer.Argument(help="Label map, DICOM SEG, RTSTRUCT or .seg.nrrd.")]) -> None:
    """Print the number and name of every region in a mask file."""
    from radstudy.imaging.mask_files import segments_of

    for segment in segments_of(mask):
        typer.echo(f"{segment.number}\t{segment.name}" + ("" if segment.drawn else "\t(empty)"))


@mask_app.command("convert")
def mask_convert(
    mask: Annotated[Path, typer.Argument(help="Label map, DICOM SEG, RTSTRUCT or .seg.nrrd.")],
    out: Annotated[Path, typer.Argument(help="File to write: .nii.gz, .nrrd, .mha, .seg.nrrd or .dcm (DICOM SEG).")],
    image: Annotated[Path, typer.Option(help="The image that the mask belongs to: its grid is the result's.")],
    label: Annotated[list[str], typer.Option(help="Number or name of a region, once for each; largest or union; by "
                                                  "default the only one.")] = [],  # noqa: B006
    dicom: Annotated[Path | None, typer.Option(help="Folder of the DICOM series that a .dcm belongs to.")] = None,
    phase: Annotated[int | None, typer.Option(help="Volume of that series, from 1, where it holds several.")] = None,
    resample: Annotated[bool, typer.Option("--resample", help="Take what lies between the image's voxels or slices to "
                                                              "the nearest.")] = False,
) -> None:  # fmt: skip
    """Put a mask onto its image's grid, in another format.

    It is placed by physical position; what does not lie on the image's voxels is refused. docs/masks.md.
    """
    from radstudy.imaging.mask_write import write_rois
    from radstudy.imaging.roi import Roi
    from radstudy.imaging.volume import Volume

    grid = Volume.read(image)
    names = [_label(name) for name in label] or [None]
    rois = [Roi.read(mask, name, grid, resample=resample) for name in names]
    write_rois(out, rois, dicom=dicom, phase=phase)
    for roi in rois:
        _say(f"{roi.label}: {roi.voxel_count} voxels, {roi.volume_mm3:.1f} mm3")
    typer.echo(out)


@app.command()
def derive(
    table: Annotated[Path, typer.Argument(help="Cohort table (CSV or XLSX), one row a lesion.")],
    recipe: Annotated[Path, typer.Option(help="YAML file: which maps and figures, of which images.")],
    out: Annotated[Path, typer.Option(help="Folder of the maps and the new table.")],
    data: Annotated[Path | None, typer.Option(help="Folder that relative paths start from; by default the "
                                                   "table's own.")] = None,
    jobs: Jobs = None,
) -> None:  # fmt: skip
    """Make ADC and enhancement maps, curve types, diameters and motion figures of a cohort.

    The recipe says which, of which images; times come from the sidecars of `radstudy import` where it does not give
    them. docs/parametric.md has one to copy. TABLE stays as it is: a new one with the maps and figures is written
    into OUT. A case that fails is named in its column derive_failed, and the others go on.
    """
    from radstudy.derive.run import derive as derive_cohort

    written, lost = derive_cohort(table, recipe, out, data=data, jobs=jobs, say=_say, bar=_bar)
    typer.echo(written)
    if lost:
        raise DataError(f"{lost} row(s) lack something; see the column derive_failed of {written}")


@app.command()
def predict(
    signature: Annotated[Path, typer.Argument(help="signature.json of a finished study.")],
    image: Annotated[list[str], typer.Option(help="SEQUENCE=FILE, once for each sequence.")] = [],  # noqa: B006
    mask: Annotated[list[str], typer.Option(help="SEQUENCE=FILE, once for each sequence.")] = [],  # noqa: B006
    clinical: Annotated[list[str], typer.Option(help="VARIABLE=VALUE, once for each variable.")] = [],  # noqa: B006
    reference: Annotated[list[str], typer.Option(help="SEQUENCE=FILE, mask of the reference tissue.")] = [],  # noqa: B006
    label: Annotated[
        str | None, typer.Option(help="Number or name of the lesion in the masks, or largest or union.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Predict one patient's probability from images, masks and clinical values. For research, not for care."""
    from radstudy.signature.document import read_signature
    from radstudy.signature.predict import predict_patient

    model = read_signature(signature)
    result = predict_patient(
        model,
        images={name: Path(value) for name, value in _pairs(image, "--image")},
        masks={name: Path(value) for name, value in _pairs(mask, "--mask")},
        clinical=dict(_pairs(clinical, "--clinical")),
        label=_label(label),
        references={name: Path(value) for name, value in _pairs(reference, "--reference")},
    )
    typer.echo(json.dumps(result.as_dict(), indent=1, ensure_ascii=False) if as_json else result.as_text())


def _label(text: str | None) -> int | str | None:
    """A number, a segment's name, largest or union."""
    if text is None or not text.lstrip("-").isdigit():
        return text
    if int(text) < 1:
        raise UsageError(f"--label takes a number from 1, a segment's name, largest or union, not '{text}'")
    return int(text)


def _data_folder(data: Path | None, study: Path) -> Path:
    root = (data or study.parent).resolve()
    if not root.is_dir():
        raise UsageError(f"the data folder {root} does not exist")
    return root


def _pairs(given: list[str], option: str) -> Iterator[tuple[str, str]]:
    seen = set()
    for item in given:
        name, sign, value = item.partition("=")
        if not sign or not name or not value:
            raise UsageError(f"{option} takes NAME=VALUE, not '{item}'")
        if name in seen:
            raise UsageError(f"{option} names '{name}' twice")
        seen.add(name)
        yield name, value


def _two_columns(features: dict[str, float]) -> str:
    return "".join(f"{name}\t{value!r}\n" for name, value in features.items())


def _finish(out: Path, lost: int, *, reported: bool = True) -> None:
    if reported:
        typer.echo(out / "report.html")
    if lost:
        where = "the report lists them" if reported else f"see failures.csv in the folders of {out}"
        raise DataError(f"{lost} case(s) could not be used; {where}")


def _say(message: str) -> None:
    typer.echo(message, err=True)


def _bar(items: Iterable[Any], total: int, what: str) -> Iterable[Any]:
    """A progress bar on a terminal; nothing elsewhere."""
    if not sys.stderr.isatty():
        return items
    from rich.console import Console
    from rich.progress import track

    return track(items, description=what, total=total, console=Console(stderr=True), transient=True)
