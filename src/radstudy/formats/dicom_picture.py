"""A single DICOM image of two axes: ultrasound, mammogram, radiograph, secondary capture, or one slice.

References
----------
DICOM PS3.3: C.7.6.3 (image pixel), C.8.5.5 (ultrasound regions), 10.7.1.3 (PixelSpacing and calibration).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from radstudy.errors import CaseError
from radstudy.formats.dicom_frames import dicom_border, read_dataset
from radstudy.formats.dicom_pixels import UndecodableError, decoded
from radstudy.formats.dicom_values import numbers_of, real_of, text_of, value_of, whole_of
from radstudy.formats.picture import grey_of_rgb
from radstudy.formats.pixel_size import FlatImage, PixelSize

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_ON_DETECTOR = "ImagerPixelSpacing"
_SPACINGS = ("PixelSpacing", _ON_DETECTOR, "NominalScannedPixelSpacing")  # in this order
_CENTIMETRES = 3  # PhysicalUnitsXDirection
_SAME = 1e-3


def read_dicom_picture(path: str | Path) -> FlatImage:
    """Read a DICOM file with one image as grey values: stored values with slope and intercept, no window, no LUT.

    Raises
    ------
    CaseError : it is damaged, has several frames or no pixels, or cannot be decoded.
    """
    file = Path(path)
    dataset = read_dataset(file)
    with dicom_border(file, "image"):
        frames = whole_of(value_of(dataset, "NumberOfFrames")) or 1
        if frames > 1:
            raise CaseError(f"the DICOM file has {frames} frames", "export the one that is meant, or import the series")
        if "PixelData" not in dataset:
            raise CaseError("the DICOM file has no pixels", "give an image")
        if value_of(dataset, "ModalityLUTSequence") is not None:
            raise CaseError("its values need a lookup table (Modality LUT)", "export it with its values as they are")
        try:
            pixels, notes = _values(dataset)
        except UndecodableError as error:
            raise CaseError(f"its compression has no decoder here ({error})", "export it uncompressed") from error
        size, says = _stated(dataset)
        doubt = _doubt(dataset) if says == _ON_DETECTOR else ""
    return FlatImage(pixels, size, says, notes, doubt)


def _values(dataset: Dataset) -> tuple[NDArray[Any], tuple[str, ...]]:
    stored = decoded(dataset, None)
    photometric = text_of(dataset, "PhotometricInterpretation")
    if photometric in ("MONOCHROME1", "MONOCHROME2"):
        notes = ("MONOCHROME1: higher values are darker; they are kept as stored",) * (photometric == "MONOCHROME1")
        return _scaled(stored, dataset), notes
    return grey_of_rgb(_rgb(stored, dataset, photometric))


def _rgb(stored: NDArray[Any], dataset: Dataset, photometric: str) -> NDArray[np.uint8]:
    from pydicom.pixels.processing import apply_color_lut

    if photometric == "PALETTE COLOR":
        colours = np.asarray(apply_color_lut(stored, dataset))
        return (colours >> 8).astype(np.uint8) if colours.dtype.itemsize > 1 else colours.astype(np.uint8)
    stored = stored[0] if stored.ndim == 4 else stored  # ITK adds an axis to a compressed image
    known = photometric == "RGB" or photometric.startswith("YBR_")
    if stored.ndim != 3 or stored.shape[2] != 3 or stored.dtype.itemsize != 1 or not known:
        raise CaseError(f"its colours are {photometric or 'not stated'}", "export it in grey, or as 8-bit RGB")
    return stored.astype(np.uint8)  # the decoders turn YBR into RGB


def _scaled(stored: NDArray[Any], dataset: Dataset) -> NDArray[Any]:
    slope = real_of(value_of(dataset, "RescaleSlope"))
    intercept = real_of(value_of(dataset, "RescaleIntercept"))
    if (slope, intercept) in ((None, None), (1.0, 0.0)):
        return stored
    scale, shift = (1.0 if slope is None else slope), (intercept or 0.0)
    values = stored.astype(np.float64) * scale + shift
    if scale == round(scale) and shift == round(shift) and np.abs(values).max(initial=0) < np.iinfo(np.int32).max:
        return values.astype(np.int32)
    return values.astype(np.float32)


# --- pixel size --------------------------------------------------------------------------------------------------


def _stated(dataset: Dataset) -> tuple[PixelSize | None, str]:
    for keyword in _SPACINGS:
        between = numbers_of(value_of(dataset, keyword), 2)
        if between is not None:
            return (between[1], between[0]), keyword  # DICOM: between rows, then between columns
    return _of_regions(value_of(dataset, "SequenceOfUltrasoundRegions"))


def _doubt(dataset: Dataset) -> str:
    factor = real_of(value_of(dataset, "EstimatedRadiographicMagnificationFactor"))
    magnified = f", where the image is {factor:g} times larger than in the patient" if factor is not None else ""
    return f"its pixel size is that on the detector ({_ON_DETECTOR}){magnified}"


def _of_regions(regions: Any) -> tuple[PixelSize | None, str]:
    """Pixel size of the regions that are calibrated in centimetres; None if they differ."""
    sizes = [
        (abs(across) * 10, abs(down) * 10)
        for region in regions or ()
        if whole_of(value_of(region, "PhysicalUnitsXDirection")) == _CENTIMETRES
        and whole_of(value_of(region, "PhysicalUnitsYDirection")) == _CENTIMETRES
        and (across := real_of(value_of(region, "PhysicalDeltaX")))
        and (down := real_of(value_of(region, "PhysicalDeltaY")))
    ]
    if not sizes:
        return None, "no PixelSpacing, and no ultrasound region in centimetres"
    if not np.allclose(sizes, sizes[0], rtol=_SAME, atol=0):
        listed = " and ".join(f"{across:.4g} x {down:.4g} mm" for across, down in dict.fromkeys(sizes))
        return None, f"its ultrasound regions have several ({listed})"
    return sizes[0], "ultrasound region"
