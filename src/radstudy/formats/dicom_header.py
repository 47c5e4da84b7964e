"""Headers of DICOM images: one `Frame` per image, with the facts of its series shared.

References: DICOM PS3.3 C.7.6.2 (image plane), C.7.6.16 (multi-frame functional groups), C.8.3.1 (MR image), C.8.13
(enhanced MR image).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar, cast

from radstudy.formats.dicom_diffusion import DiffusionWeighting, diffusion_of
from radstudy.formats.dicom_file import open_file
from radstudy.formats.dicom_values import (
    clock_of,
    first_item,
    number_of,
    numbers_of,
    private_value,
    real_of,
    text_of,
    value_of,
    whole_of,
    words_of,
)

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

Shared = TypeVar("Shared")


@dataclass(frozen=True, slots=True)
class DicomIdentity:
    """Patient, study and series of an object. Never leaves the import: outputs hold only keyed names of it."""

    patient_id: str
    issuer: str
    name: str
    birth_date: str
    study_uid: str
    series_uid: str
    study_date: str


@dataclass(frozen=True, slots=True)
class SeriesFacts:
    """Facts shared by the images of a series. Times in ms, lengths in mm, angles in degrees; None if absent.

    Parameters
    ----------
    orientation : direction cosines of a row, then of a column (LPS), or None.
    pixel_spacing : between rows, between columns (mm), in DICOM's order.
    burned_in, says_no_text : whether BurnedInAnnotation is YES, or NO; both False if it is absent.
    captured : whether the header says how the image was converted to DICOM (ConversionType), as in screenshots.
    tiled : the vendor's name for a single image that holds all slices of a volume; "" if it is not one.
    component : PHASE, REAL or IMAGINARY if the image is that part of the complex signal; "" for a magnitude or if
        unknown.
    padding : first and last stored value that mark a pixel outside the image (PixelPaddingValue), or None.
    acquisition_images, temporal_positions : number of images of the acquisition, and of phases, by the header.
    bits_stored : bits of a pixel that hold its value; 0 if the header does not say.
    """

    modality: str = ""
    storage: str = ""
    manufacturer: str = ""
    model: str = ""
    field_strength: float | None = None
    description: str = ""
    protocol: str = ""
    sequence_name: str = ""
    series_number: int | None = None
    image_type: tuple[str, ...] = ()
    scanning_sequence: tuple[str, ...] = ()
    sequence_variant: tuple[str, ...] = ()
    scan_options: tuple[str, ...] = ()
    acquisition_type: str = ""
    repetition_ms: float | None = None
    echo_ms: float | None = None
    inversion_ms: float | None = None
    flip_deg: float | None = None
    echo_train: int | None = None
    bandwidth_hz: float | None = None
    contrast_agent: str = ""
    body_part: str = ""
    laterality: str = ""
    patient_position: str = ""
    patient_age: str = ""
    patient_sex: str = ""
    rows: int = 0
    columns: int = 0
    pixel_spacing: tuple[float, float] | None = None
    orientation: tuple[float, ...] | None = None
    thickness_mm: float | None = None
    spacing_between_mm: float | None = None
    samples: int = 1
    bits: int = 16
    transfer_syntax: str = ""
    burned_in: bool = False
    says_no_text: bool = False
    captured: bool = False
    tiled: str = ""
    frame_of_reference: str = ""
    component: str = ""
    padding: tuple[int, int] | None = None
    acquisition_images: int | None = None
    temporal_positions: int | None = None
    bits_stored: int = 0


@dataclass(frozen=True, slots=True)
class ImageFrame:
    """One image: a classic instance, or one frame of a multi-frame instance.

    Parameters
    ----------
    file : name of the object in its source.
    index : number of the frame from 0, or None for a classic instance.
    position : centre of the first voxel (LPS, mm), or None.
    acquired_s, content_s : seconds on one clock (date included), or None.
    slope, intercept : convert stored values to real values; None if absent.
    scale : divisor that makes rescaled values comparable with those of another series, see `scale_of`; None if the
        header does not say.
    """

    file: str
    index: int | None
    uid: str
    identity: DicomIdentity
    facts: SeriesFacts
    position: tuple[float, float, float] | None
    instance_number: int | None
    acquisition_number: int | None
    temporal_position: int | None
    trigger_ms: float | None
    acquired_s: float | None
    content_s: float | None
    diffusion: DiffusionWeighting
    slope: float | None
    intercept: float | None
    bytes_missing: int = 0
    scale: float | None = None


class Sharing:
    """Pool of equal facts, each kept once, so that a folder of 100,000 instances is indexed in little memory."""

    def __init__(self) -> None:
        self._known: dict[Any, Any] = {}

    def __call__(self, value: Shared) -> Shared:
        """Return the first object that was equal to `value`."""
        return cast(Shared, self._known.setdefault(value, value))


def read_header(file: BinaryIO) -> Any:
    """Read the header of a DICOM file as a pydicom Dataset, without pixels; raises as `open_file` does.

    Private tags are read for b-value, scale and kind of image, and are never kept.

    Parameters
    ----------
    file : an open, seekable binary file.
    """
    return open_file(file, stop_before_pixels=True).dataset


def frames_of(dataset: Dataset, file: str, share: Sharing, *, missing: int = 0) -> Iterator[ImageFrame]:
    """Yield the images that an object holds.

    Parameters
    ----------
    dataset : from `read_header`.
    file : name of the object in its source.
    share : keeps each of several equal facts once.
    missing : number of bytes missing from its pixels; see `require_image`.

    Raises
    ------
    UnreadableError : a value that the images depend on cannot be read.
    """
    identity = share(identity_of(dataset))
    meta = getattr(dataset, "file_meta", None)
    syntax = str(getattr(meta, "TransferSyntaxUID", "") or "")
    per_frame = value_of(dataset, "PerFrameFunctionalGroupsSequence")
    groups = list(per_frame) if per_frame else [None]
    shared = first_item(value_of(dataset, "SharedFunctionalGroupsSequence"))
    for number, group in enumerate(groups):
        look = _lookup(dataset, shared, group)
        facts = share(_facts(dataset, look, syntax))
        position = numbers_of(look("PlanePositionSequence", "ImagePositionPatient"), 3)
        yield ImageFrame(
            file=file,
            index=None if group is None else number,
            uid=str(value_of(dataset, "SOPInstanceUID") or ""),
            identity=identity,
            facts=facts,
            position=None if position is None else (position[0], position[1], position[2]),
            instance_number=whole_of(value_of(dataset, "InstanceNumber")),
            acquisition_number=whole_of(
                look("FrameContentSequence", "FrameAcquisitionNumber") or value_of(dataset, "AcquisitionNumber")
            ),
            temporal_position=whole_of(
                look("FrameContentSequence", "TemporalPositionIndex") or value_of(dataset, "TemporalPositionIdentifier")
            ),
            trigger_ms=real_of(look("CardiacSynchronizationSequence", "NominalCardiacTriggerDelayTime"))
            if group is not None
            else real_of(value_of(dataset, "TriggerTime")),
            acquired_s=clock_of(look("FrameContentSequence", "FrameAcquisitionDateTime"), None)
            or clock_of(value_of(dataset, "AcquisitionDateTime"), None)
            or clock_of(_day(dataset, "AcquisitionDate"), value_of(dataset, "AcquisitionTime")),
            content_s=None
            if group is not None
            else clock_of(_day(dataset, "ContentDate"), value_of(dataset, "ContentTime")),
            diffusion=share(diffusion_of(dataset, look, facts.manufacturer, facts.image_type)),
            slope=real_of(look("PixelValueTransformationSequence", "RescaleSlope")),
            intercept=real_of(look("PixelValueTransformationSequence", "RescaleIntercept")),
            bytes_missing=missing,
            scale=scale_of(dataset, look, group),
        )


def identity_of(dataset: Dataset) -> DicomIdentity:
    """Read patient, study and series of an object."""
    return DicomIdentity(
        patient_id=text_of(dataset, "PatientID"),
        issuer=text_of(dataset, "IssuerOfPatientID"),
        name=text_of(dataset, "PatientName"),
        birth_date=text_of(dataset, "PatientBirthDate"),
        study_uid=text_of(dataset, "StudyInstanceUID"),
        series_uid=text_of(dataset, "SeriesInstanceUID"),
        study_date=text_of(dataset, "StudyDate") + text_of(dataset, "StudyTime"),
    )


Look = Callable[[str, str], Any]


def _lookup(dataset: Dataset, shared: Any, group: Any) -> Look:
    """Look up values in a frame's functional group, then the shared ones, or (classic image) in the data set itself."""

    def look(sequence: str, keyword: str) -> Any:
        if group is None:
            return value_of(dataset, keyword)
        for place in (group, shared):
            item = first_item(value_of(place, sequence)) if place is not None else None
            value = value_of(item, keyword) if item is not None else None
            if value is not None:
                return value
        return None

    return look


