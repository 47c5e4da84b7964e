"""A disk that is full: every writer says so, what was there stays and nothing half-written does, no case is blamed."""

from __future__ import annotations

import gc
import os
import resource
import subprocess
import sys
from pathlib import Path

import nibabel as nib
import numpy as np
import pandas as pd
import pytest

from radstudy import owned, store
from radstudy.errors import StorageError
from radstudy.formats.raster import read_raster
from radstudy.formats.seg_nrrd import write_seg_nrrd
from radstudy.intake.csv_rows import write_listing
from radstudy.intake.pseudonyms import Pseudonyms
from radstudy.kept import keep
from radstudy.modelling.models import LinearForm, Term
from radstudy.protocol.load import parse_protocol
from radstudy.signature.document import Signature, write_signature
from radstudy.store import write_arrays, write_bytes, write_csv, write_json, write_parquet, write_text
from radstudy.table import FeatureTable
from radstudy.workbook import xlsx_bytes
from radstudy.working import only_run
from unit.full_disk import CALLS, PAIR, full_at
from unit.intake import synthetic
from unit.signature.clinical import clinical_signature

NOISE = np.random.default_rng(3).random((200, 5))
FRAME = pd.DataFrame(NOISE, columns=list("abcde"))
ROWS = pd.MultiIndex.from_tuples(
    [(f"p{n}", "1", "T2", "r") for n in range(200)], names=["patient", "lesion", "sequence", "reader"]
)
SOURCE = Path(store.__file__).parents[1]


def _of_pseudonyms(file):
    table = Pseudonyms(file)
    for number in range(200):
        table.of((str(number), ""))
    table.save()


WRITERS = {
    "bytes": lambda file: write_bytes(file, NOISE.tobytes()),
    "text": lambda file: write_text(file, "text" * 1000),
    "json": lambda file: write_json(file, NOISE),
    "record": lambda file: keep(file, "key", {"values": NOISE}),
    "table": lambda file: write_csv(file, FRAME),
    "features": lambda file: FeatureTable(FRAME.set_axis(ROWS)).write(file),
    "parquet": lambda file: write_parquet(file, FRAME),
    "arrays": lambda file: write_arrays(file, {"a": NOISE}),
    "listing": lambda file: write_listing(file, list("abcde"), FRAME.to_dict("records")),
    "segmentation": lambda file: write_seg_nrrd(file, {"lesion": NOISE.reshape(10, 10, 10) > 0.5}, np.eye(4)),
    "pseudonyms": _of_pseudonyms,
}


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("there", [True, False])
def test_what_was_there_stays_and_nothing_else(tmp_path, name, there):
    file = tmp_path / "a.csv"
    if there:
        file.write_text("pseudonym,patient_id,issuer\n")
    with full_at(100), pytest.raises(StorageError, match=r"a\.csv cannot be written.*To do: make room"):
        WRITERS[name](file)
    left = {one.name for one in tmp_path.iterdir()} - {"a.csv.key"}  # the key is small and was written before
    assert left == ({"a.csv"} if there else set())
    assert not there or file.read_text() == "pseudonym,patient_id,issuer\n"


