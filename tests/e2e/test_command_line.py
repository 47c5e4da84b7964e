"""The command line as a tired radiologist meets it: help, exit codes, messages."""

import json
import subprocess
import sys
import time

import pytest


def test_help_is_quick(command):
    command("--help", check=0)
    start = time.perf_counter()
    command("--help", check=0)
    assert time.perf_counter() - start < 2.0  # 0.1 s on an idle machine; the goal is 0.5


def test_help_imports_nothing_heavy():
    heavy = {"numba", "SimpleITK", "pandas", "sklearn", "numpy"}
    code = f"import sys, radstudy.cli; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [  # what each command declares as a wrong call is tried by tests/unit/cli/test_commands.py
        (["run", "nothing.yaml"], 3, "radstudy init"),
        (["extract", "--image", "no.nii", "--mask", "no.nii"], 4, "does not exist"),
        (["predict", "no.json"], 5, "does not exist"),
        (["check", "nothing.yaml"], 3, "radstudy init"),
        (["plan", "nothing.yaml"], 3, "radstudy init"),
        (["plan", "nothing.yaml", "--patients", "many"], 2, "whole numbers"),
        (["plan", "nothing.yaml", "--prevalence", "40"], 2, "--prevalence takes a number between 0 and 1, not 40"),
        (["import", "dimse://host", "--out", "o"], 2, "dimse://TITLE@host:port"),
        (["import", ".", "--out", "o", "--dry-run"], 4, "holds no MR image"),
    ],
)
def test_expected_errors_have_a_message_and_their_exit_code(command, tmp_path, monkeypatch, arguments, code, says):
    monkeypatch.chdir(tmp_path)
    done = command(*arguments, check=code)
    assert says in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [["init", "file/new"], ["init", "file"], ["run", "new/study.yaml", "--out", "file"],
     ["run", "new/study.yaml", "--out", "file/runs"]],
)  # fmt: skip
def test_a_folder_that_cannot_be_made_is_named(command, tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("no folder")
    command("init", "new", check=0)
    done = command(*arguments, check=2)
    assert "cannot be written" in done.stderr and "file" in done.stderr and "Traceback" not in done.stderr


def test_init_then_cohort_says_what_is_missing(command, tmp_path):
    command("init", tmp_path / "new", check=0)
    assert "already exists" in command("init", tmp_path / "new", check=2).stderr
    done = command("run", tmp_path / "new" / "study.yaml", "--step", "cohort", check=4)
    assert "no row is left" in done.stderr


def test_extract_writes_csv_and_json(command, real_data, tmp_path):
    image, mask = (real_data / "pyradiomics" / f"brain1_{what}.nrrd" for what in ("image", "label"))
    command("extract", "--image", image, "--mask", mask, "--out", tmp_path / "f.csv", check=0)
    command("extract", "--image", image, "--mask", mask, "--out", tmp_path / "f.json", check=0)
    values = json.loads((tmp_path / "f.json").read_text(encoding="utf-8"))
    lines = (tmp_path / "f.csv").read_text(encoding="utf-8").splitlines()
    assert len(values) == 1218
    assert len(lines) == 1219
    name, value = lines[1].split(",")
    assert values[name] == float(value)
