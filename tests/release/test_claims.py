"""SECURITY.md and docs/portability.md name modules and tests; each of them is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("page", "least"), [("SECURITY.md", 50), ("docs/portability.md", 12), ("docs/container.md", 2)]
)
def test_what_a_page_names_is_there(page, least):
    text = (ROOT / page).read_text(encoding="utf-8")
    named = re.findall(r"`([\w./]+\.(?:py|yml|yaml|md)|[a-z_]+(?:/[a-z_]+)*/)`", text)
    named += re.findall(r"\b(docs/\w+\.md)", text)
    missing = [name for name in named if not any((ROOT / place / name).exists() for place in ("", "src/radstudy"))]
    assert missing == []
    assert len(named) >= least
