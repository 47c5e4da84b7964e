"""Writing of one patient's volumes and their sidecars; existing ones that are complete and up to date are kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from radstudy.algorithms import algorithm_key
from radstudy.errors import CaseError
from radstudy.formats.acquisition import MADE_BY, sidecar_path
from radstudy.formats.dicom_series import Pixels, SliceGrid, read_voxels
from radstudy.formats.raster import read_raster, write_raster
from radstudy.intake.plan import Item, Plan
from radstudy.intake.pseudonyms import Redactor
from radstudy.intake.sidecar import sidecar_of
from radstudy.intake.sources import Source
from radstudy.store import content_hash, file_hash, read_json, write_json


class ChangedError(CaseError):
    """A volume's file was edited after the import, and is kept."""


def write_volume(item: Item, plan: Plan, source: Source, out: Path) -> bool:
    """Write a volume as NIfTI with its sidecar; the file appears complete or not at all.

    Parameters
    ----------
    item : the volume, with a file and a grid.
    plan : its patient.
    source : holds the slices.
    out : folder of the import.

    Returns
    -------
    True if it was written; False if it already existed.

    Raises
    ------
    ChangedError : an existing file was not written by an import, or was changed since; it is kept.
    CaseError : its pixels cannot be read.
    """
    file = out / plan.name / item.file
    beside = sidecar_path(file)
    key = _key(item)
    if _is_there(file, beside, key):
        return False
    stack = item.decision.stack
    if stack.grid is None:
        raise CaseError(stack.problem or "it has no regular grid", patient=plan.name, sequence=item.decision.role)
    try:
        pixels = read_voxels(stack.frames, stack.grid, source.open, scale=item.scale)
    except CaseError as error:
        number = item.decision.series.facts.series_number
        raise error.located(patient=plan.name, sequence=item.decision.role or f"series {number}") from error
    if _is_changed(file, beside, pixels, stack.grid):
        raise ChangedError(
            "this volume was changed after the import, or was not written by an import; it was not overwritten",
            "move it away and import again to get the volume from the source",
            patient=plan.name,
            sequence=item.decision.role,
            file=file,
        )
    write_raster(file, pixels.voxels, stack.grid.affine)
    redact = Redactor(plan.patient.identities)
    content = sidecar_of(item, plan.name, redact, key=key, file_hash=file_hash(file), padded=pixels.padded)
    write_json(beside, content)
    return True


def remove_stale(plan: Plan, out: Path) -> list[str]:
    """Remove volumes of an earlier import that have another name or none in the plan; other volumes are kept.

    A volume without a role is also removed if its series now has other images (a damaged one was copied again). A file
    that was edited since is kept, but without its sidecar.

    Returns
    -------
    A sentence on each such file; files relative to `out`.
    """
    planned = {item.mark: item.file for item in plan.items}
    planned |= dict.fromkeys(plan.choice.not_taken if plan.choice else (), "")
    series = {item.places["series"] for item in plan.items}
    sentences = []
    for file, record in volumes_in(out / plan.name):
        inside = file.relative_to(out / plan.name).as_posix()
        mark = record.get("volume", "")
        of_fewer_images = (
            mark not in planned
            and inside.startswith("unsure/")
            and (record.get("places") or {}).get("series") in series
        )
        if of_fewer_images or planned.get(mark, inside) != inside:
            shown = file.relative_to(out).as_posix()
            own = not file.exists() or file_hash(file) == record.get("file_hash")
            sidecar_path(file).unlink()
            if own:
                file.unlink(missing_ok=True)
            what = f"removed {shown}" if own else f"kept {shown}, which was changed after the import"
            sentences.append(f"{what}: the volume now has another name, or none")
    return sentences


def volumes_in(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """Yield the volumes in a patient's folder that an import has written, each with its sidecar."""
    for beside in sorted([*folder.glob("*.json"), *folder.glob("unsure/*.json")]):
        try:
            content = read_json(beside)
        except (OSError, json.JSONDecodeError):
            continue
        if isinstance(content, dict) and str(content.get("made_by", "")).startswith(MADE_BY):
            yield beside.with_name(beside.stem + ".nii.gz"), content


def marks_in(folder: Path) -> dict[str, str]:
    """Map file to mark for the volumes in a patient's folder that an import has written."""
    return {file.relative_to(folder).as_posix(): str(record.get("volume", "")) for file, record in volumes_in(folder)}


def _key(item: Item) -> str:
    decision = item.decision
    return content_hash(
        [
            item.mark,
            decision.role,
            list(decision.evidence),
            decision.reason,
            decision.seconds,
            item.description,
            item.scale,
            algorithm_key("import"),
        ]
    )


def _is_there(file: Path, beside: Path, key: str) -> bool:
    try:
        content = read_json(beside)
    except (OSError, json.JSONDecodeError):
        return False
    return file.is_file() and content.get("key") == key and content.get("file_hash") == file_hash(file)


def _is_changed(file: Path, beside: Path, pixels: Pixels, grid: SliceGrid) -> bool:
    """True if a readable image exists that is neither as an import left it nor what would be written now."""
    if not file.exists():
        return False
    try:
        if read_json(beside)["file_hash"] == file_hash(file):
            return False
    except (OSError, ValueError, KeyError, TypeError):
        pass
    try:
        voxels, affine = read_raster(file)
    except CaseError:  # cut off or damaged: not anyone's work
        return False
    return not np.array_equal(voxels, pixels.voxels) or bool(np.abs(affine - grid.affine).max() >= 1e-3)
