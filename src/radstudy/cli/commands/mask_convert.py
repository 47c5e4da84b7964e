"""`radstudy mask convert`: put a mask onto its image's grid, in another format."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from radstudy.cli.command import Command
from radstudy.cli.terminal import label_of, say
from radstudy.imaging.masks.formats import listed, written_suffixes


def mask_convert(
    mask: Annotated[Path, typer.Argument(help=f"{listed()}.")],
    out: Annotated[Path, typer.Argument(help=f"File to write: {', '.join(written_suffixes())}.")],
    image: Annotated[Path, typer.Option(help="The image that the mask belongs to; the result has its grid.")],
    label: Annotated[list[str], typer.Option(help="Number or name of a region; may be repeated; or 'largest' or "
                                                  "'union'; by default the only region.")] = [],  # noqa: B006
    dicom: Annotated[Path | None, typer.Option(help="Folder of the DICOM series that the .dcm belongs to.")] = None,
    phase: Annotated[int | None, typer.Option(help="Volume of that series, from 1, if it holds several.")] = None,
    resample: Annotated[bool, typer.Option("--resample", help="Move mask voxels that lie between the image's voxels or "
                                                              "slices to the nearest.")] = False,
) -> None:  # fmt: skip
    """Put a mask onto its image's grid, in another format.

    The mask is placed by physical position; a mask that does not lie on the image's voxels is refused (docs/masks.md).
    """
    from radstudy.imaging.masks.write import write_rois
    from radstudy.imaging.roi import Roi
    from radstudy.imaging.volume import Volume
    from radstudy.owned import files_of, owning, refuse_foreign

    refuse_foreign(*files_of(out))
    grid = Volume.read(image)
    names = [label_of(name) for name in label] or [None]
    rois = [Roi.read(mask, name, grid, resample=resample) for name in names]
    with owning(*files_of(out)):
        write_rois(out, rois, dicom=dicom, phase=phase)
    for roi in rois:
        say("; ".join([f"{roi.label}: {roi.voxel_count} voxels, {roi.volume_mm3:.1f} mm3", *roi.notes]))
    typer.echo(out)


COMMAND = Command("mask convert", mask_convert, page="masks.md", writes=True, wrong=("m.nii", "o.nii"), says="--image")
