"""Masks of the drawings that came with the images: written next to the volumes, and listed in masks.csv."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from radstudy.errors import CaseError, StorageError
from radstudy.formats.dicom_authorship import Authorship, since
from radstudy.formats.dicom_header import DicomIdentity
from radstudy.formats.dicom_values import clock_of
from radstudy.formats.raster import read_raster, write_raster
from radstudy.intake.csv_rows import read_rows, write_listing
from radstudy.intake.faults import REMEDY, unexpected
from radstudy.intake.placing import PlacedRegion, Target, regions_on, targets_in
from radstudy.intake.plan import Plan
from radstudy.intake.pseudonyms import REMOVED, Pseudonyms, Redactor
from radstudy.intake.readers import AssignedReader, Claim, Decided, ReaderRule, decide_readers, plain
from radstudy.intake.review import MASK, NOT_WANTED, key_of
from radstudy.store import file_hash

COLUMNS = [
    "patient", "role", "name", "label", "reader", "voxels", "slices", "volume_mm3", "kind", "placed", "file", "note",
    "reason", "source", "creator", "description", "date", "drawing", "hash",
]  # fmt: skip
_CHANGED = "the file was changed after the import and was not overwritten: delete it to restore the drawing"
_FOREIGN = "a file of this name was not written by an import and was not overwritten: rename or delete it"
_KEPT = "an earlier import named this file; use --readers or an answer in review.csv to name it after its reader"
_TWINS = "its voxels equal those of another drawing of this region: the same drawing exported twice?"
_ASK = "write the reader into the column reader of review.csv (or a single - to leave the drawing out) and import again"
_DATES = re.compile(r"(?<!\d)(\d{4}[-_.]?\d{2}[-_.]?\d{2}|\d{2}[-_.]\d{2}[-_.]\d{4})(?!\d)")


@dataclass
class Masks:
    """Result of writing the masks.

    Parameters
    ----------
    rows : rows of masks.csv, including patients of earlier imports.
    failures : problems with drawings, as text.
    removed : masks of earlier imports whose drawing now has another place or name, relative to the import's folder.
    questions : rows of review.csv: drawings whose reader must be named, or was named by an answer.
    """

    rows: list[dict[str, str]] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    questions: list[dict[str, str]] = field(default_factory=list)

    def lose(self, plan: Plan, before: Sequence[Mapping[str, str]], error: Exception) -> None:
        """Record why a patient's masks failed, and keep their rows of an earlier import."""
        fault = error if isinstance(error, CaseError) else CaseError(f"the masks: {unexpected(error)}", REMEDY)
        self.failures.append(str(fault.located(patient=plan.name)))
        self.rows += [dict(row) for row in before]


@dataclass(frozen=True)
class _Cropped:
    """A mask in compact form: the bits within its bounding box."""

    shape: tuple[int, ...]
    box: tuple[slice, ...]
    bits: bytes

    @classmethod
    def of(cls, mask: NDArray[np.bool_]) -> _Cropped:
        """Crop a mask with at least one voxel."""
        axes = [np.flatnonzero(mask.any(axis=tuple({0, 1, 2} - {axis}))) for axis in range(3)]
        box = tuple(slice(int(inside[0]), int(inside[-1]) + 1) for inside in axes)
        return cls(mask.shape, box, np.packbits(mask[box]).tobytes())

    def whole(self) -> NDArray[np.bool_]:
        """Restore the mask: bool (I, J, K)."""
        mask = np.zeros(self.shape, bool)
        part = mask[self.box]
        part[...] = np.unpackbits(np.frombuffer(self.bits, np.uint8), count=part.size).reshape(part.shape)
        return mask


@dataclass(frozen=True, eq=False)
class _Placed:
    """A region on one volume: its row of masks.csv without the file, and the parts of its name."""

    row: dict[str, str]
    region: str
    target: Target
    mask: _Cropped
    direct: bool

    @property
    def claim(self) -> Claim:
        """The claim from which its reader is decided."""
        return Claim(self.mark, self.row["patient"], self.target.role, self.region, self.direct)

    @property
    def mark(self) -> str:
        return _mark(self.row)


