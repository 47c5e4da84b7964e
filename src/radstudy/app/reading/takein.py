"""Masks drawn in another program, taken in as a reader's: read, put on the image's grid, and told in the audit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from radstudy.app.reading.audit import AuditLine
from radstudy.app.reading.closed_case import MASKS
from radstudy.app.reading.strokes import CODES, Runs, codes_of, runs_of
from radstudy.errors import CaseError
from radstudy.imaging.roi import Label, Roi
from radstudy.space.grid import Grid
from radstudy.store import file_hash


@dataclass(frozen=True, eq=False)
class TakenInMask:
    """A mask from another program, ready to be stored as a reader's.

    Parameters
    ----------
    runs : int64 (n, 3) start, length and the code of taken-in voxels, over the image's grid in Fortran order.
    voxels : number of voxels inside.
    label : name or number of the region in the file.
    notes : findings that a reader should know, such as a repaired header.
    event : the line of the audit: file, hash, time.
    """

    runs: Runs
    voxels: int
    label: str
    notes: tuple[str, ...]
    event: AuditLine


def taken_in_mask(
    file: Path,
    image: Grid,
    *,
    reader: str,
    patient: str,
    lesion: str,
    sequence: str,
    at: str,
    name: str = "",
    label: Label | None = None,
    resample: bool = False,
) -> TakenInMask:
    """Read a mask drawn elsewhere, on the image's grid.

    Parameters
    ----------
    file : 3D Slicer's .seg.nrrd, a label map (NIfTI, NRRD, MetaImage), a DICOM SEG or an RTSTRUCT (docs/masks.md).
    image : grid of the image, as read from its file.
    reader, patient, lesion, sequence : whose mask it becomes.
    at : time of taking it in, UTC, ISO 8601.
    name : of the file as its user knows it, for the audit; "" for its own name.
    label : the region that is the lesion; None if the file has only one.
    resample : True to sample a mask of another grid by nearest neighbour; it is refused otherwise.

    Raises
    ------
    CaseError : the file is not a mask or is empty, has several regions and none is named, or is on another grid; names
        patient, sequence, reader and file.
    """
    shown = name or file.name
    try:
        digest = file_hash(file)
        roi = Roi.read(file, label, image, reader=reader, resample=resample)
    except CaseError as error:
        raise error.located(patient=patient, lesion=lesion, sequence=sequence, reader=reader) from error
    except OSError as error:
        raise CaseError(
            f"the file cannot be read: {error.strerror or error}", "choose the file again",
            patient=patient, lesion=lesion, sequence=sequence, reader=reader, file=shown,
        ) from error  # fmt: skip
    how = "resampled onto the image's grid where it differed" if resample else "placed voxel by voxel"
    detail = f"{shown} (BLAKE2b {digest}), region {roi.label}, {roi.voxel_count} voxels, {how}"
    event = AuditLine(at, reader, "mask taken in", MASKS, patient, lesion, sequence, detail)
    return TakenInMask(runs_of(codes_of(roi.mask, CODES["taken_in"])), roi.voxel_count, roi.label, roi.notes, event)
