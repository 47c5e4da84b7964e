"""Volumes and regions of interest, bias field, intensity, resampling, registration. Returns numbers; the report draws.

`preparation.py` prepares a volume: `n4.py` fits the bias field, `bias_field.py` is what is kept of it and applied
again, `intensity.py` sets the scale. `resample.py` reads as the order of work: the box of the mask (`box.py`), the
image's place in ITK's numbers (`header.py`), the new grid and its points (`resampling_grid.py`), image and mask at
those points (`interpolation.py`). `resampled_mask.py` says what becomes of a mask before any image is read.

N4 has the same bits on every x86-64 processor: its kernels take `exp` and `log` from `kernels/elementary.py`, and sum
in one order (docs/n4.md). `radstudy/compiled.py` stamps a kernel's cache with all files that it imports.
"""