def _facts(dataset: Dataset, look: Look, syntax: str) -> SeriesFacts:
    spacing = numbers_of(look("PixelMeasuresSequence", "PixelSpacing"), 2)
    frame_type = look("MRImageFrameTypeSequence", "FrameType")
    image_type = words_of(frame_type if frame_type is not None else value_of(dataset, "ImageType"))
    field = real_of(value_of(dataset, "MagneticFieldStrength"))
    agent = text_of(dataset, "ContrastBolusAgent")
    return SeriesFacts(
        modality=text_of(dataset, "Modality"),
        storage=text_of(dataset, "SOPClassUID"),
        manufacturer=text_of(dataset, "Manufacturer"),
        model=text_of(dataset, "ManufacturerModelName"),
        field_strength=None
        if field is None
        else field / 10_000
        if field > 1000
        else field,  # some scanners write gauss
        description=text_of(dataset, "SeriesDescription"),
        protocol=text_of(dataset, "ProtocolName"),
        sequence_name=text_of(dataset, "SequenceName") or text_of(dataset, "PulseSequenceName"),
        series_number=whole_of(value_of(dataset, "SeriesNumber")),
        image_type=image_type,
        scanning_sequence=words_of(value_of(dataset, "ScanningSequence")),
        sequence_variant=words_of(value_of(dataset, "SequenceVariant")),
        scan_options=words_of(value_of(dataset, "ScanOptions")),
        acquisition_type=text_of(dataset, "MRAcquisitionType"),
        repetition_ms=real_of(look("MRTimingAndRelatedParametersSequence", "RepetitionTime")),
        echo_ms=real_of(look("MREchoSequence", "EffectiveEchoTime")) or real_of(value_of(dataset, "EchoTime")),
        inversion_ms=real_of(value_of(dataset, "InversionTime")),
        flip_deg=real_of(look("MRTimingAndRelatedParametersSequence", "FlipAngle")),
        echo_train=whole_of(look("MRTimingAndRelatedParametersSequence", "EchoTrainLength")),
        bandwidth_hz=real_of(look("MRImagingModifierSequence", "PixelBandwidth")),
        contrast_agent="" if agent.upper() in ("NONE", "NO", "N") else agent,
        body_part=text_of(dataset, "BodyPartExamined"),
        laterality=str(look("FrameAnatomySequence", "FrameLaterality") or "").strip()
        or text_of(dataset, "ImageLaterality")
        or text_of(dataset, "Laterality"),
        patient_position=text_of(dataset, "PatientPosition"),
        patient_age=text_of(dataset, "PatientAge"),
        patient_sex=text_of(dataset, "PatientSex"),
        rows=whole_of(value_of(dataset, "Rows")) or 0,
        columns=whole_of(value_of(dataset, "Columns")) or 0,
        pixel_spacing=None if spacing is None else (spacing[0], spacing[1]),
        orientation=numbers_of(look("PlaneOrientationSequence", "ImageOrientationPatient"), 6),
        thickness_mm=real_of(look("PixelMeasuresSequence", "SliceThickness")),
        spacing_between_mm=real_of(look("PixelMeasuresSequence", "SpacingBetweenSlices")),
        samples=whole_of(value_of(dataset, "SamplesPerPixel")) or 1,
        bits=whole_of(value_of(dataset, "BitsAllocated")) or 0,
        transfer_syntax=syntax,
        burned_in=text_of(dataset, "BurnedInAnnotation").upper() == "YES",
        says_no_text=text_of(dataset, "BurnedInAnnotation").upper() == "NO",
        captured=bool(text_of(dataset, "ConversionType")),
        tiled=_tiled(dataset, image_type),
        frame_of_reference=text_of(dataset, "FrameOfReferenceUID"),
        component=component_of(dataset, look, image_type),
        padding=_padding(dataset),
        acquisition_images=whole_of(value_of(dataset, "ImagesInAcquisition")),
        temporal_positions=whole_of(value_of(dataset, "NumberOfTemporalPositions")),
        bits_stored=whole_of(value_of(dataset, "BitsStored")) or 0,
    )


