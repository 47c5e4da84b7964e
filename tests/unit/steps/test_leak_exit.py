"""A leak that makes every AUC worthless cannot be overlooked: not on the terminal, and not in the report."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

STUDY = """
study: test
seed: 3
cohort:
  table: cohort.csv
  patient: id
  outcome: {column: y, positive: "1"}
  split: {train: 0.7}
sequences: [T2]
features: {table: features.csv}
model:
  select: [{impute: median}, {univariate: {}}, {boosted_trees: {keep: 2, trees: 10}}]
  models: {T2: [T2]}
evaluate: {chance: null, resampling: null, baselines: null}
report: {figures: [svg]}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A study whose every feature was z-scored over the whole cohort."""
    folder = tmp_path_factory.mktemp("leak")
    rng = np.random.default_rng(0)
    y = rng.permutation([0] * 30 + [1] * 30)
    values = rng.normal(size=(60, 8))
    values[:, 0] += y
    features = pd.DataFrame((values - values.mean(axis=0)) / values.std(axis=0), columns=[f"a{i}" for i in range(8)])
    ids = [f"P{i:02d}" for i in range(60)]
    pd.DataFrame({"id": ids, "y": y}).to_csv(folder / "cohort.csv", index=False)
    features.assign(id=ids).to_csv(folder / "features.csv", index=False)
    (folder / "study.yaml").write_text(STUDY, encoding="utf-8")
    return folder


def radstudy(*arguments):
    command = [sys.executable, "-m", "radstudy", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


@pytest.fixture(scope="module")
def ran(folder):
    return radstudy("run", folder / "study.yaml", "--jobs", "1")


def test_a_run_with_a_leak_error_exits_4_and_says_what(ran, folder):
    assert ran.returncode == 4, ran.stderr
    assert "no AUC of this study can be trusted" in ran.stderr
    assert "the features of T2 were scaled over training and testing rows together" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert str(folder / "runs" / "study" / "report.html") in ran.stdout  # written all the same


def test_the_answer_is_headed_by_the_leak(ran, folder):
    page = (folder / "runs" / "study" / "report.html").read_text(encoding="utf-8")
    summary = page[page.index('<section id="answer"') : page.index('<section id="paper"')]
    assert "No AUC in this study can be trusted until this is resolved" in summary
    assert "the features of T2 were scaled over training and testing rows together" in summary
    assert summary.index("can be trusted") < summary.index("patients screened")


def test_a_second_run_that_does_nothing_exits_4_as_well(ran, folder):
    again = radstudy("run", folder / "study.yaml", "--jobs", "1", "--step", "evaluate")
    assert again.returncode == 4, again.stderr
    assert "leaks.csv explains how" in again.stderr
    before = radstudy("run", folder / "study.yaml", "--jobs", "1", "--step", "model")
    assert before.returncode == 0, before.stderr  # the detector does not look before


def test_check_exits_4_as_well(ran, folder):
    assert radstudy("check", folder / "study.yaml").returncode == 4


def test_check_that_finds_nothing_says_what_it_looked_for(folder, tmp_path):
    table = pd.read_csv(folder / "features.csv")
    table[[name for name in table if name != "id"]] *= 3.7
    table.to_csv(tmp_path / "features.csv", index=False)
    for name in ("cohort.csv", "study.yaml"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    done = radstudy("check", tmp_path / "study.yaml")
    assert done.returncode == 0, done.stderr
    assert "Nothing was found" not in done.stdout
    assert done.stdout.startswith("No sign of:\n- scaling before the split (8 features of T2)\n")
    assert "identifiers that differ only by punctuation" in done.stdout
    assert "one image file" not in done.stdout  # there is no image to compare
