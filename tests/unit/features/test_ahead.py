"""Kernels compiled beside an extraction: those that it needs, kept where it finds them."""

import os
import subprocess
import sys

import numpy as np
import pytest

from radstudy.features import ahead
from radstudy.formats.raster import write_raster

COUNTED = """
import sys
from numba.core import event
from radstudy import extract
event.register("numba:compile", told := event.RecordingListener())
extract(*sys.argv[1:])
print(sum(one.is_start for _, one in told.buffer))
"""


def test_the_kernels_are_compiled_without_a_lesion():
    ahead.compile_the_last()


@pytest.mark.parametrize(("cores", "asked"), [(1, 0), (2, 1)])
def test_a_process_beside_this_one_is_asked_for_where_a_core_is_free(monkeypatch, cores, asked):
    acts = []
    monkeypatch.setattr(ahead, "cores", lambda: cores)
    monkeypatch.setattr(ahead, "when_compiling", acts.append)
    ahead.compile_ahead()
    assert len(acts) == asked


@pytest.mark.long  # compiles everything, twice
def test_a_first_extraction_finds_what_was_compiled_beside_it(tmp_path):
    rng = np.random.default_rng(0)
    mask = np.zeros((30, 30, 20), np.uint8)
    mask[8:20, 8:20, 5:15] = 1
    write_raster(tmp_path / "i.nii.gz", rng.integers(0, 400, mask.shape).astype(np.int16), np.eye(4))
    write_raster(tmp_path / "m.nii.gz", mask, np.eye(4))

    def compiled(folder):
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(folder)}
        command = [sys.executable, "-c", COUNTED, str(tmp_path / "i.nii.gz"), str(tmp_path / "m.nii.gz")]
        return int(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)

    subprocess.run(
        [sys.executable, "-m", ahead.__name__],
        env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / "ahead")},
        check=True,
    )
    alone, helped = compiled(tmp_path / "alone"), compiled(tmp_path / "ahead")
    print(f"functions compiled by an extraction: {alone} alone, {helped} after the kernels ahead")
    assert helped < 0.6 * alone
