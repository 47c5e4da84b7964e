"""Writing of a mask as DICOM SEG on the series on which it was drawn, to send it back to the PACS.

Every slice of the series gets a frame, even if empty: programs that crop a segmentation to its frames then see the
series' own grid.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset

from radstudy._version import __version__
from radstudy.errors import CaseError
from radstudy.formats.dicom_frames import frame_affines, is_dicom, read_dataset
from radstudy.space.axes import zyx_of_ijk
from radstudy.space.grid import Grid
from radstudy.store import write_bytes

_EVEN = 0.02  # of the slice distance: tolerated unevenness, since headers round positions


@dataclass(frozen=True, eq=False)
class SourceSeries:
    """The slices of one volume of a DICOM series.

    Parameters
    ----------
    datasets : without pixels, sorted along their normal.
    grid : I along columns, J along rows, K along the slices.
    """

    datasets: tuple[Dataset, ...]
    grid: Grid


def read_source_series(folder: str | Path, phase: int | None = None) -> SourceSeries:
    """Read the series in a folder, to which a mask refers: headers only.

    Parameters
    ----------
    folder : holds the DICOM files of one series.
    phase : number of the volume if the series has several (DCE phases, b-values), from 1 in the order of
        InstanceNumber; None if there is only one.

    Raises
    ------
    CaseError : no series or several; multi-frame files; several volumes and none chosen; slices missing or uneven.
    """
    files = sorted(file for file in Path(folder).rglob("*") if file.is_file() and is_dicom(file))
    datasets = [read_dataset(file, stop_before_pixels=True) for file in files]
    datasets = [dataset for dataset in datasets if "ImagePositionPatient" in dataset or "NumberOfFrames" in dataset]
    try:
        return _one_volume(datasets, phase)
    except CaseError as error:
        raise error.located(file=folder) from error


def _one_volume(datasets: list[Dataset], phase: int | None) -> SourceSeries:
    series = sorted({str(dataset.get("SeriesInstanceUID", "")) for dataset in datasets})
    if len(series) != 1:
        raise CaseError(f"the folder holds {len(series)} series with images", "give the folder of a single series")
    if any(int(dataset.get("NumberOfFrames") or 1) > 1 for dataset in datasets):
        raise CaseError("the series is multi-frame", "give a series of single-frame slices, or write a .seg.nrrd")
    affines = [frame_affines(dataset)[0] for dataset in datasets]
    normal = affines[0][:3, 2]
    height = np.array([normal @ affine[:3, 3] for affine in affines])
    places: dict[float, list[int]] = {}
    for index in np.argsort(height, kind="stable"):
        places.setdefault(round(float(height[index]), 2), []).append(int(index))
    counts = {len(members) for members in places.values()}
    volumes = max(counts)
    if len(counts) > 1:
        raise CaseError(
            f"slice positions occur {min(counts)} to {volumes} times", "give the whole series, each file once"
        )
    if phase is None and volumes > 1:
        raise CaseError(f"the series holds {volumes} volumes of {len(places)} slices", "choose one (phase; --phase)")
    number = 1 if phase is None else phase
    if not 1 <= number <= volumes:
        raise CaseError(f"there is no phase {number}: the series holds {volumes}", f"choose one from 1 to {volumes}")
    chosen = [
        sorted(members, key=lambda index: int(datasets[index].get("InstanceNumber") or 0))[number - 1]
        for members in places.values()
    ]
    return _even([datasets[index] for index in chosen], [affines[index] for index in chosen])


def _even(datasets: Sequence[Dataset], affines: Sequence[NDArray[np.float64]]) -> SourceSeries:
    if len(datasets) < 2:
        raise CaseError("the series has only one slice", "give the whole series")
    affine = affines[0].copy()
    affine[:3, 2] = (affines[-1][:3, 3] - affines[0][:3, 3]) / (len(affines) - 1)
    first = datasets[0]
    corners = np.array([[0, first.Columns - 1, 0], [0, 0, first.Rows - 1], [0, 0, 0], [1, 1, 1]])
    inverse = np.linalg.inv(affine)
    for k, (dataset, own) in enumerate(zip(datasets, affines, strict=True)):
        off = inverse @ own @ corners - corners - np.array([[0], [0], [k], [0]])
        if (dataset.Rows, dataset.Columns) != (first.Rows, first.Columns) or np.abs(off).max() > _EVEN:
            raise CaseError(
                f"slice {k + 1} of {len(datasets)} lies {np.abs(off).max():.2g} voxels off an even grid, or has "
                "a different size",
                "look for missing slices",
            )
    return SourceSeries(tuple(datasets), Grid((int(first.Columns), int(first.Rows), len(datasets)), affine))


def write_dicom_seg(path: str | Path, masks: Iterable[tuple[str, NDArray[np.bool_]]], source: SourceSeries) -> None:
    """Write named masks on the grid of a series as a binary DICOM SEG.

    Parameters
    ----------
    path : the file to write.
    masks : name and bool (I, J, K) on the series' grid, at least one.
    source : the series.

    Raises
    ------
    CaseError : the headers lack what a segmentation must repeat (patient, study, frame of reference).
    """
    import highdicom as hd
    from pydicom.sr.codedict import codes
    from pydicom.uid import ExplicitVRLittleEndian

    named = list(masks)
    descriptions = [
        hd.seg.SegmentDescription(
            segment_number=number,
            segment_label=name[:64] or f"Segment {number}",
            segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
            segmented_property_type=codes.SCT.Lesion,
            algorithm_type=hd.seg.SegmentAlgorithmTypeValues.MANUAL,
        )
        for number, (name, _) in enumerate(named, 1)
    ]
    pixels = np.stack([zyx_of_ijk(mask) for _, mask in named], axis=-1).astype(np.uint8)
    try:
        with warnings.catch_warnings():
            # A pseudonym is a single word; highdicom's warning would print it.
            warnings.filterwarnings("ignore", message="The string .* person name")
            segmentation = hd.seg.Segmentation(
                source_images=list(source.datasets),
                pixel_array=pixels,
                segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
                segment_descriptions=descriptions,
                series_instance_uid=hd.UID(),
                series_number=1000,
                series_description="Segmentation",
                sop_instance_uid=hd.UID(),
                instance_number=1,
                manufacturer="radstudy",
                manufacturer_model_name="radstudy",
                software_versions=__version__,
                device_serial_number="0",
                transfer_syntax_uid=ExplicitVRLittleEndian,
                omit_empty_frames=False,
            )
    except (AttributeError, KeyError, ValueError, TypeError) as error:
        raise CaseError(
            f"a segmentation cannot be written on this series ({error})",
            "give the series as the scanner or PACS exported it",
        ) from error
    write_bytes(Path(path), _as_bytes(segmentation))


def _as_bytes(dataset: Dataset) -> bytes:
    from io import BytesIO

    memory = BytesIO()
    dataset.save_as(memory, enforce_file_format=True)
    return memory.getvalue()
