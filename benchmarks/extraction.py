"""Extraction of the 1,218 features of the reference study, ours against PyRadiomics 3.0.1, one thread each.

``python benchmarks/extraction.py --json F [--quick] [--reference-python P]`` writes, for a lesion of 25 mm and one of
60 mm in a synthetic 320 x 320 x 104 volume, seconds by run, interleaved: in memory from arrays that are loaded once,
and from two .nii.gz files that both read every time (``_from_files``). ``ratio`` is against the reference with its
own settings; it then hashes the whole volume for its diagnostics, so ``ratio_without_diagnostics`` has them switched
off (additionalInfo). P is the Python of an environment that has
PyRadiomics (by default $RADSTUDY_PYRADIOMICS_PYTHON); without one only ours is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
from pathlib import Path

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import numpy as np  # noqa: E402 (after the threads are set)

from _worker import Worker  # noqa: E402

SPACING_MM = (1.125, 1.125, 1.5)
SIZE = (320, 320, 104)
DIAMETERS_MM = (25, 60)
FILES = "_from_files"
REFERENCES = {"reference_s": ("diagnostics",), "reference_without_diagnostics_s": ()}


def synthetic_case(diameter_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """An int16 volume and a bool mask (K, J, I): noise, smooth background and a lobulated, textured lesion."""
    rng = np.random.default_rng(20260101)
    x, y, z = (np.arange(n, dtype=np.float32) * step for n, step in zip(SIZE, SPACING_MM, strict=True))
    x, y, z = x[None, None, :] - 200.0, y[None, :, None] - 170.0, z[:, None, None] - 80.0
    angle = np.arctan2(y, x)
    radius = np.sqrt(x**2 + y**2 + z**2)
    mask = radius < diameter_mm / 2 * (1 + 0.12 * np.sin(3 * angle) + 0.06 * np.cos(5 * angle + z / 4))
    image = 300 + 40 * np.sin(x / 30) * np.cos(y / 25) + rng.normal(0, 25, mask.shape)
    image += mask * (450 + 120 * np.sin(x / 3.5) * np.sin(y / 4.0) * np.cos(z / 5.0))
    return image.astype(np.int16), mask


REFERENCE = """
import numpy as np, SimpleITK as sitk, radiomics
from radiomics.featureextractor import RadiomicsFeatureExtractor
radiomics.setVerbosity(60)
sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
case = np.load(sys.argv[1])
image, mask = sitk.GetImageFromArray(case["image"]), sitk.GetImageFromArray(case["mask"].astype(np.uint8))
for one in (image, mask):
    one.SetSpacing(case["spacing"].tolist())
params = json.loads(sys.argv[2])
def run(*asked):
    params["setting"]["additionalInfo"] = "diagnostics" in asked
    extractor = RadiomicsFeatureExtractor(params)
    given = (sys.argv[3], sys.argv[4]) if "files" in asked else (image, mask)
    start = time.perf_counter()
    computed = extractor.execute(*given)
    seconds = time.perf_counter() - start
    values = {name: float(value) for name, value in computed.items() if not name.startswith("diagnostics")}
    return {"seconds": seconds, "values": values}
serve({"version": radiomics.__version__}, run)
"""


def reference_in(python: str, folder: Path) -> Worker:
    """Start PyRadiomics with the case in `folder`; the words of a run are "diagnostics" and "files"."""
    from radstudy.features.of_study import her2_ihc2plus

    params = her2_ihc2plus().as_dict()
    keep = ("binWidth", "resampledPixelSpacing", "interpolator", "padDistance")
    params["setting"] = {name: params["setting"][name] for name in keep} | {"label": 1}
    files = [str(folder / name) for name in ("image.nii.gz", "mask.nii.gz")]
    return Worker(python, REFERENCE, str(folder / "case.npz"), json.dumps(params), *files)


def measure(diameter_mm: int, python: str | None, runs: int) -> dict:
    """Time ours and the reference in turns on one lesion."""
    from radstudy import Roi, Volume
    from radstudy.features.extract import extract
    from radstudy.formats.raster import write_raster

    voxels, mask = synthetic_case(diameter_mm)
    affine = np.diag([-SPACING_MM[0], -SPACING_MM[1], SPACING_MM[2], 1.0])
    volume = Volume(voxels.transpose(2, 1, 0), affine, stored_dtype=np.int16)
    roi = Roi(mask.transpose(2, 1, 0), affine)
    ours = extract(volume, roi)  # compiles, or loads compiled code
    result: dict = {"lesion_mm": diameter_mm, "lesion_voxels": int(mask.sum())}
    result |= {f"{name}{where}": [] for name in ("ours_s", *REFERENCES) for where in ("", FILES)}
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        write_raster(folder / "image.nii.gz", voxels.transpose(2, 1, 0), affine)
        write_raster(folder / "mask.nii.gz", mask.transpose(2, 1, 0), affine)
        files = [folder / "image.nii.gz", folder / "mask.nii.gz"]
        reference = None
        if python:
            np.savez(folder / "case.npz", image=voxels, mask=mask, spacing=np.array(SPACING_MM))
            reference = reference_in(python, folder)
            theirs = reference.run("diagnostics")["values"]
            apart = [abs(ours[name] - value) / max(abs(value), 1e-12) for name, value in theirs.items()]
            result |= {"reference": f"PyRadiomics {reference.first['version']}", "features": len(theirs)}
            result |= {"features_beyond_1e-6": sum(not value <= 1e-6 for value in apart)}
        for _ in range(runs):
            for where, given in (("", [volume, roi]), (FILES, files)):
                start = time.perf_counter()
                extract(*given)
                result["ours_s" + where].append(time.perf_counter() - start)
                if reference is not None:
                    for name, words in REFERENCES.items():
                        seconds = reference.run(*words, "files" if where else "memory")["seconds"]
                        result[name + where].append(seconds)
        if reference is not None:
            for where in ("", FILES):
                ours_s = statistics.median(result["ours_s" + where])
                for name in REFERENCES:
                    ratio = name.replace("reference", "ratio").replace("_s", "")
                    result[ratio + where] = statistics.median(result[name + where]) / ours_s
            reference.close()
    return result


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--quick", action="store_true", help="the 25 mm lesion alone, three runs")
    parser.add_argument("--reference-python", default=os.environ.get("RADSTUDY_PYRADIOMICS_PYTHON"))
    options = parser.parse_args()
    lesions = [measure(25, options.reference_python, 3)] if options.quick else []
    if not options.quick:
        lesions = [measure(diameter, options.reference_python, 7 if diameter < 40 else 5) for diameter in DIAMETERS_MM]
    report = dict(lesions[0]) | {
        "benchmark": "extraction",
        "machine": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "threads": 1,
        "by_lesion": lesions,
    }
    options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    for lesion in lesions:
        for where in ("", FILES):
            ours_ms = statistics.median(lesion["ours_s" + where]) * 1e3
            line = f"{lesion['lesion_mm']} mm{where.replace('_', ' ')}: ours {ours_ms:.0f} ms"
            if lesion["reference_s"]:
                line += f", reference {statistics.median(lesion['reference_s' + where]):.2f} s"
                line += f", {lesion['ratio' + where]:.1f} x"
                line += f" ({lesion['ratio_without_diagnostics' + where]:.1f} x without its diagnostics)"
            print(line)


if __name__ == "__main__":
    sys.exit(main())
