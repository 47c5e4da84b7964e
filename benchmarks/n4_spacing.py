"""Dependence of SimpleITK's N4 and of ours on the last digits of the spacing, on a real and on a synthetic volume.

``python benchmarks/n4_spacing.py --json F [--data FOLDER_OF_REAL_DATA] [--quick]``: the same voxels and the same mask,
with a slice spacing of 2 mm, of several that differ from it by less than a millionth of a millimetre, and of 1 mm
(``SetSpacing``). Each field is compared with that of the first spacing within the foreground, each one's mean removed.
``tests/oracle/n4_table.py`` writes the table into docs/n4.md.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from n4 import synthetic_case

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "oracle"))

SLICE_MM = (2.0, 1.9999998644, 2.0000001, 1.99999988, 1.0)  # 2 mm as it results from DICOM positions, float32 and NIfTI
ITERATIONS = (50, 40, 30)


@dataclass(frozen=True, eq=False)
class Case:
    """Voxels float32 (K, J, I) and their foreground; `in_plane_mm` of both axes."""

    name: str
    voxels: np.ndarray
    inside: np.ndarray
    in_plane_mm: float


def cases(data: Path | None, *, quick: bool) -> Iterator[Case]:
    """The phases of the real volume, if real data are given, and the synthetic volume."""
    from radstudy.imaging.foreground import foreground
    from radstudy.imaging.volume import Volume

    if data is not None:
        from n4_table import DCE, breast_phases

        for number, volume in enumerate(breast_phases(data / DCE)[: 1 if quick else None], 1):
            inside = foreground(volume).transpose(2, 1, 0)
            spacing = float(np.linalg.norm(volume.affine[:3, 0]))
            yield Case(f"breast DCE, phase {number}", volume.voxels.transpose(2, 1, 0), inside, spacing)
    size = (64, 60, 24) if quick else (160, 160, 60)
    voxels, _ = synthetic_case(size)
    inside = foreground(Volume(voxels.transpose(2, 1, 0), np.eye(4))).transpose(2, 1, 0)
    yield Case("synthetic " + " x ".join(map(str, size)), voxels, inside, 1.125)


def itks_field(case: Case, spacing_mm: tuple[float, float, float]) -> np.ndarray:
    """SimpleITK's log field with this spacing, float64 (foreground voxels,), its mean removed."""
    image, mask = (
        sitk.GetImageFromArray(np.ascontiguousarray(array))
        for array in (case.voxels, case.inside.astype(np.uint8))
    )  # fmt: skip
    for one in (image, mask):
        one.SetSpacing(spacing_mm)
    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    n4.SetMaximumNumberOfIterations(list(ITERATIONS))
    n4.SetConvergenceThreshold(1e-4)
    n4.Execute(sitk.Shrink(image, [4] * 3), sitk.Shrink(mask, [4] * 3))
    field = sitk.GetArrayFromImage(n4.GetLogBiasFieldAsImage(image))[case.inside].astype(np.float64)
    return field - field.mean()


def our_field(case: Case, spacing_mm: tuple[float, float, float]) -> np.ndarray:
    """Our log field, in the same form."""
    from radstudy.imaging.n4 import fit_bias_field
    from radstudy.imaging.volume import Volume

    volume = Volume(case.voxels.transpose(2, 1, 0), np.diag([-spacing_mm[0], -spacing_mm[1], spacing_mm[2], 1.0]))
    fitted = fit_bias_field(volume, case.inside.transpose(2, 1, 0), iterations=ITERATIONS)
    field = fitted.log_field().transpose(2, 1, 0)[case.inside].astype(np.float64)
    return field - field.mean()


def rows(case: Case) -> Iterator[dict[str, Any]]:
    """One row per spacing: the distance of each field from that of the first spacing, and of ours from ITK's."""
    first: dict[str, np.ndarray] = {}
    for slice_mm in SLICE_MM:
        in_plane = 1.0 if slice_mm == 1 else case.in_plane_mm
        spacing = (in_plane, in_plane, slice_mm)
        fields = {"itk": itks_field(case, spacing), "ours": our_field(case, spacing)}
        first = first or fields
        yield {
            "volume": case.name,
            "spacing_mm": spacing,
            "first_slice": first_slice(case, spacing),
            "itk_rms": _rms(fields["itk"] - first["itk"]),
            "itk_largest": float(np.abs(fields["itk"] - first["itk"]).max()),
            "ours_rms": _rms(fields["ours"] - first["ours"]),
            "between_rms": _rms(fields["ours"] - fields["itk"]),
        }


def first_slice(case: Case, spacing_mm: tuple[float, float, float]) -> int:
    """The first slice that the shrunk grid takes, by ITK."""
    number = np.arange(case.voxels.shape[0], dtype=np.int32)[:, None, None] * np.ones((1, 8, 8), np.int32)
    image = sitk.GetImageFromArray(number)
    image.SetSpacing(spacing_mm)
    return int(sitk.GetArrayFromImage(sitk.Shrink(image, [4] * 3))[0, 0, 0])


def _rms(values: np.ndarray) -> float:
    return float(np.sqrt((values**2).mean()))


def markdown(table_rows: list[dict[str, Any]]) -> str:
    """The rows as a table of docs/n4.md."""
    head = "| volume | spacing, mm | first slice | ITK moves by, RMS | largest | ours moves by | ours from ITK's, RMS |"
    lines = [head, "|---|---|---|---|---|---|---|"]
    for row in table_rows:
        spacing = " x ".join(f"{value:.11g}" for value in row["spacing_mm"])
        numbers = (f"{row[name]:.1e}" for name in ("itk_rms", "itk_largest"))
        ours = "0" if row["ours_rms"] == 0 else f"{row['ours_rms']:.1e}"
        cells = [row["volume"], spacing, str(row["first_slice"]), *numbers, ours, f"{row['between_rms']:.1e}"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--data", type=Path, help="folder of real data")
    parser.add_argument("--quick", action="store_true", help="one phase, a small synthetic volume")
    options = parser.parse_args()
    table_rows = [row for case in cases(options.data, quick=options.quick) for row in rows(case)]
    options.json.write_text(
        json.dumps({"benchmark": "n4_spacing", "rows": table_rows}, indent=1) + "\n", encoding="utf-8"
    )
    print(markdown(table_rows))


if __name__ == "__main__":
    main()