@dataclass(frozen=True, eq=False)
class _Patient:
    """One patient of this import, with the masks to be written."""

    plan: Plan
    folder: Path
    before: Sequence[Mapping[str, str]]
    placed: Sequence[_Placed]
    unplaced: Sequence[dict[str, str]]
    failures: Sequence[str]
    redact: Redactor


def write_masks(
    plans: Iterable[Plan],
    drawings: Sequence[Mapping[str, Any]],
    out: Path,
    private: Path,
    pseudonyms: Pseudonyms,
    *,
    rules: Sequence[ReaderRule] = (),
    answers: Mapping[str, str] | None = None,
) -> Masks:
    """Write the masks of these patients' drawings as <patient>/masks/<role>_<name>[_<reader>].nii.gz, and masks.csv.

    If two drawings show the same region and the reader of one is not known, it is not written: it is listed, and its
    reader is asked for. A mask that a reader has edited since is never overwritten or removed.

    Parameters
    ----------
    plans : the patients of this import, whose volumes are written.
    drawings : from `keep_drawings`, including those of earlier imports.
    out, private : output folder and private folder of the import.
    pseudonyms : table of the import.
    rules : the user's rules that name readers.
    answers : mark of a drawing to its reader, as written in the review table.

    Returns
    -------
    The rows of the table, problems with drawings, and questions to the readers.
    """
    table = out / "masks.csv"
    earlier = read_rows(table)
    masks = Masks([row for row in earlier if row["patient"] not in {plan.name for plan in plans}])
    claims = [_claim(row) for row in masks.rows if row["role"]]
    patients = []
    for plan in plans:
        own = [drawing for drawing in drawings if drawing["patient"] == plan.name]
        before = [row for row in earlier if row["patient"] == plan.name]
        if plan.problem or not own:
            masks.rows += before
            continue
        try:
            patients.append(_placed(plan, own, before, out, private, pseudonyms))
        except StorageError:
            raise
        except Exception as error:  # one patient's drawings must not end the import of the others
            masks.lose(plan, before, error)
    for patient in patients:
        claims += [one.claim for one in patient.placed]
    redactors = {patient.plan.name: patient.redact for patient in patients}
    decided = decide_readers(
        claims,
        {Path(one["file"]).name.split(".")[0]: one for one in drawings},
        rules=rules,
        answers=answers or {},
        earlier={_mark(row): row["reader"] for row in earlier if row.get("reader")},
        identifies=lambda patient, text: patient in redactors and redactors[patient](text) != text,
    )
    for patient in patients:
        of_others = len(masks.rows)
        try:
            _write_patient(patient, decided, masks)
        except StorageError:
            raise
        except Exception as error:
            del masks.rows[of_others:]
            masks.lose(patient.plan, patient.before, error)
    masks.rows.sort(key=lambda row: row["patient"])
    if masks.rows or earlier:
        write_listing(table, COLUMNS, masks.rows)
    return masks


