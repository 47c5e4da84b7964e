"""SOP classes of the DICOM objects that are read (DICOM PS3.4, B.5)."""

from __future__ import annotations

IMAGE_STORAGES = {
    "1.2.840.10008.5.1.4.1.1.4": "MR",
    "1.2.840.10008.5.1.4.1.1.4.1": "enhanced MR",
    "1.2.840.10008.5.1.4.1.1.4.4": "legacy converted enhanced MR",
}
SEG_STORAGES = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")  # segmentation, label map
RTSTRUCT_STORAGE = "1.2.840.10008.5.1.4.1.1.481.3"
DRAWINGS = {**dict.fromkeys(SEG_STORAGES, "SEG"), RTSTRUCT_STORAGE: "RTSTRUCT"}
