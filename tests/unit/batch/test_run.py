"""A batch from files: one row per case, resumed by content, failures listed, nobody's file replaced."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

import radstudy
from radstudy.batch import run as batch_run
from radstudy.batch.run import run_batch
from radstudy.batch.table import read_batch_table
from radstudy.cli import main
from radstudy.errors import StorageError, UsageError
from radstudy.store import read_csv
from unit.batch.lesions import NAMES, SETTINGS, write_lesions
from unit.full_disk import full_at

SOURCE = Path(radstudy.__file__).parents[1]


@pytest.fixture
def cohort(tmp_path):
    """A table beside a folder of lesions, with relative paths and columns of the user's own."""
    table = write_lesions(tmp_path / "data")
    rows = [
        {"Patient": f"00{n}", "Image": f"data/P{n:03}/image.nii.gz", "Mask": f"data/P{n:03}/mask.nii.gz",
         "Label": table["label"][n], "note": ["NA", "=1+1", 'a "b", c', ""][n], "age": [50, 61, "", 72][n]}
        for n in range(4)
    ]  # fmt: skip
    file = tmp_path / "cases.csv"
    pd.DataFrame(rows).to_csv(file, index=False)
    (tmp_path / "p.yaml").write_text(json.dumps(SETTINGS))
    return file


def run(file, out="features.csv", jobs=1):
    return run_batch(read_batch_table(file), file.parent / out, SETTINGS, jobs=jobs)


def command(monkeypatch, capsys, *arguments):
    monkeypatch.setattr(sys, "argv", ["radstudy", "extract", *map(str, arguments)])
    try:
        main()
        code = 0
    except SystemExit as ended:
        code = ended.code or 0
    return code, capsys.readouterr()


@pytest.mark.parametrize("jobs", [1, 2])
def test_one_row_a_case_with_the_user_s_columns_first_and_the_values_of_single_calls(cohort, jobs):
    outcome = run(cohort, jobs=jobs)
    frame = read_csv(outcome.out, dtype={"Patient": str}, keep_default_na=False)
    assert list(frame.columns) == ["Patient", "Image", "Mask", "Label", "note", "age", *NAMES]
    given = pd.read_csv(cohort, dtype=str, keep_default_na=False)
    assert frame.iloc[:, :6].astype(str).to_numpy().tolist() == given.to_numpy().tolist()
    for number, row in frame.iterrows():
        expected = radstudy.extract(
            cohort.parent / row["Image"], cohort.parent / row["Mask"], SETTINGS, label=int(row["Label"])
        )
        assert {name: float(frame.loc[number, name]) for name in NAMES} == expected
    assert outcome.failures_file is None and not (cohort.parent / "features.failures.csv").exists()


def test_parquet_has_types(cohort):
    frame = pd.read_parquet(run(cohort, "features.parquet").out)
    kinds = {name: str(kind) for name, kind in frame.dtypes.items()}
    assert kinds["Label"] == "int64" and kinds["age"] == "float64"
    assert frame["Patient"].tolist() == ["000", "001", "002", "003"]
    assert all(kinds[name] == "float64" for name in NAMES)
    csv = read_csv(run(cohort).out)
    assert frame[NAMES].to_numpy().tolist() == csv[NAMES].to_numpy().tolist()


def test_failures_are_listed_and_the_others_go_on(cohort, monkeypatch, capsys):
    (cohort.parent / "data/P001/image.nii.gz").write_bytes(b"no image")
    (cohort.parent / "data/P003/mask.nii.gz").unlink()
    code, printed = command(monkeypatch, capsys, "--batch", cohort, "--out", cohort.parent / "f.csv",
                            "--settings", cohort.parent / "p.yaml", "--jobs", 0)  # fmt: skip
    assert code == 4 and "2 of 4 cases have features" in printed.err and "f.failures.csv" in printed.err
    assert printed.out.strip() == str(cohort.parent / "f.csv")
    frame, failed = read_csv(cohort.parent / "f.csv"), read_csv(cohort.parent / "f.failures.csv", dtype=str)
    assert frame[NAMES[0]].isna().tolist() == [False, True, False, True]
    assert failed[["line", "patient", "image", "label"]].to_numpy().tolist() == [
        ["3", "001", "data/P001/image.nii.gz", "2"], ["5", "003", "data/P003/image.nii.gz", "2"]
    ]  # fmt: skip
    assert "cannot be read" in failed["problem"][0] and "does not exist" in failed["problem"][1]
    assert failed["to_do"].str.len().gt(5).all() and failed["error"].tolist() == ["CaseError", "TransientError"]
    shutil.copy(cohort.parent / "data/P000/image.nii.gz", cohort.parent / "data/P001/image.nii.gz")
    shutil.copy(cohort.parent / "data/P002/mask.nii.gz", cohort.parent / "data/P003/mask.nii.gz")
    outcome = run(cohort, "f.csv")
    assert (outcome.kept, outcome.failures) == (2, ()) and not (cohort.parent / "f.failures.csv").exists()


