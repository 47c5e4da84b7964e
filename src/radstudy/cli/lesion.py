"""The commands of one lesion, or of one patient: features, maps, a probability."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from radstudy.cli.terminal import label_of
from radstudy.errors import UsageError
from radstudy.imaging.masks.formats import listed

ImageFile = Annotated[Path, typer.Option(help="NIfTI, NRRD or MetaImage file.")]
MaskFile = Annotated[Path, typer.Option(help=f"{listed()}.")]
Lesion = Annotated[
    str | None,
    typer.Option(help="Number or name of the lesion in the mask, or largest or union; by default the only one."),
]


def extract(
    image: ImageFile,
    mask: MaskFile,
    label: Lesion = None,
    settings: Annotated[Path | None, typer.Option(help="PyRadiomics parameter file; by default the reference "
                                                       "study's 1,218 features.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write F.csv or F.json instead of printing.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of two columns.")] = False,
) -> None:  # fmt: skip
    """Compute the radiomics features of one lesion."""
    if out is not None and out.suffix.lower() not in (".csv", ".json"):
        raise UsageError(f"--out must end in .csv or .json, not '{out.suffix}'")
    from radstudy.owned import owning, refuse_foreign
    from radstudy.store import plain, write_json, write_text

    if out is not None:
        refuse_foreign(out)
    from radstudy.features.extract import extract as extract_features

    features = extract_features(image, mask, settings, label=label_of(label))

    if out is None:
        typer.echo(json.dumps(plain(features), indent=1) if as_json else _two_columns(features), nl=as_json)
        return
    with owning(out):
        if out.suffix.lower() == ".json":
            write_json(out, features)
        else:
            write_text(out, "feature,value\n" + "".join(f"{name},{value!r}\n" for name, value in features.items()))


def feature_map(
    image: ImageFile,
    mask: MaskFile,
    feature: Annotated[str, typer.Option(help="Full name of the feature, such as original_glcm_Contrast.")],
    out: Annotated[Path, typer.Option(help="Write the map to this .nii.gz, .nrrd or .mha file.")],
    radius: Annotated[int | None, typer.Option(help="Of the neighbourhood, in voxels; by default the settings', "
                                                    "or 1.")] = None,
    label: Lesion = None,
    settings: Annotated[Path | None, typer.Option(help="PyRadiomics parameter file; by default the reference "
                                                       "study's.")] = None,
) -> None:  # fmt: skip
    """Map one feature over a lesion: its value in the neighbourhood of every voxel, NaN outside."""
    from radstudy.features.maps import feature_map as map_feature
    from radstudy.formats.raster import check_suffix
    from radstudy.owned import files_of, owning, refuse_foreign

    check_suffix(out)
    refuse_foreign(*files_of(out))
    made = map_feature(image, mask, feature, settings, radius=radius, label=label_of(label))
    with owning(*files_of(out)):
        made.write(out)
    typer.echo(out)


def predict(
    signature: Annotated[Path, typer.Argument(help="signature.json of a finished study.")],
    image: Annotated[list[str], typer.Option(help="SEQUENCE=FILE, once for each sequence.")] = [],  # noqa: B006
    mask: Annotated[list[str], typer.Option(help="SEQUENCE=FILE, once for each sequence.")] = [],  # noqa: B006
    clinical: Annotated[list[str], typer.Option(help="VARIABLE=VALUE, once for each variable.")] = [],  # noqa: B006
    reference: Annotated[list[str], typer.Option(help="SEQUENCE=FILE, mask of the reference tissue.")] = [],  # noqa: B006
    label: Annotated[
        str | None, typer.Option(help="Number or name of the lesion in the masks, or largest or union.")
    ] = None,
    outside_range: Annotated[
        bool,
        typer.Option("--outside-range", help="Print the probability also of a patient unlike those whom the model was "
                                             "trained on, below the reasons against it."),
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:  # fmt: skip
    """Predict one patient's probability from images, masks and clinical values. For research, not for care."""
    from radstudy.signature.applicability import UnlikeTrainingError
    from radstudy.signature.document import read_signature
    from radstudy.signature.predict import predict_patient, refused
    from radstudy.store import plain

    model = read_signature(signature)
    try:
        result = predict_patient(
            model,
            images={name: Path(value) for name, value in _pairs(image, "--image")},
            masks={name: Path(value) for name, value in _pairs(mask, "--mask")},
            clinical=dict(_pairs(clinical, "--clinical")),
            label=label_of(label),
            references={name: Path(value) for name, value in _pairs(reference, "--reference")},
            outside_range=outside_range,
        )
    except UnlikeTrainingError as error:
        if as_json:
            typer.echo(json.dumps(plain(refused(model, error.findings)), indent=1, ensure_ascii=False))
        raise
    typer.echo(json.dumps(result.as_dict(), indent=1, ensure_ascii=False) if as_json else result.as_text())


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
