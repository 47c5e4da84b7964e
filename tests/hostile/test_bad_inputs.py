"""Small inputs that once ended in a traceback, a crash, a hang or in silence: now in a clean error, or rightly.

The inputs are those of shared/data/bad_inputs: a folder a format. A file that may end well is in a table *_right.csv
beside this file, with the reason why the result is right; every other one must end in an error that names it.

By default the first of the inputs that once ended alike is tried; the others are long.
"""

import csv
import re
from pathlib import Path

import pytest

from conftest import real_data_folder
from hostile.kinds import KINDS, load_kinds
from hostile.sandbox import Sandbox

HERE = Path(__file__).resolve().parent
load_kinds()
FOLDER = real_data_folder() / "bad_inputs"
FILES = sorted(file for name in KINDS for file in (FOLDER / name).glob("*"))
FIRST = re.compile(r"_1[._]")  # the names number the inputs that once ended alike
INPUTS = [
    pytest.param(file, id=f"{file.parent.name}/{file.name}", marks=() if FIRST.search(file.name) else pytest.mark.long)
    for file in FILES
] or [pytest.param(None, id="none")]


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as started:
        yield started


@pytest.fixture(scope="module")
def right():
    found = {}
    for table in sorted(HERE.glob("*_right.csv")):
        with table.open(encoding="utf-8", newline="") as opened:
            found |= {row["file"]: row["why"] for row in csv.DictReader(opened)}
    return found


@pytest.mark.parametrize("file", INPUTS)
def test_a_bad_input_ends_in_a_clean_error_or_in_the_right_result(file, real_data, sandbox, right):
    assert file is not None, f"no bad inputs in {FOLDER}"
    outcome = sandbox.run(file.parent.name, file)
    name = f"{file.parent.name}/{file.name}"
    assert not outcome.is_fault, f"{outcome.signature} ({outcome.seconds:.1f} s)\n{outcome.detail}"
    if outcome.ending == "ok":
        assert name in right, f"ended well, and no table says why that is right: {outcome.detail}"
    else:
        assert name not in right, f"this is right ({right.get(name)}), and was refused: {outcome.detail}"