def _placed(
    plan: Plan,
    drawings: Sequence[Mapping[str, Any]],
    before: Sequence[Mapping[str, str]],
    out: Path,
    private: Path,
    pseudonyms: Pseudonyms,
) -> _Patient:
    """Place the regions of a patient's drawings on the patient's volumes."""
    folder = out / plan.name
    targets = targets_in(folder)
    redact = Redactor({*plan.patient.identities, *(DicomIdentity(**one["identity"]) for one in drawings)})
    placed: list[_Placed] = []
    unplaced: list[dict[str, str]] = []
    failures: list[str] = []
    for drawing in sorted(drawings, key=lambda one: str(one["file"])):
        identity, file = DicomIdentity(**drawing["identity"]), private / drawing["file"]
        marks = {name: [pseudonyms.mark(what, uid) for uid in drawing[name]]
                 for name, what in (("series", "series"), ("spaces", "frame"))}  # fmt: skip
        for region in regions_on(
            file, targets, series=marks["series"], spaces=marks["spaces"],
            examination=pseudonyms.mark("examination", identity.study_uid), by_folder=drawing.get("by_folder", False),
        ):  # fmt: skip
            row = _row(plan, drawing, identity, region, redact)
            if region.mask is not None:
                kept = _Cropped.of(region.mask)
                name = plain(row["name"]) or f"label{region.number}"
                placed += [_Placed({**row, "role": on.role}, name, on, kept, on in region.drawn_on) for on in region.on]
                continue
            unplaced.append(row)
            if region.fault:
                remedy = "export it again, or put it onto its image with radstudy mask convert"
                what = ", region ".join(filter(None, [str(drawing["kind"]), row["name"]]))
                error = CaseError(row["reason"], remedy, patient=plan.name, sequence=what, file=file)
                failures.append(str(error))
    return _Patient(plan, folder, before, placed, unplaced, failures, redact)


def _row(
    plan: Plan, drawing: Mapping[str, Any], identity: DicomIdentity, region: PlacedRegion, redact: Redactor
) -> dict[str, str]:
    """The row of a region in masks.csv as far as the drawing shows, without anything that identifies the patient."""
    authorship = Authorship(**drawing.get("authorship", {}))
    folder = str(drawing.get("source", "")).rpartition("/")[0]
    moment = identity.study_date
    return {
        **dict.fromkeys(COLUMNS, ""),
        "patient": plan.name,
        "name": redact(region.name),
        "label": str(region.number or ""),
        "kind": str(drawing["kind"]),
        "placed": region.placed,
        "note": region.note,
        "reason": redact(region.reason),
        "source": _DATES.sub(REMOVED, redact(folder)),
        "creator": redact(authorship.creator or authorship.operators),
        "description": redact(" / ".join(filter(None, [authorship.description, authorship.label]))),
        "date": since(authorship, clock_of(moment[:8], moment[8:] or "0000") if moment else None),
        "drawing": Path(str(drawing["file"])).name,
    }


def _write_patient(patient: _Patient, decided: Decided, masks: Masks) -> None:
    """Write a patient's masks, named after their readers."""
    old = {_key(row): _Old(_inside(row), row["hash"]) for row in patient.before if row["file"]}
    hashes = {one.file: one.hash for one in old.values()}
    here = [one for one in patient.placed if (one.claim.place, one.mark) not in decided.superseded]
    taken = {old[_key(one.row)].file.lower() for one in here if _key(one.row) in old}
    written: set[str] = set()
    masks.rows += patient.unplaced
    masks.failures += patient.failures
    for one in here:
        reader, before = decided.readers.get(one.mark, AssignedReader()), old.get(_key(one.row))
        row = {**one.row, "reader": "" if reader.question else reader.name}
        if reader.left_out or (reader.question and before is None):
            reason = "left out by a reader's answer" if reader.left_out else f"{reader.question}: {_ASK}"
            masks.rows.append({**row, "reason": reason})
            continue
        inside, about = _name_of(one, reader, before, patient.folder, taken)
        twin = any(other.mark != one.mark and other.claim.place == one.claim.place and other.mask == one.mask
                   for other in here)  # fmt: skip
        row["note"] = "; ".join(filter(None, [row["note"], about, _TWINS if twin else ""]))
        taken.add(inside.lower())
        written.add(inside)
        masks.rows.append(_write(row, one.mask.whole(), one.target, patient.folder, inside, hashes))
    masks.questions += _questions(patient, decided.readers)
    for inside in sorted(set(hashes) - written):
        if (patient.folder / inside).is_file() and file_hash(patient.folder / inside) == hashes[inside]:
            (patient.folder / inside).unlink()
            masks.removed.append(f"{patient.plan.name}/{inside}")


@dataclass(frozen=True)
class _Old:
    """A mask written by an earlier import: its file inside the patient's folder, and its hash."""

    file: str
    hash: str

    def unchanged(self, folder: Path) -> bool:
        """True if it has not been changed since, or no longer exists."""
        return not (folder / self.file).exists() or file_hash(folder / self.file) == self.hash


