"""One demo run that the end-to-end tests share; each test that changes something works on a copy."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

PATIENTS = 24


def radstudy(*arguments, check=None, timeout=600):
    """Run the command line in a process of its own."""
    command = [sys.executable, "-m", "radstudy", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    if check is not None:
        assert done.returncode == check, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


@pytest.fixture(scope="session")
def command():
    return radstudy


@pytest.fixture(scope="session")
def demo(tmp_path_factory, worker_id):
    """The folder of a finished demo of 24 patients, made once for all test processes.

    RADSTUDY_DEMO names one that this very program has made a moment ago, as .ci/run does.
    """
    if made_before := os.environ.get("RADSTUDY_DEMO"):
        return Path(made_before)
    base = tmp_path_factory.getbasetemp()
    folder = (base if worker_id == "master" else base.parent) / "shared-demo" / "out"
    folder.parent.mkdir(exist_ok=True)
    with FileLock(folder.parent / "lock"):
        if not (folder / "report.html").exists():
            radstudy("demo", "--patients", PATIENTS, "--out", folder, check=0)
    return folder


@pytest.fixture
def demo_copy(demo, tmp_path):
    """A copy of the demo's cohort and results."""
    return shutil.copytree(demo, tmp_path / "copy")
