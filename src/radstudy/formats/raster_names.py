"""Names of image files that are read and written as rasters."""

from __future__ import annotations

SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd")
