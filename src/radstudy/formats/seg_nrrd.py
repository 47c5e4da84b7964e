"""Reading and writing of 3D Slicer's segmentations (.seg.nrrd): named segments in one or more layers.

Segments that do not overlap share a layer and differ in label value; segments that overlap lie in different layers and
may have the same label value. A file with several layers has four dimensions, the layers first.

References
----------
3D Slicer developer guide, Segmentations, "Segmentation file format" (keys Segment<N>_Name, _LabelValue, _Layer).
"""

from __future__ import annotations

import gzip
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from radstudy.errors import CaseError
from radstudy.formats.border import border
from radstudy.formats.raster import affine_from_lps
from radstudy.formats.reading import for_native_readers, opened
from radstudy.formats.whole import require_whole
from radstudy.parallel import reading
from radstudy.space.axes import lps_of_ras
from radstudy.store import write_bytes

_COLOURS = ((0.87, 0.33, 0.31), (0.34, 0.65, 0.86), (0.55, 0.78, 0.36), (0.94, 0.76, 0.29), (0.69, 0.48, 0.80))
_TAGS = (
    "Segmentation.Status:completed|TerminologyEntry:Segmentation category and type - 3D Slicer General Anatomy list"
    "~SCT^49755003^Morphologically Altered Structure~SCT^4147007^Mass~^^~Anatomic codes - DICOM master list~^^~^^|"
)
HEADER_BYTES = 65536


@dataclass(frozen=True)
class NrrdSegment:
    """One segment of a .seg.nrrd file.

    Parameters
    ----------
    label : the value of its voxels.
    name : as shown in Slicer.
    layer : index of its layer, from 0.
    """

    label: int
    name: str
    layer: int


@dataclass(frozen=True, eq=False)
class SegNrrd:
    """A .seg.nrrd file.

    Parameters
    ----------
    segments : in the file's order.
    layers : integers (layers, I, J, K).
    affine : float64 (4, 4), voxel index to RAS mm.
    """

    segments: tuple[NrrdSegment, ...]
    layers: NDArray[Any]
    affine: NDArray[np.float64]

    def mask(self, segment: NrrdSegment) -> NDArray[np.bool_]:
        """Return the segment as bool (I, J, K), True inside."""
        inside: NDArray[np.bool_] = self.layers[segment.layer] == segment.label
        return inside


def describes_segments(path: str | Path) -> bool:
    """True if the header of an NRRD file names segments, as Slicer writes them."""
    file = Path(path)
    if not file.is_file() or file.suffix.lower() not in (".nrrd", ".nhdr"):
        return False
    with opened(file) as stream:
        return begins_as_segments(stream.read(HEADER_BYTES))


def begins_as_segments(start: bytes) -> bool:
    """True if the first `HEADER_BYTES` bytes of a file are those of an NRRD that names segments."""
    header = start.split(b"\n\n", 1)[0].split(b"\r\n\r\n", 1)[0]
    return header.startswith(b"NRRD") and re.search(rb"(?m)^Segment\d+_(ID|Name|LabelValue):=", header) is not None


def read_seg_nrrd(path: str | Path) -> SegNrrd:
    """Read a .seg.nrrd file of three or four dimensions.

    Parameters
    ----------
    path : an NRRD file whose header names segments.

    Raises
    ------
    CaseError : it cannot be read, or a segment lies in a layer that does not exist.
    """
    file = Path(path)
    with border(file, "a segmentation", "save it again from 3D Slicer"):
        require_whole(file)
        with for_native_readers(file) as readable, reading(file):
            image = sitk.ReadImage(str(readable))
        return _of_image(image, file)


def _of_image(image: sitk.Image, file: Path) -> SegNrrd:
    """The segments and layers of an image that ITK has read."""
    if image.GetDimension() != 3:
        raise CaseError(
            f"the segmentation has {image.GetDimension()} axes in addition to its layers",
            "save a single segmentation of one time point",
            file=file,
        )  # fmt: skip
    array = sitk.GetArrayFromImage(image)  # (K, J, I) or (K, J, I, layers)
    layers = array[np.newaxis].transpose(0, 3, 2, 1) if array.ndim == 3 else array.transpose(3, 2, 1, 0)
    if layers.dtype.kind == "f":
        raise CaseError(
            "the segmentation holds fractions", "save it in 3D Slicer as a binary labelmap", file=file
        )  # fmt: skip
    keys = {key: image.GetMetaData(key) for key in image.GetMetaDataKeys()}
    segments = tuple(_segment(keys, number) for number in _numbers(keys))
    for segment in segments:
        if not 0 <= segment.layer < len(layers):
            raise CaseError(
                f"segment '{segment.name}' lies in layer {segment.layer}, but the file has only {len(layers)}",
                "save the segmentation again from 3D Slicer", file=file,
            )  # fmt: skip
    return SegNrrd(segments, layers, affine_from_lps(image.GetOrigin(), image.GetSpacing(), image.GetDirection()))