def _name_of(
    one: _Placed, reader: AssignedReader, before: _Old | None, folder: Path, taken: set[str]
) -> tuple[str, str]:
    """Choose a mask's file inside the patient's folder, with a note about it.

    A file of an earlier import keeps its name, unless a person has named the reader and the file has not been changed.
    """
    if before is None:
        return _free(one, reader.name, taken), ""
    by_reader = not reader.name or before.file.endswith(f"_{reader.name}.nii.gz")
    if reader.question:
        return before.file, f"{reader.question}: {_ASK}"
    if by_reader:
        return before.file, ""
    if reader.certain and before.unchanged(folder):
        return _free(one, reader.name, taken), ""
    return before.file, _KEPT


def _questions(patient: _Patient, readers: Mapping[str, AssignedReader]) -> list[dict[str, str]]:
    """A row of review.csv for each drawing whose reader must be named, or was named by an answer."""
    rows = []
    for mark in dict.fromkeys(one.mark for one in patient.placed):
        reader = readers.get(mark, AssignedReader())
        answered = reader.by == "a reader's answer"
        if not reader.question and not answered:
            continue
        own = [one for one in patient.placed if one.mark == mark]
        facts = own[0].row
        known = [f"{what}: {facts[column]}" for what, column in
                (("folder", "source"), ("creator", "creator"), ("series", "description"), ("drawn", "date"))
                if facts[column]]  # fmt: skip
        regions = ", ".join(dict.fromkeys(one.row["name"] or f"label {one.row['label']}" for one in own))
        roles = ", ".join(dict.fromkeys(one.target.role for one in own))
        rows.append({
            "patient": patient.plan.name,
            "reader": (NOT_WANTED if reader.left_out else reader.name) if answered else "",
            "kind": "mask",
            "description": f"{facts['kind']} '{regions}' on {roles}",
            "reason": f"{reader.question}: {_ASK}" if reader.question else "",
            "evidence": "; ".join(known) or "no folder, creator, description or date",
            "volume": key_of(MASK, mark),
        })  # fmt: skip
    return rows


def _claim(row: Mapping[str, str]) -> Claim:
    return Claim(_mark(row), row["patient"], row["role"], plain(row["name"]) or f"label{row['label']}")


def _mark(row: Mapping[str, str]) -> str:
    """The keyed mark of a row's drawing; earlier versions wrote it without the file suffix."""
    return row["drawing"].split(".")[0]


def _key(row: Mapping[str, str]) -> tuple[str, str, str]:
    return _mark(row), row["label"], row["role"]


def _inside(row: Mapping[str, str]) -> str:
    return row["file"].removeprefix(f"{row['patient']}/")


def _free(one: _Placed, reader: str, taken: set[str]) -> str:
    """Find a file name that no other region has, regardless of case, which some systems ignore.

    A number after the region's name distinguishes regions with the same name in one drawing, never readers.
    """
    number = 1
    while True:
        region = f"{one.region}{'' if number == 1 else f'-{number}'}"
        inside = f"masks/{'_'.join(filter(None, [one.target.role, region, reader]))}.nii.gz"
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
    """Write one mask, unless its file was replaced by another one, and return its row of the table."""
    file, affine, known = folder / inside, target.grid.affine, hashes.get(inside, "")
    note = row["note"]
    if file.exists() and not _holds(file, mask, affine) and file_hash(file) != known:
        note = "; ".join(filter(None, [note, _CHANGED if known else _FOREIGN]))
    else:
        if not file.exists() or not _holds(file, mask, affine):
            write_raster(file, mask, affine)
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
    """True if a file holds exactly this mask."""
    try:
        voxels, lies = read_raster(file)
    except CaseError:
        return False
    return voxels.shape == mask.shape and np.array_equal(voxels, mask) and bool(np.abs(lies - affine).max() < 1e-4)
