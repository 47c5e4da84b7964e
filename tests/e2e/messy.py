"""A cohort as hospitals send it: three vendors, three languages, two readers who both call the lesion "Tumor".

Every voxel is known. Siemens writes classic images with German names, GE classic images with French ones, Philips
enhanced multi-frame objects with Chinese ones. The two readers' drawings are DICOM SEG (Siemens), .seg.nrrd (GE) and
RTSTRUCT (Philips), each in a folder with the reader's name; in no file does the label tell the readers apart. One
examination runs over midnight without true dates, one is big-endian, and each has a subtraction that does not say
DERIVED.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.sequence import Sequence
from pydicom.uid import ExplicitVRBigEndian

from radstudy.formats.dicom_seg_write import read_source_series, write_dicom_seg
from radstudy.formats.seg_nrrd import write_seg_nrrd
from unit.intake import synthetic
from unit.intake.synthetic import Scan, Volume

READERS = ("anna", "ben")
LABEL = "Tumor"
SIZE, SLICES = (20, 24), 8  # rows and columns, slices
RTSTRUCT = "1.2.840.10008.5.1.4.1.1.481.3"
MIDNIGHT, BIG_ENDIAN = 3, 4  # patients
PHASES = 3


@dataclass(frozen=True)
class Vendor:
    """How one vendor's examinations look.

    Parameters
    ----------
    names : series descriptions of T2WI, DWI, DCE and subtraction.
    person : how its patients are called.
    tags : of every series.
    """

    maker: str
    names: tuple[str, str, str, str]
    person: str
    tags: dict[str, Any]


VENDORS = (
    Vendor("SIEMENS", ("T2 TSE transversal", "Diffusion b800 Mamma", "T1 Dynamik nach KM", "Subtraktion 2. minus 1."),
           "MÜLLER^URSULA {}", {"SpecificCharacterSet": "ISO_IR 100"}),
    Vendor("GE MEDICAL SYSTEMS", ("AX T2 FSE SEIN", "DIFFUSION B800 SEIN", "VIBRANT DYNAMIQUE", "SOUSTRACTION 2-1"),
           "LEFÈVRE^HÉLÈNE {}", {"SpecificCharacterSet": "ISO_IR 100"}),
    Vendor("Philips Medical Systems", ("横断位 T2加权", "弥散 DWI", "增强 动态扫描 DYN", "减影 2-1"),
           "Wang^Xiaoping {}=王^小平", {"SpecificCharacterSet": "GB18030"}),
)  # fmt: skip


@dataclass(frozen=True)
class Woman:
    """One patient: which vendor's, her outcome, where her lesion lies, and what each reader drew.

    Parameters
    ----------
    masks : reader to bool (I, J, K), on the grid that all her sequences share in voxels.
    """

    number: int
    positive: bool
    masks: dict[str, np.ndarray]

    @property
    def vendor(self) -> Vendor:
        """Of her scanner."""
        return VENDORS[self.number % len(VENDORS)]

    @property
    def identifier(self) -> str:
        """Her PatientID: digits that a spreadsheet takes for a number."""
        return f"00{4711000307 + self.number}"


@dataclass(frozen=True)
class Picture(Scan):
    """A series whose voxels are a lesion on noise: `woman` says where, `seed` which noise."""

    woman: Woman | None = None
    gain: float = 1.0

    def pixels(self, volume: Volume, number: int) -> np.ndarray:
        """(rows, columns) int16 of one slice."""
        return voxels(self.woman, volume.value, self.gain)[:, :, number].T.copy()


def voxels(woman: Woman, value: int, gain: float = 1.0) -> np.ndarray:
    """Int16 (I, J, K): what an image of this value shows of a woman."""
    rng = np.random.default_rng([woman.number, value])
    shape = (SIZE[1], SIZE[0], SLICES)
    lesion = woman.masks["anna"]
    image = rng.normal(100, 8, shape) + value / 10
    spread = (24 if woman.positive else 16) + np.random.default_rng([woman.number, 77]).normal(0, 8)
    image[lesion] += 60 + rng.normal(0, max(spread, 4), int(lesion.sum()))
    return np.rint(gain * image).astype(np.int16)


def women(count: int, seed: int = 5) -> list[Woman]:
    """A cohort, every second woman positive; the second reader draws somewhat elsewhere."""
    rng = np.random.default_rng(seed)
    return [_woman(number, rng) for number in range(count)]


def _woman(number: int, rng: np.random.Generator) -> Woman:
    i, j = int(rng.integers(3, 7)), int(rng.integers(3, 6))
    width, height = int(rng.integers(8, 12)), int(rng.integers(7, 11))
    masks = {reader: np.zeros((SIZE[1], SIZE[0], SLICES), bool) for reader in READERS}
    masks["anna"][i : i + width, j : j + height, 1:6] = True
    shift, more = int(rng.integers(0, 2)), int(rng.integers(0, 2))
    masks["ben"][i + shift : i + width + 1, j : j + height + more, 1 + more : 6] = True
    return Woman(number, number % 2 == 1, masks)


def write_cohort(folder: Path, cohort: Iterable[Woman]) -> None:
    """Write each woman's examination and drawings: folder/<n>/images/*, folder/<n>/drawings/<reader>/*."""
    for woman in cohort:
        own = folder / f"case{woman.number:02d}"
        scans = _scans(woman)
        writer = _enhanced if woman.vendor.maker.startswith("Philips") else _classic
        for scan in scans.values():
            writer(own / "images", woman, scan)
        for reader in READERS:
            for role, scan in (("T2", scans["T2"]), ("DCE", scans["DCE"])):
                _DRAW[woman.vendor.maker](own, woman, reader, role, scan)


