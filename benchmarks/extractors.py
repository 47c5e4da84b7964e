"""All feature classes of the original image of one lesion: ours against other extractors, each in its own environment.

``python benchmarks/extractors.py --json F PROGRAM=PYTHON ...`` with PROGRAM one of pyradiomics, flash-radiomics,
fastrad, numpyradiomics, mirp, nyxus, and PYTHON that of an environment that has it. The lesion (25 mm and 60 mm) comes
as an array at 1 mm, cropped with 5 voxels around it, so that no program spends time on the rest of a volume. Bin width
25, one thread, in turns. No filters, because not all programs have the same. Values are compared with PyRadiomics'
where the names agree.
"""

from __future__ import annotations

import argparse
import json
import math
import platform
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from _worker import Worker

DIAMETERS_MM = (25, 60)

_HEAD = """
import warnings
warnings.filterwarnings("ignore")
import numpy as np
case = np.load(sys.argv[1])
voxels, mask = case["image"], case["mask"]
def serve_timed(run):
    def seconds():
        start = time.perf_counter()
        run()
        return time.perf_counter() - start
    serve({name: float(value) for name, value in run().items()}, seconds)
"""
_SITK = """
import SimpleITK as sitk
sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
image, label = sitk.GetImageFromArray(voxels), sitk.GetImageFromArray(mask.astype(np.uint8))
def numbers(features):
    return {n: v for n, v in features.items() if not n.startswith("diagnostics")}
"""
PROGRAMS = {
    "ours": """
from radstudy import ExtractionSettings, Roi, Volume, extract
settings = ExtractionSettings.from_pyradiomics({"imageType": {"Original": {}}})
image = Volume(voxels.transpose(2, 1, 0), np.diag([-1.0, -1.0, 1.0, 1.0]), stored_dtype=voxels.dtype)
roi = Roi(mask.transpose(2, 1, 0), image.affine)
serve_timed(lambda: extract(image, roi, settings))
""",
    "pyradiomics": _SITK + """
import radiomics
from radiomics.featureextractor import RadiomicsFeatureExtractor
radiomics.setVerbosity(60)
extractor = RadiomicsFeatureExtractor(additionalInfo=False)
serve_timed(lambda: numbers(extractor.execute(image, label)))
""",
    "flash-radiomics": _SITK + """
import logging, os, tempfile
logging.disable(logging.CRITICAL)
from flash_radiomics import RadiomicsFeatureExtractor
extractor = RadiomicsFeatureExtractor(backend="cpu", binWidth=25, distances=[1], additionalInfo=False)
out = os.path.join(tempfile.mkdtemp(), "out.h5")
serve_timed(lambda: numbers(extractor.execute(image, label, label=1, output_hdf5_path=out)))
""",
    "fastrad": """
import torch
torch.set_num_threads(1)
from fastrad import FeatureExtractor, FeatureSettings, Mask, MedicalImage
image = MedicalImage(torch.from_numpy(voxels.astype(np.float32)))
label = Mask(torch.from_numpy(mask.astype(np.float32)))
extractor = FeatureExtractor(FeatureSettings(device="cpu"))
def named(name):
    family, _, feature = name.partition(":")
    return f"original_{family}_{''.join(part.capitalize() for part in feature.split('_'))}"
serve_timed(lambda: {named(n): v for n, v in extractor.extract(image, label).items()})
""",
    "numpyradiomics": """
import numpyradiomics as npr
voxels = voxels.astype(float)
def run():
    features = {"original_shape_" + n: v for n, v in npr.shape(mask, (1.0, 1.0, 1.0), extend=False).items()}
    features |= {"original_firstorder_" + n: v for n, v in npr.firstorder(voxels, mask, extend=False).items()}
    return features | {"original_" + n: v for n, v in npr.texture(voxels, mask).items()}
serve_timed(run)
""",
    "mirp": """
import logging
logging.disable(logging.CRITICAL)
from mirp import extract_features
def run():
    table = extract_features(
        image=voxels.astype(float), mask=mask.astype(int), image_spacing=1.0, image_modality="mr",
        base_discretisation_method="fixed_bin_size_pyradiomics", base_discretisation_bin_width=25.0,
        ibsi_compliant=False,
        base_feature_families=["morphology", "statistics", "glcm", "glrlm", "glszm", "ngldm", "ngtdm"],
        glcm_spatial_method="3d_average", glrlm_spatial_method="3d_average")[0]
    return {n: v for n, v in table.iloc[0].items() if isinstance(v, (float, int))}
serve_timed(run)
""",
    "nyxus": _SITK + """
import tempfile
import nyxus
folder = tempfile.mkdtemp()
files = [folder + "/image.nii.gz", folder + "/mask.nii.gz"]  # it reads files only; these are small
for one, file in zip((image, label), files):
    sitk.WriteImage(one, file)
extractor = nyxus.Nyxus3D(features=["*3D_ALL*"], n_feature_calc_threads=1)
def run():
    row = extractor.featurize_files([files[0]], [files[1]], False).iloc[0]
    return {n: v for n, v in row.items() if isinstance(v, (float, int))}
serve_timed(run)
""",
}  # fmt: skip


