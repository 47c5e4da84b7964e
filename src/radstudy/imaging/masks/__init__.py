"""Masks: from any file onto its image's grid, from one image to another, and back to files.

All but `transfer.py` lies below `Roi`, which is a `MaskOnGrid` (`mask_on_grid.py`) with files. Each format has one
file in `formats/`; reading (`read.py`), writing (`write.py`), help texts and tests follow `MASK_FORMATS`.
`placing.py` and `contours.py` (with `contour_sets.py`) put a mask onto its image's grid; `transfer.py` moves it to
another image, after a rigid fit (`registration.py`) if asked.
"""