def test_a_run_s_folder_on_a_disk_that_is_full(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be written"), only_run(tmp_path / "file" / "out"):
        pass


class _Losing:
    """A file that says of every byte that it was written, and has lost the last one."""

    def __init__(self, file):
        self.file = file

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def write(self, content):
        self.file.write(content[:-1])
        return len(content)


def test_a_byte_that_was_lost_in_silence_is_missed(tmp_path, monkeypatch):
    (tmp_path / "a.txt").write_text("before")
    real = open
    monkeypatch.setattr(store, "open", lambda *given, **more: _Losing(real(*given, **more)), raising=False)
    with pytest.raises(StorageError, match="5 bytes of 6 were written"):
        write_text(tmp_path / "a.txt", "after!")
    assert (tmp_path / "a.txt").read_text() == "before"


def test_the_name_is_on_the_disk_too(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(str(Path(f"/proc/self/fd/{handle}").readlink())))
    if not Path("/proc/self/fd").is_dir():
        pytest.skip("no /proc to tell what a handle stands for")
    write_text(tmp_path / "new" / "a.txt", "a")
    assert Path(synced[0]).name == "a.txt"
    assert synced[1:] == [str(tmp_path / "new"), str(tmp_path)]


def test_a_full_folder_of_temporary_files_is_not_the_image_s_fault(tmp_path):
    nib.save(nib.Nifti2Image(np.ones((4, 4, 4), np.int16), np.eye(4)), tmp_path / "a.nii")
    with full_at(100), pytest.raises(StorageError, match=r"temporary files \(TMPDIR\) cannot be written"):
        read_raster(tmp_path / "a.nii")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # openpyxl's generators, cut short
def test_a_full_folder_of_temporary_files_ends_a_workbook_as_such():
    with full_at(100), pytest.raises(StorageError, match=r"temporary files \(TMPDIR\) cannot be written"):
        xlsx_bytes(FRAME)
    gc.collect()


def test_a_command_that_could_not_remember_its_file_leaves_none(tmp_path, monkeypatch):
    def full(path, *_):
        raise StorageError(path, "No space left on device")

    file = tmp_path / "a.csv"
    with monkeypatch.context() as patched, pytest.raises(StorageError):
        patched.setattr(owned, "write_text", full)
        with owned.owning(file):
            file.write_text("mine")
    with owned.owning(file):  # and not: this already exists, and radstudy did not write it
        file.write_text("mine")
    assert owned.is_own(file)


def run(folder: Path, *arguments: str, size: int | None = None, output: str | None = None, **more: str):
    """Run a command in a process of its own, whose files cannot grow beyond `size` bytes."""

    def limit():
        if size is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    with Path(output or os.devnull).open("wb") as out:
        return subprocess.run(
            [sys.executable, "-m", "radstudy", *arguments], cwd=folder, preexec_fn=limit, stdout=out, text=True,
            stderr=subprocess.PIPE, env={**os.environ, "PYTHONPATH": str(SOURCE), **more}, check=False,
        )  # fmt: skip


@pytest.fixture
def lesion(tmp_path):
    """A folder with an image, a mask, a parameter file, a recipe and its table, a study, and a DICOM series."""
    voxels = np.random.default_rng(9).integers(1, 500, (16, 16, 8)).astype(np.int16)
    mask = np.zeros(voxels.shape, np.uint8)
    mask[4:11, 4:11, 2:6] = 1
    for name, content in (("i.nii.gz", voxels), ("m.nii.gz", mask)):
        nib.save(nib.Nifti1Image(content, np.eye(4)), tmp_path / name)
    (tmp_path / "p.yaml").write_text("imageType: {Original: {}}\nfeatureClass: {firstorder: }\n")
    (tmp_path / "r.yaml").write_text("patient: id\nadc: {images: {0: a, 800: b}}\n")
    (tmp_path / "b.csv").write_text("Image,Mask\ni.nii.gz,m.nii.gz\n")
    (tmp_path / "t.csv").write_text("id,a,b\np1,i.nii.gz,i.nii.gz\n")
    for number in range(4):
        nib.save(nib.Nifti1Image(voxels + np.int16(number), np.eye(4)), tmp_path / f"P{number}.nii.gz")
        nib.save(nib.Nifti1Image(np.roll(mask, number, 0), np.eye(4)), tmp_path / f"P{number}_a.nii.gz")
    sets = ("training", "testing")
    lines = [f"P{number},{number % 2},{sets[number // 2]}\n" for number in range(4)]
    (tmp_path / "s.csv").write_text("id,y,set\n" + "".join(lines))
    (tmp_path / "s.yaml").write_text(STUDY)
    write_signature(_of_one_feature(), tmp_path / "t2.json")
    write_signature(clinical_signature(), tmp_path / "signature.json")
    synthetic.write(tmp_path / "dicom", synthetic.t2())
    return tmp_path


def _of_one_feature():
    """A signature that the study file does not contradict."""
    protocol = parse_protocol(STUDY)
    term = Term("T2:original_firstorder_Mean", None, 250.0, 50.0, 1.0, (0.0, 500.0))
    return Signature(
        study="other", model="T2", notice="", outcome={"positive": "1", "negative": "0", "label": "y"},
        form=LinearForm(0.0, (term,)), cutoff=0.5, sequences=("T2",), clinical={}, prepare=(),
        extract=protocol.extract.deciding_features(),
        training={"lesions": 9, "patients": 9, "positive": 4, "rows_hash": ""}, versions={},
    )  # fmt: skip


STUDY = """
study: a full disk
cohort:
  table: s.csv
  patient: id
  outcome: {column: y, positive: "1"}
  split: {column: set}
  images: "{patient}.nii.gz"
  masks: "{patient}_{reader}.nii.gz"
  readers: [a]
sequences: [T2]
agree: {icc: null}
model: {select: [{impute: median}], models: {T2: [T2]}}
"""


@pytest.mark.parametrize("name", CALLS)
def test_a_command_that_cannot_write_ends_with_2_and_leaves_nothing_half(lesion, name):
    done = run(lesion, *CALLS[name], size=60)
    assert done.returncode == 2
    assert "cannot be written" in done.stderr and "Traceback" not in done.stderr
    assert [one for one in (lesion / "out").rglob("*") if one.is_file() and one.stat().st_size > 60] == []
    assert list((lesion / "out").rglob(".part-*")) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize("arguments", [("mask", "list", "m.nii.gz"), ("extract", *PAIR, "--json"), ("--version",)])
def test_what_is_printed_and_cannot_be_is_said(lesion, arguments):
    done = run(lesion, *arguments, output="/dev/full")
    assert done.returncode == 2
    assert "the command's output, or a temporary file, cannot be written: No space left" in done.stderr


def test_compiled_code_that_cannot_be_kept_costs_no_case(lesion):
    done = run(lesion, "extract", *PAIR, size=200, NUMBA_CACHE_DIR=str(lesion / "cache"))
    assert (done.returncode, "The compiled code cannot be kept (File too large)" in done.stderr) == (0, True)


def test_the_demo_stops_at_once(tmp_path):
    done = run(tmp_path, "demo", "--patients", "60", "--jobs", "2", "--out", "demo", size=5_000)
    assert done.returncode == 2
    assert "cannot be written" in done.stderr and "Traceback" not in done.stderr
    assert len({file.parent for file in (tmp_path / "demo" / "data" / "images").rglob("*.nii.gz")}) == 0
    assert len(list((tmp_path / "demo" / "data" / "images").iterdir())) <= 8
