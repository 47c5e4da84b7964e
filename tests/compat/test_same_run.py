"""The comparison of two run folders: what may differ, and that nothing else may."""

import json

import numpy as np
import pytest

from compat.same_run import differences
from radstudy.kept import keep_arrays

PAGE = (
    '<p>{time}, {seconds} s</p><table><tr><td>{time}</td><td class="number">{seconds}</td><td>{key}</td></tr></table>'
)


def write_run(folder, number, auc=0.75):
    """A run as it was at another time, by a program with another source, of the same values."""
    key, time = f"{number:032x}", f"2026-11-{10 + number} 1{number}:00:00"
    made = {"key": key, "finished": time, "seconds": number, "code": key, "auc": auc, "folder": str(folder)}
    write(folder / "model" / "models.json", json.dumps({"checksum": key, "models": [made]}))
    write(folder / "cohort" / "opened.json", json.dumps({"checksum": key, "key": "", "seen": {key: {"image": key}}}))
    write(folder / "evaluate" / "table3.csv", f"model,auc\nT2,{auc}\n")
    write(folder / "report" / "tables" / "versions.csv", f"step,finished,seconds\nmodel,{time},{number}\n")
    write(folder / "report.html", PAGE.format(time=time, seconds=number, key=key))
    write(folder / "run.log", time)
    keep_arrays(folder / "evaluate" / "null" / "000000-000024.npz", {"auc": np.array([auc]), "key": np.array(key)})
    return folder


def write(file, text):
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


@pytest.fixture
def one(tmp_path):
    return write_run(tmp_path / "one", 1)


def test_times_keys_caches_and_folders_may_differ(one, tmp_path):
    compared = dict(differences(one, write_run(tmp_path / "other", 2)))
    assert not any(compared.values()), compared
    assert set(compared) == {
        "model/models.json", "evaluate/table3.csv", "report.html", "evaluate/null/000000-000024.npz",
    }  # fmt: skip


def test_values_may_not(one, tmp_path):
    compared = dict(differences(one, write_run(tmp_path / "other", 2, auc=0.76)))
    assert {name for name, what in compared.items() if what} == {
        "model/models.json", "evaluate/table3.csv", "evaluate/null/000000-000024.npz",
    }  # fmt: skip
    (tmp_path / "other" / "evaluate" / "table3.csv").unlink()
    assert dict(differences(one, tmp_path / "other"))["evaluate/table3.csv"].startswith("only in")
