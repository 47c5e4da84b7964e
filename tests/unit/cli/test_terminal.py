"""What a command says while it works: progress where the output is a file, and that kernels are compiled."""

import itertools
import os
import subprocess
import sys

import numpy as np

from radstudy.cli.terminal import bar
from radstudy.formats.raster import write_raster


def test_progress_is_a_line_now_and_then_where_the_output_is_no_terminal(monkeypatch, capsys):
    clock = itertools.count(step=7.0)
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    assert list(bar(range(20), 20, "prepare")) == list(range(20))
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "prepare: 5 of 20, about 105 s left"
    assert 2 <= len(lines) <= 5


def test_quick_work_says_nothing(capsys):
    assert list(bar(range(5), 5, "masks")) == list(range(5))
    assert capsys.readouterr().err == ""


def test_compiling_is_said_once_and_not_where_it_was_done(tmp_path):
    """Twenty to sixty silent seconds look like a program that hangs."""
    mask = np.zeros((12, 12, 6), np.uint8)
    mask[3:9, 3:9, 1:5] = 1
    rng = np.random.default_rng(0)
    write_raster(tmp_path / "i.nii.gz", rng.integers(0, 400, mask.shape).astype(np.int16), np.eye(4))
    write_raster(tmp_path / "m.nii.gz", mask, np.eye(4))
    (tmp_path / "p.yaml").write_text(
        "imageType: {Original: {}}\nfeatureClass: {firstorder: [Mean]}\n", encoding="utf-8"
    )
    call = [sys.executable, "-m", "radstudy", "extract", "--image", "i.nii.gz", "--mask", "m.nii.gz",
            "--settings", "p.yaml"]  # fmt: skip
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "compiled")}
    first, second = (
        subprocess.run(call, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
        for _ in range(2)
    )
    assert first.stderr.count("Compiling, once on this computer") == 1
    assert "Compiling" not in second.stderr
    assert first.stdout == second.stdout
