"""Every package that runs with radstudy has a licence that we know, and that stands in docs/dependencies.md."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("ci_licences", ROOT / ".ci" / "licences.py")
licences = importlib.util.module_from_spec(spec)
spec.loader.exec_module(licences)


def test_the_packages_of_this_environment_are_allowed_and_in_the_table():
    known, refused = licences.examined(licences.needed("radstudy"))
    assert not refused
    assert {"numpy", "simpleitk", "certifi"} <= set(known) and "radstudy" not in known and "pytest" not in known
    missing = sorted(set(known) - set(licences.read_table()))
    assert not missing, "python .ci/licences.py --write"


@pytest.mark.parametrize(
    ("expression", "field", "classifiers", "spdx"),
    [
        ("MIT", None, [], "MIT"),
        ("GPL-3.0-only OR MIT", None, [], "MIT"),
        (
            "Apache-2.0 WITH LLVM-exception AND BSD-2-Clause",
            None,
            [],
            "Apache-2.0 WITH LLVM-exception AND BSD-2-Clause",
        ),
        (None, "Apache", [], "Apache-2.0"),
        (None, "Copyright (c) 2001\nmany lines", ["License :: OSI Approved :: BSD License"], "BSD-3-Clause"),
    ],
)
def test_a_licence_is_read_as_packages_state_it(expression, field, classifiers, spdx):
    assert licences.licence(expression, field, classifiers) == spdx


@pytest.mark.parametrize(
    ("expression", "field", "classifiers"),
    [
        ("GPL-3.0-only", None, []),
        ("MIT AND GPL-2.0-or-later", None, []),
        (None, "GPL", ["License :: OSI Approved :: GNU General Public License v3 (GPLv3)"]),
        (None, "free for academic use", []),
        (None, None, ["License :: OSI Approved"]),
        (None, None, []),
        (None, "see LICENSE", ["License :: OSI Approved :: MIT License", "License :: Other/Proprietary License"]),
    ],
)
def test_an_unknown_or_incompatible_licence_is_refused(expression, field, classifiers):
    with pytest.raises(licences.UnknownLicenceError):
        licences.licence(expression, field, classifiers)
