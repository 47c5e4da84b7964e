"""Writes docs/n4.md: how far our N4's log field lies from SimpleITK's, case by case, and what moves SimpleITK's.

``python tests/oracle/n4_table.py FOLDER_OF_REAL_DATA`` takes some minutes, all but a few seconds of them ITK's.
``--spacing F`` takes the second table from what ``benchmarks/n4_spacing.py --json F`` has measured, and leaves the
first as it is where no folder is given.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import SimpleITK as sitk

from radstudy.demo import appearance
from radstudy.demo.cohort import plan, simulate
from radstudy.formats.raster import affine_from_lps, to_sitk
from radstudy.imaging.foreground import foreground
from radstudy.imaging.n4 import fit_bias_field
from radstudy.imaging.volume import Volume

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "benchmarks"))
from n4_spacing import markdown

DOCS = Path(__file__).resolve().parents[2] / "docs" / "n4.md"
ITERATIONS = (50, 40, 30)
DCE = "breast_dce/UCSF-BR-06/image_dce_3dfgre_orig"


@dataclass(frozen=True, eq=False)
class Case:
    """One volume to correct; `truth` is its log field, where it is known."""

    name: str
    volume: Volume
    shrink: int = 4
    inside: np.ndarray | None = None
    truth: np.ndarray | None = None


def breast_phases(folder: Path) -> list[Volume]:
    """The three phases of the real DCE series: slices of one position lie in the order of their ContentTime."""
    found: dict[tuple[float, ...], list[tuple[str, Path]]] = {}
    for file in sorted(folder.glob("*.dcm")):
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(file))
        reader.ReadImageInformation()
        position = tuple(float(part) for part in reader.GetMetaData("0020|0032").split("\\"))
        found.setdefault(position, []).append((reader.GetMetaData("0008|0033"), file))
    positions = sorted(found)
    phases = []
    for phase in range(3):
        image = sitk.ReadImage([str(sorted(found[position])[phase][1]) for position in positions])
        affine = affine_from_lps(image.GetOrigin(), image.GetSpacing(), image.GetDirection())
        voxels = sitk.GetArrayFromImage(image).transpose(2, 1, 0)
        phases.append(Volume(voxels.astype(np.float32), affine))
    return phases


def synthetic(shrink: int, mask: bool) -> Case:
    """Two tissues in air under a known field, anisotropic voxels, noise."""
    rng = np.random.default_rng(shrink)
    grid = np.stack(np.meshgrid(*[np.linspace(-1, 1, n) for n in (120, 104, 44)], indexing="ij"))
    inside = (grid**2).sum(axis=0) < 0.95
    tissue = np.where(np.sin(9 * grid[0]) * np.sin(7 * grid[1]) > 0, 600.0, 300.0) * inside
    truth = 0.3 * grid[0] - 0.2 * grid[1] ** 2 + 0.1 * grid[2] * grid[0]
    voxels = np.hypot(tissue * np.exp(truth) + rng.normal(0, 8, inside.shape), rng.normal(0, 8, inside.shape))
    volume = Volume(voxels.astype(np.float32), np.diag([1.1, 1.1, 3.0, 1.0]))
    name = f"synthetic 120 x 104 x 44, {'mask given' if mask else 'Otsu'}"
    return Case(name, volume, shrink, inside if mask else None, truth)


def demo_cases() -> Iterator[Case]:
    """One demo patient's four sequences, whose fields are caught where they are drawn."""
    fields: list[np.ndarray] = []
    draw = appearance._log_bias

    def caught(*arguments: Any) -> np.ndarray:
        fields.append(draw(*arguments))
        return fields[-1]

    with mock.patch.object(appearance, "_log_bias", caught):
        for sequence, voxels, _, affine in simulate(plan(patients=20, seed=1, null=False)[2][0]):
            yield Case(f"demo {sequence}", Volume(voxels.astype(np.float32), affine), truth=fields[-1])


def cases(data: Path) -> Iterator[Case]:
    """All cases, real ones first."""
    for number, volume in enumerate(breast_phases(data / DCE), 1):
        yield Case(f"breast DCE, phase {number}", volume)
    yield Case("brain1", Volume.read(data / "pyradiomics/brain1_image.nrrd"))
    for patient in ("STS_001", "STS_005", "STS_010"):
        yield Case(f"{patient}, T1 MR", Volume.read(data / f"sts/{patient}/MR_T1_image.nii.gz"))
    yield from demo_cases()
    for mask in (False, True):
        for shrink in (1, 2, 3, 4):
            yield synthetic(shrink, mask)


def reference(case: Case, inside: np.ndarray) -> tuple[np.ndarray, int]:
    """SimpleITK's log field at full resolution, and the iterations of its last level."""
    image = sitk.Cast(to_sitk(case.volume.voxels, case.volume.affine), sitk.sitkFloat32)
    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    n4.SetMaximumNumberOfIterations(list(ITERATIONS))
    n4.SetConvergenceThreshold(1e-4)
    shrunk = [sitk.Shrink(one, [case.shrink] * 3) for one in (image, to_sitk(inside, case.volume.affine))]
    n4.Execute(*shrunk)
    # ITK counts the test that ends a level which converges.
    count = n4.GetElapsedIterations()
    return sitk.GetArrayFromImage(n4.GetLogBiasFieldAsImage(image)).transpose(2, 1, 0), count


