"""N4 bias-field correction, ours against SimpleITK's (and n4ax's and ANTs', if they are installed).

``python benchmarks/n4.py --json F [--quick] [--threads 1] [--shrink 4] [--size 320,320,104] [--iterations 50,40,30]
[--n4ax-python P] [--ants-python P]`` times the whole call (Otsu mask, shrinking, fit, full-resolution field, division)
and the fit alone, interleaved, on a synthetic volume with a known field. Every timed call is made in a process that has
made one before; calls shorter than a second are made up to five times in a turn, and their median counts. Every
process reports its peak memory. P is the Python of an environment that has the other program.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from _worker import Worker

SPACING_MM = (1.125, 1.125, 1.5)
ITERATIONS = (50, 40, 30)  # of the reference study; full resolution takes ITK half an hour with them


def synthetic_case(size: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """A breast-like volume float32 (K, J, I) of two tissues in air under a smooth field, and the log field."""
    rng = np.random.default_rng(20260101)
    x, y, z = (np.linspace(-1, 1, n, dtype=np.float32) for n in size)
    x, y, z = x[None, None, :], y[None, :, None], z[:, None, None]
    inside = (x / 0.9) ** 2 + (y / 0.95) ** 2 + (z / 1.1) ** 2 < 1
    tissue = np.where(np.sin(9 * x) * np.sin(7 * y) * np.cos(5 * z) > 0.1, 600.0, 300.0).astype(np.float32)
    log_field = (0.3 * x - 0.25 * y**2 + 0.1 * z + 0.1 * x * y).astype(np.float32) + np.zeros_like(tissue)
    signal = np.where(inside, tissue * np.exp(log_field), np.float32(0))
    noisy = np.hypot(signal + rng.normal(0, 12, signal.shape), rng.normal(0, 12, signal.shape))
    return np.round(noisy).astype(np.float32), log_field


# Each program reads the case, runs once and keeps its log field, then runs again on request. It returns the seconds of
# the whole call and of the fit (if that can be timed separately), and its peak memory.
_HEAD = """
import resource
import numpy as np
case, field_file, options = np.load(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
voxels, spacing, shrink = case["voxels"], case["spacing"].tolist(), options["shrink"]
iterations = options["iterations"]
def serve_timed(run):
    def timed_run():
        timed = [run()[:2]]
        while sum(whole for whole, _ in timed) < 1 and len(timed) < 5:  # a short call is timed up to five times
            timed.append(run()[:2])
        whole, fit = (sorted(column)[len(timed) // 2] for column in zip(*timed))
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return {"whole_s": whole, "fit_s": fit, "peak_mib": peak}
    np.save(field_file, run()[2])
    serve({}, timed_run)
"""
OURS = (
    _HEAD
    + """
from radstudy import Volume, n4
from radstudy.imaging.foreground import foreground
from radstudy.imaging.n4 import fit_bias_field
volume = Volume(voxels.transpose(2, 1, 0), np.diag([-spacing[0], -spacing[1], spacing[2], 1.0]))
inside = foreground(volume)
def run():
    start = time.perf_counter()
    corrected, field = n4(volume, shrink=shrink, iterations=iterations)
    whole = time.perf_counter() - start
    start = time.perf_counter()
    fit_bias_field(volume, inside, shrink=shrink, iterations=iterations)
    return whole, time.perf_counter() - start, field.transpose(2, 1, 0)
serve_timed(run)
"""
)
SIMPLEITK = (
    _HEAD
    + """
import SimpleITK as sitk
sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(options["threads"])
image = sitk.GetImageFromArray(voxels)
image.SetSpacing(spacing)
def run():
    start = time.perf_counter()
    mask = sitk.OtsuThreshold(image, 0, 1, 200)
    n4 = sitk.N4BiasFieldCorrectionImageFilter()
    n4.SetMaximumNumberOfIterations(iterations)
    n4.SetConvergenceThreshold(1e-4)
    small, small_mask = sitk.Shrink(image, [shrink] * 3), sitk.Shrink(mask, [shrink] * 3)
    begin = time.perf_counter()
    n4.Execute(small, small_mask)
    fit = time.perf_counter() - begin
    field = n4.GetLogBiasFieldAsImage(image)
    corrected = image / sitk.Exp(field)
    return time.perf_counter() - start, fit, sitk.GetArrayFromImage(field)
serve_timed(run)
"""
)
# n4ax returns the field on the grid of the fit: a user enlarges it, here linearly.
N4AX = (
    _HEAD
    + """
import SimpleITK as sitk
sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(options["threads"])
import n4ax
image = sitk.GetImageFromArray(voxels)
image.SetSpacing(spacing)
def run():
    start = time.perf_counter()
    mask = sitk.OtsuThreshold(image, 0, 1, 200)
    small, small_mask = sitk.Shrink(image, [shrink] * 3), sitk.Shrink(mask, [shrink] * 3)
    begin = time.perf_counter()
    _, bias = n4ax.n4(sitk.GetArrayFromImage(small), sitk.GetArrayFromImage(small_mask), iters=tuple(iterations),
                      over_relax=1.0, conv_threshold=1e-4, return_bias=True)
    coarse = sitk.GetImageFromArray(np.asarray(bias, dtype=np.float32))
    fit = time.perf_counter() - begin
    coarse.CopyInformation(small)
    enlarge = sitk.ResampleImageFilter()
    enlarge.SetReferenceImage(image)
    enlarge.UseNearestNeighborExtrapolatorOn()
    field = enlarge.Execute(coarse)
    corrected = image / sitk.Exp(field)
    return time.perf_counter() - start, fit, sitk.GetArrayFromImage(field)
serve_timed(run)
"""
)
ANTS = (
    _HEAD
    + """
import os
os.environ["ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"] = str(options["threads"])
import ants
image = ants.from_numpy(voxels.transpose(2, 1, 0).copy(), spacing=tuple(spacing))
def run():
    start = time.perf_counter()
    mask = ants.threshold_image(image, "Otsu", 1)
    field = ants.n4_bias_field_correction(
        image, mask=mask, shrink_factor=shrink, convergence={"iters": iterations, "tol": 1e-4},
        return_bias_field=True)
    corrected = image / field
    whole = time.perf_counter() - start
    return whole, whole, np.log(field.numpy()).transpose(2, 1, 0)
serve_timed(run)
"""
)


def measure(options: argparse.Namespace, *, threads: int, shrink: int, runs: int) -> dict[str, Any]:
    """Time all programs in turns at one setting."""
    voxels, truth = synthetic_case(options.size)
    programs = {"ours": (sys.executable, OURS), "SimpleITK": (sys.executable, SIMPLEITK)}
    if options.n4ax_python:
        programs["n4ax"] = (options.n4ax_python, N4AX)
    if options.ants_python and shrink == 4:
        programs["ANTs"] = (options.ants_python, ANTS)
    with tempfile.TemporaryDirectory() as folder:
        case = Path(folder) / "case.npz"
        np.savez(case, voxels=voxels, spacing=np.array(SPACING_MM))
        settings = json.dumps({"threads": threads, "shrink": shrink, "iterations": list(options.iterations)})
        files = {name: Path(folder) / f"{name}.npy" for name in programs}
        workers = {
            name: Worker(python, code, str(case), str(files[name]), settings, threads=threads)
            for name, (python, code) in programs.items()
        }
        timed: dict[str, list[dict[str, float]]] = {name: [] for name in workers}
        for _ in range(runs):
            for name, worker in workers.items():
                timed[name].append(worker.run())
        inside = voxels > voxels.mean()
        fields = {name: np.load(file)[inside] for name, file in files.items()}
        for worker in workers.values():
            worker.close()
    result: dict[str, Any] = {"threads": threads, "shrink": shrink, "size": list(options.size)}
    result |= {"iterations": list(options.iterations), "programs": {}}
    for name, rows in timed.items():
        centred = fields[name] - fields[name].mean()
        apart = centred - (fields["SimpleITK"] - fields["SimpleITK"].mean())
        result["programs"][name] = {
            "whole_s": [row["whole_s"] for row in rows],
            "fit_s": [row["fit_s"] for row in rows],
            "peak_mib": max(row["peak_mib"] for row in rows),
            "rms_to_simpleitk": float(np.sqrt((apart.astype(np.float64) ** 2).mean())),
            "largest_to_simpleitk": float(np.abs(apart).max()),
            "correlation_with_truth": float(np.corrcoef(centred, truth[inside])[0, 1]),
        }
    ours = result["programs"]["ours"]
    for name, other in result["programs"].items():
        for part in ("whole", "fit"):
            other[f"{part}_ratio"] = statistics.median(other[f"{part}_s"]) / statistics.median(ours[f"{part}_s"])
            if name == "SimpleITK":
                result[f"{part}_ratio"] = other[f"{part}_ratio"]
    return result


def _three(text: str) -> tuple[int, int, int]:
    i, j, k = (int(part) for part in text.split(","))
    return i, j, k


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--quick", action="store_true", help="a small volume, two runs")
    parser.add_argument("--threads", type=int, nargs="*", default=[2, 1])
    parser.add_argument("--shrink", type=int, nargs="*", default=[4])
    parser.add_argument("--size", type=_three, default=(320, 320, 104), help="I,J,K")
    parser.add_argument("--iterations", type=_three, default=ITERATIONS, help="at most, per level; of all programs")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--n4ax-python", default=os.environ.get("RADSTUDY_N4AX_PYTHON"))
    parser.add_argument("--ants-python", default=os.environ.get("RADSTUDY_ANTS_PYTHON"))
    options = parser.parse_args()
    if options.quick:
        options.size, options.threads, options.shrink, options.runs = (96, 96, 32), [1], [4], 2
    measured = [
        measure(options, threads=threads, shrink=shrink, runs=options.runs)
        for shrink in options.shrink
        for threads in options.threads
    ]
    first = measured[0]
    report = {
        "benchmark": "n4",
        "machine": platform.processor() or platform.machine(),
        "python": platform.python_version(),
        "ours_s": first["programs"]["ours"]["whole_s"],
        "reference_s": first["programs"]["SimpleITK"]["whole_s"],
        "ratio": first["whole_ratio"],
        "fit_ratio": first["fit_ratio"],
        "settings": measured,
    }
    options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    for one in measured:
        size, most = " x ".join(map(str, one["size"])), "/".join(map(str, one["iterations"]))
        print(f"shrink {one['shrink']}, {one['threads']} thread(s), {size}, at most {most} iterations")
        for name, part in one["programs"].items():
            print(
                f"  {name:10s} whole {statistics.median(part['whole_s']):8.3f} s ({part['whole_ratio']:6.1f} x ours), "
                f"fit {statistics.median(part['fit_s']):8.3f} s ({part['fit_ratio']:6.1f} x), "
                f"{part['peak_mib']:6.0f} MiB, RMS {part['rms_to_simpleitk']:.1e}, "
                f"correlation with the truth {part['correlation_with_truth']:.6f}"
            )


if __name__ == "__main__":
    main()
