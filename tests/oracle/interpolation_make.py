"""Dice of ITK's morphological contour interpolation on real lesions, drawn on every third slice.

    python tests/oracle/interpolation_make.py REAL_DATA > tests/oracle/interpolation.csv

Needs itk-morphologicalcontourinterpolation (Zukic et al., The Insight Journal 2016, doi 10.54294/achtrg), made with
version 2.1.2 of it. The Dice is of the slices between the drawn ones alone.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import itk
import numpy as np

from radstudy.imaging.roi import Roi

CASES, EVERY = 20, 3


def sparse(mask: np.ndarray) -> tuple[np.ndarray, list[int]]:
    """The mask on every third of its slices and on its last one, and the numbers of the slices between."""
    slices = np.flatnonzero(mask.any(axis=(0, 1)))
    drawn = sorted({*range(slices[0], slices[-1] + 1, EVERY), int(slices[-1])})
    kept = np.zeros_like(mask)
    kept[:, :, drawn] = mask[:, :, drawn]
    return kept, [number for number in range(slices[0], slices[-1] + 1) if number not in drawn]


def dice(one: np.ndarray, other: np.ndarray) -> float:
    """Twice the common voxels over all."""
    return float(2 * (one & other).sum() / (one.sum() + other.sum()))


def masks(folder: Path) -> dict[str, Roi]:
    """The first twenty patients' lesions on T1 that have at least seven slices."""
    read = {file.parent.name: Roi.read(file) for file in sorted(folder.glob("sts/STS_*/MR_T1_mask.nii.gz"))}
    long = {name: roi for name, roi in read.items() if roi.mask.any(axis=(0, 1)).sum() >= 7}
    return dict(list(long.items())[:CASES])


def main() -> None:
    """Write the table."""
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["patient", "slices", "dice_itk"])
    for name, roi in masks(Path(sys.argv[1])).items():
        kept, between = sparse(roi.mask)
        image = itk.image_from_array(np.ascontiguousarray(kept.transpose(2, 1, 0)).astype(np.uint8))
        image.SetSpacing(np.linalg.norm(roi.affine[:3, :3], axis=0).tolist())
        filled = itk.array_from_image(itk.morphological_contour_interpolator(image, axis=2)).transpose(2, 1, 0) > 0
        row = [name, int(roi.mask.any(axis=(0, 1)).sum()), dice(filled[:, :, between], roi.mask[:, :, between])]
        writer.writerow([*row[:2], f"{row[2]:.6f}"])
    sys.stdout.flush()


if __name__ == "__main__":
    main()
