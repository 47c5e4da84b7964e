"""Transferred masks in the steps: written and listed by prepare, used by extract once a reader has confirmed them.

A mask is confirmed by its fingerprint: if the images or the drawn mask change, the transferred mask is a different
one and waits again. A reader who disagrees with it corrects the written file and saves it under the name that the study
file gives for drawn masks: then it is a drawn mask.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from radstudy.artefacts import TableFile, extract
from radstudy.artefacts.prepare import TRANSFERRED
from radstudy.artefacts.records.volume import MaskPlace, TransferRecord
from radstudy.cohort.case_files import MaskOrigin
from radstudy.cohort.confirmation import Answer, read_answers
from radstudy.errors import CaseError
from radstudy.formats.raster import read_raster, write_raster
from radstudy.imaging.masks.transfer import distortion_warning, transfer_mask
from radstudy.imaging.roi import Roi
from radstudy.imaging.volume import Volume
from radstudy.protocol import Protocol
from radstudy.protocol.sections import TransferSection
from radstudy.store import content_hash, set_aside

CONFIRMED, ACCEPTED, REJECTED, WAITING = "confirmed", "not confirmed, accepted", "rejected", "waiting"


def carry(
    roi: Roi, transfer: MaskOrigin, target: Volume, section: TransferSection, place: MaskPlace, folder: Path
) -> tuple[Roi, TransferRecord]:
    """Transfer a drawn mask onto another sequence's image, and write the result for the reader who is to confirm it.

    Parameters
    ----------
    roi : as drawn on the other sequence.
    transfer : that sequence and its files.
    target : the image that the mask is transferred onto, as read.
    section : of the study file.
    place : patient, lesion, sequence and reader.
    folder : of the step prepare.

    Returns
    -------
    The mask on the target's grid, and its row of transferred.csv.

    Raises
    ------
    CaseError : the mask cannot be transferred; the error gives the reason and the remedy.
    """
    source = Volume.read_3d(transfer.image) if section.rigid else None
    carried = transfer_mask(roi, source, target, partial_volume=section.partial_volume)
    file = Path("transferred") / f"{place['patient']}_{place['lesion']}_{place['sequence']}.nii.gz"
    aside = _set_aside(folder / file, carried.roi)
    write_raster(folder / file, carried.roi.mask, carried.roi.affine)
    right, anterior, superior = (round(value, 3) for value in carried.shift_mm)
    warnings = [
        f"mask transferred from {transfer.sequence}, not drawn on this image",
        *carried.warnings,
        *([f"the file of an earlier transfer was changed by hand; it is kept as {aside}"] if aside else []),
        *distortion_warning(place["sequence"]),
    ]
    row = TransferRecord(
        **place,
        drawn_on=transfer.sequence,
        shift_r_mm=right,
        shift_a_mm=anterior,
        shift_s_mm=superior,
        rotation_degrees=round(carried.rotation_degrees, 3),
        overlap=round(carried.overlap, 4),
        volume_change_percent=round(carried.volume_change_percent, 2),
        voxels=carried.roi.voxel_count,
        warnings="; ".join(warnings),
        file=file.as_posix(),
        mask=fingerprint(carried.roi, place),
        confirmed="",
        confirmed_by="",
    )
    source_text = f"{roi.source} (transferred from {transfer.sequence})"
    return replace(roi, mask=carried.roi.mask, affine=carried.roi.affine, source=source_text), row


def _set_aside(file: Path, roi: Roi) -> str:
    """Rename an existing mask that differs from the transferred one, such as a reader's correction.

    Parameters
    ----------
    file : the transferred mask will be written here.
    roi : the transferred mask.

    Returns
    -------
    The new name; "" if there is nothing to keep: no file, the same mask, or one that is cut off or damaged.
    """
    if not file.exists():
        return ""
    try:
        voxels, affine = read_raster(file)
    except CaseError:
        return ""
    if np.array_equal(voxels, roi.mask) and np.allclose(affine, roi.affine, atol=1e-3):
        return ""
    return set_aside(file).name


def fingerprint(roi: Roi, place: MaskPlace) -> str:
    """Ten digits that identify the patient, lesion, sequence, grid and every voxel of the mask.

    It begins with a letter, so that a spreadsheet takes it for text.
    """
    voxels = hashlib.sha256(np.packbits(roi.mask).tobytes()).hexdigest()
    who = [place["patient"], place["lesion"], place["sequence"]]
    return "m" + content_hash([who, list(roi.mask.shape), np.round(roi.affine, 4).tolist(), voxels])[:10]


def write_transferred(table: TableFile, out: Path, masks: Sequence[TransferRecord]) -> None:
    """Write a step's list of transferred masks; if there are none, remove the list of an earlier run."""
    if masks:
        table.write(out, [mask.as_json() for mask in masks])
    else:
        table.file(out).unlink(missing_ok=True)


def answers_of_study(protocol: Protocol, data: Path) -> dict[str, Answer]:
    """The reader's answers; empty if the study file transfers no mask.

    Raises
    ------
    CohortError : the table of answers cannot be understood.
    """
    section = protocol.cohort.transfer
    return {} if section is None else read_answers(data / section.confirmed)


def status_of(row: TransferRecord, answers: Mapping[str, Answer], section: TransferSection) -> str:
    """The status of a transferred mask: confirmed and accepted ones are used, the others are not."""
    answer = answers.get(row.mask)
    if answer is not None:
        return CONFIRMED if answer.confirmed else REJECTED
    return ACCEPTED if section.accept_unconfirmed else WAITING


def not_used(row: TransferRecord, section: TransferSection, folder: Path) -> CaseError | None:
    """The reason why a transferred mask is not used, and what the reader can do; None if it is used.

    Parameters
    ----------
    row : of transferred.csv, with its status.
    section : of the study file.
    folder : of the step prepare.
    """
    if row.status in (CONFIRMED, ACCEPTED):
        return None
    place = {"patient": row.patient, "lesion": row.lesion, "sequence": row.sequence, "reader": row.reader}
    if row.status == REJECTED:
        problem, remedy = "was rejected", "draw the lesion on this image"
    else:
        problem = "waits for a reader's confirmation"
        remedy = (
            f"look at it, write yes in the column 'confirmed' of its line in {TRANSFERRED.path} and save that "
            f"table as {section.confirmed} next to the study file"
        )
    text = f"the mask transferred from {row.drawn_on} {problem}"
    return CaseError(text, remedy, **place, file=folder / row.file)


def transferred_lesions(out: Path) -> set[tuple[str, str, str, str]]:
    """(patient, lesion, sequence, reader) of transferred masks, as extract listed them."""
    if not extract.TRANSFERRED.file(out).exists():
        return set()
    frame = extract.TRANSFERRED.read(out)
    return set(frame[["patient", "lesion", "sequence", "reader"]].itertuples(index=False, name=None))
