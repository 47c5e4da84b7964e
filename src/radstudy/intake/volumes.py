"""Write one patient's volumes and their sidecars; what is there already, whole and from the same slices, stays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from radstudy.algorithms import algorithm_key
from radstudy.errors import CaseError
from radstudy.formats.dicom_series import Pixels, SliceGrid, read_voxels
from radstudy.formats.raster import read_raster, write_raster
from radstudy.intake.plan import Item, Plan
from radstudy.intake.pseudonyms import Redactor
from radstudy.intake.sidecar import MADE_BY, sidecar_of
from radstudy.intake.sources import Source
from radstudy.store import content_hash, file_hash, read_json, write_json


class ChangedError(CaseError):
    """A volume's file is not as an import has left it: somebody's work, which stays."""


def write_volume(item: Item, plan: Plan, source: Source, out: Path) -> bool:
    """Write a volume as NIfTI with its sidecar; the file appears whole or not at all.

    Parameters
    ----------
    item : the volume, with a file and a grid.
    plan : its patient.
    source : where the slices lie.
    out : folder of the import.

    Returns
    -------
    Whether it was written; False where it was there already.

    Raises
    ------
    ChangedError : a file is there that no import has written, or that was changed since; it stays as it is.
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
            "this volume was changed after the import, or no import has written it; it is left as it is",
            "move it away and import again to have the volume of the source",
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
    """Remove volumes of an earlier import that the plan gives another name or none; other volumes stay.

    A volume without a role of a series that now has other images (a damaged one was copied again) goes too. A file that
    somebody has changed since stays, without the sidecar that says what it was.

    Returns
    -------
    What became of each such file, as sentences; files relative to `out`.
    """
    planned = {item.mark: item.file for item in plan.items}
    planned |= dict.fromkeys(plan.choice.not_taken if plan.choice else (), "")
    series = {item.places["series"] for item in plan.items}
    said = []
    for file, made in volumes_in(out / plan.name):
        inside = file.relative_to(out / plan.name).as_posix()
        mark = made.get("volume", "")
        of_fewer_images = (
            mark not in planned and inside.startswith("unsure/") and (made.get("places") or {}).get("series") in series
        )
        if of_fewer_images or planned.get(mark, inside) != inside:
            shown = file.relative_to(out).as_posix()
            own = not file.exists() or file_hash(file) == made.get("file_hash")
            sidecar_path(file).unlink()
            if own:
                file.unlink(missing_ok=True)
            what = f"removed {shown}" if own else f"kept {shown}, which was changed after the import"
            said.append(f"{what}: the volume has another name now, or none")
    return said


def volumes_in(folder: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The volumes in a patient's folder that an import has made, each with its sidecar."""
    for beside in sorted([*folder.glob("*.json"), *folder.glob("unsure/*.json")]):
        try:
            content = read_json(beside)
        except (OSError, json.JSONDecodeError):
            continue
        if isinstance(content, dict) and str(content.get("made_by", "")).startswith(MADE_BY):
            yield beside.with_name(beside.stem + ".nii.gz"), content


def marks_in(folder: Path) -> dict[str, str]:
    """File to mark of the volumes in a patient's folder that an import has made."""
    found = volumes_in(folder)
    return {file.relative_to(folder).as_posix(): str(made.get("volume", "")) for file, made in found}


def sidecar_path(file: Path) -> Path:
    """The JSON beside a .nii.gz file."""
    return file.with_name(file.name.removesuffix(".nii.gz") + ".json")


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
    """Whether a whole image is there that is neither as an import has left it nor what would be written now."""
    if not file.exists():
        return False
    try:
        if read_json(beside)["file_hash"] == file_hash(file):
            return False
    except (OSError, ValueError, KeyError, TypeError):
        pass
    try:
        voxels, affine = read_raster(file)
    except CaseError:  # cut off or damaged: nobody's work
        return False
    return not np.array_equal(voxels, pixels.voxels) or bool(np.abs(affine - grid.affine).max() >= 1e-3)