def _tiled(dataset: Dataset, image_type: Sequence[str]) -> str:
    """Recognise Siemens MOSAIC by ImageType, and United Imaging GRID by VFRAME there or its slice count (0065,1050)."""
    words = {*image_type, *words_of(value_of(dataset, "ImageType"))}
    if "MOSAIC" in words:
        return "Siemens MOSAIC"
    slices = number_of(private_value(dataset, 0x00651050)) or 0
    united = any(name in text_of(dataset, "Manufacturer").upper() for name in ("UIH", "UNITED IMAGING"))
    return "United Imaging GRID" if united and ("VFRAME" in words or slices > 1) else ""


def component_of(dataset: Dataset, look: Look, image_type: Sequence[str]) -> str:
    """Part of the complex signal that an image shows: PHASE, REAL or IMAGINARY; "" for a magnitude or if unknown.

    References: DICOM PS3.3 C.8.13.3.1.2 (ComplexImageComponent). ImageType from its third value on: Siemens writes P, R
    and I, Philips also P_FFE, R_SE and PHASE MAP. GE: RawDataType (0043,102F), 0 to 3.
    """
    stated = str(look("MRImageFrameTypeSequence", "ComplexImageComponent") or "").strip().upper()
    if stated in ("PHASE", "REAL", "IMAGINARY", "MAGNITUDE"):
        return "" if stated == "MAGNITUDE" else stated
    if text_of(dataset, "Manufacturer").upper().startswith("GE"):
        kind = number_of(private_value(dataset, 0x0043102F))
        if kind in _OF_GE:
            return _OF_GE[kind]
    letters = {word[0] for word in image_type[2:] if _COMPONENT.fullmatch(word)}
    return _BY_LETTER[min(letters)] if letters else ""


