"""The imaging half of the reference study, from files to a feature table: ours against SimpleITK's N4 and PyRadiomics.

``python benchmarks/imaging_half.py --json F --reference-python P [--patients 107] [--sample 2] [--rounds 2] [--quick]``

107 patients with T2WI 320 x 320 x 40, DWI 128 x 60 x 40 and two DCE phases 320 x 320 x 104, 35 of them drawn twice: 568
extractions of 1,218 features. Every patient is simulated, with lesions of six sizes. Ours is ``radstudy run --step
extract`` on all of them, as a user starts it, on both cores. The reference does the same work (Otsu mask, N4 at shrink
4, field at full resolution, rescaling to 0-2000, extraction) with two processes of one thread each on `sample`
patients, every third drawn twice, and is extrapolated by patients.
The two run in turns. P is the Python of an environment that has PyRadiomics 3.0.1.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import SimpleITK as sitk

ROLES = {
    "T2WI": ((320, 320, 40), (1.0625, 1.0625, 4.0)),
    "DWI": ((128, 60, 40), (2.65625, 2.65, 4.0)),
    "DCE3": ((320, 320, 104), (1.125, 1.125, 1.5)),
    "DCE7": ((320, 320, 104), (1.125, 1.125, 1.5)),
}
RADII = (8.0, 10.0, 12.5, 14.0, 17.0, 20.0)
PATIENTS, TWICE, FEATURES = 107, 35, 1218

STUDY = """
study: The imaging half of the reference study
cohort:
  table: cohort.csv
  patient: patient_id
  outcome: {column: fish, positive: positive}
  split: {column: set}
  images: images/{patient}/{sequence}.nii.gz
  masks: masks/{patient}/{sequence}_{reader}.nii.gz
  readers: [reader1, reader2]
sequences: [T2WI, DWI, DCE3, DCE7]
prepare:
  - n4: {shrink: 4, iterations: [50, 40, 30], convergence: 1.0e-4}
  - rescale: {to: [0, 2000], from: minmax}
extract:
  spacing_mm: [1, 1, 1]
  bin_width: 25
  images: {original: true, log_sigma_mm: [1, 2, 3, 4, 5], wavelet: coif1}
  features: pyradiomics-1218
model: {select: [{impute: median}, {standardise: zscore}], models: {DCE7: [DCE7]}}
"""

REFERENCE = """
import json, sys, time
from multiprocessing import Pool
import SimpleITK as sitk, radiomics
from radiomics.featureextractor import RadiomicsFeatureExtractor
radiomics.setVerbosity(60)
sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
def work(task):
    image_file, masks, params = task
    image = sitk.Cast(sitk.ReadImage(image_file), sitk.sitkFloat32)
    mask = sitk.OtsuThreshold(image, 0, 1, 200)
    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    n4.SetMaximumNumberOfIterations([50, 40, 30])
    n4.SetConvergenceThreshold(1e-4)
    n4.Execute(sitk.Shrink(image, [4] * 3), sitk.Shrink(mask, [4] * 3))
    image = sitk.RescaleIntensity(image / sitk.Exp(n4.GetLogBiasFieldAsImage(image)), 0, 2000)
    extractor = RadiomicsFeatureExtractor(params)
    extracted = [extractor.execute(image, sitk.ReadImage(mask)) for mask in masks]
    return [sum(not name.startswith("diagnostics") for name in one) for one in extracted]
if __name__ == "__main__":
    tasks = json.loads(open(sys.argv[1]).read())
    start = time.perf_counter()
    with Pool(2) as pool:
        extracted = pool.map(work, tasks, chunksize=1)
    widths = sorted({width for one in extracted for width in one})
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "features": widths, "extractions": sum(map(len, extracted))}))
"""


def volume(role: str, patient: int) -> tuple[sitk.Image, list[sitk.Image]]:
    """An int16 image of a textured lesion in two tissues under a bias field, and two readers' masks of it."""
    size, spacing = ROLES[role]
    rng = np.random.default_rng([patient, list(ROLES).index(role)])
    x, y, z = ((np.arange(n, dtype=np.float32) - n / 2) * step for n, step in zip(size, spacing, strict=True))
    x, y, z = x[None, None, :], y[None, :, None], z[:, None, None]
    width, height, depth = (n * step / 2 for n, step in zip(size, spacing, strict=True))
    body = (x / width / 0.9) ** 2 + (y / height / 0.95) ** 2 + (z / depth / 1.1) ** 2 < 1
    signal = np.where(body, np.where(np.sin(x / 14) * np.sin(y / 18) * np.cos(z / 15) > 0.1, 600.0, 300.0), 0.0)
    radius = RADII[patient % len(RADII)]
    distance = np.sqrt(x**2 + y**2 + z**2) / (1 + 0.12 * np.sin(3 * np.arctan2(y, x)))
    texture = 550 + 120 * np.sin(x / 3.5) * np.sin(y / 4.0) * np.cos(z / 5.0)
    signal = np.where(distance < radius, texture, signal) * np.exp(0.3 * x / width - 0.25 * (y / height) ** 2)
    noisy = np.hypot(signal + rng.normal(0, 12, signal.shape), rng.normal(0, 12, signal.shape))
    images = [np.round(noisy).astype(np.int16), *((distance < radius + more).astype(np.uint8) for more in (0.0, 0.8))]
    written = [sitk.GetImageFromArray(array) for array in images]
    for image in written:
        image.SetSpacing(spacing)
    return written[0], written[1:]