def _scans(woman: Woman) -> dict[str, Picture]:
    vendor = woman.vendor
    t2, dwi, dce, subtraction = vendor.names
    common = {
        "slices": SLICES, "size": SIZE, "patient": woman.identifier, "name": vendor.person.format(woman.number),
        "birth": f"19{50 + woman.number:02d}0704", "woman": woman,
    }  # fmt: skip
    own = {"Manufacturer": vendor.maker, **vendor.tags}
    gre = {**synthetic.GRE, **own}
    scans = {
        "T2": Picture({**synthetic.T2, **own, "SeriesDescription": t2}, (Volume(200),), number=3,
                      spacing=(0.7, 0.6), **common),
        "DWI": Picture({**synthetic.DWI, **own, "SeriesDescription": dwi}, _diffusion(), number=5,
                       spacing=(1.1, 1.0), **common),
        "DCE": Picture({**gre, "SeriesDescription": dce}, _phases(woman), number=7, **common),
        "subtraction": Picture({**gre, "SeriesDescription": subtraction}, _phases(woman)[1:2], number=9, uid="sub",
                               **common),
    }  # fmt: skip
    if woman.number == MIDNIGHT:
        undated = {"StudyDate": "19000101", "SeriesDate": "19000101"}  # as some anonymisers write
        scans = {name: replace(scan, tags={**scan.tags, **undated}) for name, scan in scans.items()}
    return scans


def _diffusion() -> tuple[Volume, ...]:
    return tuple(Volume(value, {"DiffusionBValue": float(b)}) for b, value in ((0, 900), (800, 300)))


def _phases(woman: Woman) -> tuple[Volume, ...]:
    start = 86400 - 100 if woman.number == MIDNIGHT else 10 * 3600
    times = [(start + 90 * phase) % 86400 for phase in range(PHASES)]
    values = (1000, 1600, 1900)
    return tuple(
        Volume(value, {"AcquisitionTime": f"{time // 3600:02d}{time // 60 % 60:02d}{time % 60:02d}.00"})
        for value, time in zip(values, times, strict=True)
    )


def _content(woman: Woman, scan: Picture, volume: Volume) -> np.ndarray:
    """Int16 (I, J, K) of one volume of a scan; a subtraction is what its name says."""
    if scan.uid == "sub":
        first, second = (voxels(woman, value) for value in (1000, 1600))
        return second - first
    return voxels(woman, volume.value)


def _classic(folder: Path, woman: Woman, scan: Picture) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for volume in scan.volumes:
        content = _content(woman, scan, volume)
        for number in range(scan.slices):
            dataset = synthetic.instance(scan, volume, number)
            pixels = content[:, :, number].T
            dataset.PixelData = pixels.tobytes()
            file = folder / f"{dataset.SOPInstanceUID[-12:]}.dcm"
            if woman.number == BIG_ENDIAN:
                dataset.file_meta.TransferSyntaxUID = ExplicitVRBigEndian
                dataset.PixelData = pixels.astype(">i2").tobytes()
                dataset["PixelData"].VR = "OW"
                pydicom.dcmwrite(file, dataset, little_endian=False, implicit_vr=False, force_encoding=True)
            else:
                dataset.save_as(file, enforce_file_format=True)


def _enhanced(folder: Path, woman: Woman, scan: Picture) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    frames = [(volume, number) for number in range(scan.slices) for volume in scan.volumes]
    dataset = synthetic.enhanced(scan, frames, _groups(scan))
    pixels = [_content(woman, scan, volume)[:, :, number].T.tobytes() for volume, number in frames]
    dataset.PixelData = b"".join(pixels)
    dataset.save_as(folder / f"{scan.number}.dcm", enforce_file_format=True)


