"""Stored pixel values of one DICOM image, uncompressed or compressed.

JPEG, JPEG lossless, JPEG-LS and JPEG 2000 are decoded by the GDCM inside SimpleITK, which is a dependency already: the
other decoders for Python are GPL (libjpeg), or do not know JPEG lossless, the commonest in archives.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk
from numpy.typing import NDArray

from radstudy.store import temporary_folder

_JPEG = {
    "1.2.840.10008.1.2.4.50", "1.2.840.10008.1.2.4.51", "1.2.840.10008.1.2.4.57", "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81", "1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91",
}  # fmt: skip
_RLE = "1.2.840.10008.1.2.5"
_LAYOUT = (
    "Rows", "Columns", "SamplesPerPixel", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation",
    "PhotometricInterpretation",
)  # fmt: skip


def decoded(dataset: Any, index: int | None) -> NDArray[Any]:
    """The stored values of an image, without slope and intercept.

    Parameters
    ----------
    dataset : a whole pydicom Dataset.
    index : number of the frame from 0; None for a classic image.

    Returns
    -------
    (rows, columns) in the stored type and this machine's byte order.

    Raises
    ------
    NotImplementedError : the transfer syntax has no decoder here.
    ValueError, RuntimeError, AttributeError, EOFError : the pixels are cut off or damaged.
    """
    from pydicom.pixels import pixel_array

    syntax = dataset.file_meta.TransferSyntaxUID
    if syntax in _JPEG:
        return _by_itk(dataset, index or 0)
    if syntax.is_compressed and syntax not in (_RLE, "1.2.840.10008.1.2.1.99"):
        raise NotImplementedError(syntax)
    plugin = "pydicom" if syntax == _RLE else ""
    values = np.asarray(pixel_array(dataset, index=index, decoding_plugin=plugin))
    return values.astype(values.dtype.newbyteorder("="), copy=False)  # big-endian files keep their byte order


def _by_itk(dataset: Any, index: int) -> NDArray[Any]:
    """Decode one frame: ITK reads it from a file that holds nothing but its pixels, so no rescaling is applied."""
    from pydicom.dataset import FileDataset, FileMetaDataset
    from pydicom.encaps import encapsulate, get_frame
    from pydicom.uid import SecondaryCaptureImageStorage, generate_uid

    frames = int(dataset.get("NumberOfFrames", 1) or 1)
    meta = FileMetaDataset()
    meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
    meta.MediaStorageSOPClassUID = SecondaryCaptureImageStorage
    meta.MediaStorageSOPInstanceUID = generate_uid()
    bare = FileDataset(None, {}, file_meta=meta, preamble=b"\0" * 128)
    bare.SOPClassUID, bare.SOPInstanceUID = meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID
    for keyword in _LAYOUT:
        setattr(bare, keyword, dataset.get(keyword))
    bare.PixelData = encapsulate([get_frame(dataset.PixelData, index, number_of_frames=frames)])
    bare["PixelData"].VR = "OB"
    bare["PixelData"].is_undefined_length = True
    with temporary_folder() as folder:
        file = Path(folder) / "image.dcm"
        bare.save_as(file, enforce_file_format=True)
        read = sitk.ImageFileReader()
        read.SetImageIO("GDCMImageIO")
        read.SetFileName(str(file))
        values = sitk.GetArrayFromImage(read.Execute())
    stored = np.dtype(f"{'i' if dataset.PixelRepresentation else 'u'}{dataset.BitsAllocated // 8}")
    return np.asarray(values[0] if values.ndim == 3 else values).astype(stored)