def write(folder: Path, patient: int, readers: int) -> None:
    """Write a patient's images and masks."""
    for role in ROLES:
        image, masks = volume(role, patient)
        named = {f"images/P{patient:03d}/{role}.nii.gz": image}
        named |= {f"masks/P{patient:03d}/{role}_reader{n}.nii.gz": mask for n, mask in enumerate(masks[:readers], 1)}
        for name, one in named.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            sitk.WriteImage(one, str(folder / name), useCompression=True)


def make(folder: Path, patients: int) -> None:
    """Write the cohort's images and masks, its table and the study file."""
    twice = max(3, round(patients * TWICE / PATIENTS))  # an ICC needs three
    with multiprocessing.Pool(2) as pool:
        pool.starmap(write, [(folder, n, 2 if n < twice else 1) for n in range(patients)], chunksize=1)
    rows = ["patient_id,fish,set"]
    for number in range(patients):
        outcome = "positive" if number % 5 < 2 else "negative"
        rows.append(f"P{number:03d},{outcome},{'training' if number % 3 else 'testing'}")
    (folder / "cohort.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")


def ours(folder: Path) -> tuple[float, int]:
    """Run the command as a user starts it; return its seconds and the number of extractions."""
    out = folder / "out"
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "radstudy", "run", str(folder / "study.yaml"), "--step", "extract", "--out",
               str(out), "--jobs", "2"]  # fmt: skip
    start = time.perf_counter()
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"radstudy ended with exit code {done.returncode}:\n{done.stdout}{done.stderr}")
    seconds = time.perf_counter() - start
    import pandas as pd

    table = pd.read_parquet(out / "extract" / "features.parquet")
    if table.shape[1] != FEATURES:
        raise SystemExit(f"the table has {table.shape[1]} features a lesion, not {FEATURES}")
    return seconds, len(table)


def reference(folder: Path, python: str, sample: int) -> tuple[float, int]:
    """Time the same work on `sample` patients, every third of them drawn twice; return seconds."""
    from radstudy.features.of_study import her2_ihc2plus

    params = her2_ihc2plus().as_dict()
    keep = ("binWidth", "resampledPixelSpacing", "interpolator", "padDistance")
    params["setting"] = {name: params["setting"][name] for name in keep} | {"label": 1}
    tasks = []
    for number in range(sample):
        for role in reversed(ROLES):  # the long ones first, so that both processes end together
            readers = (1, 2) if number % 3 == 0 else (1,)
            masks = [str(folder / "masks" / f"P{number:03d}" / f"{role}_reader{reader}.nii.gz") for reader in readers]
            tasks.append([str(folder / "images" / f"P{number:03d}" / f"{role}.nii.gz"), masks, params])
    file, script = folder / "tasks.json", folder / "reference.py"
    file.write_text(json.dumps(tasks), encoding="utf-8")
    script.write_text(REFERENCE, encoding="utf-8")
    done = subprocess.run([python, str(script), str(file)], check=True, capture_output=True, text=True)
    result = json.loads(done.stdout.splitlines()[-1])
    if result["features"] != [FEATURES]:
        raise SystemExit(f"the reference computes {result['features']} features per lesion, not {FEATURES}")
    return result["seconds"], result["extractions"]


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--quick", action="store_true", help="six patients of ours, no reference")
    parser.add_argument("--patients", type=int, default=PATIENTS)
    parser.add_argument("--sample", type=int, default=3, help="patients that the reference works on")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--reference-python", default=os.environ.get("RADSTUDY_PYRADIOMICS_PYTHON"))
    options = parser.parse_args()
    if options.quick:
        options.patients, options.rounds, options.reference_python = 6, 1, None
    report: dict = {"benchmark": "imaging_half", "machine": platform.processor() or platform.machine(),
                    "python": platform.python_version(), "patients": options.patients, "sample": options.sample,
                    "ours_s": [], "reference_s": [], "reference_sample_s": []}  # fmt: skip
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text).resolve()
        make(folder, options.patients)
        for _ in range(options.rounds):
            seconds, report["extractions"] = ours(folder)
            report["ours_s"].append(seconds)
            if options.reference_python:
                seconds, report["sample_extractions"] = reference(folder, options.reference_python, options.sample)
                report["reference_sample_s"].append(seconds)
                report["reference_s"].append(seconds * options.patients / options.sample)
    line = f"{options.patients} patients, {report['extractions']} extractions: "
    line += f"ours {statistics.median(report['ours_s']):.0f} s"
    if report["reference_s"]:
        report["ratio"] = statistics.median(report["reference_s"]) / statistics.median(report["ours_s"])
        line += f", reference {statistics.median(report['reference_s']):.0f} s (from {options.sample} patients), "
        line += f"{report['ratio']:.0f} x"
    options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(line)


if __name__ == "__main__":
    main()
