"""What a step's provenance says of the machine, and of the kernels that it ran."""

import subprocess
import sys

import pytest

from radstudy.provenance import PROVENANCE, StepFolder, machine
from radstudy.store import read_json


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
        "from numba.core.registry import cpu_target; from radstudy.provenance import machine\n"
        "from radstudy.store import content_hash\n"
        "_, name, features = cpu_target.target_context.codegen().magic_tuple()\n"
        "here = machine(); assert here['kernel_target'] == name, (here, name)\n"
        "assert here['kernel_features'] == content_hash(features), features"
    )
    if name is not None:
        monkeypatch.setenv("NUMBA_CPU_NAME", name)
    subprocess.run([sys.executable, "-c", code], check=True)
