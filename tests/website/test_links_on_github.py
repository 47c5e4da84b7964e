"""Links between the pages of docs/ lead to files of the repository: they work where nothing is generated, too."""

import re
from pathlib import Path

import pytest

from website.pages import FOLDERS

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", sorted(DOCS.glob("*.md")), ids=lambda page: page.name)
def test_a_page_links_to_files_that_are_kept(page):
    for target in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target
            assert target.split("/")[0] not in FOLDERS, f"{target} is generated: GitHub does not have it"
