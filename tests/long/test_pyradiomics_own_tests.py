"""PyRadiomics' own tests through the drop-in: its tests and baselines as they are, only their import line changed.

They are not part of this repository. Unpack PyRadiomics' source (``pip download pyradiomics==3.0.1 --no-deps
--no-binary :all:``) and name its folder in RADSTUDY_PYRADIOMICS_SOURCE. Needs the packages six and parameterized.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = os.environ.get("RADSTUDY_PYRADIOMICS_SOURCE", "")
pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not SOURCE, reason="RADSTUDY_PYRADIOMICS_SOURCE does not name PyRadiomics' source folder"),
]

# The names of imports and of the data's folder.
CHANGED = [
    (r"^from radiomics import", "from radstudy.compat import"),
    (r"^from nose_parameterized import", "from parameterized import"),
    (r"= '\.\./data/baseline", f"= '{SOURCE}/data/baseline"),
    (r"os\.path\.join\(os\.path\.dirname\(os\.path\.abspath\(__file__\)\), \"\.\.\", \"data\"\)", f"'{SOURCE}/data'"),
]  # fmt: skip


def changed(text: str) -> str:
    for pattern, new in CHANGED:
        text = re.sub(pattern, new, text, flags=re.MULTILINE)
    return text


def run(folder: Path, name: str) -> tuple[int, list[str]]:
    """Run a test file; the number of tests that passed, and the names of those that did not."""
    for one in ("testUtils", name):
        text = (Path(SOURCE) / "tests" / f"{one}.py").read_text(encoding="utf-8")
        (folder / f"{one}.py").write_text(changed(text), encoding="utf-8")
    data = folder / "pyradiomics" / "data"  # where getTestCase looks
    data.mkdir(parents=True)
    for file in (Path(SOURCE) / "data").glob("*.nrrd"):
        shutil.copy(file, data)
    answer = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "-W", "ignore", "-c",
         os.devnull, "--rootdir", str(folder), "-rfE", f"{name}.py"],
        cwd=folder, env={**os.environ, "TMPDIR": str(folder)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    print(answer.stdout[-6000:], answer.stderr[-2000:])
    passed = re.search(r"(\d+) passed", answer.stdout.strip().splitlines()[-1])
    return int(passed[1]) if passed else 0, re.findall(r"^(?:FAILED|ERROR) (\S+)", answer.stdout, re.MULTILINE)


def test_features_of_the_baselines(tmp_path):
    passed, failed = run(tmp_path, "test_features")
    # A flat region's entropy is 0 here. The baseline's -3.2e-16 is the logarithm of 1 plus a last bit, and the tests
    # compare by percent of it.
    flat = re.compile(r"flatRegion_original_glcm_(?:Joint|Sum|Difference)Entropy$")
    # The masks of one slice are not in the package of the source: put them into its folder data.
    masks = list((Path(SOURCE) / "data").glob("*_label_2D.nrrd"))
    known = re.compile(f"{flat.pattern}|{'$^' if masks else '_shape2D_'}")
    assert [name for name in failed if not known.search(name)] == []
    assert passed > 3000


def test_every_feature_has_a_docstring(tmp_path):
    passed, failed = run(tmp_path, "test_docstrings")
    assert (passed > 100, failed) == (True, [])


@pytest.mark.parametrize(
    "file", sorted((Path(SOURCE) / "examples" / "exampleSettings").glob("*.yaml")) if SOURCE else []
)
def test_example_settings_are_read(file):
    from radstudy.compat import RadiomicsFeatureExtractor

    assert RadiomicsFeatureExtractor(str(file)).enabledFeatures
