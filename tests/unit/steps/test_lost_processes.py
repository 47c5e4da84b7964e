"""Cases that end the process that works on them: native code that crashes, a process that the system kills."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from radstudy import study
from radstudy.errors import CaseError, TransientError
from radstudy.formats.raster import write_raster
from radstudy.protocol.load import parse_protocol
from radstudy.steps import extract as extract_step
from radstudy.steps import prepare as prepare_step
from radstudy.steps import run as run_module
from radstudy.steps.run import in_parallel, read_failures

STUDY = """
study: files that end a process
cohort:
  table: cohort.csv
  patient: id
  outcome: {column: y, positive: "1"}
  split: {column: set}
  images: "{patient}.mha"
  masks: "{patient}_{reader}.nii.gz"
  readers: [a, b]
sequences: [T2]
prepare: []
extract: {spacing_mm: null, images: {original: true, log_sigma_mm: [], wavelet: null}}
agree: {icc: null}
model: {select: [{impute: median}, {standardise: zscore}], models: {T2: [T2]}}
"""


@pytest.fixture
def cohort(tmp_path):
    """Six patients of one small volume and two readers' masks each."""
    return made(tmp_path)


@pytest.fixture(scope="module")
def expected(tmp_path_factory):
    """The features of such a cohort."""
    return run(made(tmp_path_factory.mktemp("undisturbed")), "run")[2]


def made(folder):
    rows = []
    for number in range(6):
        mask = np.zeros((20, 18, 12), dtype=np.uint8)
        mask[2:8, 3 + number : 9 + number, 2:7] = 1
        voxels = np.random.default_rng(number).integers(0, 400, mask.shape).astype(np.int16)
        write_raster(folder / f"P{number}.mha", voxels, np.eye(4))
        write_raster(folder / f"P{number}_a.nii.gz", mask, np.eye(4))
        mask[2] = 0
        write_raster(folder / f"P{number}_b.nii.gz", mask, np.eye(4))
        rows.append((f"P{number}", number % 2, "training" if number < 4 else "testing"))
    pd.DataFrame(rows, columns=["id", "y", "set"]).to_csv(folder / "cohort.csv", index=False)
    (folder / "study.yaml").write_text(STUDY)
    return folder


@pytest.mark.parametrize(
    ("number", "kind"), [(signal.SIGSEGV, CaseError), (signal.SIGKILL, TransientError)], ids=["crashed", "killed"]
)
def test_of_many_tasks_those_that_end_their_process_are_errors_alone(number, kind):
    poison = {3, 4, 17}

    def work(index):
        return os.kill(os.getpid(), number) if index in poison else index**2

    found = dict(in_parallel(work, range(25), 2))
    assert {index: result for index, result in found.items() if index not in poison} == {
        index: index**2 for index in set(range(25)) - poison
    }
    assert all(type(found[index]) is kind and f"signal {int(number)}" in found[index].problem for index in poison)


def test_a_single_task_left_over_cannot_end_the_program():
    program = "import os; from radstudy.steps.run import in_parallel; print(*in_parallel(os._exit, [3], 2))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0
    assert "ended with exit code 3" in done.stdout


def run(folder, out):
    said = []
    lost = study.run(
        parse_protocol(STUDY), data=folder, out=folder / out, until="extract", jobs=2, say=said.append
    )  # fmt: skip
    return lost, said, pd.read_parquet(folder / out / "extract" / "features.parquet")


@pytest.mark.parametrize("step", [pytest.param("prepare", marks=pytest.mark.long), "extract"])
def test_a_case_that_crashes_is_lost_alone_and_named(cohort, expected, monkeypatch, step):
    poison(monkeypatch, step, signal.SIGSEGV)
    lost, said, table = run(cohort, "run")
    assert lost == (1 if step == "prepare" else 2)
    failures = read_failures(cohort / "run" / step / "failures.csv")
    assert {(failure.patient, failure.sequence) for failure in failures} == {("P2", "T2")}
    assert all("was ended by signal 11 (segmentation fault)" in failure.problem for failure in failures)
    assert any("tried again, each alone" in line for line in said)
    pd.testing.assert_frame_equal(table, expected.drop("P2", level="patient"), check_exact=True)
    assert run(cohort, "run")[1][-1] == "extract: already done"  # a crash is the file's: it is not met again


@pytest.mark.parametrize("step", ["prepare", pytest.param("extract", marks=pytest.mark.long)])
def test_a_case_that_the_system_killed_is_tried_again_by_the_next_run(cohort, expected, monkeypatch, step):
    with monkeypatch.context() as patch:
        poison(patch, step, signal.SIGKILL)
        lost, _, table = run(cohort, "run")
    assert lost and len(table) == len(expected) - 2
    assert "memory" in read_failures(cohort / "run" / step / "failures.csv")[0].problem
    lost, _, table = run(cohort, "run")
    assert not lost
    pd.testing.assert_frame_equal(table, expected, check_exact=True)


def poison(monkeypatch, step, number):
    """Let the step's work on P2 end its process."""
    real = run_module.guarded
    kind = {"prepare": prepare_step, "extract": extract_step}[step]._Work.__module__

    def guarded(function, *given):
        if type(function).__module__ == kind and "P2" in str(given[-1]):
            os.kill(os.getpid(), number)
        return real(function, *given)

    monkeypatch.setattr(run_module, "guarded", guarded)


@pytest.mark.parametrize("jobs", [pytest.param(1, marks=pytest.mark.long), 2])
def test_a_header_that_crashes_native_code_does_not_end_a_command(cohort, jobs):
    """ITK ends the process at NDims = -1."""
    image = cohort / "P2.mha"
    image.write_bytes(image.read_bytes().replace(b"NDims = 3", b"NDims = -1"))
    done = subprocess.run(
        [sys.executable, "-m", "radstudy", "run", "study.yaml", "--step", "prepare", "--jobs", str(jobs), "--out",
         "run"], cwd=cohort, capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 4, done.stderr
    assert f"Patient P2, T2, file {image}" in done.stderr
    assert "Traceback" not in done.stderr and "Fatal" not in done.stderr
    assert {failure.patient for failure in read_failures(cohort / "run" / "prepare" / "failures.csv")} == {"P2"}
    prepared = pd.read_csv(cohort / "run" / "prepare" / "volumes.csv")
    assert list(prepared["patient"]) == ["P0", "P1", "P3", "P4", "P5"]


def test_nothing_else_starts_processes():
    """Also where an import is within a function; `imaging/slabs.py` has threads."""
    source = Path(study.__file__).parent
    words = ("joblib", "loky", "multiprocessing", "subprocess", "concurrent.futures", "os.fork")
    users = {
        file.relative_to(source).as_posix()
        for file in source.rglob("*.py")
        if any(line.split("#")[0].strip().startswith(("import ", "from ", "os.")) and word in line
               for line in file.read_text(encoding="utf-8").splitlines() for word in words)
    }  # fmt: skip
    assert users == {
        "imaging/slabs.py",
        *(f"parallel/{name}.py" for name in ("local", "messages", "program", "team", "worker")),
    }
