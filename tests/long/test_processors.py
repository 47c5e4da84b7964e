"""The demo's study on several processors: the same features but for the last digits of those named, the same selections
and calls, and probabilities within 1e-9.

Takes some minutes a processor; `.ci/long` runs it. ``RADSTUDY_PROCESSOR_PATIENTS`` says on how many patients.
"""

import os
import re
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from radstudy.demo.cohort import make
from targets.processors import LAST_DIGITS, environment, processors

pytestmark = pytest.mark.long
PATIENTS = int(os.environ.get("RADSTUDY_PROCESSOR_PATIENTS", "24"))
SELECTED = ("model/features.csv", "model/funnel.csv", "model/dropped.csv")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """The run's folder on each processor, of one cohort; without the parts that refit every model many times."""
    data = tmp_path_factory.mktemp("data")
    make(data, patients=PATIENTS, seed=1)
    study = data / "study.yaml"
    text = study.read_text(encoding="utf-8")
    text = re.sub(r"^  (chance|resampling): .*$", r"  \1: null", text, flags=re.MULTILINE) + "  baselines: null\n"
    study.write_text(text, encoding="utf-8")
    folders = {}
    for name in processors():
        folders[name] = tmp_path_factory.mktemp(name) / "run"
        command = [sys.executable, "-m", "radstudy", "run", study, "--out", folders[name], "--step", "evaluate"]
        own = environment(name, tmp_path_factory.mktemp(f"cache_{name}"))
        done = subprocess.run(command, env=own, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
    return folders


def compared(host, other):
    """What differs between two runs: features by name, files of selections, calls, and the furthest probabilities."""
    one, two = (pd.read_parquet(folder / "extract" / "features.parquet") for folder in (host, other))
    assert one.index.equals(two.index)
    assert one.columns.equals(two.columns)
    differ = (one.to_numpy() != two.to_numpy()) & ~(np.isnan(one.to_numpy()) & np.isnan(two.to_numpy()))
    frames = [pd.read_csv(folder / "model" / "predictions.csv") for folder in (host, other)]
    numbers = list(frames[0].select_dtypes("floating").columns)
    words = [column for column in frames[0].columns if column not in numbers]
    return {
        "values": int(differ.sum()),
        "of": differ.size,
        "furthest": float(np.nanmax(np.abs(one.to_numpy() - two.to_numpy()) / np.abs(one.to_numpy()).clip(1e-300))),
        "features": one.columns[differ.any(axis=0)].tolist(),
        "selections": [name for name in SELECTED if not _same(host / name, other / name)],
        "calls": int((frames[0][words] != frames[1][words]).to_numpy().sum()),
        "probabilities": float(np.nanmax(np.abs(frames[0][numbers].to_numpy() - frames[1][numbers].to_numpy()))),
    }


def _same(one, other):
    """Whether two tables say the same: words equal, numbers to 1e-9."""
    first, second = pd.read_csv(one), pd.read_csv(other)
    if first.shape != second.shape:
        return False
    numbers = first.select_dtypes("number").columns
    words = first.columns.difference(numbers)
    return first[words].astype(str).equals(second[words].astype(str)) and np.allclose(
        first[numbers], second[numbers], rtol=0, atol=1e-9, equal_nan=True
    )


@pytest.mark.parametrize("name", [name for name in processors() if name != "host"])
def test_the_demo_is_the_same_study(runs, name):
    found = compared(runs["host"], runs[name])
    print(name, found)
    assert [feature for feature in found["features"] if not LAST_DIGITS.fullmatch(feature)] == []
    assert found["values"] < 0.002 * found["of"]
    assert found["furthest"] < 1e-13
    assert found["selections"] == []
    assert found["calls"] == 0
    assert found["probabilities"] < 1e-9
