"""Synthetic DICOM examinations: small, the answer known in each voxel (value of the volume + number of the slice)."""

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence
from pydicom.uid import UID, EnhancedMRImageStorage, ExplicitVRLittleEndian, MRImageStorage

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
SAGITTAL = (0.0, 1.0, 0.0, 0.0, 0.0, -1.0)
OBLIQUE = (1.0, 0.0, 0.0, 0.0, float(np.cos(0.2)), float(np.sin(0.2)))
T2 = {"SeriesDescription": "T2 TSE AX", "EchoTime": 90, "RepetitionTime": 4000, "ScanningSequence": "SE"}
GRE = {"EchoTime": 2.4, "RepetitionTime": 5.1, "FlipAngle": 10, "ScanningSequence": "GR", "ScanOptions": "FS"}
DWI = {"SeriesDescription": "ep2d_diff", "EchoTime": 70, "RepetitionTime": 7000, "ScanningSequence": "EP"}


@dataclass(frozen=True)
class Volume:
    """One volume of a series: the value of its first slice, and the tags that tell it apart."""

    value: int = 0
    tags: dict[Any, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Scan:
    """One DICOM series."""

    tags: dict[Any, Any]
    volumes: tuple[Volume, ...] = (Volume(100),)
    number: int = 1
    slices: int = 6
    orientation: tuple[float, ...] = AXIAL
    origin: tuple[float, float, float] = (-40.0, -30.0, 12.5)
    spacing: tuple[float, float] = (0.8, 0.7)
    step: float = 3.0
    size: tuple[int, int] = (8, 10)
    patient: str = "HOSP-4711"
    name: str = "MUSTERMANN^ERIKA"
    birth: str = "19560704"
    study: str = "one"
    uid: str = ""

    @property
    def series_uid(self) -> str:
        """Its SeriesInstanceUID."""
        return uid("series", self.patient, self.study, self.uid or self.number)

    def position(self, number: int) -> np.ndarray:
        """Of slice `number` (LPS, mm)."""
        normal = np.cross(self.orientation[:3], self.orientation[3:])
        return np.asarray(self.origin) + number * self.step * normal

    def pixels(self, volume: Volume, number: int) -> np.ndarray:
        """(rows, columns) int16 of one slice: every voxel differs from its neighbours."""
        rows, columns = self.size
        ramp = np.arange(rows)[:, None] * 7 + np.arange(columns)[None, :] * 3
        return (volume.value + number + 10 * ramp).astype(np.int16)


def uid(*parts: object) -> str:
    """A UID that is always the same for the same parts."""
    return "1.2.826.0.1." + str(int(hashlib.sha256(repr(parts).encode()).hexdigest()[:24], 16))


def put(dataset: Dataset, tags: dict[Any, Any]) -> None:
    """Set tags by keyword, private ones by (tag, VR); None deletes."""
    for key, value in tags.items():
        if isinstance(key, tuple):
            dataset.add_new(key[0], key[1], value)
        elif value is None:
            delattr(dataset, key) if key in dataset else None
        else:
            setattr(dataset, key, value)


def instance(scan: Scan, volume: Volume, number: int) -> FileDataset:
    """One classic MR image."""
    dataset = _base(
        scan, MRImageStorage, uid("instance", scan.series_uid, sorted(map(repr, volume.tags.items())), number)
    )
    before = scan.volumes.index(volume) if volume in scan.volumes else 0
    dataset.InstanceNumber = before * scan.slices + number + 1
    dataset.ImagePositionPatient = [round(float(value), 6) for value in scan.position(number)]
    dataset.ImageOrientationPatient = [round(value, 8) for value in scan.orientation]
    dataset.PixelSpacing = list(scan.spacing)
    dataset.SliceThickness = scan.step
    put(dataset, scan.tags)
    put(dataset, volume.tags)
    dataset.PixelData = scan.pixels(volume, number).tobytes()
    return dataset


def write(folder: Path, *scans: Scan, without: tuple[int, ...] = ()) -> list[Path]:
    """Write scans, one file an image, under names that give no order away. `without`: slices that are left out."""
    folder.mkdir(parents=True, exist_ok=True)
    files = []
    for scan in scans:
        for volume in scan.volumes:
            for number in range(scan.slices):
                if number in without:
                    continue
                dataset = instance(scan, volume, number)
                file = folder / (hashlib.sha256(dataset.SOPInstanceUID.encode()).hexdigest()[:12] + ".dcm")
                dataset.save_as(file, enforce_file_format=True)
                files.append(file)
    return files


def enhanced(scan: Scan, frames: list[tuple[Volume, int]], per_frame: Any) -> FileDataset:
    """One enhanced multi-frame object. `per_frame(item, volume, number)` adds the groups that tell frames apart."""
    dataset = _base(scan, EnhancedMRImageStorage, uid("enhanced", scan.series_uid))
    put(dataset, {k: v for k, v in scan.tags.items() if k not in ("EchoTime", "RepetitionTime", "FlipAngle")})
    shared = Dataset()
    shared.PlaneOrientationSequence = Sequence([_with(ImageOrientationPatient=list(scan.orientation))])
    shared.PixelMeasuresSequence = Sequence([_with(PixelSpacing=list(scan.spacing), SliceThickness=scan.step)])
    shared.MREchoSequence = Sequence([_with(EffectiveEchoTime=float(scan.tags["EchoTime"]))])
    shared.MRTimingAndRelatedParametersSequence = Sequence(
        [_with(RepetitionTime=scan.tags["RepetitionTime"], FlipAngle=scan.tags.get("FlipAngle", 90))]
    )
    dataset.SharedFunctionalGroupsSequence = Sequence([shared])
    items = []
    for volume, number in frames:
        item = Dataset()
        item.PlanePositionSequence = Sequence([_with(ImagePositionPatient=scan.position(number).round(6).tolist())])
        item.PixelValueTransformationSequence = Sequence([_with(RescaleSlope=2, RescaleIntercept=-5, RescaleType="US")])
        per_frame(item, volume, number)
        items.append(item)
    dataset.PerFrameFunctionalGroupsSequence = Sequence(items)
    dataset.NumberOfFrames = len(frames)
    dataset.PixelData = b"".join(scan.pixels(volume, number).tobytes() for volume, number in frames)
    return dataset


def _with(**tags: Any) -> Dataset:
    dataset = Dataset()
    put(dataset, tags)
    return dataset


def item(**tags: Any) -> Sequence:
    """A sequence of one item."""
    return Sequence([_with(**tags)])


def _base(scan: Scan, storage: UID, instance_uid: str) -> FileDataset:
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID = storage, instance_uid
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    put(
        dataset,
        {
            "SOPClassUID": storage,
            "SOPInstanceUID": instance_uid,
            "PatientID": scan.patient,
            "PatientName": scan.name,
            "PatientBirthDate": scan.birth,
            "PatientSex": "F",
            "SpecificCharacterSet": "ISO_IR 192",
            "StudyInstanceUID": uid("study", scan.patient, scan.study),
            "SeriesInstanceUID": scan.series_uid,
            "StudyDate": "20240305",
            "StudyTime": "101500",
            "StudyID": "S1",
            "SeriesDate": "20240305",
            "SeriesNumber": scan.number,
            "Modality": "MR",
            "Manufacturer": "SIEMENS",
            "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND"],
            "FrameOfReferenceUID": uid("frame", scan.patient, scan.study),
            "MagneticFieldStrength": 3,
            "AccessionNumber": "ACC-990017",
            "ReferringPhysicianName": "HOUSE^GREGORY",
            "Rows": scan.size[0],
            "Columns": scan.size[1],
            "SamplesPerPixel": 1,
            "PhotometricInterpretation": "MONOCHROME2",
            "BitsAllocated": 16,
            "BitsStored": 16,
            "HighBit": 15,
            "PixelRepresentation": 1,
        },
    )
    return dataset


