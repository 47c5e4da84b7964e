"""Mask files of closed cases: one where `cohort.masks` expects it for the reader, on exactly the image's grid.

A NIfTI mask of a NIfTI image takes over the position fields of the image's header bit by bit, and nothing else of it
(free texts of a header may name the patient). Lesions that share a file by `cohort.label: lesion` are its labels.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from radstudy.app.reading.closed_case import ClosedCase, DrawnSequence, UnplacedDrawing
from radstudy.cohort.case_files import mask_of
from radstudy.errors import CaseError
from radstudy.formats.nifti import is_nifti_name, nifti_header
from radstudy.formats.raster import read_grid, write_raster
from radstudy.imaging.masks.formats import format_written_as
from radstudy.imaging.masks.formats.label_map import LABEL_MAP
from radstudy.imaging.masks.mask_on_grid import MaskOnGrid
from radstudy.imaging.masks.write import write_rois
from radstudy.owned import FOLDER, files_of, is_own, owning, remember
from radstudy.protocol.sections import Protocol
from radstudy.store import bytes_hash, file_hash, storing, write_bytes

_PLACE = (
    "pixdim", "xyzt_units", "qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d", "qoffset_x", "qoffset_y",
    "qoffset_z", "srow_x", "srow_y", "srow_z",
)  # fmt: skip
_NAMED_RULES = ("lesion", "largest", "union")
_Content = tuple[ClosedCase, DrawnSequence | UnplacedDrawing | None]  # of a mask file: one lesion's case and drawing


@dataclass(frozen=True, eq=False)
class MaskToWrite:
    """One mask file and its content.

    Parameters
    ----------
    file : where the study file expects it.
    reader, patient, sequence : whose it is.
    parts : label value to mask; several only with ``cohort.label: lesion``. None: the file is to be removed.
    cases : whose drawings they are.
    name : name of the segment, for formats that have names.
    """

    file: Path
    reader: str
    patient: str
    sequence: str
    parts: tuple[tuple[int, DrawnSequence], ...]
    cases: tuple[ClosedCase, ...]
    name: str = "lesion"

    @property
    def seg(self) -> Path | None:
        """The DICOM SEG beside it, if the image's series is known; named like the mask."""
        if not self.parts or self.parts[0][1].dicom is None or self.file.suffix.lower() == ".dcm":
            return None
        return seg_beside(self.file)

    def labels(self) -> NDArray[np.uint8]:
        """The label map, uint8 (I, J, K).

        Raises
        ------
        CaseError : a mask was not drawn on the image as it is now, or two lesions overlap, which one file with one
            value per voxel cannot hold.
        """
        drawn = self.parts[0][1]
        grid = read_grid(drawn.image)
        flat = np.zeros(int(np.prod(drawn.grid.shape)), np.uint8)
        for value, part in self.parts:
            if problem := part.grid.difference(grid):
                raise self._error(
                    f"the image {drawn.image} is not the one that the lesion was drawn on: {problem}",
                    "put the former image back, and write the record again",
                )
            if flat[part.voxels].any():
                raise self._error(
                    f"lesion {value} overlaps another lesion of the patient, and one file holds them all",
                    "erase the overlap, or write {lesion} in cohort.masks",
                )
            flat[part.voxels] = value
        return flat.reshape(drawn.grid.shape, order="F")

    def rois(self) -> list[MaskOnGrid]:
        """The masks in space, each under its segment's name."""
        several = len(self.parts) > 1
        return [
            replace(part.on_grid(self.reader), label=f"{self.name} {value}" if several else self.name)
            for value, part in self.parts
        ]

    def located(self, error: CaseError) -> CaseError:
        """The error, with the file's place."""
        return error.located(patient=self.patient, sequence=self.sequence, reader=self.reader, file=self.file)

    def _error(self, problem: str, remedy: str) -> CaseError:
        return self.located(CaseError(problem, remedy))


@dataclass(frozen=True, eq=False)
class UnwrittenMask:
    """A mask file that could not be written: the error, and the cases whose drawings it was to hold."""

    error: CaseError
    cases: tuple[ClosedCase, ...]


def seg_beside(file: Path) -> Path:
    """The DICOM SEG beside a mask file.

    Examples
    --------
    >>> seg_beside(Path("masks/T2_a.nii.gz")).as_posix()
    'masks/T2_a.dcm'
    """
    name = file.name.removesuffix(".gz")
    return file.with_name(name.removesuffix(".seg.nrrd").rsplit(".", 1)[0] + ".dcm")


