"""The version, git's tag and the changelog say the same."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
spec = importlib.util.spec_from_file_location("ci_version", ROOT / ".ci" / "version.py")
version = importlib.util.module_from_spec(spec)
spec.loader.exec_module(version)

LOG = "# Changelog\n\n## Unreleased\n\n## 0.2.0 (2026-12-01)\n"


@pytest.mark.parametrize(
    ("stated", "here", "everywhere", "says"),
    [
        ("0.2.0", ["v0.2.0"], ["v0.2.0"], None),
        ("0.2.0", ["v0.2.0", "reviewed"], ["v0.2.0", "reviewed"], None),
        ("0.3.0.dev0", [], ["v0.2.0", "v0.1.9"], None),
        ("0.1.0.dev0", [], [], None),
        ("0.2.0", ["v0.2.1"], ["v0.2.1"], "tagged v0.2.1, and _version.py says 0.2.0"),
        ("0.2.0.dev0", ["v0.2.0"], ["v0.2.0"], "tagged v0.2.0, and _version.py says 0.2.0.dev0"),
        ("0.2.1", ["v0.2.1"], ["v0.2.1"], "no section '## 0.2.1'"),
        ("0.2.0", [], [], "not tagged v0.2.0"),
        ("0.2.0.dev0", [], ["v0.2.0"], "not later than v0.2.0"),
        ("0.9.0.dev0", [], ["v0.10.0"], "not later than v0.10.0"),
        ("0.2", [], [], "neither"),
    ],
)
def test_a_tag_and_a_version_that_disagree_are_told(stated, here, everywhere, says):
    said = version.disagreement(stated, here, everywhere, LOG)
    assert (said is None) if says is None else (said is not None and says in said)


def test_this_checkout_agrees(capsys):
    if not (ROOT / ".git").exists():
        pytest.skip("not a checkout of git: an sdist has no tags")
    version.main()
    assert "agrees" in capsys.readouterr().out
