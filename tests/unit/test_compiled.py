"""The cache of compiled kernels holds for the sources that they were compiled from, and for no others."""

import inspect
import os
import subprocess
import sys
from pathlib import Path

import pytest

from radstudy import compiled

INNER = """
from kernels_of_mine.compiled import jit
from kernels_of_mine.constants import (
    STEP,
)

@jit()
def raised(x):
    return x + STEP
"""
OUTER = """
from kernels_of_mine.compiled import jit
from kernels_of_mine import inner
from kernels_of_mine.inner import raised

@jit()
def doubled(x):
    return 2 * raised(x)

if __name__ != "__main__":
    print(doubled(1.0), doubled.stats.cache_hits and "kept" or "compiled")
"""


@pytest.fixture
def package(tmp_path):
    """A package with a kernel that calls another file's, which has its constant from a third; says what it gives."""
    folder = tmp_path / "kernels_of_mine"
    folder.mkdir()
    (folder / "__init__.py").touch()
    (folder / "compiled.py").write_text(inspect.getsource(compiled), encoding="utf-8")
    (folder / "constants.py").write_text("STEP = 1.0\n", encoding="utf-8")
    (folder / "inner.py").write_text(INNER, encoding="utf-8")
    (folder / "outer.py").write_text(OUTER, encoding="utf-8")
    here = os.pathsep.join(
        [str(tmp_path), str(Path(compiled.__file__).parents[1])]
    )  # this source, not an installed one
    environment = os.environ | {"PYTHONPATH": here, "PYTHONDONTWRITEBYTECODE": "1"}
    environment.pop("NUMBA_CACHE_DIR", None)

    def run(**more):
        done = subprocess.run(
            [sys.executable, "-c", "import kernels_of_mine.outer"], env=environment | more, capture_output=True,
            text=True, check=True,
        )  # fmt: skip
        return tuple(done.stdout.split())

    return folder, run


def test_a_kernel_is_kept_while_no_source_changes(package):
    _, run = package
    assert run() == ("4.0", "compiled")
    assert run() == ("4.0", "kept")


@pytest.mark.parametrize(
    ("file", "text", "result"),
    [("inner.py", INNER.replace("x + STEP", "x - STEP"), "0.0"), ("constants.py", "STEP = 9.0\n", "20.0")],
    ids=["function", "constant"],
)
def test_an_edit_of_what_a_kernel_calls_is_not_missed(package, file, text, result):
    folder, run = package
    assert run() == ("4.0", "compiled")
    (folder / file).write_text(text, encoding="utf-8")
    assert run() == (result, "compiled")


def test_without_the_compiler_kernels_are_plain_functions(package):
    folder, run = package
    (folder / "outer.py").write_text(OUTER.replace("doubled.stats.cache_hits and", "0 and"), encoding="utf-8")
    assert run(NUMBA_DISABLE_JIT="1")[0] == "4.0"
