"""Where a test stands: in the folder of tests/unit that its code has in src/radstudy, so that either finds the other.

A test over the modules of a folder stands in that folder under a name of its own; one over several folders in the
lowest that has them all.
"""

from pathlib import Path

import pytest

import radstudy

UNIT = Path(__file__).resolve().parent
SOURCE = Path(radstudy.__file__).parent
FOLDERS = sorted(folder.relative_to(UNIT) for folder in {file.parent for file in UNIT.rglob("test_*.py")})
MODULES = [file.relative_to(SOURCE) for file in SOURCE.rglob("*.py") if file.stem != "__init__"]
PACKAGES = [file.parent.relative_to(SOURCE) for file in SOURCE.rglob("__init__.py")]


@pytest.mark.parametrize("folder", FOLDERS, ids=str)
def test_a_folder_of_tests_is_one_of_the_source(folder):
    assert (SOURCE / folder).is_dir(), f"move the tests of {UNIT / folder} to where their code is"


def test_a_test_that_is_called_as_a_module_stands_in_its_folder_or_above():
    astray = {}
    for file in sorted(UNIT.rglob("test_*.py")):
        name, folder = file.stem.removeprefix("test_"), file.parent.relative_to(UNIT)
        named = [module.with_suffix("") for module in MODULES if module.stem == name]
        named += [package for package in PACKAGES if package.name == name]
        if named and not any(one == folder or one.is_relative_to(folder) for one in named):
            astray[file.relative_to(UNIT).as_posix()] = [one.as_posix() for one in named]
    assert astray == {}, "move these tests, or give them other names"