def mask_files(
    protocol: Protocol, data: Path, cases: Iterable[ClosedCase], wanted: Iterable[ClosedCase]
) -> tuple[list[MaskToWrite], list[UnwrittenMask]]:
    """The mask files of some closed cases, sorted by name; those without a lesion are to be removed.

    A file is left as it is where two lesions would share it without `cohort.label: lesion`, where the pattern of the
    mask files cannot be filled in or does not name one file, where the label or the image's format cannot be written
    so, or where an image of it is not there as it was drawn on: the second list says which, and why.

    Parameters
    ----------
    protocol : the study file.
    data : folder that its relative paths start from.
    cases : all closed first readings of masks; lesions of one patient may share a file.
    wanted : the cases whose files are needed.
    """
    contents: dict[Path, list[_Content]] = {}
    for case, sequence, drawn in _each(protocol, cases):
        with suppress(CaseError):  # told below, if the case is wanted
            contents.setdefault(_file(protocol, data, case, sequence), []).append((case, drawn))
    files: dict[Path, str] = {}
    unwritten = []
    for case, sequence, _ in _each(protocol, wanted):
        try:
            files[_file(protocol, data, case, sequence)] = sequence
        except CaseError as error:
            unwritten.append(UnwrittenMask(error, (case,)))
    masks = []
    for file in sorted(files):
        try:
            masks.append(_mask_file(protocol, file, files[file], contents[file]))
        except CaseError as error:
            unwritten.append(UnwrittenMask(error, tuple(case for case, _ in contents[file])))
    return masks, unwritten


def write_mask_files(files: Sequence[MaskToWrite]) -> tuple[list[Path], list[UnwrittenMask]]:
    """Write mask files, and remove those that the room wrote of a lesion that is not drawn any more.

    A file whose content is unchanged stays as it is.

    Parameters
    ----------
    files : to write.

    Returns
    -------
    The files written, and the masks that could not be: a file is there that the room did not write, or that was
    changed since; the image is another one, or lesions overlap (`MaskToWrite.labels`); a DICOM series does not fit the
    image.

    Raises
    ------
    StorageError : the disk is full, or the folder cannot be written to.
    """
    written: list[Path] = []
    unwritten = []
    for one in files:
        try:
            written.extend(_written(one))
        except CaseError as error:
            unwritten.append(UnwrittenMask(one.located(error), one.cases))
    return written, unwritten


def _written(one: MaskToWrite) -> Iterator[Path]:
    """Write the files of a mask, or remove them, one after the other."""
    if not one.parts:
        _remove(one.file, seg_beside(one.file))
        return
    _refuse_foreign(one, one.file)
    changed = _write(one)
    yield from files_of(one.file)
    if one.seg is not None:
        if changed or not one.seg.exists():
            _refuse_foreign(one, one.seg)
            with owning(one.seg):
                write_rois(one.seg, one.rois(), dicom=_folder(one), phase=_phase(one))
        yield one.seg


def _refuse_foreign(one: MaskToWrite, name: Path) -> None:
    """Refuse to replace a mask file of somebody else.

    A NIfTI file with exactly the content to write is the room's: the program was stopped before it could note that.
    """
    content = _nifti_content(one) if name == one.file else None
    for file in files_of(name):
        known = not (file.exists() or file.is_symlink()) or is_own(file)
        if known or (file == one.file and content is not None and _has(file, content)):
            continue
        raise CaseError(
            "the reader's mask belongs here, but the reading room did not write this file (or it was changed since)",
            "move the file away; to use it, take it in as the reader's mask",
            patient=one.patient, sequence=one.sequence, reader=one.reader, file=file,
        )  # fmt: skip


def _each(
    protocol: Protocol, cases: Iterable[ClosedCase]
) -> Iterator[tuple[ClosedCase, str, DrawnSequence | UnplacedDrawing | None]]:
    """Every case with each sequence of the study, and what is drawn on it."""
    for case in cases:
        drawn: dict[str, DrawnSequence | UnplacedDrawing] = {one.sequence: one for one in case.drawn if one.voxel_count}
        drawn |= {one.sequence: one for one in case.unplaced}
        for sequence in protocol.sequences:
            yield case, sequence, drawn.get(sequence)


def _file(protocol: Protocol, data: Path, case: ClosedCase, sequence: str) -> Path:
    names = {**case.columns, "patient": case.patient, "lesion": case.lesion, "sequence": sequence}
    try:
        file = mask_of(protocol, case.reader, names, data)
        if "*" in file.name:
            raise CaseError(
                "the pattern of the mask files has a '*', which names no file to write", "write the name in full "
                "(cohort.masks)", file=file,
            )  # fmt: skip
    except CaseError as error:
        raise error.located(patient=case.patient, lesion=case.lesion, sequence=sequence, reader=case.reader) from error
    return file


