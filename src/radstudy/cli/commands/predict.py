"""`radstudy predict`: predict one patient's probability."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from radstudy.cli.command import Command
from radstudy.cli.terminal import label_of, say
from radstudy.errors import DataError, RefusedError, UsageError

if TYPE_CHECKING:
    from radstudy.signature.document import Signature
    from radstudy.signature.predict import Prediction


def predict(  # noqa: PLR0913, PLR0917 - the command's options
    signature: Annotated[Path, typer.Argument(help="The signature.json of a finished study.")],
    image: Annotated[list[str], typer.Option(help="SEQUENCE=FILE; repeat for each sequence.")] = [],  # noqa: B006
    mask: Annotated[list[str], typer.Option(help="SEQUENCE=FILE; repeat for each sequence.")] = [],  # noqa: B006
    clinical: Annotated[list[str], typer.Option(help="VARIABLE=VALUE; repeat for each variable.")] = [],  # noqa: B006
    reference: Annotated[list[str], typer.Option(help="SEQUENCE=FILE: mask of the reference tissue.")] = [],  # noqa: B006
    dicom: Annotated[str, typer.Option(help="A folder, a .zip or a DICOMDIR with one patient's examination: images by "
                                            "their roles, masks from its SEG or RTSTRUCT, if not given above.")] = "",
    role: Annotated[list[str], typer.Option(help="SEQUENCE=ROLE: with --dicom, the role of a sequence that the import "
                                                 "names differently, such as DWI=DWI_b1000.")] = [],  # noqa: B006
    reader: Annotated[str, typer.Option(help="With --dicom: whose drawing, if several are there.")] = "",
    region: Annotated[str, typer.Option(help="With --dicom: name of the drawn region, if several are there.")] = "",
    examination: Annotated[str, typer.Option(help="With --dicom: first or last, if there are several.")] = "",
    rules: Annotated[Path | None, typer.Option(help="With --dicom: your own rules for roles, as for import.")] = None,
    readers: Annotated[list[str], typer.Option(help="With --dicom: how to find who drew a mask, as for import. May be "
                                                    "repeated.")] = [],  # noqa: B006
    label: Annotated[
        str | None, typer.Option(help="Number or name of the lesion's label in the masks, or 'largest' or 'union'.")
    ] = None,
    outside_range: Annotated[
        bool,
        typer.Option("--outside-range", help="Also print the probability of a patient unlike those that the model was "
                                             "trained on, below the reasons against it."),
    ] = False,
    table: Annotated[Path | None, typer.Option(help="A CSV of many patients instead of one: features, or files in "
                                                    "image:SEQUENCE and mask:SEQUENCE.")] = None,
    html: Annotated[Path | None, typer.Option(help="Also write a page to look at, of one patient.")] = None,
    out: Annotated[Path | None, typer.Option(help="With --table: the CSV of the predictions; by default they are "
                                                  "printed.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:  # fmt: skip
    """Predict the probability of one patient, or of each row of a table. For research, not for care."""
    from radstudy.owned import refuse_foreign
    from radstudy.signature.document import read_signature
    from radstudy.signature.predict import predict_patient

    how = [*role, reader, region, examination, *readers, *([str(rules)] if rules else [])]
    _require_one_way(table, [*image, *mask, *clinical, *reference, dicom], label, html, out)
    if any(how) and not dicom:
        raise UsageError("--role, --reader, --region, --examination, --rules and --readers belong to --dicom")
    refuse_foreign(*(file for file in (html, out) if file is not None))
    model = read_signature(signature)
    from radstudy.features.ahead import compile_ahead

    compile_ahead()
    if table is not None:
        _predict_table(model, table, out, outside_range=outside_range, as_json=as_json)
        return
    images = {name: Path(value) for name, value in _pairs(image, "--image")}
    masks = {name: Path(value) for name, value in _pairs(mask, "--mask")}
    ask = partial(
        predict_patient,
        model,
        clinical=dict(_pairs(clinical, "--clinical")),
        label=label_of(label),
        references={name: Path(value) for name, value in _pairs(reference, "--reference")},
        outside_range=outside_range,
    )
    if not dicom:
        _predict_one(model, partial(ask, images=images, masks=masks), html, as_json=as_json)
        return
    from radstudy.signature.examination import DicomRequest, imported_examination

    request = DicomRequest(dicom, dict(_pairs(role, "--role")), reader, region, examination, rules, tuple(readers))
    with imported_examination(model, request, images=images, masks=masks, say=say) as seen:
        _predict_one(
            model, partial(ask, images={**seen.images, **images}, masks={**seen.masks, **masks}), html, as_json=as_json
        )


def _require_one_way(
    table: Path | None, of_one: list[str], label: str | None, html: Path | None, out: Path | None
) -> None:
    if table is not None and (any(of_one) or label is not None or html is not None):
        raise UsageError(
            "--table has the patients: leave out --image, --mask, --clinical, --reference, --dicom, --label and --html"
        )
    if table is None and out is not None:
        raise UsageError("--out belongs to --table; for one patient use --json or --html FILE")


def _predict_one(model: Signature, ask: Callable[[], Prediction], html: Path | None, *, as_json: bool) -> None:
    from radstudy.signature.applicability import UnlikeTrainingError
    from radstudy.signature.predict import refused
    from radstudy.signature.prediction_page import prediction_page, refusal_page
    from radstudy.store import plain

    try:
        result = ask()
    except UnlikeTrainingError as error:
        if as_json:
            typer.echo(json.dumps(plain(refused(model, error.findings)), indent=1, ensure_ascii=False))
        _write_page(html, refusal_page(model, error.findings))
        raise
    typer.echo(json.dumps(plain(result.as_dict()), indent=1, ensure_ascii=False) if as_json else result.as_text())
    _write_page(html, prediction_page(result))


def _write_page(file: Path | None, page: str) -> None:
    if file is not None:
        from radstudy.owned import owning
        from radstudy.store import write_text

        with owning(file):
            write_text(file, page)


def _predict_table(model: Signature, table: Path, out: Path | None, *, outside_range: bool, as_json: bool) -> None:
    import pandas as pd

    from radstudy.owned import owning
    from radstudy.signature.document import USE
    from radstudy.signature.many import predict_table, unused_columns
    from radstudy.store import csv_bytes, plain, write_csv

    if unused := unused_columns(model, table):
        say(f"Not used: {', '.join(unused[:10])}{f' and {len(unused) - 10} more' if len(unused) > 10 else ''}.")
    outcomes = list(predict_table(model, table, outside_range=outside_range))
    frame = pd.DataFrame([{**outcome.as_row(), "use": USE} for outcome in outcomes])
    if out is not None:
        with owning(out):
            write_csv(out, frame)
    if as_json:
        answers = [plain(outcome.as_dict(model)) for outcome in outcomes]
        typer.echo(json.dumps(answers, indent=1, ensure_ascii=False))
    elif out is None:
        typer.echo(csv_bytes(frame).decode("utf-8"), nl=False)
    failed = [outcome for outcome in outcomes if outcome.error is not None]
    if failed:
        lines = [f"{outcome.patient}: {' '.join(str(outcome.error).split())}" for outcome in failed[:20]]
        more = f"\n  and {len(failed) - 20} more" if len(failed) > 20 else ""
        kind = RefusedError if any(outcome.refused for outcome in failed) else DataError
        raise kind("\n  ".join([f"{len(failed)} of {len(outcomes)} patients have no probability:", *lines]) + more)


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


COMMAND = Command("predict", predict, page="predict.md", writes=True, wrong=(), says="Missing argument")
