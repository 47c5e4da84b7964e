"""A batch of small lesions by `radstudy extract --batch`: lesions a minute, memory, killed and resumed, equal values.

``python benchmarks/batch.py --json F [--lesions N] [--demo DIR] [--jobs J] [--check N]`` cuts N lesions out of a demo
cohort (DIR, made by ``radstudy demo``; without one, a small one is made), each with noise of its own so that no two
have the same content, as .nii.gz. Then, with the reference study's 1,218 features:

- ``ours_s``: the batch, whole; ``lesions_per_minute``; ``peak_mib``: the largest resident memory of the parent and of
  its processes (VmHWM), and those of a batch of a quarter of the lesions, which must be nearly the same;
- ``again_s``: the same command when all is done;
- ``killed``: its process group is killed (SIGKILL) when 40 % are done, and started again: lesions kept, seconds,
  and whether the table equals that of the whole batch byte for byte;
- ``reference_s``: `radstudy.extract` on each lesion's files in one process, and ``different``: numbers of the table
  that are not equal to its values bit for bit (of the first --check lesions; all by default). ``ratio`` is per lesion.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import nibabel as nib
import numpy as np

MARGIN_VOXELS = 12
KILLED_AT = 0.4


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--lesions", type=int, default=1000)
    parser.add_argument("--demo", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--check", type=int)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="batch-") as folder:
        result = measured(Path(folder), asked)
    text = json.dumps(result, indent=1)
    print(text)
    if asked.json is not None:
        asked.json.write_text(text + "\n")


def measured(folder: Path, asked: argparse.Namespace) -> dict[str, object]:
    """All figures."""
    demo = asked.demo or demo_in(folder)
    rows = write_lesions(demo / "data", folder / "lesions", asked.lesions)
    quarter = write_table(folder / "quarter.csv", rows[: max(asked.lesions // 4, 1)])
    cases = write_table(folder / "cases.csv", rows)
    run(quarter, folder / "warm.csv", asked.jobs)  # kernels are compiled
    _, small = run(quarter, folder / "quarter_features.csv", asked.jobs)
    seconds, memory = run(cases, folder / "features.csv", asked.jobs)
    again, _ = run(cases, folder / "features.csv", asked.jobs)
    killed = killed_and_resumed(cases, folder / "killed.csv", asked)
    killed["same_table"] = (folder / "killed.csv").read_bytes() == (folder / "features.csv").read_bytes()
    checked = min(asked.check or asked.lesions, asked.lesions)
    single, different = compared(folder / "features.csv", rows[:checked])
    return {
        "lesions": asked.lesions, "jobs": asked.jobs, "ours_s": [round(seconds, 2)],
        "reference_s": [round(single, 2)], "ratio": round(single / checked / (seconds / asked.lesions), 2),
        "lesions_per_minute": round(60 * asked.lesions / seconds), "again_s": round(again, 2),
        "peak_mib": memory, "peak_mib_of_a_quarter": small, "killed": killed, "checked": checked,
        "different": different, "load": os.getloadavg(),
    }  # fmt: skip


def demo_in(folder: Path) -> Path:
    """Make a demo cohort."""
    from radstudy.demo.cohort import make

    make(folder / "demo" / "data", patients=24)
    return folder / "demo"


def write_lesions(data: Path, folder: Path, count: int) -> list[tuple[str, str, str]]:
    """Cut lesions out of the cohort's images; return (name, image, mask) of each."""
    folder.mkdir()
    masks = sorted((data / "masks").glob("*/*.nii.gz"))
    rows = []
    for number in range(count):
        drawn = masks[number % len(masks)]
        mask = nib.load(drawn)
        image = nib.load(data / "images" / drawn.parent.name / f"{drawn.name.split('_')[0]}.nii.gz")
        inside = np.argwhere(np.asarray(mask.dataobj) > 0)
        first = np.maximum(inside.min(0) - MARGIN_VOXELS, 0)
        box = tuple(slice(low, high) for low, high in zip(first, inside.max(0) + MARGIN_VOXELS + 1, strict=True))
        affine = image.affine.copy()
        affine[:3, 3] += affine[:3, :3] @ first
        voxels = np.asarray(image.dataobj)[box]
        noise = np.random.default_rng(number).integers(-2, 3, voxels.shape)
        pair = [folder / f"{number:05}_{kind}.nii.gz" for kind in ("image", "mask")]
        nib.save(nib.Nifti1Image((voxels + noise).astype(np.int16), affine), pair[0])
        nib.save(nib.Nifti1Image((np.asarray(mask.dataobj)[box] > 0).astype(np.uint8), affine), pair[1])
        rows.append((f"{number:05}", str(pair[0]), str(pair[1])))
    return rows