def _groups(scan: Picture) -> Callable[[Any, Volume, int], None]:
    def add(item: Any, volume: Volume, number: int) -> None:
        index = scan.volumes.index(volume) + 1
        content = {"TemporalPositionIndex": index} if "AcquisitionTime" in volume.tags else {}
        if "AcquisitionTime" in volume.tags:
            content["FrameAcquisitionDateTime"] = "20240305" + volume.tags["AcquisitionTime"]
        item.FrameContentSequence = synthetic.item(**content)
        if "DiffusionBValue" in volume.tags:
            b = volume.tags["DiffusionBValue"]
            item.MRDiffusionSequence = synthetic.item(
                DiffusionBValue=b, DiffusionDirectionality="ISOTROPIC" if b else "NONE"
            )

    return add


def _segmentation(own: Path, woman: Woman, reader: str, role: str, scan: Picture) -> None:
    """As 3D Slicer exports it: every reader's segment has the same name."""
    alone = own.parent / ".alone" / f"{woman.number}-{role}"
    if not alone.exists():
        synthetic.write(alone, replace(scan, woman=woman))
    out = _drawings(own, reader) / f"{role}.dcm"
    phase = 2 if role == "DCE" else None
    write_dicom_seg(out, [(LABEL, woman.masks[reader])], read_source_series(alone, phase))
    dataset = pydicom.dcmread(out)
    dataset.ContentCreatorName = None
    dataset.save_as(out)


def _seg_nrrd(own: Path, woman: Woman, reader: str, role: str, scan: Picture) -> None:
    write_seg_nrrd(_drawings(own, reader) / f"{role}.seg.nrrd", {LABEL: woman.masks[reader]}, _affine(scan))


def _structures(own: Path, woman: Woman, reader: str, role: str, scan: Picture) -> None:
    out = _drawings(own, reader) / f"{role}.dcm"
    dataset = synthetic._base(scan, RTSTRUCT, synthetic.uid("rt", woman.number, reader, role))
    for keyword in ("Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
                    "SamplesPerPixel", "PhotometricInterpretation", "FrameOfReferenceUID"):  # fmt: skip
        delattr(dataset, keyword)
    synthetic.put(dataset, woman.vendor.tags)
    dataset.Modality, dataset.SeriesInstanceUID = "RTSTRUCT", synthetic.uid("rt series", woman.number, reader, role)
    series = synthetic.item(SeriesInstanceUID=scan.series_uid)
    dataset.ReferencedFrameOfReferenceSequence = synthetic.item(
        FrameOfReferenceUID=synthetic.uid("frame", scan.patient, scan.study),
        RTReferencedStudySequence=synthetic.item(RTReferencedSeriesSequence=series),
    )
    dataset.StructureSetROISequence = synthetic.item(ROINumber=1, ROIName=LABEL)
    mask, contours = woman.masks[reader], Sequence()
    for number in np.flatnonzero(mask.any(axis=(0, 1))):
        i, j = (np.flatnonzero(mask[:, :, number].any(axis=axis)) for axis in (1, 0))
        low, high = np.array([i[0], j[0]]) - 0.5, np.array([i[-1], j[-1]]) + 0.5
        corners = np.array([low, [high[0], low[1]], high, [low[0], high[1]]]) * scan.spacing[::-1]
        points = scan.position(int(number)) + np.column_stack([corners, np.zeros(4)])
        data = [f"{value:.3f}" for value in points.ravel()]
        contours += synthetic.item(ContourGeometricType="CLOSED_PLANAR", NumberOfContourPoints=4, ContourData=data)
    dataset.ROIContourSequence = synthetic.item(ReferencedROINumber=1, ContourSequence=contours)
    dataset.save_as(out, enforce_file_format=True)


_DRAW: dict[str, Callable[[Path, Woman, str, str, Picture], None]] = {
    "SIEMENS": _segmentation,
    "GE MEDICAL SYSTEMS": _seg_nrrd,
    "Philips Medical Systems": _structures,
}


def _drawings(own: Path, reader: str) -> Path:
    folder = own / "drawings" / reader
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _affine(scan: Picture) -> np.ndarray:
    """(4, 4) voxel index to RAS mm of an axial scan."""
    affine = np.diag([-scan.spacing[1], -scan.spacing[0], scan.step, 1.0])
    affine[:3, 3] = np.asarray(scan.origin) * [-1, -1, 1]
    return affine