def row(case: Case) -> str:
    """One line of the table."""
    inside = foreground(case.volume, case.inside)
    theirs, last = reference(case, inside)
    fitted = fit_bias_field(case.volume, inside, shrink=case.shrink, iterations=ITERATIONS)
    ours = fitted.log_field()[inside].astype(np.float64)
    theirs = theirs[inside].astype(np.float64)
    apart = (ours - ours.mean()) - (theirs - theirs.mean())
    cells = [
        case.name, " x ".join(map(str, case.volume.voxels.shape)), str(case.shrink),
        f"{np.sqrt((apart**2).mean()):.1e}", f"{np.abs(apart).max():.1e}",
        f"{1 - np.corrcoef(ours, theirs)[0, 1]:.0e}", ", ".join(map(str, fitted.iterations)), str(last - 1),
    ]  # fmt: skip
    if case.truth is not None:
        truth = np.broadcast_to(case.truth, inside.shape)[inside]
        cells += [f"{np.corrcoef(field, truth)[0, 1]:.6f}" for field in (ours, theirs)]
    print(*cells, flush=True)
    return "| " + " | ".join([*cells, "", ""][:10]) + " |"


HEAD = """# N4 against ITK

Made by `python tests/oracle/n4_table.py`; do not edit.

The log field of `radstudy.n4` beside that of SimpleITK's N4BiasFieldCorrectionImageFilter: 50, 40 and 30 iterations at
most, convergence 1e-4, 200 bins, FWHM 0.15, noise 0.01, 4 x 4 x 4 control points, Otsu's foreground unless a mask is
given. Compared are all foreground voxels at full resolution, each field's mean removed (N4 does not fix the scale):
root mean square and largest difference, natural logarithm; 1 minus the correlation. Iterations are ours of the three
levels, and ITK's of the last. Where the field is known, both are correlated with it.

| volume | voxels | shrink | RMS | largest | 1 - r | iterations | ITK's last | r with truth, ours | ITK's |
|---|---|---|---|---|---|---|---|---|---|
"""
SPACING = """
## The last digits of the spacing

Made by `benchmarks/n4_spacing.py`: the same voxels in the same mask, with another spacing set each time; each field
beside that of the first spacing (foreground, mean removed, natural logarithm).

N4 is fitted on a grid that is shrunk by 4, whose centre is the image's. With 60 slices its samples lie half-way between
two slices, and ITK's ShrinkImageFilter takes the one that its rounding of a position in millimetres falls on. So the
last digits of the spacing, in which DICOM (1.9999998644 mm from slice positions), single precision (1.99999988 mm) and
a rounded header (2 mm) differ, decide which slices the fit sees: that moves the field, not the arithmetic. Ours takes
the voxels that ITK takes from the same header and moves with it; on the same voxels the two agree to the last column.
**Whoever compares with Slicer gives both programs the same NIfTI file.** Of 61 slices there would be no such choice.

Rows and columns have the same choice: an axis of n voxels, shrunk by f to m = n // f, has it if n - 1 - f (m - 1) is
odd, so with an even f if n is even. The other choice changes the field in the lesion, of three demo patients, by at
most 0.016 to 0.045 along I and 0.013 to 0.026 along J (DCE7, 84 x 80 x 49), and 0.042 to 0.094 along K (T2WI, 89 x 85
x 18). `radstudy predict` names such images above the probability.

"""
BITS = """
## The same bits on every processor

From the voxels to the divided image N4 uses + - x /, square roots and integers only, `exp` and `log` of its own
(within 1 unit in the last place, the field's within 0.51 of a float32's), no fused multiply-add, and sums of one fixed
order. So field and corrected volume have the same bits on every x86-64 processor and with any number of threads, which
`tests/targets` shows: processes that pretend to lack AVX-512, or AVX and fused multiply-add, after a proof that numba,
NumPy, the C library and OpenBLAS do compute otherwise there. A field may still hang on rounding, ITK's as well as
ours: see `field_shift` in [preparation.md](preparation.md).
"""


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--spacing", type=Path, help="what n4_spacing.py has written")
    options = parser.parse_args()
    parts = DOCS.read_text(encoding="utf-8").split(SPACING) if DOCS.exists() else [""]
    table = HEAD + "\n".join(row(case) for case in cases(options.data)) + "\n" if options.data else parts[0]
    second = parts[-1].split(BITS)[0] if len(parts) > 1 else ""
    if options.spacing:
        second = markdown(json.loads(options.spacing.read_text(encoding="utf-8"))["rows"]) + "\n"
    DOCS.write_text(table + SPACING + second + BITS, encoding="utf-8")
    print(DOCS)


if __name__ == "__main__":
    main()
