"""What is kept of finished work comes back for its own key only."""

import os
import subprocess
import sys

import pytest

from radstudy.kept import keep, kept, read_kept
from radstudy.store import PROVENANCE, StepFolder, machine, read_json, remove_parts, write_text


def test_a_record_comes_back_under_its_key_and_under_no_other(tmp_path):
    file = tmp_path / "volumes" / "1.json"
    assert kept(file, "a") is None
    written = keep(file, "a", {"lesions": [1, 2]}, compact=True)
    assert kept(file, "a") == written == {"key": "a", "lesions": [1, 2]}
    assert kept(file, "b") is None
    assert keep(file, "b", {"lesions": []}) == read_kept(file) == kept(file, "b")
    assert kept(file, "a") is None


def test_provenance_says_which_processor_and_what_kernels_were_compiled_for(tmp_path, monkeypatch):
    step = StepFolder(tmp_path / "prepare")
    step.finish("key", settings={}, inputs={}, seconds=1.0)
    here = read_json(step.path / PROVENANCE)["machine"]
    assert here == machine()
    assert here["processor"]
    monkeypatch.setenv("NUMBA_CPU_NAME", "generic")
    generic = machine()
    assert (generic["processor"], generic["kernel_target"]) == (here["processor"], "generic")
    monkeypatch.setenv("NUMBA_CPU_FEATURES", "+sse2")
    assert machine()["kernel_features"] != generic["kernel_features"]


@pytest.mark.parametrize("name", [None, "generic", "nehalem"])
def test_the_kernel_target_is_the_one_that_numba_compiles_for(monkeypatch, name):
    code = (
        "from numba.core.registry import cpu_target; from radstudy.store import content_hash, machine\n"
        "_, name, features = cpu_target.target_context.codegen().magic_tuple()\n"
        "here = machine(); assert here['kernel_target'] == name, (here, name)\n"
        "assert here['kernel_features'] == content_hash(features), features"
    )
    if name is not None:
        monkeypatch.setenv("NUMBA_CPU_NAME", name)
    subprocess.run([sys.executable, "-c", code], check=True)


def test_parts_of_a_killed_program_are_removed_and_those_of_a_living_one_stay(tmp_path):
    write_text(tmp_path / "a" / "whole.txt", "whole")
    for name in (".part-old", ".part-new"):
        (tmp_path / "a" / name).mkdir()
        (tmp_path / "a" / name / "whole.txt").write_text("who")
    hours_ago = (tmp_path / "a" / ".part-new").stat().st_mtime - 7200
    os.utime(tmp_path / "a" / ".part-old", (hours_ago, hours_ago))
    remove_parts(tmp_path)
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [".part-new", "whole.txt"]
    remove_parts(tmp_path / "not there")
