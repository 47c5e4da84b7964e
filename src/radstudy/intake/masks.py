"""Masks of the drawings that came with the images: written beside the volumes, and listed in masks.csv."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.errors import CaseError
from radstudy.formats.dicom_header import Identity
from radstudy.formats.raster import read_raster, write_raster
from radstudy.intake.placing import Region, Target, regions_on, targets_in
from radstudy.intake.plan import Plan
from radstudy.intake.pseudonyms import Pseudonyms, Redactor
from radstudy.intake.tables import read_rows, write_listing
from radstudy.store import file_hash

COLUMNS = [
    "patient", "role", "name", "label", "voxels", "slices", "volume_mm3", "kind", "placed", "file", "note", "reason",
    "drawing", "hash",
]  # fmt: skip
_CHANGED = "the file was changed after the import and is left as it is: delete it to have the drawing again"
_FOREIGN = "a file of this name was not written by an import and is left as it is: rename or delete it"
_NAME_LENGTH = 40


@dataclass
class Masks:
    """What became of the drawings.

    Parameters
    ----------
    rows : of masks.csv, patients of earlier imports among them.
    failures : what is wrong with drawings, as text.
    removed : masks of earlier imports whose drawing now has another place, relative to the import's folder.
    """

    rows: list[dict[str, str]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)


def write_masks(
    plans: Iterable[Plan], drawings: Sequence[Mapping[str, Any]], out: Path, private: Path, pseudonyms: Pseudonyms
) -> Masks:
    """Write the masks of these patients' drawings as <patient>/masks/<role>_<name>.nii.gz, and masks.csv.

    A mask that a reader has changed since is never overwritten or removed.

    Parameters
    ----------
    plans : the patients of this import, whose volumes are written.
    drawings : from `keep_drawings`, those of earlier imports among them.
    out, private : folders of the import.
    pseudonyms : of the import.

    Returns
    -------
    The rows of the table, and what is wrong with drawings.
    """
    table = out / "masks.csv"
    earlier = read_rows(table)
    here = {plan.name for plan in plans}
    made = Masks([row for row in earlier if row["patient"] not in here])
    for plan in plans:
        own = [drawing for drawing in drawings if drawing["patient"] == plan.name]
        before = [row for row in earlier if row["patient"] == plan.name]
        if plan.problem or not own:
            made.rows += before
            continue
        try:
            targets = targets_in(out / plan.name)
        except CaseError as error:  # a volume of an earlier import, damaged since
            made.failures.append(str(error.located(patient=plan.name)))
            made.rows += before
        else:
            _of_patient(plan, own, targets, before, out / plan.name, private, pseudonyms, made)
    made.rows.sort(key=lambda row: row["patient"])
    if made.rows or earlier:
        write_listing(table, COLUMNS, made.rows)
    return made


def _of_patient(
    plan: Plan,
    drawings: Sequence[Mapping[str, Any]],
    targets: Sequence[Target],
    before: Sequence[Mapping[str, str]],
    folder: Path,
    private: Path,
    pseudonyms: Pseudonyms,
    made: Masks,
) -> None:
    named = {_key(row): row["file"].removeprefix(f"{plan.name}/") for row in before if row["file"]}
    hashes = {row["file"].removeprefix(f"{plan.name}/"): row["hash"] for row in before if row["file"]}
    taken = {file.lower() for file in named.values()}
    written: set[str] = set()
    for drawing in drawings:
        identity = Identity(**drawing["identity"])
        redact = Redactor({*plan.patient.identities, identity})
        file = private / drawing["file"]
        mark = Path(drawing["file"]).stem
        marks = {name: [pseudonyms.mark(what, uid) for uid in drawing[name]]
                 for name, what in (("series", "series"), ("spaces", "frame"))}  # fmt: skip
        examination = pseudonyms.mark("examination", identity.study_uid)
        for region in regions_on(
            file, targets, series=marks["series"], spaces=marks["spaces"], examination=examination
        ):
            name = redact(region.name)
            row = {
                **dict.fromkeys(COLUMNS, ""),
                "patient": plan.name,
                "name": name,
                "label": str(region.number or ""),
                "kind": drawing["kind"],
                "placed": region.placed,
                "note": region.note,
                "reason": redact(region.reason),
                "drawing": mark,
            }
            if region.mask is None:
                made.rows.append(row)
                if region.fault:
                    remedy = "export it again, or put it onto its image with radstudy mask convert"
                    what = f"{drawing['kind']}{f', region {name}' if name else ''}"
                    error = CaseError(row["reason"], remedy, patient=plan.name, sequence=what, file=file)
                    made.failures.append(str(error))
                continue
            for target in region.on:
                row = {**row, "role": target.role}
                inside = named.get(_key(row)) or _free(target, region, name, taken)
                taken.add(inside.lower())
                written.add(inside)
                made.rows.append(_write(row, region.mask, target, folder, inside, hashes))
    for inside in sorted(set(hashes) - written):
        if (folder / inside).is_file() and file_hash(folder / inside) == hashes[inside]:
            (folder / inside).unlink()
            made.removed.append(f"{plan.name}/{inside}")


def _key(row: Mapping[str, str]) -> tuple[str, str, str]:
    return row["drawing"], row["label"], row["role"]


def _free(target: Target, region: Region, name: str, taken: set[str]) -> str:
    """A file name that no other region has; case does not tell files apart on every system."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", ascii_name).strip("-_")[:_NAME_LENGTH] or f"label{region.number}"
    number = 1
    while True:
        inside = f"masks/{target.role}_{plain}{'' if number == 1 else f'-{number}'}.nii.gz"
        if inside.lower() not in taken:
            return inside
        number += 1


def _write(
    row: Mapping[str, str],
    mask: NDArray[np.bool_],
    target: Target,
    folder: Path,
    inside: str,
    hashes: Mapping[str, str],
) -> dict[str, str]:
    """Write one mask, if nobody has put another one in its place; its row of the table."""
    file, affine, known = folder / inside, target.grid.affine, hashes.get(inside, "")
    note = row["note"]
    if file.exists() and not _holds(file, mask, affine) and file_hash(file) != known:
        note = "; ".join(filter(None, [note, _CHANGED if known else _FOREIGN]))
    else:
        if not file.exists() or not _holds(file, mask, affine):
            _put(file, mask, affine)
        known = file_hash(file)
    return {
        **row,
        "note": note,
        "file": f"{row['patient']}/{inside}",
        "voxels": str(int(np.count_nonzero(mask))),
        "slices": str(int(np.count_nonzero(mask.any(axis=(0, 1))))),
        "volume_mm3": f"{np.count_nonzero(mask) * abs(np.linalg.det(affine[:3, :3])):.1f}",
        "hash": known,
    }


def _holds(file: Path, mask: NDArray[np.bool_], affine: NDArray[np.float64]) -> bool:
    """Whether a file holds just this mask."""
    try:
        voxels, lies = read_raster(file)
    except CaseError:
        return False
    return voxels.shape == mask.shape and np.array_equal(voxels, mask) and bool(np.abs(lies - affine).max() < 1e-4)


def _put(file: Path, mask: NDArray[np.bool_], affine: NDArray[np.float64]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_name(f".part-{file.name}")
    try:
        write_raster(part, mask, affine)
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