_COMPONENT = re.compile(r"[PRI](?:_\w+)?|(?:PHASE|REAL|IMAGINARY)(?: MAP)?")
_BY_LETTER = {"I": "IMAGINARY", "P": "PHASE", "R": "REAL"}
_OF_GE = {1.0: "PHASE", 2.0: "REAL", 3.0: "IMAGINARY"}


def scale_of(dataset: Dataset, look: Look, group: Any) -> float | None:
    """Divisor that makes an image's rescaled values comparable between the series of one examination.

    Philips rescales each series to its own range: the comparable value is (SV * RS + RI) / (RS * SS), with the stored
    value SV, rescale slope RS, rescale intercept RI and scale slope SS (2005,100E). If SS is absent, a linear real-
    world value mapping is equivalent: its slope takes the place of 1 / SS (DICOM PS3.3 C.7.6.16.2.11).

    References
    ----------
    Chenevert TL et al., Transl Oncol 2014;7:65, doi 10.1593/tlo.13811.
    """
    slope = real_of(look("PixelValueTransformationSequence", "RescaleSlope"))
    private = first_item(private_value(group, 0x2005140F)) if group is not None else None
    scale = next((factor for place in (private, dataset) if place is not None
                  and (factor := number_of(private_value(place, 0x2005100E)))), None)  # fmt: skip
    if scale and "PHILIPS" in text_of(dataset, "Manufacturer").upper():
        return (slope or 1.0) * scale
    mapped = _real_world_slope(dataset, look, group)
    intercept = real_of(look("PixelValueTransformationSequence", "RescaleIntercept"))
    return (slope or 1.0) / mapped if mapped and not intercept else None


def _real_world_slope(dataset: Dataset, look: Look, group: Any) -> float | None:
    """The slope of a real world value mapping without intercept; None if there is no mapping or several."""
    if group is None:
        items = value_of(dataset, "RealWorldValueMappingSequence")
        if not items or len(items) != 1:
            return None
        slope, intercept = (real_of(value_of(items[0], f"RealWorldValue{name}")) for name in ("Slope", "Intercept"))
    else:
        slope, intercept = (
            real_of(look("RealWorldValueMappingSequence", f"RealWorldValue{name}")) for name in ("Slope", "Intercept")
        )
    return None if intercept else slope


def _padding(dataset: Dataset) -> tuple[int, int] | None:
    """The range of stored values that marks pixels outside the image (DICOM PS3.3 C.7.5.1.1.2)."""
    ends = [whole_of(value_of(dataset, name)) for name in ("PixelPaddingValue", "PixelPaddingRangeLimit")]
    first = ends[0]
    if first is None:
        return None
    last = first if ends[1] is None else ends[1]
    bits = whole_of(value_of(dataset, "BitsAllocated")) or 16
    signed = whole_of(value_of(dataset, "PixelRepresentation")) == 1
    least = -(2 ** (bits - 1)) if signed else 0  # some files state it with the sign that the pixels do not have
    first, last = ((value - least) % 2**bits + least for value in (first, last))
    return min(first, last), max(first, last)


def _day(dataset: Dataset, keyword: str) -> str:
    return text_of(dataset, keyword) or text_of(dataset, "SeriesDate") or text_of(dataset, "StudyDate")
