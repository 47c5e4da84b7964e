"""`radstudy extract`: compute the features of one lesion, or of each row of a table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from radstudy.cli.command import Command
from radstudy.cli.lesion import ImageFileOrBatch, Lesion, MaskFileOrBatch, PixelSize
from radstudy.cli.terminal import Debug, Jobs, bar, label_of, say
from radstudy.errors import DataError, UsageError

if TYPE_CHECKING:
    from radstudy.batch.run import BatchOutcome
    from radstudy.batch.table import BatchTable

_TOLD = 10  # failures that are printed


def extract(  # noqa: PLR0913, PLR0917 - the command's options
    image: ImageFileOrBatch = None,
    mask: MaskFileOrBatch = None,
    label: Lesion = None,
    pixel_size: PixelSize = None,
    batch: Annotated[Path | None, typer.Option(help="Many lesions instead of one: a CSV or XLSX with the columns "
                                                    "Image, Mask and (optional) Label, or a folder with two "
                                                    "patterns.")] = None,
    image_pattern: Annotated[str, typer.Option(help="With a folder: path of the images in it, such as "
                                                    "'{patient}/image.nii.gz'.")] = "",
    mask_pattern: Annotated[str, typer.Option(help="With a folder: path of the masks in it, such as "
                                                   "'{patient}/mask*.nii.gz'.")] = "",
    settings: Annotated[Path | None, typer.Option(help="PyRadiomics parameter file; by default the reference "
                                                       "study's 1,218 features.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write to this .csv or .json file, do not print; with --batch a .csv "
                                                  "or .parquet file.")] = None,
    jobs: Jobs = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of two columns.")] = False,
    debug: Debug = False,
) -> None:  # fmt: skip
    """Compute the radiomics features of one lesion, or of each row of a table.

    A batch that was stopped goes on where it was when the same command is given again. A case that fails never stops
    the others: it is listed, with what to do, in NAME.failures.csv beside the features, and the exit code is 4.
    """
    if batch is not None:
        if image is not None or mask is not None or label is not None or as_json:
            raise UsageError("--batch has the lesions: leave out --image, --mask, --label and --json")
        _extract_batch(batch, (image_pattern, mask_pattern), settings, out, jobs, pixel_size)
        return
    if image_pattern or mask_pattern or jobs is not None:
        raise UsageError("--image-pattern, --mask-pattern and --jobs belong to --batch")
    if image is None or mask is None:
        lacking = "--image" if image is None else "--mask"
        raise UsageError(f"{lacking} is missing: give --image and --mask, or --batch for many lesions")
    _extract_one(image, mask, label, pixel_size, settings, out, as_json=as_json)


def _extract_one(
    image: Path,
    mask: Path,
    label: str | None,
    pixel_size: str | None,
    settings: Path | None,
    out: Path | None,
    *,
    as_json: bool,
) -> None:
    if out is not None and out.suffix.lower() not in (".csv", ".json"):
        more = "; .parquet belongs to --batch" if out.suffix.lower() == ".parquet" else ""
        raise UsageError(f"--out must end in .csv or .json, not '{out.suffix}'{more}")
    from radstudy.owned import owning, refuse_foreign
    from radstudy.store import plain, write_json, write_text

    if out is not None:
        refuse_foreign(out)
    from radstudy.features.ahead import compile_ahead
    from radstudy.features.extract import extract as extract_features

    compile_ahead()
    features = extract_features(image, mask, settings, label=label_of(label), pixel_size_mm=pixel_size)

    if out is None:
        typer.echo(json.dumps(plain(features), indent=1) if as_json else _two_columns(features), nl=as_json)
        return
    with owning(out):
        if out.suffix.lower() == ".json":
            write_json(out, features)
        else:
            write_text(out, "feature,value\n" + "".join(f"{name},{value!r}\n" for name, value in features.items()))


def _extract_batch(
    batch: Path,
    patterns: tuple[str, str],
    settings: Path | None,
    out: Path | None,
    jobs: int | None,
    pixel_size: str | None,
) -> None:
    if out is None:
        raise UsageError("--out is missing: with --batch, name a .csv or .parquet file for the features")
    from radstudy.batch.run import check_out, run_batch

    check_out(out, batch)
    table = _cases(batch, *patterns)
    for note in table.notes:
        say(note)
    outcome = run_batch(table, out, settings, jobs=jobs, pixel_size_mm=pixel_size, say=say, bar=bar)
    typer.echo(outcome.out)
    _tell(outcome)


def _cases(batch: Path, image_pattern: str, mask_pattern: str) -> BatchTable:
    from radstudy.batch.patterns import cases_in_folder
    from radstudy.batch.table import read_batch_table

    if image_pattern and mask_pattern:
        return cases_in_folder(batch, image_pattern, mask_pattern)
    if image_pattern or mask_pattern or batch.is_dir():
        raise UsageError("a folder needs both --image-pattern and --mask-pattern, such as '{patient}/image.nii.gz' and "
                         "'{patient}/mask.nii.gz'; a table needs neither")  # fmt: skip
    return read_batch_table(batch)


def _tell(outcome: BatchOutcome) -> None:
    """Say what was done.

    Raises
    ------
    DataError : some cases have no features.
    """
    from radstudy.errors import grouped

    kept = f", {outcome.kept} of them by an earlier call" if outcome.kept else ""
    say(f"{outcome.cases - len(outcome.failures)} of {outcome.cases} cases have features{kept}")
    if outcome.failures:
        lines = grouped(failure.error for _, failure in outcome.failures)
        more = f"\n  and {len(lines) - _TOLD} more" if len(lines) > _TOLD else ""
        heading = f"{len(outcome.failures)} of {outcome.cases} cases have no features, see {outcome.failures_file}:"
        raise DataError("\n  ".join([heading, *lines[:_TOLD]]) + more)


def _two_columns(features: dict[str, float]) -> str:
    return "".join(f"{name}\t{value!r}\n" for name, value in features.items())


COMMAND = Command(
    "extract", extract, page="extraction.md", writes=True,
    wrong=("--image", "i.nii", "--mask", "m.nii", "--out", "x.xls"), says=".csv or .json",
)  # fmt: skip