def write_table(file: Path, rows: list[tuple[str, str, str]]) -> Path:
    """Write PyRadiomics' batch table."""
    file.write_text("ID,Image,Mask\n" + "".join(",".join(row) + "\n" for row in rows))
    return file


def start(cases: Path, out: Path, jobs: int) -> subprocess.Popen[bytes]:
    """Start the command in a process group of its own."""
    call = [sys.executable, "-m", "radstudy", "extract", "--batch", cases, "--out", out, "--jobs", str(jobs)]
    return subprocess.Popen(call, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def run(cases: Path, out: Path, jobs: int) -> tuple[float, dict[str, float]]:
    """Run the command; return seconds, and the largest memory of the parent and of any of its processes."""
    begin = time.perf_counter()
    process = start(cases, out, jobs)
    peak = {"parent": 0.0, "worker": 0.0}
    while process.poll() is None:
        for pid in group_of(process.pid):
            kind = "parent" if pid == process.pid else "worker"
            peak[kind] = max(peak[kind], high_water_mib(pid))
        time.sleep(0.1)
    if process.returncode:
        raise SystemExit(f"the batch ended with {process.returncode}")
    return time.perf_counter() - begin, {kind: round(most, 1) for kind, most in peak.items()}


def killed_and_resumed(cases: Path, out: Path, asked: argparse.Namespace) -> dict[str, object]:
    """Kill the command's process group when a part is done, and start it again."""
    log = out.parent / ".radstudy" / f"{out.name}.cases" / "results.jsonl"
    process = start(cases, out, asked.jobs)
    while process.poll() is None and done(log) < KILLED_AT * asked.lesions:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    kept, is_there = done(log), out.exists()
    seconds, _ = run(cases, out, asked.jobs)
    return {"kept": kept, "table_before": is_there, "resumed_s": round(seconds, 2), "computed": done(log)}


def done(log: Path) -> int:
    """Number of cases in the log."""
    return log.read_bytes().count(b"\n") if log.exists() else 0


def compared(table: Path, rows: list[tuple[str, str, str]]) -> tuple[float, int]:
    """Seconds of single calls, and numbers in the table that differ from theirs."""
    import radstudy
    from radstudy.store import read_csv

    frame = read_csv(table)
    radstudy.extract(*rows[0][1:])
    seconds, different = 0.0, 0
    for number, (_, image, mask) in enumerate(rows):
        begin = time.perf_counter()
        values = radstudy.extract(image, mask)
        seconds += time.perf_counter() - begin
        own = frame.iloc[number][list(values)].to_numpy(float)
        expected = np.array(list(values.values()))
        different += int(np.sum(own.view(np.int64) != expected.view(np.int64)))
    return seconds, different


def group_of(leader: int) -> list[int]:
    """Processes of a group."""
    members = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[2]) == leader:
            members.append(int(stat.parent.name))
    return members


def high_water_mib(pid: int) -> float:
    """Largest resident memory of a process so far."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0
    line = next((line for line in status.splitlines() if line.startswith("VmHWM")), "VmHWM: 0 kB")
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    main()
