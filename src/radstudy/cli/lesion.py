"""Options shared by the commands on one lesion: its files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from radstudy.imaging.masks.formats import listed

_IMAGE = typer.Option(help="NIfTI, NRRD or MetaImage file; or PNG, JPEG, TIFF, one DICOM image.")
_MASK = typer.Option(help=f"{listed()}.")
ImageFile = Annotated[Path, _IMAGE]
MaskFile = Annotated[Path, _MASK]
ImageFileOrBatch = Annotated[Path | None, _IMAGE]
MaskFileOrBatch = Annotated[Path | None, _MASK]
Lesion = Annotated[
    str | None,
    typer.Option(
        help="Number or name of the lesion's label in the mask, or 'largest' or 'union'; by default the only label."
    ),
]
PixelSize = Annotated[
    str | None,
    typer.Option(
        metavar="MM or MMxMM",
        help="Pixel size of a PNG, JPEG, TIFF or DICOM image that does not state it, such as 0.1 or 0.1x0.12 (across, "
        "then down).",
    ),
]