def test_what_is_unchanged_is_kept_and_what_changed_is_computed_again(cohort):
    first = run(cohort)
    before = first.out.read_bytes()
    again = run(cohort)
    assert (first.kept, again.kept) == (0, 4) and again.out.read_bytes() == before
    stamp = (cohort.parent / "data/P000/image.nii.gz").stat()
    shutil.copy(cohort.parent / "data/P001/image.nii.gz", cohort.parent / "data/P000/image.nii.gz")
    os.utime(cohort.parent / "data/P000/image.nii.gz", ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    changed = run(cohort)
    assert changed.kept == 3 and changed.out.read_bytes() != before
    shutil.copy(cohort.parent / "data/P001/mask.nii.gz", cohort.parent / "data/P002/mask.nii.gz")  # drawn anew
    assert run(cohort).kept == 3
    other = run_batch(read_batch_table(cohort), first.out, {**SETTINGS, "setting": {"binWidth": 11}}, jobs=1)
    assert other.kept == 0


def test_a_damaged_or_cut_off_record_is_computed_again(cohort):
    out = run(cohort).out
    before = out.read_bytes()
    log = cohort.parent / ".radstudy/features.csv.cases/results.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    log.write_bytes(lines[0] + lines[1].replace(b"1", b"2", 3) + lines[2] + lines[3][:-5])
    again = run(cohort)
    assert again.kept == 2 and out.read_bytes() == before
    assert run(cohort).kept == 4


def test_nobody_else_s_file_is_replaced(cohort, monkeypatch, capsys):
    (cohort.parent / "features.csv").write_text("mine\n")
    with pytest.raises(UsageError, match="radstudy did not write it"):
        run(cohort)
    (cohort.parent / "other.failures.csv").write_text("mine\n")
    with pytest.raises(UsageError, match=r"other\.failures\.csv"):
        run(cohort, "other.csv")
    assert (cohort.parent / "features.csv").read_text() == "mine\n"
    with pytest.raises(UsageError, match="is the table of the cases"):
        run_batch(read_batch_table(cohort), cohort, SETTINGS)
    features = run(cohort, "mine.csv").out
    with pytest.raises(UsageError, match="already have columns called original_"):
        run(features, "again.csv")


def test_a_killed_batch_goes_on_where_it_was(cohort):
    rows = pd.concat([pd.read_csv(cohort, dtype=str, keep_default_na=False)] * 40)
    many = cohort.parent / "many.csv"
    rows.assign(number=range(len(rows))).to_csv(many, index=False)
    for number in range(4, 160):  # each row its own content
        folder = cohort.parent / f"data/Q{number}"
        shutil.copytree(cohort.parent / f"data/P{number % 4:03}", folder)
        with (folder / "mask.nii.gz").open("ab") as stream:
            stream.write(bytes(number % 3 + 1) if number % 2 else b"")
    call = [sys.executable, "-m", "radstudy", "extract", "--batch", many, "--out", cohort.parent / "many_f.csv",
            "--settings", cohort.parent / "p.yaml", "--jobs", "2"]  # fmt: skip
    log = cohort.parent / ".radstudy/many_f.csv.cases/results.jsonl"
    process = subprocess.Popen(call, env={**os.environ, "PYTHONPATH": str(SOURCE)}, start_new_session=True,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)  # fmt: skip
    until = time.monotonic() + 60
    while not log.exists() and time.monotonic() < until:
        time.sleep(0.002)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert log.exists() and not (cohort.parent / "many_f.csv").exists()
    outcome = run(many, "many_f.csv")
    assert outcome.kept > 0 and not outcome.failures
    frame = read_csv(outcome.out)
    assert frame["number"].tolist() == list(range(160))
    assert frame[NAMES].to_numpy().tolist() == read_csv(run(cohort).out)[NAMES].to_numpy().tolist() * 40


def test_a_full_disk_is_told_and_what_is_done_is_kept(cohort):
    with full_at(400), pytest.raises(StorageError, match="cannot be written"):
        run(cohort)
    assert not (cohort.parent / "features.csv").exists()
    assert run(cohort).kept > 0


def test_files_that_change_while_they_are_read_do_not_pass(cohort, monkeypatch):
    real, others = batch_run.features_of, itertools.cycle(["P001", "P002"])

    def swapped(settings, case, *more):
        shutil.copy(cohort.parent / f"data/{next(others)}/image.nii.gz", cohort.parent / "data/P000/image.nii.gz")
        return real(settings, case, *more)

    (cohort.parent / "one.csv").write_text("Image,Mask,Label\ndata/P000/image.nii.gz,data/P000/mask.nii.gz,1\n")
    monkeypatch.setattr(batch_run, "features_of", swapped)
    outcome = run(cohort.parent / "one.csv", "one_f.csv")
    assert "changed while" in outcome.failures[0][1].message


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--batch", "c.csv"], "--out is missing"),
        (["--batch", "c.csv", "--out", "f.json"], "must end in .csv or .parquet"),
        (["--batch", "c.csv", "--image", "i.nii", "--out", "f.csv"], "leave out --image"),
        (["--batch", "c.csv", "--label", "1", "--out", "f.csv"], "leave out --image"),
        (["--batch", "nowhere.csv", "--out", "f.csv"], "does not exist"),
        (["--batch", ".", "--out", "f.csv"], "a folder needs both"),
        (["--batch", ".", "--image-pattern", "{id}/i.nii", "--out", "f.csv"], "a folder needs both"),
        (["--image", "i.nii"], "--mask is missing"),
        (["--image", "i.nii", "--mask", "m.nii", "--jobs", "2"], "belong to --batch"),
        (["--image", "i.nii", "--mask", "m.nii", "--out", "f.parquet"], ".parquet belongs to --batch"),
    ],
)  # fmt: skip
def test_options_that_do_not_fit_together_are_refused(tmp_path, monkeypatch, capsys, arguments, message):
    monkeypatch.chdir(tmp_path)
    code, printed = command(monkeypatch, capsys, *arguments)
    assert code == 2 and message in printed.err and not list(tmp_path.iterdir())
