"""`radstudy predict`: predict one patient's probability."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer

from radstudy.cli.command import Command
from radstudy.cli.terminal import label_of
from radstudy.errors import UsageError


def predict(
    signature: Annotated[Path, typer.Argument(help="The signature.json of a finished study.")],
    image: Annotated[list[str], typer.Option(help="SEQUENCE=FILE; repeat for each sequence.")] = [],  # noqa: B006
    mask: Annotated[list[str], typer.Option(help="SEQUENCE=FILE; repeat for each sequence.")] = [],  # noqa: B006
    clinical: Annotated[list[str], typer.Option(help="VARIABLE=VALUE; repeat for each variable.")] = [],  # noqa: B006
    reference: Annotated[list[str], typer.Option(help="SEQUENCE=FILE: mask of the reference tissue.")] = [],  # noqa: B006
    label: Annotated[
        str | None, typer.Option(help="Number or name of the lesion's label in the masks, or 'largest' or 'union'.")
    ] = None,
    outside_range: Annotated[
        bool,
        typer.Option("--outside-range", help="Also print the probability of a patient unlike those that the model was "
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


COMMAND = Command("predict", predict, page="predict.md", writes=False, wrong=(), says="Missing argument")
