"""`radstudy extract`: compute the features of one lesion."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from radstudy.cli.command import Command
from radstudy.cli.lesion import ImageFile, Lesion, MaskFile, PixelSize
from radstudy.cli.terminal import label_of
from radstudy.errors import UsageError


def extract(
    image: ImageFile,
    mask: MaskFile,
    label: Lesion = None,
    pixel_size: PixelSize = None,
    settings: Annotated[Path | None, typer.Option(help="PyRadiomics parameter file; by default the reference "
                                                       "study's 1,218 features.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write to this .csv or .json file, do not print.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of two columns.")] = False,
) -> None:  # fmt: skip
    """Compute the radiomics features of one lesion."""
    if out is not None and out.suffix.lower() not in (".csv", ".json"):
        raise UsageError(f"--out must end in .csv or .json, not '{out.suffix}'")
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


def _two_columns(features: dict[str, float]) -> str:
    return "".join(f"{name}\t{value!r}\n" for name, value in features.items())


COMMAND = Command(
    "extract", extract, page="extraction.md", writes=True,
    wrong=("--image", "i.nii", "--mask", "m.nii", "--out", "x.xls"), says=".csv or .json",
)  # fmt: skip
