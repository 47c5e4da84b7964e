"""The time of one `radstudy predict`, from the command to its answer: the first on a computer, and the next ones.

    python benchmarks/predict_command.py RUN --model "combined C" [--runs 5] [--json F.json]

RUN is a demo's folder (`radstudy demo --out RUN`). Its first testing patient is predicted from files. The first time,
numba's folder is empty: what the prediction needs is compiled. No other program does this, so there is no ratio.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd


def command_for(run: Path, model: str) -> list[str]:
    """The command that predicts the model's first testing patient."""
    scores = pd.read_csv(run / "model" / "predictions.csv")
    patient = scores[(scores["model"] == model) & (scores["set"] == "testing")]["patient"].iloc[0]
    file = run / "model" / "signatures" / f"{model.replace(' ', '-')}.json"
    signature = json.loads(file.read_text(encoding="utf-8"))
    command = [sys.executable, "-m", "radstudy", "predict", str(file), "--json", "--outside-range"]
    for sequence in signature["sequences"]:
        image = run / "data" / "images" / patient / f"{sequence}.nii.gz"
        mask = run / "data" / "masks" / patient / f"{sequence}_reader1.nii.gz"
        command += ["--image", f"{sequence}={image}", "--mask", f"{sequence}={mask}"]
    cohort = pd.read_csv(run / "data" / "cohort.csv", dtype=str).set_index("patient_id")
    for variable in signature["clinical"]:
        command += ["--clinical", f"{variable}={cohort.at[patient, variable]}"]
    return command


def seconds(command: list[str], folder: str | None) -> float:
    """Wall time of one call; compiled code is kept in `folder`."""
    environment = os.environ if folder is None else {**os.environ, "NUMBA_CACHE_DIR": folder}
    began = time.perf_counter()
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return time.perf_counter() - began


def main() -> int:
    """Measure, and say."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--model", default="combined C")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    command = command_for(asked.run, asked.model)
    with tempfile.TemporaryDirectory() as folder:
        cold = seconds(command, folder)
        warm = [seconds(command, folder) for _ in range(asked.runs)]
    print(f"model {asked.model}: {cold:.1f} s the first time, then {statistics.median(warm):.2f} s (median)")
    if asked.json:
        result = {"model": asked.model, "cold_s": cold, "warm_s": warm}
        asked.json.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