def _numbers(keys: Mapping[str, str]) -> list[int]:
    return sorted({int(match.group(1)) for key in keys if (match := re.match(r"Segment(\d+)_", key))})


def _segment(keys: Mapping[str, str], number: int) -> NrrdSegment:
    """Read one segment from the keys; versions before layers gave each segment the value number + 1."""
    own = f"Segment{number}_"
    name = keys.get(f"{own}Name") or keys.get(f"{own}ID") or str(number + 1)
    return NrrdSegment(int(keys.get(f"{own}LabelValue", number + 1)), name, int(keys.get(f"{own}Layer", 0)))


def write_seg_nrrd(path: str | Path, masks: Mapping[str, NDArray[np.bool_]], affine: NDArray[np.float64]) -> None:
    """Write named masks as a segmentation that 3D Slicer opens.

    Masks that do not overlap share a layer; their label values count from 1 in the order given.

    Parameters
    ----------
    path : must end in .seg.nrrd, by which Slicer recognises a segmentation.
    masks : name to bool (I, J, K), at least one, all of the same shape.
    affine : float64 (4, 4), voxel index to RAS mm.
    """
    layers: list[NDArray[np.uint16]] = []
    lines = []
    for number, (name, mask) in enumerate(masks.items()):
        index = next((i for i, layer in enumerate(layers) if not (layer[mask] != 0).any()), len(layers))
        if index == len(layers):
            layers.append(np.zeros(mask.shape, np.uint16))
        layers[index][mask] = number + 1
        lines += _segment_lines(number, name, mask, index)
    voxels = np.stack(layers) if len(layers) > 1 else layers[0]
    if len(masks) < 256:
        voxels = voxels.astype(np.uint8)
    header = [*_header_lines(voxels, affine), *lines, *_COMMON]
    body = gzip.compress(np.asarray(voxels, voxels.dtype.newbyteorder("<")).tobytes(order="F"), 6, mtime=0)
    write_bytes(Path(path), "\n".join([*header, "", ""]).encode("utf-8") + body)


_COMMON = [
    "Segmentation_ContainedRepresentationNames:=Binary labelmap|",
    "Segmentation_ConversionParameters:=",
    "Segmentation_MasterRepresentation:=Binary labelmap",
    "Segmentation_ReferenceImageExtentOffset:=0 0 0",
]


def _header_lines(voxels: NDArray[Any], affine: NDArray[np.float64]) -> list[str]:
    lps = lps_of_ras(affine)
    directions = [_vector(lps[:3, axis]) for axis in range(3)]
    layered = voxels.ndim == 4
    return [
        "NRRD0004",
        "# Complete NRRD file format specification at:",
        "# http://teem.sourceforge.net/nrrd/format.html",
        f"type: {'unsigned char' if voxels.dtype == np.uint8 else 'unsigned short'}",
        f"dimension: {voxels.ndim}",
        "space: left-posterior-superior",
        f"sizes: {' '.join(map(str, voxels.shape))}",
        f"space directions: {' '.join(['none'] * layered + directions)}",
        f"kinds: {' '.join(['list'] * layered + ['domain'] * 3)}",
        "endian: little",
        "encoding: gzip",
        f"space origin: {_vector(lps[:3, 3])}",
    ]


def _vector(values: Sequence[float] | NDArray[np.float64]) -> str:
    return "(" + ",".join(repr(float(value)) for value in values) + ")"


def _segment_lines(number: int, name: str, mask: NDArray[np.bool_], layer: int) -> list[str]:
    own = f"Segment{number}"
    filled = [np.flatnonzero(mask.any(axis=axes)) for axes in ((1, 2), (0, 2), (0, 1))]
    extent = " ".join(f"{along[0]} {along[-1]}" if along.size else "0 -1" for along in filled)
    return [
        f"{own}_Color:={' '.join(map(str, _COLOURS[number % len(_COLOURS)]))}",
        f"{own}_ColorAutoGenerated:=1",
        f"{own}_Extent:={extent}",
        f"{own}_ID:=Segment_{number + 1}",
        f"{own}_LabelValue:={number + 1}",
        f"{own}_Layer:={layer}",
        f"{own}_Name:={' '.join(name.split()) or f'Segment_{number + 1}'}",
        f"{own}_NameAutoGenerated:=0",
        f"{own}_Tags:={_TAGS}",
    ]