def synthetic_case(diameter_mm: float) -> tuple[np.ndarray, np.ndarray]:
    """An int16 image at 1 mm and a bool mask (K, J, I): a lobulated, textured lesion in noise, 5 voxels around it."""
    rng = np.random.default_rng(20260101)
    half = int(0.6 * diameter_mm) + 8
    z, y, x = np.ogrid[-half : half + 1, -half : half + 1, -half : half + 1]
    angle, radius = np.arctan2(y, x), np.sqrt(x**2 + y**2 + z**2)
    mask = radius < diameter_mm / 2 * (1 + 0.12 * np.sin(3 * angle) + 0.06 * np.cos(5 * angle + z / 4))
    image = 300 + 40 * np.sin(x / 30) * np.cos(y / 25) + rng.normal(0, 25, mask.shape)
    image += mask * (450 + 120 * np.sin(x / 3.5) * np.sin(y / 4.0) * np.cos(z / 5.0))
    inside = np.argwhere(mask)
    box = tuple(slice(max(a - 5, 0), b + 6) for a, b in zip(inside.min(axis=0), inside.max(axis=0), strict=True))
    return image.astype(np.int16)[box], mask[box]


def measure(diameter_mm: int, pythons: dict[str, str], runs: int) -> dict[str, Any]:
    """Time all programs in turns on one lesion."""
    image, mask = synthetic_case(diameter_mm)
    result: dict[str, Any] = {"lesion_mm": diameter_mm, "lesion_voxels": int(mask.sum()), "programs": {}}
    with tempfile.TemporaryDirectory() as folder:
        case = Path(folder) / "case.npz"
        np.savez(case, image=image, mask=mask)
        workers = {name: Worker(python, _HEAD + PROGRAMS[name], str(case)) for name, python in pythons.items()}
        timed: dict[str, list[float]] = {name: [] for name in workers}
        for _ in range(runs):
            for name, worker in workers.items():
                timed[name].append(worker.run())
        reference = workers["pyradiomics" if "pyradiomics" in workers else "ours"].first
        ours = statistics.median(timed["ours"])
        for name, worker in workers.items():
            shared = {n: v for n, v in worker.first.items() if n in reference and math.isfinite(v)}
            off = [n for n, v in shared.items() if abs(v - reference[n]) > 1e-6 * max(abs(reference[n]), 1e-6)]
            result["programs"][name] = {
                "seconds": timed[name], "ratio": statistics.median(timed[name]) / ours, "features": len(worker.first),
                "same_name": len(shared), "beyond_1e-6": len(off),
            }  # fmt: skip
            worker.close()
    return result


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("others", nargs="*", metavar="PROGRAM=PYTHON")
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--quick", action="store_true", help="the 25 mm lesion alone, two runs")
    options = parser.parse_args()
    pythons = {"ours": sys.executable} | dict(item.split("=", 1) for item in options.others)
    lesions = [measure(size, pythons, 2 if options.quick else 5) for size in DIAMETERS_MM[: 1 if options.quick else 2]]
    first = lesions[0]["programs"]
    others = {name: part["ratio"] for name, part in first.items() if name != "ours"}
    nearest = min(others, key=lambda name: others[name]) if others else "ours"
    report = {
        "benchmark": "extractors", "machine": platform.processor() or platform.machine(),
        "python": platform.python_version(), "ours_s": first["ours"]["seconds"],
        "reference": nearest, "reference_s": first[nearest]["seconds"], "ratio": first[nearest]["ratio"],
        "by_lesion": lesions,
    }  # fmt: skip
    options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    for lesion in lesions:
        print(f"{lesion['lesion_mm']} mm, {lesion['lesion_voxels']} voxels")
        for name, part in lesion["programs"].items():
            print(
                f"  {name:16s} {statistics.median(part['seconds']) * 1e3:9.1f} ms {part['ratio']:7.1f} x ours, "
                f"{part['features']} values, {part['beyond_1e-6']} of {part['same_name']} with PyRadiomics' name off"
            )


if __name__ == "__main__":
    main()
