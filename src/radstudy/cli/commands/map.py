"""`radstudy map`: map one feature over a lesion."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from radstudy.cli.command import Command
from radstudy.cli.lesion import ImageFile, Lesion, MaskFile, PixelSize
from radstudy.cli.terminal import label_of


def feature_map(
    image: ImageFile,
    mask: MaskFile,
    feature: Annotated[str, typer.Option(help="Full name of the feature, such as original_glcm_Contrast.")],
    out: Annotated[Path, typer.Option(help="Write the map to this .nii.gz, .nrrd or .mha file.")],
    radius: Annotated[int | None, typer.Option(help="Radius of the neighbourhood, in voxels; by default that of "
                                                    "the settings, or 1.")] = None,
    label: Lesion = None,
    pixel_size: PixelSize = None,
    settings: Annotated[Path | None, typer.Option(help="PyRadiomics parameter file; by default the reference "
                                                       "study's settings.")] = None,
) -> None:  # fmt: skip
    """Map one feature over a lesion: its value in the neighbourhood of every voxel, and NaN outside the lesion."""
    from radstudy.features.maps import feature_map as map_feature
    from radstudy.formats.raster import check_suffix
    from radstudy.owned import files_of, owning, refuse_foreign

    check_suffix(out)
    refuse_foreign(*files_of(out))
    computed = map_feature(
        image, mask, feature, settings, radius=radius, label=label_of(label), pixel_size_mm=pixel_size
    )
    with owning(*files_of(out)):
        computed.write(out)
    typer.echo(out)


COMMAND = Command(
    "map", feature_map, page="extraction.md", writes=True,
    wrong=("--image", "i.nii", "--mask", "m.nii", "--feature", "f", "--out", "m.png"), says="must end in one of .nii",
)  # fmt: skip