def _mask_file(protocol: Protocol, file: Path, sequence: str, content: Sequence[_Content]) -> MaskToWrite:
    case = content[0][0]
    parts = []
    for own, drawn in content:
        if isinstance(drawn, UnplacedDrawing):
            raise drawn.problem
        if drawn is not None:
            parts.append((_value(protocol, own, file), drawn))
    parts.sort(key=lambda part: part[0])
    rule = protocol.cohort.label
    name = rule if isinstance(rule, str) and rule not in _NAMED_RULES else "lesion"
    cases = tuple(own for own, _ in content)
    one = MaskToWrite(file, case.reader, case.patient, sequence, tuple(parts), cases, name)
    if len(parts) > 1 and rule != "lesion":
        raise one._error(
            f"{len(parts)} lesions of the patient would be one mask file",
            "write {lesion} in cohort.masks, or 'label: lesion' in the section cohort",
        )
    return one


def _value(protocol: Protocol, case: ClosedCase, file: Path) -> int:
    """The value of a lesion's voxels in its file, by which the study finds it (`cohort.label`)."""
    rule = protocol.cohort.label
    if rule == "lesion":
        rule = int(case.lesion) if case.lesion.isdigit() else case.lesion
    numbered = _is_label_map(file)
    if rule is None or rule in ("largest", "union") or (isinstance(rule, str) and not numbered) or rule == 1:
        return 1
    if isinstance(rule, int) and numbered and 1 <= rule <= 255:
        return rule
    problem = f"the file cannot hold the lesion under the label '{rule}', which the study asks for (cohort.label)"
    remedy = "label maps (.nii.gz) hold numbers from 1 to 255, segmentations (.seg.nrrd) a segment's name"
    raise CaseError(problem, remedy, patient=case.patient, lesion=case.lesion, reader=case.reader, file=file)


def _is_label_map(file: Path) -> bool:
    return format_written_as(file.name) in (None, LABEL_MAP)


def _write(one: MaskToWrite) -> bool:
    """Write a mask; False if the file already has this content."""
    content = _nifti_content(one)
    if content is not None and _has(one.file, content):
        remember(one.file)
        return False
    with storing(one.file):
        if content is not None:
            write_bytes(one.file, content)
        elif _is_label_map(one.file):
            write_raster(one.file, one.labels(), one.parts[0][1].grid.affine)
        else:
            one.labels()  # refuses what cannot be written
            write_rois(one.file, one.rois(), dicom=_folder(one), phase=_phase(one))
    remember(*files_of(one.file))
    return True


def _has(file: Path, content: bytes) -> bool:
    return file.is_file() and file_hash(file) == bytes_hash(content)


def _nifti_content(one: MaskToWrite) -> bytes | None:
    """The bytes of a NIfTI mask on a NIfTI image; None for other formats, and for a file to be removed."""
    name = one.file.name.lower()
    if not one.parts or not name.endswith((".nii", ".nii.gz")) or not is_nifti_name(one.parts[0][1].image):
        return None
    return _nifti(one.labels(), one.parts[0][1].image, packed=name.endswith(".gz"))


def _nifti(labels: NDArray[np.uint8], image: Path, *, packed: bool) -> bytes:
    """The bytes of a NIfTI mask with the position fields of its image; the same for the same voxels."""
    source = nifti_header(image)
    header = nib.Nifti1Header() if source["sizeof_hdr"] == 348 else nib.Nifti2Header()
    header.set_data_dtype(np.uint8)
    header.set_data_shape(labels.shape)
    for name in _PLACE:
        header[name] = source[name]
    header["pixdim"][4:] = 1
    header["vox_offset"], header["magic"] = (352, b"n+1") if source["sizeof_hdr"] == 348 else (544, b"n+2\0\r\n\x1a\n")
    header.set_slope_inter(1, 0)
    body = header.binaryblock + b"\0\0\0\0" + labels.tobytes(order="F")
    return gzip.compress(body, 6, mtime=0) if packed else body


def _folder(one: MaskToWrite) -> Path | None:
    series = one.parts[0][1].dicom
    return None if series is None else series.folder


def _phase(one: MaskToWrite) -> int | None:
    series = one.parts[0][1].dicom
    return None if series is None else series.phase


def _remove(*files: Path) -> None:
    """Remove the files that the room wrote and that have not changed since."""
    for file in files:
        if file.is_file() and is_own(file):
            with storing(file):
                file.unlink()
                (file.parent / FOLDER / file.name).unlink(missing_ok=True)
