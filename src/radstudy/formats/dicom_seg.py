"""Reading of DICOM segmentations: binary, fractional and label-map SEG files, as planes in RAS for every segment.

A SEG may hold fewer frames than its image has slices, in any order, without naming the series it was drawn on. So
frames are never counted: each is placed by its own position.

References
----------
DICOM PS3.3, A.51 (Segmentation IOD), C.8.20 (Segmentation modules).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.encaps import generate_frames

from radstudy.bounds import IMAGE
from radstudy.errors import CaseError
from radstudy.formats.dicom_frames import Plane, dicom_border, frame_affines, in_groups, read_dataset
from radstudy.formats.dicom_pixels import RUN_LENGTHS, require_runs
from radstudy.formats.dicom_values import first_item, text_of, value_of, whole_of

INSIDE_FROM = 0.5  # share (of probability or occupancy) from which a voxel of a fractional segmentation is inside


@dataclass(frozen=True, eq=False)
class SegmentPlanes:
    """One segment of a SEG file.

    Parameters
    ----------
    number, name : SegmentNumber and SegmentLabel.
    planes : its frames that hold at least one pixel, in the file's order.
    notes : remarks for the reader on how the file was read.
    """

    number: int
    name: str
    planes: tuple[Plane, ...]
    notes: tuple[str, ...] = ()


def read_dicom_seg(path: str | Path) -> list[SegmentPlanes]:
    """Read every segment of a DICOM SEG file.

    Binary frames are used as they are; in fractional ones, the pixels that reach half of MaximumFractionalValue
    (`INSIDE_FROM`) are inside; in label maps, those that hold the segment's number.

    Parameters
    ----------
    path : a Segmentation Storage or Label Map Segmentation Storage file.

    Returns
    -------
    The segments in the order of their numbers; one without a pixel has no planes.

    Raises
    ------
    CaseError : the file is broken, a frame has no position in the patient, or its pixels cannot be decoded.
    """
    with dicom_border(path, "segmentation"):
        dataset = read_dataset(path)
        _require_claimed(dataset)
        names = _names(dataset)
        frames, notes = _frames(dataset)
        affines = frame_affines(dataset)
        if len(affines) != len(frames):
            raise CaseError(
                f"the file describes {len(affines)} frames but holds {len(frames)}", "export the segmentation again"
            )
        segments = {number: list[Plane]() for number in names}
        for index, (frame, affine) in enumerate(zip(frames, affines, strict=True)):
            for number, pixels in _segments_of(dataset, index, frame, names):
                if pixels.any():
                    segments[number].append(Plane(np.ascontiguousarray(pixels.T), affine, index + 1))
    return [SegmentPlanes(number, names[number], tuple(segments[number]), notes) for number in sorted(names)]


def _require_claimed(dataset: Dataset) -> None:
    """Refuse a file that claims more voxels than are allowed, before any memory is allocated for them."""
    sizes = [whole_of(value_of(dataset, name)) for name in ("Rows", "Columns", "BitsAllocated")]
    frames = whole_of(value_of(dataset, "NumberOfFrames")) or 1
    if any(not size or size < 0 for size in sizes) or frames < 1:
        raise CaseError(
            f"the file gives {sizes[0]} rows, {sizes[1]} columns, {sizes[2]} bits and {frames} frames",
            "export the segmentation again",
        )
    if problem := IMAGE.exceeded(math.prod([size or 1 for size in sizes[:2]]) * frames):
        raise CaseError(f"{sizes[0]} rows, {sizes[1]} columns and {frames} frames: {problem}", IMAGE.remedy)
    if dataset.file_meta.get("TransferSyntaxUID") == RUN_LENGTHS:
        for encoded in generate_frames(dataset.PixelData, number_of_frames=frames):
            require_runs(dataset, encoded)


def _names(dataset: Dataset) -> dict[int, str]:
    described = value_of(dataset, "SegmentSequence") or []
    numbers = [whole_of(value_of(item, "SegmentNumber")) for item in described]
    names = {
        number: text_of(item, "SegmentLabel")
        for number, item in zip(numbers, described, strict=True)
        if number is not None
    }
    if not names or len(names) != len(described):
        raise CaseError(
            f"the file describes {len(described)} segments with {len(names)} numbers", "export the segmentation again"
        )
    if value_of(dataset, "SegmentationType") == "LABELMAP":
        for number in _background(dataset):
            names.pop(number, None)  # the background may be described as a segment
    return names


def _background(dataset: Dataset) -> set[int]:
    """Values of a label map that are not segments: 0, the padding, and those coded as background."""
    coded = {
        whole_of(value_of(item, "SegmentNumber")) or 0
        for item in value_of(dataset, "SegmentSequence") or []
        for code in value_of(item, "SegmentedPropertyTypeCodeSequence") or []
        if (value_of(code, "CodeValue"), value_of(code, "CodingSchemeDesignator")) == ("125040", "DCM")
    }
    return {0, whole_of(value_of(dataset, "PixelPaddingValue")) or 0, *coded}


def _frames(dataset: Dataset) -> tuple[NDArray[Any], tuple[str, ...]]:
    """(frames, rows, columns) as stored, and remarks for the reader on how they were stored."""
    syntax = dataset.file_meta.TransferSyntaxUID.name if "TransferSyntaxUID" in dataset.file_meta else "not named"
    notes: tuple[str, ...] = ()
    try:
        if _is_native(dataset) and (by_frame := bits_by_frame(dataset)) is not None:
            array, notes = by_frame, ("each of its frames is padded to whole bytes and was unpacked separately",)
        else:
            array = dataset.pixel_array
    except CaseError:
        raise
    except Exception as error:  # each decoder has its own errors
        raise CaseError(
            f"the pixels cannot be decoded (transfer syntax: {syntax}; {error})",
            "export the segmentation uncompressed (Explicit VR Little Endian)",
        ) from error
    return (array if array.ndim == 3 else array[np.newaxis]), notes


def _is_native(dataset: Dataset) -> bool:
    """True if the pixels are not compressed, so that their number of bytes is known."""
    syntax = dataset.file_meta.get("TransferSyntaxUID")
    return "PixelData" in dataset and syntax is not None and not syntax.is_compressed


def bits_by_frame(dataset: Dataset) -> NDArray[np.uint8] | None:
    """Unpack the pixels of a file whose frames are each padded to whole bytes; None if it follows the standard.

    The standard packs the bits of all frames without gaps and pads only the end. If frames do not end on a byte, the
    two layouts differ from the second frame on, and a reader that assumes the wrong one shifts all that follow. If
    the bytes fit both layouts, the standard's is used.

    Parameters
    ----------
    dataset : its pixels are not compressed.

    Raises
    ------
    CaseError : the pixels have more bytes than either layout needs, or fit neither.

    References
    ----------
    DICOM PS3.5, 8.1.1 (pixel data of one bit allocated), annex D.
    """
    frames = int(dataset.get("NumberOfFrames") or 1)
    bits = int(dataset.Rows) * int(dataset.Columns) * int(dataset.get("SamplesPerPixel") or 1) * dataset.BitsAllocated
    size, packed, padded = len(dataset.PixelData), -(-frames * bits // 8), frames * -(-bits // 8)
    if size < packed:
        raise CaseError(
            f"the pixels cannot be decoded: {frames} frames need {packed} bytes, the file has {size}",
            "copy or export the segmentation again",
        )
    if size > padded + padded % 2:
        raise CaseError(
            f"{frames} frames need {packed} bytes of pixels, the file has {size}", "export the segmentation again"
        )
    if bits % 8 == 0 or frames == 1:
        return None
    stored = np.unpackbits(np.frombuffer(dataset.PixelData, np.uint8), bitorder="little")
    last = stored[packed * 8 :].any() and dataset.PixelData[-1:] != b"0"  # some programs pad with the character 0
    if size <= packed + packed % 2 and not stored[frames * bits : packed * 8].any() and not last:
        return None
    if size >= padded:
        each = stored[: padded * 8].reshape(frames, -1)
        if not each[:, bits:].any():
            return each[:, :bits].reshape(frames, int(dataset.Rows), int(dataset.Columns))
    raise CaseError(
        f"{frames} frames need {packed} bytes of pixels, or {padded} with each padded to whole bytes; the file has "
        f"{size}, with pixels where only padding should be",
        "export the segmentation again",
    )


def _segments_of(
    dataset: Dataset, index: int, frame: NDArray[Any], names: dict[int, str]
) -> list[tuple[int, NDArray[np.bool_]]]:
    """The segment numbers of one frame, with their pixels."""
    kind = value_of(dataset, "SegmentationType")
    if kind == "LABELMAP":
        present = [int(value) for value in np.unique(frame)]
        unknown = set(present) - set(names) - _background(dataset)
        if unknown:
            raise _unnamed(min(unknown), index)
        return [(value, frame == value) for value in present if value in names]
    shared = first_item(value_of(dataset, "SharedFunctionalGroupsSequence"))
    per_frame = value_of(dataset, "PerFrameFunctionalGroupsSequence") or []
    if index >= len(per_frame):
        raise CaseError("the file does not describe its frames", "export the segmentation again")
    number = whole_of(in_groups([per_frame[index], shared], "SegmentIdentificationSequence", "ReferencedSegmentNumber"))
    if number is None or number not in names:
        raise _unnamed(number, index)
    if kind == "FRACTIONAL":
        return [(number, frame >= INSIDE_FROM * _full(dataset))]
    if kind != "BINARY":
        raise CaseError(f"the segmentation's type is {kind}", "export it as BINARY, FRACTIONAL or LABELMAP")
    return [(number, frame != 0)]


def _full(dataset: Dataset) -> int:
    """The value of a fractional segmentation that means a whole voxel."""
    full = whole_of(value_of(dataset, "MaximumFractionalValue"))
    if full is None or full < 1:
        raise CaseError(f"MaximumFractionalValue is {full}", "export the segmentation again")
    return full


def _unnamed(number: Any, index: int) -> CaseError:
    return CaseError(
        f"frame {index + 1} belongs to segment {number}, which the file does not describe",
        "export the segmentation again",
    )
