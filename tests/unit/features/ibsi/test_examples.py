import doctest
from importlib import import_module
from pathlib import Path

import pytest

import radstudy.features.ibsi

MODULES = sorted(path.stem for path in Path(radstudy.features.ibsi.__file__).parent.glob("[a-z]*.py"))


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_in_docstrings_run(module):
    assert doctest.testmod(import_module(f"radstudy.features.ibsi.{module}")).failed == 0
