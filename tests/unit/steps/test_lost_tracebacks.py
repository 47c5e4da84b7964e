"""A study with a fault planted in it: the traceback is where the user is told to look, and names no patient."""

import dataclasses
import re
import subprocess
import sys
import textwrap

import numpy as np
import pandas as pd
import pytest

from radstudy import bugs, study
from radstudy.formats.raster import write_raster
from radstudy.protocol.load import parse_protocol
from radstudy.steps import extract as extract_step
from radstudy.steps import prepare as prepare_step
from radstudy.steps.run import read_failures

STUDY = """
study: planted faults
cohort:
  table: cohort.csv
  patient: id
  outcome: {column: y, positive: "1"}
  split: {column: set}
  images: "{patient}.mha"
  masks: "{patient}_{reader}.nii.gz"
  readers: [gruber]
sequences: [T2]
prepare: []
extract: {spacing_mm: null, images: {original: true, log_sigma_mm: [], wavelet: null}}
agree: {icc: null}
model: {select: [{impute: median}, {standardise: zscore}], models: {T2: [T2]}}
"""
NAMES = ["Huber_Anna", "Meier_Bea", "Novak_Cleo", "Rossi_Dora"]
BROKEN = "Meier_Bea"
NOTE = "sister of Rossi, born in Graz"


@pytest.fixture
def cohort(tmp_path):
    folder = tmp_path / "of Dr Weiss"
    folder.mkdir()
    rows = []
    for number, name in enumerate(NAMES):
        mask = np.zeros((20, 18, 12), dtype=np.uint8)
        mask[2:8, 3 + number : 9 + number, 2:7] = 1
        voxels = np.random.default_rng(number).integers(0, 400, mask.shape).astype(np.int16)
        write_raster(folder / f"{name}.mha", voxels, np.eye(4))
        write_raster(folder / f"{name}_gruber.nii.gz", mask, np.eye(4))
        rows.append((name, number % 2, "training" if number < 2 else "testing", NOTE if name == BROKEN else ""))
    pd.DataFrame(rows, columns=["id", "y", "set", "remark"]).to_csv(folder / "cohort.csv", index=False)
    (folder / "study.yaml").write_text(STUDY)
    return folder


def planted(value):
    raise ZeroDivisionError(f"planted: {value}")


def broken(work):
    """A step's work, with a fault at one patient; a class of this test, so that worker processes have it, too."""

    class Broken(work):
        def __call__(self, given):
            if given[0].patient == BROKEN:
                planted(f"{BROKEN} by gruber, {given[0].image}, remark {NOTE}, 'in quotes'")
            return super().__call__(given)

    return dataclasses.dataclass(frozen=True)(Broken)


def run(folder, jobs, until="extract"):
    said = []
    lost = study.run(parse_protocol(STUDY), data=folder, out=folder / "run", until=until, jobs=jobs, say=said.append)
    return lost, said


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("step", ["prepare", "extract"])
def test_a_broken_case_leaves_its_traceback_and_the_others_go_on(cohort, monkeypatch, step, jobs):
    module = {"prepare": prepare_step, "extract": extract_step}[step]
    monkeypatch.setattr(module, "_Work", broken(module._Work))
    if step == "extract":
        monkeypatch.setattr("radstudy.study.while_in_memory", lambda run: None)
    lost, said = run(cohort, jobs)
    assert lost == 1
    (failure,) = read_failures(cohort / "run" / step / "failures.csv")
    assert failure.patient == BROKEN
    (identifier,) = set(re.findall(r"bug-[0-9a-f]{4}", failure.problem))
    assert identifier in failure.remedy and "run.log" in failure.remedy
    printed = [line for line in said if identifier in line]
    assert any(line.startswith(f"Patient {BROKEN}") for line in printed)
    assert any(str(cohort / "run" / "run.log") in line for line in printed)
    log = (cohort / "run" / "run.log").read_text()
    assert identifier in log and "in planted\n" in log and f"({step})" in log
    assert "ZeroDivisionError: planted: *** by ***, ***" in log
    assert_names_nobody(log)
    assert len(pd.read_parquet(cohort / "run" / "extract" / "features.parquet")) == len(NAMES) - 1


def assert_names_nobody(text):
    for word in (*NAMES, *(part for name in NAMES for part in name.split("_")), "gruber", "Graz", "Weiss", "quotes"):
        assert word not in text, word


def test_a_run_without_a_bug_has_no_log(cohort):
    run(cohort, 1)
    assert not (cohort / "run" / "run.log").exists()


def test_a_fault_while_the_volume_is_in_memory_is_logged_although_the_step_meets_it_again(cohort, monkeypatch):
    def failing(volume, rois, settings):
        planted(BROKEN)

    monkeypatch.setattr(extract_step, "extract_lesions", failing)
    with pytest.raises(Exception, match="no lesion's features could be computed"):
        run(cohort, 1)
    log = (cohort / "run" / "run.log").read_text()
    assert "(prepare)" in log and "(extract)" in log and "in at_once\n" in log
    assert len(set(re.findall(r"bug-[0-9a-f]{4}", log))) == 1
    assert_names_nobody(log)


@pytest.mark.long
def test_a_command_prints_the_traceback_with_debug_alone_and_ends_with_the_same_code(cohort):
    plant = textwrap.dedent(f"""
        import radstudy.steps.prepare as step
        from radstudy.cli import main

        class Broken(step._Work):
            def __call__(self, given):
                if given[0].patient == "{BROKEN}":
                    raise ZeroDivisionError("planted")
                return super().__call__(given)

        step._Work = Broken
        main()
    """)
    for options, shown in (([], False), (["--debug"], True)):
        out = f"run{len(options)}"
        done = subprocess.run(
            [sys.executable, "-c", plant, "run", "study.yaml", "--step", "prepare", "--jobs", "1", "--out", out,
             *options], cwd=cohort, capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        assert done.returncode == 4, done.stderr
        assert ("Traceback (most recent call last)" in done.stderr) == shown, done.stderr
    (failure,) = read_failures(cohort / "run1" / "prepare" / "failures.csv")
    assert all(text in done.stderr for text in re.findall(r"bug-[0-9a-f]{4}", failure.problem))


def test_a_bug_that_ends_the_run_is_in_the_log_too(cohort, monkeypatch):
    monkeypatch.setitem(study._DO, "extract", lambda run: planted(BROKEN))
    with pytest.raises(ZeroDivisionError) as caught:
        run(cohort, 1)
    (identifier,) = re.findall(r"bug-[0-9a-f]{4}", "".join(caught.value.__notes__))
    log = (cohort / "run" / "run.log").read_text()
    assert identifier in log and "in planted\n" in log
    assert_names_nobody(log)


def test_where_the_table_cannot_be_read_no_message_is_shown(cohort, monkeypatch):
    monkeypatch.setitem(study._DO, "cohort", lambda run: planted(BROKEN))
    (cohort / "cohort.csv").unlink()
    with pytest.raises(ZeroDivisionError):
        run(cohort, 1)
    log = (cohort / "run" / "run.log").read_text()
    assert "the message is not shown" in log and "in planted\n" in log
    assert_names_nobody(log)
    assert bugs.masked("Anna") == "Anna"  # nothing is hidden after the run