def t2(**changes: Any) -> Scan:
    """A T2-weighted series."""
    return replace(Scan(T2, number=3), **changes)


def time_of(seconds: float) -> str:
    """A DICOM time, so many seconds after half past ten."""
    total = 10 * 3600 + 30 * 60 + seconds
    return f"{int(total // 3600):02d}{int(total // 60 % 60):02d}{total % 60:05.2f}"


def phases(count: int, *, seconds: int = 90, value: int = 1000, tag: str = "AcquisitionTime") -> tuple[Volume, ...]:
    """Volumes of one dynamic series, told apart by a time."""
    return tuple(Volume(value * (number + 1), {tag: time_of(number * seconds)}) for number in range(count))


def dynamic(count: int = 4, **changes: Any) -> Scan:
    """A dynamic series: all phases in one."""
    tags = {**GRE, "SeriesDescription": "t1_fl3d_tra_dynaVIEWS"}
    return replace(Scan(tags, volumes=phases(count), number=7), **changes)


def dicomdir(files: list[Path], folder: Path) -> Path:
    """A medium with these files and a DICOMDIR."""
    from pydicom.fileset import FileSet

    made = FileSet()
    for file in files:
        made.add(file)
    made.write(folder)
    made._stage["t"].cleanup()
    return folder / "DICOMDIR"


def read(file: Path) -> Dataset:
    """A file's dataset."""
    return pydicom.dcmread(file)
