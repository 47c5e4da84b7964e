"""The examples in docstrings run and print what they say."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import radstudy

SOURCE = Path(radstudy.__file__).parent
MODULES = [
    ".".join(("radstudy", *file.relative_to(SOURCE).with_suffix("").parts)).removesuffix(".__init__")
    for file in sorted(SOURCE.rglob("*.py"))
    if ">>> " in file.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)  # an example may write a file
    module = import_module(name)
    lines = Path(module.__file__).read_text(encoding="utf-8").splitlines()
    written = [line for line in lines if line.strip().startswith(">>> ") and "# doctest: +SKIP" not in line]
    found = doctest.testmod(module)
    assert found.failed == 0
    assert found.attempted == len(written)
