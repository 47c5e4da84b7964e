"""Pulls from a real PACS: the bytes of the folder by every route; a killed pull goes on; the PACS stays as it is."""

import csv
import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

WEB, DIMSE = "http://127.0.0.1:8042/dicom-web", "dimse://ORTHANC@127.0.0.1:4242"


def pseudonyms(from_folder):
    return from_folder.with_name("out.private") / "pseudonyms.csv"


def tree(folder):
    """The digest of every file; of masks.csv the rows, without a drawing's folder, which a server does not have."""
    files = {p.relative_to(folder).as_posix(): digest(p.read_bytes()) for p in folder.rglob("*") if p.is_file()}
    del files["masks.xlsx"]
    with (folder / "masks.csv").open(encoding="utf-8", newline="") as opened:
        files["masks.csv"] = [{**row, "source": ""} for row in csv.DictReader(opened)]
    return files


def digest(content):
    return hashlib.sha256(content).hexdigest()


def whole(folder):
    """What was pulled to its end: a part that a killed program was writing lies in a folder of its own."""
    walked = [(Path(place), names) for place, _, names in os.walk(folder)]  # folders of parts come and go meanwhile
    whole = [place / name for place, names in walked if not place.name.startswith(".part-") for name in names]
    return [file for file in whole if file.suffix == ".dcm"]


@pytest.mark.parametrize(
    "route",
    [
        pytest.param([WEB], id="DICOMweb"),
        pytest.param([DIMSE], id="C-GET", marks=pytest.mark.long),
        pytest.param([DIMSE, "--move-port", "11113", "--patient", "UCSF-BR-*"], id="C-MOVE with a wildcard"),
    ],
)
def test_every_route_gives_the_bytes_of_the_folder(filled, from_folder, tmp_path, route):
    before = filled.ask("/changes?last"), filled.ask("/statistics")
    filled.radstudy("import", *route, "--out", tmp_path / "out", "--pseudonyms", pseudonyms(from_folder))
    assert tree(tmp_path / "out") == tree(from_folder)
    assert len(list((tmp_path / "out").rglob("DCE?.nii.gz"))) == 3
    assert (filled.ask("/changes?last"), filled.ask("/statistics")) == before  # read only


def test_a_killed_pull_goes_on_where_it_was(filled, from_folder, tmp_path):
    arguments = ["import", WEB, "--out", tmp_path / "out", "--pseudonyms", pseudonyms(from_folder)]
    pulled = tmp_path / "out.private" / "pulled"
    process = subprocess.Popen(filled.command(sys.executable, "-m", "radstudy", *arguments), stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(whole(pulled)) < 20:
        assert time.monotonic() < deadline
        time.sleep(0.005)
    process.kill()
    process.wait(30)
    had = {file: file.stat().st_mtime_ns for file in whole(pulled)}
    assert 20 <= len(had) < 301
    filled.radstudy(*arguments)
    assert len(whole(pulled)) == 301
    assert {file: file.stat().st_mtime_ns for file in had} == had  # none was fetched twice
    assert tree(tmp_path / "out") == tree(from_folder)


@pytest.mark.parametrize("route", [WEB, DIMSE])
def test_a_dry_run_asks_and_writes_nothing(filled, tmp_path, route):
    done = filled.radstudy("import", route, "--patient", "UCSF-BR-*", "--out", tmp_path / "out", "--dry-run")
    assert "Sagittal-IR_3DFGRE" in done.stdout
    assert "UCSF" not in done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_patient_that_is_not_there(filled, tmp_path):
    done = filled.radstudy("import", WEB, "--patient", "NOBODY", "--out", tmp_path / "out", check=4)
    assert "finds no examination" in done.stderr
